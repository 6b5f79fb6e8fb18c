"""What each oracle is told, and what it is not."""

import numpy as np
import pytest

from ratescope.oracles.answers import LOOKED_UP, OracleJob, Truth, ask, regressors_of
from ratescope.records import CropId, Fold

CROPS = [CropId(f"e{e}", f"s{s}", f"e{e}s{s}.tif", k) for e in range(4) for s in range(3) for k in range(2)]
CURVES = {f"e{e}": np.array([150.0 - e, 90.0 / (1 + e)]) for e in range(4)}


def truth_with(noise, seed=0):
    """Area porosity follows the electrode, with noise between crops; the mosaic's thickness stands last."""
    rng = np.random.default_rng(seed)
    crops = {c: np.array([0.2 + 0.1 * int(c.electrode[1]) + noise * rng.standard_normal(), 60.0]) for c in CROPS}
    electrodes = {f"e{e}": np.array([0.2 + 0.1 * e, 9.2, 60.0]) for e in range(4)}
    return Truth(electrodes, crops)


def fold_by_electrode(out="e1"):
    test = frozenset(c for c in CROPS if c.electrode == out)
    validation = frozenset(c for c in CROPS if c.electrode != out and c.specimen == "s0")
    return Fold("electrode", frozenset(CROPS) - test - validation, validation, test)


def fold_by_crop():
    test = frozenset(c for c in CROPS if c.section == 1 and c.specimen == "s2")
    validation = frozenset(c for c in CROPS if c.section == 0 and c.specimen == "s2")
    return Fold("crop", frozenset(CROPS) - test - validation, validation, test)


def answer(oracle, fold, truth, regressor="read along porosity"):
    crops, said = ask(OracleJob(0, fold, oracle, regressor, truth, CURVES))
    return dict(zip(crops, said, strict=True))


def test_an_electrode_that_is_trained_on_is_looked_up_and_one_that_is_not_must_be_worked_out():
    assert regressors_of("electrode", fold_by_crop()) == (LOOKED_UP,)
    assert LOOKED_UP not in regressors_of("electrode", fold_by_electrode())
    said = answer("electrode", fold_by_crop(), truth_with(0.1), LOOKED_UP)
    assert all(np.array_equal(curve, CURVES[crop.electrode]) for crop, curve in said.items())


def test_without_noise_all_oracles_read_the_same_line():
    """e1 lies half-way between e0 and e2 in porosity: the geometric mean of their capacities."""
    expected = np.sqrt(CURVES["e0"] * CURVES["e2"])
    for oracle in ("electrode", "field", "field with thickness", "crop", "crop with thickness"):
        said = answer(oracle, fold_by_electrode(), truth_with(0.0))
        assert len(said) == 6, oracle
        assert all(curve == pytest.approx(expected) for curve in said.values()), oracle


def test_a_field_oracle_says_the_same_for_all_crops_of_an_electrode_and_a_crop_oracle_does_not():
    truth = truth_with(0.03)
    field, crop = (answer(oracle, fold_by_electrode(), truth) for oracle in ("field", "crop"))
    assert len({tuple(curve) for curve in field.values()}) == 1
    assert len({tuple(curve) for curve in crop.values()}) == 6


def test_only_an_oracle_with_thickness_hears_of_it():
    truth, fold = truth_with(0.03), fold_by_electrode()
    thicker = Truth(
        truth.electrodes, {c: f + np.array([0.0, 10.0 * int(c.electrode[1])]) for c, f in truth.crops.items()}
    )
    for oracle in ("field", "crop"):
        before, after = (answer(oracle, fold, t, "quadratic") for t in (truth, thicker))
        assert all(np.array_equal(before[c], after[c]) for c in before)
        told_before, told_after = (answer(f"{oracle} with thickness", fold, t, "quadratic") for t in (truth, thicker))
        assert any(not np.array_equal(told_before[c], told_after[c]) for c in before)


def test_nothing_of_the_test_part_is_learned():
    truth, fold = truth_with(0.03), fold_by_electrode()
    lied = {name: curve * (5.0 if name == "e1" else 1.0) for name, curve in CURVES.items()}
    for oracle in ("electrode", "field", "crop"):
        honest = ask(OracleJob(0, fold, oracle, "forest", truth, CURVES))[1]
        np.testing.assert_array_equal(honest, ask(OracleJob(0, fold, oracle, "forest", truth, lied))[1])


def test_who_sees_more_of_an_electrode_errs_less():
    """Area porosities scatter between crops by three points, their means by less, the electrode's own not at all."""

    def error(oracle, truth):
        said = [item for held in ("e1", "e2") for item in answer(oracle, fold_by_electrode(held), truth).items()]
        return np.mean([np.abs(np.log(curve / CURVES[crop.electrode])).mean() for crop, curve in said])

    truths = [truth_with(0.03, seed) for seed in range(5)]
    electrode, field, crop = (
        np.mean([error(name, truth) for truth in truths]) for name in ("electrode", "field", "crop")
    )
    assert electrode < field < crop
