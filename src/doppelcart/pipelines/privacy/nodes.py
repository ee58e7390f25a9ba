"""Nodes of the audit; those that train under a budget are in ``private``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.slices import COLD
from doppelcart.errors import InputError
from doppelcart.experiment.design import Role
from doppelcart.metrics.item_groups import item_groups
from doppelcart.metrics.privacy import likelihood_ratio
from doppelcart.metrics.privacy.membership import Attack
from doppelcart.models.histories.generation import complete, generate, profile_rows
from doppelcart.pipelines.privacy import audit
from doppelcart.pipelines.privacy.params import AuditParams, TradeOffParams
from doppelcart.pipelines.privacy.utility import compare_releases

logger = logging.getLogger(__name__)

UNKNOWN = "unknown profile"


def find_non_members(
    train_histories: Histories,
    validation_interactions: ir.Table,
    split_bounds: Mapping[str, Any],
    params: AuditParams,
) -> Histories:
    """Validation users as training users would look: what they did before training ends.

    A whole history beside one cut short would be told apart by its length, which is no membership.

    Args:
        train_histories: Training users, for the catalogue.
        validation_interactions: Lines of validation, with their protocol.
        split_bounds: Holds ``validation_from``, the moment at which training ends.
        params: Resamples of the attacks, counted before anything is attacked or trained.

    Returns:
        Histories of the held-out users with anything before that moment.

    Raises:
        InputError: If there is no such user.
        ParameterError: If there are too few resamples for the attacks' intervals.
    """
    params.check_resamples()
    lines = validation_interactions
    end = ibis.literal(pd.Timestamp(split_bounds["validation_from"]))
    kept = lines.filter(lines[Columns.PROTOCOL] == COLD, lines[Columns.TIMESTAMP] < end)
    rows = kept.select(Columns.USER, Columns.ITEM, Columns.TIMESTAMP).to_pandas()
    non_members = Histories.from_interactions(rows, train_histories.item_ids)
    if not non_members.n_users:
        raise InputError(
            "No validation user bought anything before training ends, so nobody can stand for "
            "those a generator never saw. Raise split.validation_user_share or "
            "split.validation_from."
        )
    return non_members


def audit_users(
    train_histories: Histories,
    non_members: Histories,
    synthetic_users: dict[str, Histories],
    feat_items: pd.DataFrame,
    params: AuditParams,
) -> pd.DataFrame:
    """Attack every set of synthetic users, and one that is known to give nobody away.

    Args:
        train_histories: Training users: the members.
        non_members: Held-out users: the non-members.
        synthetic_users: Sets of synthetic users by name.
        feat_items: Readable item features, for the groups whose purchase is inferred.
        params: Limits and attacks.

    Returns:
        One row per set, check and attack.
    """
    sides = audit.sides_of(train_histories, non_members)
    # Of a single group there is nothing to infer, and then each item is one of its own.
    groups = item_groups(feat_items, fewest=2)
    if groups is None:
        groups = np.arange(len(feat_items)).astype(str)
    tables = []
    for name, users in synthetic_users.items():
        released = users.matrix
        attack = audit.attack_on(released, params.neighbours)
        tables.append(audit.membership(name, sides, attack, params))
        tables.append(audit.disclosure(name, sides, released, groups, params))
    null = audit.attack_on(None, params.neighbours)
    tables.append(audit.membership(audit.NON_MEMBERS, sides, null, params))
    return pd.concat(tables, ignore_index=True)


def audit_generator(
    train_histories: Histories, non_members: Histories, generator: Any, params: AuditParams
) -> pd.DataFrame:
    """Attack the adversarial generator as an endpoint that completes histories would expose it.

    The attacker sends a part of a history and looks how likely the generator holds the rest.

    Args:
        train_histories: Training users: the members.
        non_members: Held-out users: the non-members.
        generator: The trained generator.
        params: Limits and attacks.

    Returns:
        One row per check.
    """
    sides = audit.sides_of(train_histories, non_members)
    return audit.membership("gan_completion", sides, completion_attack(generator, params), params)


def completion_attack(generator: Any, params: AuditParams) -> Attack:
    """Hide a part of each candidate's history and compare the rest with its completion."""
    rng = np.random.default_rng([params.seed, 3])

    def attack(
        candidates: sparse.csr_matrix, reference: sparse.csr_matrix
    ) -> Mapping[str, np.ndarray]:
        shown, hidden = candidates.copy(), candidates.copy()
        mask = rng.random(candidates.nnz) < params.hidden_share
        shown.data, hidden.data = np.where(mask, 0, shown.data), np.where(mask, hidden.data, 0)
        shown.eliminate_zeros()
        hidden.eliminate_zeros()
        probabilities = complete(generator, shown, params.completion_draws, rng)
        probabilities[shown.nonzero()] = 0
        return {"completion": likelihood_ratio(hidden, probabilities, reference)}

    return attack


def measure_trade_off(
    train_histories: Histories,
    non_members: Histories,
    validation_cases: dict[str, Case],
    generator: Any,
    profile_matrix: pd.DataFrame,
    demographics_matrix: pd.DataFrame,
    audit_params: AuditParams,
    params: TradeOffParams,
) -> pd.DataFrame:
    """Privacy and utility of synthetic users by the noise on the profiles they are asked to have.

    Args:
        train_histories: Training users.
        non_members: Held-out users.
        validation_cases: Validation users, to whom EASE recommends.
        generator: The adversarial generator.
        profile_matrix: ``user_id`` and behaviour of the training users.
        demographics_matrix: ``user_id`` and demographics.
        audit_params: How the attacks are made.
        params: Noises, and how utility is measured.

    Returns:
        One row per noise, then users of unknown profile.
    """
    users, n_users = train_histories.user_ids, train_histories.n_users
    demographics = profile_rows(demographics_matrix, users)
    behaviour = profile_rows(profile_matrix, users)

    def invent(jitter: float | None) -> Histories:
        rng = np.random.default_rng([params.seed, 1])
        if jitter is None:
            return generate(generator, n_users, train_histories.item_ids, rng)
        noise = rng.normal(0, jitter, behaviour.shape).astype(np.float32)
        return generate(
            generator, n_users, train_histories.item_ids, rng, demographics, behaviour + noise
        )

    releases = {f"jitter {jitter:g}": invent(jitter) for jitter in params.jitters}
    releases[UNKNOWN] = invent(None)
    return compare_releases(
        releases, train_histories, non_members, validation_cases, audit_params, params
    )


def judge(
    user_findings: pd.DataFrame, generator_findings: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Put the findings together and say aloud what failed, the audit itself first.

    Args:
        user_findings: Of the sets of synthetic users.
        generator_findings: Of the generator.

    Returns:
        All findings, one row each; and the audit in a few numbers.
    """
    findings = pd.concat([user_findings, generator_findings], ignore_index=True)
    faults = audit.faults(findings)
    if faults:
        logger.warning("This audit cannot be relied on: %s. Nothing is cleared.", "; ".join(faults))
        findings = audit.unreliable(findings)
    on_trial = findings[findings["role"] == Role.TRIAL]
    for row in on_trial[on_trial["status"] == audit.FAILED].itertuples():
        logger.warning("%s: %.3f, limit %.3f. %s", row.monitor, row.value, row.limit, row.advice)
    for row in on_trial[on_trial["status"] == audit.UNDEFINED].itertuples():
        logger.warning(
            "%s is undefined: %d members and %d non-members, or what they have in common, are too "
            "little to tell (privacy.audit.min_users of both are the least).",
            row.monitor,
            row.n_members,
            row.n_non_members,
        )
    return findings, audit.summary(findings, faults)
