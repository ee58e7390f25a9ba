"""Every line of a file is a row, or is said to be none; sums are those of the file."""

import gzip
import re
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shops import COLUMNS, FORMATS, days, log_of, read, write

from doppelcart.errors import InputError

SUMS = {"quantity": "pieces", "amount": "pieces * price"}
HEADER = "customer,article,placed,pieces,price\n"
QUICK = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def lines(count: int, begin: int = 0) -> str:
    """Lines of a log, each of one piece at 1.50."""
    moments = days(begin + count)[begin:]
    return "".join(f"c{at % 5},a{at % 3},{moment},1,1.50\n" for at, moment in enumerate(moments))


def whole(folder: Path, text: str | bytes, name: str = "log.csv", **spec: object) -> pd.DataFrame:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    tables = {"interactions": {"from": "log", "columns": {**COLUMNS, **SUMS}}}
    log: pd.DataFrame = read({"log": {"path": str(path), **spec}}, tables)[
        "interactions"
    ].to_pandas()
    return log


@pytest.mark.parametrize("kind", FORMATS)
@QUICK
@given(cents=st.lists(st.integers(0, 99_999), min_size=2, max_size=30))
def test_sums_are_equal_to_the_cent(tmp_path: Path, kind: str, cents: list[int]) -> None:
    prices = [Decimal(cent) / 100 for cent in cents]
    path = write(
        tmp_path / f"log.{kind}",
        {
            "customer": ["a", "b"] * len(cents),
            "article": ["x", "y"] * len(cents),
            "placed": days(2 * len(cents)),
            "price": [float(price) for price in prices] * 2,
        },
    )
    frame = log_of(path, {"amount": "price"})
    assert len(frame) == 2 * len(cents)
    assert round(frame["amount"].sum(), 2) == float(2 * sum(prices))


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz", "json", "jsonl"])
@pytest.mark.parametrize("at", [0, 24_999])
def test_a_fraction_anywhere_makes_fractions(tmp_path: Path, kind: str, at: int) -> None:
    prices: list[float] = [2] * 25_000
    prices[at] = 3.49
    columns = {
        "customer": ["a", "b"] * 12_500,
        "article": ["x", "y"] * 12_500,
        "placed": days(25_000),
        "price": prices,
    }
    frame = log_of(write(tmp_path / f"log.{kind}", columns), {"amount": "price * 1"})
    assert frame["amount"].sum() == pytest.approx(49_998 + 3.49)


def test_whole_numbers_stay_whole_numbers(tmp_path: Path) -> None:
    path = write(
        tmp_path / "log.csv",
        {"customer": ["a", "b"], "article": ["x", "y"], "placed": days(2), "pieces": [7, 9]},
    )
    assert log_of(path, {"quantity": "pieces // 2"})["quantity"].tolist() == [3, 4]


@pytest.mark.parametrize("second", [2, 25_000])
def test_a_header_in_the_middle_is_no_row_and_is_said(tmp_path: Path, second: int) -> None:
    (tmp_path / "log.csv").write_text(HEADER + lines(second) + HEADER + lines(100, second))
    tables = {"interactions": {"from": "log", "columns": {**COLUMNS, **SUMS}}}
    result = read({"log": str(tmp_path / "log.csv")}, tables)
    assert result["interactions"].to_pandas()["amount"].sum() == 1.5 * (second + 100)
    (file,) = result["summary"]["files"]
    assert file["rows"] == second + 100
    assert file["repeated_headers"] == 1


def test_exports_of_other_columns_put_together_are_refused(tmp_path: Path) -> None:
    moved = "article,customer,placed,pieces,price\n"
    with pytest.raises(InputError, match="another order than the header"):
        whole(tmp_path, HEADER + lines(50) + moved + lines(50))
    wider = "customer,article,placed,pieces,price,shop\n" + lines(500).replace("\n", ",s\n")
    with pytest.raises(InputError, match=r"501 lines are .* such as line 8 \(too many columns\)"):
        whole(tmp_path, HEADER + lines(6) + wider)


def test_titles_above_the_header_are_no_rows_and_are_said(tmp_path: Path) -> None:
    titles = "Export of the shop\nmade 2024,,,,\n\n"
    (tmp_path / "log.csv").write_text(titles + HEADER + lines(20))
    tables = {"interactions": {"from": "log", "columns": {**COLUMNS, **SUMS}}}
    result = read({"log": str(tmp_path / "log.csv")}, tables)
    assert result["summary"]["files"][0]["rows"] == 20
    assert result["summary"]["files"][0]["preamble"] == 2
    assert len(whole(tmp_path, titles + HEADER + lines(20), options={"skip": 3})) == 20


