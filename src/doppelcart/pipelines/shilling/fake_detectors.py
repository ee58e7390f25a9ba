"""Detectors of fake profiles: fitted on attacks that were made up, chosen on kinds left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np

from doppelcart.metrics.classification import average_precision
from doppelcart.pipelines.shilling.params import AttackParams
from doppelcart.pipelines.shilling.profile_attributes import attributes, eccentricity
from doppelcart.pipelines.shilling.rating_matrix import GENERATED, Ratings

LOGISTIC, FOREST, PCA = "logistic regression", "random forest", "PCA"
AS_GOOD: Final = 0.02
"""Average precision by which a detector may be behind and still counts as good as the best."""
LEAST_FAKES: Final = 5
"""Fake profiles below which nothing can be judged."""


class Profiles(NamedTuple):
    """Users as rows of a detector.

    Attributes:
        features: (n, n_attributes) attributes.
        eccentric: (n,) what PCASelectUsers says.
        fake: (n,) whether it is a fake profile.
        kind: (n,) kind of the attack in whose company the user was seen.
        lengths: (n,) items of each.
        user: (n,) place of a genuine user in the shop, the same with every kind; -1 for a fake.
    """

    features: np.ndarray
    eccentric: np.ndarray
    fake: np.ndarray
    kind: np.ndarray
    lengths: np.ndarray
    user: np.ndarray

    def where(self, rows: np.ndarray) -> Profiles:
        """Some of the rows."""
        return Profiles(*(values[rows] for values in self))


@dataclass(frozen=True)
class Detector:
    """A detector and how it is set.

    Args:
        family: One of ``LOGISTIC``, ``FOREST``, ``PCA``.
        strength: Inverse strength of the ridge; 0 where there is none.
        with_pca: Whether its rank of a user is averaged with that by PCA.
    """

    family: str
    strength: float = 0.0
    with_pca: bool = False

    def __str__(self) -> str:
        """In words."""
        name = f"{self.family}, C {self.strength:g}" if self.strength else self.family
        return f"{name}, with PCA" if self.with_pca else name


class Fitted(NamedTuple):
    """A detector that has learnt.

    Attributes:
        detector: Which.
        model: What was fitted; None for PCA, which learns nothing.
    """

    detector: Detector
    model: Any

    def suspicion(self, rows: Profiles) -> np.ndarray:
        """(n,) the higher, the more a profile looks like a fake."""
        if self.model is None:
            return rows.eccentric
        said: np.ndarray = self.model.predict_proba(rows.features)[:, 1]
        if self.detector.with_pca:
            return (_ranks(said) + _ranks(rows.eccentric)) / 2
        return said


def _ranks(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    ranks: np.ndarray = rankdata(values) / len(values)
    return ranks


def profiles_of(shop: Ratings, made: np.ndarray, kind: str) -> Profiles:
    """Genuine users and fake profiles, seen together.

    Args:
        shop: Genuine users.
        made: (n, n_items) fake profiles.
        kind: Of the attack.

    Returns:
        Genuine users first, in their order.
    """
    values = np.concatenate([shop.given, made])
    # No id is looked at by a detector, but whoever meets a fake shall know it.
    marked = [f"{GENERATED}{kind}-{number}" for number in range(len(made))]
    crowd = Ratings(np.array([*shop.users, *marked], str), shop.items, values, shop.scale)
    fake = np.arange(len(values)) >= shop.n_users
    return Profiles(
        attributes(crowd),
        eccentricity(crowd),
        fake,
        np.full(len(values), kind),
        (values > 0).sum(axis=1),
        np.where(fake, -1, np.arange(len(values))),
    )


def stacked(parts: Sequence[Profiles]) -> Profiles:
    """Rows of several, one after the other."""
    return Profiles(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def detectors(params: AttackParams) -> list[Detector]:
    """Every detector that is tried, those first that lean least on the kinds that they learnt from.

    Args:
        params: Grid.
    """
    taught = [Detector(FOREST), *(Detector(LOGISTIC, strength) for strength in params.penalties)]
    return [Detector(PCA), *(replace(detector, with_pca=True) for detector in taught), *taught]


def fit(detector: Detector, rows: Profiles, params: AttackParams) -> Fitted:
    """Teach a detector; fake and genuine count alike, however many there are of each.

    Args:
        detector: Which.
        rows: What to learn from, fakes among them.
        params: Trees and seed.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if detector.family == PCA:
        return Fitted(detector, None)
    if detector.family == FOREST:
        model: Any = RandomForestClassifier(
            params.trees, min_samples_leaf=2, class_weight="balanced", random_state=params.seed
        )
    else:
        ridge = LogisticRegression(C=detector.strength, class_weight="balanced", max_iter=500)
        model = make_pipeline(StandardScaler(), ridge)
    return Fitted(detector, model.fit(rows.features, rows.fake))


def parted(rows: Profiles, kind: str) -> tuple[Profiles, Profiles]:
    """What is learnt from and what judges, where a kind is left out.

    A genuine user is seen with every kind of attack. One half of them is learnt from with all, and
    the other half judges with the kind.

    Args:
        rows: Genuine users and attacks.
        kind: That judges.
    """
    first = rows.user % 2 == 0
    learnt = rows.where(np.where(rows.fake, rows.kind != kind, first))
    return learnt, rows.where((rows.kind == kind) & (rows.fake | ~first))


def chosen(rows: Profiles, params: AttackParams) -> Fitted:
    """The detector that finds kinds of attack best that it did not learn from.

    Each kind is left out in turn, and no genuine user is learnt from and judged. The mean average
    precision over kinds chooses. Crude attacks are found by nearly all detectors; of those that are
    as good as the best, the one is taken that leans least on what it learnt, since what is looked
    for is of no kind that it learnt.

    Args:
        rows: Genuine users and attacks of two kinds or more.
        params: Grid.

    Returns:
        The detector, fitted on all rows.
    """
    kinds = np.unique(rows.kind[rows.fake])
    tried = detectors(params)
    scores = np.zeros((len(kinds), len(tried)))
    for place, kind in enumerate(kinds):
        learnt, judged = parted(rows, kind)
        models: dict[tuple[str, float], Any] = {}
        for number, detector in enumerate(tried):
            key = detector.family, detector.strength
            # With and without PCA it is the same fit.
            models[key] = models.get(key) or fit(detector, learnt, params).model
            said = Fitted(detector, models[key]).suspicion(judged)
            scores[place, number] = average_precision(judged.fake, said)
    means = scores.mean(axis=0)
    return fit(tried[int(np.argmax(means >= means.max() - AS_GOOD))], rows, params)


def f1_at_k(fake: np.ndarray, said: np.ndarray) -> float:
    """Share of fakes among as many top suspects as there are fakes: precision, recall and F1 alike.

    Args:
        fake: (n,) whether it is one.
        said: (n,) suspicion.

    Examples:
        >>> f1_at_k(np.array([True, True, False]), np.array([0.9, 0.1, 0.5]))
        0.5
    """
    number = int(fake.sum())
    top = np.argsort(-said, kind="stable")[:number]
    return float(fake[top].mean()) if number else float("nan")
