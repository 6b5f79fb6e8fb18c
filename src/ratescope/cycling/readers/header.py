"""The beginning of a file → its header: the line with the column names, wherever it stands.

Names are compared without regard to case, underscores and quotes, and the unit is what stands in brackets, after the
last slash, or at the end: ``Current (A)``, ``Cap. [Ah]``, ``I/mA``, ``Voltage#V``, ``U,V``, ``test_time_s``. Some files
have their units in a row of their own below the names.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ratescope.cycling.record import (
    CHARGING_CAPACITY,
    CUMULATIVE_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    NET_CAPACITY,
    STEP,
    STEP_CAPACITY,
    STEP_COUNT,
    STEP_TIME,
    TIME,
    VOLTAGE,
)
from ratescope.units import CHARGES

SEPARATORS = ("\t", ";", ",")
ROWS_LOOKED_AT = 500  # our choice: what the first 64 kB of a file hold, and enough to see a decimal comma

_TIMES = {"s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "min": 60.0, "minutes": 60.0, "ms": 1e-3}
_TIMES |= {"h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0}
_CHARGES = {**CHARGES, "ahr": 1.0, "amphr": 1.0, "mahr": 1e-3}
UNITS: Mapping[str, Mapping[str, float]] = {
    TIME: _TIMES,
    STEP_TIME: _TIMES,
    VOLTAGE: {"v": 1.0, "volt": 1.0, "volts": 1.0, "mv": 1e-3},
    CURRENT: {"a": 1.0, "amp": 1.0, "amps": 1.0, "ampere": 1.0, "ma": 1e-3, "µa": 1e-6, "μa": 1e-6, "ua": 1e-6},
    NET_CAPACITY: _CHARGES,
    STEP_CAPACITY: _CHARGES,
    CUMULATIVE_CAPACITY: _CHARGES,
    CHARGING_CAPACITY: _CHARGES,
    DISCHARGING_CAPACITY: _CHARGES,
    STEP: {"": 1.0},
    STEP_COUNT: {"": 1.0},
    CYCLE: {"": 1.0},
}
_ALL_UNITS = frozenset(unit for units in UNITS.values() for unit in units if unit)
_NO_SUFFIXES = frozenset({"min"})  # voltage_min is the lowest


def known_units(target: str) -> str:
    """The units of a quantity for people, each in its first spelling.

    >>> known_units(TIME)
    's, min, ms, h'
    """
    first: dict[float, str] = {}
    for unit, factor in UNITS[target].items():
        first.setdefault(factor, unit)
    return ", ".join(filter(None, first.values()))


@dataclass(frozen=True)
class Header:
    """The line with the column names, and the first rows below it cut into their fields."""

    line: int
    separator: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines_below: int

    @property
    def stems(self) -> tuple[str, ...]:
        """The names without their units, in lower case."""
        return tuple(stem_and_unit(name)[0] for name in self.names)

    def values(self, position: int) -> list[str]:
        """The fields of a column that are not empty."""
        return [row[position] for row in self.rows if position < len(row) and row[position]]


def find_header(head: str, hallmarks: Sequence[Sequence[str]]) -> Header | None:
    r"""The first line that has a stem of each of the ``hallmarks``.

    >>> find_header("Lab 3\nTest_Time(s),Voltage(V)\n1,3.6\n", [["test time"], ["volts", "voltage"]]).rows
    (('1', '3.6'),)
    """
    lines = head.split("\n")
    for number, line in enumerate(lines):
        plain = " ".join(line.lower().replace("_", " ").split())
        # Cutting a line into fields takes long, and nearly no line has all words of a header.
        if not all(any(stem in plain for stem in either) for either in hallmarks):
            continue
        for separator in SEPARATORS:
            names = fields_of(line, separator)
            stems = {stem_and_unit(name)[0] for name in names}
            if all(not stems.isdisjoint(either) for either in hallmarks):
                return _header(number, separator, names, lines[number + 1 : number + 1 + ROWS_LOOKED_AT])
    return None


def _header(line: int, separator: str, names: tuple[str, ...], below: Sequence[str]) -> Header:
    """The last of the lines below may be cut off: it is looked at only if it is alone."""
    blank = next((n for n, text in enumerate(below) if text.strip()), 0)
    rows = [fields_of(text, separator) for text in below[blank:-1] or below[blank:] if text.strip()]
    if rows and (units := _units_in(rows[0], names)):
        told = [unit and not stem_and_unit(name)[1] for name, unit in zip(names, units, strict=True)]
        names = tuple(f"{name} ({unit})" if new else name for name, unit, new in zip(names, units, told, strict=True))
        return Header(line, separator, names, tuple(rows[1:]), blank + 1)
    return Header(line, separator, names, tuple(rows), blank)


def _units_in(row: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """A unit or "" for each name, if this row below the names holds units and nothing else; else nothing.

    >>> _units_in(("", "s", "[V]", "[mA]"), ("Step", "Time", "Voltage", "Current"))
    ('', 's', 'V', 'mA')
    >>> _units_in(("V", "V", "V"), ("Time", "Voltage", "Current")), _units_in(("1", "s"), ("Step", "Time"))
    ((), ())
    """
    units = [field.strip("()[] ") for field in (*row, *[""] * len(names))[: len(names)]]
    known = {unit.lower().replace(".", "") for unit in units} & _ALL_UNITS
    has_numbers = any(re.search(r"\d", unit) for unit in units)
    return () if has_numbers or len(known) < 2 else tuple(units)


def fields_of(line: str, separator: str) -> tuple[str, ...]:
    r"""The fields of a line without quotes and the blanks, tabs and byte-order marks around them.

    >>> fields_of('1,"\t1,234.5",\t3\r', ","), fields_of('"1,2,3"', ",")
    (('1', '1,234.5', '3'), ('1', '2', '3'))
    """
    # No other line end than its own is left in a line: a lone carriage return is a blank.
    text = without_quotes(line.rstrip("\r"), separator).replace("\r", " ")
    return tuple(field.strip(' \t\ufeff"') for field in next(csv.reader([text], delimiter=separator), []))


_SUFFIX = re.compile(r"(?P<stem>.*\w)(?:_|#|,\s*)(?P<unit>\w+)")


def _is_suffix(unit: str) -> bool:
    return unit.lower() in _ALL_UNITS - _NO_SUFFIXES


def without_quotes(line: str, separator: str) -> str:
    """A line that stands in one pair of quotes as a whole, as a spreadsheet programme leaves it, without them.

    >>> without_quotes('"Time,U,I"', ","), without_quotes('"Time","U"', ",")
    ('Time,U,I', '"Time","U"')
    """
    inner = line.strip(" \ufeff")[1:-1]
    return inner if line.count('"') == 2 and separator in inner and f'"{inner}"' in line else line


def stem_and_unit(name: str) -> tuple[str, str]:
    """A column's name without its unit, and the unit, both plain.

    >>> stem_and_unit("Test_Time(s)"), stem_and_unit("(Q-Qo)/mA.h"), stem_and_unit("Cap. [Ah]"), stem_and_unit("Amps")
    (('test time', 's'), ('(q-qo)', 'mah'), ('cap', 'ah'), ('amps', ''))
    >>> stem_and_unit("Step Duration#s"), stem_and_unit("U,V"), stem_and_unit("current_mA"), stem_and_unit("u_min")
    (('step duration', 's'), ('u', 'v'), ('current', 'ma'), ('u min', ''))
    """
    match = re.fullmatch(r"(.*?)\s*[(\[（]([^()\[\]（）]*)[)\]）]", name.strip())
    stem, unit = match.groups() if match else (name, "")
    if not match and "/" in name:
        stem, _, unit = name.rpartition("/")
    elif not match and (end := _SUFFIX.fullmatch(name.strip())) and _is_suffix(end["unit"]):
        stem, unit = end["stem"], end["unit"]
    plain = re.sub(r"[\s_]+", " ", stem.lower()).strip(" .:,\"'")
    return plain, re.sub(r"[\s.\-]", "", unit.lower())
