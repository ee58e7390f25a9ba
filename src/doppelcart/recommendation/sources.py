"""Candidate sources: what each tuned recommender would list, with and without what is generated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.metrics.ranking import NO_ITEM, top_k
from doppelcart.progress import progress
from doppelcart.recommendation.arms import ARMS, NONE, Kind
from doppelcart.recommendation.completion import Completer, Completions, complete_case
from doppelcart.recommendation.fusing import Ranked
from doppelcart.recommendation.parallel import side_by_side
from doppelcart.recommendation.scoring import batches, or_popular
from doppelcart.recommendation.training_sets import training_matrix
from doppelcart.recommenders import RECOMMENDERS, Recommender
from doppelcart.serving.history_completer import completed

Listed = dict[str, dict[str, Ranked]]
"""By slice and name of the source: the best items of each user."""

_Fit = tuple[str, str, float]


class Source(NamedTuple):
    """One tuned system, as validation chose it for a slice.

    Attributes:
        slice: Whom it was chosen for.
        recommender: Name in ``RECOMMENDERS``.
        arm: Name in ``ARMS``: what it is given of synthetic data.
        level: Ratio of added users, or strength of completion.
        config: Its configuration, as JSON.
        value: Metric on the validation users that chose it.
    """

    slice: str
    recommender: str
    arm: str
    level: float
    config: str
    value: float

    @property
    def name(self) -> str:
        """Its name among the sources of a slice."""
        return self.recommender if self.arm == NONE else f"{self.recommender}+{self.arm}"

    @property
    def fit(self) -> _Fit:
        """What it has in common with sources that are scored from the same fit."""
        trains = ARMS[self.arm].kind is Kind.TRAINING
        return self.recommender, self.arm if trains else NONE, self.level if trains else 0.0


def sources_of(chosen: pd.DataFrame, arms: Collection[str]) -> dict[str, list[Source]]:
    """The sources of every slice: all recommenders under some arms, where these are used.

    Args:
        chosen: As from ``grid_search.choose``.
        arms: Names in ``ARMS``. One that validation left at level 0 is the plain recommender, and
            no source of its own.

    Returns:
        By slice, in the order of the table; plain recommenders are always among them.
    """
    found: dict[str, list[Source]] = {}
    for row in chosen.to_dict("records"):
        arm, level = str(row[Columns.ARM]), float(row["level"])
        if arm == NONE or (arm in arms and level > 0):
            source = Source(
                slice=str(row[Columns.SLICE]),
                recommender=str(row[Columns.RECOMMENDER]),
                arm=arm,
                level=level,
                config=str(row["config"]),
                value=float(row["value"]),
            )
            found.setdefault(source.slice, []).append(source)
    return found


def list_candidates(
    train: Histories,
    synthetic: Mapping[str, Histories],
    completers: Mapping[str, Completer],
    cases: Mapping[str, Case],
    sources: Mapping[str, Sequence[Source]],
    depth: int,
    *,
    completion_top: int | None = None,
    workers: int = 1,
) -> Listed:
    """The best unknown items of each user by every source of the user's slice.

    Each recommender is fitted once for all that is scored from it, and only the heads of its lists
    are kept.

    Args:
        train: Real training users.
        synthetic: Sets of synthetic users by name.
        completers: Completer by completion arm.
        cases: Users by slice; those without sources, or without users, are left out.
        sources: Sources by slice.
        depth: Items per user and source.
        completion_top: Items per user that a completion keeps; None keeps all.
        workers: Fits made side by side.

    Returns:
        By slice and source, in the order of ``sources``.
    """
    wanted = {name: list(sources[name]) for name in sources if name in cases}
    wanted = {name: own for name, own in wanted.items() if cases[name].n_users}
    added = {
        name: complete_case(cases[name], _needed(own, completers), completion_top)
        for name, own in wanted.items()
    }
    everything = [source for own in wanted.values() for source in own]
    total = sum(cases[source.slice].n_users for source in everything)
    with progress(total, "listing candidates", "user") as bar:

        def list_fit(fit: _Fit) -> dict[Source, Ranked]:
            name, arm, ratio = fit
            kind = RECOMMENDERS[name]
            recommender = kind().fit(training_matrix(arm, ratio, train, synthetic, kind))
            listed = {}
            for source in (one for one in everything if one.fit == fit):
                case = cases[source.slice]
                listed[source] = _list(source, recommender, case, added[source.slice], depth)
                bar.update(case.n_users)
            return listed

        fits = dict.fromkeys(source.fit for source in everything)
        parts = list(side_by_side(list_fit, fits, workers))
    found = {source: ranked for part in parts for source, ranked in part.items()}
    return {name: {one.name: found[one] for one in own} for name, own in wanted.items()}


def _needed(sources: Iterable[Source], completers: Mapping[str, Completer]) -> dict[str, Completer]:
    used = {source.arm for source in sources}
    return {arm: completer for arm, completer in completers.items() if arm in used}


def _list(
    source: Source, recommender: Recommender, case: Case, added: Completions, depth: int
) -> Ranked:
    known = seen = recommender.matrix_of(case.seen)
    if ARMS[source.arm].kind is Kind.COMPLETION:
        seen = completed(known, added[source.arm], source.level)
    config = recommender.Config.model_validate_json(source.config)
    items, values = [], []
    for part in batches(case.n_users):
        scores = or_popular(recommender.score(seen[part], config), seen[part], recommender)
        best = top_k(scores, known[part], depth)
        items.append(best.astype(np.int32))
        own = np.take_along_axis(scores, np.maximum(best, 0), axis=1)
        values.append(np.where(best == NO_ITEM, np.nan, own).astype(np.float32))
    return Ranked(np.concatenate(items), np.concatenate(values))
