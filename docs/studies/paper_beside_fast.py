"""The paper's recipe at full length and `fast`, step by step on the same fold: for study 0005.

    python docs/studies/paper_beside_fast.py      0005-paper-length.png, from 0005-paper-length.csv and 0005-fast.csv

The tables are the ``history.csv`` of the two runs that the study names.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

HERE = Path(__file__).parent
SHOWN = (("paper", "0005-paper-length.csv", "C0"), ("fast", "0005-fast.csv", "C1"))


def main():
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for recipe, table, colour in SHOWN:
        history = pd.read_csv(HERE / table)
        axes.plot(history.step, history.train_mape_percent, color=colour, lw=0.6, alpha=0.5)
        axes.plot(history.step, history.validation_mape_percent, color=colour, lw=1.2, label=f"recipe {recipe}")
        counted = history[history.step >= 0.1 * (5000 if recipe == "paper" else 1000)]
        best = counted.loc[counted.validation_mape_percent.idxmin()]
        axes.plot(best.step, best.validation_mape_percent, "o", color=colour, mec="white", ms=7)
    axes.set(xscale="log", yscale="log", xlabel="steps of 38 crops", ylabel="MAPE per crop / %", xlim=(6, None))
    axes.set_yticks([3, 5, 10, 20, 50], ["3", "5", "10", "20", "50"])
    axes.set_yticks([], minor=True)
    axes.set_title(
        "SIMULATED, specific capacity, first fold of the published protocol\n"
        "strong: validation (dot: the weights that were kept); pale: training, with dropout and moves",
        fontsize=8, loc="left",
    )  # fmt: skip
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(HERE / "0005-paper-length.png", dpi=150)


if __name__ == "__main__":
    main()
