"""What a generator's output looks like on validation users, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.adversarial import monitors
from doppelcart.adversarial.monitors import Subject
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
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig

K = 20
NEAR = 0.8
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
            generator reaches less: an evaluation invents as many users as validate, and they are
            fewer.
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
    """Compute once what every evaluation of the generator compares with.

    Args:
        train: Training users.
        case: Cold slice of validation users.
        max_users: Most of them to measure on.
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


def evaluate(
    reference: Reference,
    complete: Callable[[Histories], np.ndarray],
    invent: Callable[[int], Histories],
    seed: int,
) -> dict[str, float]:
    """Validation metrics of a generator.

    Args:
        reference: Validation users.
        complete: Maps visible histories to (n, n_items) probabilities.
        invent: Maps a number of users to that many synthetic ones.
        seed: Seed of the embedding.

    Returns:
        ``selection`` (maximised), ``completion_ndcg``, ``cooccurrence``, ``recall`` and
        ``coverage`` of real users' neighbourhoods (Naeem 2020), all on validation users;
        ``popularity`` (correlation), ``length_mean`` and ``length_sd`` as shares of the training
        users'; ``duplicates`` among synthetic users, ``near_copies`` of training users (Jaccard of
        0.8 or more), and ``real_near_copies`` among the validation users themselves.
    """
    completion = float(np.nanmean(_ndcg(complete(reference.case.seen), reference.case)))
    synthetic = invent(reference.whole.shape[0]).matrix
    real, trained_on = reference.whole, reference.train.matrix
    cooccurrence = cooccurrence_correlation(real, synthetic, measure="lift")
    neighbourhoods = prdc(*embed(real, synthetic, seed))
    return {
        "selection": selection_value(completion, cooccurrence, reference),
        "completion_ndcg": completion,
        "cooccurrence": cooccurrence,
        "popularity": correlation(popularity(trained_on), popularity(synthetic)),
        "length_mean": float(lengths(synthetic).mean() / lengths(trained_on).mean()),
        "length_sd": float(lengths(synthetic).std() / max(lengths(trained_on).std(), 1e-9)),
        "recall": neighbourhoods["recall"],
        "coverage": neighbourhoods["coverage"],
        "duplicates": duplicate_rate(synthetic),
        "near_copies": near_copy_rate(synthetic, trained_on, NEAR),
        "real_near_copies": reference.real_near_copies,
    }


def subject_of(network: type[NetworkConfig], training: type[TrainingConfig]) -> Subject:
    """What the monitors say of histories, by the names of the parameters of a family.

    Args:
        network: Sizes, whose fields the advice names.
        training: How to train, whose fields the advice names.
    """
    return Subject(
        kind="users",
        training=training,
        noise=network.name_of("noise_units"),
        dropout=network.name_of("dropout"),
        revive={
            "generator": "The critic's opinion does not get through: lower "
            f"{training.name_of('learning_rate')}, raise "
            f"{training.name_of('temperature')}, or use "
            f"{training.name_of('adversarial_loss')}=wgan_gp.",
            "encoder": f"Raise {training.name_of('critic_learning_rate')}, or lower "
            f"{training.name_of('kl_weight')}.",
        },
    )


def diagnose(
    training_log: pd.DataFrame,
    best_epoch: int,
    network: type[NetworkConfig] = NetworkConfig,
    training: type[TrainingConfig] = TrainingConfig,
) -> pd.DataFrame:
    """Name what went wrong in training, with advice; ``ok`` where nothing did.

    Args:
        training_log: One row per epoch, as ``loop.train`` returns it.
        best_epoch: Epoch whose generator was kept.
        network: Sizes, whose fields the advice names.
        training: How to train, whose fields the advice names.

    Returns:
        Columns monitor, status (``ok``, ``warning``, or ``undefined`` where there were too few
        users to tell), value, limit, advice.
    """
    checks = monitors.diagnose(training_log, best_epoch, subject_of(network, training))
    if "kl" in training_log.columns:
        kept = training_log.loc[training_log["epoch"] == best_epoch].iloc[-1]
        checks.append(_posterior(kept, training))
    return monitors.table(checks)


def _posterior(kept: pd.Series, training: type[TrainingConfig]) -> monitors.Check:
    named = training.name_of
    return monitors.Check(
        "posterior collapse: nats of a user in the noise",
        kept["kl"] < MIN_NATS,
        kept["kl"],
        f"at least {MIN_NATS:g}",
        f"The generator ignores its noise: lower {named('kl_weight')}, or raise "
        f"{named('kl_annealing')}.",
    )
