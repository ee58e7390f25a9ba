"""The experiment: photographs to learn from, what is added to them, and what is told then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.experiment.design import Arm, Baseline, Design, Role, Words
from doppelcart.imaging.colour import colour_histograms
from doppelcart.imaging.photographs import ID, PRODUCT, SPLIT, TEST, VALIDATION
from doppelcart.pipelines.pictures import picture_drawing as drawing
from doppelcart.pipelines.pictures.params import PictureTrialParams
from doppelcart.pipelines.pictures.picture_changes import (
    Added,
    Rows,
    changed,
    copied,
    joined,
    mixed,
)
from doppelcart.pipelines.pictures.scratch_learner import NAME, told_from_scratch
from doppelcart.progress import tracked

REAL, CHANGES, MIXUP, COPIES = "real", "changes", "mixup", "copies"
GAN_AND_CHANGES, ALONE = "gan_and_changes", "gan_alone"
PICTURES, SIGHT = "pictures", "sight"
WHOLE, SMALL = "whole", "small"
SIGHTS: Final = {WHOLE: "photographs as they are", SMALL: "all at the generator's size"}
PHRASES: Final = {
    REAL: "the photographs alone",
    CHANGES: "the same flipped, cropped and in other colours",
    MIXUP: "mixtures of two (mixup)",
    COPIES: "copies of them",
    drawing.WITHOUT_CRITIC: "pictures of the same network without a critic",
    drawing.GAN: "pictures of the GAN",
    GAN_AND_CHANGES: "pictures of the GAN, and flipped, cropped, recoloured photographs",
    ALONE: "pictures of the GAN, and no photograph",
}
CONTROLS: Final = (CHANGES, MIXUP, COPIES, drawing.WITHOUT_CRITIC)
GENERATED: Final = (drawing.WITHOUT_CRITIC, drawing.GAN, GAN_AND_CHANGES)

SMALL_NETWORK: Final = "a small network from nothing, at the generator's size"

MOST_STEPS: Final = 100
TOLERANCE: Final = 1e-3
"""Of the logistic regression: its accuracy moves no more."""

Look = Callable[[np.ndarray], np.ndarray]


class Choice(NamedTuple):
    """What a learner may choose.

    Attributes:
        weight: Of an added picture.
        penalty: Inverse strength.
    """

    weight: float
    penalty: float


class Task(NamedTuple):
    """What all arms of one number of pictures share.

    Attributes:
        real: Photographs to learn from.
        validation: That choose.
        judged: That are told.
        judged_rows: Their rows in the table.
        products: All.
    """

    real: Rows
    validation: Rows
    judged: Rows
    judged_rows: np.ndarray
    products: drawing.Products


class Candidate(NamedTuple):
    """One learner.

    Attributes:
        validated: Its accuracy in validation.
        choice: What it is.
        told: (n_judged,) product that it says each judged photograph is of.
    """

    validated: float
    choice: Choice
    told: np.ndarray


class Tried(NamedTuple):
    """What an arm came to.

    Attributes:
        right: (n_judged,) whether the product was told.
        same_group: (n_judged,) whether its category was.
        choice: What validation chose.
    """

    right: np.ndarray
    same_group: np.ndarray
    choice: Choice


def declare(n_bootstrap: int, sizes: Sequence[int | None]) -> Design:
    """The experiment.

    Args:
        n_bootstrap: Resamples of products.
        sizes: Pictures per product.
    """
    names = [drawing.name_of(size) for size in sizes]
    trials = (drawing.GAN, GAN_AND_CHANGES)
    return Design(
        name="pictures",
        metric="accuracy",
        unit=ID,
        cluster=PRODUCT,
        groups=(PICTURES,),
        system=SIGHT,
        arms=(
            Arm(name=REAL, role=Role.BASELINE, phrase=PHRASES[REAL]),
            *(Arm(name=n, role=Role.CONTROL, phrase=PHRASES[n], level="weight") for n in CONTROLS),
            *(Arm(name=n, role=Role.TRIAL, phrase=PHRASES[n], level="weight") for n in trials),
        ),
        # More pixels tell more, whatever is added: so it was declared before anything was measured.
        best=tuple(Baseline(group=(name,), system=WHOLE, arm=REAL) for name in names),
        n_bootstrap=n_bootstrap,
        words=Words(
            unit="photograph",
            units="photographs",
            groups={name: in_words(name) for name in names},
            trial="the GAN",
            best="the best learner without generated pictures",
            unchanged="the learner stays as it is",
            worse="fewer products were told right",
        ),
    )


def in_words(name: str) -> str:
    """A number of pictures per product."""
    return "all photographs" if name == drawing.ALL else f"{name} photographs per product"


def measure(
    table: pd.DataFrame,
    pixels: np.ndarray,
    seen: Mapping[str, np.ndarray],
    looks: Mapping[str, Look],
    drawn: drawing.Drawn,
    refused: Callable[[int | None, str], bool],
    params: PictureTrialParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Try every arm, in both sights, with every number of pictures.

    Args:
        table: One row per photograph.
        pixels: (n, side, side, 3) photographs.
        seen: By sight, features of all photographs.
        looks: By sight, what makes features of made pictures.
        drawn: Generated pictures.
        refused: Whether pictures of a generator that learnt so many count as copies.
        params: Pictures per product, grid.

    Returns:
        The scores, and one row per number of pictures, sight and arm: ``fine`` and ``coarse``
        accuracy, ``weight`` and ``penalty`` chosen, ``added`` pictures, whether it is ``refused``.
    """
    products = drawing.products_of(table)
    scores, means = [], []
    for size in params.sizes:
        rows = drawing.few_rows(table, products.labels, size, params.seed)
        pictures = _pictures(pixels[rows], products.labels[rows], drawn, size, params)
        for sight, features in seen.items():
            task = _task(table, products, features, rows)
            added = {name: _seen(made, looks[sight]) for name, made in pictures.items()}
            added[COPIES] = copied(task.real, params.added, params.seed)
            added[GAN_AND_CHANGES] = joined(added[drawing.GAN], added[CHANGES])
            place = {PICTURES: drawing.name_of(size), SIGHT: sight}
            tried = _try_all(task, added, params, f"{in_words(place[PICTURES])}, {SIGHTS[sight]}")
            for name, found in tried.items():
                source = drawing.GAN if name in (GAN_AND_CHANGES, ALONE) else name
                is_copied = name in (*GENERATED, ALONE) and refused(size, source)
                n_added = len(added[name].labels) if name in added else 0
                means.append(place | _mean(name, found, n_added, is_copied))
                if name != ALONE:
                    # A refused arm adds nothing: it is the baseline, at level 0.
                    used = tried[REAL] if is_copied else found
                    about = table.iloc[task.judged_rows][[ID, PRODUCT]].reset_index(drop=True)
                    level = 0.0 if is_copied else found.choice.weight
                    scores.append(
                        about.assign(**place, arm=name, value=used.right.astype(float), level=level)
                    )
    return pd.concat(scores, ignore_index=True), pd.DataFrame(means)


