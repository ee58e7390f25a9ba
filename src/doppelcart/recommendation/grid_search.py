"""The tuning loop: every arm chooses from the same grid, on validation users only.

Most of a grid is far from the best, and a few users show that. So it is searched in two rounds,
the shortest form of successive halving (Jamieson and Talwalkar 2016, "Non-stochastic best arm
identification and hyperparameter optimization"): everything is scored on the first users, the best
go on to all of them, and the choice is made between these finalists.
"""

from __future__ import annotations

import math
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.columns import Columns
from doppelcart.data.cases import Case, sample_case
from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.progress import progress
from doppelcart.recommendation.arms import ARMS, NONE, Kind, applies, of_kind
from doppelcart.recommendation.completion import Completer, complete_case
from doppelcart.recommendation.parallel import side_by_side
from doppelcart.recommendation.scoring import PLAIN, Level, values_at_levels
from doppelcart.recommendation.training_sets import check_synthetic, training_matrix
from doppelcart.recommenders import RECOMMENDERS, Recommender, RecommenderConfig

LEAST_FINALISTS: Final = 2
"""Finalists at the least: on the first users the best two are often too near to tell."""


@dataclass(frozen=True)
class TuningSettings:
    """What the tuning loop tries.

    Args:
        configs: By recommender name: the configurations to try, for every arm alike.
        arms: Names of the arms besides ``none``.
        ratios: Synthetic users per real one, above 0.
        strengths: Strengths of completion, above 0.
        metric: Name in ``scoring.METRICS``.
        k: Length of the lists.
        max_users: Validation users per case at most.
        completion_top: Items per user that a completion keeps; None keeps all.
        first_users: Validation users of the first round; None scores everything on all.
        finalists: Share of the candidates that go on to all users.
        seed: Of the draw of validation users, and of those of the first round.
        synthetic_only_slices: Slices on which synthetic-only arms are tuned.
        workers: Fits made side by side.
    """

    configs: Mapping[str, Sequence[RecommenderConfig]]
    arms: Sequence[str]
    ratios: Sequence[float]
    strengths: Sequence[float]
    metric: str = "ndcg"
    k: int = 20
    max_users: int = 500
    completion_top: int | None = None
    first_users: int | None = None
    finalists: float = 0.3
    seed: int = 0
    synthetic_only_slices: Sequence[str] | None = None
    workers: int = 1

    def names(self, kind: Kind) -> list[str]:
        """The arms of a kind."""
        return [arm for arm in self.arms if ARMS[arm].kind is kind]


@dataclass(frozen=True)
class _Stack:
    """The users of all cases one below the other, so that each config is scored once.

    ``starts`` has the first row of each slice, ``rows`` all of them in a random order: the users of
    the first round stand first. ``places`` is ``known`` with its order.
    """

    starts: dict[str, int]
    rows: dict[str, np.ndarray]
    known: sparse.csr_matrix
    places: sparse.csr_matrix
    relevant: sparse.csr_matrix
    added: dict[str, sparse.csr_matrix]

    @property
    def n_users(self) -> int:
        return int(self.known.shape[0])


_Task = tuple[str, str, float, _Stack]
_Candidate = tuple[RecommenderConfig, Level]
_Values = dict[_Candidate, np.ndarray]


def tune(
    train: Histories,
    synthetic: Mapping[str, Histories],
    completers: Mapping[str, Completer],
    cases: Mapping[str, Case],
    settings: TuningSettings,
) -> pd.DataFrame:
    """Score the configurations of every arm on the validation users of every slice.

    Each recommender is fitted once per arm and ratio; all slices and configurations are
    scored from that fit. Completion arms share the fit on the real users. In each slice, finalists
    are chosen among the candidates of one fit, or of one completion arm.

    Args:
        train: Real training users.
        synthetic: Sets of synthetic users by name (see ``SYNTHETIC_OF``).
        completers: Completer by completion arm.
        cases: Validation cases by slice.
        settings: What to try.

    Returns:
        One row per (arm, recommender, slice, config, level): the mean ``value`` of the metric
        over ``n_users`` users; whether it is a ``finalist``, scored on all of them. Level 0 of
        every arm is the row of ``none``.

    Raises:
        InputError: If no case has a user, or synthetic users do not fit the training users.
    """
    return tune_by_user(train, synthetic, completers, cases, settings)[0]


