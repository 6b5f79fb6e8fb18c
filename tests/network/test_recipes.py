import pytest

from ratescope.errors import SettingsError
from ratescope.settings import (
    AugmentationSettings,
    NetworkSettings,
    Settings,
    TrainSettings,
    fast_settings,
    from_table,
    quick_settings,
    read_recipe,
)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: NetworkSettings(filters=(32, 32, 64)), r"network\.filters must be an even number.*\(32, 32, 64\)"),
        (lambda: NetworkSettings(hidden=(64, 0)), r"network\.hidden must be positive counts"),
        (lambda: NetworkSettings(dropout=1.0), r"network\.dropout must be in \[0, 1\); it is 1\.0"),
        (lambda: NetworkSettings(input_reduction=3), r"network\.input_reduction must be 1, 2, 4 or 8; it is 3"),
        (lambda: NetworkSettings(batch_norm_momentum=0.0), r"network\.batch_norm_momentum must be in \(0, 1\]"),
        (lambda: AugmentationSettings(rotation_deg=-1.0), r"augmentation\.rotation_deg must be from 0 to 180"),
        (lambda: TrainSettings(batch=1), r"train\.batch must be at least 2: batch norm compares crops; it is 1"),
        (lambda: TrainSettings(max_steps=0), r"train\.max_steps must be at least 1"),
        (lambda: TrainSettings(highest_rate=float("nan")), r"train\.highest_rate must be above 0 and finite"),
        (lambda: TrainSettings(lookahead_step=0.0), r"train\.lookahead_step must be in \(0, 1\]"),
    ],
)
def test_a_value_out_of_range_is_said_with_its_place_and_the_remedy(make, says):
    with pytest.raises(SettingsError, match=says + r".*Change it in the recipe"):
        make()


def test_a_value_out_of_range_in_a_file_is_said_alike():
    with pytest.raises(SettingsError, match=r"settings\.train\.batch must be at least 2"):
        from_table(Settings, {"train": {"batch": 1}})


def test_recipes_keep_the_network_and_spend_less_than_the_paper():
    """A step's time goes with batch × pixels: fast is an eightieth of the paper's training, quick a thousandth."""
    quick, fast, paper = quick_settings(), fast_settings(), Settings()

    def work(settings):
        return settings.train.max_steps * settings.train.batch / settings.network.input_reduction**2

    assert work(quick) < 2e-3 * work(paper)
    assert work(fast) == work(paper) / 80
    assert quick.network.filters == fast.network.filters == paper.network.filters


@pytest.mark.parametrize(
    ("name", "settings"), [("paper", Settings()), ("fast", fast_settings()), ("quick", quick_settings())]
)
def test_a_recipe_is_had_by_its_name(name, settings):
    assert read_recipe(name) == settings
