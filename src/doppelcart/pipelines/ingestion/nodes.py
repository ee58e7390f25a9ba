"""From a source's files to the canonical tables, checked before anything is written."""

from __future__ import annotations

import logging
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from doppelcart.columns import Columns, Tables
from doppelcart.data.engine import materialise
from doppelcart.data.schemas import SCHEMAS, TEXT, check, empty
from doppelcart.errors import InputError
from doppelcart.pipelines.ingestion import plausibility
from doppelcart.pipelines.ingestion.casts import cast, expressions
from doppelcart.pipelines.ingestion.declared import declare_tables
from doppelcart.pipelines.ingestion.params import Source
from doppelcart.pipelines.ingestion.unreadable import (
    column_faults,
    listing,
    log_faults,
    measure,
    zone_faults,
)
from doppelcart.progress import tracked
from doppelcart.reading.files import plain
from doppelcart.reading.source_tables import RawTables
from doppelcart.reading.tolerance import IngestionParams

DISABLES = {
    Tables.ITEMS: "item attributes: no categories in profiles, no intra-list diversity",
    Tables.USERS: "demographics: users are described by their behaviour only",
    Tables.PROMOTIONS: "promotion exposure in profiles",
    Tables.COUPONS: "what the coupons applied to",
    Tables.CAMPAIGNS: "who was addressed by campaigns",
    Tables.REDEMPTIONS: "which coupons were redeemed",
    Tables.REVIEWS: "review sentiment in profiles",
    Tables.PICTURES: "what pictures of items show",
    Tables.FACTS: "facts of the graph besides what the other tables tell",
}

log = logging.getLogger(__name__)


def conform_tables(
    declared: dict[str, ir.Table], source: Source, params: IngestionParams
) -> tuple[dict[str, ir.Table], dict[str, dict[str, Any]]]:
    """Bring every table into its canonical form, and measure it before anything is written.

    Args:
        declared: Tables as the source's expressions give them.
        source: The declaration.
        params: What is tolerated.

    Returns:
        Every canonical table, in its schema (empty where the source has none), lazily but for
        the interactions; and the measurements of the declared ones.

    Raises:
        InputError: If a table is empty, a column unreadable, an id column all null, a share of
            bad rows too high, or there are fewer than two users, items or points in time; all
            faults at once.
    """
    faults: list[str] = []
    conformed: dict[str, ir.Table] = {}
    measured: dict[str, dict[str, Any]] = {}
    for name, table in tracked(declared.items(), "reading tables", "table"):
        place = _place(name, source)
        if zoned := zone_faults(table, name):
            faults.extend(f"{place}: {fault}" for fault in zoned)
            continue
        columns = expressions(table, name, source.currency.factor)
        try:
            conformed[name] = table.select(**columns)
            if name == Tables.INTERACTIONS:
                # Looked at from many sides, so its file is to be read but once for all of them.
                conformed[name] = materialise(conformed[name], "ingested_lines")
            measured[name] = measure(table, columns, conformed[name], name)
            wrong = column_faults(table, measured[name], name, params)
        except Exception as error:  # noqa: BLE001 - every engine has errors of its own
            hint = plausibility.overflow_hint(error, source.tables[name])
            wrong = [f"the engine cannot compute it: {plain(error)}{hint}"]
        faults.extend(f"{place}: {fault}" for fault in wrong)
    if Tables.INTERACTIONS in measured and not faults:
        place = _place(Tables.INTERACTIONS, source)
        faults = [
            f"{place}: {fault}" for fault in log_faults(measured[Tables.INTERACTIONS], params)
        ]
    if faults:
        raise InputError(listing("the source's rows cannot be used as they are", faults))
    return {name: conformed.get(name, empty(name)) for name in SCHEMAS}, measured


def ingest(
    raw_tables: dict[str, ir.Table],
    raw_files: pd.DataFrame,
    source: Source,
    params: IngestionParams,
) -> dict[str, Any]:
    """Make the canonical tables of a source, and sum up what was read.

    Args:
        raw_tables: The files' tables by file name.
        raw_files: One row per file: name, path, bytes, sha256.
        source: The declaration of the source.
        params: What is tolerated in its rows.

    Returns:
        The canonical tables by name, lazily but for the interactions, and ``summary``.

    Raises:
        InputError: If the source cannot be used; before any output is written.
    """
    left_out = raw_tables.left_out if isinstance(raw_tables, RawTables) else {}
    rows = {name: int(table.count().to_pandas()) for name, table in raw_tables.items()}
    _check_left_out(left_out, rows, source, params)
    declared = declare_tables(raw_tables, source)
    tables, measured = conform_tables(declared, source, params)
    checked = {name: check(table, name) for name, table in tables.items()}
    examined = {name: checked[name] for name in declared}
    if Tables.PROMOTIONS in declared:
        examined[Tables.PROMOTIONS] = _promoted_items(declared[Tables.PROMOTIONS])
    warnings = check_plausible(examined, source, params)
    checked = plausibility.without_unusable(checked)
    if Tables.PROMOTIONS in declared:
        checked[Tables.PROMOTIONS] = _of_bought_items(
            checked[Tables.PROMOTIONS], checked[Tables.INTERACTIONS]
        )
    read = {name: {"rows": count, **left_out.get(name, {})} for name, count in rows.items()}
    return {**checked, "summary": _summary(source, raw_files, read, measured, warnings)}


