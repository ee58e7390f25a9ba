"""From a source's files to the canonical tables, checked before anything is written."""

# ruff: noqa: PD003, PD004 - Ibis columns have isnull and notnull only

import logging
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import sqlglot
from sqlglot import exp

from doppelcart.columns import Columns, Tables
from doppelcart.data.engine import first_row, materialise, view
from doppelcart.data.schemas import IDS, REQUIRED, SCHEMAS, TEXT, check, empty
from doppelcart.errors import InputError
from doppelcart.pipelines.ingestion import plausibility
from doppelcart.pipelines.ingestion.params import Source, TableSpec
from doppelcart.progress import tracked
from doppelcart.reading.declaration import readings, statement
from doppelcart.reading.files import plain
from doppelcart.reading.source_tables import RawTables
from doppelcart.reading.tolerance import IngestionParams
from doppelcart.reading.types import MOMENT, moment_hint

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
MONEY = (Columns.AMOUNT, Columns.DISCOUNT, Columns.COUPON_AMOUNT, Columns.PRICE)
AFTER_BLANKS = "!"
"""The first text, in the order of bytes, that begins with no blank and is not empty."""

log = logging.getLogger(__name__)


def declare_tables(raw_tables: dict[str, ir.Table], source: Source) -> dict[str, ir.Table]:
    """Apply the source's expressions; nothing is computed yet.

    Args:
        raw_tables: The files' tables by file name, on one connection.
        source: The declaration.

    Returns:
        Per declared canonical table, its columns in whatever type the expressions give.

    Raises:
        InputError: If expressions name columns that the files lack, or are no valid SQL; all
            such faults at once.
    """
    faults: list[str] = []
    declared: dict[str, ir.Table] = {}
    for name, spec in source.tables.items():
        wrong = _missing_columns(name, spec, raw_tables, source)
        if not wrong:
            try:
                declared[name] = _declared(name, spec, raw_tables)
            except Exception as error:  # noqa: BLE001 - every engine has errors of its own
                wrong = [f"table {name}: the engine refuses its expressions: {plain(error)}"]
                wrong += _texts_in(spec, raw_tables)
        faults.extend(wrong)
    for name, table in declared.items():
        absent = [column for column in REQUIRED[name] if column not in table.columns]
        faults.extend(f"table {name}: its `sql` gives no column {column}" for column in absent)
    if faults:
        raise InputError(_listing("the source's tables cannot be made of its files", faults))
    return declared


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
        if zoned := _zone_faults(table, name):
            faults.extend(f"{place}: {fault}" for fault in zoned)
            continue
        columns = _expressions(table, name, source.currency.factor)
        try:
            conformed[name] = table.select(**columns)
            if name == Tables.INTERACTIONS:
                # Looked at from many sides, so its file is to be read but once for all of them.
                conformed[name] = materialise(conformed[name], "ingested_lines")
            measured[name] = _measure(table, columns, conformed[name], name)
            wrong = _column_faults(table, measured[name], name, params)
        except Exception as error:  # noqa: BLE001 - every engine has errors of its own
            hint = plausibility.overflow_hint(error, source.tables[name])
            wrong = [f"the engine cannot compute it: {plain(error)}{hint}"]
        faults.extend(f"{place}: {fault}" for fault in wrong)
    if Tables.INTERACTIONS in measured and not faults:
        place = _place(Tables.INTERACTIONS, source)
        faults = [
            f"{place}: {fault}" for fault in _log_faults(measured[Tables.INTERACTIONS], params)
        ]
    if faults:
        raise InputError(_listing("the source's rows cannot be used as they are", faults))
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
        raise InputError(_listing("the source's rows cannot mean what they say", faults))
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
                "repair the file, set `options: {encoding: cp1252}` (or its own) if it is not "
                "UTF-8, or raise that parameter"
            )
    if faults:
        raise InputError(_listing("the source's files cannot be read whole", faults))


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
    return items.select(_cast(items[Columns.ITEM], Columns.ITEM, TEXT).name(Columns.ITEM))


