"""Generators of pictures of products, trained within a run: what they make never leaves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from doppelcart.imaging.photographs import GROUP, PRODUCT, SPLIT, TRAIN, Photographs
from doppelcart.pipelines.lookalikes.lookalike_trials import GAN, OTHER, WITHOUT_CRITIC
from doppelcart.pipelines.lookalikes.params import PainterParams

BETWEEN: Final = 0.3
"""How far every second fake lies from the product to one of another category."""


class Painter(NamedTuple):
    """A trained generator of pictures of products.

    Attributes:
        trained: The generator, and its critic.
        products: Names, by class.
        beyond: (n_products,) a class of another category for each.
        side: Pixels of a side of what is made.
    """

    trained: Any
    products: tuple[str, ...]
    beyond: np.ndarray
    side: int

    def fakes(self, product: str, n: int, seed: int) -> np.ndarray:
        """(n, side, side, 3) pictures, the one half of the product, the other on the way beyond."""
        label = self.products.index(product)
        own = np.full(n, label)
        half = n // 2
        made = [
            self.trained.sample(own[half:], seed=seed),
            self.trained.interpolate(own[:half], self.beyond[own[:half]], BETWEEN, seed=seed + 1),
        ]
        return enlarged(np.concatenate(made), self.side)

    def realness(self, pixels: np.ndarray, product: str) -> np.ndarray:
        """(n,) how real the critic takes pictures to be, as ones of a product."""
        labels = np.full(len(pixels), self.products.index(product))
        said: np.ndarray = self.trained.critic_scores(pixels, labels)
        return said


def enlarged(pixels: np.ndarray, side: int) -> np.ndarray:
    """(n, side, side, 3) pictures brought to a size."""
    made = np.empty((len(pixels), side, side, 3), np.uint8)
    for place, picture in enumerate(pixels):
        image = Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)
        made[place] = np.asarray(image)
    return made


def painters_of(
    photographs: Photographs, config: PainterParams, weights: Mapping[str, np.ndarray]
) -> dict[str, Painter]:
    """Train the generators: on trial, without a critic, and another that only judges.

    Args:
        photographs: All; those in training are learnt from.
        config: How the generator on trial is trained.
        weights: Of EfficientNet-Lite0, that a projected critic sees by.

    Returns:
        Generators by arm, and by ``OTHER`` the one that judges.
    """
    # TensorFlow is slow to import, and detectors of made pictures do without.
    from doppelcart.models.images.image_training import train_image_generator

    table = photographs.table
    products = tuple(sorted(table[PRODUCT].unique()))
    group_of = table.drop_duplicates(PRODUCT).set_index(PRODUCT)[GROUP]
    groups = pd.factorize(group_of.loc[list(products)])[0]
    is_learnt = (table[SPLIT] == TRAIN).to_numpy()
    labels = pd.Categorical(table.loc[is_learnt, PRODUCT], list(products)).codes
    other = "wgan_gp" if config.adversarial_loss != "wgan_gp" else "relativistic"
    changes: dict[str, dict[str, Any]] = {
        GAN: {},
        WITHOUT_CRITIC: {"adversarial_loss": "energy_score"},
        # Another family in all that makes one: another loss, and a critic with eyes of its own.
        OTHER: {"adversarial_loss": other, "critic": "pixels"},
    }
    found = {}
    for number, (arm, change) in enumerate(changes.items()):
        trained = train_image_generator(
            photographs.pixels[is_learnt],
            np.asarray(labels, np.int64),
            config.model_copy(update=change),
            n_classes=len(products),
            seed=config.seed + 1000 * number,
            groups=groups,
            weights=weights,
            label=f"pictures, {arm}",
        )
        found[arm] = Painter(trained, products, beyond(groups), photographs.pixels.shape[1])
    return found


def beyond(groups: np.ndarray) -> np.ndarray:
    """(n,) for each product the next one of another category, in order of their numbers.

    Args:
        groups: (n,) category of each product.

    Examples:
        >>> beyond(np.array([0, 0, 1, 2])).tolist()
        [2, 2, 3, 0]
    """
    n = len(groups)
    found = np.empty(n, np.int64)
    for own in range(n):
        later = (own + 1 + np.arange(n)) % n
        found[own] = later[np.argmax(groups[later] != groups[own])]
    return found
