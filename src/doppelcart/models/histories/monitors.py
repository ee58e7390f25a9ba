"""What a generator's output looks like on validation users, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.data.cases import Case, sample_case
from doppelcart.data.histories import Histories
from doppelcart.metrics.fidelity import (
    cooccurrence_correlation,
    duplicate_rate,
    embed,
    prdc,
)
from doppelcart.metrics.privacy import near_copy_rate
from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.metrics.summaries import correlation, lengths, popularity

K = 20
MIN_COVERAGE, MIN_RECALL = 0.2, 0.1
MAX_DUPLICATES, MAX_COPIES = 0.05, 0.01
NEAR = 0.8
VANISHED = 1e-6
EXPLODED = 1e4
MIN_NATS = 0.1
MIN_STRUCTURE, MIN_NDCG = 0.05, 1e-3
"""Below these, what a generator reaches of the reference is noise over noise."""


@dataclass(frozen=True)
class Reference:
    """Validation users that a generator is measured on.

    Args:
        train: Training users.
        case: The cold slice whose completion is scored.
        whole: (n, n_items) CSR of the case's users, revealed and relevant items together.
        popularity_ndcg: NDCG@20 of ranking by popularity on the case.
        real_cooccurrence: Co-occurrence correlation of training and validation users. A perfect
            generator reaches less: a look invents as many users as validate, and they are fewer.
        real_near_copies: Share of validation users who are near copies of a training user by
            chance: where histories are short, many are.
    """

    train: Histories
    case: Case
    whole: sparse.csr_matrix
    popularity_ndcg: float
    real_cooccurrence: float
    real_near_copies: float


def make_reference(train: Histories, case: Case, max_users: int = 1000, seed: int = 0) -> Reference:
    """Compute once what every look at the generator compares with.

    Args:
        train: Training users.
        case: Cold slice of validation users.
        max_users: Most of them to look at.
        seed: Of the draw, where there are more.
    """
    case = sample_case(case, max_users, seed)
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
    how much of the real users' co-occurrence it shows, 0 to 1, and 0 where they show none. Both
    are measured on validation users.
    """
    completion = completion_ndcg / max(reference.popularity_ndcg, MIN_NDCG)
    if not (reference.real_cooccurrence >= MIN_STRUCTURE and np.isfinite(cooccurrence)):
        return completion
    return completion + float(np.clip(cooccurrence / reference.real_cooccurrence, 0, 1))


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
        "popularity": correlation(popularity(trained_on), popularity(invented)),
        "length_mean": float(lengths(invented).mean() / lengths(trained_on).mean()),
        "length_sd": float(lengths(invented).std() / max(lengths(trained_on).std(), 1e-9)),
        "recall": neighbourhoods["recall"],
        "coverage": neighbourhoods["coverage"],
        "duplicates": duplicate_rate(invented),
        "near_copies": near_copy_rate(invented, trained_on, NEAR),
        "real_near_copies": reference.real_near_copies,
    }


def diagnose(history: pd.DataFrame, best_epoch: int) -> pd.DataFrame:
    """Name what went wrong in training, with advice; ``ok`` where nothing did.

    Data are judged as the epoch that was kept makes them, gradients by their worst epoch.

    Args:
        history: One row an epoch, as ``training.train`` returns it. Whether there was a critic
            or an encoder is seen in its columns.
        best_epoch: Epoch whose generator was kept.

    Returns:
        Columns monitor, status (``ok``, ``warning``, or ``undefined`` where there were too few
        users to tell), value, limit, advice.
    """
    kept = history.loc[history["epoch"] == best_epoch].iloc[-1]
    networks = [
        name
        for name in ("generator", "critic", "encoder")
        if f"{name}_gradient_norm" in history.columns
    ]
    checks = [
        _divergence(history),
        *(check for name in networks for check in _gradients(name, history)),
        _memorisation(kept),
    ]
    # A control that trains without critic or encoder is known to ignore its noise.
    if len(networks) > 1:
        checks += _collapse(kept)
    if "kl" in history.columns:
        checks.append(_posterior(kept))
    return pd.DataFrame([check.row for check in checks])


