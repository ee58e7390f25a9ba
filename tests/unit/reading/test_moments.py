"""Moments mean what they say, and what can be read in two ways is not read."""

import re
from pathlib import Path

import pandas as pd
import pytest
from shops import FORMATS, log_of, read, write

from doppelcart.errors import InputError

PROJECT = Path(__file__).resolve().parents[3]
MOMENTS = pd.to_datetime(["2024-01-13 10:30", "2024-06-02 20:29", "2024-11-24 00:05"])
BERLIN = ["2024-01-13 11:30:00", "2024-06-02 22:29:00", "2024-11-24 01:05:00"]
RECIPE = "timezone('Europe/Berlin', timezone('UTC', placed))"


def shop(path: Path, placed: list[object]) -> str:
    count = len(placed)
    customers = [f"c{place % 2}" for place in range(count)]
    articles = [f"a{place % 3}" for place in range(count)]
    return write(path, {"customer": customers, "article": articles, "placed": placed})


def moments(path: str, expression: str = "placed", **rest: object) -> list[str]:
    frame = log_of(path, {"timestamp": expression}, **rest)
    return [str(moment) for moment in frame["timestamp"]]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M"])
def test_text_with_the_year_first_is_read_in_every_format(
    tmp_path: Path, kind: str, form: str
) -> None:
    placed = [moment.strftime(form) for moment in MOMENTS]
    assert moments(shop(tmp_path / f"log.{kind}", placed)) == [str(moment) for moment in MOMENTS]


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz", "json", "jsonl", "xlsx"])
@pytest.mark.parametrize("form", ["%d/%m/%y", "%m/%d/%y", "%d.%m.%Y", "%d-%m-%Y %H:%M"])
def test_a_format_that_alone_fits_every_value_is_found(
    tmp_path: Path, kind: str, form: str
) -> None:
    days = pd.date_range("2024-01-02", "2024-06-06", freq="D")
    path = shop(tmp_path / f"log.{kind}", [day.strftime(form) for day in days])
    assert moments(path) == [str(day) for day in days]


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
@pytest.mark.parametrize("form", ["%d/%m/%y", "%d/%m/%Y", "%m-%d-%Y"])
def test_what_two_formats_fit_is_refused_with_both(tmp_path: Path, kind: str, form: str) -> None:
    days = pd.date_range("2024-02-01", "2024-02-12", freq="D")
    path = shop(tmp_path / f"log.{kind}", [day.strftime(form) for day in days])
    with pytest.raises(InputError) as raised:
        moments(path)
    other = form.translate(str.maketrans("dm", "md"))
    for named in (form, other):
        assert f"strptime(column, '{named}')" in str(raised.value)
    assert "only who wrote the file knows" in str(raised.value)
    assert moments(path, f"strptime(placed, '{form}')") == [str(day) for day in days]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("zone", ["Z", "+0000"])
def test_the_recipe_for_utc_gives_local_time(tmp_path: Path, kind: str, zone: str) -> None:
    placed = [f"{moment:%Y-%m-%dT%H:%M:%S}{zone}" for moment in MOMENTS]
    path = shop(tmp_path / f"log.{kind}", placed)
    assert moments(path, RECIPE) == BERLIN
    with_keyword = "placed AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin'"
    assert moments(path, with_keyword) == BERLIN


def test_offsets_of_a_shop_give_its_local_time(tmp_path: Path) -> None:
    placed = [
        f"{m:%Y-%m-%dT%H:%M:%S%z}" for m in MOMENTS.tz_localize("UTC").tz_convert("Asia/Tokyo")
    ]
    assert moments(shop(tmp_path / "log.csv", placed), RECIPE) == BERLIN


