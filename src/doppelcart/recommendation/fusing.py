"""Fusion of several sources' candidates into one ranking per user.

Every method here is a weighted sum of *votes*. A source votes for an item that it lists by its
place, ``1 / (60 + place)`` (Cormack, Clarke and Buettcher 2009, "Reciprocal rank fusion outperforms
Condorcet and individual rank learning methods"), or by its score, brought to 0 ... 1 over what it
lists for the user (Fox and Shaw 1994, "Combination of multiple searches"). What it does not list it
gives no vote. The methods differ in the weights: all alike, found by coordinate ascent, or learned
by logistic regression. So whatever is fused is served by a scatter-add.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from doppelcart.errors import InputError
from doppelcart.metrics.ranking import NO_ITEM, top_k

RRF_CONSTANT: Final = 60.0
"""Of Cormack, Clarke and Buettcher: the larger, the less the first places count."""

PLACE: Final = "place"
SCORE: Final = "score"


class Ranked(NamedTuple):
    """The head of one source's ranking.

    Attributes:
        items: (n_users, depth) catalogue positions, best first, -1 where a list is shorter.
        scores: (n_users, depth) what the source gives them; NaN where there is no item.
    """

    items: np.ndarray
    scores: np.ndarray


class Candidates(NamedTuple):
    """What several sources list for the same users, joined.

    Attributes:
        items: (n_users, width) catalogue positions, ascending, -1 beyond a user's last.
        votes: (n_votes, n_users, width) float32, 0 where a source does not list the item.
        names: (source, kind) of each vote; kind is ``place`` or ``score``.
    """

    items: np.ndarray
    votes: np.ndarray
    names: tuple[tuple[str, str], ...]

    def select(self, users: np.ndarray | slice) -> Candidates:
        """The same for the given rows only, in the given order."""
        return Candidates(self.items[users], self.votes[:, users], self.names)


def join(sources: Mapping[str, Ranked]) -> Candidates:
    """Bring the lists of all sources together.

    Args:
        sources: Lists by name, all of the same users.

    Raises:
        InputError: If there is no source, they differ in users, or a score of a listed item is not
            a number.
    """
    _check(sources)
    n_users = len(next(iter(sources.values())).items)
    size = 1 + max((int(ranked.items.max(initial=0)) for ranked in sources.values()), default=0)
    rows = np.arange(n_users, dtype=np.int64)[:, None] * size
    keys = {name: ranked.items + rows for name, ranked in sources.items()}
    listed = {name: ranked.items != NO_ITEM for name, ranked in sources.items()}
    every = np.unique(np.concatenate([keys[name][listed[name]] for name in sources]))
    users, items = np.divmod(every, size)
    starts = np.searchsorted(users, np.arange(n_users + 1))
    columns = np.arange(len(every)) - starts[users]
    width = max(int(np.diff(starts).max(initial=0)), 1)
    joined = np.full((n_users, width), NO_ITEM, dtype=np.int32)
    joined[users, columns] = items
    votes = np.zeros((2 * len(sources), n_users, width), dtype=np.float32)
    for number, (name, ranked) in enumerate(sources.items()):
        found = np.searchsorted(every, keys[name][listed[name]])
        cells = users[found], columns[found]
        votes[(2 * number, *cells)] = _by_place(ranked)[listed[name]]
        votes[(2 * number + 1, *cells)] = _by_score(ranked)[listed[name]]
    names = tuple((name, kind) for name in sources for kind in (PLACE, SCORE))
    return Candidates(joined, votes, names)


def _check(sources: Mapping[str, Ranked]) -> None:
    if not sources:
        raise InputError("There is no source to fuse. Tune at least one recommender.")
    if len({len(ranked.items) for ranked in sources.values()}) > 1:
        sizes = ", ".join(f"{name} {len(ranked.items)}" for name, ranked in sources.items())
        raise InputError(f"Sources list for different numbers of users: {sizes}. List them anew.")
    wrong = {
        name: int((~np.isfinite(ranked.scores) & (ranked.items != NO_ITEM)).any(axis=1).sum())
        for name, ranked in sources.items()
    }
    if bad := {name: users for name, users in wrong.items() if users}:
        told = ", ".join(f"{name} for {users}" for name, users in bad.items())
        raise InputError(
            f"{len(bad)} of {len(sources)} sources score listed items with what is no number "
            f"({told} users). Leave them out, or train what they rest on again."
        )


def _by_place(ranked: Ranked) -> np.ndarray:
    """(n_users, depth) votes, the same for everybody."""
    places = np.arange(1, ranked.items.shape[1] + 1)
    return np.broadcast_to(1 / (RRF_CONSTANT + places), ranked.items.shape)


def _by_score(ranked: Ranked) -> np.ndarray:
    """(n_users, depth) scores from 0, the last of a list, to 1, the first; all 0 if equal."""
    is_listed = ranked.items != NO_ITEM
    high = np.where(is_listed, ranked.scores, -np.inf).max(axis=1, initial=-np.inf, keepdims=True)
    low = np.where(is_listed, ranked.scores, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    spread = np.where(high > low, high - low, np.inf)
    return np.where(is_listed, (ranked.scores - np.where(np.isfinite(low), low, 0)) / spread, 0.0)


def fuse(candidates: Candidates, weights: Mapping[tuple[str, str], float]) -> np.ndarray:
    """The weighted sum of the votes.

    Args:
        candidates: What the sources list.
        weights: By (source, kind); what is not named has none.

    Returns:
        (n_users, width) float32; minus infinity where there is no candidate.

    Raises:
        InputError: If a weight is of a source that lists nothing here.
    """
    if unknown := [name for name in weights if name not in candidates.names]:
        raise InputError(
            f"{len(unknown)} weights are of sources that list nothing here: "
            f"{', '.join('/'.join(name) for name in unknown)}. List their candidates first."
        )
    row = np.array([weights.get(name, 0.0) for name in candidates.names], dtype=np.float32)
    return _fused(candidates, row)


def _fused(candidates: Candidates, row: np.ndarray) -> np.ndarray:
    """As ``fuse``, of one weight per vote."""
    used = np.flatnonzero(row)
    scores = np.tensordot(row[used], candidates.votes[used], axes=1)
    return np.where(candidates.items == NO_ITEM, np.float32(-np.inf), scores)


def order(candidates: Candidates, scores: np.ndarray, k: int) -> np.ndarray:
    """The best candidates of each user; ties go to the lower catalogue position.

    Args:
        candidates: What the sources list.
        scores: (n_users, width), minus infinity for what must not be listed.
        k: Length of the lists.

    Returns:
        (n_users, k) catalogue positions, best first, -1 where a list is shorter.
    """
    places = top_k(scores, None, k)
    items = np.take_along_axis(candidates.items, np.maximum(places, 0), axis=1)
    return np.where(places == NO_ITEM, NO_ITEM, items).astype(np.int64)


def diversify(
    candidates: Candidates, scores: np.ndarray, features: np.ndarray, balance: float, k: int
) -> np.ndarray:
    """Maximal marginal relevance: item by item, the best that is least like what stands above it.

    Source: Carbonell and Goldstein (1998), "The use of MMR, diversity-based reranking for
    reordering documents and producing summaries":
    ``balance * score - (1 - balance) * similarity``, the similarity being the largest cosine with
    an item that is listed already. Scores are brought to 0 ... 1 per user.

    Args:
        candidates: What the sources list.
        scores: (n_users, width), minus infinity for what must not be listed.
        features: (n_items, n_features); an item of zeros is like no other.
        balance: From 0, diversity alone, to 1, the scores alone.
        k: Length of the lists.

    Returns:
        (n_users, k) catalogue positions, best first, -1 where a list is shorter.
    """
    users = np.arange(len(scores))
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    units = (features / np.where(norms > 0, norms, 1)).astype(np.float32)
    own = units[np.maximum(candidates.items, 0)]
    worth = np.where(np.isfinite(scores), balance * _from_0_to_1(scores), -np.inf)
    nearest = np.zeros(scores.shape, dtype=np.float32)
    ranked = np.full((len(scores), k), NO_ITEM, dtype=np.int64)
    for place in range(min(k, scores.shape[1])):
        best = np.argmax(worth - (1 - balance) * nearest, axis=1)
        is_open = np.isfinite(worth[users, best])
        ranked[is_open, place] = candidates.items[users, best][is_open]
        similar = np.einsum("uwf,uf->uw", own, own[users, best])
        nearest = similar if place == 0 else np.maximum(nearest, similar)
        worth[users, best] = -np.inf
    return ranked


def _from_0_to_1(scores: np.ndarray) -> np.ndarray:
    """Finite scores of each user from 0 to 1; 0 in place of the others."""
    is_open = np.isfinite(scores)
    low = np.where(is_open, scores, np.inf).min(axis=1, keepdims=True)
    spread = np.where(is_open, scores - np.where(np.isfinite(low), low, 0), 0.0)
    high = spread.max(axis=1, keepdims=True)
    return np.asarray(spread / np.where(high > 0, high, 1))
