"""CFGAN's published row on its own split of ML-100K, beside recommenders and our best generator."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from doppelcart.recommendation.grid import expand
from doppelcart.recommenders import EASE, RECOMMENDERS, EASEConfig
from studies.figures import NAN, Figure, Near, Target
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.models.hyperparameters import CfganConfig
from studies.published import CELLS, cells, cfgan_split, data_folder, hold_out
from studies.study import Study

PUBLISHED = dict(zip(CELLS, (0.444, 0.294, 0.152, 0.360, 0.476, 0.433, 0.681, 0.693), strict=True))
TOLERANCE = 0.010
SEEDS = 10
VALIDATION_SHARE = 0.1
LOOK_EVERY = 5
CHOSEN_BY = "N@20"
CHOSEN_ON_TEST_BY = "P@5"
CACHE = PROJECT / "build" / "studies" / "cfgan"

GRIDS: dict[str, dict[str, list[float]]] = {
    "popularity": {},
    "itemknn": {"shrink": [0, 10, 50, 200], "alpha": [0.5, 0.75], "neighbours": [0, 50, 200]},
    "ials": {"factors": [32, 64], "regularization": [10, 20, 40], "alpha": [1, 2, 4]},
    "puresvd": {"rank": [10, 20, 30, 40]},
    "ease": {"l2": [100, 200, 300, 400, 600, 1000]},
}
STRENGTHS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
AIMS = {"P@5": Target(">=", 0.455), "N@20": Target(">=", 0.445)}
COMPLETED_L2 = (100.0, 150.0, 200.0, 300.0, 400.0, 600.0)


@dataclass(frozen=True)
class Split:
    """What a model is fitted on, and what it is measured on."""

    train: sparse.csr_matrix
    relevant: sparse.csr_matrix

    def cells(self, scores: np.ndarray) -> dict[str, float]:
        """The published metrics of some scores."""
        return cells(scores, self.train, self.relevant)


@dataclass(frozen=True)
class Trained:
    """One seed of CFGAN.

    Args:
        scores: (n_users, n_items) of the generator after the chosen round.
        looks: (n_looks, n_cells) its cells on test every ``LOOK_EVERY`` rounds; a diagnostic.
        seconds: Processor seconds of all rounds.
    """

    scores: np.ndarray
    looks: np.ndarray
    seconds: float


def measure(study: Study) -> Iterator[list[Figure]]:
    """Choose everything on a validation part of train, then measure on test.

    Yields:
        Figures as they are measured.
    """
    train, test = cfgan_split(data_folder("cfgan_ml100k"))
    inner = Split(*hold_out(train, VALIDATION_SHARE, np.random.default_rng([0, 7])))
    outer = Split(train, test)
    for name, grid in GRIDS.items():
        row = recommender_row(name, grid, inner, outer)
        study.note(by_cell(row), arm=name)
        yield row
    rounds, inner_scores = chosen_rounds(inner)
    trained = []
    for seed in range(SEEDS):
        trained.append(train_once(outer, CfganConfig(seed=seed), rounds))
        reached = outer.cells(trained[-1].scores) | {"seconds": trained[-1].seconds}
        study.note(reached, arm="CFGAN", seed=seed, rounds=rounds)
    yield cfgan_row(trained, outer, rounds)
    yield chosen_on_test_rows(trained)
    yield completed_row(inner_scores, [seed.scores for seed in trained], inner, outer)


def recommender_row(
    name: str, grid: Mapping[str, Sequence[float]], inner: Split, outer: Split
) -> list[Figure]:
    """A recommender of the package, its configuration chosen on the validation part."""
    fitted = RECOMMENDERS[name]().fit(inner.train)
    configs = expand(name, grid)
    best = max(
        configs, key=lambda config: inner.cells(fitted.score(inner.train, config))[CHOSEN_BY]
    )
    row = outer.cells(RECOMMENDERS[name]().fit(outer.train).score(outer.train, best))
    chosen = ", ".join(f"{field} {value}" for field, value in best.model_dump().items())
    how = f"Chosen on the validation part from {len(configs)} configuration(s): {chosen or 'none'}."
    targets = {"P@5": Near(0.446, 0.005)} if name == "ease" else {}
    return _row(name, [row], how, targets)


def by_cell(row: Sequence[Figure]) -> dict[str, float]:
    """The values of a row by cell."""
    return {figure.figure.rpartition(", ")[2]: figure.value for figure in row}


def chosen_rounds(inner: Split) -> tuple[int, np.ndarray]:
    """How many rounds do best on the validation part, and the scores after them."""
    config = CfganConfig()

    def train() -> tuple[int, np.ndarray]:
        from studies.models.cfgan import scores, train_cfgan

        trained = train_cfgan(
            inner.train,
            config,
            lambda made: {"selection": inner.cells(made)[CHOSEN_BY]},
            LOOK_EVERY,
        )
        return trained.best_round, scores(trained.generator, inner.train, config.view)

    return remembered(CACHE, made_from(inner.train, config), train)


def train_once(outer: Split, config: CfganConfig, rounds: int) -> Trained:
    """Train on all of train to the configuration's last round.

    Args:
        outer: All of train, and test, which is looked at on the way and chooses nothing.
        config: Networks and training.
        rounds: The round whose scores are kept, a multiple of ``LOOK_EVERY``.
    """

    def work() -> Trained:
        from studies.models.cfgan import train_cfgan

        looks: list[list[float]] = []
        kept: list[np.ndarray] = []

        def look(made: np.ndarray) -> dict[str, float]:
            row = outer.cells(made)
            looks.append([row[cell] for cell in CELLS])
            if len(looks) * LOOK_EVERY == rounds:
                kept.append(made)
            return {"selection": row[CHOSEN_BY]}

        begin = time.process_time()
        train_cfgan(outer.train, config, look, LOOK_EVERY)
        return Trained(kept[0], np.array(looks), time.process_time() - begin)

    return remembered(CACHE, (*made_from(outer.train, config), str(rounds).encode()), work)


def made_from(train: sparse.csr_matrix, config: CfganConfig) -> tuple[bytes, ...]:
    """All that a training depends on: data, code, configuration, and when it is looked at."""
    code = code_of("studies/models")
    settings = f"{config.model_dump_json()}{LOOK_EVERY}".encode()
    return train.indices.tobytes(), train.indptr.tobytes(), code, settings


def cfgan_row(trained: Sequence[Trained], outer: Split, rounds: int) -> list[Figure]:
    """CFGAN's cells over the seeds, each against the published one."""
    rows = [outer.cells(seed.scores) for seed in trained]
    how = (
        f"Mean of {len(rows)} seed(s), with the smallest and the largest; item view, the paper's "
        f"settings, {rounds} rounds of 4 generator epochs, chosen on a validation part of train "
        f"({VALIDATION_SHARE:.0%} of it), then trained on all of train. Median of "
        f"{np.median([seed.seconds for seed in trained]):.0f} processor seconds per seed. Nothing "
        "was chosen on test."
    )
    targets = {cell: Near(published, TOLERANCE) for cell, published in PUBLISHED.items()}
    return _row("CFGAN", rows, how, targets)


