"""Whether a candidate may take the place of what serves: scores, experiment, decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.slices import Slice, slice_order
from doppelcart.errors import InputError
from doppelcart.experiment.design import Arm, Design, Role, Words
from doppelcart.experiment.outcome import HARMS
from doppelcart.experiment.verdict import BEST_NOT_BEATEN, NOT_PROVEN
from doppelcart.recommendation.arms import ARMS, NONE, Kind
from doppelcart.recommendation.completion import Completer, Completions, complete_case
from doppelcart.recommendation.scoring import PLAIN, values_at_levels
from doppelcart.recommendation.training_sets import training_matrix
from doppelcart.recommenders import RECOMMENDERS, Recommender
from doppelcart.serving.contest import Entrant, strategy_for
from doppelcart.serving.decisions import Comparison, Cost, Decision, Outcome
from doppelcart.serving.model import Facts

CHAMPION: Final = "champion"
CANDIDATE: Final = "candidate"
EVERYBODY: Final = "all"
"""The group of all customers, each counted once however many slices know of them."""


def judged_slices(cases: Mapping[str, Case]) -> list[str]:
    """The slices that can be told apart when serving, and that have customers, in their order.

    Args:
        cases: Test cases by slice.

    Raises:
        InputError: There is none.
    """
    found = [name for name, case in cases.items() if case.n_users and _is_served(name)]
    if not found:
        raise InputError(
            "No slice has test customers, so that no model can be compared with what serves. Run "
            "the split with more of them."
        )
    return slice_order(found)


def _is_served(name: str) -> bool:
    return Slice.of(name).known_share is None


def score_entrants(
    champion: Entrant,
    candidate: Entrant,
    cases: Mapping[str, Case],
    train: Histories,
    synthetic: Mapping[str, Histories],
    completers: Mapping[str, Completer],
    completion_top: int | None,
    metric: str,
    k: int,
) -> pd.DataFrame:
    """What both would do for the same held-out customers, fitted on the same training customers.

    What serves was fitted on everybody, held-out customers included, so that its own lists prove
    nothing. Its strategies are fitted anew without them, as those of the candidate are; and
    histories are completed by the generators of the run, which were trained without them, too.

    Args:
        champion: What serves.
        candidate: What would.
        cases: Test cases by slice.
        train: Real training customers.
        synthetic: Sets of synthetic customers by name.
        completers: By arm, what completes histories.
        completion_top: Items per customer that a completion keeps; None keeps all.
        metric: Name in ``scoring.METRICS``.
        k: Length of the lists.

    Returns:
        One row per (slice, arm, user_id) with its ``value``; customers of several slices stand in
        the group ``all`` with their mean.

    Raises:
        InputError: There are no test customers.
    """
    fits: dict[tuple[str, str, float], Recommender] = {}
    values: dict[tuple[str, ...], np.ndarray] = {}
    parts = []
    for name in judged_slices(cases):
        case = cases[name]
        for arm, entrant in ((CHAMPION, champion), (CANDIDATE, candidate)):
            facts = strategy_for(entrant.model, name).facts
            fit = _fit_of(facts)
            if fit not in fits:
                kind = RECOMMENDERS[facts.recommender]
                matrix = training_matrix(*fit[1:], train, synthetic, kind)
                fits[fit] = kind().fit(matrix)
            key = (name, facts.recommender, facts.arm, str(facts.level), facts.config)
            if key not in values:
                added = complete_case(case, _wanted(facts, completers), completion_top)
                values[key] = _values(fits[fit], facts, case, added, metric, k)
            parts.append(
                pd.DataFrame(
                    {
                        Columns.SLICE: name,
                        Columns.ARM: arm,
                        Columns.USER: case.user_ids.astype(str),
                        "value": values[key],
                    }
                )
            )
    scores = pd.concat(parts, ignore_index=True)
    means = scores.groupby([Columns.ARM, Columns.USER], sort=False)["value"].mean().reset_index()
    pooled = means.assign(**{Columns.SLICE: EVERYBODY})[list(scores)]
    return pd.concat([pooled, scores], ignore_index=True)


def _fit_of(facts: Facts) -> tuple[str, str, float]:
    """What strategies have in common that are fitted alike: a completion changes no fit."""
    if ARMS[facts.arm].kind is Kind.COMPLETION:
        return facts.recommender, NONE, 0.0
    return facts.recommender, facts.arm, facts.level


def _wanted(facts: Facts, completers: Mapping[str, Completer]) -> dict[str, Completer]:
    """What completes for a strategy, by arm; empty where nothing does."""
    if ARMS[facts.arm].kind is not Kind.COMPLETION or not facts.level:
        return {}
    if facts.arm not in completers:
        raise InputError(
            f"{facts.label} serves with {ARMS[facts.arm].phrase}, and this run has no generator "
            "that could complete them. Run the whole again with that generator: kedro run"
        )
    return {facts.arm: completers[facts.arm]}


def _values(
    recommender: Recommender,
    facts: Facts,
    case: Case,
    added: Completions,
    metric: str,
    k: int,
) -> np.ndarray:
    """(n_users,) metric of what a strategy lists."""
    parsed = recommender.Config.model_validate_json(facts.config)
    known = recommender.matrix_of(case.seen)
    place = (facts.arm, facts.level) if added else PLAIN
    (levels,) = values_at_levels(
        recommender, [parsed], known, added, [place], case.relevant.matrix, metric, k
    )
    return levels[place]


def declare(
    metric: str,
    slices: Iterable[str],
    *,
    margin: float,
    alpha: float,
    n_bootstrap: int,
    min_customers: int,
    seed: int,
) -> Design:
    """The experiment: what serves is the baseline, and the candidate is on trial.

    Args:
        metric: Name of the metric, such as ``ndcg@20``.
        slices: The slices that are judged.
        margin: Relative loss that is bearable.
        alpha: Error rate.
        n_bootstrap: Resamples.
        min_customers: Customers below which a slice is told but decides nothing.
        seed: Of the resamples.
    """
    groups = {name: Slice.of(name).phrase for name in slices}
    return Design(
        name=CHAMPION,
        metric=metric,
        arms=(
            Arm(name=CHAMPION, role=Role.BASELINE, phrase="what serves"),
            Arm(name=CANDIDATE, role=Role.TRIAL, phrase="the candidate"),
        ),
        unit=Columns.USER,
        groups=(Columns.SLICE,),
        # each group has one comparison, so that its verdict goes by the test that decides
        family=(Columns.SLICE,),
        alpha=alpha,
        n_bootstrap=n_bootstrap,
        seeds=(seed,),
        margin=margin,
        min_units=min_customers,
        words=Words(
            unit="customer",
            units="customers",
            groups={EVERYBODY: "all customers", **groups},
            trial="the candidate",
            nobody="no list changed",
            worse="lists got worse",
        ),
    )


def comparisons(
    differences: pd.DataFrame, design: Design, champion: Entrant, candidate: Entrant
) -> tuple[Comparison, ...]:
    """The comparisons as a decision keeps them.

    Args:
        differences: As from ``experiment.comparison.compare``.
        design: As from ``declare``.
        champion: What serves.
        candidate: What would.
    """
    found = []
    for row in differences.to_dict("records"):
        name = str(row[Columns.SLICE])
        labels = ("", "")
        if name != EVERYBODY:
            labels = (_label(champion, name), _label(candidate, name))
        found.append(
            Comparison(
                slice=name,
                customers=design.words.of([name]),
                champion=labels[0],
                candidate=labels[1],
                base=float(row["base"]),
                value=float(row["value"]),
                relative=_finite(row["relative"]),
                low=_finite(row["relative_low"]),
                high=_finite(row["relative_high"]),
                p_value=_finite(row["p_value"]),
                n_customers=int(row["n_units"]),
            )
        )
    return tuple(found)


def decide(
    champion: Entrant,
    candidate: Entrant,
    tests: tuple[Comparison, ...],
    costs: Mapping[str, Cost],
    promotion: Mapping[str, Any],
    design: Design,
    *,
    saving: float,
    made: datetime,
) -> Decision:
    """Decide by rules that were declared before anything was measured.

    Args:
        champion: What serves.
        candidate: What would.
        tests: As from ``comparisons``.
        costs: By ``champion`` and ``candidate``.
        promotion: What evaluation promoted and refused.
        design: As from ``declare``.
        saving: Share by which a model must be smaller to count as cheaper.
        made: When the decision is made.
    """
    margin = design.margin or 0.0
    outcome, reason = _judged(champion, candidate, tests, costs, design, margin, saving)
    return Decision(
        version=candidate.version.version,
        digest=candidate.version.digest,
        path=candidate.version.path,
        against=champion.version.version,
        outcome=outcome,
        reason=reason,
        made=made,
        metric=design.metric,
        margin=margin,
        alpha=design.alpha,
        tests=tests,
        costs=dict(costs),
        refused=tuple(_refusals(promotion)),
    )


def _judged(
    champion: Entrant,
    candidate: Entrant,
    tests: tuple[Comparison, ...],
    costs: Mapping[str, Cost],
    design: Design,
    margin: float,
    saving: float,
) -> tuple[Outcome, str]:
    if champion.version.digest == candidate.version.digest:
        return Outcome.SERVES, "it serves already."
    overall, slices = tests[0], tests[1:]
    if all(_is_same(champion, candidate, test.slice) for test in slices):
        same_data = champion.model.lineage == candidate.model.lineage
        if not same_data:
            return Outcome.RENEWED, "the same strategies, fitted on other data."
        return Outcome.NOT_BETTER, "the same strategies, fitted on the same data."
    counted = [test for test in slices if test.n_customers >= design.min_units]
    if harmed := [test for test in counted if (test.relative or 0.0) < -margin]:
        worst = min(harmed, key=lambda test: test.relative or 0.0)
        return Outcome.HARMS, (
            f"{worst.customers} would lose {-100 * (worst.relative or 0.0):.1f} %, and at most "
            f"{100 * margin:g} % is bearable."
        )
    change = f"{100 * (overall.relative or 0.0):+.1f} % over all customers"
    p_value = 1.0 if overall.p_value is None else overall.p_value
    if overall.value > overall.base and p_value <= design.alpha:
        return Outcome.BETTER, f"{change} (p = {p_value:.2g}), and no slice loses too much."
    not_worse = overall.low is not None and overall.low > -margin
    size, former = costs[CANDIDATE].size, costs[CHAMPION].size
    is_smaller = size <= (1 - saving) * former
    if not_worse and is_smaller:
        share = 1 - size / former
        return Outcome.CHEAPER, (
            f"{change}, at worst {100 * (overall.low or 0.0):+.1f} %, and {100 * share:.0f} % "
            "smaller."
        )
    why = "it might be worse by more than is bearable" if is_smaller else "not smaller either"
    shown = "which proves nothing"
    if overall.value < overall.base and p_value <= design.alpha:
        within = (
            f", though by less than the {100 * margin:g} % that is bearable" if not_worse else ""
        )
        shown = f"which is shown to be worse{within}"
    return Outcome.NOT_BETTER, f"{change} (p = {p_value:.2g}), {shown}; {why}."


def _is_same(champion: Entrant, candidate: Entrant, name: str) -> bool:
    return _what(champion, name) == _what(candidate, name)


def _what(entrant: Entrant, name: str) -> tuple[str, str, float, str]:
    facts = strategy_for(entrant.model, name).facts
    return facts.recommender, facts.arm, facts.level, facts.config


def _label(entrant: Entrant, name: str) -> str:
    facts: Facts = strategy_for(entrant.model, name).facts
    given = "" if facts.arm == NONE or facts.level == 0 else f" with {ARMS[facts.arm].phrase}"
    return f"{facts.label}{given}"


def _refusals(promotion: Mapping[str, Any]) -> list[str]:
    """What evaluation refused though it changed something, in words, and how many others."""
    refused = promotion.get("refused", [])
    telling = {BEST_NOT_BEATEN, NOT_PROVEN, HARMS}
    told = [str(entry["reason"]) for entry in refused if entry["verdict"] in telling]
    others = len(refused) - len(told)
    if others:
        plural = "s" * (others > 1)
        told.append(f"{others} other{plural}, which changed nothing for certain")
    return told


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
