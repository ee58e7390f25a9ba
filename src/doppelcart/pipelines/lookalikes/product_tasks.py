"""For each product: what may be learnt from, what chooses, and what is judged."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.errors import InputError
from doppelcart.imaging.photographs import GROUP, PRODUCT, SPLIT, TEST, TRAIN, VALIDATION
from doppelcart.pipelines.lookalikes.params import DetectorParams

LEAST_CHOOSING: Final = 2
"""Photographs of a product, and of its siblings, by which a product helps to choose."""


class Task(NamedTuple):
    """Photographs by what they are for, as rows of the table; a sibling is of the same category.

    Attributes:
        product: What the photographs are sold as.
        group: Its category.
        genuine: (n,) of the product, to learn from.
        others: (n,) of other categories, to learn from.
        siblings: (n,) of siblings in training, which only the oracle sees.
        reference: (n,) of other categories in validation, which scores are held to.
        astray: (n,) of other categories in test, as sold by mistake.
        choosing: Genuine ones and siblings in validation; empty where there are too few.
        judged: Genuine ones and siblings in test; empty where there are too few.
    """

    product: str
    group: str
    genuine: np.ndarray
    others: np.ndarray
    siblings: np.ndarray
    reference: np.ndarray
    astray: np.ndarray
    choosing: tuple[np.ndarray, np.ndarray]
    judged: tuple[np.ndarray, np.ndarray]


class Tasks(NamedTuple):
    """What can be judged, and what cannot.

    Attributes:
        products: One for each product that has photographs to learn from.
        unable: One row per product that has not: ``product``, ``photographs``, ``reason``.
    """

    products: list[Task]
    unable: pd.DataFrame

    @property
    def judged(self) -> list[Task]:
        """Those with enough photographs to judge by."""
        return [task for task in self.products if len(task.judged[0])]


def tasks_of(table: pd.DataFrame, params: DetectorParams) -> Tasks:
    """Part photographs by what they are for.

    Args:
        table: One row per photograph: ``product``, ``group``, ``split``.
        params: How many it takes.

    Raises:
        InputError: No product, or none with siblings, can be judged.
    """
    products, groups = table[PRODUCT].to_numpy(), table[GROUP].to_numpy()
    splits = {split: (table[SPLIT] == split).to_numpy() for split in (TRAIN, VALIDATION, TEST)}
    tasks, unable = [], []
    rng = np.random.default_rng(params.seed)
    for product in sorted(set(products)):
        own = products == product
        group = str(groups[own][0])
        genuine = np.flatnonzero(own & splits[TRAIN])
        if len(genuine) < params.least_genuine:
            unable.append((product, len(genuine), f"it takes {params.least_genuine} to learn from"))
            continue
        alike = (groups == group) & ~own
        away, astray = (
            np.sort(
                rng.permutation(np.flatnonzero((groups != group) & splits[split]))[
                    : params.reference
                ]
            )
            for split in (VALIDATION, TEST)
        )
        tasks.append(
            Task(
                product,
                group,
                genuine,
                np.flatnonzero((groups != group) & splits[TRAIN]),
                np.flatnonzero(alike & splits[TRAIN]),
                away,
                astray,
                _pair(own, alike, splits[VALIDATION], LEAST_CHOOSING),
                _pair(own, alike, splits[TEST], params.least_judged),
            )
        )
    found = Tasks(tasks, pd.DataFrame(unable, columns=["product", "photographs", "reason"]))
    _check(found, params)
    return found


def _pair(
    own: np.ndarray, alike: np.ndarray, split: np.ndarray, least: int
) -> tuple[np.ndarray, np.ndarray]:
    genuine, siblings = np.flatnonzero(own & split), np.flatnonzero(alike & split)
    if min(len(genuine), len(siblings)) < least:
        return genuine[:0], siblings[:0]
    return genuine, siblings


def _check(tasks: Tasks, params: DetectorParams) -> None:
    faults = []
    if not tasks.judged:
        faults.append(
            f"no product has {params.least_judged} photographs in test, and its category as many "
            "of other products: bring more, or lower lookalikes.detectors.least_judged."
        )
    elif not any(len(task.choosing[0]) for task in tasks.judged):
        faults.append(
            f"no product has {LEAST_CHOOSING} photographs in validation, and its category as many "
            "of other products: detectors cannot be chosen. Put some photographs into a split "
            "named validation."
        )
    if tasks.judged and not all(
        len(task.others) and len(task.reference) for task in tasks.products
    ):
        faults.append(
            "all products are of one category: there is nothing that a product is told from. Give "
            "each photograph its category as `group`."
        )
    if faults:
        raise InputError("look-alikes cannot be told:\n" + "\n".join(f"  {f}" for f in faults))