def _try_all(
    task: Task, added: Mapping[str, Rows], params: PictureTrialParams, told: str
) -> dict[str, Tried]:
    """Every arm on one task. Whatever is added is laid along the coordinates of photographs."""
    task, along = _in_coordinates(task, params.components)
    plain = _candidates(task, None, (0.0,), params)
    tried = {REAL: _chosen(task, plain)}
    weights = [weight for weight in params.weights if weight > 0]
    placed = {name: rows._replace(values=along(rows.values)) for name, rows in added.items()}
    for name in tracked((*CONTROLS, drawing.GAN, GAN_AND_CHANGES), told, "arm"):
        found = _candidates(task, placed[name], weights, params)
        tried[name] = _chosen(task, [*(plain if 0 in params.weights else []), *found])
    alone = task._replace(real=placed[drawing.GAN])
    tried[ALONE] = _chosen(task, _candidates(alone, None, (1.0,), params))
    return tried


def _mean(name: str, found: Tried, added: int, is_copied: bool) -> dict[str, Any]:
    return {
        "arm": name,
        "fine": float(found.right.mean()),
        "coarse": float(found.same_group.mean()),
        "weight": found.choice.weight,
        "penalty": found.choice.penalty,
        "added": added,
        "refused": is_copied,
    }


def plain_learners(
    table: pd.DataFrame,
    pixels: np.ndarray,
    features: np.ndarray,
    said: np.ndarray,
    params: PictureTrialParams,
) -> pd.DataFrame:
    """Tell products by colours, by the network and by ones from scratch, with photographs alone.

    Args:
        table: One row per photograph.
        pixels: (n, side, side, 3) photographs.
        features: (n, 1280) of the network.
        said: (n,) product that the small network, which learnt from all, takes each for.
        params: Pictures per product, grid.

    Returns:
        ``by``, ``pictures``, ``fine`` and ``coarse`` accuracy with their 95 % interval over
        products, ``photographs`` judged.
    """
    products = drawing.products_of(table)
    by = {"colours": colour_histograms(pixels), "EfficientNet-Lite0": features}
    judged, groups = np.flatnonzero(table[SPLIT] == TEST), np.asarray(products.groups)
    labels = np.asarray(products.labels)[judged]
    rows = []
    for size in params.sizes:
        own = drawing.few_rows(table, products.labels, size, params.seed)
        told = {}
        for name, values in by.items():
            task, _ = _in_coordinates(_task(table, products, values, own), params.components)
            found = _chosen(task, _candidates(task, None, (0.0,), params))
            told[name] = found.right, found.same_group
        if params.from_scratch is not None:
            told[NAME] = told_from_scratch(
                table, pixels, products, own, params.from_scratch, params.seed
            )
        if size is None:
            told[SMALL_NETWORK] = said[judged] == labels, groups[said[judged]] == groups[labels]
        for name, right in told.items():
            place = {"by": name, PICTURES: drawing.name_of(size)}
            rows.append(place | _accuracy(*right, labels, params.seed))
    return pd.DataFrame(rows)


