"""Every drawn figure, on axes that are given; the only matplotlib, imported only when something is drawn.

No global state: figures are `Figure` objects, never pyplot's. Functions named ``…_png`` and ``…_svg`` return bytes.
"""

from ratescope.evaluation.figures.attribution import attribution_figure, attribution_png, draw_crop, draw_influence_bar
from ratescope.evaluation.figures.audit import hidden_svg, likeness_svg, planted_svg, relevance_svg
from ratescope.evaluation.figures.ladder import (
    Kind,
    Rung,
    draw_implied_porosity,
    draw_ladder,
    implied_porosity_svg,
    ladder_svg,
)
from ratescope.evaluation.figures.rate_curves import (
    SPREAD_LABEL,
    draw_measured_curve,
    draw_panel,
    draw_rate_curve,
    rate_panels_svg,
    style_rate_axes,
)
from ratescope.evaluation.figures.rate_tests import ElectrodeCurves, draw_discharges, draw_rate_plot, rate_test_png
from ratescope.evaluation.figures.story import story_png
from ratescope.evaluation.figures.style import COLOUR_OF, INK, MOST_CURVES, UNIT_LABEL
from ratescope.evaluation.figures.training_runs import (
    draw_measured_and_predicted,
    draw_parity,
    draw_training,
    measured_and_predicted_svg,
    ordered,
    parity_svg,
    training_svg,
)

__all__ = [
    "COLOUR_OF",
    "INK",
    "MOST_CURVES",
    "SPREAD_LABEL",
    "UNIT_LABEL",
    "ElectrodeCurves",
    "Kind",
    "Rung",
    "attribution_figure",
    "attribution_png",
    "draw_crop",
    "draw_discharges",
    "draw_implied_porosity",
    "draw_influence_bar",
    "draw_ladder",
    "draw_measured_and_predicted",
    "draw_measured_curve",
    "draw_panel",
    "draw_parity",
    "draw_rate_curve",
    "draw_rate_plot",
    "draw_training",
    "hidden_svg",
    "implied_porosity_svg",
    "ladder_svg",
    "likeness_svg",
    "measured_and_predicted_svg",
    "ordered",
    "parity_svg",
    "planted_svg",
    "rate_panels_svg",
    "rate_test_png",
    "relevance_svg",
    "story_png",
    "style_rate_axes",
    "training_svg",
]
