"""What a cell lost between the first block at a C-rate and the return to it at the end."""

from __future__ import annotations

from collections.abc import Sequence

from ratescope.records import Degradation, Discharge, Finding

UNSEEN_LOSS_SHARE = 0.0005  # our choice: about what a cycler repeats to
MUCH_LOSS_SHARE = 0.05  # our choice: then the high rates, which are tested last, look worse than the electrode is


def degradation(discharges: Sequence[Discharge]) -> Degradation | None:
    """From the last complete discharge of the first block to that of the last block at the same rate; None without one.

    Where several rates are returned to, the slowest tells most: there resistance hides nothing.
    """
    found = [_between(rate, discharges) for rate in sorted({d.c_rate_per_h for d in discharges if d.role == "return"})]
    return next((loss for loss in found if loss), None)


def _between(rate: float, discharges: Sequence[Discharge]) -> Degradation | None:
    whole = [d for d in discharges if d.is_complete and d.c_rate_per_h == rate]
    first = [d for d in whole if d.role == "rate"]
    last = [d for d in whole if d.role == "return"]
    if not first or not last:
        return None
    return Degradation(rate, first[-1].capacity_ah, last[-1].capacity_ah, last[-1].cycle - first[-1].cycle)


def degradation_in_words(loss: Degradation) -> str:
    """One sentence with both capacities, the loss in per cent, and that per cycle.

    >>> degradation_in_words(Degradation(0.2, 1.90e-3, 1.81e-3, 30))
    'At 0.2C 1.9 mAh became 1.81 mAh over 30 cycles: a loss of 4.7 %, 0.158 % per cycle.'
    >>> degradation_in_words(Degradation(0.2, 1.9000e-3, 1.9001e-3, 30))
    'At 0.2C 1.9 mAh were the same after 30 cycles, within 0.05 %.'
    """
    if abs(loss.loss_share) < UNSEEN_LOSS_SHARE:
        same = f"At {loss.c_rate_per_h:g}C {loss.first_ah * 1e3:.4g} mAh were the same after {loss.cycles} cycles"
        return f"{same}, within {UNSEEN_LOSS_SHARE * 100:g} %."
    return (
        f"At {loss.c_rate_per_h:g}C {loss.first_ah * 1e3:.4g} mAh became {loss.last_ah * 1e3:.4g} mAh over "
        f"{loss.cycles} cycles: a loss of {loss.loss_share:.1%}, {loss.loss_share_per_cycle:.3%} per cycle."
    ).replace("%", " %")


def remarks_on_degradation(discharges: Sequence[Discharge]) -> list[Finding]:
    """A loss that makes the rates tested late look worse than they are."""
    loss = degradation(discharges)
    if loss is None or loss.loss_share <= MUCH_LOSS_SHARE:
        return []
    text = f"{degradation_in_words(loss)} What was tested late has lost as well: the curve shows both."
    return [Finding("degraded", text)]
