"""Nodes of the ideas pipeline."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.catalogue.windows import lines_of
from doppelcart.columns import Columns
from doppelcart.pipelines.ideas import audience, idea_rankings, imagining_ideas
from doppelcart.pipelines.ideas.combinations import Combinations, Cut, combine_all
from doppelcart.pipelines.ideas.combinations import open_cuts as cuts_of
from doppelcart.pipelines.ideas.design import CUT, LAUNCH, PLAIN, beside, declare
from doppelcart.pipelines.ideas.idea_rankings import Places, Tuned, places_of, worth
from doppelcart.pipelines.ideas.imagining_ideas import RECOMBINED, Trained, log_ranks
from doppelcart.pipelines.ideas.params import (
    ExperimentParams,
    IdeasTrainingConfig,
    ImaginedParams,
    RankingsParams,
    WindowsParams,
)
from doppelcart.pipelines.ideas.telling import first_ideas, tell_ideas
from doppelcart.progress import tracked

logger = logging.getLogger(__name__)

SHOWN: Final = 20
"""Ideas of before the last cut that are told with what became of them."""


class Plain(NamedTuple):
    """The plain rankings of one cut.

    Attributes:
        tuned: What was chosen before it.
        tuning: (n_kinds, n_makers) scores of the best one in the tuning window.
        judged: Likewise in the judged window.
    """

    tuned: Tuned
    tuning: np.ndarray
    judged: np.ndarray


def gather_lines(prm_interactions: ir.Table, quarantine: ir.Table) -> pd.DataFrame:
    """Put clean lines of items that few bought back beside those of many.

    Args:
        prm_interactions: Clean interactions of items with enough buyers for the core.
        quarantine: What cleaning took, with its rule.

    Returns:
        As from ``windows.lines_of``.
    """
    return lines_of(prm_interactions, quarantine)


def open_cuts(
    lines: pd.DataFrame, features: ItemFeatures, params: WindowsParams
) -> tuple[list[Cut], pd.DataFrame]:
    """Part the log at every cut, and count what was sold before and launched after.

    Args:
        lines: As from ``gather_lines``.
        features: Of all items.
        params: Cuts, and the width of windows.

    Returns:
        The cuts; and one row each with its sizes.

    Raises:
        InputError: Items have no type or manufacturer, or no cut can be judged.
    """
    cuts = cuts_of(lines, features, params)
    return cuts, pd.DataFrame([_sizes(cut) for cut in cuts])


def _sizes(cut: Cut) -> dict[str, Any]:
    own = cut.judged
    return {
        CUT: cut.cut,
        "opens": own.window.opens.date().isoformat(),
        "types": own.shape[0],
        "manufacturers": own.shape[1],
        "ideas": int(own.unseen.sum()),
        "launched_items": len(own.window.launched),
        "launched_combinations": len(own.launched),
        "with_an_unknown_part": own.unknown,
    }


def rank_plainly(
    cuts: list[Cut], params: RankingsParams, experiment: ExperimentParams
) -> tuple[dict[float, Plain], pd.DataFrame, pd.DataFrame]:
    """Tune every plain ranking before each cut, and rank the ideas after it.

    Args:
        cuts: As from ``open_cuts``.
        params: What to choose from.
        experiment: Ideas looked at, seed.

    Returns:
        The best plain ranking by cut; what every ranking is worth after it; and all that was
        tried before.
    """
    found, told, tried = {}, [], []
    k, seed = experiment.judged_length, experiment.seed
    for cut in tracked(cuts, "ranking ideas", "window"):
        tuned = idea_rankings.tune(cut.tuning, cut.earlier, params, k, seed)
        best = {tuned.best: tuned.configs[tuned.best]}
        ((_, before),) = idea_rankings.rank(cut.tuning, cut.earlier, params, best, seed)
        judged = np.empty(0)
        for name, scores in idea_rankings.rank(cut.judged, cut.tuning, params, tuned.configs, seed):
            judged = scores if name == tuned.best else judged
            told.append(
                {CUT: cut.cut, "ranking": name, "config": idea_rankings.told(tuned.configs[name])}
                | {"best_before": name == tuned.best}
                | worth(places_of(scores, cut.judged), cut.judged, experiment.list_lengths)
                | {"launches": len(cut.judged.launched)}
            )
        found[cut.cut] = Plain(tuned, before, judged)
        tried.append(tuned.tried.assign(**{CUT: cut.cut}))
    return found, pd.DataFrame(told), pd.concat(tried, ignore_index=True)


def imagine_ideas(
    cuts: list[Cut],
    features: ItemFeatures,
    plain: dict[float, Plain],
    params: ImaginedParams,
    training: IdeasTrainingConfig,
    experiment: ExperimentParams,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Rank ideas by what generators imagine, alone and beside the best plain ranking.

    Args:
        cuts: As from ``open_cuts``.
        features: Of all items.
        plain: As from ``rank_plainly``.
        params: What generators learn from, and how they are asked.
        training: How the one on trial is trained.
        experiment: Ideas looked at, seed.

    Returns:
        One row per (cut, arm, launch) with its ``place``, how many ideas are ``tied`` there, and
        the arm's ``level``; what the predicted audiences are worth; all weights that were tried;
        and a log of every training.
    """
    trained: dict[pd.Timestamp, Trained] = {}
    for own in (own for cut in cuts for own in (cut.tuning, cut.judged)):
        if own.window.opens not in trained:
            trained[own.window.opens] = imagining_ideas.train_all(
                own, features, params, training, experiment.seed
            )
    places, audiences, tried = [], [], []
    for cut in cuts:
        before, after = (trained[own.window.opens] for own in (cut.tuning, cut.judged))
        scores = {
            own: dict(_scores(window, features, of.imaginations, params, training, experiment))
            for own, window, of in (
                ("tuning", cut.tuning, before),
                ("judged", cut.judged, after),
            )
        }
        beside_plain = [log_ranks(own) for own in (plain[cut.cut].tuning, plain[cut.cut].judged)]
        for arm, judged in scores["judged"].items():
            own_ranks = [log_ranks(own) for own in (scores["tuning"][arm], judged)]
            weight, rows = imagining_ideas.choose_weight(
                cut.tuning, beside_plain[0], own_ranks[0], params, experiment.judged_length
            )
            tried += [{CUT: cut.cut, "system": beside(arm)} | row for row in rows]
            both = beside_plain[1] + np.float32(weight) * own_ranks[1]
            places.append(_placed(cut, arm, judged, np.nan))
            places.append(_placed(cut, beside(arm), both, weight))
        audiences.append(_audiences(cut, features, after, params, training, experiment))
    log = pd.concat(
        [own.log.assign(opens=opens.date().isoformat()) for opens, own in trained.items()]
    )
    return (
        pd.concat(places, ignore_index=True),
        pd.concat(audiences, ignore_index=True),
        pd.DataFrame(tried),
        log.reset_index(drop=True),
    )


