"""From what was chosen and judged to a model that a server answers from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.columns import Columns
from doppelcart.data.histories import Histories
from doppelcart.data.lineage import digest
from doppelcart.data.slices import Slice, slice_order
from doppelcart.errors import InputError
from doppelcart.experiment.resampling import paired_bootstrap
from doppelcart.recommendation.arms import ARMS, COMPLETED_BY, GENERATORS, NONE, SYNTHETIC_OF, Kind
from doppelcart.recommendation.labels import recommender_label
from doppelcart.recommendation.listing import System
from doppelcart.recommenders import RECOMMENDERS, Recommender
from doppelcart.serving import model as serving
from doppelcart.serving.history_completer import Completer

MOST_POPULAR = "the most popular items"


def best_systems(
    promotion: Mapping[str, Any], chosen_configs: pd.DataFrame, n_items: int, max_bytes: float
) -> dict[str, tuple[System, str]]:
    """What serves each slice, with a note where what was best cannot.

    Slices come in the order of the tables, so that returning customers have the first claim on
    the memory. Slices by a share of a history are left out: they could serve nobody.

    Args:
        promotion: What may go into service.
        chosen_configs: What validation chose.
        n_items: Size of the catalogue.
        max_bytes: Memory that all item-item weights may take together.

    Returns:
        By slice: the best of what was promoted and comes to plain arrays, or else of what was
        admitted, or else the best plain recommender that does.
    """
    wins, helps = (_named(promotion[which]) for which in ("promoted", "admitted"))
    found: dict[str, tuple[System, str]] = {}
    sizes: dict[tuple[str, str, float, str], int] = {}
    for name in slice_order(chosen_configs[Columns.SLICE].astype(str)):
        if Slice.of(name).known_share is not None:
            continue
        rows = chosen_configs[chosen_configs[Columns.SLICE] == name].to_dict("records")
        systems = [_system(name, row, wins, helps) for row in rows]
        # What was promoted comes first, then what was admitted; the better on validation before
        # the others.
        ranked = sorted(
            zip(systems, (float(row["value"]) for row in rows), strict=True),
            key=lambda pair: (not pair[0].promoted, not pair[0].admitted, -pair[1]),
        )
        ordered = [
            system
            for system, _ in ranked
            if system.promoted or system.admitted or system.arm == NONE
        ]
        free = max_bytes - sum(sizes.values())
        for system in ordered:
            size = 0 if _key(system) in sizes else _size(system, n_items)
            if can_serve(system) and size <= free:
                standing = helps.get((name, system.recommender, system.arm), "")
                better = "" if system is ordered[0] else _note(ordered[0])
                found[name] = system, " ".join(filter(None, (standing, better)))
                sizes.setdefault(_key(system), size)
                break
    return found


def can_serve(system: System) -> bool:
    """Whether a system comes to plain arrays, as generators do and popularity's completions do not.

    Args:
        system: What recommends.
    """
    if completed_by(system) not in ("", *GENERATORS):
        return False
    recommender = RECOMMENDERS.get(system.recommender)
    return recommender is not None and recommender.scorer is not Recommender.scorer


def completed_by(system: System) -> str:
    """Name of the generator that completes histories for a system; empty where none does.

    Args:
        system: What recommends.
    """
    completes = ARMS[system.arm].kind is Kind.COMPLETION and system.level > 0
    return COMPLETED_BY[system.arm] if completes else ""


def _named(entries: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str], str]:
    """Reasons of a part of a promotion, by slice, recommender and arm."""
    keys = (Columns.SLICE, Columns.RECOMMENDER, Columns.ARM)
    return {tuple(entry[key] for key in keys): entry["reason"] for entry in entries}


def _system(
    name: str,
    row: Mapping[Any, Any],
    wins: Mapping[tuple[str, str, str], str],
    helps: Mapping[tuple[str, str, str], str],
) -> System:
    recommender, arm = str(row[Columns.RECOMMENDER]), str(row[Columns.ARM])
    return System(
        recommender=recommender,
        arm=arm,
        level=float(row["level"]),
        config=str(row["config"]),
        group=name,
        promoted=(name, recommender, arm) in wins,
        admitted=(name, recommender, arm) in helps,
    )


def _key(system: System) -> tuple[str, str, float, str]:
    """What two slices must have in common to share arrays."""
    return *_fit(system), system.config


def _fit(system: System) -> tuple[str, str, float]:
    """What systems have in common that are fitted alike: a completion changes no fit."""
    if completed_by(system):
        return system.recommender, NONE, 0.0
    return system.recommender, system.arm, system.level


def _size(system: System, n_items: int) -> int:
    recommender = RECOMMENDERS[system.recommender]
    config = recommender.Config.model_validate_json(system.config)
    return recommender.scorer_bytes(n_items, config)


def _note(wanted: System) -> str:
    phrase = "" if wanted.arm == NONE else f" with {ARMS[wanted.arm].phrase}"
    why = (
        "its weights would take more memory than serving.max_gb allows"
        if can_serve(wanted)
        else "it does not come to plain arrays, which alone are served"
    )
    return f"{recommender_label(wanted.recommender)}{phrase} would be preferred, but {why}."


def export(
    systems: Mapping[str, tuple[System, str]],
    everybody: Histories,
    synthetic: Mapping[str, Histories],
    catalogue: serving.Catalogue,
    evidence: Mapping[str, serving.Evidence],
    *,
    n_judged: int,
    completers: Mapping[str, Completer] | None = None,
    completion_top: int | None = None,
    profiles: serving.Profiles | None = None,
) -> serving.Model:
    """Fit what was chosen on everybody, and take the arrays that it comes to.

    Args:
        systems: As from ``best_systems``.
        everybody: All customers with all that is known of them.
        synthetic: Sets of synthetic users by name.
        catalogue: Items, aligned with the histories.
        evidence: By slice, as from ``evidence_of``.
        n_judged: Training users when the systems were judged.
        completers: Generators by name: those that strategies complete histories by; and the one
            that is shown beside lists made without one, which comes first.
        completion_top: Items per customer that a completion keeps; None keeps all.
        profiles: What is known of everybody besides, in the order of the histories.

    Raises:
        InputError: Nothing that was chosen comes to plain arrays.
    """
    if not systems:
        raise InputError(
            "Nothing that was tuned can be served without a network. Add popularity, itemknn, "
            "ials, puresvd or ease to evaluation.grids."
        )
    fits: dict[tuple[str, str, float], Recommender] = {}
    made: dict[tuple[str, str, float, str], serving.System] = {}
    strategies = {}
    for name, (system, note) in systems.items():
        fit = _fit(system)
        if fit not in fits:
            train = training_matrix(system, everybody, synthetic, n_judged)
            fits[fit] = RECOMMENDERS[system.recommender]().fit(train)
        key = _key(system)
        if key not in made:
            made[key] = _arrays(fits[fit], system)
        facts = serving.Facts(
            slice=name,
            customers=Slice.of(name).phrase,
            recommender=system.recommender,
            label=recommender_label(system.recommender),
            arm=system.arm,
            level=system.level,
            config=system.config,
            promoted=system.promoted,
            admitted=system.admitted,
            completed_by=completed_by(system),
            note=note,
            evidence=evidence.get(name),
        )
        strategies[name] = serving.Strategy(facts, made[key])
    order = np.argsort(everybody.user_ids)
    return serving.Model(
        catalogue,
        _customers(everybody.select(order)),
        strategies,
        _lineage(everybody),
        completers or {},
        completion_top,
        profiles and replace(profiles, rows=profiles.rows[order]),
    )


def training_matrix(
    system: System, everybody: Histories, synthetic: Mapping[str, Histories], n_judged: int
) -> sparse.csr_matrix:
    """What a system is fitted on: everybody, and as many synthetic users as when it was judged.

    Who bought nothing of the catalogue teaches nothing, and is left out.

    Args:
        system: What recommends.
        everybody: All customers with all that is known of them.
        synthetic: Sets of synthetic users by name.
        n_judged: Training users when the system was judged.
    """
    real = everybody.matrix[everybody.lengths > 0]
    if ARMS[system.arm].kind is not Kind.TRAINING or system.level == 0:
        return real
    added = synthetic[SYNTHETIC_OF[system.arm]].matrix[: round(system.level * n_judged)]
    return sparse.vstack([real, added], format="csr")


def evidence_of(
    systems: Mapping[str, tuple[System, str]],
    user_metrics: pd.DataFrame,
    verdict: pd.DataFrame,
    metric: str,
    seed: int = 0,
) -> dict[str, serving.Evidence]:
    """What each strategy did for held-out customers, held to the most popular items.

    Args:
        systems: As from ``best_systems``.
        user_metrics: One row per (slice, arm, recommender, user).
        verdict: As from ``experiment.verdict.judge``.
        metric: Column of the user metrics, such as ``ndcg@20``.
        seed: Of the intervals.

    Returns:
        By slice; one that was not measured is left out.
    """
    keys = [Columns.SLICE, Columns.RECOMMENDER, Columns.ARM]
    of_all = {key: rows.set_index(Columns.USER)[metric] for key, rows in user_metrics.groupby(keys)}
    words = verdict.set_index(keys)["verdict"].to_dict() if len(verdict) else {}
    found = {}
    for name, (system, _) in systems.items():
        key = (name, system.recommender, system.arm)
        if key in of_all and of_all[key].notna().any():
            popular = of_all.get((name, "popularity", NONE))
            gain = {} if popular is None else _gain(of_all[key], popular, seed)
            found[name] = serving.Evidence(
                metric=metric,
                value=float(of_all[key].mean()),
                n_customers=int(of_all[key].notna().sum()),
                verdict=str(words.get(key, "")),
                **gain,
            )
    return found


def _gain(values: pd.Series, popular: pd.Series, seed: int) -> dict[str, Any]:
    """Relative gain over the most popular items; none where that is what serves."""
    both = pd.concat([values, popular], axis=1, join="inner").dropna().to_numpy()
    if len(both) < 2 or np.array_equal(both[:, 0], both[:, 1]):
        return {}
    gain = paired_bootstrap(both[:, 0], both[:, 1], rng=np.random.default_rng(seed))
    told = {
        "relative": gain.relative,
        "relative_low": gain.relative_low,
        "relative_high": gain.relative_high,
    }
    finite = {name: float(value) for name, value in told.items() if np.isfinite(value)}
    return {"against": MOST_POPULAR, **finite}


def _arrays(recommender: Recommender, system: System) -> serving.System:
    config = recommender.Config.model_validate_json(system.config)
    scorer = recommender.scorer(config)
    if scorer is None:
        raise InputError(f"{system.recommender} does not come to arrays and cannot be served.")
    return serving.System(scorer, recommender.popularity)


def _customers(in_order: Histories) -> serving.Customers:
    return serving.Customers(
        in_order.user_ids.astype(str), in_order.indptr, in_order.matrix.indices
    )


def _lineage(everybody: Histories) -> dict[str, Any]:
    return {
        "customers": everybody.n_users,
        "items": everybody.n_items,
        "purchases": len(everybody.items),
        "histories": digest(
            everybody.user_ids.tolist(), everybody.item_ids.tolist(), everybody.items.tolist()
        ),
    }
