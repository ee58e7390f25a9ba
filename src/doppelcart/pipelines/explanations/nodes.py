"""Nodes of the explanations pipeline."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.models.histories.generation import check_items, profile_rows
from doppelcart.models.histories.slopes import Completion
from doppelcart.pipelines.explanations import telling_why
from doppelcart.pipelines.explanations.design import (
    ARMS,
    COMPLETING,
    COSINE,
    MARGIN,
    MULTVAE,
    TRIAL,
    declare,
    groups_of,
    scored,
)
from doppelcart.pipelines.explanations.params import (
    ExperimentParams,
    SampleParams,
    SlopesParams,
    WordsParams,
)
from doppelcart.pipelines.explanations.trying import Shop, cases_of, tried_of, try_slice
from doppelcart.recommendation.arms import NONE
from doppelcart.recommendation.attribution import Completing, Explained, Linear, MultVAE, Where
from doppelcart.recommenders import RECOMMENDERS
from doppelcart.recommenders.multvae_network import MultVAEConfig
from doppelcart.serving.contest import Entrant

logger = logging.getLogger(__name__)

# What slopes name comes before what is made of it.
ORDERS: Final = tuple(arm.name for arm in ARMS)
SUMS_ORDERS: Final = (TRIAL, MARGIN, COSINE, "random", "popular", "recent")


def train_explained_network(
    train_histories: Histories, network: MultVAEConfig, params: SampleParams
) -> list[np.ndarray]:
    """Train the Mult-VAE that is explained.

    Args:
        train_histories: Real training users.
        network: Its sizes and training.
        params: Seed.

    Returns:
        As ``recommenders.multvae_network.logits`` takes them.
    """
    from doppelcart.recommenders.multvae_training import train

    return train(train_histories.matrix, network, params.seed)


def choose_slopes(
    network_weights: list[np.ndarray],
    train_histories: Histories,
    validation_cases: Mapping[str, Case],
    demographics_matrix: pd.DataFrame,
    sample: SampleParams,
    slopes: SlopesParams,
    **generators: Any,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Choose for every network where slopes are taken, by the deletions that validation needs.

    Args:
        network_weights: Of the Mult-VAE.
        train_histories: Real training users.
        validation_cases: Customers by slice.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        sample: Whose recommendations are tried.
        slopes: What is chosen from.
        **generators: Trained generators by name.

    Returns:
        By network what was chosen, ready for JSON; and one row per choice, with the mean number of
        deletions that it takes.

    Raises:
        InputError: No slice has a customer of whom anything is known.
    """
    cases = _cases(validation_cases, sample, "validation")
    shop = Shop.of(train_histories)
    choices = [(where, contrast) for where in slopes.where for contrast in slopes.contrast]
    chosen, tables = {}, []
    for name in (MULTVAE, *generators):
        tried: list[dict[str, Any]] = []
        for where, contrast in choices:
            explained = _network(name, where, network_weights, generators, train_histories, sample)
            parts = [
                try_slice(
                    explained,
                    case,
                    shop,
                    _profiles(name, case, demographics_matrix),
                    name=name,
                    contrast=contrast,
                    arms=(TRIAL,),
                    households=sample.chosen_by,
                    params=sample,
                )
                for case in cases.values()
            ]
            sizes = pd.concat([part.deletions for part in parts])["set_size"]
            tried.append(
                {
                    Columns.RECOMMENDER: name,
                    "where": where,
                    "contrast": contrast,
                    "set_size": sizes.mean(),
                    "recommendations": len(sizes),
                }
            )
        best = min(tried, key=lambda row: row["set_size"])
        chosen[name] = {"where": best["where"], "contrast": best["contrast"]}
        tables.append(pd.DataFrame(tried))
    return chosen, pd.concat(tables, ignore_index=True)


