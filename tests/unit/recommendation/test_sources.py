"""Candidate sources: each lists what its recommender would, from as few fits as there can be."""

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.recommendation import sources
from doppelcart.recommendation.completion import popularity_completer
from doppelcart.recommendation.scoring import rank
from doppelcart.recommendation.sources import list_candidates, sources_of
from doppelcart.recommenders import RECOMMENDERS, EASEConfig

EASE = EASEConfig(l2=5.0).model_dump_json()


def chosen(*rows: tuple[str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["recommender", "arm", "level"])
    configs = {"ease": EASE, "popularity": "{}"}
    return table.assign(slice="cold_2", config=table["recommender"].map(configs), value=0.5)


@pytest.fixture
def train() -> Histories:
    rng = np.random.default_rng(0)
    rows = [rng.choice(10, 4, replace=False) for _ in range(30)]
    return Histories.from_lists(rows, np.arange(30).astype(str), np.arange(10).astype(str))


@pytest.fixture
def case(train: Histories) -> Case:
    few = train.select(np.arange(5))
    return Case("cold_2", few.first(2), few.rest(2))


def test_sources_are_what_is_used_of_what_is_asked_for():
    table = chosen(
        ("popularity", "none", 0),
        ("ease", "none", 0),
        ("ease", "copies", 1.0),
        ("ease", "gan_completion", 0.0),
        ("ease", "vae_completion", 0.3),
    )
    found = sources_of(table, ("copies", "gan_completion"))
    assert [one.name for one in found["cold_2"]] == ["popularity", "ease", "ease+copies"]


def test_a_source_lists_what_its_recommender_ranks(train, case):
    own = sources_of(chosen(("ease", "none", 0)), ())
    (listed,) = list_candidates(train, {}, {}, {"cold_2": case}, own, 6)["cold_2"].values()
    ease = RECOMMENDERS["ease"]().fit(train.matrix)
    seen = case.seen.matrix
    assert listed.items.tolist() == rank(ease, EASEConfig(l2=5.0), seen, seen, 6).tolist()
    scores = ease.score(seen, EASEConfig(l2=5.0))
    np.testing.assert_allclose(listed.scores, np.take_along_axis(scores, listed.items, axis=1))


def test_where_no_item_is_left_there_is_no_score(train, case):
    own = sources_of(chosen(("ease", "none", 0)), ())
    (listed,) = list_candidates(train, {}, {}, {"cold_2": case}, own, 12)["cold_2"].values()
    assert (listed.items[:, 8:] == -1).all()
    assert np.isnan(listed.scores[:, 8:]).all()
    assert np.isfinite(listed.scores[:, :8]).all()


def test_completed_and_augmented_sources_list_otherwise(train, case):
    table = chosen(
        ("ease", "none", 0), ("ease", "popularity_completion", 1.0), ("ease", "copies", 1.0)
    )
    own = sources_of(table, ("popularity_completion", "copies"))
    completers = {"popularity_completion": popularity_completer(train)}
    others = {"copies": train.select(np.arange(30)[::-1] // 3)}
    cases = {"cold_2": case}
    listed = list_candidates(train, others, completers, cases, own, 6)["cold_2"]
    plain = listed["ease"].scores
    assert not np.allclose(plain, listed["ease+popularity_completion"].scores)
    assert not np.allclose(plain, listed["ease+copies"].scores)


def test_a_fit_serves_all_that_is_scored_from_it(train, case, monkeypatch):
    fits = []
    known = sources.training_matrix

    def counted(arm: str, *rest: object) -> object:
        fits.append(arm)
        return known(arm, *rest)

    monkeypatch.setattr(sources, "training_matrix", counted)
    table = chosen(("ease", "none", 0), ("ease", "popularity_completion", 0.3))
    both = pd.concat([table, table.assign(slice="warm")])
    cases = {"cold_2": case, "warm": case}
    completers = {"popularity_completion": popularity_completer(train)}
    own = sources_of(both, ("popularity_completion",))
    assert list(list_candidates(train, {}, completers, cases, own, 3)) == ["cold_2", "warm"]
    assert fits == ["none"]


def test_slices_without_users_are_left_out(train, case):
    own = sources_of(chosen(("ease", "none", 0)), ())
    nobody = case.select(np.array([], int))
    assert list_candidates(train, {}, {}, {"cold_2": nobody}, own, 3) == {}
