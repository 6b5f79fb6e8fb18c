"""What a virtual campaign consists of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratescope.errors import LabError
from ratescope.units import LOADS_MPA, POROSITIES
from ratescope.virtual_lab.plan import MICROGRAPH, CampaignPlan, chance, load_for_porosity, plan_electrodes


def test_the_densification_is_table_1():
    electrodes = plan_electrodes(CampaignPlan("densification", seed=1))
    assert [(e.load_mpa, e.porosity) for e in electrodes] == list(zip(LOADS_MPA, POROSITIES, strict=True))
    assert len({e.batch for e in electrodes}) == 1


def test_the_paper_s_design_has_45_mosaics():
    """Decision 0005: five electrodes, three specimens, three areas."""
    plan = CampaignPlan("densification")
    assert (len(LOADS_MPA) * plan.specimens * plan.areas, plan.mosaic_columns, plan.cells) == (45, 6300, 3)


def test_a_small_campaign_keeps_all_electrodes_and_at_least_one_mosaic_each():
    for design in ("densification", "continuum"):
        plan = CampaignPlan(design, small=True)
        assert plan.specimens >= 2  # one to validate on
        assert (plan.areas, plan.mosaic_columns, plan.cells) == (1, 1400, 1)


def test_the_continuum_spreads_its_porosities_evenly():
    porosities = sorted(e.porosity for e in plan_electrodes(CampaignPlan("continuum", electrodes=17, seed=3)))
    assert all(0.18 + 0.02 * n <= porosity <= 0.18 + 0.02 * (n + 1) for n, porosity in enumerate(porosities))


@given(st.integers(0, 1000))
def test_the_same_seed_gives_the_same_electrodes(seed):
    plan = CampaignPlan("continuum", electrodes=4, seed=seed)
    assert plan_electrodes(plan) == plan_electrodes(plan)
    assert plan_electrodes(plan) != plan_electrodes(CampaignPlan("continuum", electrodes=4, seed=seed + 1))


@given(st.floats(0.15, 0.55), st.floats(0.15, 0.55))
def test_more_load_never_leaves_more_pores(one, other):
    dense, loose = sorted((one, other))
    assert load_for_porosity(dense) >= load_for_porosity(loose) >= 0.0


@pytest.mark.parametrize(("load", "porosity"), list(zip(LOADS_MPA, POROSITIES, strict=True)))
def test_the_loads_of_table_1_are_met(load, porosity):
    assert load_for_porosity(porosity) == pytest.approx(load)


def test_each_job_has_its_own_chance():
    plan = CampaignPlan(seed=1)
    draws = [chance(plan, kind, number).random() for kind in (MICROGRAPH, 2) for number in range(5)]
    assert len(set(draws)) == 10
    assert chance(plan, MICROGRAPH, 3).random() == draws[3]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"preset": "mars"}, "no preset 'mars'.* Known are reference"),
        ({"electrodes": 3}, "has the paper's 5 electrodes.* Leave --electrodes out"),
        ({"design": "continuum", "electrodes": 0}, "at least one electrode; asked for 0"),
    ],
)
def test_what_cannot_be_planned_is_said_in_a_sentence(arguments, said):
    with pytest.raises(LabError, match=said):
        CampaignPlan(**arguments)
