"""What the data of a default run is worth to a recommender."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.datasets.npz import CasesDataset, HistoriesDataset
from doppelcart.metrics import ranking
from doppelcart.recommendation.grid import expand
from doppelcart.recommendation.scoring import rank
from doppelcart.recommenders import EASE
from doppelcart.recommenders.base import RecommenderConfig
from studies import documents
from studies.contest import against
from studies.figures import Figure, Target
from studies.runs import all_parameters, gan_parameters, in_env, kedro
from studies.study import Study

PROTOTYPE_USERS, PROTOTYPE_ITEMS, PROTOTYPE_EPOCHS, PROTOTYPE_BATCH = 300, 1_346, 200, 32
MORE_USERS = 3


def measure(study: Study) -> Iterator[list[Figure]]:
    """Run the default once, keep its tables with the results, and take the figures.

    Yields:
        Figures as they are measured.
    """
    env = study.env
    with tempfile.TemporaryDirectory(prefix="doppelcart-") as scratch:
        home = Path(scratch)
        kedro(home, "run", "run", *in_env(env))
        documents.take_in(home / "run", study.results)
        for figures in (
            synthetic_only(home / "run", env),
            prototype_scale(home / "run", env),
            completion(home / "run"),
        ):
            study.note({figure.figure: figure.value for figure in figures}, arm="gan")
            yield figures


def synthetic_only(run: Path, env: str | None) -> list[Figure]:
    """What EASE learns from users of the default run's GAN alone, as many as real ones and more."""
    import keras

    from doppelcart.models.histories import networks  # noqa: F401 - registers the generator's layers
    from doppelcart.models.histories.generation import profile_rows

    folder = run / "03_primary"
    real = HistoriesDataset(filepath=str(folder / "train_histories.npz")).load()
    validation, test = (
        CasesDataset(filepath=str(folder / f"{part}_cases.npz")).load()["cold_80pct"]
        for part in ("validation", "test")
    )
    behaviour, demographics = (
        profile_rows(pd.read_parquet(run / "05_model_input" / f"{name}.parquet"), real.user_ids)
        for name in ("profile_matrix", "demographics_matrix")
    )
    generator = keras.models.load_model(run / "06_models" / "gan_generator.keras", compile=False)
    names = {
        1: "EASE trained on the GAN's users alone, share of its NDCG@20 on real ones",
        MORE_USERS: f"the same from {MORE_USERS} times as many users",
    }
    return [
        share_of_real(
            name,
            f"The generator of the default run; {times} synthetic user(s) per training user.",
            real,
            users_like(real, generator, demographics, behaviour, times, env),
            validation,
            test,
            env,
        )
        for times, name in names.items()
    ]


def prototype_scale(run: Path, env: str | None) -> list[Figure]:
    """The same as ``synthetic_only`` from 300 real users and about 1,350 popular items."""
    from doppelcart.models.histories.fitting import fit
    from doppelcart.models.histories.generation import profile_rows
    from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig

    parts = popular_part(run, PROTOTYPE_USERS, PROTOTYPE_ITEMS)
    real, validation, test, kept = parts["train"], parts["validation"], parts["test"], parts["kept"]
    behaviour, demographics = (
        profile_rows(pd.read_parquet(run / "05_model_input" / f"{name}.parquet"), real.user_ids)
        for name in ("profile_matrix", "demographics_matrix")
    )
    items = pd.read_parquet(run / "05_model_input" / "item_matrix.parquet")
    features = items.drop(columns="item_id").to_numpy(np.float32)[kept]
    parameters = gan_parameters(env)
    training = TrainingConfig(
        **parameters["training"]
        | {"epochs": PROTOTYPE_EPOCHS, "batch_size": PROTOTYPE_BATCH, "evaluate_every": 20}
    )
    trained, _ = fit(
        real,
        demographics,
        behaviour,
        features,
        validation,
        NetworkConfig(**parameters["network"]),
        training,
        parameters["trainer"]["adversarial_weight"],
        "gan of 300 users",
    )
    synthetic = users_like(real, trained.generator, demographics, behaviour, 1, env)
    return [
        share_of_real(
            f"the same from {real.n_users} real users and {real.n_items:,} items",
            f"{real.n_users} training users of the default run and the {real.n_items:,} items that "
            f"most of its training users bought; the GAN of the default parameters, but "
            f"{training.epochs} epochs of batches of {training.batch_size}; "
            "as many synthetic users.",
            real,
            synthetic,
            validation,
            test,
            env,
        )
    ]


def completion(run: Path) -> list[Figure]:
    """What completed histories bring EASE for users with five known items."""
    uplift = pd.read_csv(run / "08_reporting" / "uplift.csv")
    row = _only(uplift, recommender="ease", slice="cold_5", arm="gan_completion", against="none")
    name = "change of EASE's NDCG@20 by completed histories, 5 known items"
    target = Target(">", 0, of="low")
    if row is None:
        return [Figure(name, np.nan, "%", "The run has no such row in uplift.csv.", target)]
    how = (
        f"uplift.csv of the default run: new users, first 5 items in time order, {row['n_units']} "
        "test users, strength chosen on validation users. 95 % interval over pairs of users."
    )
    value, low, high = (
        100 * row[column] for column in ("relative", "relative_low", "relative_high")
    )
    return [Figure(name, value, "%", how, target, low, high)]


