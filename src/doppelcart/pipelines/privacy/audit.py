"""The audit: attacks on what is released, judged against limits. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.data.histories import Histories
from doppelcart.experiment.design import Role
from doppelcart.metrics.privacy import (
    attribute_gain,
    closeness,
    closer_to_train_share,
    cross_fit,
    exact_copy_rate,
    groups_to_infer,
    near_copy_rate,
    separation,
    tracing,
)
from doppelcart.metrics.privacy.membership import Attack
from doppelcart.pipelines.privacy.params import AuditParams

NAN: Final = float("nan")
OK, UNCLEAR, FAILED, UNDEFINED = "ok", "unclear", "failed", "undefined"
UNRELIABLE: Final = "unreliable"
"""In the place of a verdict that clears a release, where the audit's own controls fail."""
NON_MEMBERS: Final = "non_members"
COPIES: Final = "copies"
CONTROLS: Final = ("mixup", "popularity", COPIES, NON_MEMBERS)
AUC, TPR = "membership auc", "membership tpr"
EXACT: Final = "exact copies"
COLUMNS: Final = [
    "monitor",
    "set",
    "role",
    "check",
    "attack",
    "status",
    "value",
    "low",
    "high",
    "limit",
    "n_members",
    "n_non_members",
    "advice",
]
ADVICE: Final = {
    AUC: "Raise gan.training.behaviour_noise and augmentation.profile_jitter together, train for "
    "fewer epochs or with fewer hidden units, or train privately (private.grid).",
    TPR: "Some users are found with near certainty: leave out users with rare items, or train "
    "privately (private.grid).",
    EXACT: "Synthetic users repeat real ones: train for fewer epochs, and do not release.",
    "near copies": "Synthetic users nearly repeat real ones: train for fewer epochs.",
    "attribute gain": "What members keep back can be read off: treat as for membership.",
}


class Sides(NamedTuple):
    """Who is looked for.

    Attributes:
        members: (n_members, n_items) CSR of ones: users the generator was trained on.
        non_members: (n_non_members, n_items) CSR of ones: users like them that it never saw.
    """

    members: sparse.csr_matrix
    non_members: sparse.csr_matrix


def sides_of(train: Histories, non_members: Histories) -> Sides:
    """Matrices of both sides."""
    return Sides(train.matrix, non_members.matrix)


def attack_on(released: sparse.csr_matrix | None, neighbours: tuple[int, ...]) -> Attack:
    """The attacks on a set of synthetic users.

    Args:
        released: (n_released, n_items) CSR of ones. None is the audit's own control: half of each
            reference stands for the synthetic users, which then know as little of the members as of
            the non-members.
        neighbours: Nearest users looked at, an attack each.
    """

    def attack(
        candidates: sparse.csr_matrix, reference: sparse.csr_matrix
    ) -> Mapping[str, np.ndarray]:
        ours, theirs = (
            (released, reference) if released is not None else (reference[::2], reference[1::2])
        )
        near = {f"closest {k}": closeness(candidates, ours, theirs, k) for k in neighbours}
        return near | {"tracing": tracing(candidates, ours, theirs)}

    return attack


def membership(name: str, sides: Sides, attack: Attack, params: AuditParams) -> pd.DataFrame:
    """One row per attack and measure.

    Args:
        name: What is attacked.
        sides: Who is looked for.
        attack: How.
        params: Limits, folds, bootstrap.
    """
    if sides.non_members.shape[0] < params.n_folds or not sides.members.shape[0]:
        return pd.DataFrame(
            [
                _row(name, check, "", (NAN,) * 3, limit, sides, params)
                for check, limit in _limits(params)
            ]
        )
    rng = np.random.default_rng([params.seed, 1])
    scores = cross_fit(*sides, attack, params.n_folds, rng)
    confidence = 1 - params.alpha / len(scores)
    rows = []
    for which, (ours, theirs) in scores.items():
        found = separation(ours, theirs, rng, params.max_fpr, params.n_bootstrap, confidence)
        values = {
            AUC: (found.auc, found.auc_low, found.auc_high),
            TPR: (found.tpr, found.tpr_low, found.tpr_high),
        }
        rows += [
            _row(name, check, which, values[check], limit, sides, params)
            for check, limit in _limits(params)
        ]
    return pd.DataFrame(rows, columns=COLUMNS)


