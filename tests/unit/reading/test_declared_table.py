"""Tables that a shop declares beside its log."""

import ibis
import pandas as pd
import pytest

from doppelcart.errors import InputError
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
