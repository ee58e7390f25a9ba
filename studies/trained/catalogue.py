"""Items, ideas and baskets by the pipelines ``new_items``, ``ideas`` and ``cross_domain``."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import ibis
import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.catalogue.shares import groups_of
from doppelcart.catalogue.windows import lines_of
from doppelcart.datasets.npz import ItemFeaturesDataset
from doppelcart.metrics.fidelity.neighbourhoods import embed
from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.models.baskets.hyperparameters import BasketTrainingConfig
from doppelcart.models.items.hyperparameters import ItemTrainingConfig
from doppelcart.models.items.item_attributes import ItemAttributes
from doppelcart.pipelines.cross_domain import completing, crossings
from doppelcart.pipelines.cross_domain import params as departments
from doppelcart.pipelines.cross_domain.design import TRIAL as BASKET
from doppelcart.pipelines.ideas import combinations, imagining_ideas
from doppelcart.pipelines.ideas import params as ideas
from doppelcart.pipelines.new_items import imagined, launches
from doppelcart.pipelines.new_items import params as new_items
from doppelcart.pipelines.new_items.design import TRIAL as NEW_ITEM
from studies import runs
from studies.trained.family import TRAINER, Family, Inputs, Made, spread_of

DATA: Final = "Complete Journey"
COMPARED: Final = 1000
"""Purchases in whose place items are imagined."""
CATALOGUE: Final = ("src/doppelcart/catalogue", "studies/trained/catalogue.py")
ITEMS: Final = (*TRAINER, *CATALOGUE, "src/doppelcart/models/items")
NEW_ITEMS_CODE: Final = (
    *ITEMS,
    "src/doppelcart/pipelines/new_items/imagined.py",
    "src/doppelcart/pipelines/new_items/launches.py",
)
IDEAS_CODE: Final = (
    *ITEMS,
    "src/doppelcart/pipelines/ideas/combinations.py",
    "src/doppelcart/pipelines/ideas/imagining_ideas.py",
)
BASKETS_CODE: Final = (
    *TRAINER,
    "src/doppelcart/models/baskets",
    "src/doppelcart/pipelines/cross_domain/completing.py",
    "src/doppelcart/pipelines/cross_domain/crossings.py",
    "studies/trained/catalogue.py",
)
OUTPUTS: Final = "items.features,prm_interactions,prm_items,quarantine"
"""What is read of a run."""
CHOSEN_BY: Final = (
    "what chooses the checkpoint: share of held-out purchases whose item is liked better than one "
    "that others bought of the category; more is better, .5 is chance"
)


class Log(NamedTuple):
    """The default source, cleaned.

    Attributes:
        lines: As from ``lines_of``.
        features: Of all items.
        crossed: As from ``lines_by_department``.
    """

    lines: pd.DataFrame
    features: ItemFeatures
    crossed: pd.DataFrame


@lru_cache(1)
def log() -> Log:
    """The default source after cleaning, made in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="doppelcart-") as scratch:
        home = Path(scratch)
        words = ("--pipelines", "ingestion,cleaning,items", "--to-outputs", OUTPUTS)
        runs.kedro(home, "run", "run", *words)
        primary = home / "run" / "03_primary"
        bought, items, quarantine = (
            ibis.memtable(pd.read_parquet(primary / f"{name}.parquet"))
            for name in ("prm_interactions", "prm_items", "quarantine")
        )
        features = home / "run" / "05_model_input" / "item_features.npz"
        return Log(
            lines_of(bought, quarantine),
            ItemFeaturesDataset(filepath=str(features)).load(),
            crossings.lines_by_department(bought, items),
        )


class Imagining(NamedTuple):
    """What a generator of items learns from.

    Attributes:
        purchases: Of households, before a window.
        attributes: Of the items.
        training: How it is trained.
    """

    purchases: Any
    attributes: ItemAttributes
    training: ItemTrainingConfig


def _inputs(data: Any, parts: list[np.ndarray], *told: Any) -> Inputs:
    said = json.dumps(told, sort_keys=True).encode()
    return Inputs(data, [*(part.tobytes() for part in parts), said])


def _imagining(purchases: Any, attributes: ItemAttributes, training: ItemTrainingConfig) -> Inputs:
    parts = [purchases.households, purchases.categories, purchases.user, purchases.item]
    data = Imagining(purchases, attributes, training)
    return _inputs(data, [*parts, attributes.codes], training.model_dump(mode="json"))


def read_new_items() -> Inputs:
    """Purchases before the window that the pipeline tests."""
    given, own = runs.all_parameters(None)["new_items"], log()
    windows = new_items.WindowsParams(**given["windows"])
    params = new_items.ImaginedParams(**given["imagined"])
    launch = launches.open_launches(
        own.lines,
        own.features,
        params.cuts[-1:],
        windows.tuning_share,
        windows.min_users,
        min_buyers_before=windows.min_buyers_before,
        min_buyers_after=windows.min_buyers_after,
        recent_weeks=windows.recent_weeks,
    )[0]
    setting = imagined.setting_of(launch.test, own.features, groups_of(own.features), params)
    purchases = imagined.purchases_of(setting, params.household_units)
    return _imagining(purchases, setting.attributes, ItemTrainingConfig(**given["training"]))


