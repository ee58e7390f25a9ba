"""The experiment of recommenders: does what was generated improve the lists of customers?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.slices import Slice
from doppelcart.errors import InputError
from doppelcart.experiment.comparison import LEVEL, VALUE, compare, correct
from doppelcart.experiment.design import BEST_BASELINE, Arm, Baseline, Design, Pair, Role, Words
from doppelcart.experiment.outcome import HELPS, NOT_USED
from doppelcart.experiment.verdict import promotion
from doppelcart.recommendation.arms import ARMS, NONE, Kind, applies, controls_of
from doppelcart.recommendation.evaluating import metric_columns
from doppelcart.recommenders import RECOMMENDERS

MOST_POPULAR: Final = "most_popular"
"""What a comparison with plain popularity is called."""

WORDS: Final = Words(
    unit="customer",
    units="customers",
    trial="the GAN",
    best="the best recommender without augmentation",
    unchanged="recommendations stay as they are",
    nobody="nobody's list became better or worse",
    worse="recommendations got worse",
)


def declare(metric: str, slices: Iterable[str], chosen: pd.DataFrame, **settings: Any) -> Design:
    """The experiment, held to the best recommender of every slice without synthetic data.

    Args:
        metric: Column of the user metrics, such as ``ndcg@20``.
        slices: Names of the slices.
        chosen: As from ``grid_search.choose``, for the best baselines.
        **settings: ``family`` (columns), ``alpha``, ``n_bootstrap``, ``seeds``, ``min_units``.
    """
    best = best_baselines(chosen)
    return Design(
        name="evaluation",
        metric=metric,
        arms=arms_of(ARMS),
        unit=Columns.USER,
        groups=(Columns.SLICE,),
        system=Columns.RECOMMENDER,
        best=tuple(Baseline(group=(name,), system=best[name], arm=NONE) for name in best),
        words=WORDS.model_copy(update={"groups": {name: Slice.of(name).phrase for name in slices}}),
        **settings,
    )


def arms_of(names: Iterable[str]) -> tuple[Arm, ...]:
    """The arms of the verdict with their roles; those that know no real user are in no verdict.

    Args:
        names: Names of arms, in the order of the tables.
    """
    return tuple(_arm(name) for name in names if ARMS[name].kind is not Kind.SYNTHETIC_ONLY)


def _arm(name: str) -> Arm:
    arm = ARMS[name]
    role = Role.BASELINE if name == NONE else Role.TRIAL if arm.generator else Role.CONTROL
    return Arm(
        name=name,
        role=role,
        phrase=arm.phrase,
        rivals=controls_of(name) if role is Role.TRIAL else None,
        level=arm.level,
    )


def unit_scores(user_metrics: pd.DataFrame, chosen: pd.DataFrame, metric: str) -> pd.DataFrame:
    """What the experiment is about: one metric of every user under every arm of the verdict.

    Args:
        user_metrics: One row per (slice, arm, recommender, user).
        chosen: As from ``grid_search.choose``, for the levels.
        metric: Column of the user metrics.

    Returns:
        One row per (slice, recommender, arm, user): ``value``, ``level``.

    Raises:
        InputError: If the user metrics lack the metric.
    """
    if metric not in user_metrics:
        raise InputError(
            f"user_metrics has no column '{metric}'; it has "
            f"{', '.join(metric_columns(user_metrics))}. Add the cutoff to "
            "evaluation.cutoffs and run evaluate_arms again."
        )
    keys = [Columns.SLICE, Columns.RECOMMENDER, Columns.ARM]
    in_verdict = [arm.name for arm in arms_of(ARMS)]
    rows = user_metrics[user_metrics[Columns.ARM].isin(in_verdict)]
    scores = rows[[*keys, Columns.USER, metric]].rename(columns={metric: VALUE})
    return scores.merge(chosen[[*keys, LEVEL]], on=keys, how="left")


def against_best(scores: pd.DataFrame, chosen: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Every arm at its best against the best a shop could do without synthetic data.

    Validation chooses both sides: for the arm its recommender, and for the baseline the best
    recommender without synthetic data. Beside it stands the comparison with plain popularity,
    which is all there is to recommend to a customer of whom nothing is known. Either kind of
    baseline is a family of its own. An arm for which validation chose level 0 is its recommender
    without synthetic data: where that is another than the baseline the two are compared, but what
    it shows is no merit of the arm, whose outcome is that it is not used.

    Args:
        scores: As from ``unit_scores``.
        chosen: As from ``grid_search.choose``.
        design: As from ``declare``.

    Returns:
        The table of ``experiment.comparison``, ``against`` being ``best_baseline`` or
        ``most_popular``, and ``baseline`` the recommender behind it.
    """
    known = set(zip(scores[Columns.SLICE], scores[Columns.RECOMMENDER], strict=True))
    plan = _plan_at_best(chosen, known, design)
    compared = compare(scores, design, plan)
    baselines = {(p.group[0], p.arm, p.against): p.reference[0] for p in plan}
    keys = zip(compared[Columns.SLICE], compared[Columns.ARM], compared["against"], strict=True)
    compared["baseline"] = [baselines[key] for key in keys]
    families = compared.groupby("against", sort=False)
    parts = [correct(rows.assign(tested=_tested(rows, plan)), design) for _, rows in families]
    corrected = pd.concat(parts).sort_index() if parts else compared
    outcomes = corrected["outcome"].mask(corrected[LEVEL] == 0, NOT_USED)
    return corrected.assign(outcome=outcomes)


