"""The experiment: what a detector is shown besides genuine photographs, and what that does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import pandas as pd

from doppelcart.experiment.design import Arm, Baseline, Design, Role, Words
from doppelcart.imaging.photographs import Photographs
from doppelcart.metrics.classification import auc
from doppelcart.pipelines.lookalikes.params import DetectorParams
from doppelcart.pipelines.lookalikes.paste_fakes import HELD_OUT, TAUGHT, blended, changed, pasted
from doppelcart.pipelines.lookalikes.photo_detectors import (
    Choice,
    Lesson,
    PatchDistances,
    all_said,
    coreset,
    distances,
    grid,
    with_added,
)
from doppelcart.pipelines.lookalikes.product_tasks import Task
from doppelcart.pipelines.lookalikes.product_views import Views, stacked
from doppelcart.progress import tracked

NONE, CHANGED, ALIKE, PASTED, BLENDED = "none", "augmented", "copies", "pasted", "mixup"
WITHOUT_CRITIC, GAN, CRITIC, ORACLE = "without_critic", "gan", "critic", "oracle"
PHRASES: Final = {
    NONE: "genuine photographs and those of other categories",
    CHANGED: "them mirrored, cropped, lighter and darker",
    ALIKE: "copies of the photographs of other categories that look most like the product",
    PASTED: "fakes of which a piece was moved or recoloured (as CutPaste)",
    BLENDED: "blends with photographs of other categories, as fakes",
    WITHOUT_CRITIC: "pictures of the same network without a critic, as fakes",
    GAN: "pictures of the GAN, as fakes",
    CRITIC: "the critic's own opinion, alone",
    ORACLE: "real photographs of the siblings, which nobody would have of counterfeits",
}
PLAIN: Final = (CHANGED, ALIKE, PASTED, BLENDED)

SIBLINGS, FAKES, OTHER, OWN = "siblings", "pasted_held_out", "other_generator", "own_generator"
COUNTERFEITS, CHOOSING, ASTRAY, BLANK = "counterfeits", "choosing", "astray", "blank"
JUDGED: Final = {
    SIBLINGS: "real photographs of siblings",
    FAKES: "fakes of which a piece was blurred or rescaled",
    OTHER: "pictures of another generator",
    COUNTERFEITS: "pictures known to be counterfeits",
}
WARNED: Final = "pictures of the generator that taught the detector: not to be trusted"
KIND, UNIT, AUROC, FOUND = "judged", "product", "auroc", "found"
OPINION: Final = Choice("the critic's opinion", "", 0.0, 1.0)
CHOICE: Final = ["family", "sight", "strength", "share"]


class Maker(Protocol):
    """A trained generator of pictures of products."""

    def fakes(self, product: str, n: int, seed: int) -> np.ndarray:
        """(n, side, side, 3) pictures that are meant to look like a product."""
        ...

    def realness(self, pixels: np.ndarray, product: str) -> np.ndarray:
        """(n,) how real a critic takes pictures to be, as ones of a product."""
        ...


class Pool(NamedTuple):
    """All pictures, photographs first.

    Attributes:
        views: Coordinates.
        contrast: (n,) spread of brightness, 0 to 255.
    """

    views: Views
    contrast: np.ndarray


class Heard(NamedTuple):
    """What detectors that nothing is added to say of a product's pictures.

    Attributes:
        asked: (n,) rows.
        places: Places among them, by what they are for.
        said: Per detector (n,) scores.
    """

    asked: np.ndarray
    places: Mapping[str, np.ndarray]
    said: Mapping[Choice, np.ndarray]


class Prepared(NamedTuple):
    """A product, with the pictures that were made for it, as rows of the views.

    Attributes:
        task: Its photographs.
        like: Per arm, pictures added to the genuine ones.
        unlike: Per arm, pictures added to those of others.
        impostors: Per kind of judgement, what is to be told from genuine photographs.
        opinions: What the critic says of the judged genuine ones, and of impostors per kind; empty
            without one.
    """

    task: Task
    like: Mapping[str, np.ndarray]
    unlike: Mapping[str, np.ndarray]
    impostors: Mapping[str, np.ndarray]
    opinions: Mapping[str, tuple[np.ndarray, np.ndarray]]


def declare(n_bootstrap: int, generated: bool, counterfeits: bool) -> Design:
    """The experiment.

    Fakes that are made by hand are on trial, and a control where there are generated ones.

    Args:
        n_bootstrap: Resamples.
        generated: Whether pictures are generated.
        counterfeits: Whether there are pictures known to be counterfeits.
    """
    tried = [GAN, CRITIC] if generated else [PASTED]
    plain = [arm for arm in PLAIN if arm not in tried]
    controls = [*plain, *([WITHOUT_CRITIC] * generated)]
    kinds = [SIBLINGS, FAKES, *([OTHER] * generated), *([COUNTERFEITS] * counterfeits)]
    return Design(
        name="lookalikes",
        metric="AUROC",
        unit=UNIT,
        groups=(KIND,),
        arms=(
            Arm(name=NONE, role=Role.BASELINE, phrase=PHRASES[NONE]),
            *(Arm(name=n, role=Role.CONTROL, phrase=PHRASES[n], level="share") for n in controls),
            *(Arm(name=n, role=Role.TRIAL, phrase=PHRASES[n], level="share") for n in tried),
            Arm(name=ORACLE, role=Role.ORACLE, phrase=PHRASES[ORACLE], level="share"),
        ),
        best=tuple(Baseline(group=(kind,), arm=NONE) for kind in kinds),
        n_bootstrap=n_bootstrap,
        words=Words(
            unit="product",
            units="products",
            groups={kind: JUDGED[kind] for kind in kinds},
            trial="the GAN" if generated else "tampering",
            best="the best detector without fakes",
            unchanged="the detector stays as it is",
            worse="look-alikes were told less well",
        ),
    )


def prepare(
    photographs: Photographs,
    views: Views,
    tasks: Sequence[Task],
    params: DetectorParams,
    look: Callable[[np.ndarray], Views],
    makers: Mapping[str, Maker],
    counterfeits: Mapping[str, np.ndarray],
) -> tuple[Pool, list[Prepared]]:
    """Make what detectors are shown, and judged on, for each product.

    Args:
        photographs: All.
        views: Of the photographs.
        tasks: Products to be judged.
        params: How many.
        look: How made pictures are looked at.
        makers: Trained generators by arm, and by ``OTHER`` the one that judges; may be empty.
        counterfeits: Pictures known to be counterfeits, per product; may be empty.

    Returns:
        All pictures, and the products.
    """
    pixels, sheets, prepared = photographs.pixels, [], []
    n_rows = len(pixels)

    def add(made: np.ndarray) -> np.ndarray:
        nonlocal n_rows
        sheets.append(made)
        rows = np.arange(n_rows, n_rows + len(made))
        n_rows += len(made)
        return rows

    shades = np.array([0, 128, 255], np.uint8)[:, None, None, None]
    blank = add(np.broadcast_to(shades, (3, *pixels.shape[1:])))
    for number, task in enumerate(tracked(tasks, "making pictures", "product")):
        rng = np.random.default_rng([params.seed, number])
        genuine, others = pixels[task.genuine], task.others
        n = min(params.added, len(genuine))
        away = pixels[np.sort(rng.choice(others, min(len(others), n), replace=False))]
        like = {CHANGED: add(changed(genuine, n, rng))}
        unlike = {
            CHANGED: add(changed(away, n, rng)),
            ALIKE: others[_most_alike(views.network, task.genuine, others)[:n]],
            PASTED: add(pasted(genuine, TAUGHT, n, rng)),
            BLENDED: add(blended(genuine, away, n, rng)),
            ORACLE: rng.permutation(task.siblings),
        }
        judged, siblings = task.judged
        impostors = {SIBLINGS: siblings, ASTRAY: task.astray, BLANK: blank}
        impostors[FAKES] = add(pasted(pixels[judged], HELD_OUT, params.judged_fakes, rng))
        for arm, kind in ((WITHOUT_CRITIC, ""), (GAN, OWN), (OTHER, OTHER)):
            if arm in makers:
                seed = int(rng.integers(2**31 - 1))
                if arm != OTHER:
                    unlike[arm] = add(makers[arm].fakes(task.product, n, seed))
                if kind:
                    impostors[kind] = add(
                        makers[arm].fakes(task.product, params.judged_fakes, seed + 1)
                    )
        if task.product in counterfeits:
            impostors[COUNTERFEITS] = add(counterfeits[task.product])
        prepared.append(Prepared(task, like, unlike, impostors, {}))
    made = np.concatenate(sheets)
    if GAN in makers:
        prepared = [_with_opinions(own, makers[GAN], pixels, made) for own in prepared]
    contrast = np.concatenate([contrast_of(pixels), contrast_of(made)])
    return Pool(stacked([views, look(made)]), contrast), prepared


def contrast_of(pixels: np.ndarray) -> np.ndarray:
    """(n,) spread of brightness, 0 to 255; 0 of a picture of one colour."""
    spread: np.ndarray = pixels.mean(axis=3, dtype=np.float32).std(axis=(1, 2))
    return spread


def _most_alike(values: np.ndarray, genuine: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Places of the others, the nearest to the product's mean first."""
    mean = values[genuine].mean(axis=0)
    return np.argsort(np.square(values[others] - mean).sum(axis=1), kind="stable")


