import json

import pandas as pd
import pytest
from judging import decide, promotion

from doppelcart.data.slices import Slice
from doppelcart.experiment.outcome import outcome

ALPHA = 0.05


@pytest.mark.parametrize(
    ("difference", "p_holm", "expected"),
    [
        (0.01, 0.05, "helps"),
        (-0.01, 0.01, "harms"),
        (0.01, 0.051, "no evidence"),
        (-0.01, 0.2, "no evidence"),
        (0.0, 0.0, "no evidence"),
        (float("nan"), float("nan"), "undefined"),
        (0.3, float("nan"), "undefined"),
    ],
)
def test_outcome(difference: float, p_holm: float, expected: str) -> None:
    assert outcome(difference, p_holm, ALPHA) == expected


def uplift(**by_reference: tuple[float, float]) -> pd.DataFrame:
    """Comparisons of gan_completion on EASE: difference from a base of 0.5, corrected p.

    The VAE is beaten unless it is said otherwise.
    """
    by_reference = {"vae_completion": GOOD} | by_reference
    rows = [
        {
            "slice": "cold_5",
            "recommender": "ease",
            "arm": "gan_completion",
            "against": against,
            "metric": "ndcg@20",
            "base": 0.5,
            "value": 0.5 + difference,
            "difference": difference,
            "relative": difference / 0.5,
            "low": difference - 0.01,
            "high": difference + 0.01,
            "relative_low": (difference - 0.01) / 0.5,
            "relative_high": (difference + 0.01) / 0.5,
            "p_value": p / 2,
            "p_holm": p,
            "n_units": 400,
            "least_units": 30,
            "tested": True,
        }
        for against, (difference, p) in by_reference.items()
    ]
    return pd.DataFrame(rows)


def chosen(level: float = 0.3) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "slice": "cold_5",
            "recommender": "ease",
            "arm": ["none", "gan_completion"],
            "config": ["{}", '{"l2":300.0}'],
            "level": [0.0, level],
            "value": 0.5,
            "n_users": 100,
        }
    )


GOOD = (0.02, 0.001)
LEVEL = (0.001, 0.7)
BAD = (-0.02, 0.001)


@pytest.mark.parametrize(
    ("none", "popularity", "denoiser", "best", "verdict", "win", "promoted", "not_beaten"),
    [
        (GOOD, GOOD, GOOD, GOOD, "helps", True, True, ""),
        (GOOD, GOOD, GOOD, LEVEL, "best not beaten", True, False, ""),
        (GOOD, GOOD, LEVEL, GOOD, "not proven", False, False, "denoiser_completion"),
        (GOOD, BAD, GOOD, GOOD, "not proven", False, False, "popularity_completion"),
        (LEVEL, GOOD, GOOD, GOOD, "no evidence", False, False, ""),
        (BAD, GOOD, GOOD, GOOD, "harms", False, False, ""),
    ],
)
def test_a_win_needs_none_and_every_control_and_promotion_the_best_baseline(
    none: tuple[float, float],
    popularity: tuple[float, float],
    denoiser: tuple[float, float],
    best: tuple[float, float],
    verdict: str,
    win: bool,
    promoted: bool,
    not_beaten: str,
) -> None:
    table = decide(
        uplift(
            none=none,
            popularity_completion=popularity,
            denoiser_completion=denoiser,
            best_baseline=best,
        ),
        chosen(),
        ALPHA,
    )
    row = table.iloc[0]
    assert row[["verdict", "win", "promoted", "not_beaten"]].tolist() == [
        verdict,
        win,
        promoted,
        not_beaten,
    ]
    named = promotion(table, chosen(), ALPHA)
    assert len(named["promoted"]) == promoted
    assert len(named["refused"]) == 1 - promoted
    json.dumps(named)


def test_a_control_that_was_not_run_is_not_beaten() -> None:
    row = decide(uplift(none=GOOD, popularity_completion=GOOD, best_baseline=GOOD), chosen(), ALPHA)
    assert not row["win"].item()
    assert row["not_beaten"].item() == "denoiser_completion"
    assert "not run: denoiser_completion" in row["reason"].item()


def test_what_is_promoted_comes_with_its_configuration() -> None:
    everything = uplift(
        none=GOOD, popularity_completion=GOOD, denoiser_completion=GOOD, best_baseline=GOOD
    )
    entry = promotion(decide(everything, chosen(), ALPHA), chosen(), ALPHA)["promoted"][0]
    assert entry["config"] == '{"l2":300.0}'
    assert (entry["slice"], entry["recommender"], entry["arm"]) == (
        "cold_5",
        "ease",
        "gan_completion",
    )
    assert entry["level"] == 0.3


@pytest.mark.parametrize(
    ("comparisons", "level", "says"),
    [
        (
            {"none": GOOD, "popularity_completion": GOOD, "denoiser_completion": LEVEL},
            0.3,
            "the gain is not the GAN's",
        ),
        ({"none": LEVEL}, 0.3, "the interval includes 0, which is no change at all"),
        ({"none": (0.02, 0.2)}, 0.3, "excludes 0, but not once corrected"),
        ({"none": BAD}, 0.3, "recommendations got worse"),
        ({"none": (0.0, 1.0)}, 0.0, "strength 0 was chosen"),
        (
            {
                "none": GOOD,
                "popularity_completion": GOOD,
                "denoiser_completion": GOOD,
                "best_baseline": LEVEL,
            },
            0.3,
            "so it is not promoted",
        ),
    ],
)
def test_the_reason_says_why(
    comparisons: dict[str, tuple[float, float]], level: float, says: str
) -> None:
    reason = decide(uplift(**comparisons), chosen(level), ALPHA)["reason"].item()
    assert says in reason
    assert "new customers with 5 known items" in reason


