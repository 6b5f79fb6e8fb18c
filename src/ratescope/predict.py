"""The story of the tool: a micrograph goes in, a rate curve comes out, and every step between can be looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ratescope.attribution.maps import predict_with_maps
from ratescope.campaign.micrograph_files import micrograph_files, prepared_of
from ratescope.errors import MicrographError
from ratescope.evaluation.report import (
    MicrographPage,
    SummaryRow,
    micrograph_fragment,
    prediction_report,
    shown_names,
    summary_row,
)
from ratescope.evaluation.tables import CURVE_COLUMNS, PREDICTION_COLUMNS, Row, curve_rows, prediction_rows, words
from ratescope.files import LongText, prepare_folder, write_csv, write_pieces
from ratescope.imaging.prepare import prepare
from ratescope.imaging.quality import doubts_of_scale
from ratescope.imaging.reading import check_pixel_size, read_micrograph
from ratescope.model import model_card, prepare_settings, read_model
from ratescope.network.ensemble import Ensemble
from ratescope.network.facts import BEYOND, Ensembles, Known, check_facts, measured_facts, tell
from ratescope.records import OnProgress, Prediction, Prepared, no_progress
from ratescope.settings import Settings
from ratescope.units import Capacity
from ratescope.written import Written


def predict_rate_curve(path: Path, ensemble: Ensemble, settings: Settings, *, facts: Known | None = None) -> Prediction:
    """From one micrograph to its rate curve: each noun is the file to open next.

    ``facts`` are those that the ensemble reads beside the crop, by name; the coating's thickness is measured here.

    Raises
    ------
    MicrographError
        If the micrograph cannot be read, or is refused; with the reason.
    """
    micrograph = read_micrograph(path)  # imaging/reading.py
    prepared = prepare(micrograph, settings.prepare)  # imaging/prepare.py: level → coating → sections → crops
    if prepared.status == "refused":
        raise MicrographError(prepared.reasons[0].code, f"{path} is refused: {prepared.reasons[0].text}")
    return ensemble.told(measured_facts(prepared) | dict(facts or {})).predict(prepared.crops)  # network/ensemble.py


def predict_files(
    paths: Sequence[Path],
    out: Path,
    *,
    model: Path | None = None,
    crops_given: bool = False,
    pixel_size_um: float | None = None,
    facts: Known | None = None,
    micrographs_simulated: bool = False,
    on_progress: OnProgress = no_progress,
) -> Written:
    """Predict micrographs (or crops) into a folder: predictions.csv, curves.csv and report.html.

    Parameters
    ----------
    model : Path, optional
        A run; the bundled ensemble if none is named.
    crops_given : bool
        The paths are crops already (224 × 672 at 0.123 µm/px), or folders that ``ratescope prepare`` wrote.
    facts : mapping of name to number, optional
        What the networks are told of every micrograph; it wins over what sheets say and what the image shows.
    micrographs_simulated : bool
        They come from the virtual laboratory, also where no campaign says so: the report says so at its top.

    Raises
    ------
    InputError
        If there is no micrograph, the run is not finished, the pixel size is no length, or the networks read a fact
        that is not known of any.
    """
    check_pixel_size(pixel_size_um)
    out = Path(out)
    micrographs = micrograph_files(paths, pixel_size_um, crops=crops_given)
    ensembles = read_model(model)
    given = dict(facts or {})
    check_facts(ensembles, given, [file.facts for file in micrographs], crops_given=crops_given)
    prepare_folder(out)
    card, settings = model_card(ensembles, model), prepare_settings(model)
    said = Said(tuple(ensembles), Written(out, inputs=len(micrographs)))
    summary: list[SummaryRow] = []
    simulated = micrographs_simulated or all(file.simulated for file in micrographs)
    names = shown_names([file.name for file in micrographs])
    with LongText(out) as chapters:  # some hundred micrographs make a report of a gigabyte
        for done, file in enumerate(micrographs, start=1):
            prepared, told = tell(prepared_of(file, settings, crops_given), ensembles, file.facts | given)
            on_progress(done - 1, len(micrographs), f"predicting {Path(prepared.file).name}")
            answers, maps = predicted_with_maps(prepared, told)
            said.add(prepared, answers, electrode=file.electrode)
            page = MicrographPage(prepared, answers, maps, card.simulated, names[file.name])
            chapters.add(micrograph_fragment(page))
            summary.append(summary_row(page))
        on_progress(len(micrographs), len(micrographs), "micrographs predicted")
        said.write_tables(out)
        report = prediction_report(chapters.pieces(), summary, model=card, micrographs_simulated=simulated)
        write_pieces(out / "report.html", report)
    said.written.files = [out / name for name in ("report.html", "curves.csv", "predictions.csv")]
    return said.written


@dataclass
class Said:
    """What was predicted so far: the rows of the tables, and what the command line is to say at the end.

    Attributes
    ----------
    by_electrode : mapping from an electrode of the sheets to the predictions of its micrographs
    extrapolated : int
        Of how many micrographs a fact lies outside what the networks learned from.
    """

    capacities: tuple[Capacity, ...]
    written: Written
    predictions: list[Row] = field(default_factory=list)
    curves: list[Row] = field(default_factory=list)
    by_electrode: dict[str, list[Mapping[Capacity, Prediction]]] = field(default_factory=dict)
    extrapolated: int = 0

    def add(self, prepared: Prepared, answers: Mapping[Capacity, Prediction], *, electrode: str) -> None:
        """Take up one micrograph; where it was refused, there are no answers."""
        beyond = [finding for finding in prepared.findings if finding.code == BEYOND]
        doubts = doubts_of_scale(prepared.findings)
        mind = words([*doubts, *beyond])
        rows = prediction_rows(prepared, answers, self.capacities)
        self.predictions += [row | {"reasons": row["reasons"] or mind} for row in rows]
        self.written.remarks += [f"{prepared.file}: {doubt.text}" for doubt in doubts]
        self.extrapolated += bool(beyond)
        for answer in answers.values():
            self.curves += curve_rows("micrograph", prepared.file, answer)
        if answers and electrode:
            self.by_electrode.setdefault(electrode, []).append(answers)
        if prepared.status == "refused":
            self.written.refused[prepared.file] = " ".join(reason.text for reason in prepared.reasons)

    def write_tables(self, out: Path) -> None:
        """Write both tables, the curves of whole electrodes behind those of their micrographs."""
        curves = list(self.curves)
        for name, answers_of in sorted(self.by_electrode.items()):
            for capacity in self.capacities:
                curves += curve_rows("electrode", name, _joined([answer[capacity] for answer in answers_of]))
        write_csv(out / "predictions.csv", PREDICTION_COLUMNS, self.predictions)
        write_csv(out / "curves.csv", CURVE_COLUMNS, curves)
        if self.extrapolated:
            self.written.remarks.append(
                f"what was told of {self.extrapolated} of {self.written.inputs} micrographs lies outside what the "
                "networks learned from; the reasons in predictions.csv say what"
            )


def predicted_with_maps(
    prepared: Prepared, ensembles: Ensembles
) -> tuple[dict[Capacity, Prediction], dict[Capacity, NDArray[np.float32]]]:
    """Both capacities for the crops of one micrograph, and the maps of influence; nothing where it has no crop."""
    crops = prepared.crops
    if not len(crops):
        return {}, {}
    both = {capacity: predict_with_maps(ensemble, crops) for capacity, ensemble in ensembles.items()}
    return {capacity: answer for capacity, (answer, _) in both.items()}, {c: maps for c, (_, maps) in both.items()}


def _joined(predictions: Sequence[Prediction]) -> Prediction:
    first = predictions[0]
    together = np.concatenate([p.by_network for p in predictions], axis=1)
    return Prediction(first.capacity, first.c_rates_per_h, together)