def delete_from_networks(
    network_weights: list[np.ndarray],
    chosen_slopes: dict[str, Any],
    train_histories: Histories,
    test_cases: Mapping[str, Case],
    demographics_matrix: pd.DataFrame,
    sample: SampleParams,
    **generators: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Delete the purchases of tested customers in the order of every arm.

    Args:
        network_weights: Of the Mult-VAE.
        chosen_slopes: As from ``choose_slopes``.
        train_histories: Real training users.
        test_cases: Customers by slice.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        sample: Whose recommendations are tried.
        **generators: Trained generators by name.

    Returns:
        One row per (slice, recommender, arm, recommendation); and mean curves.

    Raises:
        InputError: No slice has a customer of whom anything is known.
    """
    cases = _cases(test_cases, sample, "test")
    shop = Shop.of(train_histories)
    parts = []
    for name in (MULTVAE, *generators):
        own = chosen_slopes[name]
        explained = _network(
            name, own["where"], network_weights, generators, train_histories, sample
        )
        parts += [
            try_slice(
                explained,
                case,
                shop,
                _profiles(name, case, demographics_matrix),
                name=name,
                contrast=own["contrast"],
                arms=ORDERS,
                households=sample.households,
                params=sample,
            )
            for case in cases.values()
        ]
    tried = tried_of(parts)
    return tried.deletions, tried.curves


def delete_from_sums(
    train_histories: Histories,
    chosen_configs: pd.DataFrame,
    test_cases: Mapping[str, Case],
    sample: SampleParams,
) -> pd.DataFrame:
    """The same for recommenders of arrays, whose contributions are exact: nothing is on trial.

    Args:
        train_histories: Real training users.
        chosen_configs: What validation chose.
        test_cases: Customers by slice.
        sample: Whose recommendations are tried.

    Returns:
        One row per (slice, recommender, arm, recommendation).
    """
    cases = _cases(test_cases, sample, "test")
    shop = Shop.of(train_histories)
    parts = [
        try_slice(
            explained,
            cases[name],
            shop,
            None,
            name=recommender,
            contrast=False,
            arms=SUMS_ORDERS,
            households=sample.households,
            params=sample,
        )
        for recommender, name, explained in _sums(train_histories, chosen_configs, list(cases))
    ]
    if not parts:
        return pd.DataFrame(columns=[Columns.SLICE, Columns.RECOMMENDER, "arm", "set_size"])
    return tried_of(parts).deletions


def _sums(
    train: Histories, chosen: pd.DataFrame, slices: list[str]
) -> Iterator[tuple[str, str, Explained]]:
    """Recommender, slice, and it as arrays, one fit after the other."""
    plain = chosen[(chosen[Columns.ARM] == NONE) & chosen[Columns.SLICE].isin(slices)]
    for name, rows in plain.groupby(Columns.RECOMMENDER, sort=False):
        recommender = RECOMMENDERS[str(name)]()
        if recommender.ignores_history:
            continue
        recommender.fit(recommender.matrix_of(train))
        for config, own in rows.groupby("config", sort=False):
            scorer = recommender.scorer(recommender.Config.model_validate_json(str(config)))
            if scorer is not None:
                for place in own[Columns.SLICE]:
                    yield str(name), str(place), Linear(scorer, recommender.popularity)


def measure_deletions(
    deletions: pd.DataFrame, params: ExperimentParams
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Declare what is compared, and lay out its scores.

    Args:
        deletions: As from ``delete_from_networks``.
        params: How they are compared.

    Returns:
        One row per (measure, slice, recommender, arm, recommendation) with its ``value``; and the
        design, ready for JSON.
    """
    scores = scored(deletions)
    return scores, declare(params, groups_of(scores)).model_dump(mode="json")


def explain_customers(
    candidate: Entrant, test_cases: Mapping[str, Case], params: WordsParams, sample: SampleParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Say of every recommendation to a known customer why it is made, and count the paths.

    Args:
        candidate: The model that was exported.
        test_cases: Customers by slice, of whose recommendations it is counted how many have a path.
        params: Length of the lists.
        sample: Seed.

    Returns:
        One row per (customer, rank); and one row per slice.
    """
    return (
        telling_why.reasons_of_all(candidate.model, params.list_length),
        telling_why.count_paths(candidate.model, test_cases, params, sample.seed),
    )


def give_examples(
    candidate: Entrant, synthetic_users: Mapping[str, Histories], params: WordsParams
) -> pd.DataFrame:
    """What made-up customers are recommended first, and why.

    Args:
        candidate: The model that was exported.
        synthetic_users: Sets of synthetic users by name.
        params: How many, and how much of their history is taken.
    """
    return telling_why.examples_of(candidate.model, synthetic_users["gan"], params)


def _cases(cases: Mapping[str, Case], sample: SampleParams, part: str) -> dict[str, Case]:
    found = cases_of(cases, sample.slices)
    if not found:
        raise InputError(
            f"None of the slices {', '.join(sample.slices)} has a {part} customer of whom anything "
            f"is known, so that nothing can be explained; there are {', '.join(cases)}. Name "
            "others in explanations.sample.slices."
        )
    if missing := [name for name in sample.slices if name not in found]:
        logger.warning("Nobody of %s is known among %s customers.", ", ".join(missing), part)
    return found


def _network(
    name: str,
    where: Where,
    network_weights: list[np.ndarray],
    generators: Mapping[str, Any],
    train: Histories,
    sample: SampleParams,
) -> Explained:
    if name == MULTVAE:
        return MultVAE(network_weights, where, sample.seed)
    check_items(generators[name], train.item_ids)
    return Completing(Completion(generators[name], sample.draws, sample.seed), where)


def _profiles(name: str, case: Case, demographics: pd.DataFrame) -> np.ndarray | None:
    return profile_rows(demographics, case.user_ids) if name in COMPLETING else None
