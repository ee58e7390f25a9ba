"""From purchases to a generator of items, and from that to how it likes real items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from doppelcart.adversarial.loop import Trained, train
from doppelcart.adversarial.rows import Batch, row_batches, steps_per_epoch
from doppelcart.metrics.fidelity.floor import covered_and_floor
from doppelcart.models.items.attribute_networks import build_critic, build_generator
from doppelcart.models.items.attribute_trainer import AttributeTrainer
from doppelcart.models.items.attribute_vae import VariationalItemTrainer, build_encoder
from doppelcart.models.items.hyperparameters import ItemTrainingConfig
from doppelcart.models.items.item_attributes import ItemAttributes, likeness

ROWS = 4_096
FLOOR = 0.1
"""What an attribute that differs counts, where checkpoints are compared."""


@dataclass(frozen=True, eq=False)
class Purchases:
    """Who bought what.

    Args:
        households: (n_households, units) float32 of what is known of each.
        categories: (n_items,) category of each item, -1 for none.
        n_categories: Number of categories.
        user: (n,) row of the household of each purchase.
        item: (n,) row of its item.
    """

    households: np.ndarray
    categories: np.ndarray
    n_categories: int
    user: np.ndarray
    item: np.ndarray

    def select(self, rows: np.ndarray) -> Purchases:
        """Some of them."""
        return Purchases(
            self.households,
            self.categories,
            self.n_categories,
            self.user[rows],
            self.item[rows],
        )

    def others(self, rng: np.random.Generator) -> np.ndarray:
        """(n,) for each purchase the item of another one in the same category, at random.

        It is the purchase itself where a category has no other.
        """
        category = self.categories[self.item]
        order = np.lexsort((rng.random(len(category)), category))
        sorted_categories = category[order]
        first = np.searchsorted(sorted_categories, sorted_categories, side="left")
        last = np.searchsorted(sorted_categories, sorted_categories, side="right") - 1
        places = np.arange(len(order))
        following = np.where(places == last, first, places + 1)
        found = np.empty(len(order), dtype=np.int64)
        found[order] = self.item[order][following]
        return found

    def asked(self, user: np.ndarray, category: np.ndarray) -> dict[str, np.ndarray]:
        """What generator and critic are told: households, and categories as ones."""
        ones = np.zeros((len(category), self.n_categories), dtype=np.float32)
        has = np.flatnonzero(category >= 0)
        ones[has, category[has]] = 1.0
        return {"household": self.households[user], "category": ones}


@dataclass(frozen=True, eq=False)
class PurchaseBatches:
    """Batches of purchases, the same for the same seed and epoch."""

    purchases: Purchases
    attributes: ItemAttributes
    config: ItemTrainingConfig

    @property
    def steps_per_epoch(self) -> int:
        """Batches that an epoch has."""
        return steps_per_epoch(len(self.purchases.user), self.config.batch_size)

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """Every purchase at most once."""
        rng = np.random.default_rng([self.config.seed, epoch])
        own, others = self.purchases, self.purchases.others(rng)
        for rows in row_batches(len(own.user), self.config.batch_size, rng):
            swapped = rng.random((len(rows), 1)) < self.config.swapped_share
            yield {
                **own.asked(own.user[rows], own.categories[own.item[rows]]),
                "real": self.attributes.one_hot(own.item[rows]),
                "other": self.attributes.one_hot(others[rows]),
                "swapped": swapped.astype(np.float32),
            }


def train_generator(
    purchases: Purchases,
    attributes: ItemAttributes,
    config: ItemTrainingConfig,
    label: str,
    variational: bool = False,
) -> Trained:
    """Train a generator of items on purchases.

    Args:
        purchases: To learn from; some are held out and choose the checkpoint.
        attributes: Of the items.
        config: How to train. An adversarial weight of 0 trains without a critic.
        label: On progress bars.
        variational: Whether to train it as the decoder of a VAE, without a critic.
    """
    trainer = _trainer_of(purchases, attributes, config, variational)
    rng = np.random.default_rng([config.seed, 3])
    held = rng.random(len(purchases.user)) < config.held_out_share
    seen, hidden = (purchases.select(np.flatnonzero(rows)) for rows in (~held, held))
    if not len(hidden.user):
        hidden = seen
    others = hidden.others(rng)

    def evaluate(model: keras.Model) -> dict[str, float]:
        category = hidden.categories[hidden.item]
        liked = [
            imagined_likeness(
                model, hidden, attributes, hidden.user, category, items[:, None], 2, [FLOOR], config
            )[0, :, 0]
            for items in (hidden.item, others)
        ]
        return {"selection": preference(*liked)}

    return train(trainer, PurchaseBatches(seen, attributes, config), evaluate, label=label)


def _trainer_of(
    purchases: Purchases, attributes: ItemAttributes, config: ItemTrainingConfig, variational: bool
) -> AttributeTrainer:
    """The networks, and what trains them; the generator is the same in all cases."""
    shape = {
        "household_units": purchases.households.shape[1],
        "n_categories": purchases.n_categories,
        "width": attributes.width,
        "hidden_units": config.hidden_units,
    }
    sizes, beside = attributes.sizes.tolist(), config.seed + 10
    generator = build_generator(**shape, noise_units=config.noise_units, seed=config.seed)
    if variational:
        encoder = build_encoder(**shape, noise_units=config.noise_units, seed=beside)
        return VariationalItemTrainer(generator, encoder, config, sizes)
    asks = config.adversarial_weight > 0 and config.adversarial_loss != "energy_score"
    critic = build_critic(**shape, seed=beside) if asks else None
    return AttributeTrainer(generator, critic, config, sizes)


def preference(own: np.ndarray, other: np.ndarray) -> float:
    """How often one of two values is greater than the other; ties count half."""
    return float(np.mean((own > other) + 0.5 * (own == other)))


def imagined_likeness(
    model: Any,
    purchases: Purchases,
    attributes: ItemAttributes,
    user: np.ndarray,
    category: np.ndarray,
    items: np.ndarray,
    n_draws: int,
    floors: Sequence[float],
    config: ItemTrainingConfig,
) -> np.ndarray:
    """How alike real items and those imagined for a household and a category are.

    For a draw of the noise the generator gives every attribute a distribution, from which the mean
    likeness of all items that could be drawn follows exactly; it is averaged over draws.

    Args:
        model: The generator.
        purchases: Holds what is known of the households.
        attributes: Of the items.
        user: (n,) rows of households.
        category: (n,) category that each is asked for.
        items: (n, n_compared) rows of the real items that each is compared with.
        n_draws: Draws of the noise.
        floors: As of ``likeness``, several at once.
        config: Holds the units of noise, and the seed.

    Returns:
        (n_floors, n, n_compared) float64.
    """
    rng = np.random.default_rng([config.seed, 4])
    noise = rng.standard_normal((n_draws, config.noise_units)).astype(np.float32)
    found = np.zeros((len(floors), *items.shape))
    for start in range(0, len(user), ROWS):
        rows = slice(start, start + ROWS)
        asked = purchases.asked(user[rows], category[rows])
        n_rows = len(user[rows])
        for draw in noise:
            fed = asked | {"noise": np.tile(draw, (n_rows, 1))}
            chances = value_chances(np.asarray(model(fed, training=False)), attributes)
            columns = attributes.codes[items[rows]] + attributes.starts
            matched = chances[np.arange(n_rows)[:, None, None], columns]
            for place, floor in enumerate(floors):
                found[place, rows] += likeness(matched, floor) / n_draws
    return found


def imagined_in_place(
    model: Any,
    purchases: Purchases,
    attributes: ItemAttributes,
    rows: np.ndarray,
    config: ItemTrainingConfig,
    rng: np.random.Generator,
) -> np.ndarray:
    """(n, width) float32 ones: items imagined in the place of purchases.

    Args:
        model: The generator.
        purchases: What it learnt from.
        attributes: Of the items.
        rows: (n,) of the purchases.
        config: Holds the units of noise.
        rng: Of noise and draws.
    """
    asked = purchases.asked(purchases.user[rows], purchases.categories[purchases.item[rows]])
    noise = rng.standard_normal((len(rows), config.noise_units)).astype(np.float32)
    logits = np.asarray(model(asked | {"noise": noise}, training=False))
    heads = np.split(value_chances(logits, attributes), attributes.starts[1:], axis=1)
    return np.concatenate([drawn_of(head, rng) for head in heads], axis=1)


def drawn_of(chances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, n_values) float32 a one for the value that was drawn by its chance.

    Args:
        chances: (n, n_values) chance of each; of a row they sum to 1.
        rng: Of the draws.
    """
    reached = np.cumsum(chances, axis=1)
    places = (rng.random((len(chances), 1)) * reached[:, -1:] > reached).sum(axis=1)
    return np.eye(chances.shape[1], dtype=np.float32)[places]


