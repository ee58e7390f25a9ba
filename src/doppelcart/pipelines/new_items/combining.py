"""What is made of several systems: weighted sums with the ridge, and boosted trees over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.shares import group_shares
from doppelcart.pipelines.new_items.design import RIDGE
from doppelcart.pipelines.new_items.systems import Bench, Config, Lists, told

BLENDED: Final = ("popularity", "demand", "shares", "neighbours", "clicks", RIDGE)
"""What the boosted trees see."""


class Combined(NamedTuple):
    """What came of the systems of a cut.

    Attributes:
        lists: All systems, those that are made of several among them.
        levels: The weight that was added to the ridge, by ``arm``.
        tried: All candidates, with what they were worth before the cut.
    """

    lists: Lists
    levels: pd.DataFrame
    tried: pd.DataFrame


def combine(
    benches: Sequence[Bench],
    parts: Sequence[dict[str, np.ndarray]],
    sums: Mapping[str, Sequence[Config]],
    prior: float,
    k: int,
    seed: int,
) -> Combined:
    """Choose weights on the window before the cut, learn trees from it, and score the one after.

    Args:
        benches: Of the tuning and of the tested window.
        parts: Scores by system, likewise.
        sums: As from ``sums_to_try``.
        prior: Lines that a group above is worth in the shares that the trees see.
        k: Length of the lists.
        seed: Of the trees.
    """
    both, levels, tables = list(parts), [], []
    for name, candidates in sums.items():
        chosen, values = choose_weights(benches[0], both[0], candidates, k)
        both = [own | {name: weighted_sum(own, chosen)} for own in both]
        levels.append({"arm": name, "level": added(chosen)})
        configs = [told(config) for config in candidates]
        tables.append(pd.DataFrame({"system": name, "config": configs, "ndcg": values}))
    before, after = (
        pair_table(bench, own, prior) for bench, own in zip(benches, both, strict=True)
    )
    scores = boosted(before, benches[0].bought, after, seed).reshape(both[1][RIDGE].shape)
    lists = Lists(both[0], both[1] | {"boosted": scores})
    return Combined(lists, pd.DataFrame(levels), pd.concat(tables, ignore_index=True))


def added(weights: Config) -> float:
    """All that is added to the ridge: the sum of the other weights."""
    return float(sum(weight for name, weight in weights.items() if name != RIDGE))


def sums_to_try(
    weights: Sequence[float], alone: Mapping[str, Sequence[float]]
) -> dict[str, list[Config]]:
    """Weights of what is added to the ridge, by the name of the sum.

    Args:
        weights: Of plain systems.
        alone: Weights of others, each of which is added alone, by system.
    """
    both: list[Config] = [
        {RIDGE: 1.0, "neighbours": one, "shares": other} for one in weights for other in weights
    ]
    by_name = {"demand": weights, **alone}
    return {
        "sum": both,
        **{
            f"ridge_and_{name}": [{RIDGE: 1.0, name: weight} for weight in own]
            for name, own in by_name.items()
        },
    }


def standardised(scores: np.ndarray) -> np.ndarray:
    """Each user's scores with mean 0 and deviation 1; zeros where they do not vary."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    deviation = centred.std(axis=1, keepdims=True)
    return np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 1e-12)


def weighted_sum(parts: Mapping[str, np.ndarray], weights: Config) -> np.ndarray:
    """(n_judged, n_new) sum of standardised scores, each times its weight."""
    total = sum(weight * standardised(parts[name]) for name, weight in weights.items())
    return np.asarray(total, dtype=np.float32)


def choose_weights(
    bench: Bench, parts: Mapping[str, np.ndarray], candidates: Sequence[Config], k: int
) -> tuple[Config, list[float]]:
    """The weights of a sum that rank best in a window before the one that is tested.

    Args:
        bench: That window.
        parts: Scores by system.
        candidates: Weights by system to try; of equally good ones the first is taken.
        k: Length of the lists.

    Returns:
        The weights, and the NDCG of every candidate.
    """
    values = [
        float(np.nanmean(bench.quality(weighted_sum(parts, weights), k))) for weights in candidates
    ]
    return candidates[int(np.argmax(values))], values


def pair_table(bench: Bench, parts: Mapping[str, np.ndarray], prior: float) -> np.ndarray:
    """(n_judged * n_new, n_inputs) float32 of what systems say of every user and new item.

    Args:
        bench: The window.
        parts: Scores by system.
        prior: Lines that a group above is worth in the shares.
    """
    shares = group_shares(bench.window, bench.groups, bench.users, prior)
    columns = [*shares, *(parts[name] for name in BLENDED)]
    return np.column_stack([np.asarray(scores, np.float32).ravel() for scores in columns])


def boosted(
    pairs: np.ndarray, bought: sparse.csr_matrix, others: np.ndarray, seed: int
) -> np.ndarray:
    """(n_others,) chances that users buy new items, learnt from the new items of another window.

    Trees are small and their leaves large: new items are few, and a tree that tells one from
    another learns by heart how well it sold.

    Args:
        pairs: (n_pairs, n_inputs) as from ``pair_table``, of the window to learn from.
        bought: (n_judged, n_new) what was bought in it.
        others: (n_others, n_inputs) of the window to be ranked.
        seed: Of the model.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.05,
        max_leaf_nodes=7,
        min_samples_leaf=1_000,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    ).fit(pairs, bought.toarray().ravel() > 0)
    return np.asarray(model.predict_proba(others)[:, 1], dtype=np.float32)
