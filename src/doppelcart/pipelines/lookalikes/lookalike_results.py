"""What the experiment found: each arm's detector as validation chose it, and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from doppelcart.experiment.resampling import paired_bootstrap
from doppelcart.pipelines.lookalikes.lookalike_trials import (
    AUROC,
    CHOICE,
    CHOOSING,
    CRITIC,
    FOUND,
    GAN,
    JUDGED,
    KIND,
    NONE,
    OPINION,
    OWN,
    SIBLINGS,
    UNIT,
)
from doppelcart.pipelines.lookalikes.params import DetectorParams
from doppelcart.pipelines.lookalikes.photo_detectors import COLOUR, FAMILIES, SIGHTS, Choice
from doppelcart.pipelines.lookalikes.product_tasks import Task


def chosen_of(tried: pd.DataFrame) -> dict[str, Choice]:
    """Each arm's detector: the one that tells siblings best in validation, over all products.

    An arm may choose not to use what it is given, and is then what there is without it.

    Args:
        tried: As from ``try_all``.
    """
    return {
        arm: OPINION if arm == CRITIC else _best(tried, [NONE, arm])
        for arm in tried["arm"].unique().tolist()
    }


def _best(tried: pd.DataFrame, arms: list[str]) -> Choice:
    """The first of the best in validation; what adds nothing comes first."""
    seen = tried[(tried[KIND] == CHOOSING) & tried["arm"].isin(arms)]
    means: Any = seen.groupby(CHOICE, sort=False)[AUROC].mean()
    family, sight, strength, share = means.index[int(np.argmax(means.to_numpy()))]
    return Choice(family, sight, float(strength), float(share))


def of_choice(tried: pd.DataFrame, arm: str, choice: Choice) -> pd.DataFrame:
    """Rows of an arm's detector.

    Args:
        tried: As from ``try_all``.
        arm: The arm.
        choice: Its detector.
    """
    source = arm if choice.share else NONE
    is_it = tried["arm"] == source
    for column, value in choice._asdict().items():
        is_it &= tried[column] == value
    return tried[is_it].assign(arm=arm)


def scores_of(tried: pd.DataFrame, chosen: Mapping[str, Choice]) -> pd.DataFrame:
    """One score per (kind, arm, product).

    Args:
        tried: As from ``try_all``.
        chosen: Each arm's detector.
    """
    rows = pd.concat([of_choice(tried, arm, choice) for arm, choice in chosen.items()])
    rows = rows[rows[KIND].isin(JUDGED)]
    scores = rows[[KIND, "arm", UNIT, AUROC, "share"]]
    return scores.rename(columns={AUROC: "value", "share": "level"}).reset_index(drop=True)


def summary(tried: pd.DataFrame, chosen: Mapping[str, Choice]) -> pd.DataFrame:
    """Means over products, per kind of judgement and arm.

    Args:
        tried: As from ``try_all``.
        chosen: Each arm's detector.

    Returns:
        ``judged``, ``arm``, ``auroc``, ``found``, ``used`` (AUROC if the arm had to use what it is
        given), ``products``, ``detector``, ``strength``, ``share``, ``validation`` (AUROC by which
        it was chosen).
    """
    found = []
    for arm, choice in chosen.items():
        rows = of_choice(tried, arm, choice)
        used = rows if choice.share or arm == NONE else of_choice(tried, arm, _best(tried, [arm]))
        validation = rows.loc[rows[KIND] == CHOOSING, AUROC].mean()
        for kind in (*JUDGED, OWN):
            own = rows[rows[KIND] == kind]
            # Whoever never saw the generator's pictures is judged on none of its own.
            if own.empty or (kind == OWN and arm not in (GAN, CRITIC)):
                continue
            found.append(
                {
                    KIND: kind,
                    "arm": arm,
                    AUROC: own[AUROC].mean(),
                    FOUND: own[FOUND].mean(),
                    "used": used.loc[used[KIND] == kind, AUROC].mean(),
                    "products": len(own),
                    "detector": choice.said,
                    "strength": choice.strength,
                    "share": choice.share,
                    "validation": validation,
                }
            )
    order = {kind: place for place, kind in enumerate((*JUDGED, OWN))}
    table = pd.DataFrame(found)
    return table.sort_values(KIND, key=lambda kinds: kinds.map(order), kind="stable")


def plain_detectors(tried: pd.DataFrame, params: DetectorParams) -> pd.DataFrame:
    """Detectors without anything added, on siblings, beside the best that sees colours alone.

    Args:
        tried: As from ``try_all``.
        params: Resamples.

    Returns:
        One row per family and sight, each with the penalty that validation chose: ``detector``,
        ``auroc`` with its interval over products (``low``, ``high``), ``found``, ``validation``,
        ``more`` than the best by colours with its interval (``more_low``, ``more_high``),
        ``chosen``, ``products``.
    """
    plain = tried[tried["arm"] == NONE]
    validation: Any = plain[plain[KIND] == CHOOSING].groupby(CHOICE, sort=False)[AUROC].mean()
    judged = plain[plain[KIND] == SIBLINGS].pivot_table(
        index=UNIT, columns=CHOICE, values=[AUROC, FOUND]
    )
    best: dict[tuple[str, str], tuple[Any, ...]] = {}
    for key, value in validation.items():
        place = key[:2]
        if place not in best or value > validation[best[place]]:
            best[place] = key
    by_colour = max(
        (key for place, key in best.items() if place[1] == COLOUR), key=lambda key: validation[key]
    )
    overall = max(best.values(), key=lambda key: validation[key])
    base = judged[(AUROC, *by_colour)].to_numpy()
    rng = np.random.default_rng(params.seed)
    rows = []
    for key in best.values():
        own = judged[(AUROC, *key)].to_numpy()
        means = own[rng.integers(0, len(own), (params.n_bootstrap, len(own)))].mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975]).tolist()
        more = paired_bootstrap(own, base, rng=rng, n_resamples=params.n_bootstrap)
        rows.append(
            {
                "detector": Choice(*key).said,
                AUROC: own.mean(),
                "low": low,
                "high": high,
                FOUND: judged[(FOUND, *key)].mean(),
                "validation": validation[key],
                "more": more.difference,
                "more_low": more.low,
                "more_high": more.high,
                "chosen": key == overall,
                "products": len(own),
            }
        )
    places = [(family, sight) for family in FAMILIES for sight in ("", *SIGHTS)]
    order = {Choice(*place, 0.0, 0.0).said: n for n, place in enumerate(places)}
    return pd.DataFrame(rows).sort_values("detector", key=lambda said: said.map(order))


def by_product(tried: pd.DataFrame, choice: Choice, tasks: Sequence[Task]) -> pd.DataFrame:
    """How well each product is told from its siblings, where nothing is added.

    Args:
        tried: As from ``try_all``.
        choice: The detector.
        tasks: Products.

    Returns:
        ``product``, ``group``, ``auroc``, ``found``, ``learnt`` (photographs to learn from),
        ``genuine``, ``siblings`` (judged); the hardest first.
    """
    rows = of_choice(tried, NONE, choice)
    rows = rows[rows[KIND] == SIBLINGS].set_index(UNIT)
    found = pd.DataFrame(
        {
            "product": task.product,
            "group": task.group,
            AUROC: rows.loc[task.product, AUROC],
            FOUND: rows.loc[task.product, FOUND],
            "learnt": len(task.genuine),
            "genuine": len(task.judged[0]),
            "siblings": len(task.judged[1]),
        }
        for task in tasks
    )
    return found.sort_values(AUROC, kind="stable").reset_index(drop=True)
