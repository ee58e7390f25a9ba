"""What was chosen and judged becomes a model that ranks as the evaluation does."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.models.histories.generation import make_completer
from doppelcart.models.histories.hyperparameters import NetworkConfig
from doppelcart.models.histories.networks import build_generator
from doppelcart.models.histories.serving_arrays import completer_arrays
from doppelcart.recommendation import exporting
from doppelcart.recommendation.completion import strongest_of
from doppelcart.recommendation.exporting import evidence_of, export
from doppelcart.recommendation.listing import System, top_items
from doppelcart.recommendation.scoring import rank as rank_as_judged
from doppelcart.recommenders import RECOMMENDERS, MultVAE, Recommender
from doppelcart.serving.answers import answer
from doppelcart.serving.history_completer import completed
from doppelcart.serving.model import Catalogue, Profiles
from doppelcart.serving.questions import Purchase, Question
from doppelcart.serving.scorer import histories_of

GroupShop = Callable[..., Histories]
NOTHING: dict[str, list[dict[str, str]]] = {"promoted": [], "admitted": []}


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


NETWORK = pd.concat(
    [CHOSEN, chosen(("warm", "multvae", "gan_completion", "{}", 0.5, 0.9))], ignore_index=True
)


def best_systems(
    promotion: dict[str, list[dict[str, str]]], rows: pd.DataFrame, max_bytes: float = 1e9
) -> dict[str, tuple[System, str]]:
    return exporting.best_systems(promotion, rows, 100, max_bytes)


class Unservable(MultVAE):
    """A network that does not come to arrays."""

    scorer = Recommender.scorer


@pytest.fixture
def unservable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECOMMENDERS, "multvae", Unservable)


def won(arm: str, recommender: str) -> dict[str, list[dict[str, str]]]:
    entry = {"slice": "warm", "recommender": recommender, "arm": arm, "reason": "It won."}
    return {"promoted": [entry], "admitted": []}


@pytest.mark.usefixtures("unservable")
def test_each_slice_has_its_own_best_and_the_note_says_what_needs_a_network() -> None:
    systems = best_systems(NOTHING, CHOSEN)
    assert list(systems) == ["warm", "cold_1"]
    warm, note = systems["warm"]
    assert (warm.recommender, warm.arm, warm.promoted) == ("ease", "none", False)
    assert note.startswith("Mult-VAE would be preferred, but it does not come to plain arrays")
    assert (systems["cold_1"][0].recommender, systems["cold_1"][1]) == ("popularity", "")


@pytest.mark.usefixtures("unservable")
def test_what_was_promoted_serves_unless_it_needs_a_network() -> None:
    system, note = best_systems(won("gan_new_users", "ials"), CHOSEN)["warm"]
    assert (system.recommender, system.promoted, note) == ("ials", True, "")
    system, note = best_systems(won("gan_completion", "ease"), CHOSEN)["warm"]
    assert (system.arm, system.promoted, note) == ("gan_completion", True, "")
    system, note = best_systems(won("gan_completion", "multvae"), NETWORK)["warm"]
    assert (system.recommender, system.arm, system.promoted) == ("ease", "none", False)
    assert note.startswith("Mult-VAE with histories completed by the GAN would be preferred")


@pytest.mark.usefixtures("unservable")
def test_a_control_that_helps_serves_where_nothing_won() -> None:
    entry = {"slice": "warm", "recommender": "ease", "reason": "EASE gains +2.0 %."}
    helps = {"promoted": [], "admitted": [entry | {"arm": "vae_completion"}]}
    rows = pd.concat([CHOSEN, chosen(("warm", "ease", "vae_completion", '{"l2": 20.0}', 0.5, 0.2))])
    system, note = best_systems(helps, rows)["warm"]
    assert (system.arm, system.promoted, system.admitted) == ("vae_completion", False, True)
    assert note == "EASE gains +2.0 %."
    # what won comes before it
    both = helps | {"promoted": won("gan_new_users", "ials")["promoted"]}
    assert best_systems(both, rows)["warm"][0].arm == "gan_new_users"


def test_histories_completed_by_popularity_serve_nobody_though_they_helped() -> None:
    entry = {"slice": "warm", "recommender": "ease", "arm": "popularity_completion", "reason": "+2"}
    added = chosen(("warm", "ease", "popularity_completion", '{"l2": 20.0}', 0.5, 0.9))
    system, note = best_systems(NOTHING | {"admitted": [entry]}, pd.concat([CHOSEN, added]))["warm"]
    assert system.arm == "none"
    assert note.startswith("EASE with histories completed by popular items would be preferred")


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


@pytest.mark.usefixtures("unservable")
def test_where_nothing_comes_to_arrays_nothing_is_exported(group_shop: GroupShop) -> None:
    systems = best_systems(NOTHING, CHOSEN[CHOSEN["recommender"] == "multvae"])
    assert systems == {}
    with pytest.raises(InputError, match=r"evaluation\.grids"):
        export(systems, group_shop(5, 0), {}, Catalogue([], [], {}), {}, n_judged=5)


@pytest.mark.usefixtures("unservable")
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
        ("multvae", '{"hidden_units": 8, "latent_units": 3, "epochs": 5}'),
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


def test_who_bought_nothing_is_listed_for_and_changes_nothing_for_others(
    group_shop: GroupShop,
) -> None:
    shop, config = group_shop(120, 0), '{"l2": 20.0, "centred": true}'
    more = Histories(
        np.append(shop.user_ids.astype(str), "nothing"),
        shop.item_ids,
        np.append(shop.indptr, shop.indptr[-1]),
        shop.items,
    )
    systems = best_systems(NOTHING, chosen(("warm", "ease", "none", config, 0.0, 1.0)))
    before, after = (
        top_items(systems["warm"][0], users, {}, None, k=5, n_judged=120) for users in (shop, more)
    )
    own = after["user_id"] == "nothing"
    pd.testing.assert_frame_equal(after[~own].reset_index(drop=True), before)
    popular = np.argsort(-shop.matrix.sum(axis=0).A1, kind="stable")[:5]
    assert after[own]["item_id"].tolist() == shop.item_ids[popular].tolist()
    ids = shop.item_ids.tolist()
    model = export(systems, more, {}, Catalogue(ids, ids, {}), {}, n_judged=120)
    found = answer(model, Question(user_id="nothing", k=5), "1")
    assert not found.unknown_user
    assert [item.score for item in found.items] == after[own]["score"].tolist()


def test_completed_lists_are_served_as_the_evaluation_ranks_them(group_shop: GroupShop) -> None:
    shop, k = group_shop(1000, 0), 10
    sizes = NetworkConfig(noise_units=4, hidden_units=8, critic_units=8)
    generator = build_generator(sizes, np.full(48, 0.2), 60, np.zeros((48, 0)), 2, 1, seed=0)
    rng = np.random.default_rng(0)
    for weight in generator.trainable_weights:
        weight.assign(weight + rng.normal(scale=0.5, size=weight.shape))
    told = pd.DataFrame(rng.random((1000, 2)), columns=["a", "b"])
    told.insert(0, "user_id", shop.user_ids.astype(str))
    promotion = won("gan_completion", "ease")
    systems = best_systems(
        promotion, chosen(("warm", "ease", "gan_completion", '{"l2": 20.0}', 0.5, 1.0))
    )
    ids = shop.item_ids.tolist()
    rows = told.drop(columns="user_id").to_numpy(np.float32)
    model = export(
        systems, shop, {}, Catalogue(ids, ids, {}), {}, n_judged=1000,
        completers={"gan": completer_arrays(generator, 3, 5)}, completion_top=20,
        profiles=Profiles({}, {}, None, rows),
    )  # fmt: skip
    completer = make_completer(generator, told, 3, 5)
    given = completed(shop.matrix, strongest_of(completer, shop, 20), 0.5)
    fitted = RECOMMENDERS["ease"](seed=0).fit(shop.matrix)
    judged = rank_as_judged(fitted, fitted.Config(l2=20.0), given, shop.matrix, k)
    plain = rank_as_judged(fitted, fitted.Config(l2=20.0), shop.matrix, shop.matrix, k)
    table = top_items(
        systems["warm"][0], shop, {}, completer, k=k, n_judged=1000, completion_top=20
    )
    lists = dict(list(table.groupby("user_id")))
    for user, name in enumerate(shop.user_ids.astype(str)):
        found = answer(model, Question(user_id=name, k=k), "1")
        assert [ids.index(item.item_id) for item in found.items] == judged[user].tolist()
        assert [item.score for item in found.items] == lists[name]["score"].tolist()
    assert not np.array_equal(judged, plain)
