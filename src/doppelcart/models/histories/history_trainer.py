"""What the trainer of a generator has to know of purchase histories."""

from __future__ import annotations

import tensorflow as tf

from doppelcart.adversarial.objectives import Judge
from doppelcart.adversarial.trainer import Tensors, Trainer
from doppelcart.models.histories.hyperparameters import TrainingConfig
from doppelcart.models.histories.losses import gumbel_sigmoid, reconstruction_loss
from doppelcart.models.histories.networks import PROFILE_INPUTS


class HistoryTrainer(Trainer):
    """A trainer of G(history, profile, z) and D(full, seen, profile) on ``batches.make_batch``.

    What is seen of a history is given, and the rest is drawn item by item.
    """

    config: TrainingConfig

    def real(self, batch: Tensors) -> tf.Tensor:
        """(batch, n_items) whole histories."""
        return batch["full"]

    def output(self, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """(batch, n_items) logits."""
        noise_units = self.generator.input["noise"].shape[-1]
        noise = tf.random.stateless_normal((tf.shape(batch["seen"])[0], noise_units), seed)
        return self.decode(batch, noise)

    def decode(self, batch: Tensors, noise: tf.Tensor) -> tf.Tensor:
        """(batch, n_items) logits of some noise."""
        profile = {name: batch[name] for name in PROFILE_INPUTS}
        return self.generator({"history": batch["seen"], "noise": noise, **profile}, training=True)

    def draw(self, output: tf.Tensor, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """(batch, n_items) whole histories: what is seen, and items drawn from the logits."""
        seen = batch["seen"]
        drawn = gumbel_sigmoid(output, self.config.temperature, seed)
        return seen + (1.0 - seen) * drawn

    def judge(self, batch: Tensors) -> Judge:
        """The critic's opinion of whole histories, beside what is seen and known of the users."""
        condition = {name: batch[name] for name in ("seen", *PROFILE_INPUTS)}
        return lambda full: self.critic({"full": full, **condition}, training=True)

    def reconstruction(self, output: tf.Tensor, batch: Tensors) -> tf.Tensor:
        """Mean over the rows that something is known of: items, or a behavioural profile.

        Of a new user of whom nothing is known there is nothing to reconstruct but the
        average, which would teach the generator to ignore its noise. Without a critic the
        average is all there is to learn of them.
        """
        rows = reconstruction_loss(output, batch["full"], batch["seen"])
        weight = self.paired(batch)[:, 0]
        if self.adversarial_weight == 0:
            weight = tf.ones_like(weight)
        return tf.reduce_sum(weight * rows) / tf.maximum(tf.reduce_sum(weight), 1.0)

    def row_weights(self, batch: Tensors) -> tf.Tensor:
        """(batch,) completed histories count by their share, those of new users in full."""
        is_new = batch["is_new"][:, 0]
        return is_new + (1.0 - is_new) * self.config.completion_adversarial_share

    def paired(self, batch: Tensors) -> tf.Tensor:
        """(batch, 1) 1 where visible items or a behavioural profile tell users apart."""
        return 1.0 - batch["is_new"] * (1.0 - batch["behaviour_known"])
