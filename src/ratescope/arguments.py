"""What can be typed after a command: its arguments and options, with their names, help and bounds."""

from __future__ import annotations

import os
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Annotated

import typer

from ratescope.errors import InputError
from ratescope.wrong_arguments import must_be

ALL_CORES = os.cpu_count() or 1


class DesignChoice(StrEnum):
    """Designs of virtual campaigns."""

    densification = "densification"
    continuum = "continuum"


class CapacityChoice(StrEnum):
    """What a run learns."""

    specific = "specific"
    density = "density"
    both = "both"


class OneCapacityChoice(StrEnum):
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


def above_zero(option: typer.CallbackParam, value: float | None) -> float | None:
    """Refuse a number that is given, and not above zero or not finite: the callback of such an option.

    Raises
    ------
    InputError
        That names the option.
    """
    if value is not None and not 0.0 < value < inf:
        raise InputError(must_be(option, "a finite number above 0", f"{value:g}"))
    return value


Version = Annotated[bool, typer.Option("--version", help="Say which version this is.")]

# of several commands
Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, folders or a campaign.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR")]
Run = Annotated[Path, typer.Argument(metavar="RUN")]
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
FactValues = Annotated[
    list[str] | None,
    typer.Option("--fact", metavar="NAME=VALUE", help="What networks are told beside the crop; may be repeated."),
]

# of ratescope lab
NewCampaign = Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="The folder to make.")]
Design = Annotated[DesignChoice, typer.Option("--design")]
Electrodes = Annotated[int | None, typer.Option("--electrodes", metavar="N", help="For the continuum: how many.")]
Seed = Annotated[int, typer.Option("--seed", metavar="S", min=0)]
Preset = Annotated[str, typer.Option("--preset", metavar="NAME", help="Which virtual laboratory.")]
Small = Annotated[bool, typer.Option("--small", help="The whole design in little, for tests and teaching.")]

# of ratescope rates
RatePaths = Annotated[list[Path], typer.Argument(metavar="CAMPAIGN | FILE...")]
RateTable = Annotated[Path, typer.Option("--out", metavar="FILE.csv")]
ActiveMass = Annotated[
    float | None,
    typer.Option("--active-mass-mg", metavar="M", callback=above_zero, help="Of active material alone, in the cell."),
]
Theoretical = Annotated[
    float | None,
    typer.Option(
        "--theoretical-ah-per-kg",
        metavar="Q",
        min=1.0,
        callback=above_zero,
        help="What 1C refers to, per kg of active material; 159.7.",
    ),
]
RateLaws = Annotated[Path | None, typer.Option("--law", metavar="FILE.csv", help="Rate laws, fitted.")]
CycleTables = Annotated[Path | None, typer.Option("--bdf", metavar="DIR", help="Tables of cycles, BDF names.")]
HalfCells = Annotated[Path | None, typer.Option("--bpx", metavar="DIR", help="BPX files of half cells.")]
KnownOfCells = Annotated[
    Path | None, typer.Option("--bpx-given", metavar="FILE", help="What else is known of them: TOML or JSON.")
]
RatePicture = Annotated[
    Path | None, typer.Option("--picture", metavar="FILE.png", help="Discharge curves and rate plot, drawn.")
]
RateTestProtocol = Annotated[
    Path | None, typer.Option("--protocol", metavar="FILE.toml", help="That of bare files; else Table 2.")
]

# of ratescope train
Campaign = Annotated[Path, typer.Argument(metavar="CAMPAIGN")]
NewRun = Annotated[Path, typer.Option("--out", metavar="RUN")]
Capacity = Annotated[CapacityChoice, typer.Option("--capacity")]
Recipe = Annotated[str, typer.Option("--recipe", metavar="paper|fast|quick|FILE.toml")]
Protocol = Annotated[ProtocolChoice | None, typer.Option("--protocol", help="Default: by-electrode.")]
Folds = Annotated[int | None, typer.Option("--folds", metavar="K", min=2, help="Default: 5.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")]
FactNames = Annotated[
    str | None,
    typer.Option(
        "--facts",
        metavar="NAME[,NAME]",
        help="What networks are told beside the crop, such as coating_thickness_um or loading_mg_per_cm2.",
    ),
]
StartFrom = Annotated[Path | None, typer.Option("--start-from", metavar="RUN")]
Devices = Annotated[
    int | None,
    typer.Option("--devices", metavar="N", min=1, help="How many GPUs, or processes, share every batch."),
]

# of ratescope explain
Method = Annotated[MethodChoice, typer.Option("--method")]
OneCapacity = Annotated[OneCapacityChoice | None, typer.Option("--capacity", help="Default: both.")]
SectionIndex = Annotated[int | None, typer.Option("--section", metavar="N", min=0, help="Counted from 0.")]
SquareSize = Annotated[int, typer.Option("--size-px", metavar="PX", min=1, help="Of the occluding square.")]
SquareStride = Annotated[int, typer.Option("--stride-px", metavar="PX", min=1, help="Of the occluding square.")]
Layer = Annotated[str | None, typer.Option("--layer", metavar="NAME", help="Of Grad-RAM. Default: the last.")]
