"""CTGAN against our generator on the profile table: fidelity by SDMetrics, and the time it took."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.datasets.npz import CasesDataset, HistoriesDataset
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig
from doppelcart.pipelines.profiles import behaviour
from doppelcart.pipelines.profiles.nodes import activity_segment, by_user, top_levels
from studies import runs, worth
from studies.figures import NAN, Figure, Target
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.peers import environment
from studies.shops import TRAINED_BY
from studies.study import Study

SEEDS = 3
MAX_ITEMS = 1_000
N_DEPARTMENTS, N_CATEGORIES = 12, 24
CTGAN_EPOCHS = 300
THEIRS, OURS = "CTGAN", "our GAN"
EARLY_EPOCHS = 5
EARLY = f"our GAN after {EARLY_EPOCHS} epochs"
DISCRETE = ["segment", "favourite_department", "favourite_category"]
SCORES = {
    "quality": "overall quality",
    "Column Shapes": "column shapes",
    "Column Pair Trends": "column pair trends",
    "KSComplement": "KSComplement",
    "TVComplement": "TVComplement",
    "CorrelationSimilarity": "correlation similarity",
    "ContingencySimilarity": "contingency similarity",
    "RangeCoverage": "range coverage",
    "CategoryCoverage": "category coverage",
}
CACHE = PROJECT / "build" / "studies" / "ctgan"
MADE_BY = (*TRAINED_BY, "src/doppelcart/pipelines/profiles", "studies/peers", "studies/worth.py")
"""Code that decides what a row of the contest says."""
ABOUT = (
    "Profiles of the default source's users, made by the profile code from which of the "
    f"{MAX_ITEMS:,} items that most training users bought a user has: number of items, shares by "
    "department and category, own label, price position, entropy, activity third, favourites."
)


def measure(study: Study) -> Iterator[list[Figure]]:
    """Both generators in turn, seed by seed, on the same table.

    Yields:
        All figures.
    """
    with tempfile.TemporaryDirectory(prefix="doppelcart-") as scratch:
        home = Path(scratch)
        runs.kedro(home, "run", "run", "--pipelines", runs.TABLE_PIPELINES, *runs.in_env(study.env))
        yield contest(study, read(home / "run"), home)


def read(run: Path) -> dict[str, Any]:
    """Training users, held-out users and item features, cut to the most bought items."""
    primary, inputs = run / "03_primary", run / "05_model_input"
    train = HistoriesDataset(filepath=str(primary / "train_histories.npz")).load()
    support = np.bincount(train.items, minlength=train.n_items)
    kept = np.sort(np.argsort(-support, kind="stable")[:MAX_ITEMS])
    cases = CasesDataset(filepath=str(primary / "validation_cases.npz")).load()
    matrices = {
        name: pd.read_parquet(inputs / f"{name}.parquet")
        for name in ("profile_matrix", "demographics_matrix", "item_matrix")
    }
    tests = CasesDataset(filepath=str(primary / "test_cases.npz")).load()
    return matrices | {
        "train": worth.restrict(train, kept),
        "validation": restricted_case(cases["cold_5"], kept),
        "others": worth.restrict(whole(tests["cold_80pct"]), kept),
        "kept": kept,
        "feat_items": pd.read_parquet(run / "04_feature" / "feat_items.parquet"),
    }


def whole(case: Case) -> Histories:
    """The case's users with all that is known of them."""
    rows = [np.concatenate([case.seen.of(u), case.relevant.of(u)]) for u in range(case.n_users)]
    return Histories.from_lists(rows, case.user_ids, case.seen.item_ids)


def restricted_case(case: Case, kept: np.ndarray) -> Case:
    """The same case in a smaller catalogue."""
    return Case(case.name, worth.restrict(case.seen, kept), worth.restrict(case.relevant, kept))


def describe(users: Histories, feat_items: pd.DataFrame) -> pd.DataFrame:
    """Readable profiles of users of whom nothing but their items is known, by the profile code.

    Args:
        users: Whose profiles to make; those without an item have none.
        feat_items: Readable item features, by ``item_id``.

    Returns:
        One row per user: numbers, and the columns of ``DISCRETE``.
    """
    pairs = pd.DataFrame(
        {
            Columns.USER: np.repeat(users.user_ids, users.lengths),
            Columns.ITEM: users.item_ids[users.items],
        }
    )
    rows = ibis.memtable(pairs).left_join(ibis.memtable(feat_items.reset_index()), Columns.ITEM)
    departments = top_levels(feat_items, Columns.DEPARTMENT, N_DEPARTMENTS)
    categories = top_levels(feat_items, Columns.CATEGORY, N_CATEGORIES)
    profile = by_user(
        rows.group_by(Columns.USER).aggregate(
            items=rows.count(), **behaviour.tastes(rows, departments, categories)
        ),
        behaviour.category_entropy(rows),
    )
    numbers = profile.sort_index().astype(float).fillna(0.0)
    return numbers.assign(
        segment=activity_segment(numbers["items"]),
        favourite_department=favourite(numbers, "department_share_"),
        favourite_category=favourite(numbers, "category_share_"),
    )


def favourite(profile: pd.DataFrame, prefix: str) -> pd.Series:
    """Which of some shares is the largest."""
    shares = profile.loc[:, profile.columns.str.startswith(prefix)]
    return shares.idxmax(axis=1).astype(str).str.removeprefix(prefix)