def tune_by_user(
    train: Histories,
    synthetic: Mapping[str, Histories],
    completers: Mapping[str, Completer],
    cases: Mapping[str, Case],
    settings: TuningSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``tune``, and what its means are made of where synthetic users stand in for real ones.

    Args:
        train: Real training users.
        synthetic: Sets of synthetic users by name (see ``SYNTHETIC_OF``).
        completers: Completer by completion arm.
        cases: Validation cases by slice.
        settings: What to try.

    Returns:
        As from ``tune``; and one row per (slice, recommender, config, arm, user) with the ``value``
        of the metric, for ``none`` and the synthetic-only arms on the slices of the latter. How
        these rank all configurations is a question of its own, so none of them is cut.

    Raises:
        InputError: If no case has a user, or synthetic users do not fit the training users.
    """
    drawn = draw(cases, settings)
    some = {name: drawn[name] for name in drawn if _is_wanted(name, settings)}
    largest = max(settings.ratios, default=0.0)
    ratios = dict.fromkeys(settings.names(Kind.TRAINING), largest)
    if some:
        ratios |= dict.fromkeys(settings.names(Kind.SYNTHETIC_ONLY), 1.0)
    check_synthetic(train, synthetic, ratios)
    everyone = _stack(drawn, completers, settings)
    only = _stack(some, {}, settings)
    tasks = [
        (name, arm, ratio, only if ARMS[arm].kind is Kind.SYNTHETIC_ONLY else everyone)
        for name in settings.configs
        for arm, ratio in _fits(RECOMMENDERS[name], settings, bool(some))
    ]
    total = sum(stack.n_users * len(settings.configs[name]) for name, _, _, stack in tasks)
    with progress(total, "tuning", "user") as bar:

        def score_fit(task: _Task) -> list[dict[str, object]]:
            name, arm, ratio, stack = task
            kind = RECOMMENDERS[name]
            recommender = kind().fit(training_matrix(arm, ratio, train, synthetic, kind))
            rows = _score_candidates(recommender, arm, ratio, stack, settings)
            bar.update(stack.n_users * len(settings.configs[name]))
            return rows

        parts = side_by_side(score_fit, tasks, settings.workers)
        rows = [row for part in parts for row in part]
    tried = pd.DataFrame(rows)
    scores = _share_none(tried.drop(columns="by_user"), settings)
    return scores.astype({"level": float, "value": float, "n_users": int}), _by_user(tried, some)


def choose(validation_scores: pd.DataFrame) -> pd.DataFrame:
    """The best configuration and level of every (slice, recommender, arm) on validation.

    Ties go to the smaller level, then to the configuration named first in the grid, so that
    an arm that brings nothing is chosen as ``none``.

    Args:
        validation_scores: As from ``tune``; only finalists can be chosen.

    Returns:
        One row per (slice, recommender, arm): ``config`` (JSON), ``level`` (the ratio or
        strength), ``value`` on validation and ``n_users``.
    """
    finalists = validation_scores[validation_scores["finalist"]]
    ordered = finalists.assign(
        order=np.arange(len(finalists)), value_=finalists["value"].fillna(-np.inf)
    ).sort_values(["value_", "level", "order"], ascending=[False, True, True], kind="stable")
    keys = [Columns.SLICE, Columns.RECOMMENDER, Columns.ARM]
    best = ordered.drop_duplicates(keys).sort_values("order")
    best = best.sort_values(keys, key=_as_first_seen(validation_scores), kind="stable")
    return best[[*keys, "config", "level", "value", "n_users"]].reset_index(drop=True)


def _as_first_seen(scores: pd.DataFrame) -> Callable[[pd.Series], pd.Series]:
    """Sort key: slices and recommenders in the order of the scores, arms in that of ARMS."""

    def key(column: pd.Series) -> pd.Series:
        order = list(ARMS) if column.name == Columns.ARM else scores[column.name].unique()
        return column.map({value: position for position, value in enumerate(order)})

    return key


def draw(cases: Mapping[str, Case], settings: TuningSettings) -> dict[str, Case]:
    """The users on whom everything is tuned.

    Args:
        cases: Validation cases by slice.
        settings: How many users, and the seed.

    Returns:
        Cases with at least one user and at most ``max_users``.

    Raises:
        InputError: If no case has a user.
    """
    drawn = {
        name: sample_case(case, settings.max_users, settings.seed)
        for name, case in cases.items()
        if case.n_users
    }
    if not drawn:
        raise InputError(
            f"None of the {len(cases)} validation cases ({', '.join(cases)}) has a user, so "
            "nothing can be tuned. Lower the known counts or widen the windows of the split."
        )
    return drawn


def _stack(
    cases: Mapping[str, Case], completers: Mapping[str, Completer], settings: TuningSettings
) -> _Stack:
    wanted = {arm: completers[arm] for arm in completers if arm in settings.arms}
    sizes = [case.n_users for case in cases.values()]
    starts = dict(zip(cases, np.cumsum([0, *sizes]).tolist(), strict=False))
    added = [complete_case(case, wanted, settings.completion_top) for case in cases.values()]
    return _Stack(
        starts=starts,
        rows={
            name: starts[name] + _order(name, case.n_users, settings.seed)
            for name, case in cases.items()
        },
        known=_vstack([case.seen.matrix for case in cases.values()]),
        places=_vstack([case.seen.places for case in cases.values()]),
        relevant=_vstack([case.relevant.matrix for case in cases.values()]),
        added={arm: _vstack([by_arm[arm] for by_arm in added]) for arm in wanted},
    )


def _order(name: str, n_users: int, seed: int) -> np.ndarray:
    """(n_users,) in a random order, the same for every arm."""
    rng = np.random.default_rng([seed, zlib.crc32(f"rounds/{name}".encode())])
    return rng.permutation(n_users)


def _vstack(matrices: list[sparse.csr_matrix]) -> sparse.csr_matrix:
    return sparse.csr_matrix(sparse.vstack(matrices)) if matrices else sparse.csr_matrix((0, 0))


def _fits(
    recommender: type[Recommender], settings: TuningSettings, with_synthetic_only: bool
) -> list[tuple[str, float]]:
    fits = [(NONE, 0.0)]
    fits += [(arm, ratio) for arm in settings.names(Kind.TRAINING) for ratio in settings.ratios]
    if with_synthetic_only:
        fits += [(arm, 1.0) for arm in settings.names(Kind.SYNTHETIC_ONLY)]
    return [fit for fit in fits if applies(ARMS[fit[0]].kind, recommender)]


def _is_wanted(name: str, settings: TuningSettings) -> bool:
    only = settings.synthetic_only_slices
    return only is None or name in only


def _score_candidates(
    recommender: Recommender, arm: str, ratio: float, stack: _Stack, settings: TuningSettings
) -> list[dict[str, object]]:
    completes = arm == NONE and applies(Kind.COMPLETION, type(recommender))
    levels = [PLAIN]
    if completes:
        levels += [(completion, s) for completion in stack.added for s in settings.strengths]
    candidates = [(config, level) for config in _configs(recommender, settings) for level in levels]
    all_final = {
        name
        for name in stack.rows
        if arm in (NONE, *of_kind(Kind.SYNTHETIC_ONLY)) and _is_wanted(name, settings)
    }
    return [
        {
            Columns.ARM: completion or arm,
            Columns.RECOMMENDER: recommender.name,
            Columns.SLICE: name,
            "config": config.model_dump_json(),
            "level": strength if completion else ratio,
            "value": _mean(by_user),
            "n_users": int(np.isfinite(by_user).sum()),
            "finalist": (config, (completion, strength)) in finalists,
            "by_user": by_user,
        }
        for name, (values, finalists) in _two_rounds(
            recommender, candidates, all_final, stack, settings
        ).items()
        for (config, (completion, strength)), by_user in values.items()
    ]


def _configs(recommender: Recommender, settings: TuningSettings) -> list[RecommenderConfig]:
    return list(dict.fromkeys(settings.configs[recommender.name]))


def _two_rounds(
    recommender: Recommender,
    candidates: Sequence[_Candidate],
    all_final: Collection[str],
    stack: _Stack,
    settings: TuningSettings,
) -> dict[str, tuple[_Values, list[_Candidate]]]:
    """By slice: (n_users,) values of each candidate, NaN where it was not scored; the finalists."""
    values = {
        name: {candidate: np.full(len(rows), np.nan) for candidate in candidates}
        for name, rows in stack.rows.items()
    }
    left = {name: list(candidates) for name in stack.rows}

    def score(users: slice) -> None:
        now = {name: rows[users] for name, rows in stack.rows.items() if len(rows[users])}
        for name, candidate, found in _score_round(recommender, left, now, stack, settings):
            values[name][candidate][now[name] - stack.starts[name]] = found

    first = settings.first_users or max(map(len, stack.rows.values()), default=0)
    score(slice(first))
    left |= {
        name: _best(candidates, values[name], settings.finalists)
        for name, rows in stack.rows.items()
        if len(rows) > first and name not in all_final
    }
    score(slice(first, None))
    return {name: (values[name], left[name]) for name in stack.rows}


def _score_round(
    recommender: Recommender,
    left: Mapping[str, Sequence[_Candidate]],
    rows: Mapping[str, np.ndarray],
    stack: _Stack,
    settings: TuningSettings,
) -> Iterator[tuple[str, _Candidate, np.ndarray]]:
    """Values of what is left of each slice on the given rows of it.

    Consecutive configurations of which the same is asked are scored in one pass over the users,
    and so are slices of which the same is asked. One configuration comes after the other, so that
    what a recommender keeps of it is made once a round.
    """
    known = stack.places if recommender.needs_order else stack.known

    def levels_left(config: RecommenderConfig) -> dict[str, tuple[Level, ...]]:
        return {name: tuple(level for own, level in left[name] if own == config) for name in rows}

    for by_slice, group in groupby(_configs(recommender, settings), key=levels_left):
        configs = list(group)
        together: dict[tuple[Level, ...], list[str]] = defaultdict(list)
        for name, levels in by_slice.items():
            together[levels].append(name)
        together.pop((), None)
        for levels, names in together.items():
            users = np.concatenate([rows[name] for name in names])
            ends = np.cumsum([len(rows[name]) for name in names])[:-1]
            by_config = values_at_levels(
                recommender,
                configs,
                known[users],
                {arm: stack.added[arm][users] for arm, _ in levels if arm},
                levels,
                stack.relevant[users],
                settings.metric,
                settings.k,
            )
            for config, values in zip(configs, by_config, strict=True):
                for level, found in values.items():
                    for name, part in zip(names, np.split(found, ends), strict=True):
                        yield name, (config, level), part


def _best(candidates: Sequence[_Candidate], values: _Values, share: float) -> list[_Candidate]:
    """The best of each completion arm's candidates, and of those without completion."""
    kept: set[_Candidate] = set()
    for arm in dict.fromkeys(arm for _, (arm, _) in candidates):
        # Ties go to the smaller strength, then to the order of the grid, as in the choice.
        pool = [candidate for candidate in candidates if candidate[1][0] == arm]
        pool.sort(key=lambda candidate: candidate[1][1])
        pool.sort(key=lambda candidate: -np.nan_to_num(_mean(values[candidate]), nan=-np.inf))
        kept.update(pool[: max(LEAST_FINALISTS, math.ceil(len(pool) * share))])
    return [candidate for candidate in candidates if candidate in kept]


def _mean(values: np.ndarray) -> float:
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _by_user(tried: pd.DataFrame, cases: Mapping[str, Case]) -> pd.DataFrame:
    """One row per user, for real users and for those that stand in for them."""
    compared = (NONE, *of_kind(Kind.SYNTHETIC_ONLY))
    labels = [Columns.SLICE, Columns.RECOMMENDER, "config", Columns.ARM]
    kept = tried[tried[Columns.ARM].isin(compared) & tried[Columns.SLICE].isin(cases)]
    users = kept[Columns.SLICE].map(lambda name: cases[name].user_ids)
    long = kept.assign(**{Columns.USER: users, "value": kept["by_user"]})
    long = long.explode([Columns.USER, "value"])
    return long[[*labels, Columns.USER, "value"]].astype({"value": float}).reset_index(drop=True)


def _share_none(scores: pd.DataFrame, settings: TuningSettings) -> pd.DataFrame:
    """Give every arm the rows of ``none`` as its level 0, so that 0 is in every grid."""
    none = scores[scores[Columns.ARM] == NONE]
    frames = [none]
    for arm in settings.arms:
        own = scores[scores[Columns.ARM] == arm]
        if ARMS[arm].kind in (Kind.TRAINING, Kind.COMPLETION):
            takers = [n for n, kind in RECOMMENDERS.items() if applies(ARMS[arm].kind, kind)]
            shared = none[none[Columns.RECOMMENDER].isin(takers)]
            own = pd.concat([shared.assign(**{Columns.ARM: arm}), own])
        frames.append(own)
    return pd.concat(frames, ignore_index=True)
