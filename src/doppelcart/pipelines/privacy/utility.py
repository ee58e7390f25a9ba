"""What a release is still good for, in a few figures beside those of privacy."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.errors import ParameterError
from doppelcart.metrics.fidelity import cooccurrence_correlation
from doppelcart.metrics.ranking import ndcg
from doppelcart.metrics.summaries import correlation, popularity
from doppelcart.pipelines.privacy.audit import (
    AUC,
    TPR,
    Sides,
    attack_on,
    membership,
    sides_of,
    strongest,
)
from doppelcart.pipelines.privacy.params import AuditParams, TradeOffParams
from doppelcart.recommendation.scoring import rank
from doppelcart.recommenders.ease import EASE, EASEConfig

GENERATOR, POPULARITY = "generator", "popularity"
"""On what a privacy budget is spent: a critic's steps, or the items' popularity alone."""


def ease_score(users: sparse.csr_matrix, case: Case, params: TradeOffParams) -> float:
    """NDCG of EASE trained on some users, at the penalty that suits it best on the slice.

    Args:
        users: (n_users, n_items) CSR of ones, real or synthetic.
        case: Validation users; tuned and scored on the same, so the level flatters all alike.
        params: Penalties and length of the lists.
    """
    recommender = EASE().fit(users)
    seen, relevant = case.seen.matrix, case.relevant.matrix
    k = min(params.k, case.seen.n_items)
    return max(
        float(
            np.nanmean(
                ndcg(
                    rank(recommender, EASEConfig(l2=l2, centred=centred), seen, seen, k),
                    relevant,
                    k,
                )
            )
        )
        for l2, centred in itertools.product(params.l2, (False, True))
    )


def privacy_and_utility(
    released: sparse.csr_matrix,
    sides: Sides,
    case: Case,
    real_score: float,
    audit: AuditParams,
    params: TradeOffParams,
) -> dict[str, float | str]:
    """The strongest attack on a release, and what the release is good for.

    Args:
        released: (n_released, n_items) CSR of ones.
        sides: Who is looked for.
        case: Validation users to recommend to.
        real_score: ``ease_score`` of the real training users.
        audit: How the attacks are made.
        params: How utility is measured.

    Returns:
        ``attack``, ``auc`` and ``tpr`` with intervals; ``ease_share`` of the real score (train on
        synthetic, test on real); correlation of ``popularity`` and of pairs' ``lift`` with users
        the generator never saw.
    """
    found = membership("release", sides, attack_on(released, audit.neighbours), audit)
    auc, tpr = (strongest(found, check) for check in (AUC, TPR))
    score = ease_score(released, case, params)
    return {
        "attack": str(auc["attack"]),
        **{name: float(auc[key]) for name, key in _interval("auc").items()},
        **{name: float(tpr[key]) for name, key in _interval("tpr").items()},
        "ease_share": score / real_score if real_score > 0 else float("nan"),
        "popularity": correlation(popularity(sides.non_members), popularity(released)),
        "lift": cooccurrence_correlation(sides.non_members, released, measure="lift"),
    }


def compare_releases(
    releases: Mapping[str, Histories],
    train: Histories,
    non_members: Histories,
    cases: Mapping[str, Case],
    audit_params: AuditParams,
    params: TradeOffParams,
) -> pd.DataFrame:
    """Privacy and utility of several releases, by the same users and attacks.

    Args:
        releases: Synthetic users by release.
        train: Training users: the members.
        non_members: Held-out users: the non-members.
        cases: Validation cases by slice.
        audit_params: How the attacks are made.
        params: Which slice is recommended to, and how utility is measured.

    Returns:
        One row per release: ``release``, and what ``privacy_and_utility`` gives.

    Raises:
        ParameterError: There is no validation slice of the name given.
    """
    if params.slice not in cases:
        raise ParameterError(
            f"privacy.trade_off.slice is {params.slice!r}, but the validation slices are: "
            f"{', '.join(cases) or 'none'}."
        )
    case, sides = cases[params.slice], sides_of(train, non_members)
    real = ease_score(sides.members, case, params)
    rows = [
        {
            "release": name,
            **privacy_and_utility(users.matrix, sides, case, real, audit_params, params),
        }
        for name, users in releases.items()
    ]
    return pd.DataFrame(rows)


def _interval(name: str) -> dict[str, str]:
    return {name: "value", f"{name}_low": "low", f"{name}_high": "high"}