def check_plausible(
    tables: dict[str, ir.Table], source: Source, params: IngestionParams
) -> list[str]:
    """Stop if the tables cannot mean what they say, and warn of what may be misunderstood.

    Args:
        tables: The declared tables in their canonical form; of promotions, the items alone.
        source: The declaration.
        params: What is tolerated.

    Returns:
        What may be misunderstood, one text each, for the summary.

    Raises:
        InputError: If moments, numbers or joins are implausible at large; all faults at once.
    """
    findings = plausibility.examine(tables, source, params)
    faults, warnings = (
        [
            f"{_place(finding.table, source)}: {finding.text}"
            for finding in findings
            if finding.stops == stops
        ]
        for stops in (True, False)
    )
    for warning in warnings:
        log.warning("%s", warning)
    if faults:
        raise InputError(listing("the source's rows cannot mean what they say", faults))
    return warnings


def _check_left_out(
    left_out: dict[str, dict[str, Any]],
    rows: dict[str, int],
    source: Source,
    params: IngestionParams,
) -> None:
    """Say which lines of files are no rows; stop if too many of them cannot be read."""
    faults = []
    for name, lines in left_out.items():
        path, rejected = source.files[name].path, lines.get("rejected", 0)
        log.warning("file %s (%s): lines that are no rows: %s", name, path, lines)
        total = rows[name] + rejected
        if rejected > params.max_unreadable_share * total:
            faults.append(
                f"file {name} ({path}): {rejected:,} of {total:,} lines cannot be read and would "
                f"be left out by `ignore_errors`, such as {'; '.join(lines['such_as'])}; more than "
                f"ingestion.max_unreadable_share = {params.max_unreadable_share:.1%} allows; "
                "repair the file (a quote that is not closed swallows what follows it), set "
                "`options: {encoding: cp1252}` (or its own) if it is not UTF-8, or raise that "
                "parameter"
            )
    if faults:
        raise InputError(listing("the source's files cannot be read whole", faults))


def _summary(
    source: Source,
    raw_files: pd.DataFrame,
    read: dict[str, dict[str, Any]],
    measured: dict[str, dict[str, Any]],
    warnings: list[str],
) -> dict[str, Any]:
    """What was read, what may be misunderstood in it, and what the source lacks."""
    skipped = [
        {"table": name, "disables": text} for name, text in DISABLES.items() if name not in measured
    ]
    for entry in skipped:
        log.info("source %s has no %s: without %s", source.name, entry["table"], entry["disables"])
    files = raw_files.astype(object).where(raw_files.notna(), None).to_dict("records")
    interactions = measured[Tables.INTERACTIONS]
    return {
        "source": source.name,
        "description": source.description,
        "licence": source.licence,
        "currency": source.currency.name,
        "files": [{**file, **read[file["name"]]} for file in files],
        "tables": {name: int(values["rows"]) for name, values in measured.items()},
        "interactions": {
            "users": int(interactions["users"]),
            "items": int(interactions["items"]),
            "first": str(interactions["first"]),
            "last": str(interactions["last"]),
        },
        "warnings": warnings,
        "skipped": skipped,
    }


def _of_bought_items(promotions: ir.Table, interactions: ir.Table) -> ir.Table:
    """Promotions of items that were ever bought; the others describe nobody."""
    return promotions.semi_join(interactions.select(Columns.ITEM).distinct(), Columns.ITEM)


def _promoted_items(promotions: ir.Table) -> ir.Table:
    """The identifiers of promoted items, each read once: there are few to millions of rows."""
    items = promotions.select(Columns.ITEM).distinct()
    return items.select(cast(items[Columns.ITEM], Columns.ITEM, TEXT).name(Columns.ITEM))


def _place(name: str, source: Source) -> str:
    """Name a table, and the file it is made of."""
    file = source.tables[name].from_
    return f"table {name} (file {file}: {source.files[file].path})" if file else f"table {name}"