def covered_items(
    model: Any,
    purchases: Purchases,
    attributes: ItemAttributes,
    config: ItemTrainingConfig,
    compared: int = 1000,
) -> tuple[float, float]:
    """Share of bought items that have an imagined one near them, and what other purchases reach.

    Args:
        model: The generator.
        purchases: What it learnt from.
        attributes: Of the items.
        config: Holds the units of noise, and the seed.
        compared: Most purchases on either side.
    """
    rng = np.random.default_rng([config.seed, 7])
    number = min(compared, len(purchases.user) // 2)
    rows = rng.choice(len(purchases.user), 2 * number, replace=False)
    own, others = rows[:number], rows[number:]
    made = imagined_in_place(model, purchases, attributes, own, config, rng)
    real, of_others = (attributes.one_hot(purchases.item[part]) for part in (own, others))
    return covered_and_floor(real, of_others, made)


def value_chances(logits: np.ndarray, attributes: ItemAttributes) -> np.ndarray:
    """(n, width) chance of each value, head by head.

    Args:
        logits: (n, width) as from the generator.
        attributes: Of the items.
    """
    heads = np.split(logits, attributes.starts[1:], axis=1)
    powers = [np.exp(head - head.max(axis=1, keepdims=True)) for head in heads]
    return np.concatenate([power / power.sum(axis=1, keepdims=True) for power in powers], axis=1)
