"""Recommendations in words: as they are served, how many have a path, and examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case, sample_case
from doppelcart.data.histories import Histories
from doppelcart.data.slices import WARM
from doppelcart.errors import InputError
from doppelcart.metrics.ranking import NO_ITEM
from doppelcart.pipelines.explanations.params import WordsParams
from doppelcart.serving.batch import ranked
from doppelcart.serving.model import Model, Strategy
from doppelcart.serving.questions import Reasons
from doppelcart.serving.reasons import LEAST_WEIGHT, RELATIONS, path_between, reasons_of

TOLD: Final = [
    Columns.USER,
    "rank",
    Columns.ITEM,
    Columns.TITLE,
    "reason_id",
    "reason",
    "weight",
    "relation",
    "words",
]
CUSTOMERS: Final = 512
"""Customers ranked at once."""


def reasons_of_all(model: Model, k: int) -> pd.DataFrame:
    """Why every known customer is recommended what they are, as the server says it.

    Args:
        model: What serves.
        k: Items per customer at most.

    Returns:
        One row per (customer, rank): the item; the known item that carries most, with its weight;
        the relation that the words go along; and the words.
    """
    rows = []
    for start in range(0, len(model.customers.ids), CUSTOMERS):
        part = slice(start, min(start + CUSTOMERS, len(model.customers.ids)))
        best, _ = ranked(model, part, k)
        for row, listed in enumerate(best, start):
            known = model.customers.of(row)
            strategy = model.strategy(len(known), returning=True)
            items = listed[listed != NO_ITEM]
            own = model.profiles_of(slice(row, row + 1))
            added = model.added(strategy, model.history(known), own)
            found = reasons_of(model.catalogue, strategy.system, known, items, added)
            rows += list(_rows(model, str(model.customers.ids[row]), items, found))
    return pd.DataFrame(rows, columns=TOLD)


def _rows(
    model: Model, user: str, items: np.ndarray, found: list[Reasons]
) -> Iterator[dict[str, object]]:
    for place, (item, reasons) in enumerate(zip(items, found, strict=True), 1):
        first = max(reasons.items, key=lambda reason: reason.weight, default=None)
        yield {
            Columns.USER: user,
            "rank": place,
            Columns.ITEM: model.catalogue.ids[item],
            Columns.TITLE: model.catalogue.called(item),
            "reason_id": first.item_id if first else None,
            "reason": first.title if first else None,
            "weight": first.weight if first else 0.0,
            "relation": reasons.relation,
            "words": reasons.words,
        }


def list_for(
    model: Model, known: np.ndarray, k: int, *, returning: bool
) -> tuple[Strategy, np.ndarray]:
    """What serves a history, and the best items that are not in it.

    Args:
        model: What serves.
        known: (n_known,) distinct catalogue positions.
        k: Items at most.
        returning: Whether they are a customer of the log.
    """
    strategy = model.strategy(len(known), returning=returning)
    history, k = model.history(known), min(k, model.n_items)
    best, _ = model.rank(strategy, history, k, profiles=model.nobody())
    return strategy, best[0][best[0] != NO_ITEM]


def count_paths(
    model: Model, cases: Mapping[str, Case], params: WordsParams, seed: int
) -> pd.DataFrame:
    """How many recommendations have a purchase that carries a tenth, and a path to one.

    Args:
        model: What serves.
        cases: Customers by slice.
        params: Lists, and how many customers.
        seed: Of who is drawn, and of the purchases that paths are held against.

    Returns:
        One row per slice: its customers and recommendations; the share of these that a purchase
        carries a tenth of; that have a path; of pairs of a recommended item and a purchase at
        random that are related; and of recommendations that have a path, how many go along each
        relation.

    Raises:
        InputError: The customers were cut to another catalogue than that of the model.
    """
    rows = []
    for name, case in cases.items():
        if case.seen.item_ids.astype(str).tolist() != model.catalogue.ids:
            raise InputError(
                f"The model that serves has {model.n_items:,} items, and the customers of {name} "
                f"{case.seen.n_items:,} or other ones. Export it again: kedro run --pipelines "
                "serving"
            )
        own = case.select(np.flatnonzero(case.seen.lengths > 0))
        if own.n_users:
            chosen = sample_case(own, params.households, seed)
            rows.append(_counted(model, name, chosen.seen, params.list_length, seed))
    return pd.DataFrame(rows)


def _counted(model: Model, name: str, seen: Histories, k: int, seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    told: list[Reasons] = []
    by_chance = []
    for row in range(seen.n_users):
        known = np.sort(seen.of(row))
        strategy, items = list_for(model, known, k, returning=name == WARM)
        told += reasons_of(model.catalogue, strategy.system, known, items)
        by_chance += [
            path_between(model.catalogue, int(rng.choice(known)), int(item)) is not None
            for item in items
        ]
    carried = [max((r.weight for r in one.items), default=0) >= LEAST_WEIGHT for one in told]
    relations = [one.relation for one in told]
    return {
        Columns.SLICE: name,
        "customers": seen.n_users,
        "recommendations": len(told),
        "carried": float(np.mean(carried)),
        "with_path": float(np.mean([one is not None for one in relations])),
        "related_by_chance": float(np.mean(by_chance)),
        **{relation: relations.count(relation) for relation in RELATIONS},
    }


def examples_of(model: Model, synthetic: Histories, params: WordsParams) -> pd.DataFrame:
    """The first recommendation of some made-up customers, with the words.

    Args:
        model: What serves.
        synthetic: Customers whom the GAN made.
        params: How many of them, and how many of their items are taken as known.

    Returns:
        One row per customer: what some of their items are called, the recommended item, the words.
    """
    rows = []
    for user in range(min(params.examples, synthetic.n_users)):
        known = np.sort(synthetic.of(user)[: params.example_items])
        strategy, items = list_for(model, known, 1, returning=False)
        [why] = reasons_of(model.catalogue, strategy.system, known, items[:1])
        rows.append(
            {
                "customer": str(synthetic.user_ids[user]),
                "bought": len(known),
                Columns.TITLE: model.catalogue.called(items[0]),
                "words": why.words,
            }
        )
    return pd.DataFrame(rows, columns=["customer", "bought", Columns.TITLE, "words"])