def _scores(
    combinations: Combinations,
    features: ItemFeatures,
    imaginations: dict[str, imagining_ideas.Imagination],
    params: ImaginedParams,
    training: IdeasTrainingConfig,
    experiment: ExperimentParams,
) -> Iterator[tuple[str, np.ndarray]]:
    """Scores by arm: what is imagined, and what is recombined."""
    yield RECOMBINED, imagining_ideas.recombined(combinations, features)
    for arm, imagination in imaginations.items():
        yield arm, imagining_ideas.wanted(imagination, training, params.draws, experiment.seed)


def _placed(cut: Cut, arm: str, scores: np.ndarray, level: float) -> pd.DataFrame:
    own = cut.judged
    places = places_of(scores, own)
    return pd.DataFrame(
        {
            CUT: cut.cut,
            "arm": arm,
            "kind": own.launched[:, 0],
            "maker": own.launched[:, 1],
            "place": places.rank,
            "tied": places.tied,
            "level": level,
        }
    )


def _audiences(
    cut: Cut,
    features: ItemFeatures,
    trained: Trained,
    params: ImaginedParams,
    training: IdeasTrainingConfig,
    experiment: ExperimentParams,
) -> pd.DataFrame:
    own, prior = cut.judged, experiment.share_prior
    buyers = audience.buyers_of(own, features, experiment.min_buyers)
    if not len(buyers.launched):
        return audience.measure_audiences(cut.cut, {}, buyers, experiment)
    found = audience.plain_audiences(own, features, buyers, prior)
    for arm, imagination in trained.imaginations.items():
        found[arm] = audience.imagined_audience(
            own, features, buyers, imagination, params, training, prior, experiment.seed
        )
    return audience.measure_audiences(cut.cut, found, buyers, experiment)