@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
@pytest.mark.parametrize("expression", [RECIPE, "timezone('Europe/Berlin', placed)"])
def test_zoned_parquet_is_read_by_either_recipe(tmp_path: Path, unit: str, expression: str) -> None:
    zoned = MOMENTS.tz_localize("UTC").as_unit(unit)
    frame = pd.DataFrame({"customer": ["a", "b", "a"], "article": ["x", "y", "z"], "placed": zoned})
    frame.to_parquet(tmp_path / "log.parquet")
    assert moments(str(tmp_path / "log.parquet"), expression) == BERLIN


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_moments_with_a_zone_do_not_say_the_clock_and_are_refused(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"log.{kind}"
    if kind == "parquet":
        zoned = MOMENTS.tz_localize("UTC")
        pd.DataFrame({"customer": [1, 2, 1], "article": [1, 2, 3], "placed": zoned}).to_parquet(
            path
        )
    else:
        shop(path, [f"{moment:%Y-%m-%dT%H:%M:%S}Z" for moment in MOMENTS])
    with pytest.raises(InputError, match=r"carry a time zone.*timezone\('Europe/Berlin', "):
        moments(str(path))


def test_times_in_utc_without_a_zone_are_as_before(tmp_path: Path) -> None:
    placed = [str(moment) for moment in MOMENTS]
    assert moments(shop(tmp_path / "log.csv", placed), RECIPE) == BERLIN
    pd.DataFrame({"customer": [1, 2, 1], "article": [1, 2, 3], "placed": MOMENTS}).to_parquet(
        tmp_path / "log.parquet"
    )
    assert moments(str(tmp_path / "log.parquet"), RECIPE) == BERLIN


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "xlsx"])
@pytest.mark.parametrize(
    ("form", "expression"),
    [
        ("%Y-%m-%d %H:%M", "placed"),
        ("%Y-%m-%d %H:%M", "CAST(placed AS TIMESTAMP)"),
        ("%d/%m/%Y %H:%M", "strptime(placed, '%d/%m/%Y %H:%M')"),
        ("%Y-%m-%dT%H:%M:%SZ", "timezone('UTC', timezone('UTC', placed))"),
    ],
)
@pytest.mark.parametrize("place", [0, 150])
def test_one_unreadable_moment_is_missing_and_the_rest_is_read(
    tmp_path: Path, kind: str, form: str, expression: str, place: int
) -> None:
    days = pd.date_range("2024-01-01 10:00", periods=200, freq="h")
    placed: list[object] = [day.strftime(form) for day in days]
    placed[place] = "n/a"
    found = moments(shop(tmp_path / f"log.{kind}", placed), expression)
    assert found == [str(day) if at != place else "NaT" for at, day in enumerate(days)]


def test_times_that_begin_late_are_not_cut(tmp_path: Path) -> None:
    days = ["2023-01-01"] * 24_999 + ["2023-11-09 11:45:00"]
    assert moments(shop(tmp_path / "log.csv", list(days)))[-1] == "2023-11-09 11:45:00"


@pytest.mark.parametrize(
    "late", ["n/a", "", "2023-02-30 10:00:00", "2023-01-01 10:00Z ", "2023-1-1 1:00+02:00"]
)
def test_a_late_text_that_is_no_moment_is_missing_and_the_rest_is_read(
    tmp_path: Path, late: str
) -> None:
    placed = ["2023-11-09 11:45:00"] * 24_998 + [late, " 2023-11-09 9:45 "]
    found = moments(shop(tmp_path / "log.csv", list(placed)))
    assert found[0] == "2023-11-09 11:45:00"
    assert found[-2:] == ["NaT", "2023-11-09 09:45:00"]


@pytest.mark.parametrize("kind", ["csv", "parquet", "json", "xlsx"])
@pytest.mark.parametrize(
    ("factor", "unit"), [(1, "seconds"), (1e3, "milliseconds"), (1e6, "microseconds")]
)
def test_numbers_are_no_moments_and_the_hint_works(
    tmp_path: Path, kind: str, factor: float, unit: str
) -> None:
    placed = [int(moment.timestamp() * factor) for moment in MOMENTS]
    path = shop(tmp_path / f"log.{kind}", list(placed))
    with pytest.raises(InputError, match=f"for {unit} since 1970") as raised:
        moments(path)
    hint = re.findall(r"say with `([^`]+)`", str(raised.value))[0]
    assert moments(path, hint.replace("column", "placed")) == [str(moment) for moment in MOMENTS]


def test_days_of_a_spreadsheet_are_named_and_the_hint_works(tmp_path: Path) -> None:
    path = shop(tmp_path / "log.xlsx", [45304.4375, 45445.853472222225, 45620.003472222219])
    with pytest.raises(InputError, match="days of a spreadsheet") as raised:
        moments(path)
    hint = re.findall(r"say with `([^`]+)`", str(raised.value))[0]
    assert moments(path, hint.replace("column", "placed")) == [str(moment) for moment in MOMENTS]


def test_cells_of_texts_and_of_moments_are_named_and_the_hint_works(tmp_path: Path) -> None:
    placed: list[object] = [*MOMENTS[:2].to_pydatetime(), "24/11/2024 00:05"] * 4
    path = shop(tmp_path / "log.xlsx", placed)
    with pytest.raises(InputError, match="4 of 12 values cannot be read") as raised:
        moments(path)
    hint = re.findall(r"say with `([^`]+)`", str(raised.value))[0]
    expected = [str(moment) for moment in MOMENTS] * 4
    assert moments(path, hint.replace("column", "placed")) == expected


# What each recipe of the document about moments is for; the column's name is the document's.
RECIPES = {
    "sold_at": ["2024-01-13 10:30:00", "2024-01-13T10:30:00Z", "2024-01-13T11:30:00+01:00"],
    "placed": ["13/01/2024 11:30"],
    "seconds": [1705141800],
    "millis": [1705141800000],
    "serial": [45304.47916666667],
    "noted": ["2024-01-13 11:30:00"],
}


