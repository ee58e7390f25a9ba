"""What the core costs: the default run, its parts, training and ranking."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.metrics import ranking
from doppelcart.recommendation.scoring import rank
from doppelcart.recommenders import EASE, EASEConfig, PureSVD, PureSVDConfig, Recommender
from doppelcart.recommenders.base import RecommenderConfig
from studies import processes
from studies.figures import Figure, Target, repeated
from studies.runs import TABLE_PIPELINES, gan_parameters, in_env, kedro

REPETITIONS = 3

SMALL, LARGE = 1_300, 17_000
STEPS, ROUNDS = 16, 9

RANKED_ITEMS, TRAINING_USERS, RANKED_USERS = 10_000, 1_440, 4_096
RANKING_ROUNDS = 7

IMPORTED = """
import runpy, sys
sys.argv = ["kedro", "registry", "list"]
try:
    runpy.run_module("kedro", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
found = sorted({name.partition(".")[0] for name in sys.modules} & {"keras", "tensorflow"})
print("imported:", *found)
"""


def measure(results: Path, env: str | None = None) -> Iterator[list[Figure]]:  # noqa: ARG001
    """Take every figure.

    Args:
        results: Folder of the results.
        env: Another environment than the default; its figures have no place in the documents.

    Yields:
        Figures as they are measured.
    """
    with tempfile.TemporaryDirectory(prefix="doppelcart-") as scratch:
        home = Path(scratch)
        yield default_run(home, env)
        yield tables(home, env)
        yield registry(home)
        yield training_steps(gan_parameters(env))
        yield full_ranking()


def registry(home: Path) -> list[Figure]:
    """How long Kedro takes to list the pipelines, and what it imports to do so."""
    usages = [kedro(home, "list", "registry", "list") for _ in range(REPETITIONS)]
    found = processes.run([sys.executable, "-c", IMPORTED], home / "imported.log").output
    names = found.splitlines()[-1].partition("imported:")[2].split()
    return [
        repeated(
            "`kedro registry list`",
            [usage.seconds for usage in usages],
            "s",
            "Wall time of the command in a process of its own.",
            Target("<=", 8),
        ),
        Figure(
            "of TensorFlow and Keras, imported by `kedro registry list`",
            len(names),
            "",
            "Looked up in sys.modules when the command ends. Found: "
            + (", ".join(names) or "none"),
            Target("<=", 0),
        ),
    ]


def tables(home: Path, env: str | None) -> list[Figure]:
    """Ingestion to profiles, each time into a new folder."""
    usages = [
        kedro(home, f"tables{number}", "run", "--pipelines", TABLE_PIPELINES, *in_env(env))
        for number in range(REPETITIONS)
    ]
    return [
        repeated(
            "ingestion to profiles",
            [usage.seconds for usage in usages],
            "s",
            f"Wall time of `kedro run --pipelines {TABLE_PIPELINES}`, tracked, in a new folder.",
            Target("<=", 40),
        )
    ]


def default_run(home: Path, env: str | None) -> list[Figure]:
    """The whole run, once."""
    usage = kedro(home, "run", "run", *in_env(env))
    how = f"`kedro run{' --env ' + env if env else ''}`, tracked, in a new data folder, once"
    return [
        Figure(
            "default `kedro run`", usage.seconds, "s", f"Wall time of {how}.", Target("<=", 480)
        ),
        Figure(
            "default `kedro run`, peak memory",
            usage.peak_gb,
            "GB",
            f"Resident memory of the process and its children during {how}; looked at once a "
            "second, shared pages once, and the kernel's own maximum of a single process.",
            Target("<=", 6),
        ),
    ]


def training_steps(parameters: dict[str, Any]) -> list[Figure]:
    """Steps of generator and critic at two sizes of catalogue, in turn."""
    from doppelcart.models.histories.config import NetworkConfig, TrainingConfig

    network = NetworkConfig(**parameters["network"])
    training = TrainingConfig(**parameters["training"])
    epochs = {n: _epoch(n, network, training) for n in (SMALL, LARGE)}
    seconds: dict[int, list[float]] = {n: [] for n in epochs}
    for number in range(ROUNDS + 1):
        for n_items, epoch in epochs.items():
            taken = _seconds(lambda epoch=epoch, number=number: epoch(number))
            if number:  # the first compiles
                seconds[n_items].append(taken / STEPS)
    how = (
        f"Made histories of 1 % of the items; batches of {training.batch_size} users, "
        f"{training.critic_steps} critic step(s) a generator step, {STEPS} steps a round, the two "
        "sizes in turn."
    )
    ratios = [large / small for small, large in zip(*seconds.values(), strict=True)]
    return [
        *(
            repeated(
                f"training at {n_items:,} items",
                [1 / value for value in values],
                "steps/s",
                how,
            )
            for n_items, values in seconds.items()
        ),
        repeated(
            f"cost of a training step, {LARGE:,} items against {SMALL:,}",
            ratios,
            "times",
            how,
            Target("<=", LARGE / SMALL),
        ),
    ]


def _epoch(n_items: int, network: Any, training: Any) -> Callable[[int], object]:
    from doppelcart.adversarial.loop import run_epoch
    from doppelcart.models.histories.batches import HistoryBatches, ProfileBlocks
    from doppelcart.models.histories.networks import build_critic, build_generator
    from doppelcart.models.histories.trainer import HistoryTrainer

    rng = np.random.default_rng(0)
    real = made_histories(training.batch_size * STEPS, n_items, n_items // 100, rng)
    blocks = ProfileBlocks(
        rng.random((real.n_users, 40), dtype=np.float32),
        rng.standard_normal((real.n_users, 80), dtype=np.float32),
    )
    features = rng.standard_normal((n_items, 50), dtype=np.float32)
    share = np.bincount(real.items, minlength=n_items) / real.n_users
    generator = build_generator(network, share, real.n_users, features, 40, 80, seed=0)
    critic = build_critic(network, n_items, 40, 80, seed=0)
    trainer = HistoryTrainer(generator, critic, training, 1.0)
    batches = HistoryBatches(real, blocks, training)
    return lambda number: run_epoch(trainer, batches, number)


def full_ranking() -> list[Figure]:
    """Users scored and ranked a second over a whole catalogue."""
    rng = np.random.default_rng(0)
    train = made_histories(TRAINING_USERS, RANKED_ITEMS, 200, rng)
    asked = made_histories(RANKED_USERS, RANKED_ITEMS, 100, rng)
    whole = asked.matrix
    case = Case("made", asked.first(50), asked.rest(50))
    contenders: list[tuple[Recommender, RecommenderConfig]] = [
        (EASE().fit(train.matrix), EASEConfig(l2=1000.0, centred=True)),
        (PureSVD().fit(train.matrix), PureSVDConfig(rank=20)),
    ]
    return [
        repeated(
            f"full ranking of {whole.shape[1]:,} items, {recommender.name}",
            _rates(recommender, config, case),
            "users/s",
            f"Scores, the best 20 and their NDCG of {RANKED_USERS:,} made users with 50 known "
            f"items each; the fit, on {TRAINING_USERS:,} made users, is not in the figure.",
            Target(">=", 2000),
        )
        for recommender, config in contenders
    ]


def _rates(recommender: Recommender, config: RecommenderConfig, case: Case) -> list[float]:
    known, relevant = case.seen.matrix, case.relevant.matrix

    def evaluate() -> None:
        ranking.ndcg(rank(recommender, config, known, known, 20), relevant, 20)

    evaluate()  # solves for the configuration
    return [case.n_users / _seconds(evaluate) for _ in range(RANKING_ROUNDS)]


def made_histories(n_users: int, n_items: int, length: int, rng: np.random.Generator) -> Histories:
    """Users of one length whose items are drawn by a popularity that falls with the rank's root."""
    weights = -0.5 * np.log(np.arange(1, n_items + 1))
    rows = [
        np.argpartition(-(weights + rng.gumbel(size=n_items)), length)[:length]
        for _ in range(n_users)
    ]
    return Histories.from_lists(
        rows, np.arange(n_users).astype(str), np.arange(n_items).astype(str)
    )


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
