"""Exports of one test, joined so that the later one repeats what the earlier one had: repeated rows are left out.

A row is repeated if the time falls back to it, and it and all rows from there on have the time, voltage and current of
those that the earlier export ends with. Where they differ nothing is left out: the time that runs backwards is said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratescope.cycling.record import REQUIRED, Chunk, CyclerRecord
from ratescope.records import Finding

MOST_FALLS = 100  # our choice: a time that falls more often is not that of joined exports
MOST_ROWS = 200_000  # our choice: 5 MB, and two days of a row per second; a longer overlap is not recognised

Floats = NDArray[np.float64]
NOTHING = np.empty((0, len(REQUIRED)))


def without_overlaps(record: CyclerRecord) -> CyclerRecord:
    """The same record, whose chunks leave out what stands there twice, and say so."""
    return replace(record, chunks=lambda: _read_once(record.chunks()))


def _read_once(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    passed = _Passed()
    rows = pd.DataFrame()
    for chunk in chunks:
        parts, remarks = passed.new_rows(chunk.rows)
        rows = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True) if parts else chunk.rows.iloc[:0]
        yield Chunk(rows, (*chunk.remarks, *remarks))
    if remarks := passed.at_the_end():
        yield Chunk(rows.iloc[:0], tuple(remarks))


class _Passed:
    """The rows that have passed, and those that are held back because so far they are as others before them."""

    def __init__(self) -> None:
        self.blocks: deque[Floats] = deque()  # (rows, 3) each: time, voltage, current
        self.before_s = -np.inf
        self.falls_left = MOST_FALLS
        self.earlier = NOTHING  # how the rows from a fall of the time on have to go on to be repeated
        self.held: list[pd.DataFrame] = []

    def new_rows(self, rows: pd.DataFrame) -> tuple[list[pd.DataFrame], list[Finding]]:
        """The parts of a chunk, and of rows held back before it, that stand there for the first time."""
        numbers = _numbers(rows)
        falls = np.flatnonzero(np.diff(numbers[:, 0], prepend=self.before_s) < 0.0)[: self.falls_left].tolist()
        self.falls_left -= len(falls)
        self.before_s = float(numbers[-1, 0]) if len(rows) else self.before_s
        parts: list[pd.DataFrame] = []
        remarks: list[Finding] = []
        for begin, end in pairwise([0, *(fall for fall in falls if fall), len(rows)]):
            if begin in falls:
                parts += self._given_up()
                self.earlier = self._from(numbers[begin])
            same = self._same(numbers[begin:end])
            self.held += [rows.iloc[begin : begin + same]] if same else []
            if same < min(len(self.earlier), end - begin):
                parts += self._given_up()
            elif same == len(self.earlier) and self.held:
                remarks += self.at_the_end()
            self.earlier = self.earlier[same:]
            parts += [rows.iloc[begin + same : end]] if begin + same < end else []
            self._note(numbers[begin + same : end])
        return parts, remarks

    def at_the_end(self) -> list[Finding]:
        """What is said of the rows that were held back, as they stand there twice; then they are forgotten."""
        if not self.held:
            return []
        times_s = np.concatenate([_numbers(part)[:, 0] for part in self.held])
        self.held = []
        text = (
            f"{len(times_s)} rows from {times_s[0]:.6g} s to {times_s[-1]:.6g} s stand there twice, as where exports "
            "of one test were joined: they are read once."
        )
        return [Finding("overlap", text)]

    def _given_up(self) -> list[pd.DataFrame]:
        """The rows that were held back, as what follows is not repeated."""
        parts, self.held, self.earlier = self.held, [], NOTHING
        for part in parts:
            self._note(_numbers(part))
        return parts

    def _same(self, numbers: Floats) -> int:
        """How many of the first rows are as the earlier ones."""
        count = min(len(self.earlier), len(numbers))
        agree = (self.earlier[:count] == numbers[:count]).all(axis=1)
        return int(np.argmin(np.append(agree, False)))

    def _from(self, row: Floats) -> Floats:
        """The rows that have passed from the last one with this time on, if it is this row; else none."""
        for place in range(len(self.blocks) - 1, -1, -1):
            found = np.flatnonzero(self.blocks[place][:, 0] == row[0])
            if found.size:
                begins = self.blocks[place][found[-1] :]
                rest = [self.blocks[later] for later in range(place + 1, len(self.blocks))]
                return np.concatenate([begins, *rest]) if (begins[0] == row).all() else NOTHING
        return NOTHING

    def _note(self, numbers: Floats) -> None:
        self.blocks.append(numbers)
        while sum(map(len, self.blocks)) - len(self.blocks[0]) > MOST_ROWS:
            self.blocks.popleft()


def _numbers(rows: pd.DataFrame) -> Floats:
    return rows[list(REQUIRED)].to_numpy(np.float64)
