"""Who would buy an idea, held against who bought the launch that it became."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.catalogue.shares import LEVELS, group_shares, groups_of
from doppelcart.columns import Columns
from doppelcart.experiment.resampling import paired_bootstrap
from doppelcart.pipelines.ideas.combinations import Combinations
from doppelcart.pipelines.ideas.imagining_ideas import Imagination, chances_of
from doppelcart.pipelines.ideas.params import (
    ExperimentParams,
    IdeasTrainingConfig,
    ImaginedParams,
)

LINES: Final = "lines"
EXPECTED: Final = "expected"
WITH_MAKER: Final = "expected_of_maker"


class Buyers(NamedTuple):
    """Launched combinations that enough bought.

    Attributes:
        launched: (n, 2) kind and maker of each.
        items: (n,) row of the features of one item of each.
        bought: (n, n_users) bool: who bought any of its items in the window.
    """

    launched: np.ndarray
    items: np.ndarray
    bought: np.ndarray


def buyers_of(combinations: Combinations, features: ItemFeatures, min_buyers: int) -> Buyers:
    """Who bought what was launched, of the households that were known before.

    Args:
        combinations: Of the window.
        features: Of all items.
        min_buyers: Buyers below which a combination is left out.
    """
    window = combinations.window
    kind = pd.Index(combinations.kinds).get_indexer(features.values(Columns.TYPE)[window.new])
    maker = pd.Index(combinations.makers).get_indexer(
        features.values(Columns.MANUFACTURER)[window.new]
    )
    wanted = pd.MultiIndex.from_arrays(list(combinations.launched.T))
    place = wanted.get_indexer(pd.MultiIndex.from_arrays([kind, maker]))
    has = np.flatnonzero(place >= 0)
    shape = (len(wanted), len(window.new))
    of = sparse.coo_matrix((np.ones(len(has)), (place[has], has)), shape=shape).tocsr()
    bought = (of @ window.bought.T > 0).toarray()
    enough = np.flatnonzero(bought.sum(axis=1) >= min_buyers)
    first = np.full(len(wanted), -1)
    first[place[has][::-1]] = window.new[has[::-1]]
    return Buyers(combinations.launched[enough], first[enough], bought[enough])


def plain_audiences(
    combinations: Combinations, features: ItemFeatures, buyers: Buyers, prior: float
) -> dict[str, np.ndarray]:
    """(n, n_users) scores of households: by how much they buy, and by how much of the kind.

    A household's share of a kind is drawn towards what its shares of the category and department
    lead one to expect; times its lines it says how many of the kind are expected of it.

    Args:
        combinations: Of the window.
        features: Of all items.
        buyers: The launches.
        prior: Lines that the group above is worth.
    """
    window = combinations.window
    everybody = np.arange(len(window.user_ids))
    asked = replace(window, new=buyers.items)
    expected = group_shares(asked, groups_of(features), everybody, prior)[-1].T
    place = pd.Index(combinations.makers).get_indexer(
        features.values(Columns.MANUFACTURER)[window.old]
    )
    has = np.flatnonzero(place >= 0)
    shape = (len(window.old), len(combinations.makers))
    of = sparse.coo_matrix((np.ones(len(has)), (has, place[has])), shape=shape).tocsr()
    lines = (window.counts @ of)[:, buyers.launched[:, 1]].toarray().T
    total = np.asarray(window.counts.sum(axis=1)).ravel()
    usual = np.asarray((window.counts @ of).sum(axis=0)).ravel() / max(total.sum(), 1.0)
    maker = (lines + prior * usual[buyers.launched[:, 1], None]) / (total + prior)
    expected = expected * total
    return {
        LINES: np.tile(total, (len(buyers.items), 1)),
        EXPECTED: expected,
        WITH_MAKER: expected * maker,
    }


def imagined_audience(
    combinations: Combinations,
    features: ItemFeatures,
    buyers: Buyers,
    imagination: Imagination,
    params: ImaginedParams,
    training: IdeasTrainingConfig,
    prior: float,
    seed: int,
) -> np.ndarray:
    """(n, n_users) how often the combination is imagined for a household in its category.

    Times the lines of the category that are expected of the household; the mean over draws of the
    noise.

    Args:
        combinations: Of the window.
        features: Of all items.
        buyers: The launches.
        imagination: The generator.
        params: Draws.
        training: Holds the units of noise.
        prior: Lines that the group above is worth in shares.
        seed: Of the draws.
    """
    window, attributes, parts = combinations.window, imagination.attributes, imagination.parts
    everybody = np.arange(len(window.user_ids))
    asked = replace(window, new=buyers.items)
    level = LEVELS.index(Columns.CATEGORY)
    shares = group_shares(asked, groups_of(features), everybody, prior)[level].T
    categories = imagination.purchases.categories[buyers.items]
    columns = [
        attributes.starts[attributes.names.index(name)] + codes[buyers.launched[:, side]]
        for side, (name, codes) in enumerate(
            zip((Columns.TYPE, Columns.MANUFACTURER), parts.codes, strict=True)
        )
    ]
    found = np.zeros(shares.shape)
    for category in np.unique(categories):
        rows = np.flatnonzero(categories == category)
        # The same noise for all, so that households of a category differ by what they are.
        for draw in range(params.audience_draws):
            rng = np.random.default_rng([seed, 7, draw])
            chances = chances_of(
                imagination, training, everybody, np.full(len(everybody), category), rng
            )
            both = chances[:, columns[0][rows]] * chances[:, columns[1][rows]]
            found[rows] += both.T / params.audience_draws
    return found * shares * np.asarray(window.counts.sum(axis=1)).ravel()


def area_under(scores: np.ndarray, bought: np.ndarray) -> np.ndarray:
    """(n,) AUC of each row: how often a buyer stands above another household; ties count half.

    Args:
        scores: (n, n_users).
        bought: (n, n_users) bool; in each row some are and some are not.
    """
    from scipy import stats

    ranks = stats.rankdata(scores, axis=1)
    buyers = bought.sum(axis=1)
    others = bought.shape[1] - buyers
    return np.asarray(
        ((ranks * bought).sum(axis=1) - buyers * (buyers + 1) / 2) / (buyers * others)
    )


def measure_audiences(
    cut: float, audiences: Mapping[str, np.ndarray], buyers: Buyers, params: ExperimentParams
) -> pd.DataFrame:
    """What each audience is worth, and its difference from that of who buys most.

    Args:
        cut: Share of the lines before the window.
        audiences: (n, n_users) scores by name.
        buyers: The launches.
        params: Resamples, seed.

    Returns:
        One row per audience: ``cut``, ``audience``, ``auc``, ``difference`` from that with
        ``low``, ``high`` and ``p_value``, and ``launches``; nothing without a launch.
    """
    if not len(buyers.launched):
        return pd.DataFrame(columns=AUDIENCES)
    return pd.DataFrame(list(_measured(cut, audiences, buyers, params)), columns=AUDIENCES)


AUDIENCES: Final = [
    "cut", "audience", "auc", "difference", "low", "high", "p_value", "launches",
]  # fmt: skip


def _measured(
    cut: float, audiences: Mapping[str, np.ndarray], buyers: Buyers, params: ExperimentParams
) -> Iterator[tuple[object, ...]]:
    worth = {name: area_under(scores, buyers.bought) for name, scores in audiences.items()}
    for name, own in worth.items():
        found = paired_bootstrap(
            own,
            worth[LINES],
            rng=np.random.default_rng(params.seed),
            n_resamples=params.n_bootstrap,
            clusters=buyers.launched[:, 1],
        )
        told = (found.difference, found.low, found.high, found.p_value)
        yield (cut, name, found.value, *(told if name != LINES else (np.nan,) * 4), len(own))
