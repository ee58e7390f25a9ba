"""What studies say of the product's claims, read off their results."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import pytest

from doppelcart import pipelines
from doppelcart.pipelines.claims.nodes import tabulate_claims
from doppelcart.reporting.capabilities import find_capabilities
from studies import claims, documents

HALF = 2.2622 * 0.1
"""Of an interval over 10 seeds whose standard error is .1: t of 9 degrees at .975 is 2.2622."""
OTHER = "Complete Journey: change of NDCG@20 by completion, 1 known"
CASE = f"Complete Journey: {claims.KNOWN}"


def entry(figure: str, value: float, half: float = HALF) -> dict[str, Any]:
    ends = {"low": value - half, "high": value + half}
    how = "1,440 training users, 10 seeds of the training"
    return {"figure": figure, "value": value, "unit": "%", "how": how} | ends


def critic(gain: float, p_against_control: float, difference: float = 0.1) -> dict[str, Any]:
    figures = [
        entry(f"{OTHER}, GAN", 0.05),
        entry(f"{CASE}, GAN", gain),
        entry(f"{CASE}, difference", difference),
        entry(f"{CASE}, p after Holm", p_against_control),
        entry("Online Retail: change of NDCG@20 by completion, 5 known, GAN", 9.0),
    ]
    return {
        "benchmark": "critic",
        "date": "2031-02-03T04:05:06+00:00",
        "commit": "c" * 40,
        "figures": figures,
    }


def test_a_p_value_is_read_off_an_interval():
    # values 1, 2, 3: standard error 1 / sqrt(3), t of 2 degrees at .975 is 4.3027; p = .0742
    figure = entry("x", 2.0, half=4.3027 / math.sqrt(3))
    assert claims.p_of(figure, 3) == pytest.approx(0.0742, abs=1e-4)
    assert claims.p_of(entry("x", -2.0, half=4.3027 / math.sqrt(3)), 3) == pytest.approx(
        0.0742, abs=1e-4
    )


@pytest.mark.parametrize(
    ("gain", "p_against_control", "verdict", "beaten"),
    [
        (1.0, 0.5, "not proven", ""),
        (1.0, 0.01, "best not beaten", claims.WITHOUT_CRITIC),
        (-1.0, 0.5, "harms", ""),
        # alone p = .037 (t = 2.45), but of two comparisons it is the smaller one: .073
        (0.245, 0.5, "no evidence", ""),
    ],
)
def test_completion_is_held_against_nothing_and_against_no_critic(
    gain, p_against_control, verdict, beaten
):
    row = claims.completion(critic(gain, p_against_control))
    assert (row.verdict, row.controls_beaten) == (verdict, beaten)
    assert row.not_beaten == ("" if beaten else claims.WITHOUT_CRITIC)
    assert (row.effect, row.unit, row.seeds, row.study) == (gain, "%", 10, "critic")
    assert row.source.startswith("Chae, Kang, Kim and Choi 2019")


def test_a_control_that_is_better_is_not_beaten():
    row = claims.completion(critic(1.0, 0.01, difference=-0.1))
    assert row.not_beaten == claims.WITHOUT_CRITIC


def test_added_users_are_judged_by_the_p_value_of_the_study():
    def of(value: float, p: float) -> claims.Row:
        gan = "Complete Journey: GAN's users"
        figures = [entry(f"{gan}, ease", value), entry(f"{gan}, p of ease", p)]
        told = [figure | {"how": "random 80/20, 10 splits"} for figure in figures]
        return claims.new_users(critic(0, 0) | {"benchmark": "augmentation", "figures": told})

    assert of(-0.4, 0.7).verdict == "no evidence"
    assert of(-0.4, 0.01).verdict == "harms"
    assert of(0.4, 0.01).verdict == "not proven"
    assert of(0.4, 0.01).seeds == 10


def launches(beside: float, alone: float = -20.0, **apart: float) -> dict[str, Any]:
    """Five trainings; of 5 seeds t of 4 degrees at .975 is 2.7764, so that an error is .1."""
    half = 2.7764 * 0.1
    figures = [
        entry(f"{claims.ALONE}: {claims.IMAGINED}", alone, half),
        entry(f"{claims.BESIDE}: {claims.IMAGINED}", beside, half),
        *(
            entry(f"{claims.BESIDE}: {claims.IMAGINED} more than {name}", value, half)
            for name, value in apart.items()
        ),
    ]
    told = [figure | {"how": "Complete Journey; 5 trainings, Student's t"} for figure in figures]
    return critic(0, 0) | {"benchmark": "launches", "figures": told}


@pytest.mark.parametrize(
    ("beside", "copies", "vae", "verdict", "beaten"),
    [
        (3.0, -0.5, 2.0, "not proven", "vae"),
        (3.0, 0.5, 2.0, "best not beaten", "copies; vae"),
        (0.1, 0.5, 2.0, "no evidence", "copies; vae"),
        (-3.0, -0.5, 0.0, "harms", ""),
    ],
)
def test_imagined_items_have_to_beat_what_stands_in_their_place(
    beside, copies, vae, verdict, beaten
):
    row = claims.imagined(launches(beside, copies=copies, vae=vae))
    assert (row.verdict, row.controls_beaten) == (verdict, beaten)
    assert (row.effect, row.seeds, row.capability) == (beside, 5, "new_items")
    assert row.source.startswith("Huynh")


def few(verdict: str, beaten: str, not_beaten: str) -> dict[str, Any]:
    told = f"5 seeds; verdict: {verdict}. Controls beaten: {beaten}. "
    figure = entry(f"{claims.STOCK_CASE}, change of AUC", -0.3)
    figure["how"] = f"{told}Controls not beaten: {not_beaten}."
    return critic(0, 0) | {"benchmark": "stockouts", "figures": [figure]}


def test_generated_series_are_judged_as_the_study_says():
    row = claims.few_series(few("no evidence", "none", "copies; its weeks"))
    assert (row.verdict, row.controls_beaten, row.not_beaten) == (
        "no evidence",
        "",
        "copies; its weeks",
    )
    assert (row.effect, row.seeds, row.data) == (-0.3, 5, "FreshRetailNet-50K")
    assert row.source.startswith("Jeha")
    assert claims.few_series(few("helps", "copies", "none")).controls_beaten == "copies"
    content = few("helps", "copies", "none")
    content["figures"][0]["how"] = "5 seeds"
    with pytest.raises(ValueError, match="do not say their verdict"):
        claims.few_series(content)


def test_results_that_do_not_say_how_often_are_refused():
    content = critic(1.0, 0.5)
    content["figures"] = [figure | {"how": "somehow"} for figure in content["figures"]]
    with pytest.raises(ValueError, match="do not say of how many seeds"):
        claims.completion(content)


def test_without_results_there_is_a_header_only(tmp_path):
    claims.refresh(tmp_path, tmp_path / "claims.csv")
    table = pd.read_csv(tmp_path / "claims.csv")
    assert table.empty
    assert {"capability", "claim", "verdict", "controls_beaten", "study"} < set(table.columns)
    (tmp_path / "critic.json").write_text(json.dumps(critic(1.0, 0.5)))
    claims.refresh(tmp_path, tmp_path / "claims.csv")
    assert pd.read_csv(tmp_path / "claims.csv")["claim"].tolist() == ["completion"]


def test_the_kept_table_is_what_the_kept_results_say(tmp_path):
    claims.refresh(documents.RESULTS, tmp_path / "claims.csv")
    said = (tmp_path / "claims.csv").read_text()
    assert claims.TABLE.read_text() == said, "run `python -m studies results`"


def test_the_page_of_claims_takes_the_kept_table():
    table = tabulate_claims(find_capabilities(pipelines), {}, pd.read_csv(claims.TABLE))
    found = table.set_index(["capability", "claim"])["study_verdict"]
    assert found["evaluation", "completion"] == "not proven"
    assert found["evaluation", "new_users"] == "no evidence"
