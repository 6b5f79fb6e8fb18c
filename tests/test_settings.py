import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratescope.errors import SettingsError
from ratescope.settings import NetworkSettings, Settings, TrainSettings, from_table, read_recipe, read_settings, to_toml


@given(
    st.integers(1, 10**6),
    st.floats(1e-9, 1.0),
    st.booleans(),
    st.lists(st.integers(1, 512), min_size=6, max_size=6).map(tuple),
)
def test_settings_survive_the_way_through_toml(steps, rate, autocast, filters):
    train = TrainSettings(max_steps=steps, highest_rate=rate, autocast_bf16=autocast)
    settings = replace(Settings(), train=train, network=replace(Settings().network, filters=filters))
    assert from_table(Settings, tomllib.loads(to_toml(settings))) == settings


def test_a_file_keeps_the_defaults_that_it_does_not_name(tmp_path):
    (tmp_path / "mine.toml").write_text("[train]\nmax_steps = 7\n")
    assert read_settings(tmp_path / "mine.toml") == replace(Settings(), train=TrainSettings(max_steps=7))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"prepare": {"crop_row": 224}}, "settings.prepare: unknown key 'crop_row'; did you mean 'crop_rows'?"),
        ({"trian": {}}, "settings: unknown key 'trian'; did you mean 'train'?"),
        ({"train": {"zzz": 1}}, "unknown key 'zzz'. Known are batch"),
        ({"train": {"max_steps": "many"}}, "settings.train.max_steps: .*but it is 'many'. Change it there."),
        (
            {"train": {"facts": ["load_mp"]}},
            "settings.train.facts: there is no fact 'load_mp'; did you mean 'load_mpa'?",
        ),
        ({"train": 3}, "a table is wanted here, but it is 3"),
        ({"prepare": {"network_pixel_size_um": 0.246}}, "prepare.network_pixel_size_um must be 0.123: other crops"),
        ({"prepare": {"most_tilt_deg": float("nan")}}, "prepare.most_tilt_deg must be above 0 and finite; it is nan"),
        ({"prepare": {"most_artefact_share": 85.0}}, "prepare.most_artefact_share must be from 0 to 1"),
        ({"prepare": {"grain_length_um": [6.0, 0.7]}}, "prepare.grain_length_um must be a shortest and a longest"),
        ({"network": {"leaky_slope": -5.0}}, r"network.leaky_slope must be in \[0, 1\)"),
        ({"augmentation": {"shift_rows_px": 300.0}}, "augmentation.shift_rows_px must be from 0 to 224; it is 300"),
        ({"folds": {"only": [9]}}, r"folds.only must be of the folds 0 to 4; it is \(9,\)"),
    ],
)
def test_a_wrong_key_or_value_is_said_with_its_place(table, said):
    with pytest.raises(SettingsError, match=said):
        from_table(Settings, table)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "mine.toml").write_text("[train]\nmax_steps = 7\n", encoding="utf-8-sig")
    assert read_settings(tmp_path / "mine.toml").train.max_steps == 7


def test_a_file_that_is_no_toml_is_said_in_a_sentence(tmp_path):
    (tmp_path / "mine.toml").write_text("[train\n")
    with pytest.raises(SettingsError, match="not a readable TOML file"):
        read_settings(tmp_path / "mine.toml")


def test_an_unknown_recipe_is_said_in_a_sentence():
    with pytest.raises(SettingsError, match="no recipe 'papre'; did you mean 'paper'"):
        read_recipe("papre")


def test_the_command_line_wins_over_the_recipe():
    settings = read_recipe("paper", protocol="as-published", folds=3)
    assert (settings.folds.protocol, settings.folds.count) == ("as-published", 3)
    assert settings.train == Settings().train


def test_facts_named_on_the_command_line_win_over_the_recipe_in_any_order(tmp_path):
    (tmp_path / "mine.toml").write_text('[train]\nfacts = ["porosity"]\n')
    recipe = str(tmp_path / "mine.toml")
    assert Settings().train.facts == ()
    assert read_recipe(recipe).train.facts == ("porosity",)
    assert read_recipe(recipe, facts=["load_mpa", "coating_thickness_um"]) == read_recipe(
        recipe, facts=["coating_thickness_um", "load_mpa"]
    )
    assert read_recipe(recipe, facts=[]).train.facts == ()


def test_a_place_of_the_last_activation_is_as_wide_as_its_poolings_make_it():
    assert NetworkSettings().cell_px == 4
    assert NetworkSettings(input_reduction=4).cell_px == 16
    assert NetworkSettings(filters=(2,) * 8, input_reduction=2).cell_px == 16


def test_settings_carry_a_schema_and_those_of_a_newer_one_are_refused(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(to_toml(Settings()))
    assert path.read_text().startswith("schema = 1\n")
    assert read_settings(path) == Settings()
    path.write_text("schema = 2\n")
    with pytest.raises(SettingsError, match="has schema 2, and only 1 is known. Use a newer ratescope."):
        read_settings(path)
