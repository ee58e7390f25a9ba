import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from doppelcart.reporting import tables
from doppelcart.reporting.tables import Column


@pytest.mark.parametrize(
    ("write", "value", "expected"),
    [
        (tables.count, 1_469_307, "1,469,307"),
        (tables.score, 0.24567, "0.2457"),
        (tables.score, -0.00001, "\N{MINUS SIGN}1e-05"),
        (tables.score, -1e-17, "0.0000"),
        (tables.score, -0.5, "\N{MINUS SIGN}0.5000"),
        (tables.change, -0.01, "0.0 %"),
        (tables.change, -3.456, "\N{MINUS SIGN}3.5 %"),
        (tables.share, 1.0, "100.0 %"),
        (tables.probability, 0.0004, "< 0.001"),
        (tables.probability, 0.05, "0.050"),
        (tables.number, np.int64(12_345), "12,345"),
        (tables.number, 12_345.6, "12,346"),
        (tables.number, 9_999.7, "10,000"),
        (tables.number, 1_234.5, "1234"),
        (tables.number, 0.00004, "4e-05"),
        (tables.number, -0.0, "0"),
        (tables.number, [1, 5, 20], "1, 5, 20"),
        (tables.number, np.True_, "yes"),
        (tables.text, float("nan"), ""),
    ],
)
def test_values_are_written_to_be_read(write, value, expected):
    assert write(value) == expected


@pytest.mark.parametrize(
    "write", [tables.count, tables.score, tables.change, tables.share, tables.number]
)
def test_undefined_is_no_number(write):
    assert write(float("nan")) == tables.UNDEFINED
    assert write(None) == tables.UNDEFINED


def test_decimal_points_of_a_column_stand_below_each_other():
    write = tables.alike(pd.Series([0.1, 0.98765, np.nan]))
    assert [write(value) for value in (0.1, 0.98765, np.nan)] == [
        "0.1000",
        "0.9877",
        tables.UNDEFINED,
    ]
    write = tables.alike(pd.Series([1.5, 23.2571]))
    assert [write(value) for value in (1.5, 23.2571)] == ["1.500", "23.257"]


def test_what_the_decimals_of_a_column_would_write_as_0_has_two_figures():
    write = tables.alike(pd.Series([0.001, 0.00004, 0.0]))
    assert [write(value) for value in (0.001, 0.00004, 0.0)] == ["0.0010", "4e-05", "0.0000"]
    write = tables.alike(pd.Series([12_345.6, 0.4]))
    assert [write(value) for value in (12_345.6, 0.4)] == ["12,346", "0.4"]


def test_a_column_in_tenths_has_one_decimal():
    # 3 * .1 is a little more than .3.
    write = tables.alike(pd.Series([0.6, 12.0, 3 * 0.1]))
    assert [write(value) for value in (0.6, 12.0, 3 * 0.1)] == ["0.6", "12.0", "0.3"]


def test_a_cut_table_says_so():
    table = tables.tabulate(
        pd.DataFrame({"a": range(7)}), "counts", [Column("a", "A", tables.count)], limit=3
    )
    assert table.rows == (("0",), ("1",), ("2",))
    assert table.note == "The first 3 of 7 rows."


def test_rows_are_grouped_under_what_they_share():
    frame = pd.DataFrame({"who": ["x", "x", "y"], "score": [1, 2, 3]})
    columns = [Column("who", "Who", tables.text, False), Column("score", "Score", tables.count)]
    table = tables.tabulate(frame, "scores", columns, limit=9, grouped=True)
    assert table.headings == (("Score", True),)
    assert table.groups == (("x", (("1",), ("2",))), ("y", (("3",),)))


def test_any_table_is_laid_out_with_numbers_to_the_right():
    frame = pd.DataFrame({"monitor": ["collapse"], "value": [0.25], "alarm": [False]})
    table = tables.tabulate_all(frame, "monitors", limit=9)
    assert table.headings == (("monitor", False), ("value", True), ("alarm", False))
    assert table.rows == (("collapse", "0.25", "no"),)


class Training(BaseModel):
    epochs: int = 5


def test_nested_parameters_become_one_level():
    flat = tables.flatten({"gan": {"training": Training(), "layers": [{"units": 8}]}, "empty": {}})
    assert flat == {"gan.training.epochs": 5, "gan.layers.0.units": 8, "empty": {}}