def documented() -> list[tuple[str, str]]:
    """The recipes for ``timestamp`` of docs/your-shop.md, each with its column."""
    text = (PROJECT / "docs/your-shop.md").read_text("utf-8")
    recipes = re.findall(r"\| `timestamp: (.+?)` \|", text)
    return [
        (recipe, next(c for c in RECIPES if re.search(rf"\b{c}\b", recipe))) for recipe in recipes
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "xlsx"])
@pytest.mark.parametrize(("recipe", "column"), documented())
def test_the_documents_recipes_give_the_shops_time(
    tmp_path: Path, recipe: str, column: str, kind: str
) -> None:
    for given in RECIPES[column]:
        others = ["2024-01-01", "2024-01-02", "2024-01-03"]
        path = write(
            tmp_path / f"log.{kind}",
            {
                "customer": ["a", "b", "a"],
                "article": ["x", "y", "z"],
                column: [*others[:2], given] if recipe == column else [given] * 3,
                "other": others,
            },
        )
        other = "CAST(other AS TIMESTAMP)"
        expression = f"CASE WHEN article = 'z' THEN {recipe} ELSE {other} END"
        found = moments(path, recipe if recipe == column else expression)
        assert found[-1] == "2024-01-13 11:30:00", given


def test_every_recipe_has_its_inputs() -> None:
    assert {column for _, column in documented()} == set(RECIPES)


def test_a_second_file_is_read_by_its_own_values(tmp_path: Path) -> None:
    european = shop(tmp_path / "a.csv", ["13/01/2024", "02/06/2024", "24/11/2024"])
    iso = shop(tmp_path / "b.csv", ["2024-01-13", "2024-06-02", "2024-11-24"])
    columns = "customer AS user_id, article AS item_id, placed AS timestamp"
    sql = f"SELECT {columns} FROM a UNION ALL SELECT {columns} FROM b"
    result = read({"a": european, "b": iso}, {"interactions": {"sql": sql}})
    counts = result["interactions"].to_pandas()["timestamp"].value_counts()
    assert counts.to_dict() == dict.fromkeys(MOMENTS.normalize(), 2)


@pytest.mark.parametrize(
    "expression", ["placed", "nullif(placed, 'unknown')", "CAST(placed AS TIMESTAMP)"]
)
def test_a_declared_format_holds_where_not_every_value_is_in_it(
    tmp_path: Path, expression: str
) -> None:
    # the year, the day, the month: months one to nine of the fourth
    placed = [f"2024-04-{month:02d}" for month in range(1, 10)] * 20
    placed[7] = "unknown"
    path = shop(tmp_path / "log.csv", placed)
    spec = {"options": {"dateformat": "%Y-%d-%m"}}
    found = moments(path, expression, spec=spec)
    assert found[:3] == [f"2024-0{month}-04 00:00:00" for month in (1, 2, 3)]
    assert found[7] == "NaT"


def test_a_day_in_another_format_than_declared_is_not_read(tmp_path: Path) -> None:
    placed = [f"2024-04-{month:02d}" for month in range(1, 10)] + ["2024-04-25"]
    path = shop(tmp_path / "log.csv", placed)
    spec = {"options": {"dateformat": "%Y-%d-%m"}}
    with pytest.raises(InputError, match=r"1 of 10 .* '2024-04-25 \(not as declared\)'"):
        moments(path, spec=spec)


def test_another_format_does_not_stand_in_for_the_declared_one(tmp_path: Path) -> None:
    # all of them could be read with the day first, of which the declaration says otherwise
    placed = [f"{month:02d}/04/2024" for month in range(1, 10)] + ["25/04/2024"]
    path = shop(tmp_path / "log.csv", placed)
    spec = {"options": {"dateformat": "%m/%d/%Y"}}
    with pytest.raises(InputError, match=r"1 of 10 values .* '25/04/2024'"):
        moments(path, spec=spec)


def test_columns_in_no_declared_format_are_read_as_everywhere(tmp_path: Path) -> None:
    placed = [f"2024-04-{day:02d} 10:00:00" for day in range(1, 10)]
    path = shop(tmp_path / "log.csv", placed)
    assert moments(path, spec={"options": {"dateformat": "%d.%m.%Y"}}) == placed


@pytest.mark.parametrize(("form", "digits"), [("%Y%m%d", "2024040{}"), ("%d%m%Y", "0{}042024")])
def test_a_declared_format_of_digits_is_no_number(tmp_path: Path, form: str, digits: str) -> None:
    path = shop(tmp_path / "log.csv", [digits.format(day) for day in range(1, 10)])
    found = moments(path, spec={"options": {"dateformat": form}})
    assert found == [f"2024-04-0{day} 00:00:00" for day in range(1, 10)]
