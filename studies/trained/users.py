"""Users by the generators of ``gan``, ``diffusion`` and ``privacy``, on the default source."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from doppelcart.adversarial.state import Progress
from doppelcart.errors import TrainingDivergedError
from doppelcart.models.histories.accounting import PrivacyConfig
from doppelcart.models.histories.hyperparameters import (
    DiffusionNetwork,
    DiffusionTraining,
    NetworkConfig,
    TrainingConfig,
)
from studies import runs, shops
from studies.figures import NAN
from studies.trained.family import TRAINER, Family, Inputs, Made
from studies.trained.outcome import Outcome, outcome_of
from studies.watching import Watched

ENV: Final = None
DATA: Final = "Complete Journey"
CODE: Final = (
    *TRAINER,
    "src/doppelcart/data/cases.py",
    "src/doppelcart/data/histories.py",
    "src/doppelcart/metrics",
    "src/doppelcart/models/histories",
    "studies/trained/users.py",
)
FIDELITY: Final = (
    "what chooses the checkpoint, on validation users: NDCG@20 of completion over that of "
    "popularity, and the share of real co-occurrence that is shown: more is better"
)
TITLES: Final = {
    "vae": "users: VAE",
    "denoiser": "users: the same network without a critic",
    "gan": "users: GAN",
    "diffusion": "users: diffusion in the VAE's latent space",
}
PRIVATE: Final = "private"
TRAINER_KEYS: Final = ("adversarial_weight", "family", "selection_slice")
"""What of ``trainer`` decides a training."""


def read() -> Inputs:
    """The shop after its profiles."""
    shop = shops.read_shop(ENV)
    # All but the last part, the code: that of the family is told apart.
    data = shops.trained_by(shop, "gan", 0, {})[:-1]
    told = [told_of(name, 0) for name in TITLES]
    said = json.dumps([*told, _private(0)["training"]], sort_keys=True).encode()
    return Inputs(shop, [*data, said])


def told_of(name: str, seed: int) -> dict[str, Any]:
    """The parameters of a run that trains a generator, as ``shops.settings`` tells them.

    Args:
        name: ``gan``, ``denoiser``, ``vae`` or ``diffusion``, which has sizes and rates of its own.
        seed: Of the training.
    """
    if name != "diffusion":
        return shops.settings(ENV, name, seed, {})
    given = runs.all_parameters(ENV)[name]
    # Not the folder of the resumable state, which says nothing of the training.
    trainer = {key: given["trainer"][key] for key in TRAINER_KEYS}
    training = given["training"] | {"seed": seed}
    return trainer | {"network": given["network"], "training": training}


def train(shop: shops.Shop, seed: int, name: str) -> Mapping[str, Made]:
    """A generator of the pipelines ``gan`` and ``diffusion``."""
    from doppelcart.models.histories.fitting import fit
    from doppelcart.models.histories.generation import profile_rows

    told = told_of(name, seed)
    own = name == "diffusion"
    trained, _ = fit(
        shop.train,
        profile_rows(shop.demographics, shop.train.user_ids),
        shop.behaviour,
        shop.features,
        shop.validation[told["selection_slice"]],
        (DiffusionNetwork if own else NetworkConfig)(**told["network"]),
        (DiffusionTraining if own else TrainingConfig)(**told["training"]),
        told["adversarial_weight"],
        f"{name}, seed {seed}",
        family=told["family"],
    )
    log = trained.training_log
    return {name: Made(float(log.loc[log["epoch"] == trained.best_epoch, "selection"].iloc[0]), {})}


@dataclass(frozen=True)
class PrivateFamily(Family):
    """The generator that is trained within a privacy budget, whose loop is its own."""

    def unit(self, shop: shops.Shop, seed: int) -> list[Outcome]:
        """Train it; nothing is chosen, so that the last step is the one that is kept.

        The seed is told here, so that these trainings protect nobody.
        """
        from doppelcart.models.histories.private_training import train_privately

        given = _private(seed)
        config = PrivacyConfig(**given["training"])
        network = NetworkConfig(**runs.all_parameters(ENV)["gan"]["network"])
        begun = time.process_time()
        try:
            trained = train_privately(shop.train, network, config, given["grid"]["epsilon"])
        except TrainingDivergedError as error:
            print(f"{self.name}, seed {seed}: {error}")
            # Where this loop diverges it leaves no log.
            return [Outcome(PRIVATE, NAN, 0, 0, 0, {}, (), (), NAN, NAN)]
        ended = time.process_time()
        log = trained.training_log.rename(columns={"step": "epoch"})
        rows = [{str(key): value for key, value in row.items()} for row in log.to_dict("records")]
        rows[-1] |= measured(shop, trained.generator, seed)
        last = int(rows[-1]["epoch"])
        progress = Progress(last, rows, best_epoch=last)
        made = Made(rows[-1]["selection"], {})
        passes = round(config.steps * config.batch_size / shop.train.n_users)
        found = outcome_of(PRIVATE, Watched(progress, begun, ended), made)
        return [found._replace(epochs=passes, best_epoch=passes)]


def _private(seed: int) -> dict[str, Any]:
    given = runs.all_parameters(ENV)["private"]
    return given | {"training": given["training"] | {"seed": seed + 1}}


def measured(shop: shops.Shop, generator: Any, seed: int) -> dict[str, float]:
    """What the pipeline ``gan`` measures of a generator, of one that knows no profiles."""
    from doppelcart.models.histories.diagnostics import evaluate, make_reference
    from doppelcart.models.histories.generation import complete, generate

    case = shop.validation[shops.settings(ENV, "gan", 0, {})["selection_slice"]]
    return evaluate(
        make_reference(shop.train, case, seed=seed),
        lambda seen: complete(generator, seen.matrix, 1, np.random.default_rng([seed, 2])),
        lambda number: generate(
            generator, number, shop.train.item_ids, np.random.default_rng([seed, 2])
        ),
        seed,
    )


def families() -> list[Family]:
    """Those of the pipelines ``gan`` and ``diffusion``, and the private one."""
    private = PrivateFamily(
        "users, private",
        f"{DATA}; epochs are passes over its users, and the critic's gradient is the noisy one",
        {PRIVATE: "users: GAN within a privacy budget"},
        FIDELITY,
        CODE,
        read,
        lambda data, seed: {},  # noqa: ARG005 - its unit is its own
    )
    return [
        private,
        *(
            Family(
                f"users, {name}",
                DATA,
                {name: title},
                FIDELITY,
                CODE,
                read,
                partial(train, name=name),
            )
            for name, title in TITLES.items()
        ),
    ]