def _with_opinions(own: Prepared, critic: Maker, pixels: np.ndarray, made: np.ndarray) -> Prepared:
    def said(rows: np.ndarray) -> np.ndarray:
        is_real = rows < len(pixels)
        shown = pixels[rows] if is_real.all() else made[rows - len(pixels)]
        return critic.realness(shown, own.task.product)

    genuine = said(own.task.judged[0])
    return own._replace(
        opinions={kind: (genuine, said(rows)) for kind, rows in own.impostors.items()}
    )


def found_at(genuine: np.ndarray, impostors: np.ndarray, false_alarms: float) -> float:
    """Share of impostors below all but a share of the genuine scores.

    Args:
        genuine: (n,) scores.
        impostors: (m,) scores.
        false_alarms: Share of genuine ones that may lie below, too.

    Examples:
        >>> found_at(np.arange(1.0, 22.0), np.array([0.5, 1.5, 2.5, 30.0]), 0.05)
        0.5
    """
    least = np.quantile(genuine, false_alarms, method="lower")
    return float((impostors < least).mean())


def patches_of(views: Views, rows: np.ndarray) -> np.ndarray:
    """(n, p, d) patches of some pictures, as float32."""
    return views.patches[rows].astype(np.float32)


def remembered(
    views: Views, task: Task, asked: np.ndarray, params: DetectorParams
) -> PatchDistances:
    """Distances of patches to those of the product, and of other categories.

    Args:
        views: Of all pictures.
        task: A product.
        asked: Rows that are scored.
        params: How much is remembered.
    """
    width = views.patches.shape[-1]
    shown = patches_of(views, asked)
    own = coreset(patches_of(views, task.genuine).reshape(-1, width), params.memory)
    rng = np.random.default_rng(params.seed)
    others = rng.choice(task.others, min(params.others, len(task.others)), replace=False)
    away = patches_of(views, others).reshape(-1, width)
    return PatchDistances(distances(shown, own), distances(shown, away))


