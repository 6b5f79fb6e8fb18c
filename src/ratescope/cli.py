"""Arguments in, sentences out: every command calls one story and says what it wrote. No logic here.

Exit status: 0 done; 3 done, but some inputs were refused; 2 nothing could be tried.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import ratescope
from ratescope.arguments import above_zero, wrong_arguments_in_words
from ratescope.counted import counted
from ratescope.errors import RatescopeError

DONE, NOTHING_TRIED, SOME_REFUSED, INTERRUPTED = 0, 2, 3, 130
ALL_CORES = os.cpu_count() or 1

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Rate capability of lithium-ion electrodes from light-microscopy cross-sections.",
)
campaign_app = typer.Typer(
    no_args_is_help=True, help="Write, check and audit a campaign: a folder of sheets and files."
)
app.add_typer(campaign_app, name="campaign")

Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, folders or a campaign.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write; made if missing.")]
PixelSize = Annotated[
    float | None,
    typer.Option(
        "--pixel-size-um", metavar="X", callback=above_zero, help="Edge of one pixel in µm; wins over the file's own."
    ),
]
Jobs = Annotated[int, typer.Option("--jobs", metavar="J", min=1, help="How many run at once.")]
Dask = Annotated[str | None, typer.Option("--dask", metavar="ADDRESS", help="Run on the Dask cluster at this address.")]
Model = Annotated[
    Path | None, typer.Option("--model", metavar="RUN", help="A run of `ratescope train`; else the bundled ensemble.")
]
CropsGiven = Annotated[bool, typer.Option("--crops", help="The paths are crops already (224 × 672 PNG).")]
Facts = Annotated[
    list[str] | None,
    typer.Option("--fact", metavar="NAME=VALUE", help="What networks are told beside the crop; may be repeated."),
]


class DesignChoice(StrEnum):
    """Designs of virtual campaigns."""

    densification = "densification"
    continuum = "continuum"


class CapacityChoice(StrEnum):
    """What a run learns."""

    specific = "specific"
    density = "density"
    both = "both"


class OneCapacity(StrEnum):
    """What a map explains."""

    specific = "specific"
    density = "density"


class ProtocolChoice(StrEnum):
    """What is held out."""

    by_electrode = "by-electrode"
    by_specimen = "by-specimen"
    as_published = "as-published"


class MethodChoice(StrEnum):
    """How a map is made."""

    grad_ram = "grad-ram"
    guided_backprop = "guided-backprop"
    occlusion = "occlusion"
    all = "all"


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False,
) -> None:
    if version:
        print(f"ratescope {ratescope.__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@campaign_app.callback(invoke_without_command=True, no_args_is_help=False)
def campaign_root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def demo(out: Out = Path("ratescope-demo")) -> int:
    """The story in a minute: simulated micrographs through the bundled ensemble, to a report."""
    from ratescope.demo import run_demo

    with progress() as tell:
        written = run_demo(out, on_progress=tell)
    print("The micrographs of this demo are simulated, and the bundled ensemble learned from simulated ones.")
    return _close(written.files, written.inputs, written.refused)


@app.command()
def lab(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="The folder to make.")],
    design: Annotated[DesignChoice, typer.Option("--design")] = DesignChoice.densification,
    electrodes: Annotated[
        int | None, typer.Option("--electrodes", metavar="N", help="For the continuum: how many.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="S", min=0)] = 0,
    jobs: Jobs = ALL_CORES,
    dask: Dask = None,
    preset: Annotated[str, typer.Option("--preset", metavar="NAME", help="Which virtual laboratory.")] = "reference",
    small: Annotated[bool, typer.Option("--small", help="The whole design in little, for tests and teaching.")] = False,
) -> int:
    """Make a virtual campaign: simulated micrographs and rate tests whose truth is known, and the floor under them."""
    from ratescope.lab import run_lab
    from ratescope.virtual_lab.plan import CampaignPlan

    plan = CampaignPlan(design.value, electrodes, seed, small, preset)
    with progress() as tell:
        failures = run_lab(campaign, plan, jobs=jobs, dask=dask, on_progress=tell)
    print("Everything in this campaign is simulated.")
    for name, reason in failures.items():
        print(f"failed: {reason if name in reason else f'{name}: {reason}'}")
    _close([campaign])
    return SOME_REFUSED if failures else DONE


@app.command()
def prepare(paths: Paths, out: Out, pixel_size_um: PixelSize = None, jobs: Jobs = 1) -> int:
    """Cut micrographs into crops: foil, coating, sections; preparation.html shows what was dropped and why."""
    from ratescope.prepare import prepare_micrographs

    with progress() as tell:
        done = prepare_micrographs(paths, out, pixel_size_um=pixel_size_um, jobs=jobs, on_progress=tell)
    inputs = len(done.entries)
    used = inputs - len(done.refused)
    print(f"{counted(done.crops, 'crop')} from {used} of {counted(inputs, 'micrograph')}.")
    return _close(done.files, inputs, done.refused)


@app.command()
def rates(
    paths: Annotated[list[Path], typer.Argument(metavar="CAMPAIGN | FILE...")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.csv")],
    active_mass_mg: Annotated[float | None, typer.Option("--active-mass-mg", metavar="M", callback=above_zero)] = None,
    theoretical_ah_per_kg: Annotated[
        float | None, typer.Option("--theoretical-ah-per-kg", metavar="Q", min=1.0, callback=above_zero)
    ] = None,
    law: Annotated[Path | None, typer.Option("--law", metavar="FILE.csv", help="Rate laws, fitted.")] = None,
    cycles: Annotated[Path | None, typer.Option("--bdf", metavar="DIR", help="Tables of cycles, BDF names.")] = None,
    bpx: Annotated[Path | None, typer.Option("--bpx", metavar="DIR", help="BPX files of half cells.")] = None,
    given: Annotated[
        Path | None, typer.Option("--bpx-given", metavar="FILE", help="What else is known of them: TOML or JSON.")
    ] = None,
    protocol: Annotated[
        Path | None, typer.Option("--protocol", metavar="FILE.toml", help="That of bare files; else Table 2.")
    ] = None,
) -> int:
    """Read cycler files into a table of discharge capacities by C-rate."""
    from ratescope.campaign.rate_table import write_rates

    with progress() as tell:
        written = write_rates(
            paths,
            out,
            active_mass_mg,
            theoretical_ah_per_kg,
            law=law,
            cycles=cycles,
            half_cells=bpx,
            given=given,
            protocol=protocol,
            on_progress=tell,
        )
    for remark in written.remarks:
        print(f"note: {remark}")
    return _close(written.files, written.inputs, written.refused)


@campaign_app.command("new")
def campaign_new(folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> int:
    """Write a campaign template that explains itself."""
    from ratescope.campaign.template import write_template

    return _close(write_template(folder))


@campaign_app.command("check")
def campaign_check(folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> int:
    """Check a campaign's sheets, rate tests and micrographs together; all faults at once."""
    from ratescope.campaign.check import check_campaign

    with progress() as tell:
        check = check_campaign(folder, on_progress=tell)
    for conversion in check.conversions:
        print(f"note: {conversion}")
    for warning in check.warnings:
        print(f"warning: {warning}")
    print(check.said)
    return DONE


