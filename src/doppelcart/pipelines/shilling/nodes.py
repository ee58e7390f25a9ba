"""Nodes of the shilling pipeline."""

from __future__ import annotations

import logging
from typing import Any, Final

import ibis.expr.types as ir
import pandas as pd

from doppelcart.columns import Tables
from doppelcart.experiment.comparison import check_resamples
from doppelcart.experiment.design import Design, largest_family
from doppelcart.models.histories.hyperparameters import (
    FactorisingConfig,
    NetworkConfig,
    TrainingConfig,
)
from doppelcart.pipelines.shilling import attack_results as results
from doppelcart.pipelines.shilling import attack_trials as trials
from doppelcart.pipelines.shilling.attack_design import SIZE, declare
from doppelcart.pipelines.shilling.cards import describe_detector
from doppelcart.pipelines.shilling.generated import trained_on
from doppelcart.pipelines.shilling.params import (
    AttackParams,
    GeneratorParams,
    ListParams,
    RatingParams,
    RatingSource,
)
from doppelcart.pipelines.shilling.rating_matrix import Ratings, read_ratings
from doppelcart.pipelines.shilling.suspects import listed_users
from doppelcart.reading.declared_table import naming_files, real
from doppelcart.reporting.model_card import as_page

RATINGS: Final = Tables.RATINGS
"""Where a person declares the table in globals.yml."""

log = logging.getLogger(__name__)


def read_opinions(
    raw_tables: dict[str, ir.Table], source: RatingSource, params: RatingParams
) -> tuple[Ratings, pd.DataFrame]:
    """Read who rated, or bought, what.

    Args:
        raw_tables: The files' tables by file name.
        source: The declaration.
        params: How much is used, and what is tolerated.

    Returns:
        Users by items, and what was counted on the way.

    Raises:
        InputError: The expressions do not fit the files, or nothing can be learnt.
    """
    table = real(raw_tables, source, RATINGS)
    with naming_files(source, RATINGS):
        ratings, counts = read_ratings(table, source.scale, params)
    what = "purchases" if ratings.is_implicit else "ratings"
    log.info("%s: %s of %d users, %d items.", source.name, what, ratings.n_users, ratings.n_items)
    return ratings, counts


def measure_attacks(
    ratings: Ratings,
    params: AttackParams,
    making: GeneratorParams,
    network: NetworkConfig,
    training: TrainingConfig,
    ganmf: FactorisingConfig,
) -> tuple[
    pd.DataFrame, dict[str, Any], pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame,
    pd.DataFrame,
]:  # fmt: skip
    """Make attacks up, and see which detectors find them.

    Args:
        ratings: Users by items.
        params: Attacks.
        making: Whether generators of profiles are trained.
        network: Sizes of the generator.
        training: How it is trained.
        ganmf: How another family, which is for judging only, is trained.

    Returns:
        Scores and design of the experiment; attacks, harm, what is lost by false alarms, suspects
        of every draw, and how like real histories the generated ones are.
    """
    design = declare(params.n_bootstrap, making.generate_fakes)
    groups = [best.group for best in design.best]
    family = largest_family(design, groups, [""])
    check_resamples(family, design.n_resamples, design.alpha, design.name)
    generate = (
        trained_on(network, training, ganmf) if making.generate_fakes else trials.generate_nothing
    )
    found = trials.measure(ratings, params, generate)
    return results.scores_of(found.attacks, design), design.model_dump(mode="json"), *found


def summarise_attacks(attacks: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means over attacks, per kind and arm, and the same by size of the attack.

    Args:
        attacks: One row per kind, arm and attack.
    """
    return results.summary(attacks), results.summary(attacks, SIZE)


def list_suspects(suspects: pd.DataFrame, params: ListParams) -> pd.DataFrame:
    """The users that look most like a fake profile, for a person to look at.

    Args:
        suspects: One row per user and draw.
        params: Whether they are flagged.
    """
    return listed_users(suspects, params)


def write_card(
    means: pd.DataFrame,
    verdict: pd.DataFrame,
    declared_design: dict[str, Any],
    source: RatingSource,
    attacks: AttackParams,
) -> tuple[dict[str, Any], str]:
    """Write the detector's card.

    Args:
        means: One row per kind and arm.
        verdict: As from the experiment.
        declared_design: The design.
        source: The data.
        attacks: What was tried.

    Returns:
        The card as JSON and as one page.
    """
    design = Design.model_validate(declared_design)
    said = describe_detector(means, verdict, design, source, attacks)
    return said, as_page(said)
