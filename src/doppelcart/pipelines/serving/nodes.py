"""Nodes of the serving pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.together import pairs_together, visits_of
from doppelcart.columns import MISSING, Columns
from doppelcart.data.histories import Histories
from doppelcart.data.slices import WARM
from doppelcart.data.titles import NAMES, titles
from doppelcart.errors import InputError
from doppelcart.models.histories.generation import profile_rows
from doppelcart.pipelines.serving.params import ServingParams
from doppelcart.recommendation.arms import NONE
from doppelcart.recommendation.completers import completer_of
from doppelcart.recommendation.exporting import (
    best_systems,
    completed_by,
    evidence_of,
    export,
)
from doppelcart.recommendation.listing import System, top_items
from doppelcart.recommendation.protocol import EvaluationParams
from doppelcart.serving.model import Catalogue, Model, Pairs, Profiles

SHOWN: Final = "gan"
"""The generator whose completions are shown beside lists that are made without one."""
ATTRIBUTES: Final = (
    Columns.DEPARTMENT,
    Columns.CATEGORY,
    Columns.TYPE,
    Columns.BRAND,
    Columns.MANUFACTURER,
)
"""Columns that a list can be filtered by, and that items may have in common."""


def choose_system(promotion: dict[str, Any], chosen_configs: pd.DataFrame) -> dict[str, Any]:
    """What recommends returning customers: what won, or what helps, or the best plain recommender.

    Every customer of the log has bought before, so what was chosen for returning customers
    counts; where none were tested, the first group that was.

    Args:
        promotion: What may go into service.
        chosen_configs: What validation chose.

    Returns:
        The fields of ``recommendation.listing.System``, ready for JSON.

    Raises:
        InputError: Nothing was tuned.
    """
    if chosen_configs.empty:
        raise InputError("Nothing was tuned, so nothing can recommend. Run evaluation again.")
    slices = chosen_configs[Columns.SLICE]
    group = WARM if WARM in set(slices) else str(slices.iloc[0])
    rows = chosen_configs[slices == group].to_dict("records")
    won, helps = (_named_in(rows, promotion[part], group) for part in ("promoted", "admitted"))
    plain = [row for row in rows if row[Columns.ARM] == NONE]
    best = max(won or helps or plain, key=lambda row: float(row["value"]))
    system = System(
        recommender=str(best[Columns.RECOMMENDER]),
        arm=str(best[Columns.ARM]),
        level=float(best["level"]),
        config=str(best["config"]),
        group=group,
        promoted=bool(won),
        admitted=bool(helps and not won),
    )
    return system.model_dump()


def _named_in(
    rows: list[dict[Any, Any]], entries: list[dict[str, Any]], group: str
) -> list[dict[Any, Any]]:
    """The rows of a slice that some entries of a promotion name."""
    keys = (Columns.RECOMMENDER, Columns.ARM)
    named = {tuple(e[key] for key in keys) for e in entries if e[Columns.SLICE] == group}
    return [row for row in rows if tuple(row[key] for key in keys) in named]


def recommend_items(
    system: dict[str, Any],
    prm_interactions: ir.Table,
    prm_items: ir.Table,
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    demographics_matrix: pd.DataFrame,
    evaluation: EvaluationParams,
    params: ServingParams,
    **generators: Any,
) -> pd.DataFrame:
    """The best items that each customer has not bought yet, by all that is known of everybody.

    Args:
        system: What ``choose_system`` chose.
        prm_interactions: Clean interactions of all customers.
        prm_items: Clean items.
        train_histories: Real training users, with the catalogue.
        synthetic_users: Sets of synthetic users by name.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        evaluation: How histories were completed when the system was judged.
        params: Parameters of the pipeline.
        **generators: Trained generators by name.

    Returns:
        One row per (customer, rank): user_id, rank from 1, item_id, score (higher is better, of no
        unit), title.
    """
    everybody = histories_of_all(prm_interactions, train_histories.item_ids)
    chosen = System.model_validate(system)
    draws, seed = evaluation.completion_draws, evaluation.seed
    completer = completer_of(chosen.arm, everybody, generators, demographics_matrix, draws, seed)
    listed = top_items(
        chosen,
        everybody,
        synthetic_users,
        completer,
        k=params.k,
        n_judged=train_histories.n_users,
        completion_top=evaluation.completion_top,
    )
    return listed.assign(**{Columns.TITLE: listed[Columns.ITEM].map(titles_of(prm_items))})


def export_model(
    promotion: dict[str, Any],
    chosen_configs: pd.DataFrame,
    user_metrics: pd.DataFrame,
    verdict: pd.DataFrame,
    prm_interactions: ir.Table,
    prm_items: ir.Table,
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    demographics_matrix: pd.DataFrame,
    demographics_transformer: Any,
    evaluation: EvaluationParams,
    params: ServingParams,
    **generators: Any,
) -> Model:
    """The model that a server answers from: what may serve each slice, fitted on everybody.

    Args:
        promotion: What may go into service.
        chosen_configs: What validation chose.
        user_metrics: Metrics of every held-out customer, for the evidence.
        verdict: The verdict on what is generated.
        prm_interactions: Clean interactions of all customers.
        prm_items: Clean items.
        train_histories: Real training users, with the catalogue.
        synthetic_users: Sets of synthetic users by name.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        demographics_transformer: What made it.
        evaluation: How histories were completed when the systems were judged.
        params: Parameters of the pipeline.
        **generators: Trained generators by name. Completions of the GAN are shown beside the lists.
    """
    systems = best_systems(promotion, chosen_configs, train_histories.n_items, params.max_gb * 1e9)
    # The networks need TensorFlow, which a listing of pipelines does not wait for.
    from doppelcart.models.histories.serving_arrays import completer_arrays

    wanted = {completed_by(system) for system, _ in systems.values()} - {""}
    everybody = histories_of_all(prm_interactions, train_histories.item_ids)
    return export(
        systems,
        everybody,
        synthetic_users,
        catalogue_of(
            prm_items,
            train_histories.item_ids,
            pairs_of(prm_interactions, train_histories.item_ids, params),
        ),
        evidence_of(systems, user_metrics, verdict, params.metric, evaluation.seed),
        n_judged=train_histories.n_users,
        completers={
            name: completer_arrays(generators[name], evaluation.completion_draws, evaluation.seed)
            for name in [SHOWN, *sorted(wanted - {SHOWN})]
        },
        completion_top=evaluation.completion_top,
        profiles=profiles_of(demographics_matrix, demographics_transformer, everybody.user_ids),
    )


def profiles_of(
    demographics_matrix: pd.DataFrame, demographics_transformer: Any, user_ids: np.ndarray
) -> Profiles | None:
    """What is known of customers besides their purchases, as the generators read it.

    Args:
        demographics_matrix: ``user_id`` and one column per demographic feature.
        demographics_transformer: What made it; its parts are ``level`` and ``flag``.
        user_ids: (n_users,) the customers, in the order that is wanted.

    Returns:
        None where the source has no demographics.
    """
    rows = profile_rows(demographics_matrix, user_ids.astype(str))
    if not rows.shape[1]:
        return None
    values: dict[str, dict[str, int]] = {}
    missing: dict[str, int] = {}
    nothing, column = None, 0
    for part, steps, names in demographics_transformer.transformers_:
        if part == "level":
            for name, levels in zip(names, steps.categories_, strict=True):
                values[name] = {str(level): column + place for place, level in enumerate(levels)}
                column += len(levels)
        elif part == "flag":
            for name in names:
                if name.endswith(MISSING):
                    missing[name.removesuffix(MISSING)] = column
                else:
                    nothing = column
                column += 1
    return Profiles(values, missing, nothing, rows)


def histories_of_all(interactions: ir.Table, item_ids: np.ndarray) -> Histories:
    """All customers with all that is known of them, which may be nothing of the catalogue.

    Args:
        interactions: Clean interactions.
        item_ids: The catalogue.
    """
    firsts = (
        interactions.group_by([Columns.USER, Columns.ITEM])
        .aggregate(**{Columns.TIMESTAMP: interactions[Columns.TIMESTAMP].min()})
        .order_by([Columns.USER, Columns.TIMESTAMP, Columns.ITEM])
    )
    bought = Histories.from_firsts(firsts.to_pandas())
    catalogue = item_ids.astype(str)
    positions = pd.Index(catalogue).get_indexer(bought.item_ids)[bought.items]
    kept = bought.where(positions >= 0)
    items = positions[positions >= 0].astype(np.int32)
    return Histories(kept.user_ids, catalogue, kept.indptr, items)


def pairs_of(interactions: ir.Table, item_ids: np.ndarray, params: ServingParams) -> Pairs:
    """Items that are bought together above chance.

    Args:
        interactions: Clean interactions of all customers.
        item_ids: The catalogue.
        params: From when on two items are a pair.
    """
    columns = [Columns.USER, Columns.ITEM, Columns.TIMESTAMP, Columns.BASKET]
    visits = visits_of(interactions.select(columns).to_pandas())
    named = pairs_together(visits, params.min_baskets, params.min_lift)
    first, second = (pd.Index(item_ids.astype(str)).get_indexer(names) for names in named)
    known = (first >= 0) & (second >= 0)
    ends = (
        np.concatenate([first[known], second[known]]),
        np.concatenate([second[known], first[known]]),
    )
    size = len(item_ids)
    matrix = sparse.csr_matrix((np.ones(len(ends[0])), ends), shape=(size, size))
    matrix.sort_indices()
    return Pairs(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32))


def catalogue_of(items: ir.Table, item_ids: np.ndarray, pairs: Pairs | None = None) -> Catalogue:
    """Items by catalogue position, with what they can be filtered by and what relates them.

    Args:
        items: Clean items.
        item_ids: The catalogue.
        pairs: Items that are bought together.
    """
    ids = [str(item) for item in item_ids]
    told = titles_of(items).reindex(ids)
    names = [name for name in ATTRIBUTES if name in items.columns]
    table = items.select(Columns.ITEM, *names).to_pandas().set_index(Columns.ITEM).reindex(ids)
    texts = table.astype(object).where(table.notna(), None)
    return Catalogue(
        ids,
        told.where(told.notna(), pd.Series(ids, index=ids)).astype(str).tolist(),
        {name: [None if v is None else str(v) for v in texts[name]] for name in names},
        pairs,
    )


def list_synthetic_customers(
    synthetic_users: Mapping[str, Histories], prm_items: ir.Table
) -> pd.DataFrame:
    """The GAN's customers with what they bought, an item per row.

    Args:
        synthetic_users: Sets of synthetic users by name.
        prm_items: Clean items.

    Returns:
        One row per (customer, item): customer, item_id, title.
    """
    users = synthetic_users["gan"]
    items = users.item_ids[users.items]
    return pd.DataFrame(
        {
            "customer": np.repeat(users.user_ids.astype(str), users.lengths),
            Columns.ITEM: items,
            Columns.TITLE: pd.Series(items).map(titles_of(prm_items)).to_numpy(),
        }
    )


def titles_of(items: ir.Table) -> pd.Series:
    """By item: what it is called; see ``data.titles``."""
    frame = items.select(Columns.ITEM, *[name for name in NAMES if name in items.columns])
    return titles(frame.to_pandas().set_index(Columns.ITEM))
