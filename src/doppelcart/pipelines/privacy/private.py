"""Nodes that spend a privacy budget, and measure what it bought."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.models.histories.accounting import noise_for, spent_on_histogram
from doppelcart.models.histories.controls import draw_independently
from doppelcart.models.histories.generation import generate
from doppelcart.models.histories.hyperparameters import NetworkConfig
from doppelcart.models.histories.private_draws import private_rng
from doppelcart.pipelines.privacy.params import (
    AuditParams,
    PrivacyConfig,
    PrivateGridParams,
    TradeOffParams,
)
from doppelcart.pipelines.privacy.utility import GENERATOR, POPULARITY, compare_releases

logger = logging.getLogger(__name__)

NO_NOISE = "no noise"


def train_private(
    train_histories: Histories,
    network: NetworkConfig,
    training: PrivacyConfig,
    grid: PrivateGridParams,
) -> tuple[Any, dict[str, Histories], pd.DataFrame]:
    """Train a generator within each budget, and let it invent as many users as there are.

    Args:
        train_histories: Training users.
        network: Sizes of the networks.
        training: How a budget is spent.
        grid: The budgets.

    Returns:
        The generator of ``grid.epsilon``; synthetic users by budget; noise and epsilon of each.

    Raises:
        ParameterError: A budget cannot be kept; before anything is trained.
    """
    from doppelcart.models.histories.private_training import train_privately

    for wanted in grid.epsilons:
        noise_for(wanted, train_histories.n_users, training)
    kept, users, rows = None, {}, []
    for label, epsilon in _budgets(grid).items():
        trained = train_privately(train_histories, network, training, epsilon)
        if epsilon == grid.epsilon:
            kept = trained.generator
        users[label] = generate(
            trained.generator,
            train_histories.n_users,
            train_histories.item_ids,
            private_rng("users", train_histories, training, epsilon, trained.noise, network),
        )
        rows.append(
            {
                "release": label,
                "budget": label,
                "epsilon": trained.epsilon,
                "noise": trained.noise,
            }
        )
        logger.info("%s: noise %.3g, epsilon %.3g spent", label, trained.noise, trained.epsilon)
    return kept, users, pd.DataFrame(rows)


def draw_private_popularity(
    train_histories: Histories, training: PrivacyConfig, grid: PrivateGridParams
) -> tuple[dict[str, Histories], pd.DataFrame]:
    """The control of private training: every budget spent on the items' popularity alone.

    Args:
        train_histories: Training users.
        training: Delta, largest noise, seed.
        grid: The budgets.

    Returns:
        As many users as there are, drawn item by item, by budget; noise and epsilon of each.

    Raises:
        ParameterError: A budget cannot be kept.
    """
    from doppelcart.models.histories.private_training import popularity_within

    users, rows = {}, []
    for budget, epsilon in _budgets(grid).items():
        label = f"{budget}, {POPULARITY}"
        shares, noise = popularity_within(train_histories, training, epsilon)
        users[label] = draw_independently(
            shares,
            train_histories.n_users,
            train_histories.item_ids,
            private_rng("users alone", train_histories, training, epsilon, noise),
        )
        spent = spent_on_histogram(noise, training)
        rows.append({"release": label, "budget": budget, "epsilon": spent, "noise": noise})
    return users, pd.DataFrame(rows)


def _budgets(grid: PrivateGridParams) -> dict[str, float | None]:
    budgets: dict[str, float | None] = {f"epsilon {e:g}": e for e in grid.epsilons}
    return budgets | ({NO_NOISE: None} if grid.reference else {})


def measure_private(
    train_histories: Histories,
    non_members: Histories,
    validation_cases: dict[str, Case],
    private_users: dict[str, Histories],
    private_budgets: pd.DataFrame,
    popular_users: dict[str, Histories],
    popular_budgets: pd.DataFrame,
    audit_params: AuditParams,
    params: TradeOffParams,
) -> pd.DataFrame:
    """Privacy and utility of privately synthetic users by budget, and of their control.

    Args:
        train_histories: Training users.
        non_members: Held-out users.
        validation_cases: Validation users, to whom EASE recommends.
        private_users: Synthetic users by budget.
        private_budgets: Noise and epsilon by budget.
        popular_users: Draws by popularity by budget.
        popular_budgets: Noise and epsilon by budget.
        audit_params: How the attacks are made.
        params: How utility is measured.

    Returns:
        One row per budget and ``learned`` (``generator`` or ``popularity``).
    """
    budgets = pd.concat(
        [private_budgets.assign(learned=GENERATOR), popular_budgets.assign(learned=POPULARITY)]
    )
    measured = compare_releases(
        private_users | popular_users,
        train_histories,
        non_members,
        validation_cases,
        audit_params,
        params,
    )
    return budgets.merge(measured, on="release", validate="one_to_one")
