import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from ratescope.evaluation.implied_porosity import implied_porosity, implied_porosity_scores
from ratescope.evaluation.ladder import ELECTRODE_POROSITY
from ratescope.evaluation.metrics import metrics
from ratescope.evaluation.run_report import CapacityRun, RunSummary, training_report


@pytest.fixture(scope="module")
def report(run):
    return training_report(run)


@pytest.fixture(scope="module")
def run(fold_predictions):
    ladder = {
        "mean curve": fold_predictions.assign(predicted=fold_predictions["measured"] * 1.3),
        "thresholded porosity": fold_predictions.assign(predicted=fold_predictions["measured"] * 1.2),
    }
    history = pd.DataFrame(
        {
            "step": np.arange(6, 66, 6),
            "train_mape_percent": np.linspace(40, 5, 10),
            "validation_mape_percent": np.linspace(42, 9, 10),
        }
    )
    capacities = tuple(
        CapacityRun(
            capacity,
            metrics(fold_predictions, capacity, theoretical=159.7, ladder=ladder, porosity_of={"E35": 0.346}),
            fold_predictions,
            {f"fold {fold}": history for fold in range(5)},
        )
        for capacity in ("specific", "density")
    )
    return RunSummary(
        campaign="<virtual>",
        learned_from="45 simulated micrographs",
        protocol="by-electrode",
        capacities=capacities,
        settings_text="[train]\nmax_steps = 300\n",
        simulated=True,
        remarks=("Early stopping cannot see memorising.",),
        name_of={"E50": "50 %", "E35": "35 %", "E30": "30 %", "E25": "25 %", "E20": "20 %"},
        limits=("It knows NCM111 alone.",),
    )


def words_of(report):
    return " ".join(re.sub(r"<[^>]+>", " ", report).split())


def test_the_report_names_protocol_baselines_remarks_and_settings(report):
    text = words_of(report)
    for part in ("by-electrode", "mean curve", "Early stopping cannot see memorising.", "max_steps = 300", "NCM111"):
        assert part in text


def test_headline_figures_are_those_of_the_metrics(run, report):
    text = words_of(report)
    test = run.capacities[0].metrics["test"]["network"]
    assert f"{test['per_electrode']['overall']['mape_percent']:.1f} % error per electrode" in text
    assert f"{test['per_crop']['overall']['mape_percent']:.1f} % per crop" in text
    assert "The best without a network, “thresholded porosity”, errs by 20.0 %." in text


def test_a_network_that_loses_against_a_baseline_is_called_useless(run):
    part = run.capacities[0]
    perfect = part.fold_predictions.assign(predicted=part.fold_predictions["measured"])
    lost = metrics(part.fold_predictions, "specific", theoretical=159.7, ladder={"thresholded porosity": perfect})
    report = training_report(dataclasses.replace(run, capacities=(dataclasses.replace(part, metrics=lost),)))
    assert "Not better than “thresholded porosity”" in words_of(report)


def test_the_report_says_what_was_asked_and_held_out_before_it_says_how_well(report):
    text = words_of(report)
    places = [
        text.index(part)
        for part in (
            "What was asked",
            "What was held out",
            "beside what it must beat",
            "The ladder:",
            "Where not to trust",
        )
    ]
    assert places == sorted(places)


def test_what_was_asked_says_how_much_there_was_and_how_the_folds_dealt_it_out(report):
    text = words_of(report)
    assert "at 0.2, 1, 2, 3 and 5C" in text
    assert "30 crops, from 5 micrographs of 15 specimens of 5 electrodes" in text
    assert "training part (18 crops)" in text
    assert "the test part was kept away from it and predicted at the end (6 crops)" in text
    assert "In all, 30 of 30 crops were tested." in text


def test_the_limits_come_after_the_figures_and_before_the_tables(report):
    assert report.index("The ladder: capacity density") < report.index("Where not to trust it")
    assert report.index("Where not to trust it") < report.index("Specific capacity in numbers")


def test_every_score_of_every_part_stands_in_the_report(run, report):
    """By C-rate and porosity, per crop and per electrode, with mean and range over the folds."""
    scored, text = run.capacities[0].metrics, words_of(report).replace("−", "-")
    for part in ("train", "validation", "test"):
        both = [scored[part]["network"][per] for per in ("per_electrode", "per_crop")]
        rows = {
            "5C": [scores["by_c_rate"]["5"] for scores in both],
            "35 % porosity": [scores["by_porosity"]["0.35"] for scores in both],
            "highest of a fold": [
                {key: of["highest"] for key, of in scores["over_folds"].items() if key != "folds"} for scores in both
            ],
        }
        for name, two in rows.items():
            assert " ".join([name, *(number for score in two for number in shown(score))]) in text, (part, name)


def shown(score):
    errors = [score[key] for key in ("mape_percent", "mape_percent_without_small", "mae")]
    return [*(f"{error:.1f}" for error in errors), "–" if score["r2"] is None else f"{score['r2']:.2f}"]


def test_the_share_inside_the_spread_stands_beside_what_figure_8_claims(run, report):
    text = words_of(report)
    share = run.capacities[0].metrics["train"]["network"]["share_inside_spread"]
    assert f"{100 * share:.0f} % in the training part." in text
    assert "No held-out electrode was predicted by several networks" in text
    assert "Figure 8" in text


