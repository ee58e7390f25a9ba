"""Lists for customers: the chosen system, fitted on everybody."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy import sparse

from doppelcart.columns import Columns
from doppelcart.data.histories import Histories
from doppelcart.metrics import ranking
from doppelcart.recommendation.arms import ARMS, SYNTHETIC_OF, Kind
from doppelcart.recommendation.completion import Completer, strongest_of
from doppelcart.recommendation.scoring import batches, or_popular
from doppelcart.recommenders import RECOMMENDERS, Recommender, RecommenderConfig
from doppelcart.serving.history_completer import completed
from doppelcart.serving.scorer import Scorer, rank


class System(BaseModel):
    """What recommends.

    Attributes:
        recommender: Name in ``RECOMMENDERS``.
        arm: Name in ``ARMS``: what it is given of synthetic data.
        level: Ratio of added users, or strength of completion.
        config: Its configuration, as JSON.
        group: Slice of customers for whom it was chosen.
        promoted: Whether the verdict promoted it.
        admitted: Whether it is a control that is shown to help. What is neither is the best without
            synthetic data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recommender: str
    arm: str
    level: float
    config: str
    group: str
    promoted: bool
    admitted: bool = False


def top_items(
    system: System,
    everybody: Histories,
    synthetic: Mapping[str, Histories],
    completer: Completer | None,
    *,
    k: int,
    n_judged: int,
    completion_top: int | None = None,
) -> pd.DataFrame:
    """The best items that each customer has not bought yet.

    Args:
        system: What recommends.
        everybody: All customers with all that is known of them.
        synthetic: Sets of synthetic users by name.
        completer: What completes histories; None where the arm of the system completes none.
        k: Items per customer at most.
        n_judged: Training users when the system was judged: it is given as many synthetic users as
            then.
        completion_top: Items per user that a completion keeps; None keeps all.

    Returns:
        One row per (customer, rank): user_id, rank from 1, item_id and score, best first.
    """
    matrix = seen = RECOMMENDERS[system.recommender].matrix_of(everybody)
    # who bought nothing gets a list and teaches nothing
    train, kind = matrix[everybody.lengths > 0], ARMS[system.arm].kind
    if kind is Kind.TRAINING and system.level > 0:
        added = synthetic[SYNTHETIC_OF[system.arm]].matrix[: round(system.level * n_judged)]
        train = sparse.vstack([train, added], format="csr")
    if completer is not None and system.level > 0:
        probable = strongest_of(completer, everybody, completion_top)
        seen = completed(matrix, probable, system.level)
    recommender = RECOMMENDERS[system.recommender]().fit(train)
    config = recommender.Config.model_validate_json(system.config)
    # Ranked as a server ranks, to the last bit.
    scorer = recommender.scorer(config)
    blocks = []
    for part in batches(everybody.n_users):
        best, scores = _ranked(recommender, config, scorer, seen[part], matrix[part], k)
        users, ranks = np.nonzero(best != ranking.NO_ITEM)
        blocks.append(
            pd.DataFrame(
                {
                    Columns.USER: everybody.user_ids[part][users],
                    "rank": ranks + 1,
                    Columns.ITEM: everybody.item_ids[best[users, ranks]],
                    "score": scores[users, ranks],
                }
            )
        )
    return pd.concat(blocks, ignore_index=True)


def _ranked(
    recommender: Recommender,
    config: RecommenderConfig,
    scorer: Scorer | None,
    seen: sparse.csr_matrix,
    known: sparse.csr_matrix,
    k: int,
) -> tuple[np.ndarray, np.ndarray]:
    """(n_users, k) catalogue positions, -1 where there are no more, and their scores."""
    if scorer is not None:
        return rank(scorer, recommender.popularity, known, k, given=seen)
    scores = or_popular(recommender.score(seen, config), seen, recommender)
    best = ranking.top_k(scores, known, k)
    return best, np.take_along_axis(scores, np.maximum(best, 0), axis=1)
