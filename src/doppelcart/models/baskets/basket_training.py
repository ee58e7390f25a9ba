"""From baskets of known households to a generator, and from that to completed baskets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from scipy import sparse

from doppelcart.adversarial.loop import Trained, train
from doppelcart.adversarial.rows import Batch, row_batches, steps_per_epoch
from doppelcart.metrics.fidelity.floor import covered
from doppelcart.metrics.fidelity.neighbourhoods import embed
from doppelcart.models.baskets.basket_networks import build_critic, build_generator
from doppelcart.models.baskets.basket_trainer import BasketTrainer
from doppelcart.models.baskets.hyperparameters import BasketTrainingConfig

Quality = Callable[[np.ndarray, sparse.csr_matrix], float]
"""Scores (n_rows, n_items) of a department's items and real baskets -> how well they are ranked."""


@dataclass(frozen=True, eq=False)
class Baskets:
    """What households bought in a department, and what is known of them elsewhere.

    Args:
        household: (n, units) float32 of what is known of each, the department masked.
        department: (n,) place of the department among all.
        real: (n, n_items) CSR float32 of ones, over the items of all departments.
        owner: (n_items,) place of each item's department.
    """

    household: np.ndarray
    department: np.ndarray
    real: sparse.csr_matrix
    owner: np.ndarray

    @property
    def n_departments(self) -> int:
        """Number of departments."""
        return int(self.owner.max()) + 1

    def select(self, rows: np.ndarray) -> Baskets:
        """Some of them."""
        return Baskets(self.household[rows], self.department[rows], self.real[rows], self.owner)

    def asked(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """What generator and critic are told: households, and departments as ones."""
        ones = np.eye(self.n_departments, dtype=np.float32)[self.department[rows]]
        return {"household": self.household[rows], "department": ones}

    def others(self, rng: np.random.Generator) -> np.ndarray:
        """(n,) for each basket another one of the same department, at random.

        It is the basket itself where a department has no other.
        """
        found = np.empty(len(self.department), dtype=np.int64)
        for code in np.unique(self.department):
            own = rng.permutation(np.flatnonzero(self.department == code))
            found[own] = np.roll(own, 1)
        return found

    def log_odds(self) -> np.ndarray:
        """(n_items,) float32 log odds that somebody who buys in a department buys the item."""
        buyers = np.bincount(self.real.indices, minlength=len(self.owner))
        baskets = np.bincount(self.department, minlength=self.n_departments)[self.owner]
        return np.log((buyers + 0.5) / (baskets - buyers + 0.5)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class BasketBatches:
    """Batches of baskets, the same for the same seed and epoch."""

    baskets: Baskets
    config: BasketTrainingConfig

    @property
    def steps_per_epoch(self) -> int:
        """Batches that an epoch has."""
        return steps_per_epoch(len(self.baskets.department), self.config.batch_size)

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """Every basket at most once."""
        rng = np.random.default_rng([self.config.seed, epoch])
        own, others = self.baskets, self.baskets.others(rng)
        for rows in row_batches(len(own.department), self.config.batch_size, rng):
            swapped = rng.random((len(rows), 1)) < self.config.swapped_share
            inside = own.department[rows][:, None] == own.owner
            yield {
                **own.asked(rows),
                "inside": inside.astype(np.float32),
                "real": own.real[rows].toarray(),
                "other": own.real[others[rows]].toarray(),
                "swapped": swapped.astype(np.float32),
            }


def train_generator(
    baskets: Baskets, config: BasketTrainingConfig, quality: Quality, draws: int, label: str
) -> Trained:
    """Train a generator on the baskets of all departments.

    Args:
        baskets: To learn from; some are held out and choose the checkpoint.
        config: How to train. An adversarial weight of 0 trains without a critic.
        quality: What is held out is ranked by it, department by department.
        draws: Draws of the noise, of which completed baskets are the mean.
        label: On progress bars.
    """
    rng = np.random.default_rng([config.seed, 3])
    held = rng.random(len(baskets.department)) < config.held_out_share
    seen, hidden = (baskets.select(np.flatnonzero(rows)) for rows in (~held, held))
    if not len(hidden.department):
        hidden = seen
    shape = {
        "household_units": baskets.household.shape[1],
        "hidden_units": config.hidden_units,
        "n_departments": baskets.n_departments,
    }
    generator = build_generator(
        **shape,
        log_odds=seen.log_odds(),
        noise_units=config.noise_units,
        dropout=config.dropout,
        seed=config.seed,
    )
    asks = config.adversarial_weight > 0 and config.adversarial_loss != "energy_score"
    critic = (
        build_critic(**shape, n_items=len(baskets.owner), seed=config.seed + 10) if asks else None
    )

    def evaluate(model: keras.Model) -> dict[str, float]:
        completed = complete(model, hidden, draws, config)
        values = []
        for code in np.unique(hidden.department):
            rows, columns = hidden.department == code, hidden.owner == code
            values.append(quality(completed[rows][:, columns], hidden.real[rows][:, columns]))
        return {"selection": float(np.nanmean(values))}

    trainer = BasketTrainer(generator, critic, config)
    return train(trainer, BasketBatches(seen, config), evaluate, label=label)


def filled(
    model: Any, baskets: Baskets, config: BasketTrainingConfig, rng: np.random.Generator
) -> sparse.csr_matrix:
    """(n, n_items) CSR of ones: baskets that are drawn by the chance of each item.

    Args:
        model: The generator.
        baskets: Holds what is known of the households, and which department is asked for.
        config: Holds the units of noise, and the seed.
        rng: Of the draws.
    """
    inside = baskets.department[:, None] == baskets.owner
    chances = complete(model, baskets, 1, config) * inside
    return sparse.csr_matrix((rng.random(chances.shape) < chances).astype(np.float64))


def covered_baskets(
    model: Any, baskets: Baskets, config: BasketTrainingConfig, compared: int = 1000
) -> tuple[float, float]:
    """Share of real baskets that have a filled one near them, and what other real ones reach.

    Args:
        model: The generator.
        baskets: Of households that it did not learn from.
        config: Holds the units of noise, and the seed.
        compared: Most baskets on either side.
    """
    rng = np.random.default_rng([config.seed, 7])
    number = min(compared, len(baskets.department) // 2)
    rows = rng.choice(len(baskets.department), 2 * number, replace=False)
    own, others = (baskets.select(np.sort(part)) for part in np.split(rows, 2))
    made = filled(model, own, config, rng)
    found = [covered(*embed(own.real, against, config.seed)) for against in (made, others.real)]
    return found[0], found[1]


def complete(model: Any, baskets: Baskets, draws: int, config: BasketTrainingConfig) -> np.ndarray:
    """(n, n_items) float32 chance that each item is in a basket, as the generator says.

    Args:
        model: The generator.
        baskets: Holds what is known of the households, and which department is asked for.
        draws: Draws of the noise, over which chances are averaged; the same for all.
        config: Holds the units of noise, and the seed.
    """
    rng = np.random.default_rng([config.seed, 4])
    noise = rng.standard_normal((draws, config.noise_units)).astype(np.float32)
    asked = baskets.asked(np.arange(len(baskets.department)))
    chances = np.zeros((len(baskets.department), len(baskets.owner)), dtype=np.float32)
    for draw in noise:
        fed = asked | {"noise": np.tile(draw, (len(chances), 1))}
        logits = np.asarray(model(fed, training=False))
        chances += 1.0 / (1.0 + np.exp(-logits))
    return chances / draws