def test_a_fold_that_tests_every_electrode_says_so_in_a_word(run, report):
    assert '<td class="text">all 5</td>' not in report
    drawn = run.capacities[0].fold_predictions.assign(part=lambda t: t["part"].where(t["section"] > 0, "test"))
    part = dataclasses.replace(run.capacities[0], fold_predictions=drawn)
    said = training_report(dataclasses.replace(run, capacities=(part,)))
    assert said.count('<td class="text">all 5</td>') == 5


def test_a_porosity_that_is_worth_more_than_the_image_is_said(run):
    part = run.capacities[0]
    perfect = {"curve at the electrode's porosity": part.fold_predictions.assign(predicted=lambda t: t["measured"])}
    said = metrics(part.fold_predictions, "specific", theoretical=159.7, ladder=perfect)
    beaten = dataclasses.replace(run, capacities=(dataclasses.replace(part, metrics=said),))
    assert "errs by 0.0 %: knowing the porosity is worth more than the image here" in words_of(training_report(beaten))
    looked_up = words_of(training_report(dataclasses.replace(beaten, protocol="by-specimen")))
    assert "worth more than the image" not in looked_up
    assert "these electrodes were trained on too" in looked_up


def test_a_protocol_under_which_light_alone_suffices_is_called_out(run, report):
    part = run.capacities[0]
    by_light = {"light alone, looked up": part.fold_predictions.assign(predicted=lambda t: t["measured"])}
    said = metrics(part.fold_predictions, "specific", theoretical=159.7, ladder=by_light)
    beaten = dataclasses.replace(run, capacities=(dataclasses.replace(part, metrics=said),))
    assert "with nothing of the coating, errs by 0.0 %: under this protocol" in words_of(training_report(beaten))
    assert "with nothing of the coating, errs" not in words_of(report)


def test_a_rung_that_was_scored_on_fewer_values_says_so(run, report):
    part = run.capacities[0]
    some = part.fold_predictions.assign(predicted=lambda t: t["measured"].where(t["electrode"] != "E20"))
    said = metrics(part.fold_predictions, "specific", theoretical=159.7, ladder={"mean curve": some})
    fewer = dataclasses.replace(run, capacities=(dataclasses.replace(part, metrics=said),))
    assert "was not known everywhere: mean curve" in words_of(training_report(fewer))
    assert "not known everywhere" not in words_of(report)


def test_what_both_networks_imply_stands_beside_the_known_porosities(run, report, fold_predictions):
    assert "Do both networks see the same coating?" not in words_of(report)
    crops = fold_predictions[["electrode", "specimen", "file", "section"]].drop_duplicates()
    known = crops.assign(area_porosity=0.31, electrode_porosity=0.254)
    implied = implied_porosity(fold_predictions, fold_predictions, known, solid_active_kg_per_l=2.0)
    first, *others = run.capacities
    told = dataclasses.replace(first, metrics=first.metrics | {"implied_porosity": implied_porosity_scores(implied)})
    text = words_of(training_report(dataclasses.replace(run, implied=implied, capacities=(told, *others))))
    assert "50.0 31.0 25.4" in text
    assert "against the area +19.0 on average" in text


def test_simulated_runs_say_so_and_measured_ones_do_not(run, report):
    assert "Everything here is simulated" in words_of(report)
    real = dataclasses.replace(run, simulated=False, learned_from="nine micrographs", capacities=run.capacities[:1])
    assert "simulated" not in words_of(training_report(real))


def test_the_published_protocol_comes_with_its_warning(run):
    report = training_report(dataclasses.replace(run, protocol="as-published", capacities=run.capacities[1:]))
    assert "the error for a new electrode will be much larger" in words_of(report)


def test_nothing_comes_from_outside_and_names_are_escaped(report):
    assert "&lt;virtual&gt;" in report
    assert "<virtual>" not in report
    bare = re.sub(r"base64,[A-Za-z0-9+/=]+", "", report)
    assert not re.search(r"http|<script|<link", bare)


def test_without_ladder_histories_or_test_part_there_is_still_a_report(run, fold_predictions):
    no_test = fold_predictions[fold_predictions["part"] != "test"]
    part = CapacityRun("specific", metrics(no_test, "specific", theoretical=159.7), no_test)
    text = words_of(training_report(dataclasses.replace(run, capacities=(part,), name_of={})))
    assert "Specific capacity" in text
    assert "nan" not in text


def test_the_floor_of_a_virtual_campaign_stands_beside_the_network_and_only_there(run, report):
    assert "Oracle" not in words_of(report)
    score = {"overall": {"mape_percent": 3.21}}
    oracles = {"crop": {"regressor": "forest", "per_electrode": score, "per_crop": {"overall": {"mape_percent": 4.56}}}}
    with_floor = dataclasses.replace(run, capacities=[dataclasses.replace(c, oracles=oracles) for c in run.capacities])
    text = words_of(training_report(with_floor))
    assert "crop 3.2 4.6 forest" in text


def test_a_porosity_that_is_not_known_everywhere_does_not_judge_the_image(run):
    """It was asked of other electrodes than the network."""
    part = run.capacities[0]
    some = part.fold_predictions.assign(predicted=lambda t: t["measured"].where(t["electrode"] != "E20"))
    said = metrics(part.fold_predictions, "specific", theoretical=159.7, ladder={ELECTRODE_POROSITY: some})
    partly = dataclasses.replace(run, capacities=(dataclasses.replace(part, metrics=said),))
    assert "worth more than the image" not in words_of(training_report(partly))
