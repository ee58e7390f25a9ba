"""New items by a ridge on what a pretrained reader understands of their words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.windows import Window
from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.models.text.sentences import WIDTH, read_sentences
from doppelcart.pipelines.new_items import plain
from doppelcart.pipelines.new_items.imagined import Ranked
from doppelcart.pipelines.new_items.params import SentencesParams
from doppelcart.pipelines.new_items.systems import Config, Lists, told

SENTENCES: Final = "sentences"


def vectors_of(windows: Sequence[Window], titles: np.ndarray) -> np.ndarray:
    """(n_items, 512) float32 vectors of the items of some windows; zeros for all others.

    Args:
        windows: Whose old and new items are read.
        titles: (n_items,) words of all items.
    """
    rows = np.unique(
        np.concatenate([own for window in windows for own in (window.old, window.new)])
    )
    vectors = np.zeros((len(titles), WIDTH), dtype=np.float32)
    vectors[rows] = read_sentences(titles[rows])
    return vectors


def sentence_scores(
    window: Window, vectors: np.ndarray, configs: Sequence[Config]
) -> Iterator[np.ndarray]:
    """(n_judged, n_new) scores: EASE's of old items, passed on by the ridge on vectors.

    Args:
        window: The window.
        vectors: (n_items, 512) of all items.
        configs: ``l2`` of EASE, ``penalty`` of the ridge.
    """
    old, new = (sparse.csr_matrix(vectors[which]) for which in (window.old, window.new))
    ease: dict[float, np.ndarray] = {}
    for config in configs:
        if config["l2"] not in ease:
            ease = {config["l2"]: plain.ease_scores(window.history, config["l2"])[window.judged]}
        (weights,) = plain.ridge_weights(old, new, [config["penalty"]])
        yield np.asarray(ease[config["l2"]] @ weights, dtype=np.float32)


def rank_by_sentences(
    windows: Sequence[Window], titles: np.ndarray, params: SentencesParams, k: int
) -> Ranked:
    """Choose on the first window, and rank the new items of both.

    Args:
        windows: The one that tunes, and the one that is tested.
        titles: (n_items,) words of all items.
        params: What to choose from.
        k: Length of the lists.

    Raises:
        MissingExtraError: The reader is not installed.
    """
    vectors, grid = vectors_of(windows, titles), params.grid()
    bought = windows[0].bought[windows[0].judged]
    values = [
        float(np.nanmean(ndcg(top_k(scores, None, k), bought, k)))
        for scores in sentence_scores(windows[0], vectors, grid)
    ]
    chosen = grid[int(np.argmax(values))]
    before, after = (next(sentence_scores(window, vectors, [chosen])) for window in windows)
    tried = pd.DataFrame({"system": SENTENCES, "config": map(told, grid), "ndcg": values})
    return Ranked(Lists({SENTENCES: before}, {SENTENCES: after}), pd.DataFrame(), tried)
