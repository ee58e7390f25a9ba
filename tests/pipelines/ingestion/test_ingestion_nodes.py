from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fabricate import write_shop

from doppelcart.columns import Tables
from doppelcart.data.schemas import SCHEMAS
from doppelcart.datasets.source import SourceFiles, SourceTables
from doppelcart.errors import InputError
from doppelcart.pipelines.ingestion.nodes import ingest
from doppelcart.pipelines.ingestion.params import Source
from doppelcart.reading.tolerance import IngestionParams

LOG = pd.DataFrame(
    {
        "who": ["1", "2", "1", "2"],
        "what": ["a", "b", "b", "a"],
        "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]),
        "paid": [1.0, 2.0, 3.0, 4.0],
    }
)
COLUMNS = {"user_id": "who", "item_id": "what", "timestamp": "day", "amount": "paid"}


def read(
    folder: Path, log: pd.DataFrame, columns: dict[str, str] = COLUMNS, **rest: Any
) -> dict[str, Any]:
    """Ingest a source whose interactions come of one frame."""
    log.to_parquet(folder / "log.parquet", index=False)
    params = IngestionParams(**rest.pop("params", {}))
    tables = {"interactions": {"from": "log", "columns": columns, **rest.pop("spec", {})}}
    source = Source(
        name="shop",
        files={"log": {"path": str(folder / "log.parquet")}},
        tables={**tables, **rest.pop("tables", {})},
        **rest,
    )
    files = {name: spec.model_dump() for name, spec in source.files.items()}
    return ingest(SourceTables(files).load(), SourceFiles(files).load(), source, params)


def interactions(result: dict[str, Any]) -> pd.DataFrame:
    return result[Tables.INTERACTIONS].to_pandas().sort_values("timestamp", ignore_index=True)


def test_expressions_give_canonical_columns_and_absent_ones_are_null(tmp_path: Path) -> None:
    frame = interactions(read(tmp_path, LOG, COLUMNS | {"item_id": "upper(what)"}))
    assert list(frame.columns) == list(SCHEMAS[Tables.INTERACTIONS])
    assert frame["item_id"].tolist() == ["A", "B", "B", "A"]
    assert frame["amount"].tolist() == [1, 2, 3, 4]
    assert frame["discount"].isna().all()
    assert frame["quantity"].tolist() == [1, 1, 1, 1]
    assert frame["quantity"].dtype == float
    assert frame["basket_id"].nunique() == 4


def test_the_currency_factor_applies_to_money_only(tmp_path: Path) -> None:
    result = read(
        tmp_path, LOG, COLUMNS | {"quantity": "paid"}, currency={"name": "dollar", "factor": 0.01}
    )
    frame = interactions(result)
    assert frame["amount"].tolist() == pytest.approx([0.01, 0.02, 0.03, 0.04])
    assert frame["quantity"].tolist() == [1, 2, 3, 4]
    assert result["summary"]["currency"] == "dollar"


def test_ids_lose_blanks_and_fractions_and_nan_is_missing(tmp_path: Path) -> None:
    log = LOG.assign(who=[13085.0, float("nan"), 7.0, 7.0], what=[" a", "b ", "  ", "a"])
    frame = interactions(read(tmp_path, log, params={"max_missing_share": 0.5}))
    assert frame["user_id"].tolist() == ["13085", None, "7", "7"]
    assert frame["item_id"].tolist() == ["a", "b", None, "a"]


def test_ids_that_differ_by_a_fraction_stay_apart(tmp_path: Path) -> None:
    log = LOG.assign(what=[10.1, 10.2, 2.5, 3.0])
    assert interactions(read(tmp_path, log))["item_id"].tolist() == ["10.1", "10.2", "2.5", "3"]


