from typing import get_args

import numpy as np
import pandas as pd
import pytest

from doppelcart.experiment.verdict import VERDICTS
from doppelcart.pipelines.evaluation import wording
from doppelcart.pipelines.evaluation.section import how_to_read
from doppelcart.recommendation.labels import metric_label
from doppelcart.recommendation.protocol import EvaluationParams

COLUMNS = ["slice", "recommender", "arm", "verdict", "win", "promoted", "level", "metric", "value",
           "reason", "relative", "relative_low", "relative_high"]  # fmt: skip


def table(*rows: tuple[str, str, bool, bool]) -> pd.DataFrame:
    """One row per slice: slice, verdict, win, promoted."""
    return pd.DataFrame(
        [
            [name, "ease", "gan_completion", verdict, win, promoted, 0.5, "ndcg@20", 0.3,
             f"ndcg@20 of ease changed for {name}.", 0.1, 0.05, np.nan]
            for name, verdict, win, promoted in rows
        ],
        columns=COLUMNS,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "signal", "headline"),
    [
        (
            [("cold_5", "helps", True, True), ("warm", "no evidence", False, False)],
            wording.PROVEN,
            (
                "Yes, for some: synthetic shopping data improves recommendations for new customers "
                "with 5 known items."
            ),
        ),
        (
            [("cold_5", "helps", True, True), ("warm", "helps", True, True)],
            wording.PROVEN,
            (
                "Yes: synthetic shopping data improves recommendations for every group of "
                "customers tested."
            ),
        ),
        (
            [("cold_5", "helps", True, True), ("warm", "harms", False, False)],
            wording.PROVEN,
            (
                "Yes, for some: synthetic shopping data improves recommendations for new customers "
                "with 5 known items. It makes them worse for returning customers."
            ),
        ),
        (
            [("cold_5", "best not beaten", True, False)],
            wording.BEST_NOT_BEATEN,
            (
                "Not yet: synthetic shopping data improves recommendations of some methods for new "
                "customers with 5 known items, but not beyond the best method without it."
            ),
        ),
        (
            [("cold_1", "not proven", False, False), ("cold_5", "not proven", False, False)],
            wording.NOT_PROVEN,
            (
                "Not proven: synthetic shopping data improves recommendations for new customers "
                "with 1 or 5 known items, but a simpler control may do as well."
            ),
        ),
        (
            [("warm", "harms", False, False), ("cold_1", "no evidence", False, False)],
            wording.WORSE,
            (
                "No: synthetic shopping data makes recommendations worse for returning "
                "customers, and improves them for nobody."
            ),
        ),
        (
            [("warm", "no evidence", False, False)],
            wording.LEVEL,
            "No: there is no evidence that synthetic shopping data improves recommendations.",
        ),
    ],
)
def test_headline_says_no_more_than_was_found(rows, signal, headline):
    story = wording.tell(table(*rows))
    assert story.signal is signal
    assert story.headline == headline


def test_no_verdict_is_told_as_such():
    story = wording.tell(table())
    assert story.headline.startswith("No verdict")
    assert story.signal.light == "amber"
    assert story.findings == ()


def test_controls_have_no_say():
    verdict = table(("warm", "helps", True, True)).assign(arm="mixup")
    assert wording.tell(verdict).headline.startswith("No verdict")


def test_a_group_is_told_by_its_best_proven_row_then_by_score():
    rows = table(
        ("warm", "no evidence", False, False),
        ("warm", "not proven", False, False),
        ("warm", "not proven", False, False),
    )
    rows = rows.assign(value=[0.9, 0.2, 0.4], recommender=["ials", "itemknn", "puresvd"])
    rows = rows.assign(reason="ndcg@20 of " + rows["recommender"] + " changed.")
    (finding,) = wording.tell(rows).findings
    assert finding.signal is wording.NOT_PROVEN
    assert finding.sentence == "NDCG@20 of PureSVD changed."


