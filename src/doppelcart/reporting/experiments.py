"""What a page shows of an experiment, whatever it is about: answer, figure, tables, evidence."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.experiment.design import BEST_BASELINE, Design, Role
from doppelcart.experiment.outcome import HELPS
from doppelcart.reporting.blocks import Block, details, figure, paragraph, table
from doppelcart.reporting.section import Evidence
from doppelcart.reporting.signals import TOLD_FIRST, of_verdict
from doppelcart.reporting.style import (
    INK,
    OTHER,
    Mark,
    as_text,
    empty_figure,
    error_bars,
    finish,
    height_of,
    heights_of,
    marker_of,
    name_rows,
    panels,
)
from doppelcart.reporting.tables import (
    CHANGE,
    Column,
    Table,
    change_within,
    count,
    in_percent,
    number,
    score,
    share,
    tabulate,
    text,
)

MARKS: Final = {
    Role.TRIAL: Mark("#0b6e99", "circle"),
    Role.CONTROL: Mark("#b3541e", "square-open"),
    Role.ORACLE: Mark("#6a4c93", "diamond-open"),
    Role.MUST_FAIL: Mark("#5b6672", "x-thin-open", "dot"),
    Role.MUST_WIN: Mark("#5b6672", "triangle-up-open", "dot"),
}
"""How arms are drawn, by what they are there for."""

HELD_TO: Final = {
    Role.CONTROL: "a plainer way to the same end",
    Role.ORACLE: "an upper bound, which nobody would have",
    Role.MUST_FAIL: "cannot help: a check of the experiment",
    Role.MUST_WIN: "must help: a check of the experiment",
    Role.TRIAL: "on trial",
    Role.BASELINE: "without synthetic data",
}


def answer_of(verdict: pd.DataFrame) -> str:
    """What was found, in one sentence.

    Args:
        verdict: As from ``experiment.verdict.judge``.
    """
    if verdict.empty:
        return "Nothing on trial was compared."
    words = verdict["verdict"].tolist()
    if len(words) == 1:
        return as_sentence(str(verdict["reason"].iloc[0]))
    counted = [f"{word} {words.count(word)}" for word in dict.fromkeys(words)]
    return f"Of {len(words)} verdicts: {', '.join(counted)}."


def as_sentence(words: str) -> str:
    """Words that begin as a sentence does; an acronym with all its letters.

    Examples:
        >>> as_sentence("quantile loss changed."), as_sentence("ndcg@20 of new items changed.")
        ('Quantile loss changed.', 'NDCG@20 of new items changed.')
    """
    start = 4 if words.startswith("ndcg@") else 1
    return words[:start].upper() + words[start:]


def answer_by_arm(verdict: pd.DataFrame, design: Design, *, places: bool = False) -> str:
    """What was found of each arm on trial, in one sentence.

    Args:
        verdict: As from ``experiment.verdict.judge``.
        design: The experiment.
        places: Whether to say of each verdict what it is of, and not only which there are.
    """
    if verdict.empty:
        return answer_of(verdict)
    told = []
    for arm, rows in verdict.groupby("arm", sort=False):
        if places:
            said = ", ".join(
                f"{row['verdict']} ({design.words.of([str(row[name]) for name in design.groups])})"
                for row in rows.to_dict("records")
            )
        else:
            said = " and ".join(dict.fromkeys(rows["verdict"]))
        told.append(f"{design.by_name[str(arm)].phrase}: {said}")
    sentence = "; ".join(told)
    return f"{as_sentence(sentence)}."


def evidence_of(verdict: pd.DataFrame, design: Design, *, seeds: int = 1) -> Evidence | None:
    """The strongest case for what is on trial, as the claims page shows it.

    Args:
        verdict: As from ``experiment.verdict.judge``.
        design: The experiment.
        seeds: Trainings that the verdict rests on.
    """
    rows = verdict.to_dict("records")
    if not rows:
        return None
    sign = 1 if design.higher_is_better else -1

    def strength(row: dict[Any, Any]) -> tuple[int, float]:
        gain = 0.0 if pd.isna(row["relative"]) else sign * float(row["relative"])
        return TOLD_FIRST.index(of_verdict(row["verdict"])), -gain

    best = min(rows, key=strength)
    rivals = design.rivals_of(str(best["arm"]))
    not_beaten = [name for name in str(best["not_beaten"] or "").split(", ") if name in rivals]
    percent = {
        name: None if pd.isna(best[column]) else 100 * float(best[column])
        for name, column in (
            ("effect", "relative"),
            ("low", "relative_low"),
            ("high", "relative_high"),
        )
    }
    return Evidence(
        signal=of_verdict(best["verdict"]),
        measure=f"{design.metric} against {_baseline(design)}",
        unit="%",
        where=_where(best, design),
        cases=len(rows),
        alike=sum(row["verdict"] == best["verdict"] for row in rows),
        controls=len(rivals),
        beaten=len(rivals) - len(not_beaten) if best["outcome"] == HELPS else 0,
        seeds=seeds,
        **percent,
    )


def blocks_of(
    verdict: pd.DataFrame, differences: pd.DataFrame, design: Design, limit: int
) -> list[Block]:
    """What a section shows of an experiment: the figure, the verdicts, all comparisons, the design.

    Args:
        verdict: As from ``experiment.verdict.judge``.
        differences: As from ``experiment.comparison.compare``.
        design: The experiment.
        limit: Longest table (rows).
    """
    caption = (
        f"Change of {design.metric} against {_baseline(design)}, with 95 % intervals. "
        f"{'Right' if design.higher_is_better else 'Left'} of the line is better. Hollow marks are "
        "controls, bounds and checks."
    )
    return [
        figure(f"{design.name}-forest", forest(differences, design), caption),
        table(verdict_table(verdict, design, limit)),
        details(
            "All comparisons, and what was declared beforehand",
            [
                table(differences_table(differences, design, limit)),
                table(arms_table(design, limit)),
                paragraph(_declared(design)),
            ],
        ),
    ]


def forest(differences: pd.DataFrame, design: Design) -> go.Figure:
    """Change against the baseline by arm, with its interval: a panel per group, a row per arm.

    Args:
        differences: As from ``experiment.comparison.compare``.
        design: The experiment.
    """
    plain = differences["against"].isin(design.of_role(Role.BASELINE))
    rows = in_percent(differences[plain & differences["tested"] & differences["relative"].notna()])
    if rows.empty:
        return empty_figure("Nothing was tested: too few units, or no arm is used.")
    rows = rows.assign(place=[_place(row, design) for row in rows.to_dict("records")])
    titles = list(dict.fromkeys(rows["place"]))
    arms = [arm for arm in design.by_name if arm in set(rows["arm"])][::-1]
    height = height_of(titles, 20 + 26 * len(arms))
    drawn = panels(titles, height)
    for place, title in enumerate(titles):
        for arm in arms:
            shown = rows[(rows["place"] == title) & (rows["arm"] == arm)]
            drawn.add_trace(
                _interval(shown, arm, arms, design), row=place // 2 + 1, col=place % 2 + 1
            )
    name_rows(drawn, [design.by_name[arm].phrase for arm in arms])
    drawn.update_xaxes(
        zeroline=True, zerolinecolor=INK, zerolinewidth=1.5, ticksuffix=" %", showticklabels=True
    )
    alt = (
        f"Change of {design.metric} against {_baseline(design)}, with 95 % intervals. "
        + " ".join(
            f"{row['place']}: {design.by_name[row['arm']].phrase} "
            f"{change_within(row['percent'], row['percent_low'], row['percent_high'])}, "
            f"{row['outcome']}."
            for row in rows.to_dict("records")
            if design.by_name[row["arm"]].role is Role.TRIAL
        )
    )
    return finish(drawn, height, alt)


def verdict_table(verdict: pd.DataFrame, design: Design, limit: int) -> Table:
    """The verdicts with what they rest on.

    Args:
        verdict: As from ``experiment.verdict.judge``.
        design: The experiment.
        limit: Longest table (rows).
    """
    rows = in_percent(verdict).assign(
        place=[_place(row, design) for row in verdict.to_dict("records")],
    )
    columns = [
        Column("place", "where", text, False),
        Column("arm", "on trial", lambda arm: design.by_name[arm].phrase, False),
        Column("verdict", "verdict", text, False),
        *CHANGE,
        Column("n_units", f"{design.words.units} tested", count),
        Column("reason", "why", text, False),
    ]
    if "gap_closed" in verdict:
        columns.insert(-2, Column("gap_closed", "of the gap to the bound", share))
    return tabulate(rows, "Verdicts", columns, limit)


def differences_table(differences: pd.DataFrame, design: Design, limit: int) -> Table:
    """Every comparison in numbers.

    Args:
        differences: As from ``experiment.comparison.compare``.
        design: The experiment.
        limit: Longest table (rows).
    """
    rows = in_percent(differences).assign(
        place=[_place(row, design) for row in differences.to_dict("records")]
    )

    def phrase(name: str) -> str:
        return design.words.best if name == BEST_BASELINE else design.by_name[name].phrase

    columns = [
        Column("place", "where", text, False),
        Column("arm", "arm", phrase, False),
        Column("against", "against", phrase, False),
        Column("base", "without", score),
        *CHANGE,
        Column("n_units", f"{design.words.units} tested", count),
        Column("least_units", "a verdict takes", count),
        Column("outcome", "outcome", text, False),
    ]
    note = (
        "From and to: 95 % interval of one comparison, by Student's t with and without its "
        "skewness; the p-values are corrected by Holm's method, and outcomes go by them."
    )
    return tabulate(rows, f"Change of {design.metric}", columns, limit, note)


def arms_table(design: Design, limit: int) -> Table:
    """The arms and what each is there for.

    Args:
        design: The experiment.
        limit: Longest table (rows).
    """
    rows = pd.DataFrame(
        {
            "arm": [arm.phrase for arm in design.arms],
            "role": [HELD_TO[arm.role] for arm in design.arms],
            "name": [arm.name for arm in design.arms],
        }
    )
    columns = [
        Column("arm", "arm", text, False),
        Column("role", "what it is there for", text, False),
        Column("name", "name in tables", text, False),
    ]
    return tabulate(rows, "Arms", columns, limit)


def _declared(design: Design) -> str:
    by = f", resampled by {design.cluster}" if design.cluster else ""
    weighted = f", weighted by {design.weight}" if design.weight else ""
    within = f"within {', '.join(design.family)}" if design.family else "of all comparisons"
    return (
        f"Measured per {design.words.unit}{by}{weighted}; at least {number(design.min_units)} "
        f"for a verdict; error rate {design.alpha:g} over a family {within}; "
        f"{design.n_resamples:,} resamples."
    )


def _baseline(design: Design) -> str:
    return design.by_name[design.of_role(Role.BASELINE)[0]].phrase


def _place(row: dict[Any, Any], design: Design) -> str:
    """Group and system of a row, in words; the metric where an experiment has neither."""
    return _where(row, design) or design.metric


def _where(row: dict[Any, Any], design: Design) -> str:
    group = design.words.of([str(row[column]) for column in design.groups])
    system = str(row[design.system]) if design.system else ""
    return "; ".join(filter(None, (group, system)))


def _interval(shown: pd.DataFrame, arm: str, arms: list[str], design: Design) -> go.Scatter:
    mark = MARKS.get(design.by_name[arm].role, OTHER)
    return go.Scatter(
        x=shown["percent"].tolist(),
        y=heights_of(shown["arm"], arms, arm, [arm]),
        error_x=error_bars(
            shown["percent"].to_numpy(float),
            shown["percent_low"].to_numpy(float),
            shown["percent_high"].to_numpy(float),
            mark.colour,
        ),
        mode="markers",
        marker=marker_of(mark, size=9),
        name=as_text(design.by_name[arm].phrase),
        showlegend=False,
        text=shown["outcome"].tolist(),
        hovertemplate="%{text}: %{x:+.1f} %<extra>%{fullData.name}</extra>",
    )
