import numpy as np
import pytest

from ratescope.evaluation.implied_porosity import IMPLIED_COLUMNS, implied_porosity, implied_porosity_scores
from ratescope.units import DENSITIES_G_PER_CM3, WEIGHT_FRACTIONS, skeletal_density_g_per_cm3

SOLID = skeletal_density_g_per_cm3(WEIGHT_FRACTIONS, DENSITIES_G_PER_CM3) * WEIGHT_FRACTIONS["active"]
POROSITY = {"E50": 0.495, "E35": 0.346, "E30": 0.300, "E25": 0.254, "E20": 0.196}


@pytest.fixture
def crops(fold_predictions):
    known = fold_predictions[["electrode", "specimen", "file", "section"]].drop_duplicates()
    porosity = known["electrode"].map(POROSITY)
    return known.assign(area_porosity=porosity + 0.02, electrode_porosity=porosity)


def answers(table, density_error=0.0):
    """What two networks say that agree on the coating, but for an error of the one for Ah/L."""
    kg_per_l = SOLID * (1.0 - table["electrode"].map(POROSITY))
    return table, table.assign(predicted=table["predicted"] * kg_per_l * (1.0 + density_error))


def test_networks_that_agree_imply_the_porosity_of_the_coating(fold_predictions, crops):
    """Whatever both of them err by together: it is their ratio that counts."""
    table = implied_porosity(*answers(fold_predictions), crops, solid_active_kg_per_l=SOLID)
    assert tuple(table.columns) == IMPLIED_COLUMNS
    assert len(table) == 5 * 5 * 6
    assert table["implied_porosity"].to_numpy() == pytest.approx(table["electrode_porosity"].to_numpy())


def test_a_tenth_too_many_ah_per_litre_imply_a_coating_that_is_too_dense(fold_predictions, crops):
    table = implied_porosity(*answers(fold_predictions, 0.1), crops, solid_active_kg_per_l=SOLID)
    scores = implied_porosity_scores(table)
    too_dense = -0.1 * (1.0 - np.mean(list(POROSITY.values())))
    for per in ("per_crop", "per_electrode"):
        assert scores[per]["against_electrode_porosity"]["mean"] == pytest.approx(too_dense, abs=1e-6)
        assert scores[per]["against_area_porosity"]["mean"] == pytest.approx(too_dense - 0.02, abs=1e-6)
    assert scores["by_electrode"]["E20"]["implied_porosity"] == pytest.approx(1 - 1.1 * (1 - 0.196), abs=1e-6)
    assert (scores["per_crop"]["against_area_porosity"]["values"], scores["part"]) == (30, "test")


def test_a_network_that_answers_with_nothing_implies_nothing(fold_predictions, crops):
    zero = fold_predictions.assign(predicted=0.0)
    table = implied_porosity(zero, fold_predictions, crops, solid_active_kg_per_l=SOLID)
    assert table["implied_porosity"].isna().all()
    assert implied_porosity_scores(table)["per_crop"]["against_area_porosity"] == {
        "values": 0,
        "mean": None,
        "root_mean_square": None,
    }


def test_unknown_porosities_stay_unknown(fold_predictions, crops):
    bare = crops.assign(area_porosity=np.nan, electrode_porosity=np.nan)
    scores = implied_porosity_scores(implied_porosity(*answers(fold_predictions), bare, solid_active_kg_per_l=SOLID))
    assert scores["by_electrode"]["E30"] == {
        "implied_porosity": pytest.approx(0.3),
        "area_porosity": None,
        "electrode_porosity": None,
    }