def test_a_sheet_may_begin_below_titles_and_hold_blank_rows(tmp_path: Path) -> None:
    rows = [
        ["Export"],
        [],
        COLUMNS.values(),
        ["a", "x", "2024-01-01"],
        [],
        ["b", "y", "2024-01-02"],
    ]
    pd.DataFrame([list(row) for row in rows]).to_excel(
        tmp_path / "log.xlsx", index=False, header=False
    )
    frame = log_of(str(tmp_path / "log.xlsx"))
    assert frame["item_id"].tolist() == ["x", "y"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_line_of_totals_has_no_ids_and_is_left_to_cleaning(tmp_path: Path, kind: str) -> None:
    columns = {
        "customer": ["a", "b"] * 100 + [None],
        "article": ["x", "y"] * 100 + [None],
        "placed": [*days(200), "Total"],
        "price": [1.5] * 200 + [300.0],
    }
    frame = log_of(write(tmp_path / f"log.{kind}", columns), {"amount": "price"})
    assert len(frame) == 201
    assert frame["amount"][frame["user_id"].notna()].sum() == 300


def test_ragged_lines_are_refused_or_counted(tmp_path: Path) -> None:
    text = HEADER + lines(200) + "c1,a1\n" + lines(200, 200)
    with pytest.raises(InputError, match=r"1 line is .* such as line 202 \(missing columns\): c1"):
        whole(tmp_path, text)
    tables = {"interactions": {"from": "log", "columns": {**COLUMNS, **SUMS}}}
    spec = {"path": str(tmp_path / "log.csv"), "options": {"ignore_errors": True}}
    (file,) = read({"log": spec}, tables)["summary"]["files"]
    assert (file["rows"], file["rejected"]) == (400, 1)
    with pytest.raises(InputError, match=r"1 of 401 lines cannot be read and would be left out"):
        read({"log": spec}, tables, max_unreadable_share=0.001)


# The quote in row 151 loses all of 400 rows that follow, or those up to the next one, in row 251.
@pytest.mark.parametrize(("second", "kept"), [(None, 150), (250, 299)])
def test_what_an_open_quote_swallows_is_counted(
    tmp_path: Path, second: int | None, kept: int
) -> None:
    rows = (lines(400).replace("\n", ",as ordered\n")).splitlines()
    for at in (150, *([second] if second else [])):
        rows[at] = rows[at].replace("as ordered", '"a 5 inch pipe')
    text = HEADER.replace("\n", ",note\n") + "\n".join(rows) + "\n"
    with pytest.raises(InputError, match="look for quotes that are not closed"):
        whole(tmp_path, text)
    spec = {"path": str(tmp_path / "log.csv"), "options": {"ignore_errors": True}}
    tables = {"interactions": {"from": "log", "columns": {**COLUMNS, **SUMS}}}
    with pytest.raises(InputError, match=rf"{400 - kept} of 400 lines cannot be read"):
        read({"log": spec}, tables)
    (file,) = read({"log": spec}, tables, max_unreadable_share=0.9)["summary"]["files"]
    assert (file["rows"], file["rejected"]) == (kept, 400 - kept)


def test_beside_comments_no_line_is_left_out(tmp_path: Path) -> None:
    text = HEADER + "# the first of them\n" + lines(200) + "c1,a1\n"
    with pytest.raises(InputError, match=r"line 203 .* other lines may be missing"):
        whole(tmp_path, text, options={"comment": "#", "ignore_errors": True})
    kept = whole(tmp_path, text.replace("c1,a1\n", ""), options={"comment": "#"})
    assert len(kept) == 200


@pytest.mark.parametrize("kind", ["csv", "csv.gz"])
@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16"])
def test_a_file_in_another_encoding_is_read_whole_if_it_is_named(
    tmp_path: Path, kind: str, encoding: str
) -> None:
    data = (HEADER + lines(90).replace("c1,", "Müller,")).encode(encoding)
    data = gzip.compress(data) if kind == "csv.gz" else data
    frame = whole(tmp_path, data, f"log.{kind}", options={"encoding": encoding})
    assert (frame["user_id"] == "Müller").sum() == 18
    assert len(frame) == 90


@pytest.mark.parametrize("options", [{}, {"ignore_errors": True}])
def test_a_file_that_is_not_utf_8_is_refused_with_an_option_that_works(
    tmp_path: Path, options: dict[str, object]
) -> None:
    data = (HEADER + lines(90).replace("c1,", "Müller,")).encode("cp1252")
    with pytest.raises(InputError, match=r"18.* lines .*encoding") as raised:
        whole(tmp_path, data, options=options)
    (encoding,) = re.findall(r"options: {encoding: (\w+)}", str(raised.value))
    assert len(whole(tmp_path, data, options={"encoding": encoding})) == 90


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@QUICK
@given(notes=st.lists(st.text(st.sampled_from('ab ,;"\n\r#'), max_size=6), min_size=2, max_size=12))
def test_rows_are_those_of_the_file_whatever_stands_in_quotes(
    tmp_path: Path, ending: str, notes: list[str]
) -> None:
    quoted = ['"' + note.replace('"', '""') + '"' for note in notes]
    text = "customer,article,placed,note" + ending
    text += "".join(
        f"c{at % 2},a{at},{moment},{note}{ending}"
        for at, (note, moment) in enumerate(zip(quoted, days(len(notes)), strict=True))
    )
    (tmp_path / "log.csv").write_bytes(text.encode())
    frame = log_of(str(tmp_path / "log.csv"))
    assert frame["item_id"].tolist() == [f"a{at}" for at in range(len(notes))]


def test_a_sign_of_comments_is_a_value_as_any_other(tmp_path: Path) -> None:
    text = "customer,article,placed\n" + "".join(
        f"#{at},a#{at},{day}\n" for at, day in enumerate(days(9))
    )
    assert whole_ids(tmp_path, text) == [f"a#{at}" for at in range(9)]


def whole_ids(folder: Path, text: str) -> list[str]:
    (folder / "log.csv").write_text(text)
    return list(log_of(str(folder / "log.csv"))["item_id"])


def test_a_repeated_name_is_refused_in_one_paragraph(tmp_path: Path) -> None:
    text = "customer,article,placed,Article\n" + "a,x,2024-01-01,y\nb,y,2024-01-02,z\n"
    with pytest.raises(InputError, match=r"'Article', 'article' more than once"):
        whole(tmp_path, text)


def test_a_decimal_comma_is_named_with_the_option_that_reads_it(tmp_path: Path) -> None:
    text = "customer;article;placed;pieces;price\n"
    text += "".join(f"c{at % 2};a{at};{day};1;{at},50\n" for at, day in enumerate(days(9)))
    with pytest.raises(InputError, match='decimal_separator: ","'):
        whole(tmp_path, text)
    frame = whole(tmp_path, text, options={"decimal_separator": ","})
    assert frame["amount"].tolist() == [at + 0.5 for at in range(9)]


# Every third value has a dot, which the declared decimal comma makes neither 1.234 nor 1234.
MIXED = ("999", "1.234", "25,5")


@pytest.mark.parametrize(
    ("rest", "share"), [({}, None), ({"thousands": "."}, 0.0)], ids=["comma", "comma and dot"]
)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {ids}, price AS amount FROM log",
        "SELECT {ids}, nullif(price, '7') AS amount FROM log",
        "SELECT {ids}, TRY_CAST(price AS DOUBLE) AS amount FROM log",
        "WITH x AS (SELECT *, price AS cost FROM log) SELECT {ids}, cost AS amount FROM x",
        (
            "SELECT * RENAME (customer AS user_id, article AS item_id, placed AS timestamp, "
            "price AS amount) FROM log"
        ),
        "SELECT * FROM log AS x(user_id, item_id, timestamp, amount)",
    ],
)
def test_a_declared_notation_holds_where_not_every_value_is_in_it(
    tmp_path: Path, sql: str, rest: dict[str, str], share: float | None
) -> None:
    text = "customer;article;placed;price\n" + "".join(
        f"c{at % 2};a{at % 4};{moment};{MIXED[at % 3]}\n" for at, moment in enumerate(days(12))
    )
    (tmp_path / "log.csv").write_text(text)
    spec = {"path": str(tmp_path / "log.csv"), "options": {"decimal_separator": ",", **rest}}
    ids = "customer AS user_id, article AS item_id, placed AS timestamp"
    tables = {"interactions": {"sql": sql.format(ids=ids)}}
    if share is None and "CAST" not in sql:
        with pytest.raises(InputError, match=r"4 of 12 .*'1.234 \(not as declared\)'.*thousands"):
            read({"log": spec}, tables)
    frame = read({"log": spec}, tables, max_unreadable_share=share or 0.5)["interactions"]
    thousands = [1234.0] * 4 if share is not None else []
    found = sorted(frame.to_pandas()["amount"].dropna())
    assert found == [25.5] * 4 + [999.0] * 4 + thousands


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("price * 2", r"column price is text, as 4 of its values .* '1.234 \(not as declared\)'"),
        ("CAST(price AS DOUBLE)", r"string '1.234 \(not as declared\)' to DOUBLE"),
        ("greatest(price, '0')", "chooses among texts of column price by size"),
    ],
)
def test_numbers_beside_their_declared_notation_are_not_computed_with(
    tmp_path: Path, expression: str, words: str
) -> None:
    text = "customer;article;placed;price\n" + "".join(
        f"c{at % 2};a{at % 4};{moment};{MIXED[at % 3]}\n" for at, moment in enumerate(days(12))
    )
    (tmp_path / "log.csv").write_text(text)
    spec = {"options": {"decimal_separator": ","}}
    with pytest.raises(InputError, match=words):
        log_of(str(tmp_path / "log.csv"), {"amount": expression}, spec)


