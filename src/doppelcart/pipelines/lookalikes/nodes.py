"""Nodes of the lookalikes pipeline."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.experiment.comparison import check_resamples
from doppelcart.experiment.design import largest_family
from doppelcart.imaging.photographs import (
    ID,
    NUMBER,
    PRODUCT,
    REASON,
    SPLIT,
    TRAIN,
    Photographs,
    PhotographSource,
    PictureParams,
    ReadPictures,
    listed_in,
    opened,
    read_photographs,
)
from doppelcart.pipelines.lookalikes import lookalike_results as results
from doppelcart.pipelines.lookalikes import lookalike_trials as trials
from doppelcart.pipelines.lookalikes.generated_pictures import painters_of
from doppelcart.pipelines.lookalikes.lookalike_card import describe_detector
from doppelcart.pipelines.lookalikes.params import (
    CounterfeitParams,
    DetectorParams,
    LookalikeListParams,
    LookingParams,
    PainterParams,
)
from doppelcart.pipelines.lookalikes.picture_sorting import listed, sort_pictures
from doppelcart.pipelines.lookalikes.product_tasks import tasks_of
from doppelcart.pipelines.lookalikes.product_views import (
    Lens,
    Seen,
    Views,
    fit_lens,
    see,
    through,
    weights_of,
)
from doppelcart.pipelines.lookalikes.unjudged import unjudged, with_unjudged
from doppelcart.reporting.model_card import as_page

log = logging.getLogger(__name__)


def read_pictures(
    raw_tables: dict[str, ir.Table], source: PhotographSource, params: PictureParams
) -> tuple[Photographs, pd.DataFrame, pd.DataFrame]:
    """Read photographs of products.

    Args:
        raw_tables: The files' tables by file name.
        source: The declaration.
        params: Size, and what is tolerated.

    Returns:
        Those that can be used, those that cannot, and what was counted.

    Raises:
        InputError: The source is not what it should be, or too many pictures are bad.
    """
    found = read_photographs(raw_tables, source, params)
    products = found.photographs.table[PRODUCT].nunique()
    log.info(
        "%s: %d photographs of %d products.", source.name, len(found.photographs.table), products
    )
    return found.photographs, found.quarantine, found.counts


def read_counterfeits(params: CounterfeitParams, reading: PictureParams) -> ReadPictures:
    """Read pictures that are known to be counterfeits.

    Args:
        params: Their folder.
        reading: Size, and what is tolerated.

    Returns:
        The pictures by the product that each was sold as, and those that cannot be used; none
        where there is no folder.

    Raises:
        InputError: There is no such folder, or a picture in it says that it was generated.
    """
    if params.folder is None:
        nothing = np.empty((0, reading.size, reading.size, 3), np.uint8)
        table = pd.DataFrame(columns=[ID, PRODUCT])
        gone = pd.DataFrame(columns=[ID, PRODUCT, REASON, NUMBER])
        return ReadPictures(Photographs(table, nothing), gone, pd.DataFrame())
    folder = Path(params.folder)
    # Of counterfeits, one of a product tells something.
    tolerant = reading.model_copy(update={"least_pictures": 1})
    return opened(listed_in(folder, "counterfeit"), folder, tolerant, str(folder))


def look_at_photographs(photographs: Photographs, params: LookingParams) -> tuple[Lens, Views]:
    """Look at all photographs; coordinates are learnt from those in training.

    Args:
        photographs: All.
        params: How.

    Raises:
        MissingExtraError: The network's weights are not installed.
    """
    seen = see(photographs.pixels, weights_of(params), params)
    is_learnt = (photographs.table[SPLIT] == TRAIN).to_numpy()
    lens = fit_lens(Seen(*(part[is_learnt] for part in seen)), params.components)
    return lens, through(lens, seen)


def measure_lookalikes(
    photographs: Photographs,
    quarantine: pd.DataFrame,
    lens: Lens,
    views: Views,
    counterfeits: ReadPictures,
    params: DetectorParams,
    looking: LookingParams,
    making: PainterParams,
) -> tuple[
    pd.DataFrame, dict[str, Any], pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame,
    pd.DataFrame, pd.DataFrame, pd.DataFrame,
]:  # fmt: skip
    """Try what detectors can be shown, and say something of every test photograph.

    Args:
        photographs: All that can be used.
        quarantine: Those that cannot.
        lens: How features become coordinates.
        views: Of the photographs.
        counterfeits: Pictures known to be counterfeits, if any, and those of them that cannot be
            used.
        params: Grid.
        looking: How made pictures are looked at.
        making: Whether pictures are generated, and how.

    Returns:
        Scores and design of the experiment; means per kind of judgement and arm; detectors
        without anything added; one row per product; rates, false alarms and ranks of what is
        said; and products whose photographs, or counterfeits, cannot be judged.

    Raises:
        InputError: Nothing can be judged.
    """
    tasks = tasks_of(photographs.table, params)
    weights = weights_of(looking)
    known = {
        str(product): counterfeits.photographs.pixels[rows.to_numpy()]
        for product, rows in counterfeits.photographs.table.reset_index().groupby(PRODUCT)["index"]
    }
    judged = {task.product for task in tasks.judged}
    unable = unjudged(photographs.table, quarantine, tasks, counterfeits, params)
    for row in unable.to_dict("records"):
        log.warning("Cannot judge %s of %s: %s.", row["what"], row["product"], row["why"])
    design = trials.declare(
        params.n_bootstrap, making.generate_fakes, counterfeits=bool(judged & set(known))
    )
    family = largest_family(design, [best.group for best in design.best], [""])
    check_resamples(family, design.n_resamples, design.alpha, design.name)
    pool, prepared = trials.prepare(
        photographs,
        views,
        tasks.judged,
        params,
        lambda pixels: through(lens, see(pixels, weights, looking)),
        painters_of(photographs, making, weights) if making.generate_fakes else {},
        known,
    )
    tried, said = trials.try_all(prepared, pool.views, params)
    chosen = results.chosen_of(tried)
    best = chosen[trials.NONE]
    told = sort_pictures(photographs.table, tasks, said, best, pool, params)
    return (
        results.scores_of(tried, chosen),
        design.model_dump(mode="json"),
        results.summary(tried, chosen),
        results.plain_detectors(tried, params),
        results.by_product(tried, best, tasks.judged),
        told.rates,
        told.alarms,
        with_unjudged(told.ranks, unable, quarantine, counterfeits),
        unable,
    )


def list_photographs(ranks: pd.DataFrame, params: LookalikeListParams) -> pd.DataFrame:
    """The photographs that look least like what they are sold as, for a person to look at.

    Args:
        ranks: One row per test photograph.
        params: Whether they are flagged.
    """
    return listed(ranks, params)


def write_lookalike_card(
    means: pd.DataFrame, rates: pd.DataFrame, verdict: pd.DataFrame, source: PhotographSource
) -> tuple[dict[str, Any], str]:
    """Write the detector's card.

    Args:
        means: One row per kind of judgement and arm.
        rates: One row per kind of picture.
        verdict: As from the experiment.
        source: The data.

    Returns:
        The card as JSON and as one page.
    """
    said = describe_detector(means, rates, verdict, source)
    return said, as_page(said)