def contest(study: Study, shop: Mapping[str, Any], home: Path) -> list[Figure]:
    """Fidelity and seconds of either, and of real users against real users."""
    train, items = shop["train"], shop["feat_items"]
    parameters = runs.gan_parameters(study.env)
    real = describe(train, items)
    network, training = (
        NetworkConfig(**parameters["network"]),
        TrainingConfig(**parameters["training"]),
    )
    weight = parameters["trainer"]["adversarial_weight"]
    trainings = {
        OURS: training,
        EARLY: training.model_copy(update={"epochs": EARLY_EPOCHS, "evaluate_every": EARLY_EPOCHS}),
    }
    rows: dict[str, list[dict[str, float]]] = {who: [] for who in (THEIRS, *trainings)}
    known = [train.items.tobytes(), train.indptr.tobytes(), real.to_csv().encode()]
    known += [json.dumps(parameters, sort_keys=True).encode(), code_of(*MADE_BY, __file__)]

    def judged(who: str, seed: int) -> dict[str, float]:
        folder = home / f"seed{seed}"
        if who == THEIRS:
            made, seconds = by_ctgan(real, seed, folder)
        else:
            seeded = trainings[who].model_copy(update={"seed": seed})
            users, seconds = by_gan(shop, network, seeded, weight, study.env)
            made = describe(users, items)
        return judge(real, made, folder) | {"seconds": seconds}

    for seed in range(SEEDS):
        for who, of_seeds in rows.items():
            made_from = [*known, f"{who}, seed {seed}".encode()]
            row = remembered(CACHE, made_from, partial(judged, who, seed))
            of_seeds.append(study.note(row, arm=who, seed=seed))
    reference = judge(real, describe(shop["others"], items), home / "reference")
    return report(rows, reference, len(real), shop["others"].n_users)


def by_ctgan(real: pd.DataFrame, seed: int, folder: Path) -> tuple[pd.DataFrame, float]:
    """CTGAN's table, and processor seconds of fitting and sampling."""
    folder.mkdir(parents=True, exist_ok=True)
    table, out = folder / "table.csv", folder / "ctgan.csv"
    real.to_csv(table, index=False)
    job = {"table": str(table), "discrete": DISCRETE, "epochs": CTGAN_EPOCHS, "seed": seed}
    took = environment.run("run_ctgan", job | {"rows": len(real), "out": str(out)}, folder)
    return pd.read_csv(out), took["fit"] + took["sample"]


def by_gan(
    shop: Mapping[str, Any],
    network: NetworkConfig,
    training: TrainingConfig,
    adversarial_weight: float,
    env: str | None,
) -> tuple[Histories, float]:
    """As many users as are real, generated as the pipeline does, and its processor seconds."""
    from doppelcart.models.histories.fitting import fit
    from doppelcart.models.histories.generation import profile_rows

    train = shop["train"]
    demographics = profile_rows(shop["demographics_matrix"], train.user_ids)
    profiles = profile_rows(shop["profile_matrix"], train.user_ids)
    features = shop["item_matrix"].drop(columns=Columns.ITEM).to_numpy(np.float32)[shop["kept"]]
    begin = time.process_time()
    trained, _ = fit(
        train,
        demographics,
        profiles,
        features,
        shop["validation"],
        network,
        training,
        adversarial_weight,
        "gan",
    )
    users = worth.users_like(
        train, trained.generator, demographics, profiles, 1, env, training.seed
    )
    return users, time.process_time() - begin


def judge(real: pd.DataFrame, made: pd.DataFrame, folder: Path) -> dict[str, float]:
    """SDMetrics' scores of a made table."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {"real": folder / "real.csv", "synthetic": folder / "made.csv"}
    for path, table in zip(paths.values(), (real, made), strict=True):
        table.to_csv(path, index=False)
    job = {name: str(path) for name, path in paths.items()}
    return environment.run("run_sdmetrics", job | {"discrete": DISCRETE}, folder)


def report(
    rows: Mapping[str, Sequence[Mapping[str, float]]],
    reference: Mapping[str, float],
    n_users: int,
    n_others: int,
) -> list[Figure]:
    """Scores and seconds of either, their difference and their ratio."""
    theirs = rows[THEIRS]
    about = f"{ABOUT} {n_users:,} training users. Mean of {SEEDS} seeds, the smallest, the largest."
    figures = [
        _over_seeds(f"{who}, {label}", [row.get(key, NAN) for row in of_seeds], "", about)
        for key, label in SCORES.items()
        for who, of_seeds in rows.items()
    ]
    figures += [
        Figure(
            f"real users against real users, {label}",
            reference.get(key, NAN),
            "",
            f"{n_others:,} test users against the training users. {ABOUT}",
        )
        for key, label in SCORES.items()
    ]
    timed = (
        "Processor time of fitting and sampling, in turn, which other work on the machine hardly "
        f"changes; CTGAN's {CTGAN_EPOCHS} epochs, its default; ours the default generator, and the "
        f"same trained for {EARLY_EPOCHS} epochs. CTGAN starts from the table; ours from histories "
        "and real profiles with noise, as the pipeline does."
    )
    figures += [
        _over_seeds(f"{who}, time", [row["seconds"] for row in of_seeds], "s", timed)
        for who, of_seeds in rows.items()
    ]
    for who, most in ((OURS, None), (EARLY, Target("<=", 0.1))):
        pairs = list(zip(rows[who], theirs, strict=True))
        gains = [us["quality"] - them["quality"] for us, them in pairs]
        shares = [us["seconds"] / them["seconds"] for us, them in pairs]
        figures += [
            _over_seeds(
                f"overall quality, {who} less CTGAN", gains, "", about, Target(">", 0, "low")
            ),
            _over_seeds(f"time, {who} as a share of CTGAN's", shares, "", timed, most),
        ]
    return figures


def _over_seeds(
    name: str, values: Sequence[float], unit: str, how: str, target: Target | None = None
) -> Figure:
    return Figure(name, float(np.mean(values)), unit, how, target, min(values), max(values))
