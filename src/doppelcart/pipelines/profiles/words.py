"""Coordinates of what is written about an item, so that like items lie near each other."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

WORD = re.compile(r"[^\W_]{2,}")


def document(texts: Mapping[Hashable, Any]) -> str:
    """All that is written about an item as one string of tokens.

    Words are shared between the columns, since a title names the category too; each whole
    value is a token of its column besides, so that "cat food" differs from a cat and a food.

    Args:
        texts: By column, a text, or null where the source has none.
    """
    tokens: list[str] = []
    for column, text in texts.items():
        words = [] if pd.isna(text) else WORD.findall(str(text).lower())
        if words:
            tokens += [*words, f"{column}:{'_'.join(words)}"]
    return " ".join(tokens)


def has_words(texts: pd.Series) -> bool:
    """Whether any of the texts holds a word."""
    return bool(texts.dropna().astype(str).str.contains(WORD).any())


class WordCoordinates(TransformerMixin, BaseEstimator):
    """Latent semantic analysis (Deerwester 1990): TF-IDF, truncated SVD, rows of unit length.

    Args:
        n_coordinates: Width of the result at most; a small vocabulary gives fewer.
        seed: Seed of the randomised SVD.
    """

    def __init__(self, n_coordinates: int = 64, seed: int = 0) -> None:
        self.n_coordinates = n_coordinates
        self.seed = seed

    def fit(self, texts: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002
        """Learn vocabulary and axes from (n_items, n_columns) texts.

        Raises:
            ValueError: No text holds a word.
        """
        self.vectorizer_ = TfidfVectorizer(token_pattern=r"\S+")  # noqa: S106 - a pattern of tokens
        counts = self.vectorizer_.fit_transform(_documents(texts))
        width = max(1, min(self.n_coordinates, *counts.shape))
        self.svd_ = TruncatedSVD(width, random_state=self.seed).fit(counts)
        return self

    def transform(self, texts: pd.DataFrame) -> np.ndarray:
        """(n_items, n_coordinates) float64 rows of unit length, or of zeros without a word."""
        counts: sparse.csr_matrix = self.vectorizer_.transform(_documents(texts))
        return np.asarray(normalize(self.svd_.transform(counts)))

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:  # noqa: ARG002
        """``words_00`` and so on."""
        names = [f"words_{number:02d}" for number in range(self.svd_.n_components)]
        return np.array(names, dtype=object)


def _documents(texts: pd.DataFrame) -> list[str]:
    return [document(row) for row in texts.to_dict(orient="records")]
