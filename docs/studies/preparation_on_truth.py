"""How well the preparation does on simulated micrographs whose truth is known; the figures of study 0003.

    python docs/studies/varied_micrographs.py scratch/varied
    python docs/studies/preparation_on_truth.py scratch/varied [--jobs 2]

One row per micrograph in 0003-micrographs.csv and one per section in 0003-sections.csv; prints the summary. A campaign
of the virtual laboratory will do as well: its folder has the same truth.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ratescope.imaging.coating import largest_rectangle
from ratescope.imaging.levelling import level_to_file
from ratescope.imaging.prepare import prepare_file
from ratescope.jobs import run_jobs
from ratescope.records import Box
from ratescope.settings import PrepareSettings
from ratescope.units import CROP_COLUMNS, CROP_ROWS

MICROGRAPHS, SECTIONS = (Path(__file__).with_name(f"0003-{name}.csv") for name in ("micrographs", "sections"))
FLAWS = ("void", "scratch", "smear", "bubble", "dust")
BLURRED_BEYOND_PX = 2.0


def examined(path, truth_folder, sizes):
    """The rows of one micrograph and of its sections."""
    stem = path.stem
    truth = json.loads((truth_folder / f"{stem}.json").read_text(encoding="utf-8"))
    varied = truth_folder / f"{stem}_variation.json"
    variation = json.loads(varied.read_text(encoding="utf-8")) if varied.is_file() else {}
    with Image.open(truth_folder / f"{stem}_phases.png") as picture:
        phases = np.array(picture)
    prepared = prepare_file(path, PrepareSettings(), pixel_size_um=sizes.get(stem))
    row = {
        "name": stem,
        "status": prepared.status,
        "reasons": " ".join(reason.code for reason in prepared.reasons),
        "findings": " ".join(finding.code for finding in prepared.findings),
        "sections": len(prepared.sections),
        "tilt_deg": truth["tilt_deg"],
        **variation,
    }
    foil, surface = (np.array(truth[key], float) for key in ("foil_rows", "surface_rows"))
    if prepared.collector is not None:
        row |= edge_errors(prepared.collector, foil, truth)
    if prepared.coating is not None:
        row |= coating_errors(prepared, foil, surface, truth)
    sections = [section_row(stem, s, prepared, phases, foil, surface, truth) for s in prepared.sections if s.box]
    return row, sections


def edge_errors(collector, foil, truth):
    off = np.abs(collector.edge_rows - (foil - 0.5))  # the foil's first row begins half a pixel above its centre
    columns = np.arange(foil.size)
    is_known = np.isfinite(foil)
    line = np.polyval(np.polyfit(columns[is_known], foil[is_known] - 0.5, 1), columns)
    found = np.linspace(collector.row_left, collector.row_right, foil.size)
    return {
        "found_side": collector.coating_side,
        "confidence": round(collector.confidence, 3),
        "tilt_error_deg": round(collector.tilt_deg - truth["tilt_deg"], 4),
        "line_error_px": round(float(np.abs(found - line).max()), 3),
        "edge_median_px": round(float(np.nanmedian(off)), 3),
        "edge_p95_px": round(float(np.nanpercentile(off, 95)), 3),
    }


def levelled_profiles(foil, surface, tilt_deg, shape):
    """True foil and surface, column by column, in an image turned by the true tilt."""
    to_file = level_to_file(shape, tilt_deg)
    columns = np.arange(foil.size, dtype=float)
    profiles = []
    for rows in (foil, surface):
        turned = np.linalg.solve(to_file[:, :2], np.stack([rows, columns]) - to_file[:, 2:])
        is_known = np.isfinite(turned[0])
        at, row = turned[1][is_known], turned[0][is_known]
        order = np.argsort(at)
        profiles.append(np.interp(columns, at[order], row[order], left=np.nan, right=np.nan))
    return profiles


def coating_errors(prepared, foil, surface, truth):
    size_um = truth["pixel_size_um"]
    shape = prepared.pixels.shape[:2]
    true_foil, true_surface = levelled_profiles(foil, surface, truth["tilt_deg"], shape)
    line = float(np.nanmean(true_foil))
    sign = 1.0 if np.nanmean(foil) > np.nanmean(surface) else -1.0
    heights_um = sign * (line - true_surface) * size_um
    first, last = np.sort(np.stack([true_surface, true_foil]), axis=0)
    best = largest_rectangle(first, last - 1.0)
    box = prepared.coating.box
    inside = pixels_under(box, prepared.level_to_file, 1.0)
    return {
        "thickness_error_um": round(prepared.coating.thickness_um - float(np.nanmean(heights_um)), 3),
        "rectangle_over_best": round(box.height * box.width / max(best.height * best.width, 1), 4),
        "rectangle_purity": round(purity(inside, foil, surface), 5),
    }


def pixels_under(box, to_file, step):
    row = np.arange(box.top, box.bottom, step)[:, None]
    column = np.arange(box.left, box.right, step)[None, :]
    return tuple(np.rint(a * row + b * column + c).astype(int) for a, b, c in to_file)


def purity(places, foil, surface):
    rows, columns = places
    columns = np.clip(columns, 0, foil.size - 1)
    first, last = np.sort(np.stack([surface, foil]), axis=0)
    is_coating = (rows >= np.nan_to_num(first, nan=1e9)[columns]) & (rows <= np.nan_to_num(last, nan=-1e9)[columns])
    return float(is_coating.mean())


def section_row(stem, section, prepared, phases, foil, surface, truth):
    box = section.box
    to_file, height = prepared.level_to_file, len(phases)
    step = box.height / CROP_ROWS
    shifted = Box(box.top - 0.5 + step / 2, box.bottom - 0.5, box.left - 0.5 + step / 2, box.right - 0.5)
    row, column = pixels_under(shifted, to_file, step)
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, phases.shape[1] - 1)
    here = phases[row, column][:CROP_ROWS, :CROP_COLUMNS]
    shares = {flaw: float((here == truth["phases"][flaw]).mean()) for flaw in FLAWS}
    blur = np.array(truth["blur_px"])[column[0]]
    return {
        "name": stem,
        "section": section.index,
        "status": section.status,
        "reasons": " ".join(reason.code for reason in section.reasons),
        "purity": round(purity((row, column), foil, surface), 5),
        **{flaw: round(share, 5) for flaw, share in shares.items()},
        "flaws": round(sum(shares.values()), 5),
        "blurred": round(float((blur > BLURRED_BEYOND_PX).mean()), 3),
    }


def summary(micrographs, sections):
    """The figures of the study."""
    seen = micrographs[micrographs["edge_median_px"].notna()]
    wide = seen["sections"] >= 4
    judged = sections[sections["blurred"] == 0]
    bad, good = judged[judged["flaws"] > 0.01], judged[judged["flaws"] <= 0.01]
    refused = {"recall": bad["status"] == "refused", "false": good["status"] == "refused"}

    def high(values, share=0.95):
        return round(float(np.nanquantile(np.abs(values), share)), 4) if len(values) else None

    return {
        "micrographs": len(micrographs),
        "refused": dict(micrographs[micrographs["status"] == "refused"]["reasons"].value_counts()),
        "wrong_side": int((seen["found_side"] != seen.get("coating_side", seen["found_side"])).sum()),
        "edge_px_median_of_medians": high(seen["edge_median_px"], 0.5),
        "edge_px_worst_median": high(seen["edge_median_px"], 1.0),
        "edge_px_p95_of_p95": high(seen["edge_p95_px"]),
        "line_px_p50_p95_max": [high(seen["line_error_px"], q) for q in (0.5, 0.95, 1.0)],
        "tilt_deg_wide_p95_max": [high(seen[wide]["tilt_error_deg"], q) for q in (0.95, 1.0)],
        "tilt_deg_narrow_p95_max": [high(seen[~wide]["tilt_error_deg"], q) for q in (0.95, 1.0)],
        "thickness_um_p50_p95_max": [high(seen["thickness_error_um"], q) for q in (0.5, 0.95, 1.0)],
        "rectangle_over_best_p05_p50": [round(float(seen["rectangle_over_best"].quantile(q)), 3) for q in (0.05, 0.5)],
        "crop_purity_min_p01": [round(float(sections["purity"].quantile(q)), 4) for q in (0.0, 0.01)],
        "sections": len(sections),
        "flawed_sections": len(bad),
        "recall": round(float(refused["recall"].mean()), 4),
        "false_refusals": round(float(refused["false"].mean()), 4),
        "recall_by_flaw": {
            flaw: [round(float((part["status"] == "refused").mean()), 3), len(part)]
            for flaw in FLAWS
            if len(part := judged[judged[flaw] > 0.01])
        },
        "false_refusal_codes": dict(good[refused["false"]]["reasons"].value_counts()),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int, default=None, help="the first so many")
    parser.add_argument("--out", type=Path, default=None, help="where the tables go; beside this script if left out")
    asked = parser.parse_args()
    out = [asked.out / path.name for path in (MICROGRAPHS, SECTIONS)] if asked.out else [MICROGRAPHS, SECTIONS]
    paths = sorted(
        path
        for path in (asked.folder / "micrographs").iterdir()
        if not path.name.startswith(".") and (asked.folder / "truth" / f"{path.stem}_phases.png").is_file()
    )[: asked.only]
    job = partial(examined, truth_folder=asked.folder / "truth", sizes={})
    rows, sections = [], []
    for done, (row, of_sections) in enumerate(run_jobs(job, paths, jobs=asked.jobs), start=1):
        rows.append(row)
        sections += of_sections
        print(f"\r{done} of {len(paths)}", end="", flush=True)
    tables = pd.DataFrame(rows), pd.DataFrame(sections)
    for table, path in zip(tables, out, strict=True):
        table.to_csv(path, index=False)
    print()
    print(json.dumps(summary(*tables), indent=1, default=int))


if __name__ == "__main__":
    main()
