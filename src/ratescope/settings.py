"""Every knob on one page: its unit, the paper's value with the section, or "our choice" with the reason.

Settings are frozen; change one with `dataclasses.replace`, or write a TOML file whose tables are the classes below::

    [train]
    max_steps = 300

An unknown key gets help: ``settings.train: unknown key 'max_step'; did you mean 'max_steps'?``
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from math import inf, isfinite
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from ratescope.errors import SettingsError
from ratescope.facts import fact_names
from ratescope.records import Protocol
from ratescope.units import CROP_COLUMNS, CROP_ROWS, NETWORK_PIXEL_SIZE_UM

SettingsClass = TypeVar("SettingsClass")

SCHEMA = 1


@dataclass(frozen=True)
class PrepareSettings:
    """How a micrograph becomes crops (sections 2.2 and 2.3)."""

    crop_rows: int = CROP_ROWS  # section 2.3
    crop_columns: int = CROP_COLUMNS  # section 2.3
    network_pixel_size_um: float = NETWORK_PIXEL_SIZE_UM  # section 2.1
    coarsest_pixel_size_um: float = 0.40  # our choice: at 0.40 µm a 5 µm grain is 12 px wide
    closed_gap_um: float = 6.0  # our choice: the surface spans pores, not valleys
    spanned_gap_um: float = 7.0  # our choice: the clean rectangle spans pores of the surface that look a little wider
    thinnest_coating_um: float = 5.0  # our choice: one layer of grains
    most_tilt_deg: float = 6.5  # our choice: 5° is the worst that an embedded disc shows; more is not a slight rotation
    least_collector_rating: float = 1.65  # our choice: electrodes rate 1.7 to 2.9, other images mostly below 1.4
    least_collector_support: float = 0.75  # our choice: the foil runs across nearly the whole width
    roughest_foil_um: float = 0.5  # our choice: pressed-in grains make a foil rough to 0.4 µm; coatings are rougher
    least_foil_rank: float = 0.15  # our choice: resin is as dark as what is darkest in the coating, its pores
    least_far_edge: float = 0.45  # our choice: unless a second edge shows that a dark band is a foil
    grain_length_um: tuple[float, float] = (0.7, 6.0)  # our choice: autocorrelation at one half; electrodes 1.2 to 2.3
    least_grain_evenness: float = 0.26  # our choice: electrodes 0.29 to 0.8, ceramic layers mostly below
    most_artefact_share: float = 0.0085  # our choice: more than 1 % changes what is seen; areas are found to 15 %
    most_blur_um: float = 0.41  # our choice: 3.3 network pixels; 2 px on top of the lens stay below, 3 px do not
    most_grey_skewness: float = 1.3  # our choice: electrodes −0.7 to 0.6, ceramic layers −1.3 to −2.5

    def __post_init__(self) -> None:
        # Written here to be seen; maps, baselines and scale bars know no other crop, and another would be read wrongly.
        for name, only in (
            ("crop_rows", CROP_ROWS),
            ("crop_columns", CROP_COLUMNS),
            ("network_pixel_size_um", NETWORK_PIXEL_SIZE_UM),
        ):
            _check(f"prepare.{name}", getattr(self, name), f"{only}: other crops are not supported",
                   getattr(self, name) == only)  # fmt: skip
        for name in (
            "coarsest_pixel_size_um", "closed_gap_um", "spanned_gap_um", "thinnest_coating_um", "most_tilt_deg",
            "roughest_foil_um", "most_blur_um",
        ):  # fmt: skip
            _check(f"prepare.{name}", getattr(self, name), "above 0 and finite", 0 < getattr(self, name) < inf)
        for name in (
            "least_collector_support", "least_foil_rank", "least_far_edge", "least_grain_evenness",
            "most_artefact_share",
        ):  # fmt: skip
            _check(f"prepare.{name}", getattr(self, name), "from 0 to 1", 0 <= getattr(self, name) <= 1)
        rating, lengths_um = self.least_collector_rating, self.grain_length_um
        _check("prepare.least_collector_rating", rating, "from 0 to 3", 0 <= rating <= 3)
        _check("prepare.grain_length_um", lengths_um, "a shortest and a longest", 0 <= lengths_um[0] < lengths_um[1])
        _check("prepare.most_grey_skewness", self.most_grey_skewness, "a number", isfinite(self.most_grey_skewness))


@dataclass(frozen=True)
class NetworkSettings:
    """The network of section 2.5."""

    filters: tuple[int, ...] = (32, 32, 64, 64, 96, 128)  # decision 0003: meets both counts of the paper
    hidden: tuple[int, ...] = (64, 64, 64, 64)  # section 2.5
    leaky_slope: float = 0.01  # silent in the paper; Keras' 0.3 errs a sixth more in validation (decision 0022)
    batch_norm_momentum: float = 0.01  # torch's convention; Keras' 0.99 (decision 0007)
    batch_norm_epsilon: float = 1e-3  # Keras' default (decision 0007)
    dropout: float = 0.1  # silent in the paper; 0 and 0.3 err no less in validation (study 0005)
    output: Literal["linear", "exponential"] = "linear"  # section 2.5; exponential: the last layer says logarithms, and
    # so errs by a share of the capacity, which is what counts (decision 0026)
    input_reduction: int = 1  # 2: crops are averaged 2 × 2 before the first convolution ("half resolution")

    def __post_init__(self) -> None:
        _check("network.filters", self.filters, "an even number of positive counts", _are_pairs(self.filters))
        _check("network.hidden", self.hidden, "positive counts", all(count > 0 for count in self.hidden))
        _check("network.leaky_slope", self.leaky_slope, "in [0, 1)", 0 <= self.leaky_slope < 1)
        _check("network.batch_norm_momentum", self.batch_norm_momentum, "in (0, 1]", 0 < self.batch_norm_momentum <= 1)
        _check("network.batch_norm_epsilon", self.batch_norm_epsilon, "above 0", self.batch_norm_epsilon > 0)
        _check("network.dropout", self.dropout, "in [0, 1)", 0 <= self.dropout < 1)
        _check("network.input_reduction", self.input_reduction, "1, 2, 4 or 8", self.input_reduction in (1, 2, 4, 8))

    @property
    def cell_px(self) -> int:
        """Edge of a place of the last activation in the crop's pixels: blocks of two filters have a pooling between."""
        return int(self.input_reduction * 2 ** (len(self.filters) // 2 - 1))


@dataclass(frozen=True)
class AugmentationSettings:
    """Shift and rotation with mirrored edges (section 2.4); the ranges are silent in the paper: our choice.

    A seventh of the crop each way, and turns that outlast what levelling leaves: each uniform on both sides of zero.
    ``mirror`` and ``light`` are not in the paper. The one swaps left and right of every other crop, by chance; no
    capacity knows them. The other is another lamp for each crop, so that no electrode can be known by its light: all
    grey levels times e^±light, each colour for itself a quarter of that besides, and up to 40 × light levels added.
    """

    shift_rows_px: float = 32.0
    shift_columns_px: float = 96.0
    rotation_deg: float = 5.0
    mirror: bool = False
    light: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (("shift_rows_px", CROP_ROWS), ("shift_columns_px", CROP_COLUMNS), ("rotation_deg", 180)):
            reach = getattr(self, name)
            _check(f"augmentation.{name}", reach, f"from 0 to {most}", 0 <= reach <= most)
        _check("augmentation.light", self.light, "from 0 to 1", 0 <= self.light <= 1)


@dataclass(frozen=True)
class TrainSettings:
    """How a network is trained (section 2.6)."""

    batch: int = 38  # section 2.6; smaller where the training part has fewer crops
    max_steps: int = 5000  # section 2.6
    warm_up_share: float = 0.1  # section 2.6
    lowest_rate: float = 1e-5  # section 2.6
    highest_rate: float = 1e-3  # section 2.6
    lookahead_period: int = 6  # section 2.6
    lookahead_step: float = 0.5  # section 2.6
    patience_epochs: int = 100  # section 2.6; counted from the end of the warm-up: before it nothing is learned
    l2: float = 1e-4  # silent in the paper; on kernels (decision 0007); 0 to 1e-3 err the same (study 0005)
    l1: float = 0.0  # section 3.2, whose six networks have L1 or L2; on kernels too
    adversarial_noise: float = 0.0  # section 3.2: 0, 0.01 or 0.03; up to this share of the crops' mean pixel value
    output_unit: Literal["spread", "capacity"] = "spread"  # our choice: the last layer speaks in units of the training
    # curves' spread around their mean, so that the warm-up is not spent on finding 150 Ah/kg; "capacity": as published
    autocast_bf16: bool = True  # our choice: twice as fast where the CPU has AVX-512; elsewhere float32 is used
    facts: tuple[str, ...] = ()  # told beside the crop, names of `ratescope.facts`; none in section 2.5
    checkpoint_every_s: float = 20.0  # our choice: what a kill may cost
    seed: int = 0

    def __post_init__(self) -> None:
        _check("train.batch", self.batch, "at least 2: batch norm compares crops", self.batch >= 2)
        _check("train.max_steps", self.max_steps, "at least 1", self.max_steps >= 1)
        _check("train.warm_up_share", self.warm_up_share, "from 0 to 1", 0 <= self.warm_up_share <= 1)
        _check("train.lowest_rate", self.lowest_rate, "above 0 and finite", 0 < self.lowest_rate < inf)
        _check("train.highest_rate", self.highest_rate, "above 0 and finite", 0 < self.highest_rate < inf)
        _check("train.lookahead_period", self.lookahead_period, "at least 1", self.lookahead_period >= 1)
        _check("train.lookahead_step", self.lookahead_step, "in (0, 1]", 0 < self.lookahead_step <= 1)
        _check("train.patience_epochs", self.patience_epochs, "at least 1", self.patience_epochs >= 1)
        _check("train.l2", self.l2, "at least 0", self.l2 >= 0)
        _check("train.l1", self.l1, "at least 0", self.l1 >= 0)
        _check("train.adversarial_noise", self.adversarial_noise, "in [0, 1]", 0 <= self.adversarial_noise <= 1)
        _check("train.checkpoint_every_s", self.checkpoint_every_s, "at least 0", self.checkpoint_every_s >= 0)
        _check("train.seed", self.seed, "at least 0", self.seed >= 0)
        object.__setattr__(self, "facts", fact_names(self.facts, "settings.train.facts"))


@dataclass(frozen=True)
class FoldSettings:
    """What is held out (section 3.1 and decision 0002)."""

    protocol: Protocol = "by-electrode"  # or by-specimen, as-published
    count: int = 5  # section 3.1
    only: tuple[int, ...] = ()  # train these folds alone, counted from 0; empty: all of them

    def __post_init__(self) -> None:
        known = range(self.count)
        _check(
            "folds.only", self.only, f"of the folds 0 to {self.count - 1}", all(number in known for number in self.only)
        )


@dataclass(frozen=True)
class Settings:
    """All of it. ``schema`` counts changes of meaning: what a newer ratescope wrote is not read as if it were ours."""

    schema: int = SCHEMA
    prepare: PrepareSettings = field(default_factory=PrepareSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    folds: FoldSettings = field(default_factory=FoldSettings)


def fast_settings() -> Settings:
    """The recipe ``fast``: the paper's batch and optimiser on fewer pixels and in fewer steps (study 0005).

    Chosen on validation parts of the published protocol, 259 crops to learn from.
    """
    return Settings(
        # At equal steps a quarter of the resolution errs no more than half of it, and takes a quarter of the time.
        # Logarithms, mirrors and no dropout: a quarter less error in validation, in as many steps (study 0005).
        # Other lamps: electrodes that were held out are predicted better (decision 0028).
        network=NetworkSettings(input_reduction=4, batch_norm_momentum=0.1, dropout=0.0, output="exponential"),
        augmentation=AugmentationSettings(mirror=True, light=0.2),
        # RAdam is cautious for hundreds of steps: with the published 1e-3 most of them would pass by.
        train=TrainSettings(max_steps=1000, highest_rate=3e-2),
    )


def quick_settings() -> Settings:
    """The recipe ``quick``: a first look, about a minute per network on two cores; `Settings()` is ``paper``.

    Each choice was compared on drawn discs, ten electrodes of eight crops, 150 steps, by hand: no command repeats it.
    MAPE in % per crop of electrodes held out, the mean curve having 4.8 and the true area fraction 3.8.
    """
    return Settings(
        # A quarter of the resolution still shows a 9 µm particle 19 px wide; half of it would take five minutes.
        # Batch norm has to follow within few steps: 4.0 against 4.6 (and 4.9 against 10.2 in validation) with 0.01.
        # So few steps do not overfit: 4.0 against 4.5 with a dropout of 0.1.
        network=NetworkSettings(input_reduction=4, batch_norm_momentum=0.1, dropout=0.0),
        # RAdam is cautious for hundreds of steps: 4.0 against 6.0 with the published 1e-3.
        train=TrainSettings(batch=16, max_steps=200, highest_rate=1e-2),
    )


RECIPES = {"paper": Settings, "fast": fast_settings, "quick": quick_settings}


def read_recipe(
    recipe: str, *, protocol: Protocol | None = None, folds: int | None = None, facts: Sequence[str] | None = None
) -> Settings:
    """The settings of ``paper``, ``fast``, ``quick`` or a TOML file; what the command line names wins over them."""
    if recipe in RECIPES:
        settings = RECIPES[recipe]()
    elif Path(recipe).is_file():
        settings = read_settings(Path(recipe))
    else:
        near = get_close_matches(recipe, RECIPES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f". Name {', '.join(RECIPES)} or a TOML file."
        raise SettingsError(f"there is no recipe {recipe!r}{hint}")
    asked = replace(settings.folds, protocol=protocol or settings.folds.protocol, count=folds or settings.folds.count)
    if facts is not None:
        settings = replace(settings, train=replace(settings.train, facts=fact_names(facts, "--facts")))
    return replace(settings, folds=asked)


def read_settings(path: Path) -> Settings:
    """Read a TOML file; what it does not name keeps its default."""
    path = Path(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows' editors begin files with a mark
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}). Check its path.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: not a readable TOML file ({error}). See docs/conventions.md.") from error
    settings = from_table(Settings, table, path.name)
    if settings.schema != SCHEMA:
        raise SettingsError(f"{path} has schema {settings.schema}, and only {SCHEMA} is known. Use a newer ratescope.")
    return settings


def from_table(cls: type[SettingsClass], table: dict[str, Any], where: str = "settings") -> SettingsClass:
    """Make settings from a table as TOML gives it; unknown keys and wrong types are said with their place.

    >>> from_table(Settings, {"train": {"max_steps": 300}}).train.max_steps
    300
    """
    from pydantic import TypeAdapter, ValidationError  # only where a user's file is read: it takes 0.1 s to import

    _refuse_unknown_keys(cls, table, where)
    try:
        return TypeAdapter(cls).validate_python(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([where, *map(str, first["loc"])])
        if first["type"] == "missing":
            raise SettingsError(f"{place} is missing. Add it there.") from error
        raise SettingsError(f"{place}: {first['msg']}, but it is {first['input']!r}. Change it there.") from error


def _refuse_unknown_keys(cls: type, table: dict[str, Any], where: str) -> None:
    known = get_type_hints(cls)
    for key, value in table.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f". Known are {', '.join(known)}."
            raise SettingsError(f"{where}: unknown key {key!r}{hint}")
        if (inner := _table_class(known[key])) is None or value is None:
            continue
        if get_origin(known[key]) is tuple:
            _check_tables(inner, key, value, where)
        elif not isinstance(value, dict):
            raise SettingsError(f"{where}.{key}: a table is wanted here, but it is {value!r}. Write [{key}].")
        else:
            _refuse_unknown_keys(inner, value, f"{where}.{key}")


def _check_tables(cls: type, key: str, tables: Any, where: str) -> None:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{where}.{key}: tables are wanted here, but it is {tables!r}. Write [[{key}]].")
    for number, table in enumerate(tables, start=1):
        _refuse_unknown_keys(cls, table, f"{where}.{key} {number}")


def _table_class(annotation: Any) -> type | None:
    """The dataclass of a field that holds one, one or None, or several; None for other fields."""
    inner = [part for part in (annotation, *get_args(annotation)) if isinstance(part, type) and is_dataclass(part)]
    return inner[0] if inner else None


def _are_pairs(filters: tuple[int, ...]) -> bool:
    """Two equal steps of every block (section 2.5)."""
    return len(filters) > 0 and len(filters) % 2 == 0 and all(count > 0 for count in filters)


def _check(name: str, value: object, wanted: str, holds: bool) -> None:
    if not holds:
        raise SettingsError(f"settings.{name} must be {wanted}; it is {value!r}. Change it in the recipe.")


def to_toml(settings: Any) -> str:
    """All of the settings, resolved, as TOML that `from_table` reads back to the same value; None is left out."""
    import tomli_w

    return tomli_w.dumps(_plain(settings))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: getattr(value, f.name) for f in fields(value)}
        return {name: _plain(part) for name, part in parts.items() if part is not None}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value
