"""An id reaches the canonical table as the file writes it, whatever stands around it."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shops import COLUMNS, FORMATS, days, log_of, read, write

LATE = 25_000
"""A row beyond those that engines guess types from."""
ODD = ["007", "7", "1E3", "1000", "01-03-12", "2001-03-12", "T", "true", "1.10", "1.1", "NA", "nan"]

text_ids = st.text(st.sampled_from("0123456789.eE-+_TFtrue/:"), min_size=1, max_size=8)


def shop(ids: list[str], folder: Path, kind: str, name: str = "log") -> str:
    customers = [f"c{place % 7}" for place in range(len(ids))]
    return write(
        folder / f"{name}.{kind}",
        {"customer": customers, "article": ids, "placed": days(len(ids)), "pieces": [1] * len(ids)},
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_odd_ids_are_as_written_in_every_format(tmp_path: Path, kind: str) -> None:
    frame = log_of(shop(ODD, tmp_path, kind))
    assert frame["item_id"].tolist() == ODD


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz", "jsonl", "json"])
@pytest.mark.parametrize("late", ["007", "1E3", "2001-03-12", "F", "1.10"])
def test_ids_that_begin_to_differ_late_are_as_written(tmp_path: Path, kind: str, late: str) -> None:
    plain = {"007": "7", "1E3": "1000", "2001-03-12": "5", "F": "8", "1.10": "1.1"}[late]
    ids = [plain] * (LATE - 1) + [late, "9"]
    frame = log_of(shop(ids, tmp_path, kind))
    assert frame["item_id"].value_counts().to_dict() == {plain: LATE - 1, late: 1, "9": 1}


@pytest.mark.parametrize("kind", FORMATS)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ids=st.lists(text_ids, min_size=2, max_size=6, unique=True))
def test_any_ids_are_as_written(tmp_path: Path, kind: str, ids: list[str]) -> None:
    frame = log_of(shop([*ids, "end"], tmp_path, kind))
    assert frame["item_id"].tolist() == [*ids, "end"]


def test_json_numbers_are_as_written_beside_texts(tmp_path: Path) -> None:
    written = ["1", '"01"', "1.0", "1.10", "1E3", "9007199254740993", "12345678901234567890123"]
    lines = [
        f'{{"customer": {place % 2}, "article": {value}, "placed": "2024-01-0{place + 1}"}}'
        for place, value in enumerate(written)
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    (tmp_path / "log.json").write_text("[" + ",".join(lines) + "]")
    for name in ("log.jsonl", "log.json"):
        frame = log_of(str(tmp_path / name))
        assert frame["item_id"].tolist() == [value.strip('"') for value in written]
        assert frame["user_id"].tolist() == ["0", "1"] * 3 + ["0"]


def test_an_id_within_an_object_is_as_written(tmp_path: Path) -> None:
    lines = [
        f'{{"who": {{"id": {value}}}, "article": "a{place}", "placed": "2024-01-0{place + 1}"}}'
        for place, value in enumerate(['"01"', "1", "2"])
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    frame = log_of(str(tmp_path / "log.jsonl"), {"user_id": "who.id"})
    assert frame["user_id"].tolist() == ["01", "1", "2"]


def test_whole_numbers_of_parquet_and_workbooks_have_no_fraction(tmp_path: Path) -> None:
    columns = {"customer": [13085.0, None, 7.0], "article": [1.5, 2.0, 3.0], "placed": days(3)}
    pd.DataFrame(columns).to_parquet(tmp_path / "log.parquet")
    pd.DataFrame(columns).to_excel(tmp_path / "log.xlsx", index=False)
    for name in ("log.parquet", "log.xlsx"):
        frame = log_of(str(tmp_path / name), max_missing_share=0.5)
        assert frame["user_id"].tolist() == ["13085", None, "7"]
        assert frame["item_id"].tolist() == ["1.5", "2", "3"]


def test_sheets_that_hold_numbers_and_texts_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    with pd.ExcelWriter(path) as writer:
        for sheet, ids in {"2023": [104, 105], "2024": ["00104", "105"]}.items():
            pd.DataFrame(
                {"customer": ["a", "b"], "article": ids, "placed": [f"{sheet}-01-01"] * 2}
            ).to_excel(writer, sheet_name=sheet, index=False)
    frame = log_of(str(path), spec={"options": {"sheet_name": None}})
    assert frame["item_id"].tolist() == ["104", "105", "00104", "105"]


@pytest.mark.parametrize("left", ["csv", "jsonl", "xlsx"])
@pytest.mark.parametrize("right", ["csv", "parquet", "json"])
def test_ids_of_two_files_are_read_alike(tmp_path: Path, left: str, right: str) -> None:
    ids = ["01-03-12", "007", "1E3"]
    orders = shop(ids, tmp_path, left)
    products = write(tmp_path / f"p.{right}", {"sku": ids, "area": ["x", "y", "z"]})
    tables = {
        "interactions": {"from": "log", "columns": COLUMNS},
        "items": {"from": "products", "columns": {"item_id": "sku", "department": "area"}},
    }
    result = read({"log": orders, "products": products}, tables)
    items = result["items"].to_pandas().set_index("item_id")["department"].to_dict()
    assert items == dict(zip(result["interactions"].to_pandas()["item_id"], "xyz", strict=True))


@pytest.mark.parametrize("condition", ["USING (number)", "ON l.number = o.number"])
@pytest.mark.parametrize(
    ("left", "right"), [("csv", "csv"), ("csv", "parquet"), ("parquet", "xlsx")]
)
def test_files_are_joined_by_the_text_of_their_keys(
    tmp_path: Path, condition: str, left: str, right: str
) -> None:
    # 01 and 1 are two orders. Of the lines' file alone, the engine would take both for 1.
    orders = write(
        tmp_path / f"orders.{left}", {"number": ["01", "1", "x"], "who": ["a", "b", "c"]}
    )
    lines = write(
        tmp_path / f"lines.{right}",
        {
            "number": ["1", "01", "1"],
            "sku": ["s", "t", "u"],
            "day": ["2024-01-01", "2024-01-02"] * 1 + ["2024-01-03"],
        },
    )
    columns = "who AS user_id, sku AS item_id, day AS timestamp"
    sql = f"SELECT {columns} FROM lines l JOIN orders o {condition}"
    result = read({"orders": orders, "lines": lines}, {"interactions": {"sql": sql}})
    frame = result["interactions"].to_pandas().sort_values("item_id")
    assert frame["user_id"].tolist() == ["b", "a", "b"]


def test_numbers_of_a_parquet_file_meet_the_texts_of_another_file(tmp_path: Path) -> None:
    pd.DataFrame({"id": [1.0, 2.0, None], "who": ["a", "b", "c"]}).to_parquet(
        tmp_path / "o.parquet"
    )
    lines = write(
        tmp_path / "l.csv", {"id": ["1", "2", "02"], "sku": ["s", "t", "u"], "day": days(3)}
    )
    sql = "SELECT who AS user_id, sku AS item_id, day AS timestamp FROM l JOIN o USING (id)"
    result = read({"o": str(tmp_path / "o.parquet"), "l": lines}, {"interactions": {"sql": sql}})
    frame = result["interactions"].to_pandas().sort_values("item_id")
    assert frame[["user_id", "item_id"]].to_numpy().tolist() == [["a", "s"], ["b", "t"]]


def test_a_column_that_feeds_an_id_may_be_computed_with(tmp_path: Path) -> None:
    path = write(
        tmp_path / "log.csv",
        {"customer": ["007", "7", "12"], "article": ["01", "2", "03"], "placed": days(3)},
    )
    tables = {
        "interactions": {
            "from": "log",
            "columns": {**COLUMNS, "quantity": "article * 2", "amount": "coalesce(article, 0)"},
            "where": "customer < 10",
        },
        "users": {
            "from": "log",
            "columns": {
                "user_id": "customer",
                "group": "CASE WHEN customer >= 10 THEN 'late' ELSE 'early' END",
                "most": "max(article)",
            },
            "group_by": ["customer"],
        },
    }
    result = read({"log": path}, tables)
    log = result["interactions"].to_pandas()
    assert log["user_id"].tolist() == ["007", "7"]
    assert log["item_id"].tolist() == ["01", "2"]
    assert log["quantity"].tolist() == [2, 4]
    assert log["amount"].tolist() == [1, 2]
    users = result["users"].to_pandas().set_index("user_id")["group"].to_dict()
    assert users == {"007": "early", "7": "early", "12": "late"}


TARGETS = "c AS user_id, d AS item_id, e AS timestamp"
OWN = "customer AS user_id, article AS item_id, placed AS timestamp"


@pytest.mark.parametrize(
    "sql",
    [
        f"WITH x(c, d, e) AS (SELECT customer, article, placed FROM log) SELECT {TARGETS} FROM x",
        f"SELECT {TARGETS} FROM (SELECT customer, article, placed FROM log) x(c, d, e)",
        f"SELECT {TARGETS} FROM log AS x(c, d, e, n) WHERE n * 2 = 2",
        (
            "SELECT * EXCLUDE (pieces) RENAME (customer AS user_id, article AS item_id, "
            "placed AS timestamp) FROM log"
        ),
        f"SELECT {OWN} FROM LOG",
        (
            f"SELECT {OWN} FROM log UNION ALL SELECT kunde, artikel, wann FROM b WHERE false "
            "UNION ALL SELECT klant, stuk, moment FROM c WHERE false"
        ),
        (
            f"SELECT {OWN} FROM c, log WHERE false UNION ALL "
            "(SELECT kunde, artikel, wann FROM b WHERE false UNION ALL SELECT c, d, e FROM "
            "(SELECT customer AS c, article AS d, placed AS e FROM log))"
        ),
        (
            f"SELECT {TARGETS} FROM (SELECT kunde AS c, artikel AS d, wann AS e, pieces FROM b "
            "WHERE false UNION ALL SELECT * FROM log)"
        ),
        (
            "SELECT customer AS user_id, value AS item_id, placed AS timestamp FROM log "
            "UNPIVOT (value FOR name IN (article))"
        ),
    ],
)
def test_ids_are_as_written_under_whatever_name_a_statement_gives_them(
    tmp_path: Path, sql: str
) -> None:
    columns = (["01", "1"], ["007", "7"], days(2), [1, 1])
    names = {
        "Log": ("customer", "article", "placed", "pieces"),
        "b": ("kunde", "artikel", "wann", "pieces"),
        "c": ("klant", "stuk", "moment", "pieces"),
    }
    files = {
        name: write(tmp_path / f"{name}.csv", dict(zip(header, columns, strict=True)))
        for name, header in names.items()
    }
    frame = read(files, {"interactions": {"sql": sql}})["interactions"].to_pandas()
    assert sorted(frame["user_id"]) == ["01", "1"]
    assert sorted(frame["item_id"]) == ["007", "7"]


def test_categories_are_as_written_too(tmp_path: Path) -> None:
    path = shop(["a", "b"], tmp_path, "csv")
    products = write(
        tmp_path / "p.csv", {"sku": ["a", "b"], "area": ["01", "1"], "kg": ["1.50", "2"]}
    )
    tables = {
        "interactions": {"from": "log", "columns": COLUMNS},
        "items": {
            "from": "p",
            "columns": {"item_id": "sku", "department": "area", "size": "kg || ' kg'"},
        },
    }
    items = read({"log": path, "p": products}, tables)["items"].to_pandas()
    assert items["department"].tolist() == ["01", "1"]
    assert items["size"].tolist() == ["1.50 kg", "2 kg"]