def users_like(
    real: Histories,
    generator: Any,
    demographics: np.ndarray,
    behaviour: np.ndarray,
    times: int,
    env: str | None,
    seed: int = 0,
) -> Histories:
    """Users generated from the jittered profiles of real ones, each asked for ``times`` times."""
    from doppelcart.models.histories.generation import generate

    augmentation = all_parameters(env)["augmentation"]
    rng = np.random.default_rng([seed, 1])
    order = np.tile(rng.permutation(real.n_users), times)
    jitter = rng.normal(0, augmentation["profile_jitter"], (len(order), behaviour.shape[1]))
    wanted = behaviour[order] + jitter.astype(np.float32)
    return generate(generator, len(order), real.item_ids, rng, demographics[order], wanted)


def share_of_real(
    name: str,
    of: str,
    real: Histories,
    synthetic: Histories,
    validation: Case,
    test: Case,
    env: str | None,
) -> Figure:
    """EASE of synthetic users alone, as a share of EASE of the real ones, tuned alike.

    Args:
        name: Of the figure.
        of: A sentence on whose users and which generator.
        real: Training users.
        synthetic: Synthetic users.
        validation: Users that choose the configuration of either.
        test: Users that it is measured on.
        env: Environment of the grid.
    """
    grid = expand("ease", all_parameters(env)["evaluation"]["grids"]["ease"])
    by_real, by_synthetic = (tuned(source, validation, test, grid) for source in (real, synthetic))
    values = {("ease", "real"): by_real, ("ease", "gan"): by_synthetic}
    result = against("real", values, "worth", "ndcg@20")["ease", "gan"]
    how = (
        f"{of} EASE tuned on {validation.n_users} validation users for either, NDCG@20 of "
        f"{result['n_units']} test users with 80 % of the history known: {result['value']:.4f} "
        f"against {result['base']:.4f}. 95 % interval over pairs of users."
    )
    share, low, high = (
        1 + float(result[column]) for column in ("relative", "relative_low", "relative_high")
    )
    return Figure(name, share, "", how, Target(">=", 0.97), low, high)


def popular_part(run: Path, n_users: int, n_items: int) -> dict[str, Any]:
    """Some training users, and all held-out ones, with the items most bought in training.

    Args:
        run: Data folder of a finished run.
        n_users: Training users to draw; all if there are fewer.
        n_items: The most items to keep; those of equal support are kept or left out together.

    Returns:
        ``train`` histories, ``validation`` and ``test`` cases with 80 % known, and ``kept``, the
        positions of the items in the run's catalogue.
    """
    folder = run / "03_primary"
    train = HistoriesDataset(filepath=str(folder / "train_histories.npz")).load()
    support = np.bincount(train.items, minlength=train.n_items)
    ordered = np.append(np.sort(support)[::-1], 0)
    least = ordered[min(n_items, train.n_items)]
    kept = np.flatnonzero(support > least)
    rng = np.random.default_rng(0)
    restricted = restrict(train, kept)
    enough = np.flatnonzero(restricted.lengths >= 2)
    users = np.sort(rng.choice(enough, min(n_users, len(enough)), replace=False))
    return {"train": restricted.select(users), "kept": kept} | {
        part: _mostly_known(
            CasesDataset(filepath=str(folder / f"{part}_cases.npz")).load()["cold_80pct"], kept
        )
        for part in ("validation", "test")
    }


def restrict(histories: Histories, kept: np.ndarray) -> Histories:
    """The histories in a catalogue of the kept items alone."""
    positions = np.full(histories.n_items, -1)
    positions[kept] = np.arange(len(kept))
    rows = [positions[histories.of(user)] for user in range(histories.n_users)]
    rows = [row[row >= 0] for row in rows]
    return Histories.from_lists(rows, histories.user_ids, histories.item_ids[kept])


def _mostly_known(case: Case, kept: np.ndarray) -> Case:
    """The case's users with the kept items only, four fifths of them known again."""
    rows = [np.concatenate([case.seen.of(u), case.relevant.of(u)]) for u in range(case.n_users)]
    whole = restrict(Histories.from_lists(rows, case.user_ids, case.seen.item_ids), kept)
    whole = whole.select(np.flatnonzero(whole.lengths >= 2))
    known = np.minimum(np.floor(0.8 * whole.lengths + 1e-9).astype(np.int64), whole.lengths - 1)
    return Case(case.name, whole.first(known), whole.rest(known))


def tuned(
    train: Histories, validation: Case, test: Case, grid: Sequence[RecommenderConfig]
) -> np.ndarray:
    """(n_users,) NDCG@20 on test of EASE in the configuration that is best on validation."""
    recommender = EASE().fit(train.matrix)

    def score(case: Case, config: RecommenderConfig) -> np.ndarray:
        known = case.seen.matrix
        return ranking.ndcg(rank(recommender, config, known, known, 20), case.relevant.matrix, 20)

    best = max(grid, key=lambda config: float(np.nanmean(score(validation, config))))
    return score(test, best)


def _only(table: pd.DataFrame, **labels: str) -> pd.Series | None:
    for column, value in labels.items():
        table = table[table[column] == value]
    return None if table.empty else table.iloc[0]
