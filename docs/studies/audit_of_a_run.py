"""The tables of an audit, shortened for study 0007.

    ratescope audit RUN                            writes RUN/audit.html and its tables; two and a half minutes
    python docs/studies/audit_of_a_run.py RUN      0007-audit-artefacts.csv and three more

Random weights and hidden places: means over the crops that were asked. Relevance: all electrodes together.
"""

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent


def means(table, by, columns):
    return table.groupby(by)[columns].mean().reset_index()


def main(run):
    artefacts = pd.read_csv(run / "audit.csv")
    weights = pd.read_csv(run / "audit_sanity.csv")
    hidden = pd.read_csv(run / "audit_deletion.csv")
    relevance = pd.read_csv(run / "audit_relevance.csv")
    hidden["moved"] = hidden["moved"].abs()
    tables = {
        "artefacts": artefacts,
        "random-weights": means(weights, ["capacity", "method", "random_layers"], ["signed", "absolute"]),
        "hidden": means(hidden, ["capacity", "unit", "way", "order", "share"], ["moved"]),
        "relevance": relevance[relevance["electrode"].isna()].drop(columns=["electrode", "porosity"]),
    }
    for name, table in tables.items():
        table.round(4).to_csv(HERE / f"0007-audit-{name}.csv", index=False, float_format="%.5g")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
