"""Baskets of a department as a generator completes them, one for all departments of a protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse import linalg as sparse_linalg

from doppelcart.metrics.fidelity.floor import with_coverage
from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.models.baskets.hyperparameters import BasketTrainingConfig
from doppelcart.pipelines.cross_domain.crossings import TRAIN, Crossing
from doppelcart.pipelines.cross_domain.design import TRIAL
from doppelcart.pipelines.cross_domain.params import CompletionParams
from doppelcart.pipelines.cross_domain.transfer import Lists

if TYPE_CHECKING:
    from doppelcart.models.baskets.basket_training import Baskets

ROLES: Final = ("train", "validation", "test")
LEAST: Final = 1e-6
"""Size beside the greatest, below which a singular vector is rounding and tells nothing."""


def kinds(training: BasketTrainingConfig) -> dict[str, BasketTrainingConfig]:
    """How the generator on trial and its controls are trained, by arm: the same network for all."""
    return {
        TRIAL: training,
        "without_critic": training.model_copy(update={"adversarial_weight": 0.0}),
        "energy_score": training.model_copy(update={"adversarial_loss": "energy_score"}),
    }


def taste_of(crossing: Crossing, units: int) -> np.ndarray:
    """(n_columns, n_units) float32: items by the leading singular vectors of what is known.

    A household's history times these is what a generator is told of it, scaled to a deviation of
    about 1.

    Args:
        crossing: The protocol; its training households are learnt from.
        units: Vectors; fewer where households, items or what sets them apart are fewer.
    """
    history = crossing.history[crossing.part == TRAIN].astype(np.float64)
    units = min(units, min(history.shape) - 1)
    _, sizes, items = sparse_linalg.svds(history, k=units, v0=np.ones(min(history.shape)))
    told = sizes > LEAST * sizes.max()
    scaled = items[told].T * np.sqrt(history.shape[0]) / sizes[told]
    return np.asarray(scaled, dtype=np.float32)


def baskets_of(crossing: Crossing, taste: np.ndarray) -> dict[str, Baskets]:
    """Baskets of all departments below each other: to learn from, to choose by, to be tested.

    Those of tested households are empty: nothing is known of them.

    Args:
        crossing: The protocol.
        taste: As from ``taste_of``.
    """
    from doppelcart.models.baskets.basket_training import Baskets

    targets = crossing.targets
    owner = np.repeat(np.arange(len(targets)), [len(target.items) for target in targets])
    columns = np.concatenate([target.items for target in targets])
    found = {}
    for role in ROLES:
        rows = [getattr(target, role) for target in targets]
        household = [
            crossing.known(target, own) @ taste for target, own in zip(targets, rows, strict=True)
        ]
        department = np.repeat(np.arange(len(targets)), [len(own) for own in rows])
        real = crossing.history[np.concatenate(rows)][:, columns]
        inside = sparse.csr_matrix(department[:, None] == owner, dtype=np.float32)
        own = real.multiply(inside if role != "test" else 0 * inside).tocsr()
        own.eliminate_zeros()
        found[role] = Baskets(
            np.concatenate(household).astype(np.float32), department, own.astype(np.float32), owner
        )
    return found


class Completed(NamedTuple):
    """What generators make of the departments of a protocol.

    Attributes:
        lists: Scores by department and arm.
        log: Of every training, by ``arm``.
    """

    lists: dict[str, dict[str, Lists]]
    log: pd.DataFrame


def complete_crossing(
    crossing: Crossing,
    params: CompletionParams,
    training: BasketTrainingConfig,
    k: int,
    seed: int,
) -> Completed:
    """Train every kind of generator on a protocol, and complete its held-out baskets by each.

    Args:
        crossing: The protocol.
        params: What a generator is told, and how many draws are averaged.
        training: How the generator on trial is trained.
        k: Length of the lists by which checkpoints are compared.
        seed: Of the run, added to that of training.
    """
    from doppelcart.models.baskets.basket_training import complete, covered_baskets, train_generator

    def quality(scores: np.ndarray, bought: sparse.csr_matrix) -> float:
        return float(np.nanmean(ndcg(top_k(scores, None, k), bought, k)))

    baskets = baskets_of(crossing, taste_of(crossing, params.household_units))
    lists: dict[str, dict[str, Lists]] = {target.name: {} for target in crossing.targets}
    logs = []
    for arm, config in kinds(training).items():
        own = config.model_copy(update={"seed": config.seed + seed})
        trained = train_generator(baskets["train"], own, quality, params.draws, arm)
        found = covered_baskets(trained.generator, baskets["validation"], own)
        logs.append(with_coverage(trained.training_log.assign(arm=arm), found))
        completed = {
            role: complete(trained.generator, baskets[role], params.draws, own)
            for role in ROLES[1:]
        }
        for place, target in enumerate(crossing.targets):
            columns = baskets["test"].owner == place
            lists[target.name][arm] = Lists(
                *(
                    completed[role][baskets[role].department == place][:, columns]
                    for role in ROLES[1:]
                )
            )
    return Completed(lists, pd.concat(logs, ignore_index=True))
