"""How much more other runs err than the paper's recipe, crop by crop of the same fold: for study 0005.

    python docs/studies/beside_paper_length.py PAPER_RUN RUN...      prints; specific capacity, first fold

The difference of the MAPE per crop in points, with its 95 % interval over crops drawn anew (4000 draws, seed 0). It
says what so few crops of one fold can tell, and nothing of how networks of other seeds differ.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

DRAWS = 4000


def errors_of(run, part):
    """MAPE in % of each crop."""
    table = pd.read_csv(run / "specific" / "fold_predictions.csv")
    own = table[(table["part"] == part) & (table["fold"] == 0)]
    return (100.0 * (own["predicted"] / own["measured"] - 1.0).abs()).groupby([own["file"], own["section"]]).mean()


def main(paper, *runs):
    for part in ("validation", "test"):
        of_paper = errors_of(paper, part)
        print(f"{part}: {paper.name} {of_paper.mean():.2f} %, {len(of_paper)} crops")
        for run in runs:
            own, rng = errors_of(run, part), np.random.default_rng(0)
            more = (own - of_paper).to_numpy()
            low, high = np.quantile([rng.choice(more, len(more)).mean() for _ in range(DRAWS)], (0.025, 0.975))
            print(f"  {run.name}: {own.mean():.2f} %, {more.mean():+.2f} points ({low:+.2f} to {high:+.2f})")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
