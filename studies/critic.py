"""Does the critic earn its keep? The GAN against the same generator trained without one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from doppelcart.columns import Columns
from doppelcart.data.histories import Histories
from doppelcart.experiment.families import holm
from doppelcart.metrics import fidelity, ranking
from doppelcart.recommendation import grid_search as tuning
from doppelcart.recommendation.completion import Completer
from doppelcart.recommendation.evaluating import evaluate
from doppelcart.recommendation.protocol import EvaluationParams, tuning_settings
from studies import runs
from studies.figures import Figure, Target
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.shops import (
    SOURCES,
    Shop,
    fitted,
    in_words,
    judged_by,
    learned_by_ease,
    read_shop,
    sampled,
    users_of,
)
from studies.study import Study

SEEDS = 10  # two hours of two cores, and an interrupted run goes on where it was
COMPETITORS = ("gan", "denoiser")
RECOMMENDER, LIST = "ease", 20
TAIL = 0.5
EVERYONE = 100_000
MORE_USERS = 3
SMALL_SOURCE, SMALL_SEEDS = "Online Retail", 5
SMALL_SAMPLES = (100, 300, 1_000)
SMALL_BATCH, SMALL_STEPS = 32, 1_000
CACHE = PROJECT / "build" / "studies" / "critic"

ABOVE_ZERO = Target(">", 0, of="low")
OF_MORE_USERS = (
    f"share of NDCG@20 from {MORE_USERS} times as many synthetic users alone, 80 % known"
)
TARGETS = {
    "change of NDCG@20 against popularity, 0 known, %": ABOVE_ZERO,
    "change of NDCG@20 by completion, 1 known, %": ABOVE_ZERO,
    "change of NDCG@20 by completion, 5 known, %": Target(">=", 3),
    "change of NDCG@20 by completion, 20 known, %": ABOVE_ZERO,
    "share of NDCG@20 from synthetic users alone, 80 % known": Target(">=", 0.98),
    OF_MORE_USERS: Target(">=", 0.98),
    "correlation of popularity": Target(">=", 0.99),
    "detection AUC": Target("<=", 0.60),
}
"""Of the GAN's figures."""


def measure(study: Study) -> Iterator[list[Figure]]:
    """Train both with every seed, and compare what their data is worth.

    Yields:
        Figures, source by source.
    """
    for source, environment in SOURCES.items():
        shop = read_shop(environment)
        judged = {
            name: [
                study.note(judged_once(shop, name, seed, {}), source=source, arm=name, seed=seed)
                for seed in range(SEEDS)
            ]
            for name in COMPETITORS
        }
        yield compare(source, shop, judged, "the parameters of a run")


def measure_small(study: Study) -> Iterator[list[Figure]]:
    """The same from a few users of one source.

    Yields:
        Figures, sample by sample.
    """
    shop = read_shop(SOURCES[SMALL_SOURCE])
    for n_users in SMALL_SAMPLES:
        yield small_sample(study, SMALL_SOURCE, shop, n_users)


