"""A few customers before and after, with the names of what they bought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.slices import slice_label
from doppelcart.data.titles import titles
from doppelcart.pipelines.evaluation.wording import arm_phrase, strongest_first
from doppelcart.recommendation import examples
from doppelcart.recommendation.completers import completer_of
from doppelcart.recommendation.labels import recommender_label
from doppelcart.recommendation.protocol import EvaluationParams
from doppelcart.reporting.blocks import Entry, NamedList, People, Person

SHOWN: Final = 10
"""Longest list that is shown (items)."""
OWN: Final = "gan_completion"
PLACE_NOTES: Final = tuple(examples.PLACES.values())


def show_customers(
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    demographics_matrix: pd.DataFrame,
    feat_items: pd.DataFrame,
    test_cases: dict[str, Case],
    chosen_configs: pd.DataFrame,
    user_metrics: pd.DataFrame,
    verdict: pd.DataFrame,
    params: EvaluationParams,
    **generators: Any,
) -> list[dict[str, Any]]:
    """Lay out a few customers before and after, and synthetic ones to stand in their place.

    Args:
        train_histories: Real training users.
        synthetic_users: Sets of synthetic users by name.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        feat_items: Items with what is known of them, for what they are called.
        test_cases: Test users by slice.
        chosen_configs: What ``tune_arms`` chose.
        user_metrics: Metrics a test user, by which they are chosen.
        verdict: The verdict, whose strongest case is shown.
        params: Parameters of the pipeline.
        **generators: Trained generators by name.

    Returns:
        Blocks ``reporting.blocks.People``, ready for JSON; none where nothing synthetic is used.
    """
    row = examples.strongest_case(verdict, strongest_first)
    if row is None:
        return []
    real = examples.typical(test_cases[row[Columns.SLICE]], user_metrics, row)
    made = examples.synthetic_case(synthetic_users["gan"], real, len(examples.PLACES))
    completers = {
        arm: completer_of(
            arm,
            train_histories,
            generators,
            pd.concat([demographics_matrix, average_profiles(demographics_matrix, made)]),
            params.completion_draws,
            params.seed,
        )
        for arm in {OWN, row[Columns.ARM]}
    }
    configs = configurations(chosen_configs, row)
    names = titles(feat_items).to_numpy(str)
    shown = [(case, notes) for case, notes in ((real, PLACE_NOTES), (made, ())) if case.n_users]
    lists = examples.list_items(
        [case for case, _ in shown],
        row,
        configs,
        train_histories,
        synthetic_users,
        completers[row[Columns.ARM]],
        completers[OWN],
        k=params.k,
        top=params.completion_top,
    )
    return [
        lay_out(found, row, names, notes).model_dump(mode="json")
        for found, (_, notes) in zip(lists, shown, strict=True)
    ]


def average_profiles(demographics: pd.DataFrame, made: Case) -> pd.DataFrame:
    """Profiles for synthetic customers, of whom none is kept: the mean of all real ones.

    Args:
        demographics: ``user_id`` and one column per demographic feature.
        made: Synthetic customers.
    """
    mean = demographics.drop(columns=Columns.USER).mean()
    rows = pd.DataFrame([mean] * made.n_users, columns=mean.index)
    return rows.assign(**{Columns.USER: made.user_ids})[list(demographics.columns)]


def configurations(chosen: pd.DataFrame, row: Mapping[Any, Any]) -> dict[str, str]:
    """By arm what validation chose, for the group and the recommender of a row.

    Args:
        chosen: What ``tune_arms`` chose.
        row: slice, recommender.
    """
    keys = [Columns.SLICE, Columns.RECOMMENDER]
    same = (chosen[keys] == [row[key] for key in keys]).all(axis=1)
    return dict(zip(chosen[same][Columns.ARM], chosen[same]["config"], strict=True))


def lay_out(
    lists: examples.Lists, row: Mapping[Any, Any], names: np.ndarray, notes: Sequence[str]
) -> People:
    """Customers with their lists in words.

    Args:
        lists: Their lists, as catalogue positions.
        row: The case that they stand for.
        names: (n_items,) what each item is called.
        notes: What is said of each; empty for synthetic customers.
    """
    group, system = slice_label(row[Columns.SLICE]), recommender_label(row[Columns.RECOMMENDER])
    who = "Customers" if notes else "Synthetic customers, made by the GAN to stand for real ones"
    return People(
        caption=f"{who}: {group[0].lower()}{group[1:]}. {system} without synthetic data, and with "
        f"{arm_phrase(row[Columns.ARM])}.",
        synthetic=not notes,
        people=tuple(
            _person(lists, user, names, notes[user] if notes else "")
            for user in range(lists.case.n_users)
        ),
    )


def _person(lists: examples.Lists, user: int, names: np.ndarray, note: str) -> Person:
    bought = set(lists.case.relevant.of(user).tolist())
    before, after = lists.before[user], lists.after[user]
    known = lists.case.seen.of(user)
    hits = [sum(item in bought for item in found.tolist()) for found in (before, after)]
    told = f"{hits[0]} of {len(before)} came true before, {hits[1]} with synthetic data"
    return Person(
        name=f"Customer {user + 1}",
        note=f"{note[:1].upper()}{note[1:]}: {told}." if note else f"{told}.",
        lists=(
            _list("Known", known[::-1], names, (), None),
            _list("The GAN expects besides", lists.expected[user], names, bought, None),
            _list("Recommended without", before, names, bought, None),
            _list("Recommended with", after, names, bought, set(before.tolist())),
        ),
    )


def _list(
    title: str,
    items: np.ndarray,
    names: np.ndarray,
    bought: Iterable[int],
    held_against: set[int] | None,
) -> NamedList:
    listed = [int(item) for item in items if item >= 0]
    return NamedList(
        title=title,
        entries=tuple(
            Entry(
                text=readable(names[item]),
                found=item in bought,
                fresh=held_against is not None and item not in held_against,
            )
            for item in listed[:SHOWN]
        ),
        more=max(0, len(listed) - SHOWN),
    )


def readable(name: str) -> str:
    """What an item is called, not in capitals alone."""
    return name.capitalize() if name.isupper() else name