def test_rows_may_be_filtered_grouped_and_joined(tmp_path: Path) -> None:
    result = read(
        tmp_path,
        LOG,
        spec={"where": "paid > 1"},
        tables={
            "items": {
                "from": "log",
                "columns": {"item_id": "what", "price": "median(paid)"},
                "group_by": ["what"],
            },
            "users": {
                "sql": "SELECT DISTINCT x.who AS user_id, 5 AS kids FROM log x JOIN log USING (who)"
            },
        },
    )
    assert len(interactions(result)) == 3
    items = result["items"].to_pandas().set_index("item_id")["price"].to_dict()
    assert items == {"a": 2.5, "b": 2.5}
    users = result["users"].to_pandas().sort_values("user_id")
    assert users.to_dict("list") == {"user_id": ["1", "2"], "kids": ["5", "5"]}


def test_a_source_without_optional_tables_says_what_that_disables(tmp_path: Path) -> None:
    result = read(tmp_path, LOG)
    skipped = {entry["table"]: entry["disables"] for entry in result["summary"]["skipped"]}
    assert set(skipped) == set(SCHEMAS) - {Tables.INTERACTIONS}
    assert "promotion exposure" in skipped["promotions"]
    assert result["promotions"].count().to_pandas() == 0


def test_the_summary_counts_rows_and_names_files(tmp_path: Path) -> None:
    summary = read(tmp_path, LOG)["summary"]
    assert summary["tables"] == {"interactions": 4}
    (file,) = summary["files"]
    assert file["rows"] == 4
    assert len(file["sha256"]) == 64
    assert summary["interactions"] == {
        "users": 2,
        "items": 2,
        "first": "2024-01-01 00:00:00",
        "last": "2024-01-04 00:00:00",
    }


def test_promotions_of_items_never_bought_are_left_out(tmp_path: Path) -> None:
    tables = {
        "promotions": {
            "from": "log",
            "columns": {"item_id": "replace(what, 'b', 'x')", "week": "day", "display": "TRUE"},
        }
    }
    promotions = read(tmp_path, LOG, tables=tables)["promotions"].to_pandas()
    assert promotions["item_id"].tolist() == ["a", "a"]


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_the_fabricated_shop_has_every_table_but_two_in_either_format(
    tmp_path: Path, file_format: str
) -> None:
    source = Source(**write_shop(tmp_path, file_format=file_format))
    files = {name: spec.model_dump() for name, spec in source.files.items()}
    result = ingest(
        SourceTables(files).load(), SourceFiles(files).load(), source, IngestionParams()
    )
    without = [Tables.PICTURES, Tables.FACTS]
    assert [one["table"] for one in result["summary"]["skipped"]] == without
    for name in SCHEMAS:
        assert (result[name].count().to_pandas() > 0) == (name not in without), name


# Each bad input, and what the message must say of it.
BAD_INPUTS: dict[str, tuple[pd.DataFrame, dict[str, str], str]] = {
    "missing column": (
        LOG,
        COLUMNS | {"quantity": "pieces * 2", "discount": "rebate"},
        (
            r"quantity: file log \(.*log.parquet\) has no column 'pieces'; it has who, what, day, "
            r"paid"
            r"\n.*discount: file log .* has no column 'rebate'"
        ),
    ),
    "expression that is no SQL": (LOG, COLUMNS | {"amount": "paid +"}, "`paid .` is not valid SQL"),
    "unknown function": (LOG, COLUMNS | {"amount": "frobnicate(paid)"}, "engine refuses"),
    "wrong type": (
        LOG,
        COLUMNS | {"amount": "what"},
        r"column amount: 4 of 4 values cannot be read as float64, such as 'a', 'b', 'b'",
    ),
    "unparseable dates": (
        LOG.assign(day=["31.12.2024"] * 4),
        COLUMNS,
        r"column timestamp: 4 of 4 values cannot be read as timestamp.*'31.12.2024'.*strptime",
    ),
    "expression that fails on a value": (
        LOG,
        COLUMNS | {"amount": "CAST(what AS DOUBLE)"},
        r"table interactions \(file log: .*\): the engine cannot compute it: .*Conversion",
    ),
    "empty table": (LOG.iloc[:0], COLUMNS, "no row at all"),
    "id column all null": (
        LOG.assign(who=pd.Series([None] * 4, dtype="string")),
        COLUMNS,
        "column user_id is null in all 4 rows",
    ),
    "null ids beyond the share": (
        LOG.assign(what=["a", None, None, "b"]),
        COLUMNS,
        (
            r"column item_id is missing in 2 of 4 rows \(50.0%\), more than "
            r"ingestion.max_missing_share = 5.0% allows"
        ),
    ),
    "negative and NaN amounts beyond the share": (
        LOG.assign(paid=[-1.0, float("nan"), 1.0, 1.0]),
        COLUMNS
        | {"amount": "CASE WHEN day = '2024-01-02' THEN CAST('nan' AS DOUBLE) ELSE paid END"},
        r"column amount is negative or not a number in 2 of 4 rows \(50.0%\)",
    ),
    "one user only": (LOG.assign(who="1"), COLUMNS, "column user_id holds one user only"),
    "one item only": (LOG.assign(what="a"), COLUMNS, "column item_id holds one item only"),
    "all timestamps equal": (
        LOG.assign(day=LOG["day"].iloc[0]),
        COLUMNS,
        "timestamp is 2024-01-01 00:00:00 in all 4 rows",
    ),
}


