import numpy as np
import pandas as pd
import pytest

from doppelcart.recommendation.synthetic_only import tstr


def test_the_share_of_the_real_score_over_the_same_users() -> None:
    rng = np.random.default_rng(0)
    real = rng.random(50)
    values = {"none": real, "gan_only": 0.97 * real, "popularity_only": np.zeros(50), "mixup": real}
    metrics = pd.concat(
        pd.DataFrame(
            {
                "slice": "cold_5",
                "arm": arm,
                "recommender": "ease",
                "user_id": np.arange(50),
                "ndcg@20": by_user,
            }
        )
        for arm, by_user in values.items()
    )
    metrics = metrics.sample(frac=1, random_state=0)
    table = tstr(metrics, "ndcg@20", 200, 0).set_index("arm")
    assert set(table.index) == {"gan_only", "popularity_only"}
    assert table.loc["gan_only", "real"] == pytest.approx(real.mean())
    assert table.loc["gan_only", "share"] == pytest.approx(0.97)
    # Everybody lost alike: a narrow interval, and no point.
    assert 0.96 < table.loc["gan_only", "low"] < 0.97 < table.loc["gan_only", "high"] < 0.98
    assert table.loc["popularity_only", "share"] == pytest.approx(0)
    assert table.loc["gan_only", "n_users"] == 50


def test_without_such_arms_the_table_is_empty() -> None:
    metrics = pd.DataFrame(
        {"slice": "warm", "arm": "none", "recommender": "ease", "user_id": ["u"], "ndcg@20": [1.0]}
    )
    assert tstr(metrics, "ndcg@20", 100, 0).empty
