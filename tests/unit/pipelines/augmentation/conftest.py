"""A stand-in for a trained generator."""

import numpy as np
import pytest

N_ITEMS = 12


class Tensor:
    def __init__(self, width: int):
        self.shape = (None, width)


class Generator:
    """Invents users of the half of the catalogue that the profile tells; keeps what it saw."""

    def __init__(self) -> None:
        widths = {"history": N_ITEMS, "noise": 1, "demographics": 1, "behaviour": 1}
        known = {"demographics_known": 1, "behaviour_known": 1}
        self.input = {name: Tensor(width) for name, width in (widths | known).items()}
        self.asked: list[dict[str, np.ndarray]] = []

    def __call__(self, fed: dict[str, np.ndarray], training: bool) -> np.ndarray:
        self.asked.append(fed)
        second = (np.arange(N_ITEMS) >= N_ITEMS / 2)[None, :]
        return np.where((fed["behaviour"] > 0) == second, 2.0, -3.0)


@pytest.fixture
def generator() -> Generator:
    return Generator()
