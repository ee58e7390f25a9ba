"""Do added users help users who were in training? Every way to add them, under a random split."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import StandardScaler

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.metrics.ranking import ndcg
from doppelcart.models.histories.controls import copy_users, draw_by_popularity, mix_users
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig
from doppelcart.recommendation.grid import expand
from doppelcart.recommendation.scoring import rank
from doppelcart.recommenders import RECOMMENDERS, RecommenderConfig
from studies import processes, runs, worth
from studies.contest import against
from studies.figures import Figure, Target
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.published import data_folder, hold_out
from studies.shops import JUDGED_BY, TRAINED_BY
from studies.study import Study

SEEDS = 10
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
K = 10
MAX_USERS, MAX_ITEMS = 1_000, 1_000
TASTES = 32
DROPPED = 0.3
GRIDS: dict[str, dict[str, list[float]]] = {
    "ease": {"l2": [50, 100, 200, 400, 800, 1600]},
    "itemknn": {"shrink": [0, 10], "alpha": [0.5, 0.75, 1.0], "neighbours": [0, 50, 200]},
    "puresvd": {"rank": [10]},
}
CACHE = PROJECT / "build" / "studies" / "augmentation"
NOBODY = "nobody added"

Add = Callable[[Histories, Case, int], Histories]
"""Training users, the case that chooses checkpoints, seed -> the users to add."""


def _seeded(make: Callable[[Histories, int, np.random.Generator], Histories]) -> Add:
    return lambda train, _case, seed: make(train, train.n_users, np.random.default_rng([seed, 1]))


def dropped_copies(train: Histories, n_users: int, rng: np.random.Generator) -> Histories:
    """Copies that lose each item with the chance ``DROPPED``."""
    copies = copy_users(train, n_users, rng)
    left, _ = hold_out(copies.matrix, DROPPED, rng)
    return Histories.from_matrix(left, copies.user_ids, copies.item_ids)


def synthetic(instance: str) -> Add:
    """A trained generator's users, one for the jittered taste of each training user.

    Args:
        instance: ``gan`` or ``denoiser``: of the gan pipeline, whose adversarial weight it has.
    """

    def add(train: Histories, case: Case, seed: int) -> Histories:
        from doppelcart.models.histories.fitting import fit

        network, training = default_generator()
        adversarial_weight = runs.all_parameters(None)[instance]["trainer"]["adversarial_weight"]
        tastes = taste(train, seed)
        nothing = np.zeros((train.n_users, 0), np.float32)
        trained, _ = fit(
            train,
            nothing,
            tastes,
            np.zeros((train.n_items, 1), np.float32),
            case,
            network,
            training.model_copy(update={"seed": seed}),
            adversarial_weight,
            instance,
        )
        return worth.users_like(train, trained.generator, nothing, tastes, 1, None, seed)

    return add


ARMS: dict[str, Add] = {
    "exact copies": _seeded(copy_users),
    "copies with 30 % dropped": _seeded(dropped_copies),
    "mixup of two users": _seeded(mix_users),
    "draws by popularity": _seeded(draw_by_popularity),
    "denoiser's users": synthetic("denoiser"),
    "GAN's users": synthetic("gan"),
}


def default_generator() -> tuple[NetworkConfig, TrainingConfig]:
    """Sizes and training of the default run's generator."""
    parameters = runs.gan_parameters(None)
    return NetworkConfig(**parameters["network"]), TrainingConfig(**parameters["training"])


def taste(train: Histories, seed: int) -> np.ndarray:
    """(n_users, d) float32: each user's place in the leading factors, and log length; scaled."""
    rank_of = min(TASTES, train.n_users - 1, train.n_items - 1)
    places = TruncatedSVD(rank_of, random_state=seed).fit_transform(train.matrix)
    columns = np.column_stack([places, np.log1p(train.lengths)])
    return StandardScaler().fit_transform(columns).astype(np.float32)


@dataclass(frozen=True)
class Parts:
    """One random split of every user's items."""

    train: Histories
    test: sparse.csr_matrix
    inner: Histories
    validation: Histories

    @property
    def case(self) -> Case:
        """The validation part as a case: what it asks for is in ``train`` and not in ``inner``."""
        return Case("validation", self.inner, self.validation)


