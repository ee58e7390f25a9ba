"""Which generator is the default? Every loss and noise at equal budget, on validation users."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from doppelcart.data.histories import Histories
from doppelcart.metrics import fidelity
from doppelcart.pipelines.privacy import audit
from doppelcart.pipelines.privacy.params import AuditParams
from studies import runs
from studies.figures import Figure, Target
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.shops import SOURCES, Shop, fitted, judged_by, learned_by_ease, read_shop, users_of
from studies.study import Study

SEEDS = 2
CACHE = PROJECT / "build" / "studies" / "generators"
SELECTION = "selection value"
LEARNED = "share of NDCG@20 from synthetic users alone, 80 % known"
DETECTION = "detection AUC"
MEMBERSHIP = "membership inference AUC"
DECIDED_BY = {SELECTION: False, LEARNED: False, DETECTION: True, MEMBERSHIP: True}
"""What contenders are ranked by, and whether less is better."""

MOST_SECONDS, LARGE = 180, 10_000


@dataclass(frozen=True)
class Contender:
    """A generator that could be the default.

    Args:
        instance: The instance of the pipeline whose trainer it is.
        changes: What differs from its parameters.
    """

    instance: str = "gan"
    changes: Mapping[str, Any] = field(default_factory=dict)


def gan(loss: str, weight: float, noise: float = 0.5) -> Contender:
    """A GAN of some loss, weight of its critic and noise on the profiles it is shown."""
    return Contender(
        changes={
            "adversarial_loss": loss,
            "adversarial_weight": weight,
            "behaviour_noise": noise,
        }
    )


CONTENDERS = {
    "WGAN-GP (1)": gan("wgan_gp", 1.0),
    "WGAN-GP (0.3)": gan("wgan_gp", 0.3),
    "WGAN-GP (0.1)": gan("wgan_gp", 0.1),
    "WGAN-GP (0.3) without noise": gan("wgan_gp", 0.3, noise=0.0),
    "WGAN-GP (0.3) with noise 1": gan("wgan_gp", 0.3, noise=1.0),
    "relativistic": gan("relativistic", 1.0),
    "vanilla": gan("vanilla", 1.0),
    "autoencoding": gan("autoencoding", 1.0),
    "VAE": Contender("vae"),
    "without a critic": Contender("denoiser"),
}
CONTROL = "without a critic"


def measure(study: Study) -> Iterator[list[Figure]]:
    """Train every contender on every source with every seed.

    Yields:
        Figures, source by source, then the mean rank over sources that decides.
    """
    means: dict[str, pd.DataFrame] = {}
    for source, environment in SOURCES.items():
        shop = read_shop(environment)
        tables = {
            name: pd.DataFrame(
                [
                    study.note(
                        judged_once(shop, contender, seed), source=source, arm=name, seed=seed
                    )
                    for seed in range(SEEDS)
                ]
            )
            for name, contender in CONTENDERS.items()
        }
        yield rows_of(source, shop, tables)
        means[source] = pd.DataFrame({name: table.mean() for name, table in tables.items()}).T
    yield decision(means)


def judged_once(shop: Shop, contender: Contender, seed: int) -> dict[str, float]:
    """A training's figures, from disk where an interrupted run of the study left them."""

    def work() -> dict[str, float]:
        return judge(shop, fitted(shop, contender.instance, seed, **contender.changes), seed)

    known = judged_by(shop, contender.instance, seed, contender.changes)
    return remembered(CACHE, [*known, code_of(__file__)], work)


