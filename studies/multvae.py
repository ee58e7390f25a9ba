"""Cornac's Mult-VAE and EASE against ours: the same split, the same metrics, in turn."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from doppelcart.recommenders import EASE, EASEConfig
from studies.figures import Figure, Target
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.peers import environment
from studies.published import cells, cfgan_split, data_folder, hold_out
from studies.study import Study

ROUNDS = 3
VALIDATION_SHARE = 0.1
CELL = "N@20"
TOLERANCE = 0.005
L2 = (200.0, 400.0, 800.0)
KL_WEIGHTS = (0.2, 1.0)
DROPOUTS = (0.0, 0.5)
EPOCHS = (50, 100)
HIDDEN, LATENT, BATCH, LEARNING_RATE = 200, 64, 100, 1e-3

CACHE = PROJECT / "build" / "studies" / "multvae"

Fit = Callable[[sparse.csr_matrix, Any, int], tuple[np.ndarray, float]]
"""Training matrix, setting, seed -> scores of the same users, processor seconds."""


def our_ease(train: sparse.csr_matrix, l2: float, seed: int) -> tuple[np.ndarray, float]:
    """EASE of the package; it has nothing random."""
    begin = time.process_time()
    scores = EASE(seed).fit(train).score(train, EASEConfig(l2=l2))
    return scores, time.process_time() - begin


def our_multvae(
    train: sparse.csr_matrix, setting: Mapping[str, float], seed: int
) -> tuple[np.ndarray, float]:
    """Mult-VAE of the package, with nobody held out: those scored are those trained on."""
    from doppelcart.recommenders import (
        MultVAE,
        MultVAEConfig,
        multvae_training,  # noqa: F401 - its import is not timed
    )

    config = MultVAEConfig(
        hidden_units=HIDDEN,
        latent_units=LATENT,
        batch_size=BATCH,
        learning_rate=LEARNING_RATE,
        held_out_share=0,
        **setting,
    )
    begin = time.process_time()
    scores = MultVAE(seed).fit(train).score(train, config)
    return scores, time.process_time() - begin


def cornac(model: str, settings: Mapping[str, Any], folder: Path) -> Fit:
    """A model of Cornac in the peers' environment.

    Args:
        model: ``ease`` or ``multvae``.
        settings: What the tried setting, a mapping, is added to.
        folder: Where matrices and scores go.
    """

    def fit(
        train: sparse.csr_matrix, setting: Mapping[str, Any], seed: int
    ) -> tuple[np.ndarray, float]:
        paths = {"train": str(folder / "train.npz"), "out": str(folder / "scores.npy")}
        sparse.save_npz(paths["train"], train)
        job = {"model": model, "settings": {**settings, **setting, "seed": seed}} | paths
        took = environment.run("run_cornac", job, folder)
        return np.load(paths["out"]), took["fit"] + took["score"]

    return fit


def measure(study: Study) -> Iterator[list[Figure]]:
    """EASE, then Mult-VAE, each beside its peer.

    Yields:
        The figures of a model.
    """
    train, test = cfgan_split(data_folder("cfgan_ml100k"))
    inner = hold_out(train, VALIDATION_SHARE, np.random.default_rng([0, 7]))
    with tempfile.TemporaryDirectory(prefix="doppelcart-") as scratch:
        folder = Path(scratch)
        theirs = [{"lamb": l2} for l2 in L2]
        ease = kept("Cornac's EASE", cornac("ease", {"posB": False}, folder))
        our = kept("our EASE", our_ease)
        yield duel(study, "EASE", our, L2, ease, theirs, inner, (train, test))
        shape = {
            "k": LATENT,
            "autoencoder_structure": [HIDDEN],
            "batch_size": BATCH,
            "learning_rate": LEARNING_RATE,
        }
        tried = [{"beta": beta, "n_epochs": n} for beta in KL_WEIGHTS for n in EPOCHS]
        vae = kept("Cornac's Mult-VAE", cornac("multvae", shape, folder))
        ours = [
            {"kl_weight": kl, "dropout": share, "epochs": n}
            for kl, share, n in product(KL_WEIGHTS, DROPOUTS, EPOCHS)
        ]
        our = kept("our Mult-VAE", our_multvae)
        yield duel(study, "Mult-VAE", our, ours, vae, tried, inner, (train, test))


def kept(name: str, fit: Fit) -> Fit:
    """A fit whose scores and seconds are remembered.

    Args:
        name: Of the model.
        fit: The fit.
    """
    settings = repr((HIDDEN, LATENT, BATCH, LEARNING_RATE))
    code = code_of("src/doppelcart/recommenders", "studies/peers", __file__)

    def remembering(train: sparse.csr_matrix, setting: Any, seed: int) -> tuple[np.ndarray, float]:
        told = repr((name, settings, setting, seed)).encode()
        made_from = [train.indices.tobytes(), train.indptr.tobytes(), told, code]
        return remembered(CACHE, made_from, lambda: fit(train, setting, seed))

    return remembering


Part = tuple[sparse.csr_matrix, sparse.csr_matrix]


def best(fit: Fit, settings: Sequence[Any], inner: Part) -> Any:
    """The setting that ranks best on the validation part of train."""
    if len(settings) == 1:
        return settings[0]
    return max(settings, key=lambda setting: cells(fit(inner[0], setting, 0)[0], *inner)[CELL])


def duel(
    study: Study,
    name: str,
    ours: Fit,
    our_settings: Sequence[Any],
    theirs: Fit,
    their_settings: Sequence[Any],
    inner: Part,
    outer: Part,
) -> list[Figure]:
    """Both tuned on the validation part, then measured in turn, round by round.

    Args:
        study: That notes what either reached.
        name: Of the model.
        ours: The package's.
        our_settings: Settings to try of it.
        theirs: The peer's.
        their_settings: Settings to try of it.
        inner: What is left of train, and its validation part.
        outer: Train and test.
    """
    chosen = (best(ours, our_settings, inner), best(theirs, their_settings, inner))
    reached: tuple[list[float], list[float]] = ([], [])
    seconds: tuple[list[float], list[float]] = ([], [])
    for seed in range(ROUNDS):
        for who, (fit, setting) in enumerate(zip((ours, theirs), chosen, strict=True)):
            scores, took = fit(outer[0], setting, seed)
            found = study.note(
                {CELL: cells(scores, *outer)[CELL], "seconds": took},
                model=name,
                arm=("ours", "Cornac's")[who],
                seed=seed,
            )
            reached[who].append(found[CELL])
            seconds[who].append(found["seconds"])
    how = (
        "CFGAN's split of ML-100K, every rating positive, full ranking; settings of either chosen "
        f"on a validation part of train (ours {chosen[0]}, Cornac's {chosen[1]}); {ROUNDS} seeds "
        "in turn: the median, with the smallest and the largest."
    )
    timed = (
        "Processor time of fitting and of scoring every user, imports apart, which other work on "
        f"the machine hardly changes. {how}"
    )
    gap = [us - them for us, them in zip(*reached, strict=True)]
    ratio = [us / them for us, them in zip(*seconds, strict=True)]
    short = Target(">=", -TOLERANCE)
    return [
        _figure(f"{name}, ours, NDCG@20", reached[0], "", how),
        _figure(f"{name}, Cornac's, NDCG@20", reached[1], "", how),
        _figure(f"{name}, NDCG@20, ours less Cornac's", gap, "", how, short),
        _figure(f"{name}, ours, time", seconds[0], "s", timed),
        _figure(f"{name}, Cornac's, time", seconds[1], "s", timed),
        _figure(f"{name}, our time as a share of Cornac's", ratio, "", timed, Target("<=", 1.0)),
    ]


def _figure(
    name: str, values: Sequence[float], unit: str, how: str, target: Target | None = None
) -> Figure:
    return Figure(name, statistics.median(values), unit, how, target, min(values), max(values))