def small_sample(study: Study, source: str, shop: Shop, n_users: int) -> list[Figure]:
    """The same comparison from a few training users, another draw of them for every seed."""
    epochs = round(SMALL_STEPS / (n_users // SMALL_BATCH))
    changes = {"batch_size": SMALL_BATCH, "epochs": epochs, "evaluate_every": -(-epochs // 4)}
    shops = [sampled(shop, n_users, seed) for seed in range(SMALL_SEEDS)]
    judged = {
        name: [
            study.note(
                judged_once(some, name, seed, changes),
                source=source,
                n_users=n_users,
                arm=name,
                seed=seed,
            )
            for seed, some in enumerate(shops)
        ]
        for name in COMPETITORS
    }
    how = (
        f"drawn anew for every seed, profiles fitted on them alone; {epochs} epochs of batches of "
        f"{SMALL_BATCH}"
    )
    return compare(f"{source}, {n_users:,} users", shops[0], judged, how, with_targets=False)


def judged_once(shop: Shop, name: str, seed: int, changes: Mapping[str, Any]) -> dict[str, float]:
    """What a training is worth, from disk where an interrupted run of the study left it."""

    def work() -> dict[str, float]:
        trained = fitted(shop, name, seed, **changes)
        selection = float(trained.training_log["selection"].max())
        found = judge(shop, trained.generator, seed)
        return found | {"selection value, validation users": selection}

    known = judged_by(shop, name, seed, changes)
    return remembered(CACHE, [*known, code_of(__file__)], work)


def judge(shop: Shop, generator: Any, seed: int) -> dict[str, float]:
    """All figures of one generator, on test users where users are asked for."""
    from doppelcart.models.histories.generation import make_completer

    draws = runs.all_parameters(shop.env)["evaluation"]["completion_draws"]
    completer = make_completer(generator, shop.demographics, draws, seed)
    synthetic = users_of(shop, generator, 1, seed)
    return {
        **worth(shop, completer, synthetic),
        **of_more_users(shop, users_of(shop, generator, MORE_USERS, seed)),
        **of_nobody(shop, completer),
        **likeness(shop.train, synthetic, seed),
    }


def worth(shop: Shop, completer: Completer, synthetic: Histories) -> dict[str, float]:
    """What completed histories and synthetic users bring EASE, tuned as the pipeline tunes it."""
    arms = ("gan_completion", "gan_only")
    given = runs.all_parameters(shop.env)["evaluation"]
    grids = {RECOMMENDER: given["grids"][RECOMMENDER]}
    every = {"arms": arms, "grids": grids, "max_tuning_users": EVERYONE}
    settings = tuning_settings(EvaluationParams(**given | every))
    data = {"gan": synthetic}, {"gan_completion": completer}
    chosen = tuning.choose(tuning.tune(shop.train, *data, shop.validation, settings))
    users, lists = evaluate(
        shop.train, *data, shop.test, chosen, shop.features, [LIST], settings.completion_top
    )
    means = users.groupby([Columns.SLICE, Columns.ARM])[f"ndcg@{LIST}"].mean()
    found = {}
    for name in (name for name in shop.test if name != "cold_0"):
        base = means[name, "none"]
        found[f"change of NDCG@20 by completion, {in_words(name)}, %"] = 100 * (
            means[name, "gan_completion"] / base - 1
        )
        if (name, "gan_only") in means.index:
            share = means[name, "gan_only"] / base
            found[f"share of NDCG@20 from synthetic users alone, {in_words(name)}"] = share
    coverage = lists[lists["metric"] == f"coverage@{LIST}"].set_index([Columns.SLICE, Columns.ARM])
    found["share of the catalogue in completed lists, 5 known"] = coverage.loc[
        ("cold_5", "gan_completion"), "value"
    ]
    return {name: float(value) for name, value in found.items()}


def of_more_users(shop: Shop, synthetic: Histories) -> dict[str, float]:
    """What EASE learns from more synthetic users than there are real ones."""
    by_synthetic, by_real = (
        learned_by_ease(shop, users, shop.test) for users in (synthetic, shop.train)
    )
    return {OF_MORE_USERS: by_synthetic / by_real}


def of_nobody(shop: Shop, completer: Completer) -> dict[str, float]:
    """Lists for customers of whom only demographics are known, against the list of best sellers."""
    case = shop.test["cold_0"]
    wanted, nothing = case.relevant.matrix, case.seen.matrix
    popular = np.bincount(shop.train.items, minlength=shop.train.n_items).astype(np.float32)
    best_sellers = np.tile(popular, (case.n_users, 1))
    generated, base = (
        np.nanmean(ranking.ndcg(ranking.top_k(scores, nothing, LIST), wanted, LIST))
        for scores in (np.concatenate(list(completer(case.seen))), best_sellers)
    )
    return {"change of NDCG@20 against popularity, 0 known, %": float(100 * (generated / base - 1))}


def likeness(real: Histories, synthetic: Histories, seed: int) -> dict[str, float]:
    """How the synthetic users look: their lengths, their items, their kinds."""
    figures = fidelity.fidelity(real.matrix, synthetic.matrix, seed)
    support = np.bincount(real.items, minlength=real.n_items)
    tail = np.argsort(support, kind="stable")[: round(TAIL * real.n_items)]
    theirs, ours = (np.isin(users.items, tail).mean() for users in (real, synthetic))
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
    source: str,
    shop: Shop,
    judged: Mapping[str, Sequence[Mapping[str, float]]],
    training: str,
    with_targets: bool = True,
) -> list[Figure]:
    """Means over seeds of both, and their difference with the interval of paired seeds.

    Args:
        source: What the rows begin with.
        shop: Of whose size the rows speak.
        judged: By competitor, the figures of each seed.
        training: How both were trained, in words.
        with_targets: Whether the GAN's figures are held against ``TARGETS``.
    """
    with_critic, without = (pd.DataFrame(judged[name]) for name in COMPETITORS)
    differences = with_critic - without
    tests = {str(name): stats.ttest_1samp(differences[name], 0) for name in differences}
    adjusted = holm(np.array([test.pvalue for test in tests.values()]))
    about = (
        f"{shop.train.n_users:,} training users, {shop.train.n_items:,} items, {len(differences)} "
        f"seeds of the training, {training}; EASE and "
        "strengths tuned on all validation users, measured on the same test users for every seed. "
        "Intervals are of the mean over seeds (Student's t, 95 %), those of the difference by "
        "pairs of equal seeds; Holm over the source's rows."
    )
    targets = TARGETS if with_targets else {}
    figures = []
    for name, p_value in zip(tests, adjusted, strict=True):
        row, unit = f"{source}: {name.removesuffix(', %')}", "%" if name.endswith(", %") else ""
        figures += [
            _mean(f"{row}, GAN", with_critic[name], unit, about, targets.get(name)),
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
