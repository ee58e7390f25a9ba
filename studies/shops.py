"""Real shops as the studies of generators want them: histories, profiles, cases and parameters."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.datasets.npz import CasesDataset, HistoriesDataset
from doppelcart.pipelines.privacy.nodes import find_non_members
from doppelcart.pipelines.privacy.params import AuditParams
from doppelcart.recommendation.grid import expand
from studies import runs, worth
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.published import data_folder

CACHE = PROJECT / "build" / "studies" / "trained"
LEARNED = PROJECT / "build" / "studies" / "learned"
SOURCES: dict[str, str | None] = {"Complete Journey": None, "Online Retail": "online_retail"}
"""Environment of each source's parameters."""

TRAINED_BY = tuple(
    f"src/doppelcart/{part}" for part in ("adversarial", "data", "metrics", "models")
)
"""Code that decides what a training yields."""
JUDGED_BY = (
    *(
        f"src/doppelcart/{part}"
        for part in ("experiment", "pipelines/privacy", "recommendation", "recommenders")
    ),
    *(f"studies/{part}.py" for part in ("runs", "shops", "worth")),
)
"""Code that decides what is found of it, besides that of the study that asks."""


@dataclass(frozen=True)
class Shop:
    """What generators are trained on and judged by.

    Args:
        env: Environment of its parameters.
        train: Training users.
        demographics: user_id and demographic columns of all users.
        behaviour: (n_train, n_behaviours) float32.
        features: (n_items, n_features) float32.
        non_members: Validation users as training users would look; no generator saw them.
        validation: Cases that choose checkpoints, configurations and strengths.
        test: Cases that they are measured on.
        feat_users: Readable profiles of the training users, by ``user_id``.
    """

    env: str | None
    train: Histories
    demographics: pd.DataFrame
    behaviour: np.ndarray
    features: np.ndarray
    non_members: Histories
    validation: dict[str, Case]
    test: dict[str, Case]
    feat_users: pd.DataFrame


def read_shop(env: str | None) -> Shop:
    """A source after its profiles, made in a folder that is gone afterwards."""
    from doppelcart.models.histories.generation import profile_rows

    if env == "online_retail":
        found = sorted(data_folder("online_retail").glob("online_retail*"))
        os.environ.setdefault("DOPPELCART_ONLINE_RETAIL", str(found[0]))
    with tempfile.TemporaryDirectory(prefix="doppelcart-") as scratch:
        home = Path(scratch)
        runs.kedro(home, "run", "run", "--pipelines", runs.TABLE_PIPELINES, *runs.in_env(env))
        primary, inputs = home / "run" / "03_primary", home / "run" / "05_model_input"
        train = HistoriesDataset(filepath=str(primary / "train_histories.npz")).load()
        validation, test = (
            CasesDataset(filepath=str(primary / f"{part}_cases.npz")).load()
            for part in ("validation", "test")
        )
        lines = ibis.memtable(pd.read_parquet(primary / "validation_interactions.parquet"))
        bounds = json.loads((primary / "split_bounds.json").read_text())
        items = pd.read_parquet(inputs / "item_matrix.parquet")
        profiles = pd.read_parquet(inputs / "profile_matrix.parquet")
        return Shop(
            env,
            train,
            pd.read_parquet(inputs / "demographics_matrix.parquet"),
            profile_rows(profiles, train.user_ids),
            items.drop(columns=Columns.ITEM).to_numpy(np.float32),
            find_non_members(train, lines, bounds, AuditParams()),
            validation,
            test,
            pd.read_parquet(home / "run" / "04_feature" / "feat_users.parquet"),
        )


def sampled(shop: Shop, n_users: int, seed: int) -> Shop:
    """The shop with some of its training users, and profiles fitted on these alone.

    The catalogue, its features and the held-out users stay, so that figures of samples compare.
    """
    from doppelcart.models.histories.generation import profile_rows
    from doppelcart.pipelines.profiles import matrices
    from doppelcart.pipelines.profiles.params import ProfilesParams

    chosen = np.random.default_rng([seed, n_users]).choice(shop.train.n_users, n_users, False)
    train = shop.train.select(np.sort(chosen))
    params = ProfilesParams(**runs.all_parameters(shop.env)["profiles"])
    readable = shop.feat_users.loc[train.user_ids]
    taste = matrices.measure_taste(train, matrices.fit_taste_transformer(train, params), params)
    scaling = matrices.fit_profile_transformer(readable, params)
    profiles = matrices.scale_profiles(readable, scaling, taste)
    behaviour = profile_rows(profiles, train.user_ids)
    return Shop(
        shop.env,
        train,
        shop.demographics,
        behaviour,
        shop.features,
        shop.non_members,
        shop.validation,
        shop.test,
        readable,
    )


@dataclass(frozen=True)
class Fitted:
    """A training that is over.

    Args:
        generator: The averaged generator of the epoch that was kept.
        training_log: One row per epoch.
        best_epoch: The epoch that was kept.
    """

    generator: Any
    training_log: pd.DataFrame
    best_epoch: int


