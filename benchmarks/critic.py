"""Does the critic earn its keep? The GAN against the same generator trained without one."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks import core
from benchmarks.figures import Figure, Target
from benchmarks.machine import PROJECT
from benchmarks.published import data_folder
from doppelcart.arms import tuning
from doppelcart.arms.completion import Completer
from doppelcart.arms.evaluating import evaluate
from doppelcart.cases import Case
from doppelcart.columns import Columns
from doppelcart.datasets import CasesDataset, HistoriesDataset
from doppelcart.histories import Histories
from doppelcart.metrics import fidelity, ranking
from doppelcart.metrics.significance import holm
from doppelcart.pipelines.evaluation.nodes import tuning_settings
from doppelcart.pipelines.evaluation.params import EvaluationParams

SOURCES: dict[str, str | None] = {"Complete Journey": None, "Online Retail": "online_retail"}
SEEDS = {"Complete Journey": 4, "Online Retail": 10}  # an hour of two cores
COMPETITORS = ("gan", "denoiser")
RECOMMENDER, LIST = "ease", 20
TAIL = 0.5
EVERYONE = 100_000
EPOCHS = 60  # more than the default run has time for
CACHE = PROJECT / "build" / "benchmarks" / "critic"

ABOVE_ZERO = Target(">", 0, of="low")
TARGETS = {
    "change of NDCG@20 against popularity, 0 known, %": ABOVE_ZERO,
    "change of NDCG@20 by completion, 1 known, %": ABOVE_ZERO,
    "change of NDCG@20 by completion, 5 known, %": Target(">=", 3),
    "change of NDCG@20 by completion, 20 known, %": ABOVE_ZERO,
    "share of NDCG@20 from invented users alone, 80 % known": Target(">=", 0.98),
    "correlation of popularity": Target(">=", 0.99),
    "detection AUC": Target("<=", 0.60),
}
"""Of the GAN's figures."""


@dataclass(frozen=True)
class Shop:
    """What both generators are trained on and judged by.

    Args:
        env: Environment of its parameters.
        train: Training users.
        demographics: user_id and demographic columns of all users.
        behaviour: (n_train, n_behaviours) float32.
        features: (n_items, n_features) float32.
        validation: Cases that choose checkpoints, configurations and strengths.
        test: Cases that they are measured on.
    """

    env: str | None
    train: Histories
    demographics: pd.DataFrame
    behaviour: np.ndarray
    features: np.ndarray
    validation: dict[str, Case]
    test: dict[str, Case]


def measure(results: Path, env: str | None = None) -> Iterator[list[Figure]]:  # noqa: ARG001
    """Train both with every seed, and compare what their data is worth.

    Yields:
        Figures, source by source.
    """
    for source, environment in SOURCES.items():
        shop = read_shop(environment)
        judged = {
            name: [remembered(shop, name, seed) for seed in range(SEEDS[source])]
            for name in COMPETITORS
        }
        yield compare(source, shop, judged)


def read_shop(env: str | None) -> Shop:
    """A source after its profiles, made in a folder that is gone afterwards."""
    from doppelcart.models.completion import profile_rows

    if env == "online_retail":
        found = sorted(data_folder("online_retail").glob("online_retail*"))
        os.environ.setdefault("DOPPELCART_ONLINE_RETAIL", str(found[0]))
    with tempfile.TemporaryDirectory(prefix="doppelcart-") as scratch:
        home = Path(scratch)
        core.kedro(home, "run", "run", "--pipelines", core.TABLE_PIPELINES, *core.in_env(env))
        primary, inputs = home / "run" / "03_primary", home / "run" / "05_model_input"
        train = HistoriesDataset(filepath=str(primary / "train_histories.npz")).load()
        validation, test = (
            CasesDataset(filepath=str(primary / f"{part}_cases.npz")).load()
            for part in ("validation", "test")
        )
        items = pd.read_parquet(inputs / "item_matrix.parquet")
        profiles = pd.read_parquet(inputs / "profile_matrix.parquet")
        return Shop(
            env,
            train,
            pd.read_parquet(inputs / "demographics_matrix.parquet"),
            profile_rows(profiles, train.user_ids),
            items.drop(columns=Columns.ITEM).to_numpy(np.float32),
            validation,
            test,
        )


