"""What a change is worth in hits and in money."""

import pandas as pd
import pytest

from doppelcart.recommendation.design import declare
from doppelcart.recommendation.gains import COLUMNS, gains

USERS = [f"u{n}" for n in range(40)]


def test_hits_are_counted_in_the_longest_list_and_money_is_as_paid() -> None:
    """40 customers with 2 hits of 10 each, 3 after; 4 currency units, 3 after."""
    chosen = pd.DataFrame(
        {
            "slice": "warm",
            "recommender": "ease",
            "arm": ["none", "gan_completion"],
            "config": "{}",
            "level": [0.0, 0.5],
            "value": [0.1, 0.2],
        }
    )
    users = pd.concat(
        pd.DataFrame(
            {
                "slice": "warm",
                "recommender": "ease",
                "arm": arm,
                "user_id": USERS,
                "ndcg@10": 0.1,
                "precision@5": 0.0,
                "precision@10": share,
                "sales@10": paid,
            }
        )
        for arm, share, paid in (("none", 0.2, 4.0), ("gan_completion", 0.3, 3.0))
    )
    verdict = chosen[chosen["arm"] == "gan_completion"]
    design = declare(
        "ndcg@10",
        ["warm"],
        chosen,
        family=(),
        alpha=0.05,
        n_bootstrap=1000,
        seeds=(0,),
        min_units=30,
    )
    table = gains(users, chosen, verdict, design).set_index("metric")
    assert table.loc["hits@10", ["base", "value", "difference"]].tolist() == pytest.approx(
        [2, 3, 1]
    )
    assert table.loc["sales@10", "difference"] == pytest.approx(-1)
    assert table.loc["sales@10", "low"] <= -1 <= table.loc["sales@10", "high"] < 0
    without = gains(users.drop(columns="sales@10"), chosen, verdict, design)
    assert without["metric"].tolist() == ["hits@10"]
    assert gains(users, chosen, verdict.iloc[:0], design).columns.tolist() == list(COLUMNS)
