"""From a question to its answer: pure functions of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from doppelcart.errors import RequestError
from doppelcart.metrics.ranking import NO_ITEM
from doppelcart.serving.deletions import deletions_of
from doppelcart.serving.model import Catalogue, Model, Strategy
from doppelcart.serving.questions import (
    Answer,
    Completed,
    Filters,
    Listed,
    Named,
    Question,
    Reasons,
    Used,
)
from doppelcart.serving.reasons import reasons_of

MOST_COMPLETED = 10


def answer(model: Model, question: Question, version: str) -> Answer:
    """Recommend to whoever is asked for.

    Args:
        model: What serves.
        question: Who it is, and what may be listed.
        version: Of the model.

    Raises:
        RequestError: A filter names an attribute, or a value, that no item has. Its text says where
            and how many, and not which: that may be long or personal.
    """
    known, unknown, row = _known(model, question)
    hidden, not_there = _hidden(model.catalogue, question.filters)
    profile, silent = _profile(model, question, row)
    strategy = model.strategy(len(known), returning=row is not None)
    history, k = model.history(known), min(question.k, model.n_items)
    best, scores = model.rank(strategy, history, k, profiles=profile, hidden=hidden)
    listed = best[0][best[0] != NO_ITEM]
    reasons = None
    if question.explain or question.deletions:
        added = model.added(strategy, history, profile)
        reasons = reasons_of(model.catalogue, strategy.system, known, listed, added)
    if reasons is not None and question.deletions:
        sets = deletions_of(model, strategy, known, listed, k, profile, hidden)
        reasons = [_with(model.catalogue, *pair) for pair in zip(reasons, sets, strict=True)]
    return Answer(
        items=[
            Listed(
                item_id=model.catalogue.ids[item],
                title=model.catalogue.titles[item],
                score=float(scores[0, place]),
                reasons=reasons[place] if reasons is not None else None,
            )
            for place, item in enumerate(listed)
        ],
        strategy=_used(strategy),
        evidence=strategy.facts.evidence,
        version=version,
        known_items=len(known),
        unknown_user=question.user_id is not None and row is None,
        unknown_items=[*unknown, *not_there],
        unused=silent if strategy.facts.completed_by else list(question.profile or ()),
        completion=_completion(model, strategy, known, profile, hidden)
        if question.complete
        else None,
    )


def _with(catalogue: Catalogue, reasons: Reasons, deleted: np.ndarray | None) -> Reasons:
    """Reasons that say without which purchases the item would not be listed."""
    if deleted is None:
        return reasons
    named = [Named(id=catalogue.ids[item], title=catalogue.called(item)) for item in deleted]
    return reasons.model_copy(update={"without": named})


def _profile(
    model: Model, question: Question, row: int | None
) -> tuple[np.ndarray | None, list[str]]:
    """(1, n_columns) what the log or the question knows besides, and what says nothing."""
    profile = question.profile or {}
    if model.profiles is None:
        return None, list(profile)
    if row is not None:
        return model.profiles_of(slice(row, row + 1)), list(profile)
    told, silent = model.profiles.row_of(profile)
    return told[None], silent


def _completion(
    model: Model,
    strategy: Strategy,
    known: np.ndarray,
    profile: np.ndarray | None,
    hidden: np.ndarray | None,
) -> list[Completed] | None:
    """The most probable of what is not known and may be listed, by what the list was made with."""
    if not model.completers:
        return None
    name = strategy.facts.completed_by or next(iter(model.completers))
    probable = model.completers[name].probabilities(model.history(known), profile)[0]
    probable[known] = 0
    if hidden is not None:
        probable[hidden] = 0
    order = np.argsort(-probable, kind="stable")[:MOST_COMPLETED]
    return [
        Completed(
            item_id=model.catalogue.ids[item],
            title=model.catalogue.called(item),
            probability=float(probable[item]),
        )
        for item in order
        if probable[item] > 0
    ]


def _known(model: Model, question: Question) -> tuple[np.ndarray, list[str], int | None]:
    """Known items, those that the catalogue has not, and the customer's row if there is one."""
    if question.user_id is not None:
        row = model.customers.find(question.user_id)
        items = np.empty(0, dtype=np.int32) if row is None else model.customers.of(row)
        return items, [], row
    names = dict.fromkeys(purchase.item_id for purchase in question.items or ())
    found = [model.catalogue.positions.get(name, NO_ITEM) for name in names]
    unknown = [name for name, item in zip(names, found, strict=True) if item == NO_ITEM]
    return np.array([i for i in found if i != NO_ITEM], dtype=np.int32), unknown, None


def _hidden(catalogue: Catalogue, filters: Filters) -> tuple[np.ndarray | None, list[str]]:
    """(n_items,) bool of items that may not be listed, None where all may; and unknown items."""
    if not (filters.only or filters.without or filters.exclude_items):
        return None, []
    hidden = np.zeros(len(catalogue.ids), dtype=bool)
    for having in _having(catalogue, "filters.only", filters.only):
        hidden |= ~having
    for having in _having(catalogue, "filters.without", filters.without):
        hidden |= having
    found = {name: catalogue.positions.get(name) for name in filters.exclude_items}
    hidden[[position for position in found.values() if position is not None]] = True
    return hidden, [name for name, position in found.items() if position is None]


def _having(
    catalogue: Catalogue, where: str, wanted: Mapping[str, list[str]]
) -> Iterator[np.ndarray]:
    """By attribute (n_items,) bool of items that have one of some values of it.

    Raises:
        RequestError: No item has such an attribute, or one of the values.
    """
    if strange := sum(name not in catalogue.codes for name in wanted):
        there = ", ".join(catalogue.codes) or "none"
        raise RequestError(
            f"{where}: items have no such attribute ({strange} of {len(wanted)} names); "
            f"there are: {there}"
        )
    for name, values in wanted.items():
        codes, of_items = catalogue.codes[name]
        missing = [place for place, value in enumerate(values) if value not in codes]
        if missing:
            raise RequestError(
                f"{where}.{name}.{missing[0]}: no item has that value "
                f"({len(missing)} of {len(values)} values)"
            )
        yield np.isin(of_items, [codes[value] for value in values])


def _used(strategy: Strategy) -> Used:
    facts = strategy.facts
    return Used(
        slice=facts.slice,
        customers=facts.customers,
        recommender=facts.recommender,
        label=facts.label,
        synthetic_data=facts.arm,
        promoted=facts.promoted,
        admitted=facts.admitted,
        completed_by=facts.completed_by,
        note=facts.note,
    )
