"""What is settled before a generator is trained: which one, on whom, chosen by whom."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from doppelcart.config.base import Parameters
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.slices import Slice
from doppelcart.errors import InputError, ParameterError
from doppelcart.metrics.summaries import row_keys
from doppelcart.models.histories.hyperparameters import Family

logger = logging.getLogger(__name__)


class TrainerParams(Parameters):
    """What makes one instance of the pipeline differ from another."""

    name: str = Field(min_length=1, description="name on progress bars and in messages")
    family: Family = Field(
        "gan",
        description="what trains the generator: a critic (gan), an encoder (vae), or an encoder "
        "with a network that undoes noise (diffusion)",
    )
    adversarial_weight: float = Field(
        ge=0,
        le=1000,
        description="weight of the critic's opinion; 0 trains without a critic; a VAE has none",
    )
    selection_slice: str = Field(
        "cold_5",
        description="validation slice whose completion helps choose the checkpoint; where nobody "
        "is in it, the nearest of fewer known items",
    )
    state_folder: Path = Field(description="folder of the state that training resumes from")


def check_trainable(
    histories: Histories, validation_cases: dict[str, Case], trainer: TrainerParams
) -> None:
    """Stop before the networks are built if there is nothing to train on or select by.

    Raises:
        InputError: Fewer than two users or items, or users all alike.
        ParameterError: No such validation slice, and none of fewer known items.
    """
    if histories.n_users < 2 or histories.n_items < 2:
        raise InputError(
            f"A generator needs at least 2 training users and 2 items, but there are "
            f"{histories.n_users:,} and {histories.n_items:,}. Loosen cleaning.support, or bring "
            "more of the log."
        )
    chosen_by = selection_slice(validation_cases, trainer)
    if chosen_by != trainer.selection_slice:
        logger.warning(
            "%s: no validation user has enough items for %s.trainer.selection_slice %r; the "
            "checkpoint is chosen by %r instead",
            trainer.name,
            trainer.name,
            trainer.selection_slice,
            chosen_by,
        )
    if len(set(row_keys(histories.matrix))) == 1:
        raise InputError(
            f"All {histories.n_users:,} training users have the same history: there is nothing "
            "to learn from how they differ. Check the user column of the source."
        )


def selection_slice(validation_cases: Mapping[str, Case], trainer: TrainerParams) -> str:
    """The slice that chooses the checkpoint: the one asked for, or the nearest of fewer items.

    A shop whose customers buy few different things has nobody left to whom five items could be
    shown; its generator is then judged on those who have shown as many as there are.

    Args:
        validation_cases: Validation users by slice; slices without users are not there.
        trainer: What is asked for.

    Raises:
        ParameterError: Neither is there.
    """
    wanted = trainer.selection_slice
    if wanted in validation_cases:
        return wanted
    revealed = {name: _revealed(name) for name in validation_cases}
    fewer = [name for name, count in revealed.items() if 0 <= count < _revealed(wanted)]
    if not fewer:
        raise ParameterError(
            f"{trainer.name}.trainer.selection_slice is {wanted!r}, but the validation slices are: "
            f"{', '.join(validation_cases) or 'none'}."
        )
    return max(fewer, key=lambda name: revealed[name])


def _revealed(name: str) -> int:
    """How many items a slice of new customers reveals, as in its name; -1 for any other slice."""
    known = Slice.of(name).known_items
    return -1 if known is None else known


def fingerprint(histories: Histories, *parts: Any) -> str:
    """A digest of data and configuration: a saved state of another digest is not resumed."""
    digest = hashlib.sha256()
    for array in (histories.indptr, histories.items):
        digest.update(np.ascontiguousarray(array).tobytes())
    for part in parts:
        digest.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return digest.hexdigest()