def fitted(shop: Shop, name: str, seed: int, **changes: Any) -> Fitted:
    """A training with the parameters of a run, from disk where a study left it.

    Args:
        shop: Whose users are imitated.
        name: ``gan``, ``denoiser`` or ``vae``: the instance of the pipeline whose trainer it is.
        seed: Of the training.
        changes: What differs: fields of ``gan.training``, or ``adversarial_weight``.
    """
    from doppelcart.models.histories import networks  # noqa: F401 - registers the generator's layers

    made_from = trained_by(shop, name, seed, changes)
    return remembered(CACHE, made_from, lambda: _fit(shop, name, seed, changes))


def _fit(shop: Shop, name: str, seed: int, changes: Mapping[str, Any]) -> Fitted:
    from doppelcart.models.histories.fitting import fit
    from doppelcart.models.histories.generation import profile_rows
    from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig

    told = settings(shop.env, name, seed, changes)
    trained, _ = fit(
        shop.train,
        profile_rows(shop.demographics, shop.train.user_ids),
        shop.behaviour,
        shop.features,
        shop.validation[told["selection_slice"]],
        NetworkConfig(**told["network"]),
        TrainingConfig(**told["training"]),
        told["adversarial_weight"],
        f"{name}, seed {seed}",
        family=told["family"],
    )
    return Fitted(trained.generator, trained.training_log, trained.best_epoch)


def settings(env: str | None, name: str, seed: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """All that decides a training but data and code."""
    given = runs.all_parameters(env)
    trainer = given[name]["trainer"]
    training = given["gan"]["training"] | {"seed": seed} | dict(changes)
    weight = training.pop("adversarial_weight", trainer["adversarial_weight"])
    return {
        "network": given["gan"]["network"],
        "training": training,
        "adversarial_weight": weight,
        "family": trainer.get("family", "gan"),
        "selection_slice": trainer["selection_slice"],
    }


def trained_by(shop: Shop, name: str, seed: int, changes: Mapping[str, Any]) -> list[bytes]:
    """All that a training depends on: data, code and parameters."""
    told = settings(shop.env, name, seed, changes)
    arrays = [
        *_arrays(shop.train),
        *_arrays_of(shop.validation[told["selection_slice"]]),
        shop.behaviour,
        shop.features,
    ]
    data = [array.tobytes() for array in arrays]
    tables = [shop.demographics.to_csv(index=False), json.dumps(told, sort_keys=True)]
    return [*data, *(table.encode() for table in tables), code_of(*TRAINED_BY)]


def judged_by(shop: Shop, name: str, seed: int, changes: Mapping[str, Any]) -> list[bytes]:
    """All that figures of a training depend on, but for the code of the study that asks."""
    every = runs.all_parameters(shop.env)
    used = {key: every[key] for key in ("augmentation", "evaluation", "privacy")}
    told = json.dumps(used, sort_keys=True).encode()
    cases = [*shop.validation.values(), *shop.test.values()]
    arrays = [*_arrays(shop.non_members), *(array for case in cases for array in _arrays_of(case))]
    data = [array.tobytes() for array in arrays]
    return [*trained_by(shop, name, seed, changes), *data, told, code_of(*JUDGED_BY)]


def _arrays(users: Histories) -> list[np.ndarray]:
    return [users.user_ids.astype(str), users.items, users.indptr]


def _arrays_of(case: Case) -> list[np.ndarray]:
    return [*_arrays(case.seen), *_arrays(case.relevant)]


def users_of(shop: Shop, generator: Any, times: int, seed: int) -> Histories:
    """Users generated as the pipeline does, so many per training user."""
    from doppelcart.models.histories.generation import profile_rows

    demographics = profile_rows(shop.demographics, shop.train.user_ids)
    return worth.users_like(
        shop.train, generator, demographics, shop.behaviour, times, shop.env, seed
    )


def learned_by_ease(shop: Shop, users: Histories, cases: Mapping[str, Case]) -> float:
    """NDCG@20 of EASE trained on some users, tuned on validation users; from disk once made.

    Args:
        shop: Whose grid and validation users.
        users: What EASE learns from.
        cases: The shop's validation or test cases; 80 % of a history is known.
    """
    name = "cold_80pct"
    grid = runs.all_parameters(shop.env)["evaluation"]["grids"]["ease"]

    def work() -> float:
        configs = expand("ease", grid)
        values = worth.tuned(users, shop.validation[name], cases[name], configs)
        return float(np.nanmean(values))

    judges = [array for of in (shop.validation, cases) for array in _arrays_of(of[name])]
    arrays = [users.items, users.indptr, *judges]
    code = code_of(*TRAINED_BY, *JUDGED_BY)
    made_from = [*(array.tobytes() for array in arrays), repr(grid).encode(), code]
    return remembered(LEARNED, made_from, work)


def in_words(slice_name: str) -> str:
    """Of whom a slice is: ``5 known``, ``80 % known`` or ``returning``."""
    if slice_name == "warm":
        return "returning"
    known = slice_name.removeprefix("cold_")
    return f"{known.removesuffix('pct')} % known" if known.endswith("pct") else f"{known} known"
