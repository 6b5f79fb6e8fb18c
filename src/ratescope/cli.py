"""Arguments in, sentences out: every command calls one story and says what it wrote. No logic here.

Exit status: 0 done; 3 done, but some inputs were refused; 2 nothing could be tried; 130 interrupted by Ctrl-C, and 143
by SIGTERM, as shells count them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import ratescope
from ratescope import arguments
from ratescope.counted import counted
from ratescope.errors import RatescopeError
from ratescope.interruption import termination_interrupts
from ratescope.written import Written
from ratescope.wrong_arguments import wrong_arguments_in_words

DONE, NOTHING_TRIED, SOME_REFUSED, INTERRUPTED, TERMINATED = 0, 2, 3, 130, 143

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


@app.callback(invoke_without_command=True)
def root(context: typer.Context, version: arguments.Version = False) -> None:
    if version:
        print(f"ratescope {ratescope.__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@campaign_app.callback(invoke_without_command=True, no_args_is_help=False)
def campaign_root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def demo(out: arguments.Out = Path("ratescope-demo")) -> int:
    """The story in a minute: simulated micrographs through the bundled ensemble, to a report."""
    from ratescope.demo import bundled_micrographs, check_installation
    from ratescope.predict import predict_files

    with progress() as tell:
        written = predict_files(bundled_micrographs(), out, micrographs_simulated=True, on_progress=tell)
    written.remarks.append(check_installation(out / "curves.csv"))
    print("The micrographs of this demo are simulated, and the bundled ensemble learned from simulated ones.")
    return _finish(written)


@app.command()
def lab(
    campaign: arguments.NewCampaign,
    design: arguments.Design = arguments.DesignChoice.densification,
    electrodes: arguments.Electrodes = None,
    seed: arguments.Seed = 0,
    jobs: arguments.Jobs = arguments.ALL_CORES,
    dask: arguments.Dask = None,
    preset: arguments.Preset = "reference",
    small: arguments.Small = False,
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
def prepare(
    paths: arguments.Paths, out: arguments.Out, pixel_size_um: arguments.PixelSize = None, jobs: arguments.Jobs = 1
) -> int:
    """Cut micrographs into crops: foil, coating, sections; preparation.html shows what was dropped and why."""
    from ratescope.prepare import prepare_micrographs

    with progress() as tell:
        done = prepare_micrographs(paths, out, pixel_size_um=pixel_size_um, jobs=jobs, on_progress=tell)
    inputs = len(done.entries)
    used = inputs - len(done.refused)
    print(f"{counted(done.crops, 'crop')} from {used} of {counted(inputs, 'micrograph')}.")
    return _finish(Written(out, list(done.files), inputs, done.refused, done.remarks))


@app.command()
def rates(
    paths: arguments.RatePaths,
    out: arguments.RateTable,
    active_mass_mg: arguments.ActiveMass = None,
    theoretical_ah_per_kg: arguments.Theoretical = None,
    law: arguments.RateLaws = None,
    cycles: arguments.CycleTables = None,
    bpx: arguments.HalfCells = None,
    given: arguments.KnownOfCells = None,
    protocol: arguments.RateTestProtocol = None,
    picture: arguments.RatePicture = None,
) -> int:
    """Read cycler files into a table of discharge capacities by C-rate."""
    from ratescope.rates import write_rates

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
            picture=picture,
            on_progress=tell,
        )
    return _finish(written)


@campaign_app.command("new")
def campaign_new(folder: arguments.Folder) -> int:
    """Write a campaign template that explains itself."""
    from ratescope.campaign.template import write_template

    return _close(write_template(folder))


@campaign_app.command("check")
def campaign_check(folder: arguments.Folder) -> int:
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
def campaign_audit(folder: arguments.Folder) -> int:
    """Look for leaks: one place shown twice, what folds share, and preparation that follows the capacity."""
    from ratescope.campaign.audit import audit_campaign

    with progress() as tell:
        audit = audit_campaign(folder, on_progress=tell)
    print("\n".join(audit.in_words()))
    return _close([folder / "prepared"] if audit.micrographs else [], audit.inputs, audit.refused)


@app.command()
def train(
    campaign: arguments.Campaign,
    out: arguments.NewRun,
    capacity: arguments.Capacity = arguments.CapacityChoice.both,
    recipe: arguments.Recipe = "paper",
    protocol: arguments.Protocol = None,
    folds: arguments.Folds = None,
    resume: arguments.Resume = False,
    facts: arguments.FactNames = None,
    start_from: arguments.StartFrom = None,
    jobs: arguments.Jobs = 1,
    dask: arguments.Dask = None,
    devices: arguments.Devices = None,
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
            capacities=[known for known in CAPACITIES if capacity in {known, arguments.CapacityChoice.both}],
            resume=resume,
            start_from=start_from,
            jobs=jobs,
            dask=dask,
            devices=devices,
            on_progress=tell,
        )
    return _finish(written)


@app.command()
def evaluate(run: arguments.Run) -> int:
    """Work out the metrics and the report of a run again."""
    from ratescope.evaluate import evaluate_run

    with progress() as tell:
        written = evaluate_run(run, on_progress=tell)
    return _close(written)


@app.command()
def predict(
    paths: arguments.Paths,
    out: arguments.Out,
    model: arguments.Model = None,
    crops: arguments.CropsGiven = False,
    pixel_size_um: arguments.PixelSize = None,
    fact: arguments.FactValues = None,
) -> int:
    """Predict rate curves of micrographs: predictions.csv, curves.csv and report.html."""
    from ratescope.facts import read_given_facts
    from ratescope.predict import predict_files

    told = read_given_facts(fact or ())
    with progress() as tell:
        written = predict_files(
            paths, out, model=model, crops_given=crops, pixel_size_um=pixel_size_um, facts=told, on_progress=tell
        )
    if model is None:
        print("The bundled ensemble learned from simulated micrographs; spread is network spread, not an interval.")
    return _finish(written)


@app.command()
def explain(
    paths: arguments.Paths,
    out: arguments.Out,
    model: arguments.Model = None,
    crops: arguments.CropsGiven = False,
    method: arguments.Method = arguments.MethodChoice.grad_ram,
    capacity: arguments.OneCapacity = None,
    section: arguments.SectionIndex = None,
    size_px: arguments.SquareSize = 7,
    stride_px: arguments.SquareStride = 7,
    layer: arguments.Layer = None,
    pixel_size_um: arguments.PixelSize = None,
    fact: arguments.FactValues = None,
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
            methods=[known for known in METHODS if method in {known, arguments.MethodChoice.all}],
            capacity=capacity.value if capacity else None,
            section=section,
            size_px=size_px,
            stride_px=stride_px,
            layer=layer,
            pixel_size_um=pixel_size_um,
            facts=told,
            on_progress=tell,
        )
    return _finish(written)


@app.command()
def audit(run: arguments.Run) -> int:
    """Ask a run's networks by experiment: do planted artefacts move them, and are their maps worth a look."""
    from ratescope.audit import audit_run

    with progress() as tell:
        written, said = audit_run(run, on_progress=tell)
    print("\n".join(said))
    return _close(written)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; every expected error becomes one sentence."""
    _speak_utf8()
    with termination_interrupts() as was_terminated:
        status = _run(words)
    if status != INTERRUPTED:
        return status
    ended, status = ("terminated", TERMINATED) if was_terminated() else ("interrupted", INTERRUPTED)
    asked = " ".join((sys.argv[1:] if words is None else words)[:1])
    goes_on = {"train": " with --resume to go on"} | dict.fromkeys(("lab", "prepare", "explain"), " to go on")
    print(f"{ended}; run the same command again{goes_on.get(asked, '; it begins anew')}", file=sys.stderr)
    return status


def _run(words: Sequence[str] | None) -> int:
    try:
        return int(app(args=words, standalone_mode=False) or DONE)
    except typer.Exit as wanted:  # typer, too, makes status 130 of Ctrl-C
        return wanted.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except RatescopeError as error:
        print(f"error: {error}", file=sys.stderr)
    except typer.TyperException as error:  # wrong arguments
        print(f"error: {wrong_arguments_in_words(error)}", file=sys.stderr)
    return NOTHING_TRIED


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


def _finish(written: Written) -> int:
    """Say what to mind, what was refused and what was written."""
    for remark in written.remarks:
        print(f"note: {remark}")
    return _close(written.files, written.inputs, written.refused)


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