def _declared(name: str, spec: TableSpec, raw_tables: dict[str, ir.Table]) -> ir.Table:
    """The view that a declaration stands for: the first reading that the engine takes."""
    connection = next(iter(raw_tables.values())).get_backend()
    schemas = {file: dict(table.schema().items()) for file, table in raw_tables.items()}
    kinds = raw_tables.kinds if isinstance(raw_tables, RawTables) else {}
    refusal: Exception | None = None
    for query in readings(statement(spec.model_dump(by_alias=True)), schemas, kinds):
        try:
            return view(connection, f"declared_{name}", query)
        except Exception as error:  # noqa: BLE001 - every engine has errors of its own
            refusal = refusal or error
    raise refusal or InputError("it has no reading")


def _texts_in(spec: TableSpec, raw_tables: dict[str, ir.Table]) -> list[str]:
    """Columns of text that an expression computes with, and what in them is no number."""
    if spec.from_ is None:
        return []
    table, lines = raw_tables[spec.from_], []
    for column in _used_columns(spec):
        name = next((known for known in table.columns if known.lower() == column.lower()), None)
        if name is None or not table[name].type().is_string():
            continue
        odd = table.filter(table[name].notnull() & table[name].try_cast("float64").isnull())[name]
        count = int(odd.count().to_pandas())
        if 0 < count < table[name].count().to_pandas() or _with_comma(odd):
            lines.append(
                f"  column {name} is text, as {count:,} of its values are no numbers, such as "
                f"{_shown(odd)}; {_number_hint(odd, name)}"
            )
    return lines


def _missing_columns(
    name: str, spec: TableSpec, raw_tables: dict[str, ir.Table], source: Source
) -> list[str]:
    """Columns that expressions use and the file lacks, one line per column."""
    if spec.from_ is None:
        return []
    known = {column.lower() for column in raw_tables[spec.from_].columns}
    try:
        used = _used_columns(spec)
    except sqlglot.errors.SqlglotError as error:
        return [f"table {name}, {error.args[0]}"]
    return [
        f"table {name}, {target}: file {spec.from_} ({source.files[spec.from_].path}) has no "
        f"column '{column}'; it has {', '.join(raw_tables[spec.from_].columns)}"
        for column, target in used.items()
        if column.lower() not in known
    ]


def _used_columns(spec: TableSpec) -> dict[str, str]:
    """Columns of the file that expressions use, each with where it is used last.

    Raises:
        sqlglot.errors.SqlglotError: If an expression is no SQL.
    """
    used: dict[str, str] = {}
    for target, text in [*spec.columns.items(), ("where", spec.where or "TRUE")]:
        try:
            parsed = sqlglot.parse_one(text, dialect="duckdb")
        except sqlglot.errors.SqlglotError as error:
            raise sqlglot.errors.SqlglotError(
                f"{target}: `{text}` is not valid SQL: {error}"
            ) from error
        if parsed.find(exp.Select) is None:
            names = (_outermost(column, spec) for column in parsed.find_all(exp.Column))
            used |= dict.fromkeys(names, target)
    return used


def _outermost(column: exp.Column, spec: TableSpec) -> str:
    """The file's column in ``file.column.field``, of which file and field may be absent."""
    parts = [part.name for part in column.parts]
    return parts[1] if len(parts) > 1 and parts[0] == spec.from_ else parts[0]


def _expressions(table: ir.Table, name: str, factor: float) -> dict[str, ir.Value]:
    """Per canonical column, the cast of what the source gives; null where a value has no cast."""
    schema = dict(SCHEMAS[name])
    if name == Tables.USERS:
        schema |= {column: TEXT for column in table.columns if column not in schema}
    columns = {
        column: _cast(table[column], column, dtype) if column in table.columns else ibis.null(dtype)
        for column, dtype in schema.items()
    }
    if factor != 1:
        columns |= {money: columns[money] * factor for money in MONEY if money in columns}
    if name == Tables.INTERACTIONS and Columns.QUANTITY not in table.columns:
        # A literal 1.0 would be a decimal in the Parquet file.
        columns[Columns.QUANTITY] = ibis.literal(1).cast("float64")
    if name == Tables.INTERACTIONS and Columns.BASKET not in table.columns:
        moment = columns[Columns.TIMESTAMP].cast("string")
        columns[Columns.BASKET] = columns[Columns.USER].concat("@", moment)
    return columns