def parts(users: Histories, seed: int) -> Parts:
    """Four fifths to train on, of which a tenth chooses checkpoints and configurations."""
    rng = np.random.default_rng([seed, 0])
    train, test = hold_out(users.matrix, TEST_SHARE, rng)
    inner, validation = hold_out(train, VALIDATION_SHARE, rng)
    train_users, inner_users, validation_users = (
        Histories.from_matrix(matrix, users.user_ids, users.item_ids)
        for matrix in (train, inner, validation)
    )
    return Parts(train_users, test, inner_users, validation_users)


def measure(study: Study) -> Iterator[list[Figure]]:
    """The table of every source.

    Yields:
        Figures, source by source.
    """
    with tempfile.TemporaryDirectory(prefix="doppelcart-") as scratch:
        for name, read in SOURCES.items():
            yield table(study, name, read(Path(scratch)))


def movielens(_: Path) -> Histories:
    """ML-100K: whoever rated an item 4 or 5."""
    table = pd.read_csv(data_folder("ml100k") / "ml-100k.inter", sep="\t")
    table.columns = [column.partition(":")[0] for column in table.columns]
    liked = table[table["rating"] >= 4]
    return Histories.from_interactions(
        liked.assign(user_id=liked["user_id"].astype(str), item_id=liked["item_id"].astype(str))
    )


def complete_journey(scratch: Path) -> Histories:
    """The default source, cleaned."""
    return cleaned(scratch / "complete_journey", "base", {})


def online_retail(scratch: Path) -> Histories:
    """The wholesaler, cleaned."""
    found = sorted(data_folder("online_retail").glob("online_retail*"))
    return cleaned(
        scratch / "online_retail", "online_retail", {"DOPPELCART_ONLINE_RETAIL": str(found[0])}
    )


SOURCES: dict[str, Callable[[Path], Histories]] = {
    "ML-100K": movielens,
    "Complete Journey": complete_journey,
    "Online Retail": online_retail,
}


def cleaned(home: Path, env: str, variables: Mapping[str, str]) -> Histories:
    """A source's log after cleaning, cut to its most bought items and some users."""
    home.mkdir()
    command = [sys.executable, "-m", "kedro", "run", "--env", env]
    command += ["--pipelines", "ingestion,cleaning"]
    switched = {"DOPPELCART_DATA": str(home), "DOPPELCART_TRACKING": "off"}
    processes.run(command, home.with_suffix(".log"), {**os.environ, **variables, **switched})
    log = pd.read_parquet(home / "03_primary" / "prm_interactions.parquet")
    return cut(Histories.from_interactions(log))


def cut(users: Histories) -> Histories:
    """At most ``MAX_ITEMS`` items, the most bought, and ``MAX_USERS`` users, drawn by chance."""
    support = np.bincount(users.items, minlength=users.n_items)
    kept = np.sort(np.argsort(-support, kind="stable")[:MAX_ITEMS])
    matrix = users.matrix[:, kept]
    enough = np.flatnonzero(np.diff(matrix.indptr) >= 5)
    rng = np.random.default_rng(0)
    drawn = np.sort(rng.choice(enough, min(MAX_USERS, len(enough)), replace=False))
    return Histories.from_matrix(matrix[drawn], users.user_ids[drawn], users.item_ids[kept])


def values(
    matrix: sparse.csr_matrix,
    known: sparse.csr_matrix,
    relevant: sparse.csr_matrix,
    name: str,
    configs: list[RecommenderConfig],
) -> np.ndarray:
    """(n_configs, n_users) NDCG of a recommender fitted on a matrix."""
    fitted = RECOMMENDERS[name]().fit(matrix)
    ranked = (rank(fitted, config, known, known, K) for config in configs)
    return np.array([ndcg(lists, relevant, K) for lists in ranked])


def trainings(train: Histories, case: Case, seed: int) -> Iterator[sparse.csr_matrix]:
    """What recommenders are fitted on: with nobody added, then with the users of every arm."""
    yield train.matrix
    for add in ARMS.values():
        yield sparse.vstack([train.matrix, add(train, case, seed).matrix]).tocsr()


def choose(split: Parts) -> np.ndarray:
    """(1 + n_arms, n_recommenders) place in the grid of what is best on the validation part."""
    known, relevant = split.inner.matrix, split.validation.matrix

    def best(matrix: sparse.csr_matrix, name: str, configs: list[RecommenderConfig]) -> int:
        means = np.nanmean(values(matrix, known, relevant, name, configs), axis=1)
        return int(np.argmax(means))

    return np.array(
        [
            [best(matrix, name, configs) for name, configs in grids().items()]
            for matrix in trainings(split.inner, split.case, 0)
        ]
    )