def _tested(rows: pd.DataFrame, plan: Sequence[Pair]) -> list[bool]:
    tested = {(pair.group[0], pair.arm, pair.against): pair.tested for pair in plan}
    keys = zip(rows[Columns.SLICE], rows[Columns.ARM], rows["against"], strict=True)
    return [tested[key] for key in keys]


def _plan_at_best(chosen: pd.DataFrame, known: set[tuple[str, str]], design: Design) -> list[Pair]:
    baselines = {best.group[0]: best.system for best in design.best}
    plan = []
    for row in _best_recommenders(chosen).to_dict("records"):
        name, recommender, arm = (str(row[key]) for key in (Columns.SLICE, *design.key_columns[1:]))
        if (name, recommender) not in known or arm not in design.by_name or arm == NONE:
            continue
        against = {BEST_BASELINE: baselines[name]}
        if (name, "popularity") in known:
            against[MOST_POPULAR] = "popularity"
        plan += [
            Pair(
                (name,),
                recommender,
                arm,
                label,
                (other, NONE),
                float(row[LEVEL]) > 0 or recommender != other,
            )
            for label, other in against.items()
        ]
    return plan


def best_baselines(chosen: pd.DataFrame) -> dict[str, str]:
    """The best un-augmented recommender of each slice, as validation saw it.

    Args:
        chosen: As from ``grid_search.choose``.

    Returns:
        Recommender name by slice; ties go to the first in the grid.
    """
    best = _best_recommenders(chosen[chosen[Columns.ARM] == NONE])
    return dict(zip(best[Columns.SLICE], best[Columns.RECOMMENDER], strict=True))


def _best_recommenders(chosen: pd.DataFrame) -> pd.DataFrame:
    """The chosen row of the best recommender of every (slice, arm), as validation saw it."""
    order = chosen["value"].fillna(-np.inf).sort_values(ascending=False, kind="stable").index
    return chosen.loc[order].drop_duplicates([Columns.SLICE, Columns.ARM]).sort_index()


def largest_family(recommenders: Iterable[str], arms: Sequence[str]) -> int:
    """Most comparisons of one slice: those made if validation chooses level 0 nowhere.

    Args:
        recommenders: Names of the recommenders.
        arms: Names of the arms besides ``none``.
    """
    total = 0
    for recommender in recommenders:
        kind = RECOMMENDERS[recommender]
        run = {arm.name for arm in arms_of(arms) if applies(ARMS[arm.name].kind, kind)}
        rivals = [len(run & set(controls_of(arm))) + 1 for arm in run if ARMS[arm].generator]
        total += len(run) + sum(rivals)
    return total


def promote(
    verdict: pd.DataFrame, chosen: pd.DataFrame, against_best: pd.DataFrame, design: Design
) -> dict[str, Any]:
    """What may go into service, with its configuration.

    What the generator on trial makes must win. A control is held to less: a plainer way may serve
    where it helps against the best recommender without synthetic data.

    Args:
        verdict: As from ``experiment.verdict.judge``.
        chosen: As from ``grid_search.choose``.
        against_best: As from ``against_best``.
        design: As from ``declare``.

    Returns:
        JSON-ready: ``promoted`` (slice, recommender, arm, level, config, reason of each),
        ``admitted`` (the same of controls), and ``refused`` (the same without config), with the
        rule that was applied.
    """
    rule = (
        "Promoted only if it helps against no augmentation, against every control of its "
        "kind, and against the best recommender of the slice without augmentation; "
        f"Holm-corrected p at most {design.alpha:g}. A control is admitted where it helps against "
        "the best recommender of the slice without augmentation."
    )
    found = promotion(verdict, design, rule)
    found["admitted"] = [_admitted(row) for row in against_best.to_dict("records") if _helps(row)]
    configs = chosen.set_index(design.key_columns)["config"]
    for entry in [*found["promoted"], *found["admitted"]]:
        entry["config"] = configs[tuple(entry[key] for key in design.key_columns)]
    return found


def _helps(row: Mapping[Any, Any]) -> bool:
    """Whether a comparison shows that a control, used, is better than the best recommender."""
    is_control = ARMS[row["arm"]].kind in (Kind.COMPLETION, Kind.TRAINING)
    is_control &= not ARMS[row["arm"]].generator
    helps = row[LEVEL] > 0 and row["outcome"] == HELPS
    return bool(is_control and row["against"] == BEST_BASELINE and helps)


def _admitted(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A control that may serve."""
    keys = (Columns.SLICE, Columns.RECOMMENDER, Columns.ARM, LEVEL)
    reason = (
        f"{RECOMMENDERS[row[Columns.RECOMMENDER]].label} with {ARMS[row['arm']].phrase} gains "
        f"{_gain(row)} over {RECOMMENDERS[row['baseline']].label}, the best without synthetic data."
    )
    return {**{key: row[key] for key in keys}, "reason": reason}


def _gain(row: Mapping[Any, Any]) -> str:
    """A relative gain with its interval; a base near 0 leaves either undefined."""
    gain, low, high = (row[name] for name in ("relative", "relative_low", "relative_high"))
    told = "an undefined share" if pd.isna(gain) else f"{100 * gain:+.1f} %"
    if pd.isna(low) or pd.isna(high):
        return f"{told} (interval undefined)"
    return f"{told} ({100 * low:+.1f} to {100 * high:+.1f})"
