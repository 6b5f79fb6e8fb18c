"""Make what ratescope ships: the bundled ensemble and the micrographs of the demo. All of it is simulated.

    make bundled

The ensemble is the run `continuum` of study 0006: its card says what the study says, of single networks on what was
held out of their training and of their mean on electrodes made afterwards. Everything is kept under scratch/0006/, as
the study keeps it, so that an interrupted run goes on where it stopped.
"""

import csv
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
from new_electrodes import ENSEMBLE, rows_of

from evaluation import CAMPAIGNS, made, run_of, trained
from ratescope.demo import EXPECTED, bundled_micrographs
from ratescope.evaluation.held_out import HeldOutErrors
from ratescope.evaluation.ladder import LADDER
from ratescope.evaluation.tables import CURVE_COLUMNS
from ratescope.files import write_csv, write_json
from ratescope.model import BUNDLED, how_far_off
from ratescope.predict import predict_files
from ratescope.units import CAPACITIES, RATES_PER_H, Capacity
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.mosaic_file import write_micrograph
from ratescope.virtual_lab.packing import cut_cross_section

ROOT = Path(__file__).parents[2]
SCRATCH = ROOT / "scratch"
WORK = SCRATCH / "0006"
RUN, AFTERWARDS = run_of("continuum"), "fresh"
DEMO = (("loose", 0.0, 0.46), ("medium", 180.0, 0.31), ("dense", 620.0, 0.21))  # name, load in MPa, porosity
DEMO_COLUMNS = 2800
DEMO_SEED = 77  # of no campaign: these micrographs were never trained on


def make_ensemble() -> None:
    run = trained(RUN, WORK)
    for capacity in CAPACITIES:
        for weights in sorted((run / capacity).glob("fold_*/weights.safetensors")):
            target = BUNDLED / "ensemble" / weights.relative_to(run)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(weights, target)
    write_card(run)


def write_card(run: Path) -> None:
    """How far one network, and the mean of them, errs on new electrodes, beside the best rung without one."""
    errors = [known for capacity in CAPACITIES if (known := how_far_off(run, capacity)) is not None]
    card = {"schema": 3, "simulated": True, "command": "make bundled", "campaign": CAMPAIGNS[RUN.campaign]}
    card |= {"held_out": [asdict(known) for known in errors], "campaign_afterwards": CAMPAIGNS[AFTERWARDS]}
    campaigns = made(RUN.campaign, WORK), made(AFTERWARDS, WORK)
    afterwards = [asdict(erred_afterwards(capacity, campaigns)) for capacity in CAPACITIES]
    write_json(BUNDLED / "ensemble" / "card.json", card | {"afterwards": afterwards})


def erred_afterwards(capacity: Capacity, campaigns: tuple[Path, Path]) -> HeldOutErrors:
    """The mean of all networks on the electrodes of the second campaign, which none of them knew."""
    rows = {row["who"]: row for row in rows_of(capacity, campaigns)}
    own = rows[ENSEMBLE]
    rungs = {who: rows[who]["per_electrode"] for who, (kind, _) in LADDER.items() if kind in {"blind", "image"}}
    rung = min(rungs, key=rungs.get)
    by_c_rate = {f"{rate:g}": own[f"mape_percent_{rate:g}C"] for rate in RATES_PER_H}
    return HeldOutErrors(
        capacity, "by-electrode", own["electrodes"], own["per_electrode"], by_c_rate, rung, rungs[rung]
    )


def make_micrographs() -> None:
    for number, (name, load_mpa, porosity) in enumerate(DEMO):
        rng = np.random.default_rng([DEMO_SEED, number])
        electrode = VirtualElectrode(name, "demo", load_mpa=load_mpa, porosity=porosity)
        cross_section = cut_cross_section(electrode, width_um=DEMO_COLUMNS * 0.123, rng=rng)
        micrograph = photograph(cross_section, columns=DEMO_COLUMNS, rng=rng)
        path = BUNDLED / "micrographs" / f"simulated_{name}_{porosity * 100:.0f}_percent.tif"
        write_micrograph(path, micrograph, compression="jpeg", quality=92)


def write_expected() -> None:
    """The answers by which `ratescope demo` checks an installation."""
    out = SCRATCH / "bundled-answers"
    predict_files(bundled_micrographs(), out)
    with (out / "curves.csv").open(encoding="utf-8", newline="") as file:
        rows = [row | {"name": Path(row["name"]).name} for row in csv.DictReader(file)]
    write_csv(EXPECTED, CURVE_COLUMNS, rows)


if __name__ == "__main__":
    make_micrographs()
    make_ensemble()
    write_expected()