@pytest.mark.parametrize("kind", list(BAD_INPUTS))
def test_bad_input_is_named_with_file_column_rows_and_remedy(tmp_path: Path, kind: str) -> None:
    log, columns, message = BAD_INPUTS[kind]
    with pytest.raises(InputError, match=f"(?s){message}"):
        read(tmp_path, log, columns)


def test_below_the_allowed_share_bad_rows_pass_on_to_cleaning(tmp_path: Path) -> None:
    log = LOG.assign(
        what=["a", None, "b", "b"], day=["2024-01-01", "?", "2024-01-03", "2024-01-04"]
    )
    params = {"max_missing_share": 0.25, "max_unreadable_share": 0.25}
    frame = read(tmp_path, log, params=params)[Tables.INTERACTIONS].to_pandas()
    assert len(frame) == 4
    assert frame["timestamp"].isna().sum() == 1


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        read(tmp_path, LOG.assign(who="1", what="a", paid=-1.0))
    for text in ("one user only", "one item only", "amount is negative"):
        assert text in str(raised.value)


@pytest.mark.parametrize("name", ["rule", "Missing", "age_missing"])
def test_a_demographic_of_a_name_that_later_steps_use_is_refused(tmp_path: Path, name: str) -> None:
    refused = rf"table users: rename '{name}'; later steps give such names"
    declared = {"from": "log", "columns": {"user_id": "who", name: "what"}, "group_by": ["all"]}
    with pytest.raises(ValueError, match=refused):
        read(tmp_path, LOG, tables={"users": declared})
    with pytest.raises(InputError, match=refused):
        read(
            tmp_path, LOG, tables={"users": {"sql": f"SELECT who AS user_id, 1 AS {name} FROM log"}}
        )


def test_a_demographic_may_say_that_something_is_missed(tmp_path: Path) -> None:
    query = "SELECT who AS user_id, max(what) AS missing_from FROM log GROUP BY who"
    users = read(tmp_path, LOG, tables={"users": {"sql": query}})["users"].to_pandas()
    assert sorted(users["missing_from"]) == ["b", "b"]


def test_a_declaration_that_contradicts_itself_is_refused_with_all_faults() -> None:
    with pytest.raises(
        ValueError, match=r"must give item_id.*no canonical column colour"
    ) as raised:
        Source(
            name="shop",
            files={"a log": {"path": "x.csv"}},
            tables={
                "interactions": {
                    "from": "nothing",
                    "columns": {"user_id": "u", "timestamp": "t", "colour": "c"},
                },
                "shoes": {"sql": "SELECT 1"},
            },
        )
    for text in ("'a log' must be letters", "reads 'nothing'", "'shoes' is unknown"):
        assert text in str(raised.value)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"from": "log"},
        {"from": "log", "sql": "SELECT 1", "columns": {"user_id": "u"}},
        {"sql": "SELECT 1", "where": "TRUE"},
    ],
)
def test_a_table_is_made_one_way_only(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"from|sql"):
        Source(name="s", files={"log": {"path": "x"}}, tables={"interactions": spec})