def test_a_gain_is_told_beside_the_best_recommender_without_it() -> None:
    comparisons = uplift(none=GOOD, denoiser_completion=LEVEL, best_baseline=LEVEL)
    reason = decide(comparisons, chosen(), ALPHA)["reason"].item()
    assert "changed by +4.0 %" in reason
    assert "best recommender without augmentation it is +0.2 % (-1.8 % to +2.2 %)." in reason


def test_a_change_that_reached_nobody_is_called_so() -> None:
    none = uplift(none=(0.0, 1.0)).assign(low=0.0, high=0.0)
    reason = decide(none, chosen(), ALPHA)["reason"].item()
    assert "nobody's list became better or worse. No evidence" in reason


def test_an_undefined_verdict_says_how_many_customers_it_takes() -> None:
    one = uplift(none=(0.02, float("nan")), best_baseline=(0.02, float("nan"))).assign(n_units=1)
    row = decide(one, chosen(), ALPHA).iloc[0]
    assert row[["verdict", "win", "promoted"]].tolist() == ["undefined", False, False]
    assert row["reason"] == (
        "Undefined for new customers with 5 known items: 1 customer was tested with histories "
        "completed by the GAN and ease, and a verdict takes 30."
    )
    refused = promotion(decide(one, chosen(), ALPHA), chosen(), ALPHA)["refused"]
    assert json.loads(json.dumps(refused))[0]["verdict"] == "undefined"


def test_an_arm_that_is_not_used_has_no_verdict_either_on_too_few_customers() -> None:
    def unused(n_units: int) -> pd.Series:
        rows = uplift(none=(0.0, 1.0)).assign(n_units=n_units)
        return decide(rows, chosen(level=0.0), ALPHA).iloc[0]

    assert unused(30)["verdict"] == "not used"
    few = unused(29)
    assert few[["verdict", "win", "promoted"]].tolist() == ["undefined", False, False]
    assert "strength 0 was chosen" in few["reason"]
    assert few["reason"].endswith("29 customers were tested, and a verdict takes 30.")


def test_the_reason_carries_the_figures() -> None:
    reason = decide(uplift(none=GOOD), chosen(), ALPHA)["reason"].item()
    assert "+4.0 % (95 % interval +2.0 % to +6.0 %, 400 customers)" in reason


def test_nothing_compared_gives_an_empty_table_with_its_columns() -> None:
    table = decide(pd.DataFrame(), chosen(), ALPHA)
    assert table.empty
    assert {"verdict", "win", "promoted", "reason"} <= set(table)
    assert promotion(table, chosen(), ALPHA)["promoted"] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("warm", "returning customers"),
        ("cold_0", "new customers of whom no purchase is known"),
        ("cold_1", "new customers with 1 known item"),
        ("cold_20", "new customers with 20 known items"),
        ("cold_80pct", "new customers with 80 % of their history known"),
        ("spring", "customers of slice spring"),
    ],
)
def test_slices_in_words(name: str, words: str) -> None:
    assert Slice.of(name).phrase == words


def test_a_control_that_helps_against_the_best_recommender_is_admitted() -> None:
    rows = pd.DataFrame(
        [
            {"slice": "cold_5", "recommender": "ease", "arm": arm, "against": against,
             "baseline": "ials", "level": 0.5, "relative": 0.02, "relative_low": 0.01,
             "relative_high": 0.03, "outcome": outcome}
            for arm, against, outcome in [
                ("denoiser_completion", "best_baseline", "helps"),
                ("popularity_completion", "best_baseline", "no evidence"),
                ("popularity_completion", "most_popular", "helps"),
                # the generator on trial must win, and a ceiling of another kind serves nobody
                ("gan_completion", "best_baseline", "helps"),
            ]
        ]
    )  # fmt: skip
    table = decide(uplift(none=GOOD, best_baseline=GOOD), chosen(), ALPHA)
    added = chosen()[chosen()["arm"] == "gan_completion"].assign(arm="denoiser_completion")
    configs = pd.concat([chosen(), added])
    [entry] = promotion(table, configs, ALPHA, rows)["admitted"]
    assert (entry["arm"], entry["config"]) == ("denoiser_completion", '{"l2":300.0}')
    assert promotion(table, configs, ALPHA, rows.assign(level=0.0))["admitted"] == []
    assert "+2.0 % (+1.0 to +3.0) over iALS" in entry["reason"]
    bare = rows.assign(relative_low=float("nan"), relative_high=float("nan"))
    [entry] = promotion(table, configs, ALPHA, bare)["admitted"]
    assert "gains +2.0 % (interval undefined) over iALS" in entry["reason"]
    [entry] = promotion(table, configs, ALPHA, bare.assign(relative=float("nan")))["admitted"]
    assert "gains an undefined share (interval undefined) over iALS" in entry["reason"]