def read_ideas() -> Inputs:
    """Purchases before the last window that the pipeline judges."""
    given, own = runs.all_parameters(None)["ideas"], log()
    windows = ideas.WindowsParams(**given["windows"])
    windows = windows.model_copy(update={"cuts": windows.cuts[-1:]})
    params = ideas.ImaginedParams(**given["imagined"])
    judged = combinations.open_cuts(own.lines, own.features, windows)[-1].judged
    seed = ideas.ExperimentParams(**given["experiment"]).seed
    purchases = imagining_ideas.purchases_of(judged, own.features, params, seed)
    attributes = imagining_ideas.attributes_of(judged, own.features, params)
    return _imagining(purchases, attributes, ideas.IdeasTrainingConfig(**given["training"]))


def imagine(data: Imagining, seed: int, arm: str) -> Mapping[str, Made]:
    """Items in the place of purchases."""
    from doppelcart.models.items.imagining import train_generator

    is_vae = arm == imagined.VAE
    config = data.training if is_vae else data.training.with_controls(NEW_ITEM)[arm]
    config = config.model_copy(update={"seed": seed})
    trained = train_generator(data.purchases, data.attributes, config, arm, is_vae)
    logged = trained.training_log
    chosen = logged.loc[logged["epoch"] == trained.best_epoch, "selection"].iloc[0]
    real, made = _rows(data, trained.generator, config, seed)
    return {arm: Made(float(chosen), spread_of(real, made))}


def _rows(
    data: Imagining, generator: Any, config: ItemTrainingConfig, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Items that were bought, and items imagined in their place, a column per value."""
    from doppelcart.models.items.imagining import imagined_in_place

    purchases, attributes = data.purchases, data.attributes
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(purchases.user), min(COMPARED, len(purchases.user)), replace=False)
    made = imagined_in_place(generator, purchases, attributes, rows, config, rng)
    return attributes.one_hot(purchases.item[rows]), made


class Crossed(NamedTuple):
    """Baskets of the departments of a protocol.

    Attributes:
        baskets: By role.
        params: What a generator is told.
        training: How it is trained.
        length: Of the lists that choose the checkpoint.
    """

    baskets: Mapping[str, Any]
    params: departments.CompletionParams
    training: BasketTrainingConfig
    length: int


def read_baskets() -> Inputs:
    """Baskets of the first protocol for which the pipeline trains generators."""
    given = runs.all_parameters(None)["cross_domain"]
    params = departments.CompletionParams(**given["completion"])
    opened = crossings.open_crossings(
        log().crossed, departments.DepartmentsParams(**given["departments"])
    )
    crossing = next(one for one in opened if one.protocol == params.protocols[0])
    taste = completing.taste_of(crossing, params.household_units)
    baskets = completing.baskets_of(crossing, taste)
    length = departments.ExperimentParams(**given["experiment"]).list_length
    training = BasketTrainingConfig(**given["training"])
    learnt = baskets["train"]
    parts = [learnt.household, learnt.department, learnt.real.indices, learnt.real.indptr]
    told = [given["training"], given["completion"], length]
    return _inputs(Crossed(baskets, params, training, length), parts, *told)


def fill(data: Crossed, seed: int, arm: str) -> Mapping[str, Made]:
    """Baskets of validation households."""
    from doppelcart.models.baskets.basket_training import filled, train_generator

    def quality(scores: np.ndarray, bought: sparse.csr_matrix) -> float:
        return float(np.nanmean(ndcg(top_k(scores, None, data.length), bought, data.length)))

    config = completing.kinds(data.training)[arm].model_copy(update={"seed": seed})
    trained = train_generator(data.baskets["train"], config, quality, data.params.draws, arm)
    logged = trained.training_log
    chosen = logged.loc[logged["epoch"] == trained.best_epoch, "selection"].iloc[0]
    rng = np.random.default_rng(seed)
    asked = data.baskets["validation"]
    rows = rng.choice(len(asked.department), min(COMPARED, len(asked.department)), replace=False)
    asked = asked.select(np.sort(rows))
    made = filled(trained.generator, asked, config, rng)
    return {arm: Made(float(chosen), spread_of(*embed(asked.real, made, seed)))}


def families() -> list[Family]:
    """Attributes of new items, ideas, and baskets."""
    kinds = {
        NEW_ITEM: "attributes of items: GAN",
        "without_critic": "attributes of items: the same network without a critic",
        imagined.VAE: "attributes of items: VAE",
    }
    filled = {
        BASKET: "baskets: GAN",
        "without_critic": "baskets: the same network without a critic",
    }
    return [
        *(
            Family(
                f"new items, {arm}",
                f"{DATA}, all purchases before the window that is tested",
                {arm: title},
                CHOSEN_BY,
                NEW_ITEMS_CODE,
                read_new_items,
                partial(imagine, arm=arm),
            )
            for arm, title in kinds.items()
        ),
        Family(
            "ideas",
            f"{DATA}, 100,000 purchases before the last window that is judged; the network of "
            "attributes of items, with more values of each",
            {imagining_ideas.TRIAL: "ideas: GAN"},
            CHOSEN_BY,
            IDEAS_CODE,
            read_ideas,
            partial(imagine, arm=imagining_ideas.TRIAL),
        ),
        *(
            Family(
                f"baskets, {arm}",
                f"{DATA}, departments masked",
                {arm: title},
                "what chooses the checkpoint: NDCG@20 of held-out baskets, mean over departments; "
                "more is better",
                BASKETS_CODE,
                read_baskets,
                partial(fill, arm=arm),
            )
            for arm, title in filled.items()
        ),
    ]
