"""The figures of study 0006, from 0006-scores.csv and 0006-new-electrodes.csv; all of it is simulated.

python docs/studies/evaluation_figures.py      0006-protocols.png, 0006-continuum.png, 0006-new-electrodes.png
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from ratescope.evaluation.figures.ladder import COLOUR_OF_KIND
from ratescope.evaluation.ladder import LADDER
from ratescope.evaluation.metrics import NETWORK
from ratescope.units import CAPACITIES, CAPACITY_NAME, RATES_PER_H

HERE = Path(__file__).parent
PAPER = {"specific": 1.30, "density": 1.58}  # section 3.1: MAPE per crop, test part, %
PROTOCOLS = {"as-published": ("o", "#d55e00"), "by-specimen": ("s", "#0072b2"), "by-electrode": ("D", "#1d2a36")}
ORACLES = ("crop oracle", "field oracle", "electrode oracle")


def tested(scores, run, capacity, level):
    """What every predictor scored in one run, by its name."""
    own = scores[(scores["run"] == run) & (scores["capacity"] == capacity) & (scores["one_value_is"] == level)]
    return own[own["part"] == "test"].set_index("who")


def draw_protocols(scores, target):
    """One line per predictor: its error per crop under each protocol."""
    runs = [run for run in PROTOCOLS if run in set(scores["run"])]
    figure, panels = plt.subplots(1, 2, figsize=(10.2, 4.0), layout="constrained", sharey=True)
    for axes, capacity in zip(panels, CAPACITIES, strict=True):
        by_run = {run: tested(scores, run, capacity, "per_crop")["mape_percent"] for run in runs}
        shown = [who for who in (*LADDER, NETWORK, *ORACLES) if any(who in errors for errors in by_run.values())]
        for place, who in enumerate(shown):
            errors = [of_run[who] for of_run in by_run.values() if of_run.get(who, 0.0) > 0.0]
            axes.plot(errors, [place] * len(errors), color="0.85", lw=2, zorder=1)
        for run, of_run in by_run.items():
            mark, colour = PROTOCOLS[run]
            known = [(of_run[who], place) for place, who in enumerate(shown) if of_run.get(who, 0.0) > 0.0]
            axes.plot(*zip(*known, strict=True), mark, color=colour, ms=6, mec="white", label=run)
        axes.axvline(PAPER[capacity], color="0.4", ls=":", label="the paper, as published, on real micrographs")
        axes.set(xscale="log")
        axes.set_xticks([0.5, 1, 2, 5, 10, 20, 50], ["0.5", "1", "2", "5", "10", "20", "50"])
        axes.set_title(f"SIMULATED, {CAPACITY_NAME[capacity]}", fontsize=9.5, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(shown)), shown)
    panels[0].get_yticklabels()[shown.index(NETWORK)].set_fontweight("bold")
    panels[0].invert_yaxis()
    figure.supxlabel("MAPE per crop / %, logarithmic; what is looked up without any error is left out", fontsize=9)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(target, dpi=150)


def draw_continuum(scores, target):
    """Forty electrodes, whole ones held out: the error of each predictor at each C-rate."""
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.2), layout="constrained", sharey=True)
    columns = [f"mape_percent_{rate:g}C" for rate in RATES_PER_H]
    kinds = {who: kind for who, (kind, _) in LADDER.items()} | {NETWORK: "network"} | dict.fromkeys(ORACLES, "truth")
    dashes = dict(zip(kinds, ("-", "-", "-", "--", ":", "-", "--", "-", ":", "-", "--"), strict=False))
    for axes, capacity in zip(panels, CAPACITIES, strict=True):
        errors = tested(scores, "continuum", capacity, "per_electrode")
        for who in (who for who in kinds if who in errors.index):
            style = {"color": COLOUR_OF_KIND[kinds[who]], "ls": dashes[who], "lw": 2.6 if who == NETWORK else 1.3}
            axes.plot(range(len(columns)), errors.loc[who, columns].to_numpy(float), "o", ms=3.5, label=who, **style)
        axes.set(xticks=range(len(columns)), yscale="log", xlabel="C-rate")
        axes.set_xticklabels([f"{rate:g}C" for rate in RATES_PER_H])
        axes.set_title(f"SIMULATED, {CAPACITY_NAME[capacity]}", fontsize=9.5, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("MAPE per electrode / %")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=8)
    figure.savefig(target, dpi=150)


def draw_new_electrodes(rows, target):
    """Who errs how much more than the bundled ensemble on electrodes made afterwards, with intervals."""
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.4), layout="constrained", sharey=True)
    for axes, capacity in zip(panels, CAPACITIES, strict=True):
        own = rows[(rows["capacity"] == capacity) & (rows["campaign"] == "fresh")].set_index("who")
        shown = [who for who in own.index if who not in {"ensemble", "mean curve"}]
        for place, who in enumerate(shown):
            row = own.loc[who]
            axes.plot([row["minus_ensemble_low"], row["minus_ensemble_high"]], [place] * 2, color="0.6", lw=2)
            axes.plot(row["minus_ensemble"], place, "o", color="#1d2a36", ms=6)
        axes.axvline(0.0, color="#d55e00", lw=1.5)
        axes.set_title(f"SIMULATED, {CAPACITY_NAME[capacity]}", fontsize=9.5, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(shown)), shown)
    panels[0].invert_yaxis()
    figure.supxlabel(
        "MAPE per electrode, more than the bundled ensemble's / points; lines: 95 % over 40 electrodes", fontsize=9
    )
    figure.savefig(target, dpi=150)


if __name__ == "__main__":
    table = pd.read_csv(HERE / "0006-scores.csv")
    if set(PROTOCOLS) & set(table["run"]):
        draw_protocols(table, HERE / "0006-protocols.png")
    if "continuum" in set(table["run"]):
        draw_continuum(table, HERE / "0006-continuum.png")
    draw_new_electrodes(pd.read_csv(HERE / "0006-new-electrodes.csv"), HERE / "0006-new-electrodes.png")
