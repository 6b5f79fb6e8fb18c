"""What a prediction's report may say of the model's errors."""

from ratescope.evaluation.held_out import HeldOutErrors, held_out_errors


def scores(error, electrodes=5):
    slices = {
        "overall": {"mape_percent": error},
        "by_c_rate": {"0.2": {"mape_percent": 1.0}, "5": {"mape_percent": None}},
    }
    return {"electrodes": electrodes, "per_electrode": slices, "per_crop": {"overall": {"mape_percent": 99.0}}}


def test_the_errors_are_those_of_the_test_part_per_electrode():
    told = {"curve at the electrode's porosity": scores(0.0)}  # by the sheets: a micrograph does not tell it
    rungs = {
        "mean curve": scores(30.0),
        "texture, boosted trees": scores(9.0),
    } | told
    metrics = {"train": {"network": scores(1.0)}, "test": {"network": scores(12.0), **rungs}}
    known = held_out_errors(metrics, "specific", "by-specimen")
    assert known == HeldOutErrors(
        "specific", "by-specimen", 5, 12.0, {"0.2": 1.0, "5": None}, "texture, boosted trees", 9.0
    )


def test_where_nothing_was_held_out_nothing_is_known():
    assert held_out_errors({"train": {"network": scores(1.0)}}, "specific", "by-electrode") is None


def test_a_network_alone_has_no_rung_beside_it():
    known = held_out_errors({"test": {"network": scores(12.0)}}, "density", "by-electrode")
    assert (known.mape_percent, known.rung, known.rung_mape_percent) == (12.0, None, None)