def judge(shop: Shop, trained: Any, seed: int) -> dict[str, float]:
    """What chose the checkpoint, and what else is asked of synthetic users; of no test user."""
    kept = trained.training_log.set_index("epoch").loc[trained.best_epoch]
    synthetic = users_of(shop, trained.generator, 1, seed)
    by_synthetic, by_real = (
        learned_by_ease(shop, users, shop.validation) for users in (synthetic, shop.train)
    )
    return {
        SELECTION: kept["selection"],
        "NDCG@20 of completed lists, 5 known": kept["completion_ndcg"],
        "correlation of lift of item pairs": kept["cooccurrence"],
        "correlation of popularity": kept["popularity"],
        LEARNED: by_synthetic / by_real,
        DETECTION: fidelity.detection_auc(shop.train.matrix, synthetic.matrix, seed),
        **found_out(shop, synthetic),
        "epoch kept": float(trained.best_epoch),
        "training time": float(trained.training_log["seconds"].sum()),
    }


def found_out(shop: Shop, synthetic: Histories) -> dict[str, float]:
    """AUC of the strongest attack, and the most members that one finds at 1 % of non-members."""
    params = AuditParams(**runs.all_parameters(shop.env)["privacy"]["audit"])
    attack = audit.attack_on(synthetic.matrix, params.neighbours)
    sides = audit.sides_of(shop.train, shop.non_members)
    found = audit.membership("synthetic", sides, attack, params).groupby("check")["value"].max()
    return {MEMBERSHIP: found[audit.AUC], "members found at 1 % of non-members": found[audit.TPR]}


def rows_of(source: str, shop: Shop, tables: Mapping[str, pd.DataFrame]) -> list[Figure]:
    """Means over seeds, with the smallest and the largest."""
    how = (
        f"{shop.train.n_users:,} training users, {shop.train.n_items:,} items; the parameters of a "
        f"run but for loss and noise. Mean of {SEEDS} seeds, the smallest, the largest. Judged "
        "on the validation users that choose the checkpoint, who are also the non-members of the "
        "membership inference; detection against training users; test "
        "users are not looked at."
    )
    timed = (
        f"Wall time of the epochs. Mean of {SEEDS} seeds, the smallest, the largest; other work "
        "may have run beside it, so this is an upper bound."
    )
    default = runs.all_parameters(shop.env)["gan"]
    figures = []
    for column in next(iter(tables.values())):
        for name, table in tables.items():
            seconds = column == "training time"
            timed_for = seconds and is_default(name, default) and shop.train.n_items >= LARGE
            target = Target("<=", MOST_SECONDS) if timed_for else None
            values = table[column]
            figures.append(
                Figure(
                    f"{source}: {column}, {name}",
                    float(values.mean()),
                    "s" if seconds else "",
                    timed if seconds else how,
                    target,
                    float(values.min()),
                    float(values.max()),
                )
            )
    return figures


def is_default(name: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a contender is what a run trains as its GAN."""
    contender = CONTENDERS[name]
    return contender.instance == "gan" and contender.changes == {
        "adversarial_loss": parameters["training"]["adversarial_loss"],
        "adversarial_weight": parameters["trainer"]["adversarial_weight"],
        "behaviour_noise": parameters["training"]["behaviour_noise"],
    }


def decision(means: Mapping[str, pd.DataFrame]) -> list[Figure]:
    """The mean rank of every contender; the GAN of the best is to be the default.

    Args:
        means: By source: a row per contender, a column per figure.
    """
    ranks = pd.DataFrame(
        {
            (source, figure): table[figure].rank(ascending=less_is_better)
            for source, table in means.items()
            for figure, less_is_better in DECIDED_BY.items()
        }
    ).mean(axis=1)
    gans = [name for name in CONTENDERS if CONTENDERS[name].instance == "gan"]
    best = str(ranks[gans].idxmin())
    default = runs.all_parameters(None)["gan"]
    how = (
        f"Among the {len(CONTENDERS)} contenders, by {', '.join(DECIDED_BY)}; mean of "
        f"{', '.join(means)}. The default has to be the best of the GANs; here that is {best}. "
        f"`{CONTROL}` and the VAE are controls of every run."
    )
    return [
        Figure(
            f"mean rank, {name}",
            float(ranks[name]),
            "",
            how,
            Target("<=", float(ranks[best])) if is_default(name, default) else None,
        )
        for name in CONTENDERS
    ]