def _cast(column: ir.Column, name: str, dtype: Any) -> ir.Value:
    """Read a column as a type; blank ids are null, and whole numbers lose their `.0`."""
    if name in IDS:
        if column.type().is_floating():
            return _floating_id(column)
        text = column.cast("string")
        return _stripped(text) if column.type().is_string() else text
    if dtype.is_timestamp() and not column.type().is_temporal():
        return _moment(column, dtype)
    return column if column.type() == dtype else column.try_cast(dtype)


def _stripped(text: ir.StringColumn) -> ir.Value:
    """A text without blanks around it, null if nothing is left."""
    # Only where there are any: stripping itself is most of the work of reading ids.
    blank = (text < AFTER_BLANKS) | (text.right(1) < AFTER_BLANKS)
    return blank.ifelse(text.strip().nullif(""), text)


def _moment(column: ir.Column, dtype: Any) -> ir.Value:
    """Read text that can be read in one way only as a moment; a number is none."""
    text = column.cast("string").strip()
    return text.re_search(f"^({MOMENT})$").ifelse(text.try_cast(dtype), ibis.null(dtype))


def _floating_id(column: ir.Column) -> ir.Value:
    """A number as an id: NaN is a missing one, and a fraction tells two ids apart."""
    present = column.isnan().ifelse(None, column)
    whole = present.try_cast("int64")
    return (present == whole).ifelse(whole.cast("string"), present.cast("string"))


def _measure(
    table: ir.Table, columns: dict[str, ir.Value], read: ir.Table, name: str
) -> dict[str, Any]:
    """Count rows, and per column the values before and after reading.

    Args:
        table: A declared table.
        columns: The casts of its columns.
        read: The table of these casts.
        name: Its canonical name.
    """
    # Anything is an identifier, or missing if blank; nothing is unreadable there.
    cast = [c for c in table.columns if c not in IDS and not columns[c].equals(table[c])]
    figures: dict[str, Any] = {"rows": read.count()}
    # A whole number is always read as a text, which need not be made to be counted.
    plain = [c for c in table.columns if c in IDS and table[c].type().is_integer()]
    figures |= {
        f"read_{column}": read[column].count() for column in table.columns if column not in plain
    }
    if name == Tables.INTERACTIONS:
        figures |= {
            "users": read[Columns.USER].nunique(),
            "items": read[Columns.ITEM].nunique(),
            # as text: an engine's moments reach further than those of Python
            "first": read[Columns.TIMESTAMP].min().cast("string"),
            "last": read[Columns.TIMESTAMP].max().cast("string"),
        }
        if Columns.AMOUNT in table.columns:
            amount = read[Columns.AMOUNT]
            figures |= {"bad_amounts": (amount.isnan() | (amount < 0)).sum()}
    found = first_row(read.aggregate(**figures))
    counts = {c: table[c].count() for c in (*plain, *cast)}
    given = first_row(table.aggregate(**counts)) if counts else {}
    found |= {f"read_{column}": given[column] for column in plain}
    given = {f"given_{c}": given.get(c, found[f"read_{c}"]) for c in table.columns}
    return found | given


def _column_faults(
    table: ir.Table, figures: dict[str, Any], name: str, params: IngestionParams
) -> list[str]:
    """What is wrong with single columns of a table."""
    rows = figures["rows"]
    if rows == 0:
        return ["no row at all; check the file, and `where` if there is one"]
    faults = []
    for column in table.columns:
        given, read = figures[f"given_{column}"], figures[f"read_{column}"]
        if column in REQUIRED[name] and given == 0:
            faults.append(f"column {column} is null in all {rows:,} rows; correct its expression")
        elif given - read > params.max_unreadable_share * given:
            faults.append(_unreadable(table, column, given, read, name))
    return faults