@dataclass(frozen=True)
class Check:
    """One monitor.

    Args:
        monitor: Its name.
        failed: Whether it warns.
        value: What was measured.
        limit: What it is held against, in words.
        advice: What to do if it warns.
    """

    monitor: str
    failed: bool
    value: float
    limit: str
    advice: str

    @property
    def row(self) -> dict[str, Any]:
        """As a row of the table; without advice where none is needed."""
        status = "ok" if np.isfinite(self.value) else "undefined"
        return {
            "monitor": self.monitor,
            "status": "warning" if self.failed else status,
            "value": float(self.value),
            "limit": self.limit,
            "advice": self.advice if self.failed else "",
        }


def _divergence(history: pd.DataFrame) -> Check:
    diverged = int((~np.isfinite(history["generator_loss"])).sum())
    return Check(
        "divergence: epochs that fell back to the best checkpoint",
        diverged > 0,
        diverged,
        "0",
        "Each fall-back halved the learning rates: begin with a lower gan.training.learning_rate "
        "and critic_learning_rate, or raise gan.training.gradient_penalty.",
    )


def _gradients(name: str, history: pd.DataFrame) -> list[Check]:
    norms = history[f"{name}_gradient_norm"]
    least, most = norms.min(), norms.max()
    rate = "learning_rate" if name == "generator" else "critic_learning_rate"
    revive = {
        "generator": "The critic's opinion does not get through: lower "
        "gan.training.learning_rate, raise gan.training.temperature, or use "
        "gan.training.adversarial_loss=wgan_gp.",
        "critic": "Raise gan.training.critic_learning_rate.",
        "encoder": "Raise gan.training.critic_learning_rate, or lower gan.training.kl_weight.",
    }
    return [
        Check(
            f"vanishing gradients, {name}",
            least < VANISHED,
            least,
            f"at least {VANISHED:g}",
            revive[name],
        ),
        Check(
            f"exploding gradients, {name}",
            not most < EXPLODED,
            most,
            f"at most {EXPLODED:g}",
            f"Lower gan.training.{rate}, or raise gan.training.gradient_penalty.",
        ),
    ]


def _memorisation(kept: pd.Series) -> Check:
    limit = max(MAX_COPIES, 2 * kept["real_near_copies"])
    return Check(
        "memorisation: near copies of training users",
        kept["near_copies"] > limit,
        kept["near_copies"],
        f"at most {limit:g}, twice the share among real users, or {MAX_COPIES:g}",
        "Train for fewer epochs, raise gan.network.dropout, or bring more users.",
    )


def _collapse(kept: pd.Series) -> list[Check]:
    return [
        Check(
            "mode collapse: duplicates among the invented",
            kept["duplicates"] > MAX_DUPLICATES,
            kept["duplicates"],
            f"at most {MAX_DUPLICATES:g}",
            "Raise gan.network.noise_units or gan.training.critic_steps.",
        ),
        Check(
            "mode collapse: coverage of real users' neighbourhoods",
            kept["coverage"] < MIN_COVERAGE,
            kept["coverage"],
            f"at least {MIN_COVERAGE:g}",
            "Train for more epochs, or raise gan.training.critic_steps.",
        ),
        Check(
            "mode collapse: recall of real users' neighbourhoods",
            kept["recall"] < MIN_RECALL,
            kept["recall"],
            f"at least {MIN_RECALL:g}",
            "Train for more epochs, or raise gan.network.noise_units.",
        ),
    ]


def _posterior(kept: pd.Series) -> Check:
    return Check(
        "posterior collapse: nats of a user in the noise",
        kept["kl"] < MIN_NATS,
        kept["kl"],
        f"at least {MIN_NATS:g}",
        "The generator ignores its noise: lower gan.training.kl_weight, or raise "
        "gan.training.kl_annealing.",
    )
