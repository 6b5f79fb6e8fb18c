"""A header and a maker's table → the `Layout` of its export: what is the same for all makers.

A maker's module lists what it looks for as a table of `Wanted`; units come from the header, numbers may have a decimal
comma or group their thousands, and a column of words such as ``CC DChg`` may have to give the current its sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from ratescope.cycling.readers.cells import groups_thousands, tells_clocks
from ratescope.cycling.readers.header import UNITS, Header, known_units, stem_and_unit
from ratescope.cycling.readers.layout import Column, Kind, Layout
from ratescope.cycling.readers.wall_clock import with_time_by_wall_clock
from ratescope.cycling.record import CURRENT, MODE, REQUIRED, STEP_TIME, TIME, VOLTAGE
from ratescope.errors import RateTestError
from ratescope.records import Finding

Finish = Callable[[pd.DataFrame], pd.DataFrame]
Direction = Callable[[str], float]  # of a word of the maker: 1 charges, −1 discharges, 0 rests, NaN says nothing


@dataclass(frozen=True)
class Wanted:
    """What a maker's export calls a column.

    Attributes
    ----------
    target : str
        Its name in the Battery Data Format.
    stems : tuple of str
        Its names without the unit, in lower case, the best first.
    unit : str
        Where the header gives none; empty: it must give one.
    kind : "number", "clock" or "word"
    """

    target: str
    stems: tuple[str, ...]
    unit: str = ""
    kind: Kind = "number"


def lay_out(
    maker: str,
    header: Header,
    table: Sequence[Wanted],
    *,
    wall_clock: Sequence[str] = (),
    direction: Direction | None = None,
) -> Layout:
    """The layout of the rows below a header.

    Parameters
    ----------
    wall_clock : sequence of str
        Stems of columns with the time of day, which tells whether the test time counts what its header says.
    direction : callable, optional
        What the words of the column `MODE` say of the current.

    Raises
    ------
    RateTestError
        If time, voltage or current is missing, or in a unit that is not known.
    """
    columns, by_clock = with_time_by_wall_clock(header, _declared(maker, header, table), wall_clock)
    finish, by_mode = _sign_by_mode(header, columns, direction)
    columns = {n: replace(column, is_grouped=_is_grouped(header, n, column)) for n, column in columns.items()}
    return Layout(
        maker=maker,
        lines_before=header.line + 1 + header.lines_below,
        separator=header.separator,
        decimal=_decimal_sign(header, columns),
        names=header.names,
        columns=columns,
        finish=finish,
        remarks=(*by_clock, *by_mode),
    )


def _declared(maker: str, header: Header, table: Sequence[Wanted]) -> dict[int, Column]:
    columns: dict[int, Column] = {}
    for wanted in table:
        if any(column.target == wanted.target for column in columns.values()):
            continue  # an earlier line of the table knows a better name
        places = [n for stem in wanted.stems for n, seen in enumerate(header.stems) if seen == stem]
        found = [(n, column) for n in places if (column := _column(header, n, wanted)) is not None]
        if found:
            columns.setdefault(*found[0])
        elif places and wanted.target in REQUIRED:
            raise RateTestError(
                f"a {maker} export whose column {header.names[places[0]]!r} gives no unit that is known; known are "
                f"{known_units(wanted.target)}. Export the test again in one of these."
            )
    _refuse_without_required({column.target for column in columns.values()}, maker, header)
    return columns


def _refuse_without_required(targets: set[str], maker: str, header: Header) -> None:
    # The times of the steps can be added up, so that they do for the test time.
    missing = [name for name in REQUIRED if name not in targets and not (name == TIME and STEP_TIME in targets)]
    if missing:
        raise RateTestError(
            f"a {maker} export without a column for {' or '.join(missing)}; it has {', '.join(header.names)[:200]}. "
            "Export the test again with time, voltage and current."
        )


def _column(header: Header, position: int, wanted: Wanted) -> Column | None:
    """None where its unit is another than of what is wanted: mAh/g is no capacity in Ah."""
    name = header.names[position]
    if wanted.kind == "word":
        return Column(name, wanted.target, kind="word")
    _, unit = stem_and_unit(name)
    if wanted.target in (TIME, STEP_TIME) and tells_clocks(unit, header.values(position)):
        return Column(name, wanted.target, kind="clock")
    factor = UNITS[wanted.target].get(unit or wanted.unit)
    return None if factor is None else Column(name, wanted.target, factor)


def _decimal_sign(header: Header, columns: Mapping[int, Column]) -> Literal[".", ","]:
    """A comma beside points groups thousands: ``1,234.5``."""
    numbers = [text for n, column in columns.items() if column.kind == "number" for text in header.values(n)]
    has_point = any("." in text for text in numbers)
    return "," if not has_point and any("," in text for text in numbers) else "."


def _is_grouped(header: Header, position: int, column: Column) -> bool:
    """Voltages and currents are small: there a lone comma is a decimal comma, or in doubt."""
    may_be_large = column.kind == "number" and column.target not in {VOLTAGE, CURRENT}
    return may_be_large and groups_thousands(header.values(position))


def _sign_by_mode(
    header: Header, columns: Mapping[int, Column], direction: Direction | None
) -> tuple[Finish | None, tuple[Finding, ...]]:
    """How the current gets the sign of its mode, with a remark; nothing where the first rows show that it has one."""
    place = {column.target: n for n, column in columns.items()}
    if direction is None or MODE not in place:
        return None, ()
    mode, current = place[MODE], place[CURRENT]
    rows = [row for row in header.rows if max(mode, current) < len(row)]
    discharging = [row[current] for row in rows if direction(row[mode]) < 0 and row[current].strip("-0.,eE+")]
    name = header.names[mode]
    if not discharging:
        said = Finding(
            "current-by-mode", f"Where the current's sign and column {name!r} disagree, the column is right."
        )
    elif sum(text.startswith("-") for text in discharging) > len(discharging) / 2:
        return None, ()  # the first row of a step may still show the current before it
    else:
        said = Finding(
            "current-unsigned", f"The current's sign tells no charge from discharge; column {name!r} gives it one."
        )
    return partial(_signed, direction=direction), (said,)


def _signed(rows: pd.DataFrame, direction: Direction) -> pd.DataFrame:
    if MODE not in rows or rows.empty:
        return rows
    # A word that says nothing, as of a step's last row, carries on what was before it.
    signs = rows[MODE].map({word: direction(word) for word in rows[MODE].unique()}).ffill().to_numpy(np.float64)
    magnitude = rows[CURRENT].abs()
    turns = np.isfinite(signs) & (signs != 0.0)
    return rows.assign(**{CURRENT: np.where(turns, signs * magnitude, rows[CURRENT])})
