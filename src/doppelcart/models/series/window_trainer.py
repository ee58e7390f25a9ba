"""What a step of training makes of windows: noise to heads, heads to windows, windows judged."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from doppelcart.adversarial.objectives import Judge
from doppelcart.adversarial.trainer import Tensors, Trainer
from doppelcart.models.series.window_config import WindowConfig
from doppelcart.models.series.window_networks import NOISE, relaxed


class WindowTrainer(Trainer):
    """Trains on windows, conditioned on what is known of their days.

    Args:
        generator: Noise and conditions to heads.
        critic: Beside it; None where nothing asks for an opinion.
        config: How to train.
        n_given: First days of a window that are given, and not drawn: the generator then
            foretells the others.
        adversarial_weight: Weight of the objective.
    """

    def __init__(
        self,
        generator: Any,
        critic: Any,
        config: WindowConfig,
        n_given: int = 0,
        adversarial_weight: float = 1.0,
    ) -> None:
        self.n_given = n_given
        super().__init__(generator, critic, config, adversarial_weight)

    def output(self, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """Heads of every window of a batch."""
        noise = tf.random.stateless_normal((tf.shape(batch["real"])[0], NOISE), seed)
        return self.generator({"noise": noise, "known": batch["known"]}, training=True)

    def draw(self, output: tf.Tensor, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """Windows: the days that are given, and what the heads stand for on the others."""
        given = batch["real"][:, : self.n_given]
        return tf.concat([given, relaxed(output, seed)[:, self.n_given :]], axis=1)

    def judge(self, batch: Tensors) -> Judge:
        """The critic's opinion, on the same conditions."""
        return lambda windows: self.critic(
            {"window": windows, "known": batch["known"]}, training=True
        )
