"""What a training loop needs to be resumed, on disk as plain arrays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from doppelcart.data.storage import read_message, replacing
from doppelcart.errors import StorageError


@dataclass
class Progress:
    """How far training came and the best it has seen.

    Args:
        epoch: Last epoch finished.
        rows: One dict of logs per epoch.
        best_epoch: Epoch of the best validation metric so far; 0 before any.
        best_value: That metric.
        best: Every variable of the trainer at that epoch, to fall back to; before any epoch was
            evaluated, as training began.
    """

    epoch: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_value: float = float("-inf")
    best: list[np.ndarray] | None = None

    @property
    def n_diverged(self) -> int:
        """Epochs that ended in something else than a finite loss."""
        return sum(not np.isfinite(row["generator_loss"]) for row in self.rows)

    def keep_best(self, epoch: int, value: float, variables: Sequence[Any]) -> None:
        """Remember these variables if the metric is better than any before, or the first.

        A metric that is undefined (NaN) is worse than any other.
        """
        value = float("-inf") if np.isnan(value) else value
        if self.best_epoch == 0 or value > self.best_value:
            self.best_epoch, self.best_value = epoch, value
            self.best = [np.asarray(variable).copy() for variable in variables]


class TrainingState:
    """A resumable state in one ``.npz`` file, written whole or not at all.

    Args:
        path: The file.
        fingerprint: Identifies data and configuration; a file of another fingerprint is
            ignored, since its numbers belong to another training.
    """

    def __init__(self, path: Path, fingerprint: str):
        self.path = Path(path)
        self.fingerprint = fingerprint
        self.last_saved_epoch = 0

    def save(self, variables: Sequence[Any], progress: Progress) -> None:
        """Write variables and progress, replacing the file in one move.

        Raises:
            StorageError: The folder cannot be written, or the disk is full.
        """
        arrays: dict[str, Any] = {f"variable_{i}": np.asarray(v) for i, v in enumerate(variables)}
        arrays |= {f"best_{i}": w for i, w in enumerate(progress.best or [])}
        about = {
            "fingerprint": self.fingerprint,
            "epoch": progress.epoch,
            "rows": progress.rows,
            "best_epoch": progress.best_epoch,
            "best_value": progress.best_value,
            "n_best": len(progress.best or []),
        }
        with replacing(self.path) as temporary:
            np.savez(temporary, about=np.array(json.dumps(about)), **arrays)
        self.last_saved_epoch = progress.epoch

    def load(self, variables: Sequence[Any]) -> Progress:
        """Assign the saved variables and return the progress; a fresh one if none fits.

        Raises:
            StorageError: The file is cut short, or the system refuses to read it.
        """
        if not self.path.exists():
            return Progress()
        try:
            with np.load(self.path, allow_pickle=False) as saved:
                about = json.loads(str(saved["about"]))
                if about["fingerprint"] != self.fingerprint:
                    return Progress()
                values = [saved[f"variable_{i}"] for i in range(len(variables))]
                best = [saved[f"best_{i}"] for i in range(about["n_best"])]
        except OSError as error:
            what = f"the training checkpoint {self.path}"
            raise StorageError(read_message(what, error)) from error
        except Exception as error:
            raise StorageError(
                f"The training checkpoint {self.path} cannot be read ({error}); it may have been "
                "cut short. Delete it to train from the beginning."
            ) from error
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self.last_saved_epoch = about["epoch"]
        return Progress(
            about["epoch"], about["rows"], about["best_epoch"], about["best_value"], best or None
        )

    def clear(self) -> None:
        """Forget the state: training came to its end."""
        self.path.unlink(missing_ok=True)
