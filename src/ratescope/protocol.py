"""The rate test of Table 2 as data: the cycler's readers recognise it, the virtual laboratory performs it."""

from __future__ import annotations

from dataclasses import dataclass

from ratescope.errors import SettingsError
from ratescope.units import RATES_PER_H


@dataclass(frozen=True)
class RateBlock:
    """A run of equal cycles: charge and discharge at one C-rate, with a hold between them.

    Attributes
    ----------
    c_rate_per_h : float
        Of the constant-current charge and of the discharge.
    hold_until_c_rate_per_h : float
        Where the current of the constant-voltage hold ends the charge.
    cycles : int
    """

    c_rate_per_h: float
    hold_until_c_rate_per_h: float
    cycles: int = 2


@dataclass(frozen=True)
class RateProtocol:
    """The blocks of a rate test in the order of time, and what its capacities are read at.

    Attributes
    ----------
    blocks : tuple of RateBlock
    check_up : RateBlock
        Run between each two blocks.
    charge_cut_off_v, discharge_cut_off_v : float
        Against lithium.
    curve_rates_per_h : tuple of float
        The C-rates that form the rate curve (section 2.2).
    """

    blocks: tuple[RateBlock, ...]
    check_up: RateBlock
    charge_cut_off_v: float
    discharge_cut_off_v: float
    curve_rates_per_h: tuple[float, ...] = RATES_PER_H

    def __post_init__(self) -> None:
        if missing := set(self.curve_rates_per_h) - {block.c_rate_per_h for block in self.blocks}:
            raise SettingsError(
                f"a protocol runs every C-rate of its rate curve; {sorted(missing)} have no block. Add one each."
            )

    @property
    def c_rates_per_h(self) -> tuple[float, ...]:
        """Every nominal C-rate that occurs, ascending."""
        return tuple(sorted({block.c_rate_per_h for block in (*self.blocks, self.check_up)}))

    @property
    def sequence(self) -> tuple[RateBlock, ...]:
        """The blocks with the check-ups between them, in the order of time."""
        first, *rest = self.blocks
        return (first, *(run for block in rest for run in (self.check_up, block)))

    def block_of(self, c_rate_per_h: float) -> RateBlock:
        """The first block at a C-rate: a later one at the same rate shows degradation."""
        return next(block for block in self.blocks if block.c_rate_per_h == c_rate_per_h)


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
)
