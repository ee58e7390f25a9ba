"""What a statement makes of files that hold numbers, days and ids as text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from doppelcart.columns import Tables
from doppelcart.datasets.source import SourceTables
from doppelcart.errors import InputError
from doppelcart.pipelines.ingestion.declared import declare_tables
from doppelcart.pipelines.ingestion.nodes import conform_tables
from doppelcart.pipelines.ingestion.params import Source
from doppelcart.reading.declared_table import DeclaredTable, declared
from doppelcart.reading.tolerance import IngestionParams
from tests.shops import log_of

GERMAN = {"delim": ";", "decimal_separator": ",", "thousands": "."}
PRICES = (
    "customer;article;placed;price\n"
    "a;007;2024-01-01;1.234,50\n"
    "b;7;2024-01-02;2.000\n"
    "a;z;2024-01-03;n/a\n"
    "b;007;2024-01-04;3,50\n"
)
"""One value is no number, so that the column stays text; the others are in a notation of their
own."""
PLAIN_PRICES = (
    "customer,article,placed,price\nc,007,2024-02-01,1.25\nd,7,2024-02-02,2.5\nc,z,2024-02-03,n/a\n"
)
OWN = "customer AS user_id, article AS item_id, placed AS timestamp"
LENIENT = {
    "max_missing_share": 0.9,
    "max_unreadable_share": 0.9,
    "max_bad_amount_share": 0.9,
}


def tables_of(
    folder: Path, files: Mapping[str, Any], tables: Mapping[str, Any]
) -> dict[str, pd.DataFrame]:
    """Canonical tables of files, given as their text, or with the options to read it."""
    specs = {}
    for name, given in files.items():
        text, options = (given, {}) if isinstance(given, str) else given
        (folder / f"{name}.csv").write_text(text)
        specs[name] = {"path": str(folder / f"{name}.csv"), "options": options}
    source = Source(name="shop", files=specs, tables=tables)
    found = declare_tables(SourceTables(specs, tables=dict(tables)).load(), source)
    conformed, _ = conform_tables(found, source, IngestionParams(**LENIENT))
    return {name: table.to_pandas() for name, table in conformed.items()}


def rows_of(folder: Path, sql: str, **files: Any) -> pd.DataFrame:
    """The interactions that a statement makes of files."""
    return tables_of(folder, files, {"interactions": {"sql": sql}})["interactions"]


def pairs(frame: pd.DataFrame) -> list[tuple[str, str]]:
    return sorted(zip(frame["user_id"], frame["item_id"], strict=True))


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {OWN}, price AS amount FROM a",
        f"WITH x AS (SELECT * FROM a) SELECT {OWN}, price AS amount FROM x",
        f"WITH a AS (SELECT * FROM a) SELECT {OWN}, price AS amount FROM a",
        f"SELECT {OWN}, a.price AS amount FROM (SELECT * FROM a) a",
        (
            "WITH x AS (SELECT customer, article, placed, price FROM a) "
            f"SELECT {OWN}, price AS amount FROM x"
        ),
        (
            f"SELECT {OWN}, price AS amount FROM "
            "(SELECT customer, article, placed, price FROM a WHERE price <> 'free')"
        ),
        f"SELECT {OWN}, price AS amount FROM (a JOIN b USING (article))",
        f"SELECT {OWN}, price AS amount FROM a, unnest([1]) AS u(x)",
        f"SELECT {OWN}, price AS amount FROM a CROSS JOIN (VALUES (1)) v(x)",
        f"SELECT {OWN}, l.paid AS amount FROM a, LATERAL (SELECT a.price AS paid) l",
        f"SELECT {OWN}, price AS amount FROM a WHERE EXISTS (SELECT 1 FROM b WHERE price <> 'x')",
        (
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 1) "
            f"SELECT {OWN}, price AS amount FROM a, t"
        ),
    ],
)
def test_a_number_is_converted_once(tmp_path: Path, sql: str) -> None:
    articles = "article\n007\n7\nz\n"
    found = rows_of(tmp_path, sql, a=(PRICES, GERMAN), b=articles).sort_values("timestamp")
    np.testing.assert_equal(found["amount"].to_numpy(), [1234.5, 2000, np.nan, 3.5])


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {OWN}, price AS amount FROM p UNION ALL SELECT {OWN}, price AS amount FROM g",
        f"SELECT {OWN}, price AS amount FROM g UNION ALL SELECT {OWN}, price AS amount FROM p",
        f"SELECT {OWN}, l.price AS amount FROM p l UNION ALL SELECT {OWN}, l.price FROM g l",
        (
            "SELECT customer AS user_id, price AS amount, article AS item_id, placed AS timestamp "
            "FROM p UNION ALL BY NAME SELECT customer AS user_id, article AS item_id, "
            "placed AS timestamp, price AS amount FROM g"
        ),
    ],
)
@pytest.mark.parametrize("plain", [PLAIN_PRICES, PLAIN_PRICES.replace("n/a", "3")])
def test_each_file_has_its_own_notation(tmp_path: Path, sql: str, plain: str) -> None:
    found = rows_of(tmp_path, sql, p=plain, g=(PRICES, GERMAN)).sort_values("timestamp")
    last = 3 if plain.endswith("3\n") else np.nan
    np.testing.assert_equal(
        found["amount"].to_numpy(), [1234.5, 2000, np.nan, 3.5, 1.25, 2.5, last]
    )
    assert set(found["item_id"]) == {"007", "7", "z"}


def test_each_file_has_its_own_days(tmp_path: Path) -> None:
    sql = f"SELECT {OWN} FROM eu UNION ALL SELECT {OWN} FROM us"
    eu = "customer,article,placed\na,x,05/04/2024\nb,y,unknown\n"
    us = "customer,article,placed\na,x,01/05/2024\nb,y,unknown\n"
    days = {"eu": (eu, {"dateformat": "%d/%m/%Y"}), "us": (us, {"dateformat": "%m/%d/%Y"})}
    found = rows_of(tmp_path, sql, **days)["timestamp"].dropna()
    assert sorted(found.dt.strftime("%Y-%m-%d")) == ["2024-01-05", "2024-04-05"]


def test_an_id_that_is_passed_on_is_not_taken_by_its_value(tmp_path: Path) -> None:
    lines = "card,customer,article,ms\n007,1,01,1704067200000\n,7,1,1704067300000\n"
    sql = (
        "SELECT coalesce(card, customer) AS user_id, article AS item_id, "
        "epoch_ms(ms) AS timestamp, customer || '-' || ms AS basket_id FROM log"
    )
    assert pairs(rows_of(tmp_path, sql, log=lines)) == [("007", "01"), ("7", "1")]


@pytest.mark.parametrize("price", ["any_value(price)", "mode(price)", "first(price)"])
def test_a_number_that_is_chosen_is_read_as_declared(tmp_path: Path, price: str) -> None:
    prices = "customer;article;placed;price\na;x;2024-01-01;1.234\nb;y;2024-01-02;n/a\n"
    tables = {
        "interactions": {"sql": f"SELECT {OWN} FROM log"},
        "items": {"sql": f"SELECT article AS item_id, {price} AS price FROM log GROUP BY article"},
    }
    items = tables_of(tmp_path, {"log": (prices, GERMAN)}, tables)["items"].set_index("item_id")
    np.testing.assert_equal(items["price"].loc[["x", "y"]].to_numpy(), [1234, np.nan])


def test_a_number_of_a_window_is_read_as_declared(tmp_path: Path) -> None:
    sql = f"SELECT {OWN}, first_value(price) OVER (PARTITION BY customer ORDER BY placed) AS amount"
    found = rows_of(tmp_path, f"{sql} FROM a", a=(PRICES, GERMAN)).sort_values("timestamp")
    assert found["amount"].tolist() == [1234.5, 2000, 1234.5, 2000]


@pytest.mark.parametrize("sold", ["pieces", "TRY_CAST(pieces AS DOUBLE)"])
def test_numbers_of_a_table_beside_the_log_are_read_as_declared(tmp_path: Path, sold: str) -> None:
    lines = "article;day;pieces\nx;2024-01-01;1.234\nx;2024-01-08;2.500\nx;2024-01-15;n/a\n"
    (tmp_path / "lines.csv").write_text(lines)
    files = {"lines": {"path": str(tmp_path / "lines.csv"), "options": GERMAN}}
    spec = {"from": "lines", "columns": {"item_id": "article", "timestamp": "day", "sold": sold}}
    raw = SourceTables(files, tables={Tables.SALES: spec}).load()
    table = declared(raw, DeclaredTable(name="sales", files=files, table=spec), Tables.SALES)
    values = table["sold"].try_cast("float64").to_pandas().to_numpy()
    np.testing.assert_equal(values, [1234, 2500, np.nan])


@pytest.mark.parametrize("kind", ["xlsx", "jsonl"])
def test_numbers_are_numbers_beside_texts_in_a_notation(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"log.{kind}"
    frame = pd.DataFrame(
        {
            "customer": list("abab"),
            "article": list("xyxz"),
            "placed": [f"2024-01-0{day}" for day in range(1, 5)],
            "price": [3.5, 12.25, "1.234,50", 7],
        }
    )
    if kind == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True)
    options = {"decimal_separator": ",", "thousands": "."}
    found = log_of(str(path), {"amount": "price"}, {"options": options})
    assert found["amount"].tolist() == [3.5, 12.25, 1234.5, 7]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.234,5", 1234.5),
        ("1234,5", 1234.5),
        ("-12.345.678", -12345678),
        ("1.23.456,5", 123456.5),
        (" 7 ", 7),
        ("3.50", np.nan),
        ("1.2345", np.nan),
        (".500", np.nan),
    ],
)
def test_thousands_stand_before_three_digits(tmp_path: Path, text: str, number: float) -> None:
    lines = f"customer;article;placed;price\na;x;2024-01-01;{text}\nb;y;2024-01-02;1,5\n"
    found = rows_of(tmp_path, f"SELECT {OWN}, price AS amount FROM a", a=(lines, GERMAN))
    np.testing.assert_equal(found["amount"].to_numpy(), [number, 1.5])


LINES = "customer,article,placed\n007,01,2024-01-01\n7,1,2024-01-02\n"
OTHER = LINES.replace("customer,article,placed", "kunde,artikel,wann")


@pytest.mark.parametrize(
    "sql",
    [
        "WITH x(user_id, item_id, timestamp) AS (SELECT * FROM a) SELECT * FROM x",
        "SELECT c AS user_id, d AS item_id, e AS timestamp FROM (SELECT * FROM a) x(c, d, e)",
    ],
)
def test_ids_are_as_written_under_a_list_of_names(tmp_path: Path, sql: str) -> None:
    assert pairs(rows_of(tmp_path, sql, a=LINES)) == [("007", "01"), ("7", "1")]


def test_all_columns_of_files_that_name_them_otherwise_are_not_put_together(tmp_path: Path) -> None:
    sql = f"SELECT {OWN} FROM (SELECT * FROM a UNION ALL SELECT * FROM b)"
    with pytest.raises(InputError, match="column kunde below column customer"):
        rows_of(tmp_path, sql, a=LINES, b=OTHER)
    found = rows_of(tmp_path, sql, a=LINES, b=LINES.upper().replace("7,", "8,"))
    assert pairs(found) == [("007", "01"), ("008", "01"), ("7", "1"), ("8", "1")]


def test_what_stands_below_all_columns_is_read_as_declared(tmp_path: Path) -> None:
    canonical = "user_id,item_id,timestamp,amount\nq,x,2024-01-01,1.5\nr,y,2024-01-02,2.5\n"
    american = 'kunde,artikel,wann,preis\na,x,2024-01-03,"1,234.50"\nb,y,2024-01-04,2.00\n'
    sql = "SELECT * FROM p UNION ALL SELECT kunde, artikel, wann, preis FROM g"
    found = rows_of(tmp_path, sql, p=canonical, g=(american, {"thousands": ","}))
    assert sorted(found["amount"]) == [1.5, 2, 2.5, 1234.5]


@pytest.mark.parametrize(
    "joined",
    [
        "lines NATURAL JOIN orders",
        "lines l JOIN orders o ON l.number IS NOT DISTINCT FROM o.number",
    ],
)
def test_keys_are_held_equal_as_written(tmp_path: Path, joined: str) -> None:
    orders, lines = "number,who\n01,a\n1,b\n", "number,sku,day\n1,s,2024-01-01\n01,t,2024-01-02\n"
    sql = f"SELECT who AS user_id, sku AS item_id, day AS timestamp FROM {joined}"
    assert pairs(rows_of(tmp_path, sql, orders=orders, lines=lines)) == [("a", "t"), ("b", "s")]


def test_several_keys_are_sought_as_written(tmp_path: Path) -> None:
    lines = "who,number,sku,day\na,1,s,2024-01-01\nb,01,t,2024-01-02\nb,1,u,2024-01-03\n"
    sql = (
        "SELECT who AS user_id, sku AS item_id, day AS timestamp FROM lines "
        "WHERE (number, sku) IN (SELECT number, sku FROM fine)"
    )
    found = rows_of(tmp_path, sql, lines=lines, fine="number,sku\n1,s\n1,t\n1,u\n")
    assert pairs(found) == [("a", "s"), ("b", "u")]


PIECES = "customer,article,placed,pieces\na,x,2024-01-01,9\na,x,2024-01-01,10\nb,y,2024-01-02,n/a\n"
LARGEST = "QUALIFY row_number() OVER (PARTITION BY customer ORDER BY pieces DESC) = 1"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {OWN}, max(pieces) AS quantity FROM log GROUP BY ALL",
        f"SELECT {OWN}, pieces AS quantity FROM log {LARGEST}",
        f"SELECT {OWN}, pieces AS quantity FROM log ORDER BY pieces LIMIT 2",
    ],
)
def test_texts_are_not_chosen_by_their_size(tmp_path: Path, sql: str) -> None:
    with pytest.raises(InputError, match="chooses among texts of column pieces by size"):
        rows_of(tmp_path, sql, log=PIECES)


def test_numbers_among_texts_may_be_chosen_by_their_size(tmp_path: Path) -> None:
    sql = f"SELECT {OWN}, max(TRY_CAST(pieces AS DOUBLE)) AS quantity FROM log GROUP BY ALL"
    found = rows_of(tmp_path, f"{sql} ORDER BY quantity", log=PIECES).sort_values("user_id")
    assert found["quantity"].iloc[0] == 10


def test_the_last_version_is_the_one_of_the_greatest_number(tmp_path: Path) -> None:
    lines = (
        "customer,article,placed,version\na,x,2024-01-01,9\na,y,2024-01-01,10\nb,x,2024-01-02,1\n"
    )
    sql = (
        "SELECT customer AS user_id, arg_max(article, version) AS item_id, placed AS timestamp, "
        "'v' || any_value(version) AS basket_id FROM log GROUP BY ALL"
    )
    assert pairs(rows_of(tmp_path, sql, log=lines)) == [("a", "y"), ("b", "x")]


def test_a_column_of_a_moments_name_may_be_computed_with(tmp_path: Path) -> None:
    lines = "customer,article,timestamp,born\na,x,1704067200,01.02.1990\nb,y,1704067300,3.4.1991\n"
    sql = (
        "SELECT customer AS user_id, article AS item_id, "
        "make_timestamp(CAST(timestamp * 1e6 AS BIGINT)) AS timestamp FROM log"
    )
    found = rows_of(tmp_path, sql, log=(lines, {"dateformat": "%d.%m.%Y"}))
    assert found["timestamp"].min() == pd.Timestamp("2024-01-01")