def test_no_option_is_named_that_is_set(tmp_path: Path) -> None:
    text = "customer;article;placed;price\n" + "".join(
        f"c{at % 2};a{at % 4};{moment};1.234,50\n" for at, moment in enumerate(days(12))
    )
    (tmp_path / "log.csv").write_text(text)
    spec = {"options": {"decimal_separator": ","}}
    with pytest.raises(InputError, match=r'decimal_separator: ",", thousands: "[.]"'):
        log_of(str(tmp_path / "log.csv"), {"amount": "price"}, spec)


def test_a_given_type_holds_for_every_value_or_is_refused(tmp_path: Path) -> None:
    text = HEADER + lines(9).replace("c1,", "1,")
    with pytest.raises(InputError, match=r"7 values of column customer are no BIGINT"):
        whole(tmp_path, text, options={"types": {"customer": "BIGINT"}})


def test_a_file_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text("196\t242\t881250949\n186\t302\t891717742\n")
    frame = log_of(
        str(tmp_path / "log.tsv"),
        {
            "user_id": "column0",
            "item_id": "column1",
            "timestamp": "make_timestamp(CAST(column2 * 1000000 AS BIGINT))",
        },
    )
    assert frame["user_id"].tolist() == ["196", "186"]


def test_lines_that_the_engine_loses_are_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doppelcart.reading import delimited

    load = delimited._load

    def lossy(connection: object, table: str, *rest: object, **more: object) -> None:
        load(connection, table, *rest, **more)
        delimited.run(connection, f"DELETE FROM {table} WHERE article = 'a1'")

    monkeypatch.setattr(delimited, "_load", lossy)
    with pytest.raises(InputError, match=r"of its 91 lines that are not empty 30 were not read"):
        whole(tmp_path, HEADER + lines(90))


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "json", "jsonl", "jsonl.gz"])
@pytest.mark.parametrize("options", [{}, {"encoding": "utf-8-sig"}])
def test_a_byte_order_mark_is_no_part_of_the_text(
    tmp_path: Path, kind: str, options: dict[str, str]
) -> None:
    columns = {"customer": ["Zoë", "b"], "article": ["01", "1"], "placed": days(2)}
    data = Path(write(tmp_path / f"plain.{kind.removesuffix('.gz')}", columns)).read_bytes()
    data = b"\xef\xbb\xbf" + data
    path = tmp_path / f"log.{kind}"
    path.write_bytes(gzip.compress(data) if kind.endswith("gz") else data)
    frame = log_of(str(path), spec={"options": options})
    assert frame["user_id"].tolist() == ["Zoë", "b"]
    assert frame["item_id"].tolist() == ["01", "1"]


@pytest.mark.parametrize("text", ["", "[]", "\n"])
def test_a_json_file_without_a_record_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.json").write_text(text)
    with pytest.raises(InputError, match="it holds no record"):
        log_of(str(tmp_path / "log.json"))