def grids() -> dict[str, list[RecommenderConfig]]:
    """The configurations to choose from."""
    return {name: expand(name, grid) for name, grid in GRIDS.items()}


def reached(split: Parts, seed: int, chosen: np.ndarray) -> np.ndarray:
    """(1 + n_arms, n_recommenders, n_users) NDCG on test with the chosen configurations."""
    known, relevant = split.train.matrix, split.test
    return np.array(
        [
            [
                values(matrix, known, relevant, name, [configs[place]])[0]
                for (name, configs), place in zip(grids().items(), places, strict=True)
            ]
            for matrix, places in zip(trainings(split.train, split.case, seed), chosen, strict=True)
        ]
    )


def table(study: Study, source: str, users: Histories) -> list[Figure]:
    """What every arm does to every recommender on one source."""

    def kept(what: str, work: Callable[[], np.ndarray]) -> np.ndarray:
        return remembered(CACHE, made_from(users, what), work)

    chosen = kept("choice", lambda: choose(parts(users, 0)))
    of_splits = []
    for seed in range(SEEDS):
        found = kept(f"split {seed}", partial(reached, parts(users, seed), seed, chosen))
        of_splits.append(found)
        for arm, of_arm in zip((NOBODY, *ARMS), np.nanmean(found, axis=2), strict=True):
            study.note(dict(zip(GRIDS, of_arm, strict=True)), source=source, arm=arm, seed=seed)
    return compare(source, users, mean_of_splits(of_splits))


def made_from(users: Histories, what: str) -> tuple[bytes, ...]:
    """All that something measured on some users depends on."""
    configured = [config.model_dump() for config in default_generator()]
    every = runs.all_parameters(None)
    used = [every["gan"]["trainer"], every["denoiser"]["trainer"], every["augmentation"]]
    told = json.dumps([what, list(ARMS), GRIDS, configured, used]).encode()
    code = code_of(*TRAINED_BY, *JUDGED_BY, __file__)
    return users.matrix.indices.tobytes(), users.matrix.indptr.tobytes(), told, code


def mean_of_splits(of_splits: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over the splits in which a user had something to find; NaN without one."""
    stacked = np.array(of_splits)
    counts = np.isfinite(stacked).sum(axis=0)
    return np.where(counts > 0, np.nansum(stacked, axis=0) / np.maximum(counts, 1), np.nan)


def compare(source: str, users: Histories, means: np.ndarray) -> list[Figure]:
    """Difference of every arm over adding nobody, with its interval and Holm's p-value.

    Args:
        source: Its name.
        users: All its users.
        means: (1 + n_arms, n_recommenders, n_users) mean NDCG; first of nobody added.
    """
    values = {
        (name, arm): of_users
        for arm, of_arm in zip((NOBODY, *ARMS), means, strict=True)
        for name, of_users in zip(GRIDS, of_arm, strict=True)
    }
    compared = against(NOBODY, values, f"augmentation of {source}", f"ndcg@{K}")
    about = (
        f"{users.n_users:,} users, {users.n_items:,} items, random 80/20 of each user's items, "
        f"{SEEDS} splits, as many users added as there are; change of NDCG@{K}, a user's averaged "
        "over splits. Configurations chosen for each arm on a validation part of the first "
        "split's train. 95 % intervals over pairs of users; p after Holm over the source's "
        "comparisons."
    )
    nothing = f"{source}: NDCG@{K} with nothing added"
    figures = [
        Figure(f"{nothing}, {name}", float(np.nanmean(values[name, NOBODY])), "", about)
        for name in GRIDS
    ]
    for arm, name in product(ARMS, GRIDS):
        row = compared[name, arm]
        figures += [
            _change(f"{source}: {arm}, {name}", row, about, arm == "GAN's users"),
            Figure(f"{source}: {arm}, p of {name}", float(row["p_holm"]), "", about),
        ]
    return figures


def _change(name: str, row: Mapping[Any, Any], how: str, aimed: bool) -> Figure:
    value, low, high = (
        100 * float(row[column]) for column in ("relative", "relative_low", "relative_high")
    )
    return Figure(name, value, "%", how, Target(">", 0, of="low") if aimed else None, low, high)
