"""Vectors of a graph by PyKEEN; run by its own interpreter.

Told ``triples`` (NPZ: ``train``, ``valid``, ``test``, each (n, 3) of places), ``n_entities``,
``n_relations``, ``model``, ``units`` (real numbers of an entity), ``epochs``, ``batch_size``,
``learning_rate``, ``evaluate_every``, ``seed``. Answers with the filtered figures of the test
triples and the processor seconds.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from pykeen.pipeline import pipeline
from pykeen.triples import CoreTriplesFactory

NAMES = {"complex": "ComplEx", "transe": "TransE", "rotate": "RotatE"}
FIRST_SIZE = 0.1
METRICS = {"mrr": "inverse_harmonic_mean_rank"} | {f"first {k}": f"hits_at_{k}" for k in (1, 3, 10)}


def drawn(vectors: torch.Tensor) -> torch.Tensor:
    """First vectors as ours are: normal, of one deviation, real and imaginary parts alike."""
    parts = torch.view_as_real(vectors) if vectors.is_complex() else vectors
    with torch.no_grad():
        parts.normal_(0.0, FIRST_SIZE)
    return vectors


def model_settings(model: str, units: int) -> dict:
    """Dimensions and first vectors; complex numbers count twice. TransE by Euclidean distance."""
    if model == "transe":
        return {"embedding_dim": units, "scoring_fct_norm": 2, "entity_initializer": drawn,
                "entity_constrainer": None, "relation_initializer": drawn}  # fmt: skip
    of_complex = {"embedding_dim": units // 2, "entity_initializer": drawn}
    if model == "complex":
        return of_complex | {"relation_initializer": drawn, "regularizer": None}
    return of_complex


def main() -> None:
    """Do what is told, and answer."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    sizes = {"num_entities": job["n_entities"], "num_relations": job["n_relations"]}
    with np.load(job["triples"]) as found:
        parts = {name: torch.as_tensor(found[name], dtype=torch.long) for name in found.files}
    train = CoreTriplesFactory.create(parts["train"], **sizes, create_inverse_triples=True)
    valid, test = (CoreTriplesFactory.create(parts[name], **sizes) for name in ("valid", "test"))
    begin = time.process_time()
    result = pipeline(
        training=train,
        validation=valid,
        testing=test,
        model=NAMES[job["model"]],
        model_kwargs=model_settings(job["model"], job["units"]),
        loss="crossentropy",
        training_loop="lcwa",
        optimizer="adagrad",
        optimizer_kwargs={"lr": job["learning_rate"]},
        training_kwargs={
            "num_epochs": job["epochs"],
            "batch_size": job["batch_size"],
            "use_tqdm": False,
        },
        stopper="early",
        stopper_kwargs={
            "frequency": job["evaluate_every"],
            "patience": job["epochs"],
            "relative_delta": 0.0,
            "metric": "both.realistic.inverse_harmonic_mean_rank",
        },
        evaluator_kwargs={"filtered": True},
        evaluation_kwargs={"use_tqdm": False},
        random_seed=job["seed"],
        device="cpu",
    )
    figures = {
        name: float(result.get_metric(f"both.realistic.{metric}"))
        for name, metric in METRICS.items()
    }
    print(json.dumps(figures | {"seconds": time.process_time() - begin}))


if __name__ == "__main__":
    main()