def _accuracy(
    fine: np.ndarray, coarse: np.ndarray, labels: np.ndarray, seed: int
) -> dict[str, float]:
    """Shares of what was told right, with their intervals over products."""
    row: dict[str, float] = {}
    for what, right in (("fine", fine), ("coarse", coarse)):
        low, high = over_products(right, labels, seed)
        row |= {what: float(right.mean()), f"{what}_low": low, f"{what}_high": high}
    return row | {"photographs": len(fine)}


def over_products(right: np.ndarray, labels: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % interval of accuracy, with products drawn anew.

    Args:
        right: (n,) whether each was told.
        labels: (n,) products.
        seed: Of 2,000 resamples.
    """
    sums = np.bincount(labels, right)
    sizes = np.bincount(labels)
    sums, sizes = sums[sizes > 0], sizes[sizes > 0]
    drawn = np.random.default_rng(seed).integers(0, len(sums), (2_000, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _pictures(
    pixels: np.ndarray,
    labels: np.ndarray,
    drawn: drawing.Drawn,
    size: int | None,
    params: PictureTrialParams,
) -> dict[str, Added]:
    """By arm, the pictures that it adds."""
    added = {
        CHANGES: changed(pixels, labels, params.added, params.seed),
        MIXUP: mixed(pixels, labels, params.added, params.seed),
    }
    told = drawn.table
    for name in (drawing.WITHOUT_CRITIC, drawing.GAN):
        own = (told[drawing.PURPOSE] == drawing.TO_ADD) & (told[drawing.GENERATOR] == name)
        own &= told[drawing.LEARNT] == drawing.name_of(size)
        products = told.loc[own, PRODUCT].to_numpy()
        one = np.ones(len(products))
        added[name] = (drawn.pixels[own.to_numpy()], products, products, one)
    return added


def _seen(pictures: Added, look: Look) -> Rows:
    """Features of added pictures; a mixture stands there twice, in its shares."""
    pixels, first, second, share = pictures
    values = look(pixels)
    both = share < 1
    return Rows(
        np.concatenate([values, values[both]]),
        np.concatenate([first, second[both]]),
        np.concatenate([share, 1 - share[both]]),
    )


def _task(
    table: pd.DataFrame, products: drawing.Products, features: np.ndarray, rows: np.ndarray
) -> Task:
    split = table[SPLIT].to_numpy()
    judged = np.flatnonzero(split == TEST)

    def of(own: np.ndarray) -> Rows:
        return Rows(features[own], products.labels[own], np.ones(len(own)))

    return Task(of(rows), of(np.flatnonzero(split == VALIDATION)), of(judged), judged, products)


def _in_coordinates(task: Task, components: int) -> tuple[Task, Look]:
    """The task in principal coordinates of its photographs, and what makes these of features."""
    from sklearn.decomposition import PCA

    learnt = task.real[0]
    most = min(components, len(learnt) - 1, learnt.shape[1])
    axes = PCA(most, svd_solver="randomized", random_state=0).fit(learnt)
    length = np.sqrt(np.square(axes.transform(learnt)).sum(axis=1).mean()) or 1.0

    def along(values: np.ndarray) -> np.ndarray:
        coordinates: np.ndarray = axes.transform(values) / length
        return coordinates

    def placed(rows: Rows) -> Rows:
        return rows._replace(values=along(rows.values))

    real, validation, judged = (placed(part) for part in (task.real, task.validation, task.judged))
    return task._replace(real=real, validation=validation, judged=judged), along


def _candidates(
    task: Task, added: Rows | None, weights: Sequence[float], params: PictureTrialParams
) -> list[Candidate]:
    """Logistic regressions, one per weight of what is added and strength."""
    from sklearn.linear_model import LogisticRegression

    found = []
    for weight in weights:
        learnt = task.real
        if added is not None:
            learnt = joined(task.real, added._replace(shares=weight * added.shares))
        for penalty in params.penalties:
            learner = LogisticRegression(C=penalty, max_iter=MOST_STEPS, tol=TOLERANCE)
            learner.fit(learnt.values, learnt.labels, learnt.shares)
            right = (learner.predict(task.validation.values) == task.validation.labels).mean()
            told = np.asarray(learner.predict(task.judged.values))
            found.append(Candidate(float(right), Choice(weight, penalty), told))
    return found


def _chosen(task: Task, candidates: Sequence[Candidate]) -> Tried:
    """What validation prefers; among equals the first, which adds least."""
    best = max(candidates, key=lambda candidate: candidate.validated)
    groups, labels = task.products.groups, task.judged.labels
    return Tried(best.told == labels, groups[best.told] == groups[labels], best.choice)
