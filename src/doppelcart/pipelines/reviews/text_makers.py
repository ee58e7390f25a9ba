"""Plainer ways to more labelled reviews than a generator: what it has to beat."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final, NamedTuple

import numpy as np

from doppelcart.pipelines.reviews.review_texts import GENERATED

DROPPED, SWAPPED, CROPPED = 0.1, 0.05, 0.8
"""Shares of words that are left out and swapped, and the share that a crop keeps."""
CONFIDENT: Final = 0.2
"""Share of the unlabelled reviews that self-training takes, those it is surest of."""


class Rows(NamedTuple):
    """Reviews as rows of a detector.

    Attributes:
        grams: (n, n_grams) weighted words, CSR; None where only coordinates are known.
        coordinates: (n, n_components) their SVD.
        labels: (n,) whether deceptive.
        weights: (n,) how much each counts.
    """

    grams: Any
    coordinates: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def changed_words(texts: list[str], rng: np.random.Generator) -> list[str]:
    """Texts with words dropped and swapped, cut at either end.

    Source: Wei and Zou (2019), easy data augmentation.

    Args:
        texts: Real ones.
        rng: Of all changes.
    """
    found = []
    for text in texts:
        words = np.array(text.split(), dtype=object)
        kept = words[rng.random(len(words)) >= DROPPED]
        for _ in range(round(SWAPPED * len(kept))):
            one, other = rng.integers(0, len(kept), 2)
            kept[[one, other]] = kept[[other, one]]
        length = max(1, round(CROPPED * len(kept)))
        start = int(rng.integers(0, max(len(kept) - length, 0) + 1))
        found.append(" ".join(kept[start : start + length]))
    return found


def markov_texts(texts: list[str], number: int, rng: np.random.Generator) -> list[str]:
    """Texts in which each word follows the two before it as it did in a real one; marked.

    Args:
        texts: Real ones, of one label.
        number: Texts to make.
        rng: Of the words.
    """
    follows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for text in texts:
        words = ["", "", *text.split(), ""]
        for place in range(len(words) - 2):
            follows[words[place], words[place + 1]].append(words[place + 2])
    lengths = [len(text.split()) for text in texts]
    found = []
    for _ in range(number):
        longest, state = int(rng.choice(lengths)) * 2, ("", "")
        made: list[str] = []
        while len(made) < longest:
            choices = follows[state]
            word = choices[int(rng.integers(0, len(choices)))]
            if not word:
                break
            made.append(word)
            state = state[1], word
        found.append(f"{GENERATED} {' '.join(made)}")
    return found


def unmarked(texts: list[str]) -> list[str]:
    """Generated texts without their mark, as a detector is shown them: else it would learn it."""
    return [text.removeprefix(GENERATED).strip() for text in texts]


def mixed(rows: Rows, number: int, rng: np.random.Generator) -> Rows:
    """Pairs of reviews mixed in coordinates, each with both labels by their shares (mixup).

    Source: Zhang, Cisse, Dauphin and Lopez-Paz (2018).

    Args:
        rows: Real ones.
        number: Mixtures.
        rng: Of pairs and shares.
    """
    one, other = rng.integers(0, len(rows.labels), (2, number))
    share = rng.beta(0.4, 0.4, number)
    made = share[:, None] * rows.coordinates[one] + (1 - share)[:, None] * rows.coordinates[other]
    return Rows(
        None,
        np.concatenate([made, made]),
        np.concatenate([rows.labels[one], rows.labels[other]]),
        np.concatenate([share, 1 - share]),
    )
