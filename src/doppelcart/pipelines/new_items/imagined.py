"""New items by what a generator imagines that a household would buy, and by what it did buy.

A new item's score is the household's share of its category times how alike it and the imagined
items of that category are. Copies are the control: the items that the household bought stand in
the place of imagined ones, with the same likeness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.catalogue.shares import LEVELS, categories_of, group_shares, household_vectors
from doppelcart.catalogue.windows import Window
from doppelcart.columns import Columns
from doppelcart.metrics.fidelity.floor import with_coverage
from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.models.items.hyperparameters import ItemTrainingConfig
from doppelcart.models.items.item_attributes import ItemAttributes, code_items, likeness
from doppelcart.pipelines.new_items.design import TRIAL
from doppelcart.pipelines.new_items.params import ImaginedParams
from doppelcart.pipelines.new_items.systems import Lists

if TYPE_CHECKING:
    from doppelcart.models.items.imagining import Purchases

COPIES: Final = "copies"
VAE: Final = "vae"
HEADS: Final = (Columns.TYPE, Columns.MANUFACTURER, Columns.BRAND, Columns.SIZE)
CATEGORY_LEVEL: Final = LEVELS.index(Columns.CATEGORY)


@dataclass(frozen=True, eq=False)
class Setting:
    """What imagined items and copies are compared by, in one launch window.

    Args:
        window: The window.
        attributes: Of all items; their codes are made by the old items.
        categories: (n_items,) category of each item among those of old items; -1 for none.
        shares: (n_judged, n_new) share of each new item's category in a household's purchases.
    """

    window: Window
    attributes: ItemAttributes
    categories: np.ndarray
    shares: np.ndarray

    @property
    def n_categories(self) -> int:
        """Number of categories."""
        return int(self.categories.max()) + 1


def setting_of(
    window: Window, features: ItemFeatures, groups: Sequence[np.ndarray], params: ImaginedParams
) -> Setting:
    """Prepare a window; one whose source has no categories is asked for all items alike.

    Args:
        window: The window.
        features: Of all items.
        groups: As from ``groups_of``.
        params: Most values of an attribute, and the back-off of shares.
    """
    values = {name: features.values(name) for name in HEADS if name in features.block_names}
    attributes = code_items(values, window.old, params.largest_head, window.prices)
    shares = group_shares(window, groups, window.judged, params.share_prior)
    return Setting(window, attributes, categories_of(window, features), shares[CATEGORY_LEVEL])


def purchases_of(setting: Setting, units: int) -> Purchases:
    """What a generator learns from: every item that a household bought before the window."""
    from doppelcart.models.items.imagining import Purchases

    history = setting.window.history.tocoo()
    return Purchases(
        household_vectors(setting.window, units),
        setting.categories,
        setting.n_categories,
        history.row.astype(np.int64),
        setting.window.old[history.col],
    )


def imagined_scores(
    setting: Setting,
    purchases: Purchases,
    generator: Any,
    training: ItemTrainingConfig,
    params: ImaginedParams,
) -> list[np.ndarray]:
    """(n_judged, n_new) float32 scores by imagined items, one array per floor.

    Args:
        setting: The window.
        purchases: What the generator learnt from.
        generator: As trained.
        training: How it was.
        params: Draws and floors.
    """
    from doppelcart.models.items.imagining import imagined_likeness

    window = setting.window
    users = window.judged
    liked = np.empty((len(params.floors), len(users), len(window.new)))
    of_new = setting.categories[window.new]
    for category in np.unique(of_new):
        places = np.flatnonzero(of_new == category)
        liked[:, :, places] = imagined_likeness(
            generator,
            purchases,
            setting.attributes,
            users,
            np.full(len(users), category),
            np.tile(window.new[places], (len(users), 1)),
            params.draws,
            params.floors,
            training,
        )
    return [(setting.shares * own).astype(np.float32) for own in liked]


def copied_scores(setting: Setting, params: ImaginedParams) -> list[np.ndarray]:
    """(n_judged, n_new) float32 scores by the household's own items, one array per floor.

    Where it bought nothing of the category, nothing is like the new item.

    Args:
        setting: The window.
        params: Floors.
    """
    window, codes = setting.window, setting.attributes.codes
    history = window.history[window.judged]
    same = setting.categories[window.old][:, None] == setting.categories[window.new][None, :]
    bought = history @ same.astype(np.float32)
    matched = codes[window.old][:, None, :] == codes[window.new][None, :, :]
    found = []
    for floor in params.floors:
        alike = np.where(same, likeness(matched, floor), 0.0).astype(np.float32)
        nothing = np.full_like(bought, floor ** codes.shape[1])
        mean = np.divide(history @ alike, bought, out=nothing, where=bought > 0)
        found.append((setting.shares * mean).astype(np.float32))
    return found


class Ranked(NamedTuple):
    """What generators and copies make of the new items of a cut.

    Attributes:
        lists: Scores by arm, each under the floor that suits it.
        log: Of every training, by ``arm`` and ``window``.
        tried: Every floor of every arm, with what it was worth before the cut.
    """

    lists: Lists
    log: pd.DataFrame
    tried: pd.DataFrame


def rank_launch(
    settings: Sequence[Setting],
    params: ImaginedParams,
    training: ItemTrainingConfig,
    k: int,
    seed: int,
) -> Ranked:
    """Train every kind of generator before every window, and rank its new items by each.

    Args:
        settings: Of the tuning and of the tested window.
        params: How items are compared.
        training: How the generator on trial is trained.
        k: Length of the lists.
        seed: Of the run, added to that of training.
    """
    both, logs = [], []
    for name, setting in zip(("tuning", "test"), settings, strict=True):
        scores, own = rank_window(setting, params, training, seed)
        both.append(scores)
        logs += [log.assign(window=name) for log in own]
    chosen, tried = choose_floors(settings[0].window, both[0], params.floors, k)
    lists = Lists(*({arm: own[arm][floor] for arm, floor in chosen.items()} for own in both))
    return Ranked(lists, pd.concat(logs, ignore_index=True), tried)


def rank_window(
    setting: Setting, params: ImaginedParams, training: ItemTrainingConfig, seed: int
) -> tuple[dict[str, list[np.ndarray]], list[pd.DataFrame]]:
    """Scores of copies and of every kind of generator, one a floor; and the logs of training.

    Args:
        setting: The window.
        params: How items are compared.
        training: How the generator on trial is trained.
        seed: Added to that of training.
    """
    from doppelcart.models.items.imagining import covered_items, train_generator

    scores, logs = {COPIES: copied_scores(setting, params)}, []
    purchases = purchases_of(setting, params.household_units)
    for arm, config in (training.with_controls(TRIAL) | {VAE: training}).items():
        seeded = config.model_copy(update={"seed": config.seed + seed})
        trained = train_generator(purchases, setting.attributes, seeded, arm, arm == VAE)
        scores[arm] = imagined_scores(setting, purchases, trained.generator, seeded, params)
        found = covered_items(trained.generator, purchases, setting.attributes, seeded)
        logs.append(with_coverage(trained.training_log.assign(arm=arm), found))
    return scores, logs


def choose_floors(
    window: Window, scores: dict[str, list[np.ndarray]], floors: Sequence[float], k: int
) -> tuple[dict[str, int], pd.DataFrame]:
    """Which floor suits each arm best in the window before the cut, by its place among them.

    Args:
        window: That window.
        scores: By arm, one (n_judged, n_new) a floor.
        floors: What was tried.
        k: Length of the lists.

    Returns:
        Places by arm; and a table of all that was tried.
    """
    bought = window.bought[window.judged]
    chosen, rows = {}, []
    for arm, tried in scores.items():
        values = [float(np.nanmean(ndcg(top_k(own, None, k), bought, k))) for own in tried]
        chosen[arm] = int(np.argmax(values))
        rows += [
            {"system": arm, "config": f"floor {floor:g}", "ndcg": value}
            for floor, value in zip(floors, values, strict=True)
        ]
    return chosen, pd.DataFrame(rows)
