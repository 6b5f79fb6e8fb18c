import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from ratescope.evaluation import figures
from ratescope.evaluation.figures import style as figures_style
from ratescope.evaluation.map_caption import MapCaption, map_caption
from ratescope.evaluation.panels import panels
from ratescope.records import RateCurve

OCCLUSION = map_caption(
    "occlusion",
    "specific",
    micrograph="a.tif",
    section=1,
    model="the run march",
    learned_from="9 simulated micrographs of 3 electrodes",
    networks=3,
    simulated=True,
)


@pytest.fixture
def axes():
    return Figure().add_subplot()


def legend_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_rate_curve_is_drawn_at_its_values_with_the_rates_as_ticks(axes, predictions):
    curve = predictions["specific"].over_crops()
    predicted = predictions["specific"].by_network.mean(axis=(0, 1))
    figures.draw_rate_curve(axes, curve)
    assert axes.lines[0].get_xydata() == pytest.approx(np.stack([curve.c_rates_per_h, predicted], axis=1))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.2", "1", "2", "3", "5"]
    assert axes.get_ylabel() == "specific capacity / Ah kg⁻¹"
    assert axes.get_xscale() == "log"


def test_the_band_says_that_it_is_no_interval(axes, prepared, predictions):
    figures.draw_panel(axes, panels(prepared, predictions)[1])
    assert "network spread, not an interval" in legend_of(axes)


def test_one_network_has_no_band(axes):
    curve = RateCurve("density", np.array([0.2, 5.0]), np.array([400.0, 90.0]), np.full(2, np.nan))
    figures.draw_rate_curve(axes, curve)
    assert not axes.collections


def test_the_parity_plot_is_square_and_holds_every_crop(axes, fold_predictions):
    test = fold_predictions[fold_predictions["part"] == "test"]
    figures.draw_parity(axes, test, "density")
    assert axes.get_xlim() == axes.get_ylim()
    crops, electrodes = (sum(len(dots.get_offsets()) for dots in axes.collections[start::2]) for start in (0, 1))
    assert (crops, electrodes) == (len(test), 5 * 5)
    assert axes.get_xlim()[1] > test[["measured", "predicted"]].max().max()


def test_measured_and_predicted_curves_are_named_in_the_given_order(axes, fold_predictions):
    names = {"E50": "50 %", "E35": "35 %", "E30": "30 %", "E25": "25 %", "E20": "20 %"}
    figures.draw_measured_and_predicted(axes, fold_predictions, "specific", name_of=names)
    assert legend_of(axes) == list(names.values())


def test_of_many_electrodes_eight_are_drawn_the_first_and_the_last_among_them(axes, fold_predictions):
    one = fold_predictions[fold_predictions["electrode"] == "E30"]
    many = pd.concat([one.assign(electrode=f"E{number:02d}") for number in range(40)])
    figures.draw_measured_and_predicted(axes, many, "specific")
    assert len(legend_of(axes)) == 8
    assert (legend_of(axes)[0], legend_of(axes)[-1]) == ("E00", "E39")


def test_the_point_on_a_training_curve_marks_the_lowest_validation_error(axes):
    history = pd.DataFrame(
        {
            "step": [6, 12, 18],
            "train_mape_percent": [9.0, 7.0, 5.0],
            "validation_mape_percent": [9.0, 6.0, 8.0],
        }
    )
    figures.draw_training(axes, {"0": history})
    assert axes.lines[-1].get_xydata().tolist() == [[12.0, 6.0]]


@pytest.mark.parametrize(
    ("errors", "ticks"),
    [((70.0, 30.0, 8.0), ["10", "20", "30", "50"]), ((400.0, 2.0), ["2", "3", "5", "10", "20", "30", "50", "100"])],
)
def test_errors_of_a_training_stand_on_a_logarithmic_axis_in_plain_percent(axes, errors, ticks):
    """By itself matplotlib says 6 × 10¹ between 10 and 100 %."""
    steps = range(len(errors))
    history = pd.DataFrame({"step": steps, "train_mape_percent": errors, "validation_mape_percent": errors})
    figures.draw_training(axes, {"fold 0": history})
    axes.figure.draw_without_rendering()
    shown = [tick.label1.get_text() for tick in axes.yaxis.get_major_ticks()]
    low, high = axes.get_ylim()
    assert axes.get_yscale() == "log"
    assert [text for text in shown if low <= float(text) <= high][: len(ticks)] == ticks
    assert not axes.yaxis.get_minorticklocs().size


@pytest.fixture
def pixels_of_text():
    def drawn(text, **style):
        figure = Figure((3.0, 0.5), dpi=80)
        figure.text(0.1, 0.3, text, **style)
        return np.asarray(Image.open(io.BytesIO(figures_style.png_of(figure, dots_per_inch=80))))

    return drawn


@pytest.mark.parametrize("name", ["$30_a$ b", "_30", "$", r"a\$b$", "E30 (ε = 30.0 %)"])
def test_an_electrode_is_called_in_legends_as_in_the_sheets(axes, fold_predictions, pixels_of_text, name):
    """Between dollars stands a formula for matplotlib, and names with an underscore before them stay out of legends."""
    names = {"E50": "50 %", "E35": name}
    figures.draw_measured_and_predicted(axes, fold_predictions, "specific", name_of=names)
    _, label, *_ = legend_of(axes)
    assert len(legend_of(axes)) == 5
    assert (pixels_of_text(label) == pixels_of_text(name, parse_math=False)).all()


