"""Whether the canonical tables can mean what they say.

A file may be read without a fault and yet be misunderstood: milliseconds taken for seconds, a word
for nobody taken for a customer, numbers of receipts that begin anew every day. What is certainly
wrong stops the run, what may be wrong is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import ibis
import ibis.expr.types as ir
import sqlglot
from sqlglot import exp

from doppelcart.columns import Columns, Tables
from doppelcart.data.baskets import begin_anew, repeating, repeating_figures
from doppelcart.data.engine import GREATEST, counted, first_row, forget, materialise, unusable
from doppelcart.pipelines.ingestion.joins import Finding, joins, listed
from doppelcart.pipelines.ingestion.params import Source, TableSpec
from doppelcart.reading.tolerance import NUMBERS, IngestionParams, implausible

HAPPENED: Final = (Tables.INTERACTIONS, Tables.REDEMPTIONS, Tables.REVIEWS)
"""Tables whose ``timestamp`` says when something happened; campaigns may well end in the future."""
STATED: Final = {Tables.ITEMS: Columns.PRICE, Tables.REVIEWS: Columns.RATING}
"""Numbers without which a row is still of use: unusable ones are taken as unknown."""

UNITS: Final = {
    ("milliseconds", "seconds"): 1e-3,
    ("microseconds", "seconds"): 1e-6,
    ("nanoseconds", "seconds"): 1e-9,
    ("seconds", "milliseconds"): 1e3,
    ("seconds", "microseconds"): 1e6,
}
"""What a wrong moment must be multiplied by if the first unit was taken for the second."""
COMPUTERISED: Final = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
"""Moments that another unit would put before it are no sign of that unit: 9999-12-31, as
milliseconds, would be in 1978."""

NOBODY: Final = (
    *("null", "(null)", "<null>", "nan", "<na>", "na", "n/a", "#n/a", "nil", "none", "nat"),
    *("undefined", "unknown", "anonymous", "anonym", "anon", "guest", "gast", "not set"),
    *("(not set)", "no name", "no id", "missing", "empty", "-", "--", ".", "?", "\\n"),
)
"""What is written, in any case of letters, where there is no user or item."""
NO_NUMBER: Final = r"^(-\d+|0+(\.0+)?|9{4,}|-9+)$"
"""Numbers that stand for nobody in some logs, and for a real user or item in others."""
PLACEHOLDER_SHARE: Final = 0.01
"""Share of lines from which on a placeholder is worth a word."""
TIMES_THE_MEAN: Final = 3
"""How many times the lines of an average user or item a number must have to be a placeholder."""
ONE_USER_SHARE: Final = 0.1
"""Share of all lines from which on one user looks like the account of all guests,"""
ONE_USER_TIMES: Final = 10
"""if it is so many times the share of an average user."""


def examine(
    tables: Mapping[str, ir.Table],
    source: Source,
    params: IngestionParams,
    now: datetime | None = None,
) -> list[Finding]:
    """Look for what is plainly implausible in the declared canonical tables.

    Args:
        tables: The declared tables in their canonical form.
        source: The declaration, for the expressions that made them.
        params: What is tolerated.
        now: The moment of the run, UTC, without a zone; by default the clock's.

    Returns:
        Findings, those that stop the run among them.
    """
    bounds = params.time_bounds(now or datetime.now(UTC).replace(tzinfo=None))
    lines, spec = tables[Tables.INTERACTIONS], source.tables[Tables.INTERACTIONS]
    findings = [
        finding
        for name in HAPPENED
        if name in tables
        for finding in moments(tables[name], name, source.tables[name], params, bounds)
    ]
    findings += numbers(lines, spec, params)
    findings += stated_numbers(tables)
    bought = {
        key: materialise(counted(lines, key), f"counted_{key}")
        for key in (Columns.USER, Columns.ITEM)
    }
    for key, counts in bought.items():
        findings += placeholders(counts, key, spec, params)
    findings += receipts(lines)
    findings += joins(tables, bought, source, params)
    for counts in bought.values():
        forget(counts)
    return findings


def moments(
    table: ir.Table,
    name: str,
    spec: TableSpec,
    params: IngestionParams,
    bounds: tuple[datetime, datetime],
) -> list[Finding]:
    """Moments outside of the bounds, with the likely cause."""
    time = table[Columns.TIMESTAMP]
    outside = implausible(time, bounds)
    late = (time >= ibis.literal(bounds[1], type="timestamp")).fill_null(False)
    found = first_row(
        table.aggregate(
            rows=table.count(),
            outside=outside.sum().fill_null(0),
            late=late.sum().fill_null(0),
            middle=time.epoch_seconds().median(where=outside),
        )
    )
    rows, n_outside = int(found["rows"]), int(found["outside"])
    if n_outside == 0:
        return []
    what = (
        f"column timestamp lies before {bounds[0]:%Y-%m-%d} or not before {bounds[1]:%Y-%m-%d} in "
        f"{n_outside:,} of {rows:,} rows ({n_outside / rows:.1%}), such as "
        f"{_commonest(table.filter(outside), time)}"
    )
    if n_outside > params.max_implausible_time_share * rows:
        why = _unit(float(found["middle"]), bounds, spec.columns.get(Columns.TIMESTAMP)) or (
            "correct its expression or, if the shop's lines are of that time, set "
            "ingestion.earliest_time and ingestion.latest_time"
        )
        allowed = f"{params.max_implausible_time_share:.1%}"
        text = f"{what}, more than ingestion.max_implausible_time_share = {allowed} allows; {why}"
        return [Finding(name, text, stops=True)]
    text = f"{what}; correct its expression if they are meant"
    if name == Tables.INTERACTIONS:
        text = f"{what}; cleaning takes them by its rule implausible_time"
        if found["late"] and params.latest_time is None:
            text += (
                ". What is too late depends on the day of the run: set ingestion.latest_time to "
                "the end of the export, and every run takes the same"
            )
    return [Finding(name, text)]


def _commonest(rows: ir.Table, value: ir.Value, most: int = 3) -> str:
    """The values that occur most often, with their counts."""
    texts = rows.select(value=value.cast("string"))
    counts = texts.group_by("value").aggregate(rows=texts.count())
    frame = counts.order_by([ibis.desc("rows"), "value"]).limit(most).to_pandas()
    return ", ".join(f"{text} ({count:,})" for text, count in frame.itertuples(index=False))


def _unit(middle: float, bounds: tuple[datetime, datetime], expression: str | None) -> str:
    """Say which unit of time was taken for which, and how to put it right; empty if neither."""
    latest = bounds[1].replace(tzinfo=UTC).timestamp()
    for (given, taken), factor in UNITS.items():
        if math.isfinite(middle) and COMPUTERISED <= middle * factor < latest:
            return f"{given} seem to be taken for {taken}: {rescaling(expression, factor)}"
    return ""


def rescaling(expression: str | None, factor: float) -> str:
    """Say how to bring an expression's column to another unit.

    Args:
        expression: The SQL expression that makes the moment; None where a whole SELECT does.
        factor: What its column must be multiplied by: 1,000 or a power of it, or one over that.
    """
    by = f"// {1 / factor:.0f}" if factor < 1 else f"* {factor:.0f}"
    parsed = sqlglot.parse_one(expression, dialect="duckdb") if expression else exp.null()
    columns = list(parsed.find_all(exp.Column))
    if len(columns) != 1 or parsed is columns[0]:
        done = "divide" if factor < 1 else "multiply"
        return f"{done} the number that it is made of by {max(factor, 1 / factor):,.0f}"
    column = columns[0]
    # text is made a number before it is scaled
    scaled = column.parent if isinstance(column.parent, exp.Cast) else column
    scaled = column if scaled is parsed else scaled
    new = sqlglot.parse_one(f"(x {by})", dialect="duckdb")
    next(new.find_all(exp.Column)).replace(scaled.copy())
    scaled.replace(new)
    return f"write `timestamp: {parsed.sql(dialect='duckdb')}`"


def overflow_hint(error: Exception, spec: TableSpec) -> str:
    """What to do where the engine cannot hold a moment, as with microseconds taken for seconds."""
    said = str(error).lower()
    expression = spec.columns.get(Columns.TIMESTAMP)
    if expression is None or not ("overflow" in said or "out of range" in said):
        return ""
    return (
        ". Is the column of `timestamp` in milliseconds or microseconds? Then "
        f"{rescaling(expression, 1e-3)}, or by 1000000 instead of 1000"
    )


def numbers(lines: ir.Table, spec: TableSpec, params: IngestionParams) -> list[Finding]:
    """Numbers of lines that are infinite, not a number or beyond what a shop can have."""
    given = [name for name in NUMBERS if name in lines.columns]
    figures = {name: unusable(lines[name]).sum().fill_null(0) for name in given}
    found = first_row(lines.aggregate(row_count=lines.count(), **figures))
    rows, findings = int(found["row_count"]), []
    for name in given:
        count = int(found[name])
        if count == 0:
            continue
        what = (
            f"column {name} is infinite, not a number or beyond {GREATEST:.0e} in {count:,} of "
            f"{rows:,} rows ({count / rows:.1%})"
        )
        if count > params.max_bad_amount_share * rows:
            expression = spec.columns.get(name, name)
            text = (
                f"{what}, more than ingestion.max_bad_amount_share = "
                f"{params.max_bad_amount_share:.1%} allows; repair the file, raise that parameter, "
                f"or make them missing: `{name}: CASE WHEN isfinite({expression}) THEN "
                f"{expression} END`"
            )
            findings.append(Finding(Tables.INTERACTIONS, text, stops=True))
        else:
            text = f"{what}; cleaning takes them by its rule not_finite, or by an earlier one"
            findings.append(Finding(Tables.INTERACTIONS, text))
    return findings


def stated_numbers(tables: Mapping[str, ir.Table]) -> list[Finding]:
    """Prices and ratings that ``without_unusable`` takes as unknown."""
    findings = []
    for name, column in STATED.items():
        if name not in tables:
            continue
        table = tables[name]
        found = first_row(
            table.aggregate(rows=table.count(), bad=_unknown(table, column).sum().fill_null(0))
        )
        if count := int(found["bad"]):
            below = "0 or below, " if column == Columns.PRICE else ""
            text = (
                f"column {column} is {below}infinite or not a number in {count:,} of "
                f"{int(found['rows']):,} rows; they are taken as unknown"
            )
            findings.append(Finding(name, text))
    return findings


def without_unusable(tables: Mapping[str, ir.Table]) -> dict[str, ir.Table]:
    """The tables, with prices and ratings that cannot be used made null."""
    known = dict(tables)
    for name, column in STATED.items():
        table = known[name]
        known[name] = table.mutate(**{column: _unknown(table, column).ifelse(None, table[column])})
    return known


def _unknown(table: ir.Table, column: str) -> ir.Value:
    """Whether a stated number says nothing; shops write 0 or -1 where they know no price."""
    useless = unusable(table[column])
    if column == Columns.PRICE:
        useless |= (table[column] <= 0).fill_null(False)
    return useless


def placeholders(
    counts: ir.Table, key: str, spec: TableSpec, params: IngestionParams
) -> list[Finding]:
    """Users or items that seem to stand for nobody, or for everybody without an account.

    Args:
        counts: Each user or item of the log with its number of rows as ``row_count``.
        key: Name of the identifier.
        spec: The declaration of the interactions.
        params: What is tolerated.
    """
    total = first_row(counts.aggregate(ids=counts.count(), row_count=counts["row_count"].sum()))
    rows, mean = int(total["row_count"]), total["row_count"] / total["ids"]
    n, name = counts["row_count"], counts[key].strip().lower()
    word = name.isin(NOBODY) & (n >= PLACEHOLDER_SHARE * rows)
    number = (
        name.re_search(NO_NUMBER) & (n >= PLACEHOLDER_SHARE * rows) & (n >= TIMES_THE_MEAN * mean)
    )
    crowd = ibis.literal(False)
    if key == Columns.USER:
        crowd = (n >= ONE_USER_SHARE * rows) & (n >= ONE_USER_TIMES * mean)
    seen = counts.mutate(nobody=word | number).filter(word | number | crowd)
    frame = seen.order_by([ibis.desc("row_count"), key]).to_pandas()
    return [
        Finding(Tables.INTERACTIONS, _nobody(key, name, count, rows, bool(nobody), spec, params))
        for name, count, nobody in frame[[key, "row_count", "nobody"]].itertuples(index=False)
    ]


def _nobody(
    key: str,
    name: str,
    count: int,
    rows: int,
    nobody: bool,
    spec: TableSpec,
    params: IngestionParams,
) -> str:
    """Say that an identifier may stand for nobody, and how to make it missing."""
    thing, share = key.removesuffix("_id"), count / rows
    why = "a name that is given where there is none" if nobody else "far more than anybody else"
    quoted = name.replace("'", "''")
    text = (
        f"column {key} is {name!r} in {count:,} of {rows:,} rows ({share:.1%}), {why}, and counts "
        f"as one {thing}. If nobody is meant, make it missing: "
        f"`{key}: nullif({spec.columns.get(key, key)}, '{quoted}')`"
    )
    if share > params.max_missing_share:
        text += f", and set ingestion.max_missing_share to {math.ceil(share * 100 + 1) / 100:.2f}"
    return text


def receipts(lines: ir.Table) -> list[Finding]:
    """Basket numbers that begin anew, which cleaning tells apart by the day."""
    found = materialise(repeating(lines), "repeating_baskets")
    figures = repeating_figures(lines, found)
    worst = found.order_by([ibis.desc("lines"), Columns.BASKET]).limit(3)
    shown = listed(worst[Columns.BASKET].to_pandas())
    forget(found)
    if not begin_anew(figures):
        return []
    text = (
        f"column basket_id repeats: {figures['repeating']:,} of {figures['rows']:,} rows "
        f"({figures['repeating'] / figures['rows']:.1%}) are in baskets of several users, or of "
        f"days that are more than one apart, such as {shown}. A basket is one visit of one user, "
        "so cleaning adds day and user to every basket_id. If something else tells them apart, "
        "say so in the expression of basket_id, as in `concat(branch, '-', receipt)`"
    )
    return [Finding(Tables.INTERACTIONS, text)]
