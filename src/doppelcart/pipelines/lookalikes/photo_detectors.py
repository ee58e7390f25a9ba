"""Detectors: is this photograph the product that it is sold as? The higher, the more it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from doppelcart.pipelines.lookalikes.product_views import Views

COLOUR, NETWORK, BOTH = "colours", "network", "both"
SIGHTS: Final = (COLOUR, NETWORK, BOTH)
NEAREST, LINEAR = "nearest photograph", "linear"
MEMORY, AGAINST, JOINT = "patch memory", "patches against others", "linear and patches"
FAMILIES: Final = {
    NEAREST: "the nearest genuine photograph",
    LINEAR: "a linear discriminant against other categories, with a ridge",
    MEMORY: "a memory of the product's patches (as PatchCore)",
    AGAINST: "patches that are nearer to the product than to other categories",
    JOINT: "that and the linear discriminant on both, standardised and added",
}


class Choice(NamedTuple):
    """A detector of the grid.

    Attributes:
        family: Of ``FAMILIES``.
        sight: Of ``SIGHTS``, where the family looks at whole pictures; else empty.
        strength: Inverse strength of the penalty; 0 where there is none.
        share: Weight of what is added among its own kind.
    """

    family: str
    sight: str
    strength: float
    share: float

    @property
    def said(self) -> str:
        """In words, without the share."""
        on = f" on {self.sight}" if self.sight else ""
        return f"{self.family}{on}"


class Lesson(NamedTuple):
    """What a detector of one product learns from, as rows of the views.

    Attributes:
        genuine: (n,) photographs of the product.
        others: (n,) photographs of other categories.
        like: (n,) pictures added to the genuine ones.
        unlike: (n,) pictures added to the others.
    """

    genuine: np.ndarray
    others: np.ndarray
    like: np.ndarray
    unlike: np.ndarray


def of_sight(views: Views, sight: str) -> np.ndarray:
    """(n, k) coordinates of whole pictures."""
    return {COLOUR: views.colour, NETWORK: views.network}.get(sight, views.both)


def nearest(values: np.ndarray, genuine: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """(n_asked,) minus the squared distance of the nearest genuine photograph.

    Args:
        values: (n, k) coordinates.
        genuine: Rows.
        asked: Rows.
    """
    return -_squared(values[asked], values[genuine]).min(axis=1)


def linear(
    values: np.ndarray, lesson: Lesson, strength: float, share: float, asked: np.ndarray
) -> np.ndarray:
    """(n_asked,) what a linear discriminant says, fitted by least squares with a ridge.

    Both sides weigh the same. A logistic regression told products no better, and takes twenty times
    as long.

    Args:
        values: (n, k) coordinates.
        lesson: Rows to learn from.
        strength: Inverse strength of its penalty.
        share: Weight of what is added among its own side.
        asked: Rows.
    """
    rows, weights, signs = [], [], []
    total = len(lesson.genuine) + len(lesson.others)
    sides = ((lesson.genuine, lesson.like, 1.0), (lesson.others, lesson.unlike, -1.0))
    for own, added, sign in sides:
        part = share if len(added) else 0.0
        for these, counts in ((own, 1 - part), (added, part)):
            rows.append(these)
            weights.append(np.full(len(these), counts * total / 2 / max(len(these), 1)))
            signs.append(np.full(len(these), sign))
    shown = with_constant(values[np.concatenate(rows)])
    weight, sign_of = np.concatenate(weights), np.concatenate(signs)
    weighted = shown * weight[:, None].astype(np.float32)
    squares = (weighted.T @ shown).astype(np.float64)
    # The constant is not shrunk.
    squares[np.arange(len(squares) - 1), np.arange(len(squares) - 1)] += 1 / strength
    found = np.linalg.solve(squares, weighted.T @ sign_of)
    said: np.ndarray = with_constant(values[asked]) @ found
    return said


def with_constant(values: np.ndarray) -> np.ndarray:
    """(n, k + 1) coordinates, and a 1."""
    return np.hstack([values, np.ones((len(values), 1), np.float32)])


def coreset(patches: np.ndarray, n: int) -> np.ndarray:
    """The patches that cover the others best, each the farthest from those before it.

    Roth and others 2022, Towards Total Recall in Industrial Anomaly Detection (CVPR), section 3.2.

    Args:
        patches: (m, d).
        n: How many to keep at most.

    Returns:
        (min(n, m), d).
    """
    if len(patches) <= n:
        return patches
    kept = np.empty(n, np.int64)
    lengths = np.square(patches).sum(axis=1)
    kept[0] = int(np.argmax(lengths))
    distance = np.full(len(patches), np.inf, np.float32)
    for place in range(1, n):
        last = patches[kept[place - 1]]
        distance = np.minimum(distance, lengths - 2 * patches @ last + last @ last)
        kept[place] = int(np.argmax(distance))
    return patches[kept]


def distances(asked: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """(n, p) distance of every patch of some pictures to the nearest that is remembered.

    Args:
        asked: (n, p, d) patches.
        memory: (m, d) patches; none is infinitely far.
    """
    n, p, d = asked.shape
    if not len(memory):
        return np.full((n, p), np.inf, np.float32)
    rows = max(1, 50_000_000 // (p * len(memory)))
    found = [
        np.sqrt(_squared(asked[at : at + rows].reshape(-1, d), memory).min(axis=1))
        for at in range(0, n, rows)
    ]
    return np.concatenate(found).reshape(n, p)


def against(near: np.ndarray, away: np.ndarray) -> np.ndarray:
    """(n,) mean of how much nearer patches are to the product, where they are.

    Patches that are nearer to others, such as of a shelf, say nothing of the product. After Boiman,
    Shechtman and Irani 2008 (CVPR), who compare distances of patches between classes.

    Args:
        near: (n, p) distances to the product's patches.
        away: (n, p) distances to patches of others.
    """
    return np.maximum(away - near, 0).mean(axis=1)


def standardised(said: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Scores in deviations of what is said of photographs of other categories.

    Args:
        said: (n,) scores.
        reference: (m,) scores of the same detector.
    """
    spread = float(reference.std())
    return (said - reference.mean()) / (spread if spread > 0 else 1.0)