def test_attribution_has_the_crop_and_a_panel_per_rate(prepared, rng):
    maps = rng.normal(size=(5, 56, 168))
    content = figures.attribution_png(prepared.sections[0].crop, maps, [0.2, 1, 2, 3, 5], "Ah/kg", caption=OCCLUSION)
    picture = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    is_coloured = np.abs(picture[..., 0] - picture[..., 2]) > 40
    assert is_coloured[:, : picture.shape[1] // 2].any()
    assert not is_coloured[: picture.shape[0] // 4, : picture.shape[1] * 2 // 5].any()  # the crop itself stays grey


def test_an_attribution_that_leaves_its_page_says_what_it_shows(prepared, rng):
    maps = rng.normal(size=(5, 32, 96))
    figure = figures.attribution_figure(prepared.sections[0].crop, maps, [0.2, 1, 2, 3, 5], "Ah/kg", caption=OCCLUSION)
    *pictures, bar = figure.axes
    assert figure.get_suptitle().splitlines() == [
        "Influence on the predicted specific capacity: occlusion",
        "a.tif, section 1; networks trained on SIMULATED micrographs",
    ]
    assert [axes.get_title(loc="left") for axes in pictures] == ["crop", "0.2C", "1C", "2C", "3C", "5C"]
    assert all("20 µm" in [text.get_text() for text in axes.texts] for axes in pictures)
    assert "mean of 3 networks" in figure.get_supxlabel()
    assert bar.get_ylabel().startswith("influence / Ah kg⁻¹\n")


def test_the_colour_bar_is_one_for_all_rates_and_symmetric_about_zero(prepared):
    maps = np.stack([np.full((4, 12), -0.5), np.full((4, 12), 0.1)])
    figure = figures.attribution_figure(prepared.sections[0].crop, maps, [0.2, 5.0], "Ah/kg")
    *pictures, bar = figure.axes
    assert bar.get_ylim() == (-0.5, 0.5)
    assert [axes.get_title(loc="right") for axes in pictures] == ["", "−0.5 … −0.5", "+0.1 … +0.1"]


def test_a_map_of_random_weights_stands_last_on_a_scale_of_its_own(prepared):
    """So that maps of another size can be compared by their places: its colours are those of the map itself."""
    maps = np.stack([np.full((4, 12), 0.1), np.linspace(-0.5, 0.5, 48).reshape(4, 12)])
    crop = prepared.sections[0].crop
    figure = figures.attribution_figure(crop, maps, [0.2, 5.0], "Ah/kg", check=maps[-1] / 1000)
    *pictures, bar = figure.axes
    assert [axes.get_title(loc="left") for axes in pictures] == ["crop", "0.2C", "5C", "5C, random weights"]
    assert pictures[-1].get_title(loc="right") == "colours of its own scale"
    of_itself, of_random = (axes.images[0].get_array().astype(int) for axes in pictures[-2:])
    assert np.abs(of_itself - of_random).max() <= 2
    assert bar.get_ylim() == (-0.5, 0.5)


def test_small_influences_have_their_power_of_ten_in_the_label(prepared):
    caption = MapCaption(influence="relative influence", per=" per grey level")
    maps = np.full((1, 4, 12), 0.0004)
    *_, bar = figures.attribution_figure(prepared.sections[0].crop, maps, [5.0], "Ah/L", caption=caption).axes
    assert bar.get_ylabel().startswith("relative influence / 10⁻⁴ Ah L⁻¹ per grey level\n")
    assert bar.get_ylim() == pytest.approx((-4.0, 4.0))


def test_a_micrograph_may_be_named_in_any_letters(prepared):
    """Dollars would begin a formula; letters that the font lacks would print a warning each, which are errors here."""
    caption = MapCaption(title="t", source="$a^$_電極.tif")
    content = figures.attribution_png(prepared.sections[0].crop, np.ones((4, 4)), [5.0], "Ah/kg", caption=caption)
    assert content.startswith(b"\x89PNG")


def test_one_map_needs_no_axis_of_rates(prepared, rng):
    content = figures.attribution_png(prepared.sections[0].crop, rng.normal(size=(32, 96)), [5.0], "Ah/L")
    assert content.startswith(b"\x89PNG")


def test_as_many_maps_as_rates(prepared):
    with pytest.raises(ValueError, match="argument 2 is longer"):
        figures.attribution_png(prepared.sections[0].crop, np.ones((5, 4, 4)), [0.2, 5.0], "Ah/kg")


def test_the_story_is_one_picture(prepared, predictions, rng):
    section = prepared.sections[0]
    content = figures.story_png(
        prepared.pixels,
        section.box,
        section.crop,
        rng.normal(size=(56, 168)),
        predictions["specific"].over_crops(),
        c_rate_per_h=5.0,
        pixel_size_um=0.123,
        measured=predictions["specific"].over_crops(),
        measured_label="simulated rate test",
        note="All of it is simulated.",
    )
    width, height = Image.open(io.BytesIO(content)).size
    assert width == 1760
    assert height < width


def test_the_same_figure_has_the_same_bytes(fold_predictions):
    assert figures.parity_svg(fold_predictions, "specific") == figures.parity_svg(fold_predictions, "specific")


def test_drawing_never_touches_pyplot():
    code = (
        "import sys; import numpy as np; from ratescope.evaluation import figures;"
        "assert 'matplotlib' not in sys.modules;"
        "figures.attribution_png(np.zeros((8, 24, 3), np.uint8), np.ones((1, 2, 6)), [5.0], 'Ah/kg');"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
