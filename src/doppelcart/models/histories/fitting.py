"""From data to a trained generator: build the networks, train them, measure what they make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from doppelcart.adversarial.loop import OnEvaluation, Trained, tell_nobody, train
from doppelcart.adversarial.state import TrainingState
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.errors import ParameterError
from doppelcart.metrics.summaries import popularity
from doppelcart.models.histories.autoencoding import build_autoencoding_critic
from doppelcart.models.histories.batches import HistoryBatches, ProfileBlocks
from doppelcart.models.histories.diagnostics import diagnose, evaluate, make_reference
from doppelcart.models.histories.diffusion_trainer import DiffusionTrainer
from doppelcart.models.histories.generation import complete, generate
from doppelcart.models.histories.history_trainer import HistoryTrainer
from doppelcart.models.histories.hyperparameters import (
    DiffusionNetwork,
    DiffusionTraining,
    Family,
    NetworkConfig,
    TrainingConfig,
)
from doppelcart.models.histories.latent_diffusion import build_diffusion
from doppelcart.models.histories.networks import build_critic, build_generator, note_catalogue
from doppelcart.models.histories.vae import VariationalTrainer, build_encoder


def make_trainer(
    histories: Histories,
    item_features: np.ndarray,
    n_demographics: int,
    n_behaviours: int,
    network: NetworkConfig,
    training: TrainingConfig,
    adversarial_weight: float,
    family: Family = "gan",
) -> HistoryTrainer:
    """The same generator for every family and loss, and the network that trains it.

    Args:
        histories: Training users.
        item_features: (n_items, n_features) float32.
        n_demographics: Width of the demographics block.
        n_behaviours: Width of the behaviour block.
        network: Sizes.
        training: How to train.
        adversarial_weight: 0 trains without a critic; a VAE has none.
        family: What trains the generator: a critic, or an encoder, perhaps with a network that
            undoes noise.

    Raises:
        ParameterError: The parameters are not those of the family.
    """
    shape: dict[str, Any] = {"n_demographics": n_demographics, "n_behaviours": n_behaviours}
    beside = {"n_items": histories.n_items, "seed": training.seed} | shape
    of_data = (popularity(histories.matrix), histories.n_users, item_features)
    if family == "diffusion":
        if not (isinstance(network, DiffusionNetwork) and isinstance(training, DiffusionTraining)):
            raise ParameterError(
                "The family diffusion has parameters of its own, which this pipeline has not. "
                "Train it by: kedro run --pipelines diffusion"
            )
        diffusion = build_diffusion(network, *of_data, seed=training.seed, **shape)
        return DiffusionTrainer(diffusion, build_encoder(network, **beside), training)
    generator = build_generator(network, *of_data, seed=training.seed, **shape)
    if family == "vae":
        return VariationalTrainer(generator, build_encoder(network, **beside), training)
    autoencodes = training.adversarial_loss == "autoencoding"
    build = build_autoencoding_critic if autoencodes else build_critic
    return HistoryTrainer(generator, build(network, **beside), training, adversarial_weight)


def fit(
    histories: Histories,
    demographics: np.ndarray,
    behaviour: np.ndarray,
    item_features: np.ndarray,
    validation: Case,
    network: NetworkConfig,
    training: TrainingConfig,
    adversarial_weight: float,
    name: str,
    state_path: Path | None = None,
    fingerprint: str = "",
    family: Family = "gan",
    on_evaluation: OnEvaluation = tell_nobody,
) -> tuple[Trained, pd.DataFrame]:
    """Train a generator on some users.

    Args:
        histories: Training users.
        demographics: (n_users, n_demographics) float32.
        behaviour: (n_users, n_behaviours) float32.
        item_features: (n_items, n_features) float32.
        validation: Cold slice of validation users that chooses the checkpoint.
        network: Sizes.
        training: How to train.
        adversarial_weight: 0 trains without a critic; a VAE has none.
        name: On progress bars and in messages.
        state_path: File of the resumable state, or None.
        fingerprint: Of data and configuration.
        family: What trains the generator, as of ``make_trainer``.
        on_evaluation: Told the epoch and the validation metrics of every evaluation; what it
            raises ends the training.

    Returns:
        What training yields, and the monitors' findings.
    """
    trainer = make_trainer(
        histories,
        item_features,
        demographics.shape[1],
        behaviour.shape[1],
        network,
        training,
        adversarial_weight,
        family,
    )
    reference = make_reference(histories, validation, seed=training.seed)

    def evaluation(model: Any) -> dict[str, float]:
        def rng() -> np.random.Generator:
            return np.random.default_rng([training.seed, 2])

        def invent(n_users: int) -> Histories:
            order = rng().integers(histories.n_users, size=n_users)
            return generate(
                model, n_users, histories.item_ids, rng(), demographics[order], behaviour[order]
            )

        return evaluate(
            reference,
            lambda seen: complete(model, seen.matrix, 1, rng()),
            invent,
            training.seed,
        )

    trained = train(
        trainer,
        HistoryBatches(histories, ProfileBlocks(demographics, behaviour), training),
        evaluation,
        TrainingState(state_path, fingerprint) if state_path else None,
        name,
        on_evaluation,
    )
    note_catalogue(trained.generator, histories.item_ids)
    findings = diagnose(trained.training_log, trained.best_epoch, type(network), type(training))
    return trained, findings
