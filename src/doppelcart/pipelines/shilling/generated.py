"""Profiles of trained generators: hard examples to learn from, and another family's to judge by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.models.histories.generation import generate
from doppelcart.models.histories.hyperparameters import (
    FactorisingConfig,
    Family,
    NetworkConfig,
    TrainingConfig,
)
from doppelcart.pipelines.shilling.attack_design import (
    GAN,
    GANMF,
    OTHER_FAMILY,
    WITHOUT_CRITIC,
)
from doppelcart.pipelines.shilling.attack_trials import Draw, Generated
from doppelcart.pipelines.shilling.attacks import Maker, Scene, item_means, rated_around
from doppelcart.pipelines.shilling.rating_matrix import GENERATED, Ratings

TASTES: Final = 16
"""Coordinates by which a user is described to the generator."""
VALIDATION: Final = 0.2
"""Share of the users by whom the epoch is chosen."""
SHOWN: Final = 5


def trained_on(
    network: NetworkConfig, training: TrainingConfig, ganmf: FactorisingConfig
) -> Callable[[Draw, int], Generated]:
    """What trains the generators of a draw: the GAN, the same without a critic, a VAE, and GANMF.

    The first two see only the users whom detectors learn from; the others, whose profiles are
    judged, those whom attackers imitate.

    Args:
        network: Sizes.
        training: How the GAN is trained.
        ganmf: How GANMF is trained.
    """

    def train(draw: Draw, seed: int) -> Generated:
        own = training.model_copy(update={"seed": seed})
        learnt = draw.shop.select(np.arange(draw.n_learnt))
        elsewhere = Ratings(
            np.arange(len(draw.to_learn) + len(draw.to_judge)).astype(str),
            draw.shop.items,
            np.concatenate([draw.to_learn, draw.to_judge]),
            draw.shop.scale,
        )
        without = own.model_copy(update={"adversarial_loss": "energy_score"})
        plans: dict[str, tuple[Ratings, TrainingConfig, Family]] = {
            GAN: (learnt, own, "gan"),
            WITHOUT_CRITIC: (learnt, without, "gan"),
            OTHER_FAMILY: (elsewhere, own, "vae"),
        }
        fitted = {
            name: _fit(users, network, config, family, name)
            for name, (users, config, family) in plans.items()
        }
        makers = {name: _maker(model, behaviour) for name, (model, _, behaviour) in fitted.items()}
        makers[GANMF] = _factorised(elsewhere, ganmf.model_copy(update={"seed": seed}))
        trained_by = {name: users for name, (users, _, _) in plans.items()} | {GANMF: elsewhere}
        return Generated(
            makers,
            _suspicion(fitted[GAN][1]),
            {name: _distance(makers[name], trained_by[name], seed) for name in makers},
        )

    return train


def _fit(
    users: Ratings, network: NetworkConfig, training: TrainingConfig, family: Family, name: str
) -> tuple[Any, Any, np.ndarray]:
    """Generator, critic, and the descriptions of the users that it was trained on."""
    # TensorFlow is slow to import, and detectors do without.
    from doppelcart.models.histories.fitting import fit

    rng = np.random.default_rng(training.seed)
    order = rng.permutation(users.n_users)
    n_validation = max(2, round(VALIDATION * users.n_users))
    histories = _histories(users.given[order[n_validation:]], users, rng)
    others = _histories(users.given[order[:n_validation]], users, rng)
    others = others.select(np.flatnonzero(others.lengths > SHOWN))
    case = Case(f"cold_{SHOWN}", others.first(SHOWN), others.rest(SHOWN))
    behaviour = _described(histories)
    nothing = np.zeros((histories.n_users, 1), np.float32)
    features = np.log1p((users.given > 0).sum(axis=0, dtype=np.float32))[:, None]
    trained, _ = fit(
        histories, nothing, behaviour, features, case, network, training, 1.0, name, family=family
    )
    return trained.generator, trained.critic, behaviour


def _histories(values: np.ndarray, users: Ratings, rng: np.random.Generator) -> Histories:
    rows = [rng.permutation(np.flatnonzero(row)) for row in values]
    return Histories.from_lists(rows, np.arange(len(values)).astype(str), users.items)


def _described(histories: Histories) -> np.ndarray:
    """(n_users, 1 + 16) length and tastes, scaled."""
    from sklearn.decomposition import TruncatedSVD

    matrix = histories.matrix
    rank = min(TASTES, min(matrix.shape) - 1)
    tastes = TruncatedSVD(rank, random_state=0).fit_transform(matrix)
    table = np.column_stack([np.log1p(histories.lengths), tastes])
    scaled = (table - table.mean(axis=0)) / (table.std(axis=0) + 1e-6)
    return scaled.astype(np.float32)


def _maker(generator: Any, behaviour: np.ndarray) -> Maker:
    """Histories of a generator; where there are ratings, each around its item's mean.

    The network says what is rated, not how: its ratings are drawn as those of average profiles are,
    so that what it is compared with differs by the items alone.
    """

    def make(scene: Scene, number: int, rng: np.random.Generator) -> np.ndarray:
        shop = scene.shop
        like = behaviour[rng.integers(0, len(behaviour), number)]
        made = generate(generator, number, shop.items, rng, behaviour=like, prefix=GENERATED + "u")
        has = made.matrix.toarray() > 0
        return rated_around(shop, has, *item_means(shop), rng)

    return make


def _factorised(users: Ratings, config: FactorisingConfig) -> Maker:
    """Profiles of GANMF, as long as those of the users it learnt from, rated as the others are."""
    # TensorFlow is slow to import, and detectors do without.
    from doppelcart.models.histories.factorising import fit_factors, new_rows

    rng = np.random.default_rng(config.seed)
    rows = (users.given[rng.permutation(users.n_users)] > 0).astype(np.float32)
    n_validation = max(2, round(VALIDATION * users.n_users))
    generator = fit_factors(rows[n_validation:], rows[:n_validation], config)
    lengths = rows[n_validation:].sum(axis=1).astype(int)

    def make(scene: Scene, number: int, rng: np.random.Generator) -> np.ndarray:
        has = new_rows(generator, rng.choice(lengths, number), rng) > 0
        return rated_around(scene.shop, has, *item_means(scene.shop), rng)

    return make


def _suspicion(critic: Any) -> Callable[[np.ndarray], np.ndarray]:
    """What the critic takes for made up: the less it scores a history, the more suspicious."""
    from doppelcart.models.histories.networks import PROFILE_INPUTS

    def suspicion(values: np.ndarray) -> np.ndarray:
        full = (values > 0).astype(np.float32)
        widths = {tensor.name: tensor.shape[-1] for tensor in critic.inputs}
        unknown = {name: np.zeros((len(full), widths[name]), np.float32) for name in PROFILE_INPUTS}
        said = critic({"full": full, "seen": np.zeros_like(full), **unknown}, training=False)
        return -np.asarray(said)[:, 0]

    return suspicion


def _distance(maker: Maker, users: Ratings, seed: int) -> float:
    """How far made histories lie from real ones: of lengths and popularity, in real spreads.

    It is the mean distance of sorted values (Wasserstein, order 1) of log length, and of mean log
    popularity.

    Args:
        maker: Of a trained generator.
        users: Whom it was trained on.
        seed: Of what is made.
    """
    rng = np.random.default_rng(seed)
    scene = Scene(users, users.given[:0], 0.05, 0.0)
    ours, theirs = users.given > 0, maker(scene, users.n_users, rng) > 0
    pull = np.log1p(ours.sum(axis=0))
    distances = []
    for real, made in (
        (np.log1p(ours.sum(axis=1)), np.log1p(theirs.sum(axis=1))),
        tuple(has @ pull / np.maximum(has.sum(axis=1), 1) for has in (ours, theirs)),
    ):
        gap = np.abs(np.sort(real) - np.sort(made)).mean()
        distances.append(gap / (real.std() + 1e-9))
    return float(np.mean(distances))
