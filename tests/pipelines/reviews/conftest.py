"""Made-up reviews of which some words tell the label."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

COMMON = [f"word{chr(97 + n)}{chr(97 + m)}" for n in range(8) for m in range(8)]
TRUE, FALSE = ["carpet", "radiator", "lift", "worn"], ["luxurious", "loved", "truly", "dreams"]


def _reviews(n_places: int = 40, each: int = 10, signal: float = 0.9, seed: int = 0):
    rng = np.random.default_rng(seed)
    rows = []
    for place in range(n_places):
        for number in range(each):
            lie = number % 2 == 0
            words = rng.choice(COMMON, 12).tolist()
            words += rng.choice(FALSE if lie == (rng.random() < signal) else TRUE, 2).tolist()
            rows.append((" ".join(rng.permutation(words)), lie, f"p{place}", ""))
    frame = pd.DataFrame(rows, columns=["text", "deceptive", "place", "part"])
    return frame.assign(review=range(1, len(frame) + 1))


@pytest.fixture(scope="session")
def reviews() -> Callable[..., pd.DataFrame]:
    """A maker of labelled reviews."""
    return _reviews
