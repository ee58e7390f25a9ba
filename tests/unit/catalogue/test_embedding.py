"""Vectors of items: new and changed ones are embedded without training, others keep theirs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from doppelcart.catalogue.embedding import (
    CONTENT,
    TOGETHER,
    ItemEmbedder,
    fit_embedder,
    fit_projection,
    prints_of,
)
from doppelcart.catalogue.item_features import Weighting, encode
from doppelcart.catalogue.seen_pictures import SeenPictures
from doppelcart.errors import InputError

ATTRIBUTES, TEXTS, NGRAMS = ("type", "brand"), ("title",), (3, 3)
N = 24
WORDS = ("red soup", "green tea", "чёрный хлеб", "抹茶 クッキー")


def catalogue() -> pd.DataFrame:
    """Items of four kinds, each with a title of its own script, each of one of three brands."""
    number = np.arange(N)
    return pd.DataFrame(
        {
            "item_id": [f"i{n:02d}" for n in number],
            "type": [f"t{n % 4}" for n in number],
            "brand": [f"b{n % 3}" for n in number],
            "title": [WORDS[n % 4] for n in number],
        }
    )


def bought(n_users: int = 40) -> sparse.csr_matrix:
    """Half of the users buy items of the first two kinds, the others of the last two."""
    rng = np.random.default_rng(0)
    own = (np.arange(N) % 4 < 2)[None, :] == (np.arange(n_users) % 2 == 0)[:, None]
    return sparse.csr_matrix((own & (rng.random((n_users, N)) < 0.6)).astype(np.float32))


def fitted(items: pd.DataFrame | None = None, together: int = 2) -> ItemEmbedder:
    items = catalogue() if items is None else items
    features = encode(items, ATTRIBUTES, TEXTS, NGRAMS)
    rows = np.arange(features.n_items)
    weighting = Weighting.learn(features, rows, {})
    history = bought()[:, : len(rows)]
    projection = fit_projection(features, rows, history, weighting, 3, together, 1.0)
    return fit_embedder(features, projection, items, TEXTS, NGRAMS)


EMBEDDER = fitted()


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_a_vector_is_its_features_on_what_was_learnt_by_hand():
    items = catalogue()
    features = encode(items, ATTRIBUTES, TEXTS, NGRAMS)
    rows = np.arange(N)
    weighting = Weighting.learn(features, rows, {})
    known = weighting.rows(features, rows).toarray().astype(np.float64)
    found = EMBEDDER.embed(items)
    _, sizes, right = np.linalg.svd(known)
    content = found.vectors[:, found.parts == CONTENT]
    scale = np.sqrt(np.mean(np.sum((known @ right[:3].T) ** 2, axis=1)))
    assert np.linalg.norm(content, axis=0) == pytest.approx(sizes[:3] / scale, rel=1e-4)
    assert np.abs(content[:, 0]) == pytest.approx(np.abs(known @ right[0]) / scale, abs=1e-5)
    history = bought().toarray().astype(np.float64)
    scaled = history / np.sqrt(np.maximum(history.sum(axis=0), 1))
    _, sizes, right = np.linalg.svd(scaled)
    slopes = np.linalg.solve(known.T @ known + np.eye(known.shape[1]), known.T @ right[:2].T)
    expected = np.abs(known @ slopes * sizes[:2])
    expected /= np.sqrt(np.mean(np.sum(expected**2, axis=1)))
    together = found.vectors[:, found.parts == TOGETHER]
    assert np.abs(together) == pytest.approx(expected, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    changed=st.sets(st.integers(0, N - 1), max_size=5),
    gone=st.sets(st.integers(0, N - 1), max_size=5),
    n_new=st.integers(0, 4),
    seed=st.integers(0, 100),
)
def test_what_did_not_change_keeps_its_vector_to_the_bit(changed, gone, n_new, seed):
    items = catalogue()
    before = EMBEDDER.embed(items)
    later = items.copy()
    later.loc[list(changed), "title"] = "quite another thing"
    new = pd.DataFrame({"item_id": [f"z{n}" for n in range(n_new)], "type": "t1", "brand": "b9"})
    later = pd.concat([later.drop(index=list(gone)), new]).sample(frac=1, random_state=seed)
    after = EMBEDDER.embed(later)
    kept = sorted(set(range(N)) - changed - gone)
    names = items["item_id"].iloc[kept]
    for found in (before, after):
        assert set(names) <= set(found.item_ids)
    was = before.vectors[np.isin(before.item_ids, names)]
    is_now = after.vectors[np.isin(after.item_ids, names)]
    assert was.tobytes() == is_now.tobytes()
    states = EMBEDDER.states(later).set_index("item_id")["state"]
    assert set(states.index[states == "unchanged"]) == set(names)
    assert (states == "new").sum() == n_new
    assert (states == "gone").sum() == len(gone)
    assert (states == "changed").sum() == len(changed - gone)


def test_a_new_item_stands_where_its_kind_is_bought():
    new = pd.DataFrame({"item_id": ["n"], "type": ["t0"], "brand": ["b0"], "title": ["Red SOUP"]})
    own, found = EMBEDDER.embed(catalogue()), EMBEDDER.embed(new)
    together = own.parts == TOGETHER
    likeness = [cosine(found.vectors[0, together], row[together]) for row in own.vectors]
    beside = np.arange(N) % 4 < 2
    assert np.min(np.array(likeness)[beside]) > np.max(np.array(likeness)[~beside])


def test_an_item_that_says_nothing_lies_at_zero_and_lacks_everything():
    found = EMBEDDER.embed(pd.concat([catalogue(), pd.DataFrame({"item_id": ["z"]})]))
    assert not found.vectors[-1].any()
    assert found.lacks[-1].all()
    assert not found.lacks[:-1].any()


def test_two_items_of_the_same_features_have_the_same_vector():
    found = EMBEDDER.embed(catalogue()).vectors
    assert found[0].tobytes() == found[12].tobytes()
    assert found[0].tobytes() != found[1].tobytes()


def test_of_rows_of_one_item_the_fullest_counts_whatever_their_order():
    twice = pd.concat([catalogue(), pd.DataFrame({"item_id": ["i00"], "type": ["t3"]})])
    assert EMBEDDER.embed(twice).vectors.tobytes() == EMBEDDER.embed(catalogue()).vectors.tobytes()


def test_what_an_item_says_in_other_capitals_is_no_change():
    items = catalogue()
    items["title"] = items["title"].str.upper()
    assert (EMBEDDER.states(items)["state"] == "unchanged").all()
    columns = [*ATTRIBUTES, *TEXTS]
    assert prints_of(items, columns).equals(prints_of(catalogue(), columns))


def test_a_catalogue_of_twenty_items_is_enough():
    found = fitted(catalogue().iloc[:20]).embed(catalogue())
    assert found.vectors.shape == (N, 5)
    assert np.isfinite(found.vectors).all()


def test_a_picture_moves_the_vector_of_its_item_alone():
    items = catalogue()
    names = items["item_id"].to_numpy(dtype=str)
    rows = np.eye(3, dtype=np.float32)[np.arange(N) % 3]
    columns = np.array(["colour 0", "colour 1", "colour 2"])
    seen = SeenPictures(names, rows, columns)
    features = encode(items, ATTRIBUTES, TEXTS, NGRAMS, pictures=seen)
    weighting = Weighting.learn(features, np.arange(N), {})
    projection = fit_projection(features, np.arange(N), bought(), weighting, 3, 2, 1.0)
    embedder = fit_embedder(features, projection, items, TEXTS, NGRAMS, seen)
    before = embedder.embed(items, seen)
    later = SeenPictures(names[1:], np.vstack([rows[2:3], rows[2:]]), columns)
    after = embedder.embed(items, later)
    same = [row.tobytes() for row in before.vectors[2:]] == [
        row.tobytes() for row in after.vectors[2:]
    ]
    assert same
    assert all((before.vectors[n] != after.vectors[n]).any() for n in (0, 1))
    assert after.lacks[:, -1].tolist() == [True] + [False] * (N - 1)
    states = embedder.states(items, later)["state"]
    assert states.tolist() == ["changed"] * 2 + ["unchanged"] * (N - 2)


def test_what_is_bought_together_may_be_left_out():
    found = fitted(together=0).embed(catalogue())
    assert set(found.parts) == {CONTENT}


def test_the_same_data_have_the_same_vectors():
    one, other = (fitted().embed(catalogue()).vectors for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_too_few_items_are_refused_in_words():
    with pytest.raises(InputError, match=r"items\.embedding\.min_buyers"):
        fitted(catalogue().iloc[:1])
