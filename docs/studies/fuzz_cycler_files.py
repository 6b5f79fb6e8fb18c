"""Damaged cycler files through `ratescope rates`: none may crash it, or hang it for 10 s.

One ideal rate test is written in the notation of every maker (cycler_exports.py); these files, and the real ones where
they are beside the checkout, are damaged at random, and each is read in a worker process under a watch. File n is the
same for the same seed. The table has a row for each kind of damage and outcome: "as before" gave the capacities of the
whole file, "other, said" others with a remark, "other, unsaid" others without one; "refused" gave a sentence. Faults
are said, and their files kept in a temporary folder (--keep). It runs on Linux and macOS, because a worker's memory is
limited:

    python docs/studies/fuzz_cycler_files.py --files 5000 --jobs 2 --seed 0
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from pathlib import Path

import numpy as np
import pandas as pd
from cycler_exports import ACTIVE_MASS_MG, whole_files

from ratescope.errors import RatescopeError
from ratescope.files import write_csv
from ratescope.rates import write_rates

TABLE = Path(__file__).with_name("0004-fuzz.csv")
COLUMNS = ("seed", "damage", "outcome", "files")
REAL = Path(__file__).resolve().parents[2] / "../shared/real/cycler"
REAL_BYTES = 60_000  # about so much of a real file: small ones are damaged more thoroughly
MOST_SECONDS = 10.0  # of one core
PATIENCE_S = 120.0  # what is not done by then never ends
MOST_MEMORY = 8 * 2**30  # of address space


def real_files() -> dict[str, bytes]:
    """The real files where they are, the long ones thinned: their header and a part of their rows, to the end."""
    return {f"real_{file.name}": thinned(file.read_bytes()) for file in sorted(REAL.iterdir())} if REAL.is_dir() else {}


def thinned(content: bytes) -> bytes:
    rows = content.split(b"\n")
    every = max(1, len(content) // REAL_BYTES)
    return b"\n".join(rows[:40] + rows[40::every])


# --- damage ---------------------------------------------------------------------------------------------------------


def damaged(whole: dict[str, bytes], seed: int, number: int) -> tuple[str, str, bytes]:
    """Name, kind of damage and content of file ``number``: a whole one damaged once or twice in the same way."""
    rng = np.random.default_rng([seed, number])
    name = str(rng.choice(sorted(whole)))
    kind = list(WAYS)[int(rng.integers(len(WAYS)))]
    content = whole[name]
    for _ in range(int(rng.integers(1, 3))):
        content = WAYS[kind](content, rng) if len(content) > 8 else content
    return name, kind, content


def cut_short(content, rng):
    return content[: rng.integers(0, len(content))]


def bytes_flipped(content, rng):
    changed = bytearray(content)
    for place in rng.integers(0, len(content), rng.integers(1, 20)):
        changed[place] = rng.choice([rng.integers(0, 256), changed[place] ^ (1 << rng.integers(0, 8)), 0, 255])
    return bytes(changed)


def by_lines(change):
    @wraps(change)
    def way(content, rng):
        return b"\n".join(change(content.split(b"\n"), rng))

    return way


@by_lines
def lines_doubled(rows, rng):
    begin, end = sorted(rng.integers(0, len(rows) + 1, 2))
    return rows[:end] + rows[begin:]


@by_lines
def lines_lost(rows, rng):
    begin, end = sorted(rng.integers(0, len(rows) + 1, 2))
    return rows[:begin] + rows[end:]


@by_lines
def lines_shuffled(rows, rng):
    begin, end = sorted(rng.integers(0, len(rows) + 1, 2))
    return rows[:begin] + [rows[n] for n in rng.permutation(np.arange(begin, end))] + rows[end:]


@by_lines
def header_lost(rows, rng):
    return rows[int(rng.integers(1, min(len(rows), 20) + 1)) :]


@by_lines
def blank_lines(rows, rng):
    for place in rng.integers(0, len(rows) + 1, 5):
        rows.insert(int(place), rng.choice([b"", b" ", b"\t\t\t", b",,,", b"~", b"\x00"]))
    return rows


@by_lines
def number_becomes_text(rows, rng):
    for place in rng.integers(0, len(rows), rng.integers(1, 30)):
        mark = separator_of(rows[place])
        fields = rows[place].split(mark)
        word = (b"---", b"", b"inf", b"-1e999", b"NaN", b"1,2,3", b'"', b"4.2V", b"1e400", b"99:99:99", "µ".encode())
        fields[int(rng.integers(len(fields)))] = word[int(rng.integers(len(word)))]
        rows[place] = mark.join(fields)
    return rows


@by_lines
def columns_swapped(rows, rng):
    mark = separator_of(rows[-2] if len(rows) > 1 else rows[0])
    one, two = rng.integers(0, rows[-2].count(mark) + 1 if len(rows) > 1 else 1, 2)
    return [swapped(row.split(mark), one, two, mark) for row in rows]


def swapped(fields, one, two, mark):
    if max(one, two) < len(fields):
        fields[one], fields[two] = fields[two], fields[one]
    return mark.join(fields)


@by_lines
def names_changed(rows, rng):
    """A name in one of the first lines loses a letter, its unit, or gets another."""
    place = int(rng.integers(min(len(rows), 10)))
    swaps = (
        (b"A)", b"mA)"),
        (b"(s)", b"(h)"),
        (b"[", b"("),
        (b"(", b""),
        (b"V", b"mV"),
        (b"Ah", b"mAh/g"),
        (b"e", b""),
    )
    old, new = swaps[int(rng.integers(len(swaps)))]
    rows[place] = rows[place].replace(old, new)
    return rows


def separator_of(row):
    return max((b"\t", b";", b","), key=row.count)


def separators_changed(content, rng):
    mark = separator_of(content)
    return content.replace(mark, (b"\t", b";", b",", b" ", b"|", b";;")[int(rng.integers(6))])


def decimals_changed(content, rng):
    old, new = ((b".", b","), (b",", b"."), (b".", b"'"))[int(rng.integers(3))]
    half = int(rng.integers(0, 2)) * len(content) // 2
    return content[:half] + content[half:].replace(old, new)


def encoded_otherwise(content, rng):
    text = content.decode("utf-8", "replace")
    return text.encode(
        ("utf-16", "utf-8-sig", "latin-1", "utf-32", "utf-16-le", "cp037")[int(rng.integers(6))], "replace"
    )


def line_ends_changed(content, rng):
    return content.replace(b"\n", (b"\r\n", b"\r", b"\n\r", b"\x0b", b"\xe2\x80\xa8", b"")[int(rng.integers(6))])


def two_files_joined(content, rng):
    return content + content[int(rng.integers(0, 2)) * len(content) // 2 :]


def a_piece_of_another(content, rng):
    place = int(rng.integers(0, len(content)))
    return content[:place] + rng.bytes(int(rng.integers(1, 500))) + content[place:]


WAYS: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    way.__name__: way
    for way in (
        cut_short,
        bytes_flipped,
        lines_doubled,
        lines_lost,
        lines_shuffled,
        header_lost,
        blank_lines,
        number_becomes_text,
        columns_swapped,
        names_changed,
        separators_changed,
        decimals_changed,
        encoded_otherwise,
        line_ends_changed,
        two_files_joined,
        a_piece_of_another,
    )
}


# --- one file -------------------------------------------------------------------------------------------------------


def outcome_of(path: Path, out: Path) -> tuple[str, list[float], list[str]]:
    """Whether it was "read", "refused" or a "fault"; the capacities that count; what was said."""
    try:
        written = write_rates([path], out, ACTIVE_MASS_MG)
    except RatescopeError as error:
        return "refused", [], [str(error)]
    except Exception as error:  # noqa: BLE001 - any at all is what is looked for
        return "fault", [], [f"{type(error).__name__}: {error}"]
    if written.refused:
        said = list(written.refused.values())
        return ("refused" if all(text.strip() and "\n" not in text for text in said) else "fault", [], said)
    table = pd.read_csv(out)
    return "read", table.loc[table.counts, "capacity_ah"].to_list(), list(written.remarks)


def serve(line, seed: int) -> None:
    """In a process of its own: read the files whose numbers come, until None comes."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    warnings.simplefilter("ignore")
    whole = {**whole_files(), **real_files()}
    with tempfile.TemporaryDirectory() as folder:
        right = {name: outcome_in(Path(folder), name, content) for name, content in whole.items()}
        line.send("ready")
        while (number := line.recv()) is not None:
            name, _, content = damaged(whole, seed, number)
            begun = time.process_time()
            outcome, capacities, said = outcome_in(Path(folder), name, content)
            seconds = time.process_time() - begun
            if seconds > MOST_SECONDS:
                outcome, said = "fault", [f"{seconds:.0f} s"]
            _, expected, usual = right[name]
            line.send((kind_of(outcome, capacities, expected, [text for text in said if text not in usual]), said))