def _zone_faults(table: ir.Table, name: str) -> list[str]:
    """Columns whose moments carry a zone, which do not say what the shop's clock showed."""
    return [
        f"column {column}: its moments carry a time zone; say what the clock of the shop showed, "
        f"with `timezone('Europe/Berlin', ...)` around the column or "
        f"`timezone('Europe/Berlin', timezone('UTC', ...))`, or `timezone('UTC', ...)` to keep UTC"
        for column, dtype in SCHEMAS[name].items()
        if dtype.is_timestamp() and column in table.columns and _has_zone(table[column].type())
    ]


def _has_zone(dtype: Any) -> bool:
    return dtype.is_timestamp() and dtype.timezone is not None


def _unreadable(table: ir.Table, column: str, given: int, read: int, name: str) -> str:
    """Say how many values of a column cannot be read, and show three of them."""
    dtype = SCHEMAS[name].get(column, TEXT)
    odd = table.filter(table[column].notnull() & _cast(table[column], column, dtype).isnull())
    hint = _number_hint(odd[column], column)
    if dtype.is_timestamp():
        hint = moment_hint(odd[column], mixed=read > 0)
    return (
        f"column {column}: {given - read:,} of {given:,} values cannot be read as {dtype}, such as "
        f"{_shown(odd[column])}; correct its expression, say with {hint}, or raise "
        "ingestion.max_unreadable_share"
    )


def _shown(values: ir.Column) -> str:
    """Three values of a column."""
    name = values.get_name()
    return ", ".join(repr(value) for value in values.as_table().limit(3)[name].to_list())


def _number_hint(values: ir.Column, name: str) -> str:
    """What to write where values are no numbers."""
    if _with_comma(values):
        return '`options: {decimal_separator: ","}` for its file, or `replace(...)`'
    return f"`TRY_CAST({name} AS DOUBLE)` or `replace(...)`"


def _with_comma(values: ir.Column) -> bool:
    """Whether all values are numbers with a decimal comma."""
    if not values.type().is_string():
        return False
    comma = values.strip().re_search(r"^[+-]?[0-9.]*,[0-9]+$")
    return bool(comma.all().fill_null(False).to_pandas())


def _log_faults(figures: dict[str, Any], params: IngestionParams) -> list[str]:
    """What is wrong with the interactions as a whole."""
    rows, faults = figures["rows"], []
    for column in REQUIRED[Tables.INTERACTIONS]:
        absent = rows - figures[f"read_{column}"]
        if absent > params.max_missing_share * rows:
            faults.append(
                f"column {column} is missing in {absent:,} of {rows:,} rows ({absent / rows:.1%}), "
                f"more than ingestion.max_missing_share = {params.max_missing_share:.1%} allows; "
                "repair the file or raise that parameter"
            )
    bad = figures.get("bad_amounts") or 0
    if bad > params.max_bad_amount_share * rows:
        faults.append(
            f"column amount is negative or not a number in {bad:,} of {rows:,} rows "
            f"({bad / rows:.1%}), more than ingestion.max_bad_amount_share = "
            f"{params.max_bad_amount_share:.1%} allows; repair the file or raise that parameter"
        )
    for thing, key in (("user", Columns.USER), ("item", Columns.ITEM)):
        if figures[f"{thing}s"] == 1:
            faults.append(
                f"column {key} holds one {thing} only in {rows:,} rows; a recommender needs many, "
                "check the expression"
            )
    if figures["first"] == figures["last"]:
        faults.append(
            f"column timestamp is {figures['first']} in all {rows:,} rows, so that no split by "
            "time is possible; check the expression"
        )
    return faults


def _place(name: str, source: Source) -> str:
    """Name a table, and the file it is made of."""
    file = source.tables[name].from_
    return f"table {name} (file {file}: {source.files[file].path})" if file else f"table {name}"


def _listing(what: str, faults: list[str]) -> str:
    """A message that lists faults, one per line."""
    return f"{what}:\n" + "\n".join(f"  {fault}" for fault in faults)