def _squared(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n, m) squared distances."""
    left = np.square(some).sum(axis=1)[:, None]
    return np.maximum(left + np.square(others).sum(axis=1)[None] - 2 * some @ others.T, 0)


class PatchDistances(NamedTuple):
    """Distances of the patches of the pictures that a product is asked about.

    Attributes:
        near: (n, p) to the product's own.
        away: (n, p) to those of other categories.
    """

    near: np.ndarray
    away: np.ndarray


def with_added(
    before: PatchDistances, asked: np.ndarray, like: np.ndarray, unlike: np.ndarray
) -> PatchDistances:
    """Distances where more is remembered.

    Args:
        before: Of the photographs alone.
        asked: (n, p, d) patches.
        like: (m, d) patches added to the product's.
        unlike: (m, d) patches added to the others'.
    """
    return PatchDistances(
        np.minimum(before.near, distances(asked, like)) if len(like) else before.near,
        np.minimum(before.away, distances(asked, unlike)) if len(unlike) else before.away,
    )


def grid(penalties: tuple[float, ...], share: float) -> list[Choice]:
    """Detectors to choose from.

    Args:
        penalties: Inverse strengths of the ridge.
        share: Weight of what is added; those that learn from nothing but genuine photographs are
            in the grid at 0 only.
    """
    plain = [Choice(NEAREST, sight, 0.0, 0.0) for sight in SIGHTS] + [Choice(MEMORY, "", 0.0, 0.0)]
    learning = [Choice(LINEAR, sight, c, share) for sight in SIGHTS for c in penalties]
    learning += [Choice(AGAINST, "", 0.0, share)]
    learning += [Choice(JOINT, "", c, share) for c in penalties]
    return learning if share else plain + learning


def all_said(
    views: Views,
    lesson: Lesson,
    patches: PatchDistances,
    choices: list[Choice],
    asked: np.ndarray,
    reference: np.ndarray,
) -> Mapping[Choice, np.ndarray]:
    """What detectors of the grid say.

    Args:
        views: Of all pictures.
        lesson: Rows to learn from.
        patches: Distances of the asked pictures' patches.
        choices: Detectors; all of one share.
        asked: Rows to be scored.
        reference: Places among ``asked`` of photographs of other categories.

    Returns:
        Per detector (n_asked,) scores, in deviations of the reference's.
    """
    said: dict[Any, np.ndarray] = {}

    def once(key: tuple[Any, ...]) -> np.ndarray:
        if key not in said:
            own = raw(*key)
            said[key] = standardised(own, own[reference])
        return said[key]

    def raw(family: str, sight: str, strength: float, share: float) -> np.ndarray:
        if family == NEAREST:
            return nearest(of_sight(views, sight), lesson.genuine, asked)
        if family == LINEAR:
            return linear(of_sight(views, sight), lesson, strength, share, asked)
        if family == MEMORY:
            return -patches.near.mean(axis=1)
        return against(patches.near, patches.away)

    found = {}
    for choice in choices:
        if choice.family == JOINT:
            found[choice] = once((LINEAR, BOTH, choice.strength, choice.share)) + once(
                (AGAINST, "", 0.0, choice.share)
            )
        else:
            found[choice] = once(tuple(choice))
    return found
