"""Texts as numbers of words, and back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

START, END, UNKNOWN = 0, 1, 2
MARKS: Final = 3
"""Numbers that stand for no word: the beginning of a text, its end, a word that is not known."""
_TOKEN = re.compile(r"\w+(?:'\w+)*|[^\w\s]")
_BEFORE_MARK = re.compile(r"\s+(?=[.,!?;:)])")


def tokens_of(text: str) -> list[str]:
    """Words and punctuation of a text, in lower case.

    Examples:
        >>> tokens_of("Don't stay here, ever!")
        ["don't", 'stay', 'here', ',', 'ever', '!']
    """
    return _TOKEN.findall(text.lower())


@dataclass(frozen=True)
class Vocabulary:
    """Known words.

    Args:
        words: In the order of their numbers, which begin after the marks.
    """

    words: tuple[str, ...]

    @property
    def size(self) -> int:
        """Numbers in all, the marks included."""
        return MARKS + len(self.words)

    def stream(self, texts: Iterable[str]) -> np.ndarray:
        """Numbers of texts one after the other, each between its marks.

        Args:
            texts: Any.

        Returns:
            (n,) int32.
        """
        numbers = {word: place + MARKS for place, word in enumerate(self.words)}
        found: list[int] = []
        for text in texts:
            known = (numbers.get(word, UNKNOWN) for word in tokens_of(text))
            found += [START, *known, END]
        return np.asarray(found, np.int32)

    def text(self, numbers: Sequence[int] | np.ndarray) -> str:
        """The words of some numbers, up to the end of the text.

        Args:
            numbers: Of words and marks.
        """
        words: list[str] = []
        for number in numbers:
            if number == END:
                break
            if number >= MARKS:
                words.append(self.words[number - MARKS])
        return _BEFORE_MARK.sub("", " ".join(words))


def vocabulary_of(texts: Iterable[str], size: int) -> Vocabulary:
    """The most frequent words of texts; of words as frequent the first in the alphabet.

    Args:
        texts: Any.
        size: Numbers at most, the marks included.
    """
    counted = Counter(word for text in texts for word in tokens_of(text))
    order = sorted(counted, key=lambda word: (-counted[word], word))
    return Vocabulary(tuple(order[: max(size - MARKS, 1)]))
