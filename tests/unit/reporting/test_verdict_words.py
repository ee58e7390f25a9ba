"""What is said of verdicts that are none."""

import numpy as np
import pandas as pd
import pytest
from judging import COLUMNS, Settings, compare, decide

from doppelcart.pipelines.evaluation import wording


def judged(n_users: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdict on a slice of so many customers, all of whom gained alike."""
    base = np.linspace(0.2, 0.6, n_users)
    users = pd.concat(
        pd.DataFrame(
            {
                "slice": "cold_20",
                "arm": arm,
                "recommender": "ease",
                "user_id": range(n_users),
                "ndcg@20": base + gain,
            }
        )
        for arm, gain in (("none", 0.0), ("gan_completion", 0.2))
    )
    rows = [("none", 0.0), ("gan_completion", 0.3)]
    chosen = pd.DataFrame(rows, columns=["arm", "level"]).assign(
        slice="cold_20", recommender="ease", config="{}", value=0.4, n_users=50
    )
    uplift = compare(users, chosen, Settings("ndcg@20", 2000))
    return decide(uplift, chosen, 0.05), uplift


@pytest.mark.parametrize("n_users", [1, 2, 5, 29])
def test_a_slice_of_few_is_undefined_wherever_it_is_told(n_users: int) -> None:
    verdict, _ = judged(n_users)
    assert verdict["verdict"].tolist() == ["undefined"]
    story = wording.tell(verdict)
    assert story.headline == (
        "Undefined: too few customers were tested for a verdict on new customers with 20 known "
        "items."
    )
    assert story.signal is wording.UNDEFINED
    assert "a verdict takes 30" in story.findings[0].sentence
    tested = "1 customer was" if n_users == 1 else f"{n_users} customers were"
    assert f"only {tested} tested, and a verdict takes 30" in wording.caution(verdict)


def test_thirty_customers_are_enough() -> None:
    verdict, _ = judged(30)
    assert verdict["verdict"].tolist() == ["not proven"]
    assert wording.tell(verdict).findings[0].effect == pytest.approx(50)
    assert wording.caution(verdict) == ""


def test_where_nothing_was_compared_the_headline_says_so() -> None:
    uplift = pd.DataFrame(columns=COLUMNS)
    chosen = pd.DataFrame(columns=["slice", "recommender", "arm", "level", "config", "value"])
    story = wording.tell(decide(uplift, chosen, 0.05))
    assert story.headline.startswith("No verdict")
    assert story.findings == ()
