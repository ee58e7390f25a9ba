"""Nodes of the serving pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.histories import Histories
from doppelcart.data.slices import WARM
from doppelcart.data.titles import NAMES, titles
from doppelcart.errors import InputError
from doppelcart.pipelines.serving.params import ServingParams
from doppelcart.recommendation.arms import NONE
from doppelcart.recommendation.completers import completer_of
from doppelcart.recommendation.listing import System, top_items


def choose_system(promotion: dict[str, Any], chosen_configs: pd.DataFrame) -> dict[str, Any]:
    """What recommends: what was promoted for returning customers, or the best plain recommender.

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
    wins = {
        (entry[Columns.RECOMMENDER], entry[Columns.ARM])
        for entry in promotion["promoted"]
        if entry[Columns.SLICE] == group
    }
    won = [row for row in rows if (row[Columns.RECOMMENDER], row[Columns.ARM]) in wins]
    plain = [row for row in rows if row[Columns.ARM] == NONE]
    best = max(won or plain, key=lambda row: float(row["value"]))
    system = System(
        recommender=str(best[Columns.RECOMMENDER]),
        arm=str(best[Columns.ARM]),
        level=float(best["level"]),
        config=str(best["config"]),
        group=group,
        promoted=bool(won),
    )
    return system.model_dump()


def recommend_items(
    system: dict[str, Any],
    prm_interactions: ir.Table,
    prm_items: ir.Table,
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    demographics_matrix: pd.DataFrame,
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
        params: Parameters of the pipeline.
        **generators: Trained generators by name.

    Returns:
        One row per (customer, rank): user_id, rank from 1, item_id, score (higher is better, of no
        unit), title.
    """
    firsts = (
        prm_interactions.group_by([Columns.USER, Columns.ITEM])
        .aggregate(**{Columns.TIMESTAMP: prm_interactions[Columns.TIMESTAMP].min()})
        .order_by([Columns.USER, Columns.TIMESTAMP, Columns.ITEM])
    )
    everybody = Histories.from_firsts(firsts.to_pandas(), train_histories.item_ids)
    chosen = System.model_validate(system)
    completer = completer_of(
        chosen.arm, everybody, generators, demographics_matrix, params.completion_draws, params.seed
    )
    listed = top_items(
        chosen,
        everybody,
        synthetic_users,
        completer,
        k=params.k,
        n_judged=train_histories.n_users,
        completion_top=params.completion_top,
        seed=params.seed,
    )
    return listed.assign(**{Columns.TITLE: listed[Columns.ITEM].map(titles_of(prm_items))})


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
