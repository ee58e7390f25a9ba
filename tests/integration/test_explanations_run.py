"""The explanations pipeline over what a whole run left: measured, told as served, and refused."""

import json
from pathlib import Path

import pandas as pd
import pytest
from running import kedro

from doppelcart.serving.answers import answer
from doppelcart.serving.contest import load_entrant
from doppelcart.serving.questions import Question
from doppelcart.serving.release import read_release

pytestmark = pytest.mark.slow


def test_recommendations_are_explained_as_they_are_served(copy_of_run: Path) -> None:
    done = kedro(copy_of_run, "--pipelines", "explanations,reporting", DOPPELCART_TRACKING="off")
    assert done.returncode == 0, done.stdout[-3000:]
    data = copy_of_run / "data" / "08_reporting"
    section = json.loads((data / "sections/explanations.json").read_text())
    assert section["failure"] == ""
    assert "slopes" in section["evidence"]
    assert "explanations-curves" in json.dumps(section)
    assert "Why an item is recommended" in (data / "report.html").read_text()
    verdict = pd.read_csv(data / "explanations_verdict.csv")
    assert set(verdict["recommender"]) == {
        "Mult-VAE", "completion by the GAN", "completion without critic",
    }  # fmt: skip
    differences = pd.read_csv(data / "explanations_differences.csv")
    backwards = differences[differences["arm"] == "reversed"]
    # What slopes name last is no good order: the check of the experiment holds.
    assert (backwards["outcome"] != "helps").all()
    told = pd.read_parquet(data / "reasons.parquet")
    named = data / "serving/candidate.json"
    model = load_entrant(named, read_release(named).itself).model
    for user in told["user_id"].unique()[:20]:
        question = Question.model_validate({"user_id": user, "k": 5, "explain": True})
        served = [item.reasons for item in answer(model, question, "1").items]
        own = told[told["user_id"] == user]
        assert own["words"].tolist() == [reasons.words for reasons in served if reasons]


def test_slices_that_nobody_is_in_are_refused_in_words(copy_of_run: Path) -> None:
    params = "explanations.sample.slices=[cold_99]"
    done = kedro(
        copy_of_run, "--pipelines", "explanations", "--params", params, DOPPELCART_TRACKING="off"
    )
    assert done.returncode != 0
    told = " ".join(done.stdout.split())
    assert "None of the slices cold_99 has a" in told
    assert "Name others in explanations.sample.slices" in told
    assert "Traceback" not in done.stdout
