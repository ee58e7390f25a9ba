"""Trainings seen from outside: the log of every one, where a pipeline keeps the generator alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pandas as pd

from doppelcart.adversarial import loop
from doppelcart.adversarial.state import Progress


@dataclass
class Watched:
    """A training.

    Attributes:
        progress: One row of logs per epoch, and the best one.
        begun: Processor seconds of this process when it began.
        ended: The same when it ended; NaN where it ended without a generator.
    """

    progress: Progress
    begun: float
    ended: float = float("nan")

    @property
    def log(self) -> pd.DataFrame:
        """One row per epoch: losses, gradient norms, and metrics where it was evaluated."""
        return pd.DataFrame(self.progress.rows)


@contextmanager
def watched() -> Iterator[list[Watched]]:
    """Note every training of the adversarial trainer, in the order in which they begin.

    Most pipelines keep a generator and forget how it was trained, and the trainer tells nobody. So
    the two values that its loop begins and ends with are looked at as they are made; neither is
    changed. One training is to end before the next begins, and none may resume from disk.

    Yields:
        The trainings, filled as they go on.
    """
    found: list[Watched] = []

    def begin(*given: Any) -> Progress:
        found.append(Watched(Progress(*given), time.process_time()))
        return found[-1].progress

    def end(*given: Any) -> loop.Trained:
        found[-1].ended = time.process_time()
        return trained(*given)

    trained = loop.Trained
    with patch.object(loop, "Progress", begin), patch.object(loop, "Trained", end):
        yield found