@campaign_app.command("audit")
def campaign_audit(folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> int:
    """Look for leaks: one place shown twice, what folds share, and preparation that follows the capacity."""
    from ratescope.campaign.audit import audit_campaign

    with progress() as tell:
        audit = audit_campaign(folder, on_progress=tell)
    print("\n".join(audit.in_words()))
    return _close([folder / "prepared"] if audit.micrographs else [], audit.inputs, audit.refused)


@app.command()
def train(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN")],
    capacity: Annotated[CapacityChoice, typer.Option("--capacity")] = CapacityChoice.both,
    recipe: Annotated[str, typer.Option("--recipe", metavar="paper|fast|quick|FILE.toml")] = "paper",
    protocol: Annotated[ProtocolChoice | None, typer.Option("--protocol", help="Default: by-electrode.")] = None,
    folds: Annotated[int | None, typer.Option("--folds", metavar="K", min=2, help="Default: 5.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    facts: Annotated[
        str | None,
        typer.Option(
            "--facts",
            metavar="NAME[,NAME]",
            help="What networks are told beside the crop, such as coating_thickness_um or loading_mg_per_cm2.",
        ),
    ] = None,
    start_from: Annotated[Path | None, typer.Option("--start-from", metavar="RUN")] = None,
    jobs: Jobs = 1,
    dask: Dask = None,
    devices: Annotated[
        int | None,
        typer.Option("--devices", metavar="N", min=1, help="How many GPUs, or processes, share every batch."),
    ] = None,
) -> int:
    """Train networks on a campaign's own micrographs and rate tests, and evaluate them."""
    from ratescope.campaign.crop_facts import fact_warnings
    from ratescope.settings import read_recipe
    from ratescope.train import train_campaign
    from ratescope.units import CAPACITIES

    told = None if facts is None else [name.strip() for name in facts.split(",") if name.strip()]
    settings = read_recipe(recipe, protocol=protocol.value if protocol else None, folds=folds, facts=told)
    for warning in fact_warnings(settings.train.facts, settings.folds.protocol):
        print(f"warning: {warning}")
    with progress() as tell:
        written = train_campaign(
            campaign,
            out,
            settings,
            capacities=[known for known in CAPACITIES if capacity in {known, CapacityChoice.both}],
            resume=resume,
            start_from=start_from,
            jobs=jobs,
            dask=dask,
            devices=devices,
            on_progress=tell,
        )
    return _close(written.files, written.inputs, written.refused)


@app.command()
def evaluate(run: Annotated[Path, typer.Argument(metavar="RUN")]) -> int:
    """Work out the metrics and the report of a run again."""
    from ratescope.evaluate import evaluate_run

    with progress() as tell:
        written = evaluate_run(run, on_progress=tell)
    return _close(written)


@app.command()
def predict(
    paths: Paths,
    out: Out,
    model: Model = None,
    crops: CropsGiven = False,
    pixel_size_um: PixelSize = None,
    fact: Facts = None,
) -> int:
    """Predict rate curves of micrographs: predictions.csv, curves.csv and report.html."""
    from ratescope.facts import read_given_facts
    from ratescope.predict import predict_files

    told = read_given_facts(fact or ())
    with progress() as tell:
        written = predict_files(
            paths, out, model=model, crops_given=crops, pixel_size_um=pixel_size_um, facts=told, on_progress=tell
        )
    for remark in written.remarks:
        print(f"note: {remark}")
    if model is None:
        print("The bundled ensemble learned from simulated micrographs; spread is network spread, not an interval.")
    return _close(written.files, written.inputs, written.refused)


@app.command()
def explain(
    paths: Paths,
    out: Out,
    model: Model = None,
    crops: CropsGiven = False,
    method: Annotated[MethodChoice, typer.Option("--method")] = MethodChoice.grad_ram,
    capacity: Annotated[OneCapacity | None, typer.Option("--capacity", help="Default: both.")] = None,
    section: Annotated[int | None, typer.Option("--section", metavar="N", min=0, help="Counted from 0.")] = None,
    size_px: Annotated[int, typer.Option("--size-px", metavar="PX", min=1, help="Of the occluding square.")] = 7,
    stride_px: Annotated[int, typer.Option("--stride-px", metavar="PX", min=1, help="Of the occluding square.")] = 7,
    layer: Annotated[
        str | None, typer.Option("--layer", metavar="NAME", help="Of Grad-RAM. Default: the last.")
    ] = None,
    pixel_size_um: PixelSize = None,
    fact: Facts = None,
) -> int:
    """Show where the networks looked: signed maps of influence, as numbers and pictures."""
    from ratescope.attribution.maps import METHODS
    from ratescope.explain import explain_files
    from ratescope.facts import read_given_facts

    told = read_given_facts(fact or ())
    with progress() as tell:
        written = explain_files(
            paths,
            out,
            model=model,
            crops_given=crops,
            methods=[known for known in METHODS if method in {known, MethodChoice.all}],
            capacity=capacity.value if capacity else None,
            section=section,
            size_px=size_px,
            stride_px=stride_px,
            layer=layer,
            pixel_size_um=pixel_size_um,
            facts=told,
            on_progress=tell,
        )
    for remark in written.remarks:
        print(f"note: {remark}")
    return _close(written.files, written.inputs, written.refused)


@app.command()
def audit(run: Annotated[Path, typer.Argument(metavar="RUN")]) -> int:
    """Plant artefacts into crops and see how far a run's networks are moved by them."""
    from ratescope.audit import audit_run

    with progress() as tell:
        written, said = audit_run(run, on_progress=tell)
    print("\n".join(said))
    return _close(written)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every expected error becomes one sentence."""
    _speak_utf8()
    try:
        status = int(app(args=arguments, standalone_mode=False) or DONE)
    except typer.Exit as wanted:
        status = wanted.exit_code
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except RatescopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return NOTHING_TRIED
    except typer.TyperException as error:  # wrong arguments
        print(f"error: {wrong_arguments_in_words(error)}", file=sys.stderr)
        return NOTHING_TRIED
    if status == INTERRUPTED:  # typer, too, makes this status of Ctrl-C
        print("interrupted; run the same command again to go on (train: with --resume)", file=sys.stderr)
    return status


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


@contextmanager
def progress() -> Iterator[Callable[[int, int, str], None]]:
    """A bar on a terminal; elsewhere a line when something new begins or ends."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    if not console.is_terminal:
        yield _lines()
        return
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)


def _lines() -> Callable[[int, int, str], None]:
    last = ""

    def tell(done: int, total: int, what: str) -> None:
        nonlocal last
        if what != last or done == total:
            print(f"{what}: {done} of {total}", file=sys.stderr)
        last = what

    return tell


def _close(written: Sequence[Path], inputs: int = 0, refused: Mapping[str, str] | None = None) -> int:
    """Say what was refused and what was written."""
    for name, reason in (refused or {}).items():
        print(f"refused: {reason if reason.startswith(name) else f'{name}: {reason}'}")
    if refused:
        print(f"{len(refused)} of {counted(inputs, 'input')} {'was' if len(refused) == 1 else 'were'} refused.")
    for path in written[:6]:
        print(f"wrote {path}")
    if more := len(written[6:]):
        print(f"wrote {counted(more, 'more file', 'more files')} beside them")
    return SOME_REFUSED if refused else DONE
