"""Use a trained generator: invent new users, or complete the histories of known ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import expit

from doppelcart.columns import Columns
from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.serving.history_completer import noise_of

ROWS_PER_CHUNK = 512


def _widths(generator: Any) -> dict[str, int]:
    return {name: tensor.shape[-1] for name, tensor in generator.input.items()}


def check_items(generator: Any, item_ids: np.ndarray) -> None:
    """Refuse a catalogue that a generator was not trained on.

    Args:
        generator: The trained G.
        item_ids: (n_items,) the catalogue of the histories.

    Raises:
        InputError: It has another size, other items or another order.
    """
    from doppelcart.models.histories.networks import ITEM_FEATURES, digest

    _check_size(generator, len(item_ids))
    noted = generator.get_layer(ITEM_FEATURES).catalogue
    if noted and noted != digest(item_ids):
        raise InputError(
            f"The generator was trained on a catalogue of {len(item_ids):,} items, as many as "
            "these histories have, but they are other items, or in another order. Train it again: "
            "kedro run --pipelines gan"
        )


def _check_size(generator: Any, n_items: int) -> None:
    expected = _widths(generator)["history"]
    if expected != n_items:
        raise InputError(
            f"The generator was trained on a catalogue of {expected:,} items, but these "
            f"histories have {n_items:,}. Train it again: kedro run --pipelines gan"
        )


def generator_logits(
    generator: Any,
    history: np.ndarray,
    noise: np.ndarray,
    demographics: np.ndarray | None = None,
    behaviour: np.ndarray | None = None,
) -> np.ndarray:
    """One forward pass; a profile block left out counts as unknown.

    Args:
        generator: G of ``networks.build_generator``.
        history: (n, n_items) float32 visible part.
        noise: (n, noise_units) float32.
        demographics: (n, n_demographics) or None.
        behaviour: (n, n_behaviours) or None.

    Returns:
        (n, n_items) float32 logits.
    """
    widths = _widths(generator)
    inputs = {"history": history, "noise": noise}
    for block, values in (("demographics", demographics), ("behaviour", behaviour)):
        known = values is not None
        inputs[block] = (
            values.astype(np.float32)
            if values is not None
            else np.zeros((len(history), widths[block]), np.float32)
        )
        inputs[f"{block}_known"] = np.full((len(history), 1), float(known), np.float32)
    return np.asarray(generator(inputs, training=False))


def generate(
    generator: Any,
    n_users: int,
    item_ids: np.ndarray,
    rng: np.random.Generator,
    demographics: np.ndarray | None = None,
    behaviour: np.ndarray | None = None,
    prefix: str = "synthetic",
) -> Histories:
    """Invent users: an empty history, noise, and the target profiles where given.

    Each item is an independent draw given noise and profile. What items have to do with each other
    comes through the two; as trained by default, hardly through the noise.

    Args:
        generator: The trained G.
        n_users: How many users to invent.
        item_ids: (n_items,) the catalogue it was trained on.
        rng: Source of randomness.
        demographics: (n_users, n_demographics) target block or None for unknown.
        behaviour: (n_users, n_behaviours) target block or None for unknown.
        prefix: Users are named ``<prefix>-<number>``.

    Raises:
        InputError: The generator was trained on another catalogue.
    """
    check_items(generator, item_ids)
    noise_units = _widths(generator)["noise"]
    rows: list[np.ndarray] = []
    for start in range(0, n_users, ROWS_PER_CHUNK):
        chunk = slice(start, min(start + ROWS_PER_CHUNK, n_users))
        size = chunk.stop - chunk.start
        logits = generator_logits(
            generator,
            np.zeros((size, len(item_ids)), np.float32),
            rng.standard_normal((size, noise_units), dtype=np.float32),
            None if demographics is None else demographics[chunk],
            None if behaviour is None else behaviour[chunk],
        )
        drawn = rng.random(logits.shape, dtype=np.float32) < expit(logits)
        rows.extend(rng.permutation(np.flatnonzero(row)) for row in drawn)
    names = np.array([f"{prefix}-{number}" for number in range(n_users)], dtype=str)
    return Histories.from_lists(rows, names, item_ids)


def complete(
    generator: Any,
    seen: sparse.csr_matrix,
    n_draws: int,
    rng: np.random.Generator,
    demographics: np.ndarray | None = None,
) -> np.ndarray:
    """Probability that each user also has each item, averaged over noise.

    Args:
        generator: The trained G.
        seen: (n, n_items) visible histories.
        n_draws: Noise vectors averaged per user.
        rng: Source of randomness.
        demographics: (n, n_demographics) or None where unknown.

    Returns:
        (n, n_items) float32 in [0, 1].

    Raises:
        InputError: The generator was trained on a catalogue of another size.
    """
    blocks = complete_blocks(generator, seen, n_draws, rng, demographics)
    return np.concatenate([np.zeros((0, seen.shape[1]), np.float32), *blocks])


def complete_blocks(
    generator: Any,
    seen: sparse.csr_matrix,
    n_draws: int,
    rng: np.random.Generator,
    demographics: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """``complete`` in blocks of ``ROWS_PER_CHUNK`` users, for more of them than memory holds.

    Yields:
        (at most ROWS_PER_CHUNK, n_items) float32 in [0, 1].
    """
    _check_size(generator, seen.shape[1])
    noise_units = _widths(generator)["noise"]
    for start in range(0, seen.shape[0], ROWS_PER_CHUNK):
        chunk = slice(start, min(start + ROWS_PER_CHUNK, seen.shape[0]))
        history = seen[chunk].toarray().astype(np.float32)
        known = None if demographics is None else demographics[chunk]
        total = np.zeros(history.shape, np.float32)
        for _ in range(n_draws):
            noise = rng.standard_normal((len(history), noise_units), dtype=np.float32)
            total += expit(generator_logits(generator, history, noise, known))
        yield total / n_draws


def profile_rows(matrix: pd.DataFrame, user_ids: np.ndarray) -> np.ndarray:
    """Rows of a profile matrix for some users, in their order.

    Args:
        matrix: user_id and float columns; user_id may be the index.
        user_ids: (n,) identifiers.

    Returns:
        (n, n_columns) float32.

    Raises:
        InputError: A user has no row, or a gap in it.
    """
    table = matrix.set_index(Columns.USER) if Columns.USER in matrix.columns else matrix
    rows = table.reindex(user_ids)
    missing = rows.index[rows.isna().any(axis=1)]
    if len(missing):
        raise InputError(
            f"{len(missing):,} users have no whole profile row, {missing[0]!r} first. "
            "Run the profiles again: kedro run --pipelines profiles"
        )
    return rows.to_numpy(np.float32)


def make_completer(
    generator: Any, demographics: pd.DataFrame, n_draws: int, seed: int
) -> Callable[[Histories], Iterator[np.ndarray]]:
    """A function that completes the visible histories of any users, block by block.

    The noise is drawn once, so that a history of a customer is always completed alike, whoever
    else is asked for: as a server completes it, to the last bit.

    Args:
        generator: The trained G.
        demographics: user_id and demographic columns of every user that may be asked for.
        n_draws: Noise vectors averaged.
        seed: Seed of the noise.
    """
    from doppelcart.models.histories.serving_arrays import completer_arrays

    arrays = completer_arrays(generator, n_draws, seed)

    def completer(seen: Histories) -> Iterator[np.ndarray]:
        check_items(generator, seen.item_ids)
        known, matrix = profile_rows(demographics, seen.user_ids), seen.matrix
        starts = range(0, seen.n_users, ROWS_PER_CHUNK)
        chunks = [slice(start, start + ROWS_PER_CHUNK) for start in starts]
        return (arrays.probabilities(matrix[chunk], known[chunk]) for chunk in chunks)

    return completer


def make_network_completer(
    generator: Any, demographics: pd.DataFrame, n_draws: int, seed: int
) -> Callable[[Histories], Iterator[np.ndarray]]:
    """``make_completer`` by the network itself, for one that has no arrays to serve by.

    Args:
        generator: Of the inputs and output of G.
        demographics: user_id and demographic columns of every user that may be asked for.
        n_draws: Noise vectors averaged.
        seed: Seed of the noise, which is the same for everybody.
    """
    noises = noise_of(n_draws, _widths(generator)["noise"], seed)

    def completer(seen: Histories) -> Iterator[np.ndarray]:
        check_items(generator, seen.item_ids)
        known, matrix = profile_rows(demographics, seen.user_ids), seen.matrix
        for start in range(0, seen.n_users, ROWS_PER_CHUNK):
            chunk = slice(start, min(start + ROWS_PER_CHUNK, seen.n_users))
            history = matrix[chunk].toarray().astype(np.float32)
            total = np.zeros(history.shape, np.float32)
            for noise in noises:
                same = np.repeat(noise[None, :], len(history), axis=0)
                total += expit(generator_logits(generator, history, same, known[chunk]))
            yield total / n_draws

    return completer
