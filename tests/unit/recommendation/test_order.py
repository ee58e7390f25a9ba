"""A recommender of sequences is given the order everywhere, and nothing that has none."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.metrics.ranking import NO_ITEM
from doppelcart.recommendation import examples, exporting, rankings
from doppelcart.recommendation.arms import ARMS, NONE, Kind, applies
from doppelcart.recommendation.completion import popularity_completer
from doppelcart.recommendation.design import largest_family
from doppelcart.recommendation.evaluating import evaluate
from doppelcart.recommendation.grid import expand
from doppelcart.recommendation.grid_search import TuningSettings, choose, tune_by_user
from doppelcart.recommendation.listing import System, top_items
from doppelcart.recommendation.scoring import rank
from doppelcart.recommendation.sources import list_candidates, sources_of
from doppelcart.recommendation.training_sets import training_matrix
from doppelcart.recommenders import RECOMMENDERS, GSASRec, Recommender
from doppelcart.recommenders.base import Matrix, RecommenderConfig, to_dense
from doppelcart.recommenders.sequences import sequences_of

N_ITEMS = 12
ARMS_TRIED = ["copies", "popularity_completion", "gan_only"]


class NextConfig(RecommenderConfig):
    """Nothing to choose."""


class NextOne(Recommender):
    """What most often followed the last item; an order that is not there is refused."""

    name: ClassVar[str] = "next"
    label: ClassVar[str] = "Next"
    needs_order: ClassVar[bool] = True
    Config: ClassVar[type[RecommenderConfig]] = NextConfig

    def _fit(self, train: sparse.csr_matrix) -> None:
        rows = sequences_of(train)
        self.follows = np.zeros((self.n_items, self.n_items))
        for user in range(len(rows.lengths)):
            own = rows.items[rows.indptr[user] : rows.indptr[user + 1]]
            np.add.at(self.follows, (own[:-1], own[1:]), 1)

    def _score(self, seen: Matrix, config: RecommenderConfig) -> np.ndarray:
        rows = sequences_of(seen)
        last = np.append(rows.items, 0)[rows.indptr[1:] - 1]
        return self.follows[last] - to_dense(seen > 0)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECOMMENDERS, "next", NextOne)


@pytest.fixture(scope="module")
def shop() -> Histories:
    """Everybody goes round the catalogue downwards from somewhere: 5, 4, 3, 2."""
    rows = [(user - np.arange(4)) % N_ITEMS for user in range(36)]
    return Histories.from_lists(rows, np.arange(36).astype(str), np.arange(N_ITEMS).astype(str))


@pytest.fixture(scope="module")
def case(shop: Histories) -> Case:
    return Case("cold_2", shop.first(2), shop.between(2, 3))


def tuned(shop: Histories, case: Case, *names: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    settings = TuningSettings(
        configs={name: expand(name, {}) for name in names},
        arms=ARMS_TRIED,
        ratios=[1.0],
        strengths=[0.5],
        k=1,
        first_users=10,
    )
    completers = {"popularity_completion": popularity_completer(shop)}
    synthetic = {"copies": shop, "gan": shop}
    return tune_by_user(shop, synthetic, completers, {"cold_2": case}, settings)


def test_it_is_tuned_in_order_and_beside_no_synthetic_data(shop: Histories, case: Case) -> None:
    tables, users = tuned(shop, case, "ease", "next")
    rows = tables[tables["recommender"] == "next"]
    assert rows["arm"].tolist() == ["none"]
    # Only who sees the order knows which way it goes.
    assert rows["value"].tolist() == [1.0]
    assert set(users[users["recommender"] == "next"]["arm"]) == {"none"}
    chosen = choose(tables)
    assert chosen[chosen["recommender"] == "next"]["arm"].tolist() == ["none"]
    assert set(chosen[chosen["recommender"] == "ease"]["arm"]) == {"none", *ARMS_TRIED}


def test_it_changes_nothing_for_the_others(shop: Histories, case: Case) -> None:
    with_it, without = tuned(shop, case, "ease", "next", "ials"), tuned(shop, case, "ease", "ials")
    for one, other in zip(with_it, without, strict=True):
        rest = one[one["recommender"] != "next"].reset_index(drop=True)
        pd.testing.assert_frame_equal(rest, other)


def test_it_is_evaluated_listed_and_ranked_by_halves_in_order(shop: Histories, case: Case) -> None:
    chosen = choose(tuned(shop, case, "next")[0])
    users, _ = evaluate(shop, {}, {}, {"cold_2": case}, chosen, np.eye(N_ITEMS), cutoffs=[1])
    assert users["hit_rate@1"].tolist() == [1.0] * 36
    own = sources_of(chosen, ARMS_TRIED)
    listed = list_candidates(shop, {}, {}, {"cold_2": case}, own, 1)["cold_2"]["next"]
    assert listed.items.ravel().tolist() == case.relevant.items.tolist()
    configs = {"cold_2": {"next": [NextConfig()]}}
    halves = rankings.halves_of(shop, "hit_rate", 1, 1, {"cold_2": case}, configs)["cold_2"]
    # Of every other user, every other item is followed by what comes next in the other half too.
    assert [half.mean() for half in halves] == [1.0, 1.0]


def test_it_lists_for_everybody_in_order(shop: Histories, case: Case) -> None:
    system = System(
        recommender="next", arm="none", level=0.0, config="{}", group="warm", promoted=False
    )
    first = top_items(system, shop, {}, None, k=1, n_judged=36).set_index("user_id")["item_id"]
    assert first["5"] == "1"
    row = {"recommender": "next", "arm": "none", "level": 0.0}
    [shown] = examples.list_items([case], row, {"none": "{}"}, shop, {}, None, None, k=1, top=None)
    assert shown.before.ravel().tolist() == case.relevant.items.tolist()
    assert (shown.expected == NO_ITEM).all()


def test_popularity_counts_users_and_not_places() -> None:
    """Who is unknown is ranked for by it; the places of item 0 add up to as many as those of 1."""
    first = Histories.from_lists(
        [np.array(row) for row in ([1, 0], [2, 0], [1, 2, 3], [1], [1])],
        np.arange(5).astype(str),
        np.arange(N_ITEMS).astype(str),
    )
    assert NextOne().fit(first.places).popularity[:4].tolist() == [2, 4, 2, 1]
    nothing = sparse.csr_matrix((1, N_ITEMS), dtype=np.float32)
    recommender = NextOne().fit(first.places)
    assert rank(recommender, NextConfig(), nothing, nothing, 2).tolist() == [[1, 0]]


def test_synthetic_users_are_refused(shop: Histories) -> None:
    assert (training_matrix("copies", 0.0, shop, {}, NextOne) != shop.places).nnz == 0
    with pytest.raises(InputError, match=r"next needs the order .* under arm 'copies'"):
        training_matrix("copies", 1.0, shop, {"copies": shop}, NextOne)


@pytest.mark.parametrize("kind", list(Kind))
def test_which_arms_apply(kind: Kind) -> None:
    assert applies(kind, RECOMMENDERS["ease"])
    assert applies(kind, RECOMMENDERS["popularity"]) == (kind is not Kind.COMPLETION)
    assert applies(kind, GSASRec) == (kind is Kind.NONE)


def test_no_comparison_is_counted_for_it() -> None:
    arms = [arm for arm in ARMS if arm != NONE]
    assert largest_family(["ease", "gsasrec"], arms) == largest_family(["ease"], arms) > 0


def test_it_is_left_out_of_what_is_served_and_that_is_said() -> None:
    row: Callable[..., dict[str, Any]] = lambda name, value: {  # noqa: E731
        "slice": "warm", "recommender": name, "arm": "none", "config": "{}", "level": 0.0,
        "value": value,
    }  # fmt: skip
    table = pd.DataFrame([row("ease", 0.1), row("gsasrec", 0.2)])
    system, note = exporting.best_systems({"promoted": [], "admitted": []}, table, 100, 1e9)["warm"]
    assert system.recommender == "ease"
    assert note.startswith("gSASRec would be preferred, but it does not come to plain arrays")
    alone = table[table["recommender"] == "gsasrec"]
    assert exporting.best_systems({"promoted": [], "admitted": []}, alone, 100, 1e9) == {}
