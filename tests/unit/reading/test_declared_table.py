"""Tables that a shop declares beside its log."""

import duckdb
import ibis
import pandas as pd
import pytest

from doppelcart.columns import Tables
from doppelcart.data.schemas import SCHEMAS, TEXTS
from doppelcart.datasets.source import SourceTables
from doppelcart.errors import ConfigurationError, InputError
from doppelcart.reading.declared_table import DeclaredTable, declared, real


def table_of(said):
    """The table of three lines of a file that has a column `synthetic`."""
    connection = ibis.duckdb.connect()
    connection.con.register("lines", pd.DataFrame({"item_id": ["a", "b", "c"], "synthetic": said}))
    source = DeclaredTable(
        name="stock of the shop",
        files={"lines": {"path": "stock/lines.csv"}},
        table={"sql": "SELECT * FROM lines"},
    )
    return real({"lines": connection.table("lines")}, source, "stock")


@pytest.mark.parametrize(
    "said", [[True, False, True], ["yes", "no", "True"], [1, 0, 1], [1.0, None, 1.0]]
)
def test_rows_that_say_they_were_generated_are_refused(said):
    words = (
        r"2 rows of the table of stock of the shop \(stock: files: lines: stock/lines.csv\) have a "
        r"column `synthetic`.*"
        r"with a `where` in `stock: table`"
    )
    with pytest.raises(InputError, match=words):
        table_of(said)


@pytest.mark.parametrize("said", [[False] * 3, ["no", "", None], [0, 0, 0]])
def test_rows_that_say_they_were_not_are_taken(said):
    assert table_of(said).count().execute() == 3


def test_what_does_not_fit_the_files_says_where_it_is_declared():
    connection = ibis.duckdb.connect()
    connection.con.register("lines", pd.DataFrame({"item_id": ["a"]}))
    source = DeclaredTable(
        name="stock", files={"lines": {"path": "x"}}, table={"sql": "SELECT shop FROM lines"}
    )
    with pytest.raises(InputError, match=r"expressions of `stock: table` in conf/<environment>"):
        declared({"lines": connection.table("lines")}, source, "stock")


def from_csv(folder, key, lines, spec):
    """The table that a declaration makes of a CSV, as a data frame."""
    (folder / "lines.csv").write_text(lines)
    files = {"lines": {"path": str(folder / "lines.csv")}}
    source = DeclaredTable(name="shop", files=files, table=spec)
    raw = SourceTables(files, tables={key: spec}, declared=key).load()
    return declared(raw, source, key).to_pandas()


@pytest.mark.parametrize("key", sorted(set(TEXTS) - set(SCHEMAS)))
def test_texts_of_a_declared_table_are_as_the_file_writes_them(tmp_path, key):
    names = sorted(TEXTS[key])
    written = ["00123", "1E3", "1.10"]
    lines = "\n".join([",".join(f"c{name}" for name in names), *(
        ",".join([value] * len(names)) for value in written
    )])  # fmt: skip
    spec = {"from": "lines", "columns": {name: f"c{name}" for name in names}}
    found = from_csv(tmp_path, key, lines, spec)
    assert found.to_dict("list") == dict.fromkeys(names, written)


def test_ids_may_be_compared_by_their_value_too(tmp_path):
    sql = "SELECT sku AS item_id, max(sku) AS product, sum(sold) AS sales FROM lines"
    spec = {"sql": f"{sql} WHERE sku > 5 AND sku % 2 = 1 GROUP BY sku"}
    found = from_csv(tmp_path, Tables.STOCK, "sku,sold\n007,1.5\n003,1\n008,1\n", spec)
    assert found.to_dict("list") == {"item_id": ["007"], "product": ["007"], "sales": [1.5]}


def test_a_moment_that_cannot_be_read_is_not_left_out(tmp_path):
    spec = {
        "from": "lines",
        "columns": {"item_id": "sku", "timestamp": "strptime(day, '%d/%m/%Y')"},
        "where": "sku > 5",
    }
    with pytest.raises(duckdb.Error, match=r'Could not parse string "31\.05\.2026"'):
        from_csv(tmp_path, Tables.STOCK, "sku,day\n007,30/05/2026\n008,31.05.2026\n", spec)


def test_a_table_that_no_schema_knows_is_refused():
    with pytest.raises(ConfigurationError, match=r"stok is unknown; did you mean stock\?"):
        SourceTables({}, tables={"stok": {"from": "lines", "columns": {}}})
