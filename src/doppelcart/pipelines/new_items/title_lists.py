"""New items by what a network reads in their titles, trained on the titles of old ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from doppelcart.catalogue.embedding import beside
from doppelcart.catalogue.windows import Window
from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.pipelines.new_items import plain
from doppelcart.pipelines.new_items.imagined import Ranked
from doppelcart.pipelines.new_items.params import TitlesParams
from doppelcart.pipelines.new_items.systems import Config, Lists, told

if TYPE_CHECKING:
    from doppelcart.models.text.title_network import TitleReader

TITLES: Final = "titles"


def directions_of(window: Window, units: int) -> np.ndarray:
    """(n_old, units) directions of old items among what was bought together, of length 1.

    Args:
        window: Only what was bought before it counts.
        units: Of the directions.
    """
    places = beside(window.history, units)
    lengths = np.linalg.norm(places, axis=1, keepdims=True)
    return np.divide(places, lengths, out=np.zeros_like(places), where=lengths > 0)


def read_window(
    window: Window, titles: np.ndarray, params: TitlesParams, seed: int
) -> tuple[np.ndarray, TitleReader]:
    """Train on the titles of a window's old items, and read those of its new ones.

    Args:
        window: The window.
        titles: (n_items,) of all items.
        params: Units, and how the network is trained.
        seed: Added to that of training.

    Returns:
        (n_old, n_new) cosine of each old item's direction and each new one's as read; and the
        network.
    """
    from doppelcart.models.text.title_network import train_reader

    own = params.training
    config = own.model_copy(update={"seed": own.seed + seed})
    directions = directions_of(window, params.units)
    reader = train_reader(titles[window.old].tolist(), directions, config)
    return directions @ reader.read(titles[window.new].tolist()).T, reader


def title_scores(
    window: Window, likeness: np.ndarray, configs: Sequence[Config]
) -> Iterator[np.ndarray]:
    """(n_judged, n_new) float32: EASE's scores of old items, passed on to new ones.

    Args:
        window: The window.
        likeness: (n_old, n_new) as from ``read_window``; old items that point away say nothing.
        configs: ``l2`` of EASE, and ``power`` of the likeness.
    """
    ease: dict[float, np.ndarray] = {}
    for config in configs:
        if config["l2"] not in ease:
            ease = {config["l2"]: plain.ease_scores(window.history, config["l2"])[window.judged]}
        weights = np.maximum(likeness, 0.0) ** config["power"]
        yield np.asarray(ease[config["l2"]] @ weights, dtype=np.float32)


def rank_by_titles(
    windows: Sequence[Window], titles: np.ndarray, params: TitlesParams, k: int, seed: int
) -> Ranked:
    """Train a network before each window, choose on the first, and rank the new items of both.

    Args:
        windows: The one that tunes, and the one that is tested.
        titles: (n_items,) of all items.
        params: What to choose from, and how to train.
        k: Length of the lists.
        seed: Of the run.
    """
    grid, rows = params.grid(), []
    read = [read_window(window, titles, params, seed) for window in windows]
    bought = windows[0].bought[windows[0].judged]
    values = [
        float(np.nanmean(ndcg(top_k(scores, None, k), bought, k)))
        for scores in title_scores(windows[0], read[0][0], grid)
    ]
    chosen = grid[int(np.argmax(values))]
    before, after = (
        next(title_scores(window, likeness, [chosen]))
        for window, (likeness, _) in zip(windows, read, strict=True)
    )
    for name, (_, reader) in zip(("tuning", "test"), read, strict=True):
        rows.append({"arm": TITLES, "window": name} | logged(reader))
    tried = pd.DataFrame({"system": TITLES, "config": map(told, grid), "ndcg": values})
    return Ranked(Lists({TITLES: before}, {TITLES: after}), pd.DataFrame(rows), tried)


def logged(reader: TitleReader) -> dict[str, float]:
    """The epoch that was kept, and the cosine on held-out titles by which it was chosen."""
    return {"epoch": float(reader.epoch), "selection": reader.likeness}
