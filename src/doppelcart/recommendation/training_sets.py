"""Training arms: real users plus synthetic ones, or synthetic ones alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.recommendation.arms import ARMS, NONE, SYNTHETIC_OF, Kind, applies
from doppelcart.recommenders import Recommender


def training_matrix(
    arm: str,
    ratio: float,
    train: Histories,
    synthetic: Mapping[str, Histories],
    recommender: type[Recommender] | None = None,
) -> sparse.csr_matrix:
    """The matrix on which an arm's recommender is fitted.

    Args:
        arm: Name of a training arm, a synthetic-only arm, or ``none``.
        ratio: Synthetic users per real one; 0 gives the real users alone. A synthetic-only
            arm uses as many users as there are real ones.
        train: The real users.
        synthetic: Set of synthetic users by name (see ``SYNTHETIC_OF``).
        recommender: What is fitted; None for one that does without the order of items.

    Returns:
        (n_users, n_items) CSR of ones, float32, real users first; of places for a recommender that
        needs the order.

    Raises:
        InputError: If there are fewer synthetic users than the ratio needs, or they are for a
            recommender that needs the order.
    """
    kind = ARMS[arm].kind
    if arm == NONE or (kind is Kind.TRAINING and ratio == 0):
        return train.matrix if recommender is None else recommender.matrix_of(train)
    if recommender is not None and not applies(kind, recommender):
        raise InputError(
            f"{recommender.name} needs the order in which items were bought, which synthetic users "
            f"have not: it cannot be fitted under arm '{arm}'."
        )
    source = synthetic[SYNTHETIC_OF[arm]]
    needed = train.n_users if kind is Kind.SYNTHETIC_ONLY else round(ratio * train.n_users)
    if source.n_users < needed:
        raise InputError(
            f"Arm '{arm}' at ratio {ratio:g} of {train.n_users} training users needs {needed} "
            f"synthetic users, but synthetic_{SYNTHETIC_OF[arm]} holds {source.n_users}. Raise the "
            "ratio of the augmentation pipeline, or lower evaluation.ratios."
        )
    if kind is Kind.SYNTHETIC_ONLY:
        return source.matrix[:needed]
    return sparse.vstack([train.matrix, source.matrix[:needed]], format="csr")


def check_synthetic(
    train: Histories, synthetic: Mapping[str, Histories], ratios: Mapping[str, float]
) -> None:
    """Fail before the first fit if a set of synthetic users cannot serve.

    Args:
        train: The real users.
        synthetic: Sets of synthetic users by name.
        ratios: By arm, the most synthetic users per real one that it will try.

    Raises:
        InputError: All sets with another catalogue, or with too few users, listed together.
    """
    largest: dict[str, float] = {}
    for arm, ratio in ratios.items():
        largest[SYNTHETIC_OF[arm]] = max(ratio, largest.get(SYNTHETIC_OF[arm], 0.0))
    problems = []
    for name, ratio in largest.items():
        users, needed = synthetic[name], round(ratio * train.n_users)
        if not np.array_equal(users.item_ids.astype(str), train.item_ids.astype(str)):
            problems.append(
                f"synthetic_{name} has a catalogue of {users.n_items} items that is not the "
                f"training catalogue of {train.n_items}"
            )
        if users.n_users < needed:
            problems.append(
                f"synthetic_{name} holds {users.n_users} users, {needed} are needed for ratio "
                f"{ratio:g} of {train.n_users} training users"
            )
    if problems:
        raise InputError(
            "Synthetic users cannot be evaluated: "
            + "; ".join(problems)
            + ". Run the augmentation pipeline again on the present training data, with ratios "
            "that agree with evaluation.ratios."
        )