def remembered(shop: Shop, name: str, seed: int) -> dict[str, float]:
    """What a training is worth, from disk where an interrupted run of the benchmark left it."""
    parts = (shop.train.matrix.indices.tobytes(), json.dumps(parameters(shop.env)).encode())
    digest = hashlib.sha256(b"".join(parts)).hexdigest()[:16]
    path = CACHE / f"{digest}_{name}_{seed}.json"
    if not path.exists():
        values = judge(shop, trained(shop, name, seed), seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    kept: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def trained(shop: Shop, name: str, seed: int) -> Any:
    """The generator of a training with the parameters of a run, but for epochs and seed."""
    from doppelcart.models.completion import profile_rows
    from doppelcart.models.config import NetworkConfig, TrainingConfig
    from doppelcart.models.fitting import fit

    given = parameters(shop.env)
    fitted, _ = fit(
        shop.train,
        profile_rows(shop.demographics, shop.train.user_ids),
        shop.behaviour,
        shop.features,
        shop.validation[given[name]["game"]["selection_slice"]],
        NetworkConfig(**given["gan"]["network"]),
        TrainingConfig(**given["gan"]["training"] | {"epochs": EPOCHS, "seed": seed}),
        given[name]["game"]["adversarial_weight"],
        f"{name}, seed {seed}",
    )
    return fitted.generator


def judge(shop: Shop, generator: Any, seed: int) -> dict[str, float]:
    """All figures of one generator, on test users where users are asked for."""
    from doppelcart.models.completion import make_completer, profile_rows

    draws = parameters(shop.env)["evaluation"]["completion_draws"]
    completer = make_completer(generator, shop.demographics, draws, seed)
    demographics = profile_rows(shop.demographics, shop.train.user_ids)
    invented = core.users_like(
        shop.train, generator, demographics, shop.behaviour, 1, shop.env, seed
    )
    return {
        **worth(shop, completer, invented),
        **of_nobody(shop, completer),
        **likeness(shop.train, invented, seed),
    }


def worth(shop: Shop, completer: Completer, invented: Histories) -> dict[str, float]:
    """What completed histories and invented users bring EASE, tuned as the pipeline tunes it."""
    arms = ("gan_completion", "gan_only")
    given = parameters(shop.env)["evaluation"]
    grids = {RECOMMENDER: given["grids"][RECOMMENDER]}
    every = {"arms": arms, "grids": grids, "max_tuning_users": EVERYONE}
    settings = tuning_settings(EvaluationParams(**given | every))
    data = {"gan": invented}, {"gan_completion": completer}
    chosen = tuning.choose(tuning.tune(shop.train, *data, shop.validation, settings))
    users, lists = evaluate(
        shop.train, *data, shop.test, chosen, shop.features, [LIST], settings.completion_top
    )
    means = users.groupby([Columns.SLICE, Columns.ARM])[f"ndcg@{LIST}"].mean()
    cold = [name for name in shop.test if name.startswith("cold_") and name != "cold_0"]
    found = {}
    for name in cold:
        base = means[name, "none"]
        found[f"change of NDCG@20 by completion, {_known(name)}, %"] = 100 * (
            means[name, "gan_completion"] / base - 1
        )
        if (name, "gan_only") in means.index:
            share = means[name, "gan_only"] / base
            found[f"share of NDCG@20 from invented users alone, {_known(name)}"] = share
    coverage = lists[lists["metric"] == f"coverage@{LIST}"].set_index([Columns.SLICE, Columns.ARM])
    found["share of the catalogue in completed lists, 5 known"] = coverage.loc[
        ("cold_5", "gan_completion"), "value"
    ]
    return {name: float(value) for name, value in found.items()}


def of_nobody(shop: Shop, completer: Completer) -> dict[str, float]:
    """Lists for customers of whom only demographics are known, against the list of best sellers."""
    case = shop.test["cold_0"]
    wanted, nothing = case.relevant.matrix, case.seen.matrix
    popular = np.bincount(shop.train.items, minlength=shop.train.n_items).astype(np.float32)
    best_sellers = np.tile(popular, (case.n_users, 1))
    generated, base = (
        np.nanmean(ranking.ndcg(ranking.top_k(scores, nothing, LIST), wanted, LIST))
        for scores in (completer(case.seen), best_sellers)
    )
    return {"change of NDCG@20 against popularity, 0 known, %": float(100 * (generated / base - 1))}


def likeness(real: Histories, invented: Histories, seed: int) -> dict[str, float]:
    """How the invented users look: their lengths, their items, their kinds."""
    figures = fidelity.fidelity(real.matrix, invented.matrix, seed)
    support = np.bincount(real.items, minlength=real.n_items)
    tail = np.argsort(support, kind="stable")[: round(TAIL * real.n_items)]
    theirs, ours = (np.isin(users.items, tail).mean() for users in (real, invented))
    return {
        "correlation of popularity": figures["popularity_pearson"],
        "correlation of lift of item pairs": figures["cooccurrence_lift"],
        "distance of history lengths (KS)": figures["length_ks"],
        "spread of history lengths, times the real": figures["length_sd_ratio"],
        "detection AUC": figures["detection_auc"],
        "precision of kinds of users": figures["precision"],
        "recall of kinds of users": figures["recall"],
        "coverage of kinds of users": figures["coverage"],
        "share of purchases in the less bought half of items, times the real": float(ours / theirs),
    }


def compare(
    source: str, shop: Shop, judged: Mapping[str, Sequence[Mapping[str, float]]]
) -> list[Figure]:
    """Means over seeds of both, and their difference with the interval of paired seeds."""
    with_critic, without = (pd.DataFrame(judged[name]) for name in COMPETITORS)
    differences = with_critic - without
    tests = {name: stats.ttest_1samp(differences[name], 0) for name in differences}
    adjusted = holm(np.array([test.pvalue for test in tests.values()]))
    about = (
        f"{shop.train.n_users:,} training users, {shop.train.n_items:,} items, {len(differences)} "
        f"seeds of the training, {EPOCHS} epochs, otherwise the parameters of a run; EASE and "
        "strengths tuned on all validation users, measured on the same test users for every seed. "
        "Intervals are of the mean over seeds (Student's t, 95 %), those of the difference by "
        "pairs of equal seeds; Holm over the source's rows."
    )
    figures = []
    for name, p_value in zip(tests, adjusted, strict=True):
        row, unit = f"{source}: {name.removesuffix(', %')}", "%" if name.endswith(", %") else ""
        figures += [
            _mean(f"{row}, GAN", with_critic[name], unit, about, TARGETS.get(name)),
            _mean(f"{row}, without a critic", without[name], unit, about),
            _mean(f"{row}, difference", differences[name], unit, about),
            Figure(f"{row}, p after Holm", float(p_value), "", about),
        ]
    return figures


def _mean(
    name: str, values: pd.Series, unit: str, how: str, target: Target | None = None
) -> Figure:
    low, high = stats.ttest_1samp(values, 0).confidence_interval()
    return Figure(name, float(values.mean()), unit, how, target, float(low), float(high))


def _known(slice_name: str) -> str:
    known = slice_name.removeprefix("cold_")
    return f"{known.removesuffix('pct')} % known" if known.endswith("pct") else f"{known} known"


def parameters(env: str | None) -> dict[str, Any]:
    """Parameters that decide the figures, in an environment."""
    every = core.all_parameters(env)
    return {name: every[name] for name in (*COMPETITORS, "augmentation", "evaluation")}
