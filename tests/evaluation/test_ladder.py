import pytest
from matplotlib.figure import Figure

from ratescope.evaluation.figures import Rung, draw_implied_porosity, draw_ladder
from ratescope.evaluation.implied_porosity import implied_porosity
from ratescope.evaluation.ladder import ELECTRODE_POROSITY, THRESHOLDED, best_rung, figure_rungs


def score(per_electrode, per_crop=None, folds=None):
    slices = {"overall": {"mape_percent": per_electrode}}
    if folds:
        slices["over_folds"] = {"mape_percent": {"mean": per_electrode, "lowest": folds[0], "highest": folds[1]}}
    return {"per_electrode": slices, "per_crop": {"overall": {"mape_percent": per_crop}}}


SCORES = {
    "network": score(8.0, 9.0, (5.0, 14.0)),
    "mean curve": score(30.0, 30.0),
    THRESHOLDED: score(16.0, 19.0),
    ELECTRODE_POROSITY: score(7.0),
}
ORACLES = {"crop": score(4.0, 6.0), "crop with thickness": score(3.0), "electrode": score(2.0)}


@pytest.fixture
def axes():
    return Figure().add_subplot()


def test_a_network_is_judged_by_rungs_that_have_no_more_than_it_had():
    """Being told the porosity is another matter: the report says it in a sentence of its own."""
    assert best_rung(SCORES, "blind", "image") == (THRESHOLDED, 16.0)
    assert best_rung(SCORES, "told") == (ELECTRODE_POROSITY, 7.0)
    assert best_rung({"network": score(8.0)}, "blind", "image") is None


def test_the_figure_goes_from_not_looking_to_being_told_everything():
    names = [rung.name for rung in figure_rungs(SCORES, ORACLES)]
    assert names == [
        "mean curve",
        THRESHOLDED,
        "network",
        ELECTRODE_POROSITY,
        "oracle of the crop",
        "oracle of the electrode",
    ]


def test_points_bars_and_numbers_stand_at_their_errors(axes):
    draw_ladder(axes, figure_rungs(SCORES, {}))
    assert [text.get_text() for text in axes.texts] == ["30.0", "16.0", "8.0", "7.0"]
    points = [tuple(line.get_xdata()) for line in axes.lines if tuple(line.get_ydata()) == (2,)]
    assert points == [(9.0,), (8.0,)]
    bars = [tuple(line.get_xdata()) for line in axes.lines if tuple(line.get_ydata()) == (2, 2) and line.get_lw() == 5]
    assert bars == [(5.0, 14.0)]
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first rung is the topmost"


def test_what_is_told_the_truth_is_called_simulated(axes):
    draw_ladder(axes, figure_rungs(SCORES, ORACLES))
    assert "is told the truth (simulated)" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_rung_without_a_number_is_left_empty(axes):
    draw_ladder(axes, [Rung("silent", "image", None), Rung("perfect", "told", 0.0)])
    assert [text.get_text() for text in axes.texts] == ["0.0"]


def test_implied_porosities_are_drawn_in_percent_on_equal_axes(axes, fold_predictions):
    test = fold_predictions[fold_predictions["part"] == "test"]
    crops = test[["electrode", "specimen", "file", "section"]].assign(area_porosity=0.3, electrode_porosity=0.3)
    table = implied_porosity(test, test, crops.drop_duplicates(), solid_active_kg_per_l=2.0)
    draw_implied_porosity(axes, table)
    assert axes.get_xlim() == axes.get_ylim()
    small, large = axes.collections
    assert (len(small.get_offsets()), len(large.get_offsets())) == (30, 5)
    assert large.get_offsets().tolist()[0] == pytest.approx([30.0, 50.0])
