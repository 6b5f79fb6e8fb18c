"""What a virtual campaign consists of."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratescope.errors import LabError
from ratescope.units import LOADS_MPA, POROSITIES
from ratescope.virtual_lab.laboratories import LABORATORIES
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


def test_more_load_never_leaves_more_pores():
    loads_mpa = [load_for_porosity(porosity) for porosity in np.linspace(0.15, 0.55, 401)]
    assert (np.diff(loads_mpa) <= 0.0).all()
    assert loads_mpa[-1] == 0.0


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
        ({"preset": "second-lab"}, "Did you mean 'second-laboratory'"),
        ({"preset": "drawn-loading"}, "one sheet of one loading.* Choose --design continuum"),
        ({"electrodes": 3}, "has the paper's 5 electrodes.* Leave --electrodes out"),
        ({"design": "continuum", "electrodes": 0}, "at least one electrode; asked for 0"),
    ],
)
def test_what_cannot_be_planned_is_said_in_a_sentence(arguments, said):
    with pytest.raises(LabError, match=said):
        CampaignPlan(**arguments)


@pytest.mark.parametrize("preset", LABORATORIES)
def test_every_laboratory_photographs_the_same_field(preset):
    """Other pixels, the same µm: 120 × 775 µm of mosaic (section 2.1)."""
    design = "continuum" if preset == "drawn-loading" else "densification"
    plan = CampaignPlan(design, preset=preset)
    size_um = plan.laboratory.microscope.pixel_size_um
    reference = CampaignPlan(design)
    assert plan.mosaic_rows * size_um == pytest.approx(reference.mosaic_rows * 0.123, abs=size_um)
    assert plan.mosaic_columns * size_um == pytest.approx(reference.mosaic_columns * 0.123, abs=size_um)


def test_the_second_laboratory_differs_in_everything_at_once():
    first, second = (LABORATORIES[name] for name in ("reference", "second-laboratory"))
    assert first.microscope.pixel_size_um != second.microscope.pixel_size_um
    assert first.microscope.reflected != second.microscope.reflected
    assert first.particles != second.particles
    assert not set(first.transport) & set(second.transport)
    assert first.preparation != second.preparation


@pytest.mark.parametrize("preset", LABORATORIES)
def test_a_laboratory_s_particles_and_transport_are_those_of_its_electrodes(preset):
    plan = CampaignPlan("continuum", electrodes=30, seed=4, preset=preset)
    laboratory, electrodes = plan.laboratory, plan_electrodes(plan)
    laws = {(law.tau_exponent, law.electrolyte): law for law in laboratory.transport}
    assert {(electrode.tau_exponent, electrode.electrolyte) for electrode in electrodes} == set(laws)
    for electrode in electrodes:
        assert electrode.particles == laboratory.particles
        low, high = laboratory.particle_d50_range_um
        assert low <= electrode.particle_d50_um <= high
        law = laws[electrode.tau_exponent, electrode.electrolyte]
        assert electrode.tau_factor == pytest.approx(law.tau_factor, rel=0.1501)
        slower_or_faster = np.log(electrode.solid_diffusivity_m2_per_s / law.solid_diffusivity_m2_per_s)
        assert abs(slower_or_faster) <= 0.3


def test_a_continuum_scatters_what_no_picture_shows():
    electrodes = plan_electrodes(CampaignPlan("continuum", electrodes=30, seed=4))
    for name in ("tau_factor", "solid_diffusivity_m2_per_s"):
        of_set_a = {getattr(electrode, name) for electrode in electrodes if electrode.electrolyte == "landesfeind"}
        assert len(of_set_a) > 10, name


@given(st.integers(0, 200))
def test_a_drawn_loading_fits_under_the_microscope_and_into_a_crop(seed):
    plan = CampaignPlan("continuum", electrodes=8, seed=seed, preset="drawn-loading")
    electrodes = plan_electrodes(plan)
    assert len({e.active_loading_mg_per_cm2 for e in electrodes}) == 8
    for electrode in electrodes:
        assert 10.0 <= electrode.active_loading_mg_per_cm2 <= 20.0
        assert 41.9 <= electrode.thickness_um <= 95.1
        assert electrode.thickness_um + 24.0 <= plan.mosaic_rows * 0.123


def test_drawing_loadings_changes_nothing_else():
    fixed, drawn = (
        CampaignPlan("continuum", electrodes=5, seed=1, preset=name) for name in ("reference", "drawn-loading")
    )
    for one, other in zip(plan_electrodes(fixed), plan_electrodes(drawn), strict=True):
        assert replace(other, active_loading_mg_per_cm2=one.active_loading_mg_per_cm2) == one
