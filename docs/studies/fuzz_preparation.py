"""Damaged files through the whole preparation: none may crash it, hang it for 10 s, or leave a half-written output.

Small whole micrographs of every format are damaged at random and prepared, each file in a worker process under a
watch. File n is the same for the same seed, whatever ran before it. One row of 0003-fuzz.csv tells of 500 files; rows
that are there are not done again. Faults are said, and their files kept in a temporary folder (--keep). It runs on
Linux and macOS, because a worker's memory is limited:

    python docs/studies/fuzz_preparation.py --files 10000 --jobs 2 --seed 0
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import multiprocessing
import resource
import struct
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from ratescope.campaign.micrograph_files import MicrographFile
from ratescope.campaign.prepared_folder import prepare_all
from ratescope.errors import MicrographError
from ratescope.files import write_csv
from ratescope.imaging.reading import read_crop
from ratescope.settings import PrepareSettings

BUNDLED = Path(str(files("ratescope") / "bundled" / "micrographs"))  # without torch, unlike bundled_micrographs()
TABLE = Path(__file__).with_name("0003-fuzz.csv")
COLUMNS = (
    "seed",
    "first",
    "files",
    "prepared",
    "refused_whole",
    "refused_damaged",
    "faults",
    "seconds",
    "slowest_cpu_s",
)
FILES_PER_ROW = 500
MOST_SECONDS = 10.0  # of one core: other work on the machine makes no file a fault
PATIENCE_S = 120.0  # what is not done by then never ends
MOST_MEMORY = 8 * 2**30  # of address space; what damaged small files ask for beyond it is a fault of the reader
PIXEL_SIZE_UM = 0.246  # half the network's resolution: a fourth of the pixels, and still one section
FAILED_READING = {"damaged-file", "unknown-format", "empty-file", "too-large", "too-small", "stack", "colour-space"}
TELLING = (0, 1, 2, 3, 5, 7, 8, 15, 16, 255, 256, 4096, 2**15, 2**16 - 1, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1)


# --- whole files ----------------------------------------------------------------------------------------------------


def whole_files(columns: int = 360) -> dict[str, bytes]:
    """A micrograph (simulated) in each of the formats, by file name."""
    with Image.open(BUNDLED / "simulated_medium_31_percent.tif") as picture:
        half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    pixels = np.ascontiguousarray(np.asarray(half)[:, -columns:])  # its left end has a smear
    grey = np.ascontiguousarray(pixels[..., 1])
    planes = np.moveaxis(pixels, -1, 0).copy()
    deep = grey.astype(np.uint16) << 4
    dots = (25400 / PIXEL_SIZE_UM,) * 2
    return {
        "plain.tif": tiff(pixels),
        "strips.tif": tiff(pixels, rowsperstrip=16),
        "lzw.tif": tiff(pixels, compression="lzw", predictor=True),
        "deflate_tiles.tif": tiff(pixels, compression="zlib", tile=(64, 64)),
        "jpeg.tif": tiff(pixels, compression="jpeg"),
        "jpeg_tiles.tif": tiff(pixels, compression="jpeg", tile=(64, 64)),
        "zstd.tif": tiff(pixels, compression="zstd"),
        "packbits.tif": tiff(grey, compression="packbits"),
        "planes.tif": tiff(planes, photometric="rgb", planarconfig="separate"),
        "big_endian.tif": tiff(deep, byteorder=">"),
        "deep.tif": tiff(deep, compression="zlib", predictor=True),
        "floats.tif": tiff(grey.astype(np.float32) / 255, compression="lzma"),
        "palette.tif": tiff(grey, photometric="palette", colormap=np.tile(np.arange(256, dtype="u2") << 8, (3, 1))),
        "big.tif": tiff(pixels, bigtiff=True, compression="lzw"),
        "imagej.tif": tiff(grey, imagej=True, resolution=(1 / PIXEL_SIZE_UM,) * 2, metadata={"unit": "um"}),
        "ome.tif": tiff(grey, ome=True, metadata={"axes": "YX", "PhysicalSizeX": PIXEL_SIZE_UM}),
        "a.png": saved(half.crop((0, 0, columns, half.height)), "PNG", dpi=dots),
        "deep.png": imagecodecs.png_encode(pixels.astype(np.uint16) << 4),
        "palette.png": saved(half.crop((0, 0, columns, half.height)).convert("P"), "PNG", dpi=dots),
        "a.jpg": saved(half.crop((0, 0, columns, half.height)), "JPEG", quality=90),
        "grey.jpg": saved(half.crop((0, 0, columns, half.height)).convert("L"), "JPEG", progressive=True),
    }


def tiff(pixels, **options) -> bytes:
    options = {
        "photometric": "rgb" if pixels.ndim == 3 else "minisblack",
        "resolution": (1e4 / PIXEL_SIZE_UM,) * 2,
        "resolutionunit": "CENTIMETER",
        **options,
    }
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def saved(picture, kind, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


# --- damage ---------------------------------------------------------------------------------------------------------


def damaged(whole: dict[str, bytes], seed: int, number: int) -> tuple[str, bytes]:
    """File ``number``: a whole one damaged once to three times."""
    rng = np.random.default_rng([seed, number])
    name = str(rng.choice(sorted(whole)))
    content = bytearray(whole[name])
    for _ in range(int(rng.integers(1, 4))):
        content = rng.choice(WAYS)(content, rng) if len(content) > 8 else content
    return f"{number}_{name}", bytes(content)


def bytes_in_the_head(content, rng):
    return changed_bytes(content, rng, min(len(content), 600))


def bytes_anywhere(content, rng):
    return changed_bytes(content, rng, len(content))


def changed_bytes(content, rng, within):
    for place in rng.integers(0, within, rng.integers(1, 9)):
        content[place] = rng.choice([rng.integers(0, 256), content[place] ^ (1 << rng.integers(0, 8)), 0, 255])
    return content


def cut_short(content, rng):
    return content[: rng.integers(0, len(content))]


def a_piece_twice(content, rng):
    start, stop = sorted(rng.integers(0, len(content), 2))
    return content[:stop] + content[start:]


def a_piece_lost(content, rng):
    start = rng.integers(0, len(content))
    return content[:start] + content[start + rng.integers(1, 4096) :]


def a_piece_overwritten(content, rng):
    start, length = rng.integers(0, len(content)), int(rng.integers(1, 2000))
    filling = rng.choice([bytes(length), b"\xff" * length, rng.bytes(length)])
    content[start : start + length] = filling
    return content


def telling_number(content, rng):
    """A number of 16 or 32 bits in the head becomes one that software trips over."""
    kind = rng.choice(["<H", "<I", ">H", ">I"])
    place = 2 * int(rng.integers(0, min(len(content) - 4, 600) // 2 + 1))
    value = int(rng.choice(TELLING)) % 2 ** (8 * struct.calcsize(kind))
    struct.pack_into(kind, content, place, value)
    return content


def field_of_the_format(content, rng):
    """A tag of a TIFF, or the size in a PNG (with its check sum) or JPEG, says something else."""
    if content.startswith((b"II", b"MM")):
        return changed_tag(content, rng)
    value = int(rng.choice([*TELLING, int(rng.integers(1, 70_000))]))
    if content[1:4] == b"PNG":
        place = int(rng.choice([16, 20]))
        struct.pack_into(">I", content, place, value)
        struct.pack_into(">I", content, 29, zlib.crc32(content[12:29]))
    elif (marker := max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))) >= 0 and marker + 9 < len(content):
        struct.pack_into(">H", content, marker + int(rng.choice([5, 7])), value % 2**16)
    return content


def changed_tag(content, rng):
    """A tag's code, type, number of values, or value."""
    order = "<" if content.startswith(b"II") else ">"
    is_big = 43 in content[2:4]
    head, size, first = ("Q", 20, 8) if is_big else ("I", 12, 2)
    directory = struct.unpack_from(order + head, content, 8 if is_big else 4)[0]
    if directory + first > len(content):
        return content
    tags = struct.unpack_from(order + ("Q" if is_big else "H"), content, directory)[0]
    place = directory + first + size * int(rng.integers(0, max(1, min(tags, 40))))
    if place + size > len(content):
        return content
    what, kind = [(0, "H"), (2, "H"), (4, head), (4 + size // 2 - 2, "H"), (4 + size // 2 - 2, head)][rng.integers(5)]
    value = int(rng.choice([*TELLING, int(rng.integers(1, 20_000)), len(content)]))
    struct.pack_into(order + kind, content, place + what, value % 2 ** (8 * struct.calcsize(order + kind)))
    return content


WAYS = (
    bytes_in_the_head,
    bytes_anywhere,
    bytes_anywhere,
    cut_short,
    a_piece_twice,
    a_piece_lost,
    a_piece_overwritten,
    telling_number,
    field_of_the_format,
    field_of_the_format,
)


# --- one file -------------------------------------------------------------------------------------------------------


def outcome_of(path: Path, out: Path, pixel_size_um: float = PIXEL_SIZE_UM) -> str:
    """Prepare a file into an empty folder: "prepared", or "refused: " and the code, or "fault: " and what is wrong."""
    try:
        (entry,) = prepare_all([MicrographFile(path, path.name, path.stem, pixel_size_um)], out, PrepareSettings())
    except Exception as error:  # noqa: BLE001 - any at all is what is looked for
        return f"fault: {type(error).__name__}: {error}"
    if fault := next(faults_in(out), None):
        return f"fault: {fault}"
    return entry["status"] if entry["status"] == "prepared" else f"refused: {entry['reasons'][0]['code']}"


def faults_in(out: Path):
    """What is wrong with what was written, in words."""
    if half := [file.name for file in out.rglob("*") if ".part" in file.name]:
        yield f"half-written {half}"
    (entry,) = json.loads((out / "prepared.json").read_text(encoding="utf-8"))["micrographs"]
    crops = [section["crop"] for section in entry["sections"] if section["status"] == "prepared"]
    if sorted(crops) != sorted(file.name for file in out.glob("*.png")):
        yield f"{crops} are listed, but other crops are there"
    for name in crops:
        try:
            read_crop(out / name)
        except MicrographError as error:
            yield f"{name}: {error}"
    texts = [reason["text"] for reason in entry["reasons"]]
    if bool(texts) != (entry["status"] == "refused") or bool(crops) != (entry["status"] == "prepared"):
        yield f"{entry['status']} with {len(crops)} crops for {texts}"
    if any("\n" in text or not text.strip() for text in texts):
        yield f"no sentence in {texts}"
    if any("more memory" in text for text in texts):
        yield texts[0]


def serve(line, seed: int) -> None:
    """In a process of its own: prepare the files whose numbers come, until None comes."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    warnings.simplefilter("ignore")
    whole = whole_files()
    line.send("ready")
    while (number := line.recv()) is not None:
        with tempfile.TemporaryDirectory() as folder:
            name, content = damaged(whole, seed, number)
            path = Path(folder, name)
            path.write_bytes(content)
            begun = time.process_time()
            said = outcome_of(path, Path(folder, "out"))
            seconds = time.process_time() - begun
            line.send((f"fault: {seconds:.0f} s" if seconds > MOST_SECONDS else said, seconds))


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

    def outcome(self, number: int) -> tuple[str, float]:
        """What became of a file, and how many seconds of one core it took."""
        try:
            self.line.send(number)
            if self.line.poll(PATIENCE_S):
                return self.line.recv()
            said = "fault: it hangs"
        except (EOFError, OSError):
            self.process.join()
            said = f"fault: the process died ({self.process.exitcode})"
        self.process.kill()
        self.start()
        return said, PATIENCE_S


# --- many files -----------------------------------------------------------------------------------------------------


def run(files: int, jobs: int, seed: int, keep: Path) -> None:
    done = [row for row in read_table() if int(row["files"]) == FILES_PER_ROW]
    known = {(int(row["seed"]), int(row["first"])) for row in done}
    starts = [first for first in range(0, files, FILES_PER_ROW) if (seed, first) not in known]
    workers = [Watched(seed) for _ in range(jobs)] if starts else []
    whole = whole_files() if starts else {}
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for first in starts:
            numbers = range(first, min(first + FILES_PER_ROW, files))
            begun = time.perf_counter()
            shares = pool.map(share_of, workers, [numbers[i::jobs] for i in range(jobs)])
            outcomes = {number: said for share in shares for number, said in share.items()}
            for number, (said, _) in sorted(outcomes.items()):
                if said.startswith("fault"):
                    keep.mkdir(parents=True, exist_ok=True)
                    name, content = damaged(whole, seed, number)
                    (keep / name).write_bytes(content)
                    print(f"{keep / name}: {said}", flush=True)
            done.append(row_of(seed, first, outcomes, time.perf_counter() - begun))
            write_csv(TABLE, COLUMNS, done)
            print(" ".join(f"{column} {done[-1][column]}" for column in COLUMNS), flush=True)
    for worker in workers:
        worker.line.send(None)


def share_of(worker: Watched, numbers: range) -> dict[int, tuple[str, float]]:
    return {number: worker.outcome(number) for number in numbers}


def row_of(seed, first, outcomes, seconds):
    kinds = Counter(kind_of(said) for said, _ in outcomes.values())
    return {
        "seed": seed,
        "first": first,
        "files": len(outcomes),
        **{kind: kinds[kind] for kind in ("prepared", "refused_whole", "refused_damaged", "faults")},
        "seconds": round(seconds, 1),
        "slowest_cpu_s": round(max(took for _, took in outcomes.values()), 2),
    }


def kind_of(said: str) -> str:
    """``refused_whole`` are files that could be read, and then were refused for what they show."""
    if said.startswith("fault"):
        return "faults"
    if said == "prepared":
        return "prepared"
    return "refused_damaged" if said.removeprefix("refused: ") in FAILED_READING else "refused_whole"


def read_table() -> list[dict]:
    if not TABLE.exists():
        return []
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir(), "fuzz_found"))
    arguments = parser.parse_args()
    run(arguments.files, arguments.jobs, arguments.seed, arguments.keep)
    sys.exit(any(int(row["faults"]) for row in read_table()))