def chosen_on_test_rows(trained: Sequence[Trained]) -> list[Figure]:
    """What the same trainings would be said to reach if their epoch were chosen on test."""
    at_best = [
        seed.looks[seed.looks[:, CELLS.index(CHOSEN_ON_TEST_BY)].argmax()] for seed in trained
    ]
    largest = [seed.looks.max(axis=0) for seed in trained]
    how = (
        "A diagnostic and no result: the authors' code prints the accuracy on test after every "
        "epoch and names several numbers of epochs to try. The same trainings, looked at on test "
        f"every {LOOK_EVERY} rounds"
    )
    return [
        *_row(
            "CFGAN, epoch chosen on test (diagnostic)",
            [dict(zip(CELLS, row, strict=True)) for row in at_best],
            f"{how}; each seed at its best {CHOSEN_ON_TEST_BY}, {_over(trained)}.",
            {},
        ),
        *_row(
            "CFGAN, each cell's epoch chosen on test (diagnostic)",
            [dict(zip(CELLS, row, strict=True)) for row in largest],
            f"{how}; the largest value of every cell by itself, {_over(trained)}.",
            {},
        ),
    ]


def _over(trained: Sequence[Trained]) -> str:
    return f"mean of {len(trained)} seed(s), with the smallest and the largest"


def ease_of_completed(
    train: sparse.csr_matrix, generated: np.ndarray, strength: float, l2: float
) -> np.ndarray:
    """Scores of EASE fitted on histories completed by a generator, of the histories as they are.

    Args:
        train: (n_users, n_items) CSR of ones.
        generated: (n_users, n_items) scores of the generator, read as probabilities.
        strength: Weight of a synthetic purchase; 0 is EASE itself.
        l2: Penalty of EASE.
    """
    known = train.toarray()
    whole = known + np.float32(strength) * generated.clip(0, 1) * (1 - known)
    return EASE().fit(whole.astype(np.float32)).score(train, EASEConfig(l2=l2))


def completed_row(
    inner_scores: np.ndarray, trained: Sequence[np.ndarray], inner: Split, outer: Split
) -> list[Figure]:
    """EASE fitted on completed histories; strength and l2 are chosen on the validation part."""
    tried = [(strength, l2) for strength in (0.0, *STRENGTHS) for l2 in COMPLETED_L2]

    def reached(pair: tuple[float, float]) -> float:
        row = inner.cells(ease_of_completed(inner.train, inner_scores, *pair))
        return sum(row[cell] for cell in AIMS)

    strength, l2 = max(tried, key=reached)
    alone = [outer.cells(ease_of_completed(outer.train, made, strength, l2)) for made in trained]
    mean = np.mean([made.clip(0, 1) for made in trained], axis=0)
    together = [outer.cells(ease_of_completed(outer.train, mean, strength, l2))]
    how = (
        "EASE fitted on training histories that CFGAN completed, scoring the real ones; strength "
        f"{strength:g} and l2 {l2:g}, chosen for one seed among {len(tried)} pairs by "
        f"{' + '.join(AIMS)} on the validation part."
    )
    return [
        *_row(
            "EASE of histories completed by CFGAN",
            alone,
            f"{how} Mean of the {len(alone)} seeds, with the smallest and the largest.",
            {},
        ),
        *_row(
            "EASE of histories completed by all seeds' mean",
            together,
            f"{how} The completions of {len(trained)} seeds averaged.",
            AIMS,
        ),
    ]


def _row(
    name: str,
    rows: Sequence[Mapping[str, float]],
    how: str,
    targets: Mapping[str, Target | Near],
) -> list[Figure]:
    """Every cell, its mean over some rows and, of more than one, the ends."""
    figures = []
    for cell in CELLS:
        values = [row[cell] for row in rows]
        ends = (min(values), max(values)) if len(values) > 1 else (NAN, NAN)
        mean = float(np.mean(values))
        figures.append(Figure(f"{name}, {cell}", mean, "", how, targets.get(cell), *ends))
    return figures
