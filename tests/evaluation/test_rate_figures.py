"""Discharge curves and the rate plot on axes that are given."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from ratescope.cycling.rate_law_fit import fit_rate_law
from ratescope.evaluation import figures
from ratescope.evaluation.figures import ElectrodeCurves, rate_tests
from ratescope.records import RateCurve

RATES = np.array([0.2, 1.0, 2.0, 3.0, 5.0])
LOOSE, DENSE = [157.3, 143.9, 132.4, 121.0, 99.5], [157.0, 142.5, 94.7, 42.9, 13.1]  # simulated, Ah/kg


def curve(values, spread=3.0):
    return RateCurve("specific", RATES, np.array(values), np.full(5, spread))


@pytest.fixture(scope="module")
def electrodes():
    falling = {rate: (np.linspace(0.0, 150.0 / rate, 30), np.linspace(4.2, 2.6, 30)) for rate in (0.2, 5.0)}
    law = fit_rate_law(curve(LOOSE), 159.7)
    return [ElectrodeCurves("50 %", curve(LOOSE), law, falling), ElectrodeCurves("20 %", curve(DENSE), None, falling)]


@pytest.fixture
def axes():
    return Figure().add_subplot()


def test_the_fitted_law_is_a_smooth_line_through_the_points_and_a_refused_one_only_joins_them(axes, electrodes):
    figures.draw_rate_plot(axes, electrodes)
    lines = [line for line in axes.lines if len(line.get_xdata()) > 1 and line.get_linestyle() != "None"]
    law, joined = lines
    assert (len(law.get_xdata()), law.get_linestyle()) == (120, "-")
    assert np.interp(np.log(5.0), np.log(law.get_xdata()), law.get_ydata()) == pytest.approx(99.5, abs=1.0)
    assert (joined.get_ydata().tolist(), joined.get_linestyle()) == (DENSE, ":")


def test_bars_are_the_spread_between_cells(axes, electrodes):
    figures.draw_rate_plot(axes, electrodes[:1])
    (bars,) = axes.collections
    for (low, high), value in zip((segment[:, 1] for segment in bars.get_segments()), LOOSE, strict=True):
        assert (low, high) == pytest.approx((value - 3.0, value + 3.0))


def test_one_cell_has_points_and_no_bars(axes):
    figures.draw_rate_plot(axes, [ElectrodeCurves("one cell", curve(LOOSE, spread=np.nan))])
    assert all(np.ptp(segment[:, 1]) == 0.0 for bars in axes.collections for segment in bars.get_segments())


def test_every_electrode_stands_in_the_legend_whatever_it_is_called(axes, electrodes):
    named = [replace(electrode, name=name) for electrode, name in zip(electrodes, ("_a", "$b$"), strict=False)]
    figures.draw_rate_plot(axes, named)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["\u200b_a", r"\$b\$"]


def test_electrodes_differ_in_their_marks_and_not_in_colour_alone(axes, electrodes):
    figures.draw_rate_plot(axes, electrodes)
    marks = [container.lines[0].get_marker() for container in axes.containers]
    assert len(set(marks)) == len(electrodes)


def test_rates_of_the_discharge_curves_differ_in_their_lines(axes, electrodes):
    figures.draw_discharges(axes, electrodes, (0.2, 2.0, 5.0))  # 2C was not measured
    named = {text.get_text() for text in axes.get_legend().get_texts()}
    drawn = {line.get_linestyle() for line in axes.lines if len(line.get_xdata()) == 30}
    assert named == {"0.2C", "2C", "5C"}
    assert drawn == {"-", ":"}


def test_the_picture_says_when_all_is_simulated(electrodes, monkeypatch):
    monkeypatch.setattr(rate_tests, "png_of", lambda figure: figure)
    figure = figures.rate_test_png(electrodes, note="SIMULATED")
    assert figure.get_supxlabel() == "SIMULATED"
    assert [axes.get_xlabel() for axes in figure.axes] == ["specific capacity / Ah kg⁻¹", "C-rate / h⁻¹"]
