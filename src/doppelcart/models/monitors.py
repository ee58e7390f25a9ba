"""What a generator's output looks like on validation users, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.cases import Case
from doppelcart.histories import Histories
from doppelcart.metrics.fidelity import (
    cooccurrence_correlation,
    duplicate_rate,
    embed,
    lengths,
    popularity,
    prdc,
)
from doppelcart.metrics.privacy import near_copy_rate
from doppelcart.metrics.ranking import ndcg, top_k

K = 20
MIN_COVERAGE, MIN_RECALL = 0.2, 0.1
MAX_DUPLICATES, MAX_COPIES = 0.05, 0.01
NEAR = 0.8
VANISHED = 1e-6
EXPLODED = 1e4


@dataclass(frozen=True)
class Reference:
    """Validation users that a generator is measured on.

    Args:
        train: Training users.
        case: The cold slice whose completion is scored.
        whole: (n, n_items) CSR of the case's users, revealed and relevant items together.
        popularity_ndcg: NDCG@20 of ranking by popularity on the case.
        real_cooccurrence: Co-occurrence correlation of training and validation users, the
            most that a perfect generator can be expected to reach.
        real_near_copies: Share of validation users who are near copies of a training user by
            chance: where histories are short, many are.
    """

    train: Histories
    case: Case
    whole: sparse.csr_matrix
    popularity_ndcg: float
    real_cooccurrence: float
    real_near_copies: float


def make_reference(train: Histories, case: Case, max_users: int = 1000) -> Reference:
    """Compute once what every look at the generator compares with."""
    case = case.select(np.arange(min(case.n_users, max_users)))
    whole = (case.seen.matrix + case.relevant.matrix).tocsr()
    ranked = np.broadcast_to(popularity(train.matrix), whole.shape)
    return Reference(
        train,
        case,
        whole,
        float(np.nanmean(_ndcg(ranked, case))),
        cooccurrence_correlation(train.matrix, whole, measure="lift"),
        near_copy_rate(whole, train.matrix, NEAR),
    )


def _ndcg(scores: np.ndarray, case: Case) -> np.ndarray:
    k = min(K, case.seen.n_items)
    return ndcg(top_k(scores, case.seen.matrix, k), case.relevant.matrix, k)


def selection_value(completion_ndcg: float, cooccurrence: float, reference: Reference) -> float:
    """One number for both uses of the generator, to compare its checkpoints by.

    Completion counts by its NDCG as a multiple of that of ranking by popularity; invention by
    how much of the real users' co-occurrence it shows, 0 to 1. Both are measured on validation
    users.
    """
    completion = completion_ndcg / max(reference.popularity_ndcg, 1e-9)
    invention = cooccurrence / max(reference.real_cooccurrence, 1e-9)
    return completion + (float(np.clip(invention, 0, 1)) if np.isfinite(invention) else 0.0)


def look(
    reference: Reference,
    complete: Callable[[Histories], np.ndarray],
    invent: Callable[[int], Histories],
    seed: int,
) -> dict[str, float]:
    """Validation metrics of a generator.

    Args:
        reference: Validation users.
        complete: Maps visible histories to (n, n_items) probabilities.
        invent: Maps a number of users to that many invented ones.
        seed: Seed of the embedding.

    Returns:
        ``selection`` (maximised), ``completion_ndcg``, ``cooccurrence``, ``recall`` and
        ``coverage`` of real users' neighbourhoods (Naeem 2020), all on validation users;
        ``popularity`` (correlation), ``length_mean`` and ``length_sd`` as shares of the training
        users'; ``duplicates`` among the invented, ``near_copies`` of training users (Jaccard of
        0.8 or more), and ``real_near_copies`` among the validation users themselves.
    """
    completion = float(np.nanmean(_ndcg(complete(reference.case.seen), reference.case)))
    invented = invent(reference.whole.shape[0]).matrix
    real, trained_on = reference.whole, reference.train.matrix
    cooccurrence = cooccurrence_correlation(real, invented, measure="lift")
    neighbourhoods = prdc(*embed(real, invented, seed))
    return {
        "selection": selection_value(completion, cooccurrence, reference),
        "completion_ndcg": completion,
        "cooccurrence": cooccurrence,
        "popularity": _correlation(popularity(trained_on), popularity(invented)),
        "length_mean": float(lengths(invented).mean() / lengths(trained_on).mean()),
        "length_sd": float(lengths(invented).std() / max(lengths(trained_on).std(), 1e-9)),
        "recall": neighbourhoods["recall"],
        "coverage": neighbourhoods["coverage"],
        "duplicates": duplicate_rate(invented),
        "near_copies": near_copy_rate(invented, trained_on, NEAR),
        "real_near_copies": reference.real_near_copies,
    }


def _correlation(left: np.ndarray, right: np.ndarray) -> float:
    if left.std() == 0 or right.std() == 0:
        return float("nan")
    return float(np.corrcoef(left, right)[0, 1])


def diagnose(history: pd.DataFrame, best_epoch: int, adversarial: bool) -> pd.DataFrame:
    """Name what went wrong in training, with advice; ``ok`` where nothing did.

    Args:
        history: One row an epoch, as ``training.train`` returns it.
        best_epoch: Epoch whose generator was kept.
        adversarial: Whether there was a critic.

    Returns:
        Columns monitor, status (``ok``, ``warning``, or ``undefined`` where there were too few
        users to tell), value, limit, advice.
    """
    kept = history.loc[history["epoch"] == best_epoch].iloc[-1]
    last = history.iloc[-1]
    max_copies = max(MAX_COPIES, 2 * kept["real_near_copies"])
    rows: list[tuple[str, bool, Any, str, str]] = [
        (
            "divergence",
            not np.isfinite(last["generator_loss"]),
            last["generator_loss"],
            "a finite loss",
            "Lower gan.training.learning_rate, or raise gan.training.gradient_penalty.",
        ),
        (
            "vanishing gradients, generator",
            kept["generator_gradient_norm"] < VANISHED,
            kept["generator_gradient_norm"],
            f"at least {VANISHED:g}",
            "The critic wins outright: use gan.training.adversarial_loss=wgan_gp.",
        ),
        (
            "exploding gradients, generator",
            not kept["generator_gradient_norm"] < EXPLODED,
            kept["generator_gradient_norm"],
            f"at most {EXPLODED:g}",
            "Lower gan.training.learning_rate.",
        ),
        (
            "memorisation: near copies of training users",
            kept["near_copies"] > max_copies,
            kept["near_copies"],
            f"at most {max_copies:g}, twice the share among real users, or {MAX_COPIES:g}",
            "Train for fewer epochs, raise gan.network.dropout, or bring more users.",
        ),
    ]
    if adversarial:
        rows += [
            (
                "vanishing gradients, critic",
                kept["critic_gradient_norm"] < VANISHED,
                kept["critic_gradient_norm"],
                f"at least {VANISHED:g}",
                "Raise gan.training.critic_learning_rate.",
            ),
            (
                "mode collapse: duplicates among the invented",
                kept["duplicates"] > MAX_DUPLICATES,
                kept["duplicates"],
                f"at most {MAX_DUPLICATES:g}",
                "Raise gan.network.noise_units or gan.training.critic_steps.",
            ),
            (
                "mode collapse: coverage of real users' neighbourhoods",
                kept["coverage"] < MIN_COVERAGE,
                kept["coverage"],
                f"at least {MIN_COVERAGE:g}",
                "Train for more epochs, or raise gan.training.critic_steps.",
            ),
            (
                "mode collapse: recall of real users' neighbourhoods",
                kept["recall"] < MIN_RECALL,
                kept["recall"],
                f"at least {MIN_RECALL:g}",
                "Train for more epochs, or raise gan.network.noise_units.",
            ),
        ]
    return pd.DataFrame(
        [
            {
                "monitor": name,
                "status": _status(failed, value),
                "value": float(value),
                "limit": limit,
                "advice": advice if failed else "",
            }
            for name, failed, value, limit, advice in rows
        ]
    )


def _status(failed: bool, value: float) -> str:
    if failed:
        return "warning"
    return "ok" if np.isfinite(value) else "undefined"
