"""The experiment: photographs to learn from, what is added to them, and what is told then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.experiment.design import Arm, Baseline, Design, Role, Words
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
from doppelcart.progress import tracked

REAL, CHANGES, MIXUP, COPIES = "real", "changes", "mixup", "copies"
GAN_AND_CHANGES, ALONE, ORACLE = "gan_and_changes", "gan_alone", "oracle"
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
    ORACLE: "all real photographs in training, which nobody would have",
}
CONTROLS: Final = (CHANGES, MIXUP, COPIES, drawing.WITHOUT_CRITIC)
GENERATED: Final = (drawing.WITHOUT_CRITIC, drawing.GAN, GAN_AND_CHANGES)

MOST_STEPS: Final = 100
TOLERANCE: Final = 1e-3
"""Of the logistic regression: its accuracy moves no more."""

Look = Callable[[np.ndarray], np.ndarray]
Place = tuple[int | None, str]
"""Pictures per product, and the sight."""


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
        products: All.
    """

    real: Rows
    validation: Rows
    judged: Rows
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
    # Whoever has all photographs lacks none: there is a bound only where there are few.
    bounds = (ORACLE,) if any(size is not None for size in sizes) else ()
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
            *(Arm(name=n, role=Role.ORACLE, phrase=PHRASES[n]) for n in bounds),
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
        Where there are few pictures, the oracle learns from all real ones.
    """
    products = drawing.products_of(table)
    tried: dict[Place, dict[str, Tried]] = {}
    n_added: dict[Place, dict[str, int]] = {}
    # With all photographs first: it is what few of them are held against, as a bound.
    for size in sorted(params.sizes, key=lambda size: size is not None):
        rows = drawing.few_rows(table, products.labels, size, params.seed)
        pictures = _pictures(pixels[rows], products.labels[rows], drawn, size, params)
        for sight, features in seen.items():
            place = size, sight
            task = task_of(table, products, features, rows)
            added = {name: _seen(made, looks[sight]) for name, made in pictures.items()}
            added[COPIES] = copied(task.real, params.added, params.seed)
            added[GAN_AND_CHANGES] = joined(added[drawing.GAN], added[CHANGES])
            told = f"{in_words(drawing.name_of(size))}, {SIGHTS[sight]}"
            tried[place] = _try_all(task, added, params, told)
            n_added[place] = {name: len(found.labels) for name, found in added.items()}
            if size is not None:
                everything = drawing.few_rows(table, products.labels, None, params.seed)
                known = tried.get((None, sight), {}).get(REAL)
                tried[place][ORACLE] = known or alone(
                    task_of(table, products, features, everything), params
                )
                n_added[place][ORACLE] = len(everything) - len(rows)
    in_order = {(size, sight): tried[size, sight] for size in params.sizes for sight in seen}
    judged = table.loc[table[SPLIT] == TEST, [ID, PRODUCT]].reset_index(drop=True)
    return _tables(judged, in_order, n_added, refused)


def _tables(
    judged: pd.DataFrame,
    tried: Mapping[Place, Mapping[str, Tried]],
    n_added: Mapping[Place, Mapping[str, int]],
    refused: Callable[[int | None, str], bool],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and means of what was tried, as ``measure`` returns them."""
    scores, means = [], []
    for (size, sight), found in tried.items():
        # What counts as copies is added to nothing: such an arm is the baseline, at level 0.
        copies = {name for name in found if _is_copied(name, size, refused)}
        about = {PICTURES: drawing.name_of(size), SIGHT: sight}
        means += [
            about | _mean(name, own, n_added[size, sight].get(name, 0), name in copies)
            for name, own in found.items()
        ]
        scores += [
            judged.assign(**about, **_score(name, found[REAL] if name in copies else own))
            for name, own in found.items()
            if name != ALONE
        ]
    return pd.concat(scores, ignore_index=True), pd.DataFrame(means)


def _is_copied(name: str, size: int | None, refused: Callable[[int | None, str], bool]) -> bool:
    source = drawing.GAN if name in (GAN_AND_CHANGES, ALONE) else name
    return name in (*GENERATED, ALONE) and refused(size, source)


def _score(name: str, used: Tried) -> dict[str, Any]:
    """What an arm is scored by; all real photographs count in full."""
    level = 1.0 if name == ORACLE else used.choice.weight
    return {"arm": name, "value": used.right.astype(float), "level": level}


def alone(task: Task, params: PictureTrialParams) -> Tried:
    """What photographs teach, with nothing added.

    Args:
        task: Photographs to learn from, that choose, and that are judged.
        params: Coordinates and strengths.
    """
    task, _ = _in_coordinates(task, params.components)
    return _chosen(task, _candidates(task, None, (0.0,), params))


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
    generated = task._replace(real=placed[drawing.GAN])
    tried[ALONE] = _chosen(task, _candidates(generated, None, (1.0,), params))
    return tried


def _mean(name: str, found: Tried, added: int, is_copied: bool) -> dict[str, Any]:
    return {
        "arm": name,
        "fine": float(found.right.mean()),
        "coarse": float(found.same_group.mean()),
        "weight": 1.0 if name == ORACLE else found.choice.weight,
        "penalty": found.choice.penalty,
        "added": added,
        "refused": is_copied,
    }


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


def task_of(
    table: pd.DataFrame, products: drawing.Products, features: np.ndarray, rows: np.ndarray
) -> Task:
    """What is learnt from, what chooses, and what is judged.

    Args:
        table: One row per photograph.
        products: All.
        features: (n, d) of all photographs.
        rows: Photographs to learn from.
    """
    split = table[SPLIT].to_numpy()
    judged = np.flatnonzero(split == TEST)

    def of(own: np.ndarray) -> Rows:
        return Rows(features[own], products.labels[own], np.ones(len(own)))

    return Task(of(rows), of(np.flatnonzero(split == VALIDATION)), of(judged), products)


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