def outcome_in(folder: Path, name: str, content: bytes) -> tuple[str, list[float], list[str]]:
    path = folder / name
    path.write_bytes(content)
    return outcome_of(path, folder / "rates.csv")


def kind_of(outcome: str, capacities: list[float], right: list[float], said: list[str]) -> str:
    if outcome != "read":
        return outcome
    if len(capacities) == len(right) and np.allclose(capacities, right, rtol=1e-3):
        return "as before"
    return "other, said" if said else "other, unsaid"


class Watched:
    """A worker process under a watch; it is replaced when it dies or takes too long."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, self.seed), daemon=True)
        self.process.start()
        theirs.close()
        self.line.recv()

    def outcome(self, number: int) -> tuple[str, list[str]]:
        try:
            self.line.send(number)
            if self.line.poll(PATIENCE_S):
                return self.line.recv()
            said = "it hangs"
        except (EOFError, OSError):
            self.process.join()
            said = f"the process died ({self.process.exitcode})"
        self.process.kill()
        self.start()
        return "fault", [said]


# --- many files -----------------------------------------------------------------------------------------------------


def run(first: int, files: int, jobs: int, seed: int, keep: Path) -> int:
    """How many faults there were."""
    whole = {**whole_files(), **real_files()}
    workers = [Watched(seed) for _ in range(jobs)]
    numbers = range(first, first + files)
    with ThreadPoolExecutor(jobs) as pool:
        shares = list(pool.map(share_of, workers, [numbers[i::jobs] for i in range(jobs)]))
    for worker in workers:
        worker.line.send(None)
    counts: Counter[tuple[str, str]] = Counter()
    for number, (outcome, said) in sorted({n: o for share in shares for n, o in share.items()}.items()):
        name, kind, content = damaged(whole, seed, number)
        counts[kind, outcome] += 1
        if outcome in {"fault", "other, unsaid"}:
            (keep / outcome.replace(", ", "_")).mkdir(parents=True, exist_ok=True)
            (keep / outcome.replace(", ", "_") / f"{number}_{kind}_{name}").write_bytes(content)
        if outcome == "fault":
            print(f"{number} {kind} {name}: {said}", flush=True)
    rows = [{"seed": seed, "damage": k, "outcome": o, "files": n} for (k, o), n in sorted(counts.items())]
    write_csv(TABLE, COLUMNS, rows)
    return sum(n for (_, outcome), n in counts.items() if outcome == "fault")


def share_of(worker: Watched, numbers: range) -> dict[int, tuple[str, list[str]]]:
    return {number: worker.outcome(number) for number in numbers}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir(), "fuzz_cycler_found"))
    arguments = parser.parse_args()
    sys.exit(bool(run(arguments.first, arguments.files, arguments.jobs, arguments.seed, arguments.keep)))
