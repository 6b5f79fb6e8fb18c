"""Rate tests as data: the cycler's readers recognise one, the virtual laboratory performs it.

Table 2 is the default. Another one is a TOML file beside campaign.toml, whose keys are the fields of `RateProtocol`::

    charge_cut_off_v = 4.2
    discharge_cut_off_v = 3.0

    [[blocks]]
    c_rate_per_h = 5.0          # of the discharge
    charge_c_rate_per_h = 0.5   # where the charge has another
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from ratescope.errors import SettingsError
from ratescope.records import Role
from ratescope.settings import from_table
from ratescope.units import RATES_PER_H

Counts = Literal["first", "last", "mean"]
TABLE_2_NAME = "table-2"


@dataclass(frozen=True)
class RateBlock:
    """A run of equal cycles: a charge, a hold at its cut-off voltage, a discharge.

    Attributes
    ----------
    c_rate_per_h : float
        Of the discharge; it names the block.
    hold_until_c_rate_per_h : float or None
        Where the current of the constant-voltage hold ends the charge; None without a hold.
    cycles : int
    charge_c_rate_per_h : float or None
        Of the constant-current charge where it is not that of the discharge: many laboratories always charge at C/5.
    """

    c_rate_per_h: float
    hold_until_c_rate_per_h: float | None = None
    cycles: int = 2
    charge_c_rate_per_h: float | None = None

    def __post_init__(self) -> None:
        rates = [self.c_rate_per_h, self.hold_until_c_rate_per_h, self.charge_c_rate_per_h]
        if not all(rate is None or rate > 0.0 for rate in rates) or self.cycles < 1:
            raise SettingsError(
                f"a block has C-rates above zero and at least one cycle; got {self}. Leave out what it does not have."
            )

    @property
    def charged_at_per_h(self) -> float:
        """The C-rate of its constant-current charge."""
        return self.c_rate_per_h if self.charge_c_rate_per_h is None else self.charge_c_rate_per_h


@dataclass(frozen=True)
class RateProtocol:
    """The blocks of a rate test in the order of time, and what its capacities are read at.

    Attributes
    ----------
    blocks : tuple of RateBlock
        A later block at the rate of an earlier one shows degradation.
    check_up : RateBlock or None
        Run between each two blocks.
    charge_cut_off_v, discharge_cut_off_v : float
        Against lithium in a half cell.
    curve_rates_per_h : tuple of float
        The C-rates that form the rate curve; where none is named, every rate of the blocks. The networks learn those of
        section 2.2; a rate table needs none of them.
    formation : tuple of RateBlock
        Run before the first block.
    counts : "last", "first" or "mean"
        Which complete discharges of the first block at a rate form the rate curve; "mean": all of them, averaged. Our
        choice is the last, as the paper is silent: the first still carries what the rate before left behind.
    """

    blocks: tuple[RateBlock, ...]
    check_up: RateBlock | None
    charge_cut_off_v: float
    discharge_cut_off_v: float
    curve_rates_per_h: tuple[float, ...] = ()
    formation: tuple[RateBlock, ...] = ()
    counts: Counts = "last"

    def __post_init__(self) -> None:
        if not self.charge_cut_off_v > self.discharge_cut_off_v:
            raise SettingsError(
                f"a protocol charges to a higher voltage than it discharges to; got {self.charge_cut_off_v} V and "
                f"{self.discharge_cut_off_v} V. Change charge_cut_off_v and discharge_cut_off_v."
            )
        run = {block.c_rate_per_h for block in self.blocks}
        object.__setattr__(self, "curve_rates_per_h", self.curve_rates_per_h or tuple(sorted(run)))
        if missing := set(self.curve_rates_per_h) - run:
            raise SettingsError(
                f"a protocol runs every C-rate of its rate curve; {sorted(missing)} have no block. Add one each."
            )
        if not self.blocks:
            raise SettingsError("a protocol has at least one block; got none. Add [[blocks]] with a c_rate_per_h.")

    @property
    def c_rates_per_h(self) -> tuple[float, ...]:
        """Every nominal C-rate that a discharge has, ascending."""
        return tuple(sorted({block.c_rate_per_h for _, block in self.planned}))

    @property
    def sequence(self) -> tuple[RateBlock, ...]:
        """Formation, then the blocks with the check-ups between them, in the order of time."""
        return tuple(block for _, block in self.planned)

    @property
    def planned(self) -> tuple[tuple[Role, RateBlock], ...]:
        """The sequence with what each run is for: "return" is a later block at the rate of an earlier one."""
        runs: list[tuple[Role, RateBlock]] = [("formation", block) for block in self.formation]
        for number, block in enumerate(self.blocks):
            if number and self.check_up:
                runs.append(("check-up", self.check_up))
            runs.append(("rate" if block is self.block_of(block.c_rate_per_h) else "return", block))
        return tuple(runs)

    def block_of(self, c_rate_per_h: float) -> RateBlock:
        """The first block at a C-rate: a later one at the same rate shows degradation."""
        return next(block for block in self.blocks if block.c_rate_per_h == c_rate_per_h)

    def run_of(self, c_rate_per_h: float) -> int:
        """Which run of the sequence, counted from 0, is the first block at a C-rate."""
        runs = [(role, block.c_rate_per_h) for role, block in self.planned]
        return runs.index(("rate", c_rate_per_h))


TABLE_2 = RateProtocol(
    blocks=(
        RateBlock(1 / 20, 1 / 30),
        RateBlock(1 / 10, 1 / 20),
        RateBlock(1 / 5, 1 / 20),
        RateBlock(1 / 2, 1 / 10),
        RateBlock(1.0, 1 / 5),
        RateBlock(2.0, 1 / 5),
        RateBlock(3.0, 1 / 5),
        RateBlock(5.0, 1 / 5),
        RateBlock(1 / 5, 1 / 20),
    ),
    # Section 2.1: two C/10 cycles between the rates; their cut-off is not given: our choice, that of the C/10 block.
    check_up=RateBlock(1 / 10, 1 / 20),
    charge_cut_off_v=4.3,
    discharge_cut_off_v=2.6,
    curve_rates_per_h=RATES_PER_H,  # section 2.2
)


def read_protocol(name: str, folder: Path) -> RateProtocol:
    """The protocol that campaign.toml names: ``"table-2"``, or a TOML file in the campaign's folder.

    Raises
    ------
    SettingsError
        If there is no such file, or it is no protocol: unknown keys get help.
    """
    if name == TABLE_2_NAME:
        return TABLE_2
    path = folder / name
    if not path.is_file():
        near = get_close_matches(name, [TABLE_2_NAME, *sorted(file.name for file in folder.glob("*.toml"))], n=1)
        if near:
            raise SettingsError(f"there is no protocol {name!r}; did you mean {near[0]!r}?")
        where = "this folder" if folder == Path() else folder
        raise SettingsError(f"there is no protocol {name!r}. Write 'table-2', or a TOML file that lies in {where}.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: not a readable TOML file ({error}). See docs/conventions.md.") from error
    return from_table(RateProtocol, {"check_up": None} | table, path.name)
