"""What each discharge is for: formation, rate, check-up, or the return that shows degradation.

The rates of a test are laid along those of its protocol, run by run: a run is consecutive complete discharges at one
rate, so that three cycles instead of two, a run that is missing or one too many do not shift what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ratescope.protocol import RateProtocol
from ratescope.records import Role

PRINCIPAL: tuple[Role, ...] = ("rate", "return", "formation", "check-up")


def roles_of(rates_per_h: Sequence[float], is_complete: Sequence[bool], protocol: RateProtocol) -> list[Role]:
    """The role of each discharge from its nominal C-rate and its place.

    Examples
    --------
    >>> from ratescope.protocol import TABLE_2
    >>> roles_of([0.3, 0.2, 0.2, 0.1, 0.1, 5.0, 0.2], [True] * 7, TABLE_2)
    ['formation', 'rate', 'rate', 'check-up', 'check-up', 'rate', 'return']
    """
    complete = [n for n, whole in enumerate(is_complete) if whole]
    runs = [list(run) for _, run in groupby(complete, key=lambda n: rates_per_h[n])]
    plan = _merged_plan(protocol)
    places = _aligned([rates_per_h[run[0]] for run in runs], [rate for rate, _ in plan])
    first_placed = next((number for number, place in enumerate(places) if place is not None), 0)
    roles: dict[int, Role] = {}
    for number, (run, place) in enumerate(zip(runs, places, strict=True)):
        if place is not None:
            roles |= zip(run, _roles_in_run(len(run), plan[place][1]), strict=True)
        else:
            rate = rates_per_h[run[0]]
            roles |= dict.fromkeys(run, "formation" if number < first_placed else _role_out_of_place(rate, protocol))
    free = [run for run, place in zip(runs, places, strict=True) if place is None or roles[run[0]] == "return"]
    _name_first_blocks(roles, free, rates_per_h, protocol)
    return [roles.get(n) or _role_beside(n, rates_per_h, roles) for n in range(len(rates_per_h))]


def _merged_plan(protocol: RateProtocol) -> list[tuple[float, list[Role]]]:
    """Rate and roles cycle by cycle of each run of the protocol; neighbours at one rate look like one run in a file."""
    planned = [(block.c_rate_per_h, role) for role, block in protocol.planned for _ in range(block.cycles)]
    return [(rate, [role for _, role in run]) for rate, run in groupby(planned, key=lambda cycle: cycle[0])]


def _aligned(measured: Sequence[float], planned: Sequence[float]) -> list[int | None]:
    """For each measured rate its place in the plan, in order, so that as many as possible have one; early ones first.

    >>> _aligned([0.2, 0.7, 5.0], [0.1, 0.2, 0.1, 5.0, 0.2])
    [1, None, 3]
    """
    rows, columns = len(measured), len(planned)
    most = [[0] * (columns + 1) for _ in range(rows + 1)]  # pairs to be had from here on
    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            paired = most[i + 1][j + 1] + 1 if measured[i] == planned[j] else 0
            most[i][j] = max(paired, most[i + 1][j], most[i][j + 1])
    places: list[int | None] = []
    j = 0
    for i in range(rows):
        at = next((k for k in range(j, columns) if measured[i] == planned[k]), None)
        is_best = at is not None and most[i + 1][at + 1] + 1 == most[i][j]
        places.append(at if is_best else None)
        j = at + 1 if is_best and at is not None else j
    return places


def _roles_in_run(cycles: int, planned: Sequence[Role]) -> Sequence[Role]:
    """Cycle by cycle where the run is as long as planned; else all of it is what matters most in it."""
    if cycles == len(planned):
        return planned
    return [next(role for role in PRINCIPAL if role in planned)] * cycles


def _role_out_of_place(rate_per_h: float, protocol: RateProtocol) -> Role:
    if rate_per_h in {block.c_rate_per_h for block in protocol.blocks}:
        return "return"
    if protocol.check_up and rate_per_h == protocol.check_up.c_rate_per_h:
        return "check-up"
    return "other"


def _name_first_blocks(
    roles: dict[int, Role], runs: Sequence[Sequence[int]], rates_per_h: Sequence[float], protocol: RateProtocol
) -> None:
    """A laboratory that runs the rates in another order still has a first block at each: what came first is it."""
    named = {rates_per_h[n] for n, role in roles.items() if role == "rate"}
    for rate in {block.c_rate_per_h for block in protocol.blocks} - named:
        first = next((run for run in runs if rates_per_h[run[0]] == rate), [])
        roles.update(dict.fromkeys(first, "rate"))


def _role_beside(position: int, rates_per_h: Sequence[float], roles: dict[int, Role]) -> Role:
    """An incomplete discharge is for what its complete neighbour at the same rate is for."""
    for step in (-1, 1):
        n = position + step
        while 0 <= n < len(rates_per_h) and n not in roles:
            n += step
        if n in roles and rates_per_h[n] == rates_per_h[position]:
            return roles[n]
    return "other"