def heard(own: Prepared, views: Views, choices: list[Choice], params: DetectorParams) -> Heard:
    """What detectors say of a product's pictures, where nothing is added.

    Args:
        own: The product.
        views: Of all pictures.
        choices: Detectors.
        params: How much is remembered.
    """
    places, asked = _laid_out(own)
    patches = remembered(views, own.task, asked, params)
    said = all_said(views, _plain(own.task), patches, choices, asked, places["reference"])
    return Heard(asked, places, said)


def _plain(task: Task) -> Lesson:
    none = np.empty(0, np.int64)
    return Lesson(task.genuine, task.others, none, none)


def try_product(
    own: Prepared, views: Views, params: DetectorParams
) -> tuple[list[dict[str, Any]], Heard]:
    """Every detector of every arm on one product.

    Args:
        own: The product, and what was made for it.
        views: Of all pictures.
        params: Grid.

    Returns:
        One row per arm, detector and kind of judgement, with ``auroc`` and ``found``; and what is
        said where nothing is added.
    """
    task, about = own.task, {UNIT: own.task.product}
    places, asked = _laid_out(own)
    before = remembered(views, task, asked, params)
    reference = places["reference"]
    lesson = _plain(task)
    said = all_said(views, lesson, before, grid(params.penalties, 0.0), asked, reference)
    rows = _rows(about | {"arm": NONE}, said, places, own, params)
    shown, width = patches_of(views, asked), views.patches.shape[-1]
    for arm, unlike in own.unlike.items():
        like = own.like.get(arm, lesson.like)
        added = [
            patches_of(views, new[: params.others]).reshape(-1, width) for new in (like, unlike)
        ]
        patches = with_added(before, shown, added[0], added[1])
        taught = lesson._replace(like=like, unlike=unlike)
        for share in params.shares:
            if share and len(unlike):
                choices = grid(params.penalties, share)
                found = all_said(views, taught, patches, choices, asked, reference)
                rows += _rows(about | {"arm": arm}, found, places, own, params)
    for kind, (genuine, impostors) in own.opinions.items():
        opinion = {"arm": CRITIC, **OPINION._asdict(), KIND: kind}
        rows.append(about | opinion | _told(genuine, impostors, params))
    return rows, Heard(asked, places, said)


