"""Which generators are trained on what, and what they draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
import pandas as pd

from doppelcart.errors import InputError
from doppelcart.imaging.marks import PREFIX
from doppelcart.imaging.photographs import GROUP, PRODUCT, SPLIT, TEST, TRAIN, VALIDATION
from doppelcart.pipelines.pictures.params import PictureTrialParams, SampleParams
from doppelcart.reading.declared_table import SYNTHETIC

GAN, UNCHANGED, WITHOUT_CRITIC = "gan", "gan_unchanged", "without_critic"
GENERATORS: Final = {
    GAN: "the GAN",
    UNCHANGED: "the GAN without DiffAugment",
    WITHOUT_CRITIC: "the same network without a critic",
}
LEARNT, GENERATOR, PURPOSE = "learnt", "generator", "purpose"
TO_JUDGE, TO_ADD, TO_SHOW, BETWEEN = "judged", "added", "shown", "between"
ALL: Final = "all"


class Generator(Protocol):
    """What draws pictures of classes; ``models.images`` has them."""

    def sample(self, labels: np.ndarray, *, seed: int) -> np.ndarray:
        """(m, size, size, 3) pictures, one of each class given."""

    def interpolate(
        self, labels_from: np.ndarray, labels_to: np.ndarray, share: float, *, seed: int
    ) -> np.ndarray:
        """(m, size, size, 3) pictures between two classes."""


class Train(Protocol):
    """How a generator is trained: pictures, classes, whether these are few, and a seed."""

    def __call__(
        self, pixels: np.ndarray, labels: np.ndarray, groups: np.ndarray, few: bool, seed: int
    ) -> Generator:
        """A trained generator."""


class Products(NamedTuple):
    """Products by number.

    Attributes:
        names: (n_products,) sorted.
        groups: (n_products,) number of each one's category.
        labels: (n,) product of each photograph.
    """

    names: np.ndarray
    groups: np.ndarray
    labels: np.ndarray


class Drawn(NamedTuple):
    """Generated pictures. They live in the memory of a run, and are saved nowhere.

    Attributes:
        table: One row per picture: ``picture_id`` (begins with gen-), ``synthetic`` (true),
            ``product`` (number), ``generator``, ``learnt`` (pictures per product), ``purpose``.
        pixels: (n, size, size, 3) colours, 0 to 255, uint8.
    """

    table: pd.DataFrame
    pixels: np.ndarray


class Halves(NamedTuple):
    """Photographs that generated ones are held to.

    Attributes:
        reference: Rows of one half of the test photographs.
        other: Rows of the other half, as many, which show what distance chance makes.
        learnt: As many rows in training, which show what copies would look like.
    """

    reference: np.ndarray
    other: np.ndarray
    learnt: np.ndarray


def products_of(table: pd.DataFrame) -> Products:
    """Number products.

    Args:
        table: One row per photograph.

    Raises:
        InputError: A split is empty, or there is one product only.
    """
    missing = [split for split in (TRAIN, VALIDATION, TEST) if not (table[SPLIT] == split).any()]
    if missing:
        raise InputError(
            f"no photograph is for {' and '.join(missing)}: generated ones are learnt from "
            f"{TRAIN}, what they teach is chosen in {VALIDATION}, and judged in {TEST}. Bring some."
        )
    # A product that nothing is learnt of can be told by nobody; it still counts among the judged.
    names, labels = np.unique(table[PRODUCT].astype(str), return_inverse=True)
    if len(names) < 2:
        raise InputError(
            f"all photographs are of {names[0]}: there is nothing to tell. Bring more."
        )
    first = np.unique(labels, return_index=True)[1]
    groups = np.unique(table[GROUP].astype(str).to_numpy()[first], return_inverse=True)[1]
    return Products(names, groups, labels)


def few_rows(table: pd.DataFrame, labels: np.ndarray, size: int | None, seed: int) -> np.ndarray:
    """Photographs to learn from.

    Args:
        table: One row per photograph.
        labels: (n,) product of each.
        size: Of a product at most; None takes all.
        seed: Of the draw.
    """
    rows = np.flatnonzero((table[SPLIT] == TRAIN).to_numpy())
    if size is None:
        return rows
    rng = np.random.default_rng([seed, size])
    drawn = rng.permutation(rows)
    rank = pd.Series(labels[drawn]).groupby(labels[drawn]).cumcount().to_numpy()
    return np.sort(drawn[rank < size])


def halves_of(table: pd.DataFrame, judged: int, seed: int) -> Halves:
    """Part the test photographs.

    Args:
        table: One row per photograph.
        judged: Test photographs at most.
        seed: Of the draw.
    """
    rng = np.random.default_rng(seed)
    test = rng.permutation(np.flatnonzero((table[SPLIT] == TEST).to_numpy()))
    n = min(judged, len(test)) // 2
    train = rng.permutation(np.flatnonzero((table[SPLIT] == TRAIN).to_numpy()))
    return Halves(test[:n], test[n : 2 * n], train[:n])


def name_of(size: int | None) -> str:
    """A number of pictures per product in tables."""
    return ALL if size is None else str(size)


def plan_of(sizes: Sequence[int | None]) -> list[tuple[int | None, str]]:
    """Trainings: all three generators on all pictures, and two on few.

    Args:
        sizes: Pictures per product.
    """
    few = [size for size in sizes if size is not None]
    return [(None, name) for name in GENERATORS] + [
        (size, name) for size in few for name in (GAN, WITHOUT_CRITIC)
    ]


def draw_all(
    table: pd.DataFrame,
    pixels: np.ndarray,
    trainers: Mapping[str, Train],
    trials: PictureTrialParams,
    samples: SampleParams,
) -> Drawn:
    """Train every generator and draw what is to be judged, added and shown.

    Args:
        table: One row per photograph.
        pixels: (n, side, side, 3) photographs.
        trainers: By generator.
        trials: Pictures to learn from and to add.
        samples: Pictures to judge and to show.
    """
    products = products_of(table)
    judged = products.labels[halves_of(table, samples.judged, trials.seed).other]
    parts: list[tuple[pd.DataFrame, np.ndarray]] = []

    def keep(drawn: np.ndarray, labels: np.ndarray, purpose: str) -> None:
        about = {PRODUCT: labels, GENERATOR: name, LEARNT: name_of(size), PURPOSE: purpose}
        parts.append((pd.DataFrame(about), drawn))

    for number, (size, name) in enumerate(plan_of(trials.sizes)):
        rows, seed = few_rows(table, products.labels, size, trials.seed), trials.seed + number
        labels = products.labels[rows]
        made = trainers[name](pixels[rows], labels, products.groups, size is not None, seed)
        keep(made.sample(judged, seed=seed), judged, TO_JUDGE)
        added = np.repeat(np.unique(labels), trials.added)
        keep(made.sample(added, seed=seed + 1_000), added, TO_ADD)
        if size is None and name == GAN:
            shown, following = _shown(products, np.unique(labels), samples.sheet_rows)
            columns = samples.sheet_columns
            asked = np.repeat(shown, columns)
            keep(made.sample(asked, seed=seed + 2_000), asked, TO_SHOW)
            steps = [
                made.interpolate(shown, following, share, seed=seed + 3_000)
                for share in np.linspace(0, 1, columns)
            ]
            sheet = np.stack(steps, axis=1).reshape(-1, *steps[0].shape[1:])
            keep(sheet, asked, BETWEEN)
    told = pd.concat([about for about, _ in parts], ignore_index=True)
    told.insert(0, "picture_id", [f"{PREFIX}{number:06d}" for number in range(len(told))])
    told.insert(1, SYNTHETIC, True)
    return Drawn(told, np.concatenate([drawn for _, drawn in parts]))


def _shown(products: Products, learnt: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Products from all over, and for each the next of its category, or of any."""
    n = min(n, len(learnt))
    ordered = learnt[np.lexsort((learnt, products.groups[learnt]))]
    places = np.linspace(0, len(ordered) - 1, n).round().astype(int)
    return ordered[places], ordered[(places + 1) % len(ordered)]
