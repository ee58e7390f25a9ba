"""What went wrong in a training, by its log: named, with the figure, its limit and advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from doppelcart.adversarial.hyperparameters import TrainerConfig

MIN_COVERAGE, MIN_RECALL = 0.2, 0.1
MAX_DUPLICATES, MAX_COPIES = 0.05, 0.01
VANISHED = 1e-6
EXPLODED = 1e4


@dataclass(frozen=True)
class Subject:
    """What is generated, in the words of the advice.

    Args:
        kind: What one example is, in the plural, such as ``users``.
        training: The configuration, whose fields the advice names.
        noise: Name of the parameter that gives the noise more room.
        dropout: Name of the parameter that keeps the generator from learning by heart.
        revive: What to do where gradients vanish, by network, in place of the usual advice.
    """

    kind: str
    training: type[TrainerConfig]
    noise: str
    dropout: str
    revive: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One monitor.

    Args:
        monitor: Its name.
        failed: Whether it warns.
        value: What was measured.
        limit: What it is held against, in words.
        advice: What to do if it warns.
    """

    monitor: str
    failed: bool
    value: float
    limit: str
    advice: str

    @property
    def row(self) -> dict[str, Any]:
        """As a row of the table; without advice where none is needed."""
        status = "ok" if np.isfinite(self.value) else "undefined"
        return {
            "monitor": self.monitor,
            "status": "warning" if self.failed else status,
            "value": float(self.value),
            "limit": self.limit,
            "advice": self.advice if self.failed else "",
        }


def diagnose(training_log: pd.DataFrame, best_epoch: int, subject: Subject) -> list[Check]:
    """Name what went wrong in training, with advice.

    Data are judged as the epoch that was kept makes them, gradients by their worst epoch. What
    the evaluation did not measure is not judged.

    Args:
        training_log: One row per epoch, as ``loop.train`` returns it. Which networks were trained
            is seen in its columns ``<network>_gradient_norm``; ``near_copies`` and
            ``real_near_copies``, ``duplicates``, ``coverage`` and ``recall`` are of the
            evaluation, all shares.
        best_epoch: Epoch whose generator was kept.
        subject: What is generated.
    """
    kept = training_log.loc[training_log["epoch"] == best_epoch].iloc[-1]
    networks = [
        name.removesuffix("_gradient_norm")
        for name in training_log.columns
        if name.endswith("_gradient_norm")
    ]
    # Generator first, whatever was logged first.
    networks.sort(key=lambda name: name != "generator")
    checks = [
        divergence(training_log, subject),
        *(check for name in networks for check in gradients(name, training_log, subject)),
    ]
    if "near_copies" in kept:
        checks.append(memorisation(kept, subject))
    if learns_noise(networks, training_log):
        checks += collapse(kept, subject)
    return checks


def learns_noise(networks: list[str], training_log: pd.DataFrame) -> bool:
    """Whether anything asked the generator to use its noise.

    A control that trains on reconstruction alone is known to ignore it.
    """
    scored = "adversarial_loss" in training_log.columns and bool(
        training_log["adversarial_loss"].any()
    )
    return len(networks) > 1 or scored


def divergence(training_log: pd.DataFrame, subject: Subject) -> Check:
    """Whether losses or weights stopped being finite."""
    diverged = int((~np.isfinite(training_log["generator_loss"])).sum())
    named = subject.training.name_of
    return Check(
        "divergence: epochs that fell back to the best checkpoint",
        diverged > 0,
        diverged,
        "0",
        f"Each fall-back halved the learning rates: begin with a lower {named('learning_rate')} "
        f"and critic_learning_rate, or raise {named('gradient_penalty')}.",
    )


def gradients(network: str, training_log: pd.DataFrame, subject: Subject) -> list[Check]:
    """Whether a network stopped learning, or learned in leaps."""
    norms = training_log[f"{network}_gradient_norm"]
    least, most = norms.min(), norms.max()
    named = subject.training.name_of
    rate = named("learning_rate") if network == "generator" else named("critic_learning_rate")
    revive = {
        "generator": f"The critic's opinion does not get through: lower {rate}, or use "
        f"{named('adversarial_loss')}=wgan_gp.",
    } | dict(subject.revive)
    return [
        Check(
            f"vanishing gradients, {network}",
            least < VANISHED,
            least,
            f"at least {VANISHED:g}",
            revive.get(network, f"Raise {rate}."),
        ),
        Check(
            f"exploding gradients, {network}",
            not most < EXPLODED,
            most,
            f"at most {EXPLODED:g}",
            f"Lower {rate}, or raise {named('gradient_penalty')}.",
        ),
    ]


def memorisation(kept: pd.Series, subject: Subject) -> Check:
    """Whether training examples come back; some do by chance, as they do among real ones."""
    limit = max(MAX_COPIES, 2 * kept["real_near_copies"])
    return Check(
        f"memorisation: near copies of training {subject.kind}",
        kept["near_copies"] > limit,
        kept["near_copies"],
        f"at most {limit:g}, twice the share among real {subject.kind}, or {MAX_COPIES:g}",
        f"Train for fewer epochs, raise {subject.dropout}, or bring more {subject.kind}.",
    )


def collapse(kept: pd.Series, subject: Subject) -> list[Check]:
    """Whether much of what is real is never generated, by whatever was measured of it."""
    kind, critic_steps = subject.kind, subject.training.name_of("critic_steps")
    found = []
    if "duplicates" in kept:
        found.append(
            Check(
                f"mode collapse: duplicates among synthetic {kind}",
                kept["duplicates"] > MAX_DUPLICATES,
                kept["duplicates"],
                f"at most {MAX_DUPLICATES:g}",
                f"Raise {subject.noise} or {critic_steps}.",
            )
        )
    more = {"coverage": f"raise {critic_steps}", "recall": f"raise {subject.noise}"}
    for measure, least in (("coverage", MIN_COVERAGE), ("recall", MIN_RECALL)):
        if measure in kept:
            found.append(
                Check(
                    f"mode collapse: {measure} of real {kind}' neighbourhoods",
                    kept[measure] < least,
                    kept[measure],
                    f"at least {least:g}",
                    f"Train for more epochs, or {more[measure]}.",
                )
            )
    return found


def table(checks: list[Check]) -> pd.DataFrame:
    """Columns monitor, status (``ok``, ``warning``, or ``undefined``), value, limit, advice."""
    return pd.DataFrame([check.row for check in checks])