@pytest.mark.parametrize("metric", get_args(EvaluationParams.model_fields["metric"].annotation))
def test_figures_are_told_in_the_words_of_the_metric_that_judged(metric: str) -> None:
    words = wording.words_of_findings(f"{metric}@7")
    label = metric_label(f"{metric}@7")
    assert f"{label} says " in words
    assert "the first 7 " in words
    assert "20" not in words
    assert label in how_to_read(f"{metric}@7")


def test_every_verdict_has_a_meaning_and_a_signal_of_its_word():
    assert [signal.word for signal in wording.MEANINGS] == list(VERDICTS)
    assert set(wording.TOLD_FIRST) == set(wording.MEANINGS)


def promotion(promoted=(), admitted=()):
    named = {"promoted": promoted, "admitted": admitted}
    return {part: [{"slice": name} for name in names] for part, names in named.items()}


def at_best(**baselines):
    return pd.DataFrame(
        {"slice": list(baselines), "against": "best_baseline", "baseline": baselines.values()}
    )


def test_who_gains_nothing_is_told_what_to_use_instead():
    assert wording.advise(promotion(), at_best(warm="ease", cold_1="ease")) == (
        "recommend without synthetic data: EASE for 2 groups."
    )
    some = promotion(promoted=["warm"])
    assert wording.advise(some, at_best(warm="ease", cold_1="ials")) == (
        "use it for returning customers, as promotion.json says. For the others, recommend without "
        "synthetic data: iALS for 1 group."
    )
    assert wording.advise(some, at_best(warm="ease")) == (
        "use it for returning customers, as promotion.json says."
    )


def test_a_control_that_serves_is_told_before_what_is_plain():
    control = (
        "use a control in place of the GAN for returning customers: promotion.json names it. It is "
        "shown to help, and the GAN is not shown to do better."
    )
    assert wording.advise(promotion(admitted=["warm"]), at_best(warm="ease")) == control
    # Two controls help with 1 item, where the generator won: that serves, and no control.
    both = promotion(promoted=["cold_1"], admitted=["cold_1", "cold_1", "warm"])
    assert wording.advise(both, at_best(warm="ease", cold_1="ials", cold_2="ials")) == (
        "use it for new customers with 1 known item, as promotion.json says. "
        f"{control[0].upper()}{control[1:]} For the others, recommend without synthetic data: "
        "iALS for 1 group."
    )


def test_signals_differ_without_colour():
    signals = list(wording.MEANINGS)
    assert len({signal.word for signal in signals}) == len(signals)
    by_light = {}
    for signal in signals:
        by_light.setdefault(signal.light, set()).add(signal.shape)
    shapes = list(by_light.values())
    assert all(not one & other for i, one in enumerate(shapes) for other in shapes[i + 1 :])


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"warm": 30, "cold_5": 400}, None),
        (
            {"warm": 29, "cold_5": 400},
            "In 1 of 2 groups only 29 customers were tested, and a verdict takes 30.",
        ),
        (
            {"warm": 5, "cold_5": 8},
            "In every group only 5 to 8 customers were tested, and a verdict takes 30.",
        ),
    ],
)
def test_groups_too_small_to_show_anything_are_named(sizes, says):
    rows = pd.DataFrame({"slice": [*sizes, "warm"], "n_units": [*sizes.values(), sizes["warm"]]})
    rows = rows.assign(least_units=30)
    found = wording.caution(rows)
    assert found.startswith(says) if says else found == ""
    assert wording.caution(rows.head(0)) == ""


@pytest.mark.parametrize(("wins", "warns"), [([], False), ([False], False), ([False, True], True)])
def test_a_win_comes_with_the_luck_of_one_training(wins, warns):
    found = wording.one_training(pd.DataFrame({"win": wins}))
    assert ("gan.training.seed" in found) is warns


def test_several_groups_are_joined_into_one_phrase():
    found = wording.slice_phrases(["warm", "cold_0", "cold_1", "cold_80pct"])
    assert found == (
        "returning customers, new customers who bought nothing yet, new customers with 1 known "
        "item and new customers with 80 % of their history known"
    )