def _laid_out(own: Prepared) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Places of what is asked about, by what it is for, and its rows."""
    task = own.task
    parts = {
        "reference": task.reference,
        "genuine_choosing": task.choosing[0],
        CHOOSING: task.choosing[1],
        "genuine": task.judged[0],
        **own.impostors,
    }
    ends = np.cumsum([len(rows) for rows in parts.values()])
    places = {
        name: np.arange(end - len(rows), end)
        for (name, rows), end in zip(parts.items(), ends, strict=True)
    }
    return places, np.concatenate(list(parts.values()))


def _rows(
    about: dict[str, Any],
    said: Mapping[Choice, np.ndarray],
    places: Mapping[str, np.ndarray],
    own: Prepared,
    params: DetectorParams,
) -> list[dict[str, Any]]:
    kinds = [kind for kind in (CHOOSING, *own.impostors) if len(places[kind])]
    genuine = {
        kind: places["genuine_choosing" if kind == CHOOSING else "genuine"] for kind in kinds
    }
    return [
        about
        | choice._asdict()
        | {KIND: kind}
        | _told(scores[genuine[kind]], scores[places[kind]], params)
        for choice, scores in said.items()
        for kind in kinds
    ]


def _told(genuine: np.ndarray, impostors: np.ndarray, params: DetectorParams) -> dict[str, float]:
    is_genuine = np.arange(len(genuine) + len(impostors)) < len(genuine)
    return {
        AUROC: auc(is_genuine, np.concatenate([genuine, impostors])),
        FOUND: found_at(genuine, impostors, params.false_alarms),
    }


def try_all(
    prepared: Sequence[Prepared], views: Views, params: DetectorParams
) -> tuple[pd.DataFrame, dict[str, Heard]]:
    """Every detector of every arm on every product.

    Args:
        prepared: Products.
        views: Of all pictures.
        params: Grid.

    Returns:
        One row per product, arm, detector and kind of judgement; and per product what is said
        where nothing is added.
    """
    rows, said = [], {}
    for own in tracked(prepared, "trying detectors", "product"):
        told, said[own.task.product] = try_product(own, views, params)
        rows += told
    return pd.DataFrame(rows), said
