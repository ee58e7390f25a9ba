"""Combinations by what a generator imagines that households would buy, and by recombination.

The generator imagines items in the place of what was bought; a combination is wanted as much as it
is imagined. Recombination is the control: within what a household bought of a category, every type
is put together with every manufacturer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.catalogue.shares import categories_of, household_vectors
from doppelcart.columns import Columns
from doppelcart.metrics.fidelity.floor import with_coverage
from doppelcart.models.items.item_attributes import ItemAttributes, code_items
from doppelcart.pipelines.ideas.combinations import Combinations
from doppelcart.pipelines.ideas.idea_rankings import places_of, worth
from doppelcart.pipelines.ideas.params import IdeasTrainingConfig, ImaginedParams

if TYPE_CHECKING:
    from doppelcart.models.items.imagining import Purchases

HEADS: Final = (Columns.TYPE, Columns.MANUFACTURER, Columns.BRAND, Columns.SIZE)
TRIAL: Final = "imagined"
RECOMBINED: Final = "recombined"
ROWS: Final = 4_096


class Parts(NamedTuple):
    """How kinds and makers are told by the codes of a generator's heads.

    Attributes:
        codes: Of each kind, and of each maker.
        weights: Share of each among those of its code, by the lines that were bought.
    """

    codes: tuple[np.ndarray, np.ndarray]
    weights: tuple[np.ndarray, np.ndarray]


class Imagination(NamedTuple):
    """A trained generator and all that it takes to ask it.

    Attributes:
        generator: The network.
        purchases: What it learnt from.
        attributes: Of the items.
        parts: Of the combinations.
    """

    generator: Any
    purchases: Purchases
    attributes: ItemAttributes
    parts: Parts


def purchases_of(
    combinations: Combinations, features: ItemFeatures, params: ImaginedParams, seed: int
) -> Purchases:
    """What a generator learns from: items that households bought before the window, at random.

    Args:
        combinations: Of the window.
        features: Of all items.
        params: Most purchases, and by what a household is known.
        seed: Of the sample.
    """
    from doppelcart.models.items.imagining import Purchases

    window = combinations.window
    history = window.history.tocoo()
    rng = np.random.default_rng([seed, 5])
    kept = rng.permutation(history.nnz)[: params.purchases]
    categories = categories_of(window, features)
    return Purchases(
        household_vectors(window, params.household_units),
        categories,
        int(categories.max()) + 1,
        history.row[kept].astype(np.int64),
        window.old[history.col[kept]],
    )


def attributes_of(
    combinations: Combinations, features: ItemFeatures, params: ImaginedParams
) -> ItemAttributes:
    """Attributes of all items as codes, by what was sold before the window.

    Args:
        combinations: Of the window.
        features: Of all items.
        params: Most values of an attribute.
    """
    window = combinations.window
    values = {name: features.values(name) for name in HEADS if name in features.block_names}
    return code_items(values, window.old, params.largest_head, window.prices)


def parts_of(
    combinations: Combinations, features: ItemFeatures, attributes: ItemAttributes
) -> Parts:
    """The codes of kinds and makers; those that share one are weighted by what was bought.

    Args:
        combinations: Of the window.
        features: Of all items.
        attributes: As from ``attributes_of``.
    """
    window = combinations.window
    lines = np.asarray(window.counts.sum(axis=0)).ravel()
    codes, weights = [], []
    for known, name in (
        (combinations.kinds, Columns.TYPE),
        (combinations.makers, Columns.MANUFACTURER),
    ):
        place = pd.Index(known).get_indexer(features.values(name)[window.old])
        has = place >= 0
        bought = np.bincount(place[has], weights=lines[has], minlength=len(known))
        code = np.zeros(len(known), dtype=np.int64)
        code[place[has]] = attributes.codes[window.old[has], attributes.names.index(name)]
        total = np.bincount(code, weights=bought)[code]
        codes.append(code)
        weights.append(np.divide(bought, total, out=np.zeros(len(known)), where=total > 0))
    return Parts((codes[0], codes[1]), (weights[0], weights[1]))


def wanted(
    imagination: Imagination, training: IdeasTrainingConfig, n_draws: int, seed: int
) -> np.ndarray:
    """(n_kinds, n_makers) float32: how often each combination is imagined, in n_draws draws.

    For a draw of the noise, a household and a category the generator gives types and
    manufacturers a distribution each; the expected count is exact given these.

    Args:
        imagination: The generator, and what it takes to ask it.
        training: Holds the units of noise.
        n_draws: Purchases in whose place it imagines, drawn at random.
        seed: Of the draws.
    """
    purchases, attributes, parts = imagination[1:]
    rng = np.random.default_rng([seed, 6])
    rows = rng.integers(len(purchases.user), size=n_draws)
    places = [attributes.names.index(name) for name in (Columns.TYPE, Columns.MANUFACTURER)]
    starts, sizes = attributes.starts[places], attributes.sizes[places]
    kinds, makers = (slice(*ends) for ends in zip(starts, starts + sizes, strict=True))
    mass = np.zeros(sizes, dtype=np.float32)
    for start in range(0, n_draws, ROWS):
        own = rows[start : start + ROWS]
        user, category = purchases.user[own], purchases.categories[purchases.item[own]]
        chances = chances_of(imagination, training, user, category, rng)
        mass += chances[:, kinds].T @ chances[:, makers]
    spread = mass[parts.codes[0]][:, parts.codes[1]]
    return (spread * parts.weights[0][:, None] * parts.weights[1]).astype(np.float32)


def chances_of(
    imagination: Imagination,
    training: IdeasTrainingConfig,
    user: np.ndarray,
    category: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """(n, width) float32 chance of each value, for one draw of the noise a row."""
    from doppelcart.models.items.imagining import value_chances

    asked = imagination.purchases.asked(user, category)
    noise = rng.standard_normal((len(user), training.noise_units)).astype(np.float32)
    logits = np.asarray(imagination.generator(asked | {"noise": noise}, training=False))
    return value_chances(logits, imagination.attributes)


def recombined(combinations: Combinations, features: ItemFeatures) -> np.ndarray:
    """(n_kinds, n_makers) float32: types and manufacturers of a household's category, recombined.

    A household that bought n items of a category adds, for each, one n-th to every pair of the
    type of one and the manufacturer of another.

    Args:
        combinations: Of the window.
        features: Of all items.
    """
    window = combinations.window
    history = window.history.tocoo()
    item = window.old[history.col]
    category = categories_of(window, features)[item]
    _, case = np.unique(np.column_stack([history.row, category]), axis=0, return_inverse=True)
    case = case.ravel()
    size = np.bincount(case)
    sides = []
    for known, name, weight in (
        (combinations.kinds, Columns.TYPE, 1.0 / size[case]),
        (combinations.makers, Columns.MANUFACTURER, np.ones(len(case))),
    ):
        place = pd.Index(known).get_indexer(features.values(name)[item])
        has = place >= 0
        shape = (len(size), len(known))
        sides.append(sparse.coo_matrix((weight[has], (case[has], place[has])), shape).tocsr())
    return np.asarray((sides[0].T @ sides[1]).toarray(), dtype=np.float32)


class Trained(NamedTuple):
    """The generator on trial and its controls, before one window.

    Attributes:
        imaginations: By arm.
        log: Of every training, by ``arm``.
    """

    imaginations: dict[str, Imagination]
    log: pd.DataFrame


def train_all(
    combinations: Combinations,
    features: ItemFeatures,
    params: ImaginedParams,
    training: IdeasTrainingConfig,
    seed: int,
) -> Trained:
    """Train the generator on trial and its controls on what was bought before a window.

    Args:
        combinations: Of the window.
        features: Of all items.
        params: What they learn from.
        training: How the generator on trial is trained.
        seed: Of the run, added to that of training.
    """
    from doppelcart.models.items.imagining import covered_items, train_generator

    purchases = purchases_of(combinations, features, params, seed)
    attributes = attributes_of(combinations, features, params)
    parts = parts_of(combinations, features, attributes)
    found, logs = {}, []
    for arm, config in training.with_controls(TRIAL).items():
        seeded = config.model_copy(update={"seed": config.seed + seed})
        trained = train_generator(purchases, attributes, seeded, arm)
        found[arm] = Imagination(trained.generator, purchases, attributes, parts)
        covered = covered_items(trained.generator, purchases, attributes, seeded)
        logs.append(with_coverage(trained.training_log.assign(arm=arm), covered))
    return Trained(found, pd.concat(logs, ignore_index=True))


def log_ranks(scores: np.ndarray) -> np.ndarray:
    """(n_kinds, n_makers) float32: minus the logarithm of the rank, ties sharing the best one."""
    flat = scores.ravel()
    ordered = np.sort(flat)
    above = len(ordered) - np.searchsorted(ordered, flat, side="right")
    return -np.log1p(above).astype(np.float32).reshape(scores.shape)


def choose_weight(
    combinations: Combinations,
    plain: np.ndarray,
    scores: np.ndarray,
    params: ImaginedParams,
    k: int,
) -> tuple[float, list[dict[str, Any]]]:
    """The weight beside the best plain ranking that has most launches among the first ideas.

    Args:
        combinations: Of the window before the cut.
        plain: (n_kinds, n_makers) as from ``log_ranks``, of the best plain ranking.
        scores: Likewise, of the arm.
        params: Weights to choose from.
        k: Ideas looked at; of weights with as many launches there, the least is chosen.

    Returns:
        The weight; and what each was worth.
    """
    rows = []
    for weight in params.weights:
        places = places_of(plain + np.float32(weight) * scores, combinations)
        rows.append({"config": f"weight {weight:g}"} | worth(places, combinations, [k]))
    best = int(np.argmax([row[f"hits_{k}"] for row in rows]))
    return params.weights[best], rows
