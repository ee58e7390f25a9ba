"""A contest over users gives the figures of the plain paired bootstrap, to the last bit."""

import numpy as np
import pytest

from doppelcart.experiment.families import holm
from doppelcart.experiment.resampling import paired_bootstraps
from studies.contest import against

ARMS = ("copies", "gan", "mixup")
RECOMMENDERS = ("ease", "itemknn")


@pytest.fixture
def values() -> dict[tuple[str, str], np.ndarray]:
    rng = np.random.default_rng(0)
    found = {}
    for gain, arm in zip((0, -0.01, 0.02, 0), ("nobody", *ARMS), strict=True):
        for name in RECOMMENDERS:
            found[name, arm] = (rng.random(200) * 0.1 + 0.3 + gain).round(2)
            found[name, arm][:7] = np.nan
    return found


def test_it_is_the_paired_bootstrap_with_holm_over_all_comparisons(values):
    compared = against("nobody", values, "added users", "ndcg@10")
    keys = [(name, arm) for arm in ARMS for name in RECOMMENDERS]
    plain = paired_bootstraps(
        np.column_stack([values[key] for key in keys]),
        np.column_stack([values[name, "nobody"] for name, _ in keys]),
        rng=np.random.default_rng(0),
    )
    corrected = holm(np.array([result.p_value for result in plain]))
    assert set(compared) == set(keys)
    for key, result, p_holm in zip(keys, plain, corrected, strict=True):
        row = compared[key]
        assert row["p_holm"] == p_holm
        assert row["relative"] == result.relative
        assert (row["relative_low"], row["relative_high"]) == (
            result.relative_low,
            result.relative_high,
        )
        assert row["n_units"] == 193
    assert compared["ease", "gan"]["outcome"] == "helps"
    assert compared["ease", "copies"]["outcome"] == "harms"


def test_an_arm_is_held_against_its_own_recommender(values):
    values["itemknn", "nobody"] = values["itemknn", "gan"]
    compared = against("nobody", values, "added users", "ndcg@10")
    assert compared["itemknn", "gan"]["difference"] == 0
    assert compared["ease", "gan"]["difference"] > 0.01