def measure_rankings(
    cuts: list[Cut],
    features: ItemFeatures,
    plain: dict[float, Plain],
    places: pd.DataFrame,
    params: ExperimentParams,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Say of every launch and arm whether it was among the first ideas, and declare the comparison.

    Args:
        cuts: As from ``open_cuts``.
        features: Of all items.
        plain: As from ``rank_plainly``.
        places: As from ``imagine_ideas``.
        params: Ideas looked at, and how rankings are compared.

    Returns:
        One row per (cut, arm, launch): its ``place``, ``value`` 1 where it is among the first
        ideas (of ideas that tie there, the share that fits), the share of other ideas that it
        stands ``above``; and the design, ready for JSON.
    """
    rows = [places]
    for cut in cuts:
        judged = plain[cut.cut].judged
        rng = np.random.default_rng(params.seed)
        rows += [
            _placed(cut, PLAIN, judged, np.nan),
            _placed(cut, "random", rng.random(cut.judged.shape, dtype=np.float32), np.nan),
            _placed(cut, "oracle", foreseen(cut.judged, judged), np.nan),
        ]
    scores = pd.concat(rows, ignore_index=True)
    parts = [_named(scores[scores[CUT] == cut.cut], cut.judged, features) for cut in cuts]
    named = pd.concat(parts, ignore_index=True)
    found = Places(named["place"].to_numpy(), named["tied"].to_numpy())
    named["value"] = idea_rankings.hits(found, params.judged_length)
    named[CUT] = named[CUT].map("{:g}".format)
    design = declare(params, [cut.cut for cut in cuts])
    return named.drop(columns=["kind", "maker", "tied"]), design.model_dump(mode="json")


def _named(own: pd.DataFrame, combinations: Combinations, features: ItemFeatures) -> pd.DataFrame:
    kind = features.columns[combinations.kinds[own["kind"]]]
    maker = features.columns[combinations.makers[own["maker"]]]
    n_ideas = int(combinations.unseen.sum())
    return own.assign(
        **{LAUNCH: [f"{k} by {m}" for k, m in zip(kind, maker, strict=True)]},
        **{Columns.MANUFACTURER: maker},
        above=idea_rankings.above_ideas(own["place"].to_numpy(), n_ideas),
    )


def foreseen(combinations: Combinations, scores: np.ndarray) -> np.ndarray:
    """(n_kinds, n_makers) float32: the scores of kinds and makers of the window's new combinations.

    Which these are nobody knows; all others stand below.

    Args:
        combinations: Of the judged window.
        scores: Of the best plain ranking.
    """
    launching = [
        np.isin(np.arange(n), combinations.launched[:, side])
        for side, n in enumerate(combinations.shape)
    ]
    return np.where(launching[0][:, None] & launching[1], scores, scores.min() - 1.0)


def tell(
    lines: pd.DataFrame,
    features: ItemFeatures,
    cuts: list[Cut],
    plain: dict[float, Plain],
    windows: WindowsParams,
    params: RankingsParams,
    experiment: ExperimentParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tell the best plain ranking's ideas for tomorrow, and what became of those of before.

    Args:
        lines: As from ``gather_lines``.
        features: Of all items.
        cuts: As from ``open_cuts``.
        plain: As from ``rank_plainly``; the ranking of the last cut is used.
        windows: What counts as recent.
        params: What the blend is made of.
        experiment: How many ideas, seed.

    Returns:
        As from ``tell_ideas``: ideas at the end of the log; and the first ones of the last cut,
        with whether the combination was ``launched`` after it.
    """
    last = cuts[-1]
    known, now = plain[last.cut], combine_all(lines, features, windows)
    best = {known.tuned.best: known.tuned.configs[known.tuned.best]}
    ((_, scores),) = idea_rankings.rank(now, last.judged, params, best, experiment.seed)
    ideas = tell_ideas(first_ideas(scores, now, experiment.ideas_told), now, features)
    earlier = first_ideas(known.judged, last.judged, SHOWN)
    launched = set(map(tuple, last.judged.launched.tolist()))
    became = tell_ideas(earlier, last.judged, features).assign(
        launched=[tuple(idea) in launched for idea in earlier.tolist()]
    )
    return ideas, became


def list_tried(*tables: pd.DataFrame) -> pd.DataFrame:
    """All configurations and weights that were tried, with what they were worth before the cuts."""
    return pd.concat(tables, ignore_index=True)