def disclosure(
    name: str, sides: Sides, released: sparse.csr_matrix, groups: np.ndarray, params: AuditParams
) -> pd.DataFrame:
    """Copies, closeness to the training users, and attributes; one row per check.

    Args:
        name: What is looked at.
        sides: Who is looked for.
        released: (n_released, n_items) CSR of ones.
        groups: (n_items,) group of each item, whose purchase is the attribute.
        params: Limits.
    """
    rng = np.random.default_rng([params.seed, 2])
    attributes = groups_to_infer(sides.members, groups, params.n_attributes)
    gain = attribute_gain(
        released,
        *sides,
        list(attributes.values()),
        rng,
        n_bootstrap=params.n_bootstrap,
        confidence=1 - params.alpha,
    )
    similarity = params.near_copy_similarity
    # what non-members have in common with members is no copying
    exact, near = (
        _copies(released, sides, rate)
        for rate in (exact_copy_rate, lambda a, b: near_copy_rate(a, b, similarity))
    )
    closer = closer_to_train_share(released, *sides, rng)
    rows = [
        _row(
            name,
            EXACT,
            "",
            (exact[0],) * 3,
            exact[1] + params.max_copy_excess,
            sides,
            params,
        ),
        _row(
            name, "near copies", "", (near[0],) * 3, near[1] + params.max_copy_excess, sides, params
        ),
        # a smoke test without a limit: a good figure proves nothing
        _row(name, "closer to train", "", (closer, NAN, NAN), NAN, sides, params),
        _row(
            name,
            "attribute gain",
            "",
            (gain["gain"], gain["low"], gain["high"]),
            params.max_attribute_gain,
            sides,
            params,
        ),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def strongest(found: pd.DataFrame, check: str) -> pd.Series:
    """The row of the attack that did best by a measure."""
    rows = found[found["check"] == check]
    values = rows["value"].fillna(-np.inf)
    return rows.iloc[int(values.to_numpy().argmax())]


def status_of(value: float, low: float, limit: float, n_users: int, min_users: int) -> str:
    """Judge a figure by its limit and its interval.

    ``failed`` where the whole interval lies above the limit, ``unclear`` where the value does and
    the interval does not, ``undefined`` without a value or with too few users: never ``ok``.
    """
    if np.isnan(value) or n_users < min_users:
        return UNDEFINED
    if np.isnan(limit):
        return "no limit"
    if value <= limit:
        return OK
    return FAILED if low > limit else UNCLEAR


def faults(findings: pd.DataFrame) -> list[str]:
    """Why an audit cannot be relied on: which of its controls is not where it is known to be.

    Users who have nothing to do with the members must not tell them apart, to either side of
    chance; every copy of a training user must be found to be one, and must give that user away.

    Args:
        findings: One row per set, check and attack.

    Returns:
        A sentence per fault; none for an audit that works.
    """
    return [*_faults_of_non_members(findings), *_faults_of_copies(findings)]


def _faults_of_non_members(findings: pd.DataFrame) -> Iterator[str]:
    rows = findings[(findings["set"] == NON_MEMBERS) & (findings["check"] == AUC)]
    judged = rows[rows["status"] != UNDEFINED]
    if judged.empty:
        yield "there are too few users for the control of non-members"
    for row in judged.to_dict("records"):
        if row["low"] > row["limit"] or row["high"] < 1 - row["limit"]:
            yield (
                f"non-members tell members apart with AUC {row['value']:.2f} ({row['attack']}), "
                "where .50 is expected"
            )


def _faults_of_copies(findings: pd.DataFrame) -> Iterator[str]:
    rows = findings[findings["set"] == COPIES]
    exact = rows.loc[rows["check"] == EXACT, "value"]
    if (exact < 1).any():
        yield (
            f"{exact.min():.0%} of the copies are copies of the training users, where all should "
            "be: they were made of others"
        )
    attacked = rows[rows["check"] == AUC]
    judged = attacked[attacked["status"] != UNDEFINED]
    if len(attacked) and judged.empty:
        yield "there are too few users for the control of copies"
    elif len(judged) and FAILED not in set(judged["status"]):
        found = strongest(judged, AUC)["value"]
        yield f"copies give nobody away (AUC {found:.2f}), where near 1 is expected"


def unreliable(findings: pd.DataFrame) -> pd.DataFrame:
    """The findings of an audit that does not work: nothing on trial is cleared by it."""
    cleared = (findings["role"] == Role.TRIAL) & findings["status"].isin([OK, UNCLEAR])
    return findings.assign(status=findings["status"].mask(cleared, UNRELIABLE))


def summary(findings: pd.DataFrame, found_faults: list[str]) -> dict[str, Any]:
    """The audit in a few numbers: by set, the worst status and the strongest attack.

    Args:
        findings: One row per set, check and attack.
        found_faults: As from ``faults``; ``sound`` says whether there are none.
    """
    return {
        "sound": not found_faults,
        "faults": found_faults,
        "sets": {name: _verdict(rows) for name, rows in findings.groupby("set", sort=False)},
    }


def _verdict(rows: pd.DataFrame) -> dict[str, Any]:
    order = (FAILED, UNRELIABLE, UNCLEAR, UNDEFINED, OK)
    worst = [status for status in order if status in set(rows["status"])]
    aucs, tprs = (strongest(rows, check) for check in (AUC, TPR))
    return {
        "role": str(rows["role"].iloc[0]),
        "status": worst[0] if worst else UNDEFINED,
        "auc": _number(aucs["value"]),
        "auc_low": _number(aucs["low"]),
        "auc_high": _number(aucs["high"]),
        "attack": str(aucs["attack"]),
        "tpr": _number(tprs["value"]),
        "failed": sorted(set(rows.loc[rows["status"] == FAILED, "check"])),
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _limits(params: AuditParams) -> Iterator[tuple[str, float]]:
    yield AUC, params.max_auc
    yield TPR, params.max_tpr


def _copies(released: sparse.csr_matrix, sides: Sides, rate: Any) -> tuple[float, float]:
    """The rate among released users, and that among non-members."""
    return rate(released, sides.members), rate(sides.non_members, sides.members)


def _row(
    name: str,
    check: str,
    attack: str,
    value: tuple[float, ...],
    limit: float,
    sides: Sides,
    params: AuditParams,
) -> dict[str, Any]:
    n_users = min(users.shape[0] for users in sides)
    status = status_of(value[0], value[1], limit, n_users, params.min_users)
    return {
        "monitor": " ".join(f"{name} {check} {attack}".split()),
        "set": name,
        "role": (Role.CONTROL if name in CONTROLS else Role.TRIAL).value,
        "check": check,
        "attack": attack,
        "status": status,
        "value": value[0],
        "low": value[1],
        "high": value[2],
        "limit": limit,
        "n_members": sides.members.shape[0],
        "n_non_members": sides.non_members.shape[0],
        "advice": ADVICE.get(check, "") if status in (FAILED, UNCLEAR) else "",
    }
