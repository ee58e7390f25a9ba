"""Vectors of graphs beside PyKEEN's at equal settings, on two public graphs.

UMLS and Kinships in their published parts. Both have as many numbers an entity, first vectors of
one spread, Adagrad of one step, batches of one size, as many epochs, cross-entropy over all
entities with relations turned round as relations of their own, no penalty; both keep the epoch that
ranks the validation triples best. What differs is a batch: ours holds triples, theirs pairs of
subject and relation with all their objects.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.metrics.link_prediction import (
    KnownTriples,
    both_ways,
    filtered_ranks,
    summarise_ranks,
)
from doppelcart.models.graphs.hyperparameters import EmbeddingConfig, GraphModel
from studies.figures import Figure, Target
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.peers import environment
from studies.study import Study

GRAPHS: Final = {"UMLS": 0.74, "Kinships": 0.75}
"""By graph the least that ComplEx is to reach."""
MODELS: Final[dict[GraphModel, str]] = {
    "complex": "ComplEx",
    "transe": "TransE",
    "rotate": "RotatE",
}
SEEDS: Final = 3
UNITS, EPOCHS, BATCH, STEP, EVERY = 32, 60, 256, 0.1, 10
TOLERANCE: Final = 0.02
FOLDER: Final = PROJECT / "docs" / "examples" / "graphs"
CACHE: Final = PROJECT / "build" / "studies" / "links"
COLUMNS: Final = ["head", "relation", "tail"]


def measure(study: Study) -> Iterator[list[Figure]]:
    """A graph and a model at a time, ours and theirs.

    Yields:
        The figures of one model on one graph.
    """
    for graph in GRAPHS:
        parts, sizes = read_graph(FOLDER / graph.lower())
        for model, name in MODELS.items():
            found: dict[str, list[dict[str, float]]] = {"ours": [], "theirs": []}
            for seed in range(SEEDS):
                for whose, learn in (("ours", ours), ("theirs", theirs)):
                    values = learn(model, parts, sizes, seed)
                    labels = {"graph": graph, "model": name, "whose": whose, "seed": seed}
                    found[whose].append(study.note(values, **labels))
            yield figures_of(graph, model, found)


def read_graph(folder: Path) -> tuple[dict[str, np.ndarray], tuple[int, int]]:
    """Published parts of a graph.

    Args:
        folder: ``train.txt``, ``valid.txt``, ``test.txt``: head, relation and tail by tabs.

    Returns:
        (n, 3) int64 places by part, and the numbers of entities and relations.
    """
    tables = {
        part: pd.read_csv(folder / f"{part}.txt", sep="\t", header=None, dtype=str, names=COLUMNS)
        for part in ("train", "valid", "test")
    }
    whole = pd.concat(tables.values())
    entities = np.unique(whole[["head", "tail"]].to_numpy(str))
    relations = np.unique(whole["relation"].to_numpy(str))
    names = (entities, relations, entities)
    parts = {
        part: np.column_stack(
            [
                np.searchsorted(known, table[column].to_numpy(str))
                for known, column in zip(names, COLUMNS, strict=True)
            ]
        ).astype(np.int64)
        for part, table in tables.items()
    }
    return parts, (len(entities), len(relations))


def ours(
    model: GraphModel, parts: dict[str, np.ndarray], sizes: tuple[int, int], seed: int
) -> dict[str, float]:
    """Figures of the test triples by the package's vectors, and processor seconds.

    Args:
        model: Which of ``MODELS``.
        parts: Places by part.
        sizes: Numbers of entities and relations.
        seed: Of the training.
    """
    config = EmbeddingConfig(
        units=UNITS, epochs=EPOCHS, batch_size=BATCH, negatives=sizes[0], learning_rate=STEP,
        penalty=0.0, evaluate_every=EVERY, evaluated=100_000, seed=seed,
    )  # fmt: skip

    def work() -> dict[str, float]:
        from doppelcart.models.graphs.graph_embedding import learn_vectors

        begin = time.process_time()
        vectors = learn_vectors(model, parts["train"], parts["valid"], *sizes, config).vectors
        seconds = time.process_time() - begin
        asked = both_ways(parts["test"], sizes[1])
        known = KnownTriples(
            both_ways(np.vstack(list(parts.values())), sizes[1]), n_entities=sizes[0]
        )
        told = summarise_ranks(filtered_ranks(vectors.score, asked, known))
        return {"mrr": told["mrr"], "seconds": seconds}

    code = code_of("src/doppelcart/models/graphs", "src/doppelcart/metrics/link_prediction.py")
    return remembered(CACHE, [*_told(model, parts, seed), b"ours", code], work)


def theirs(
    model: GraphModel, parts: dict[str, np.ndarray], sizes: tuple[int, int], seed: int
) -> dict[str, float]:
    """The same by PyKEEN's.

    Args:
        model: Which of ``MODELS``.
        parts: Places by part.
        sizes: Numbers of entities and relations.
        seed: Of the training.
    """

    def work() -> dict[str, float]:
        with tempfile.TemporaryDirectory(prefix="doppelcart-") as scratch:
            folder = Path(scratch)
            np.savez(folder / "triples.npz", allow_pickle=False, **parts)
            job = {
                "triples": str(folder / "triples.npz"),
                "n_entities": sizes[0],
                "n_relations": sizes[1],
                "model": model,
                "units": 2 * UNITS,
                "epochs": EPOCHS,
                "batch_size": BATCH,
                "learning_rate": STEP,
                "evaluate_every": EVERY,
                "seed": seed,
            }
            answer = environment.run("run_pykeen", job, folder, environment.GRAPHS)
        return {"mrr": answer["mrr"], "seconds": answer["seconds"]}

    code = code_of("studies/peers/run_pykeen.py")
    return remembered(CACHE, [*_told(model, parts, seed), b"theirs", code], work)


def _told(model: str, parts: dict[str, np.ndarray], seed: int) -> list[bytes]:
    settings = (model, UNITS, EPOCHS, BATCH, STEP, EVERY, seed)
    return [repr(settings).encode(), *(part.tobytes() for part in parts.values())]


def figures_of(
    graph: str, model: GraphModel, found: dict[str, list[dict[str, float]]]
) -> list[Figure]:
    """Means over seeds, and the difference.

    Args:
        graph: Which of ``GRAPHS``.
        model: Which of ``MODELS``.
        found: By side, seed by seed: mrr and seconds.
    """
    how = (
        f"{graph}, published parts, {2 * UNITS} numbers an entity, {EPOCHS} epochs, batches of "
        f"{BATCH}, Adagrad of {STEP}, no penalty; filtered, both ends, ties in the middle; mean, "
        f"least and most of {SEEDS} seeds."
    )
    name = f"{graph}: {MODELS[model]}"
    values = {whose: [unit["mrr"] for unit in units] for whose, units in found.items()}
    means = {whose: statistics.fmean(of_seeds) for whose, of_seeds in values.items()}
    least = Target(">=", GRAPHS[graph]) if model == "complex" else None
    listed = [
        Figure(
            f"{name}, {whose}, MRR", means[whose], "", how,
            least if whose == "ours" else None, min(of_seeds), max(of_seeds),
        )
        for whose, of_seeds in values.items()
    ]  # fmt: skip
    apart = means["ours"] - means["theirs"]
    near = Target(">=", -TOLERANCE)
    listed.append(Figure(f"{name}, ours above PyKEEN's, MRR", apart, "", how, near))
    for whose, units in found.items():
        seconds = statistics.median(unit["seconds"] for unit in units)
        listed.append(Figure(f"{name}, {whose}, processor time", seconds, "s", how))
    return listed
