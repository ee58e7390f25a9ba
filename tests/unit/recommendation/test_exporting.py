"""What was chosen and judged becomes a model that ranks as the evaluation does."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.recommendation import exporting
from doppelcart.recommendation.exporting import evidence_of, export
from doppelcart.recommendation.listing import System, top_items
from doppelcart.recommendation.scoring import rank as rank_as_judged
from doppelcart.recommenders import RECOMMENDERS
from doppelcart.serving.answers import answer
from doppelcart.serving.model import Catalogue
from doppelcart.serving.questions import Purchase, Question
from doppelcart.serving.scorer import histories_of

GroupShop = Callable[..., Histories]
NOTHING: dict[str, list[dict[str, str]]] = {"promoted": []}


def chosen(*rows: tuple[str, str, str, str, float, float]) -> pd.DataFrame:
    columns = ["slice", "recommender", "arm", "config", "level", "value"]
    return pd.DataFrame(list(rows), columns=columns)


CHOSEN = chosen(
    ("cold_1", "popularity", "none", "{}", 0.0, 0.3),
    ("cold_1", "itemknn", "none", "{}", 0.0, 0.2),
    ("warm", "ease", "none", '{"l2": 20.0}', 0.0, 0.4),
    ("warm", "multvae", "none", "{}", 0.0, 0.5),
    ("warm", "ease", "gan_completion", '{"l2": 20.0}', 0.5, 0.6),
    ("warm", "ials", "gan_new_users", '{"factors": 4}', 1.0, 0.1),
)


def best_systems(
    promotion: dict[str, list[dict[str, str]]], rows: pd.DataFrame, max_bytes: float = 1e9
) -> dict[str, tuple[System, str]]:
    return exporting.best_systems(promotion, rows, 100, max_bytes)


def won(arm: str, recommender: str) -> dict[str, list[dict[str, str]]]:
    return {"promoted": [{"slice": "warm", "recommender": recommender, "arm": arm}]}


def test_each_slice_has_its_own_best_and_the_note_says_what_needs_a_network() -> None:
    systems = best_systems(NOTHING, CHOSEN)
    assert list(systems) == ["warm", "cold_1"]
    warm, note = systems["warm"]
    assert (warm.recommender, warm.arm, warm.promoted) == ("ease", "none", False)
    assert note == "Mult-VAE would be preferred, but it needs a network, which is not served yet."
    assert (systems["cold_1"][0].recommender, systems["cold_1"][1]) == ("popularity", "")


def test_what_was_promoted_serves_unless_it_needs_a_network() -> None:
    system, note = best_systems(won("gan_new_users", "ials"), CHOSEN)["warm"]
    assert (system.recommender, system.promoted, note) == ("ials", True, "")
    system, note = best_systems(won("gan_completion", "ease"), CHOSEN)["warm"]
    assert (system.recommender, system.arm, system.promoted) == ("ease", "none", False)
    assert note.startswith("EASE with histories completed by the GAN would be preferred")


def test_returning_customers_have_the_first_claim_on_the_memory() -> None:
    rows = chosen(
        ("cold_1", "ease", "none", '{"l2": 9.0}', 0.0, 0.9),
        ("cold_1", "puresvd", "none", "{}", 0.0, 0.5),
        ("cold_5", "ease", "none", '{"l2": 20.0}', 0.0, 0.9),
        ("cold_80pct", "ease", "none", '{"l2": 20.0}', 0.0, 0.9),
        ("warm", "ease", "none", '{"l2": 20.0}', 0.0, 0.9),
    )
    # 100 items: one set of weights takes 40 kB, and is shared
    systems = best_systems(NOTHING, rows, 40_000)
    assert {name: system.recommender for name, (system, _) in systems.items()} == {
        "warm": "ease", "cold_1": "puresvd", "cold_5": "ease"
    }  # fmt: skip
    assert "more memory than serving.max_gb allows" in systems["cold_1"][1]
    assert best_systems(NOTHING, rows, 80_000)["cold_1"][0].recommender == "ease"


def test_where_nothing_comes_to_arrays_nothing_is_exported(group_shop: GroupShop) -> None:
    systems = best_systems(NOTHING, CHOSEN[CHOSEN["recommender"] == "multvae"])
    assert systems == {}
    with pytest.raises(InputError, match=r"evaluation\.grids"):
        export(systems, group_shop(5, 0), {}, Catalogue([], [], {}), {}, n_judged=5)


def test_the_evidence_is_the_gain_over_the_most_popular_items() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(100)
    metrics = pd.DataFrame(
        {
            "slice": "warm",
            "arm": "none",
            "recommender": ["popularity"] * 100 + ["ease"] * 100,
            "user_id": [str(user) for user in range(100)] * 2,
            "ndcg@20": np.concatenate([base, 1.5 * base]),
        }
    )
    verdict = pd.DataFrame(columns=["slice", "recommender", "arm", "verdict"])
    found = evidence_of(best_systems(NOTHING, CHOSEN), metrics, verdict, "ndcg@20")
    assert list(found) == ["warm"]
    assert found["warm"].relative == pytest.approx(0.5)
    assert found["warm"].relative_low is not None
    assert found["warm"].relative_low <= 0.5
    assert (found["warm"].n_customers, found["warm"].against) == (100, "the most popular items")
    popular = best_systems(NOTHING, CHOSEN[CHOSEN["recommender"] == "popularity"])
    cold = evidence_of(popular, metrics.assign(slice="cold_1"), verdict, "ndcg@20")["cold_1"]
    assert (cold.relative, cold.against) == (None, "")


@pytest.mark.parametrize(
    ("recommender", "config"),
    [
        ("itemknn", '{"shrink": 5.0, "neighbours": 8}'),
        ("ials", '{"factors": 8}'),
        ("puresvd", '{"rank": 6}'),
        ("ease", '{"l2": 20.0, "centred": true}'),
    ],
)
def test_served_lists_and_tables_rank_as_the_evaluation_does(
    group_shop: GroupShop, recommender: str, config: str
) -> None:
    shop, k = group_shop(120, 0), 10
    systems = best_systems(NOTHING, chosen(("warm", recommender, "none", config, 0.0, 1.0)))
    ids = shop.item_ids.tolist()
    model = export(systems, shop, {}, Catalogue(ids, ids, {}), {}, n_judged=120)
    rng = np.random.default_rng(0)
    rows = [rng.choice(48, rng.integers(1, 20), replace=False) for _ in range(250)]
    fitted = RECOMMENDERS[recommender](seed=0).fit(shop.matrix)
    given = fitted.Config.model_validate_json(config)
    seen = histories_of(rows, 48)
    judged = rank_as_judged(fitted, given, seen, seen, k)
    scores = fitted.score(seen, given)
    for user, row in enumerate(rows):
        items = [Purchase(item_id=ids[item]) for item in row]
        found = answer(model, Question(items=items, k=k), "1")
        listed = [model.catalogue.positions[item.item_id] for item in found.items]
        # the same items in the same places, but for those that rounding alone sets apart
        np.testing.assert_allclose(scores[user, listed], scores[user, judged[user]], atol=2e-5)
        assert not set(listed) & set(row.tolist())
    system: System = systems["warm"][0]
    table = top_items(system, shop, {}, None, k=k, n_judged=120)
    for name, lists in table.groupby("user_id"):
        found = answer(model, Question(user_id=str(name), k=k), "1")
        assert [item.item_id for item in found.items] == lists["item_id"].tolist()
        assert [item.score for item in found.items] == lists["score"].tolist()
