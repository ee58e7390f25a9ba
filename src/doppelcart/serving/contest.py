"""Who stands for service: a model with its version, what it takes, and whom it serves by what."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy import sparse

from doppelcart.data.slices import WARM, Slice
from doppelcart.serving import artefact
from doppelcart.serving.decisions import Cost
from doppelcart.serving.model import Model, Strategy
from doppelcart.serving.release import Version, folder_of

_K: Final = 20


@dataclass(frozen=True)
class Entrant:
    """A model that serves, or would.

    Args:
        version: How it is called, where it lies, and its digest.
        model: It itself.
        size: Bytes of its files.
    """

    version: Version
    model: Model
    size: int


def load_entrant(named_in: Path, version: Version) -> Entrant:
    """Read an artefact with its size, everything checked.

    Args:
        named_in: The file that names the version.
        version: What it says.

    Raises:
        StorageError: The artefact is missing or damaged.
    """
    folder = folder_of(named_in, version)
    model = artefact.read(folder, version.digest)
    manifest = artefact.read_manifest(folder, version.digest)
    return Entrant(version, model, sum(file.size for file in manifest.files.values()))


def strategy_for(model: Model, slice_name: str) -> Strategy:
    """What a model would serve the customers of a slice by.

    Args:
        model: The model.
        slice_name: Returning customers, or new ones of whom a number of items is known.
    """
    known = Slice.of(slice_name).known_items
    return model.strategy(1 if known is None else known, returning=slice_name == WARM)


def cost_of(entrant: Entrant, histories: dict[str, sparse.csr_matrix], most: int = 200) -> Cost:
    """What a model takes: its size, and the processor time of a list, one customer at a time.

    Args:
        entrant: The model.
        histories: By slice: (n_users, n_items) CSR of what is known of its customers.
        most: Customers a slice that are tried, the first ones.
    """
    spent, n_lists = 0.0, 0
    for name, known in histories.items():
        strategy, nobody = strategy_for(entrant.model, name), entrant.model.nobody()
        for row in range(min(known.shape[0], most)):
            one = sparse.csr_matrix(known[row], dtype=np.float32)
            began = time.process_time()
            entrant.model.rank(strategy, one, _K, profiles=nobody)
            spent += time.process_time() - began
            n_lists += 1
    return Cost(size=entrant.size, milliseconds=1000 * spent / max(n_lists, 1))
