"""What a file says without a fault and cannot mean: each input is written here."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_log import N_LINES, START, log, read, refused, warnings

from doppelcart.pipelines.cleaning.nodes import clean
from doppelcart.pipelines.cleaning.params import CleaningParams
from doppelcart.pipelines.ingestion.section import write_section
from doppelcart.reading.tolerance import IngestionParams
from doppelcart.reporting.blocks import bullets
from doppelcart.reporting.params import ReportingParams

KEEP_ALL = CleaningParams.model_validate(
    {"support": {"enabled": False}, "outlier": {"enabled": False}, "non_product": {}}
)


def cleaned(result: dict[str, Any], **params: Any) -> dict[str, Any]:
    """What cleaning makes of it, with as few rules as there can be."""
    made = clean(
        result["interactions"],
        result["items"],
        result["users"],
        KEEP_ALL,
        IngestionParams(**params),
    )
    return {name: made[name].to_pandas() for name in ("interactions", "quarantine")}


def test_a_log_in_order_is_not_spoken_of(tmp_path: Path) -> None:
    assert warnings(tmp_path, log(), {"discount": "taken_off"}) == []


def test_what_is_told_stands_in_the_log_and_in_the_report(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    summary = read(tmp_path, log().assign(receipt=1), {"basket_id": "receipt"})["summary"]
    (warning,) = summary["warnings"]
    assert warning in caplog.text
    assert bullets([warning]) in write_section(summary, ReportingParams()).blocks


class TestMoments:
    @pytest.mark.parametrize(
        ("per_second", "expression", "said"),
        [
            (
                1_000,
                "make_timestamp(CAST(placed * 1000000 AS BIGINT))",
                "milliseconds seem to be taken for seconds",
            ),
            (
                1_000,
                "timezone('UTC', to_timestamp(CAST(placed AS BIGINT)))",
                "milliseconds seem to be taken for seconds",
            ),
            (1_000_000, "epoch_ms(placed)", "milliseconds seem to be taken for seconds"),
            (1, "epoch_ms(placed)", "seconds seem to be taken for milliseconds"),
            (1, "make_timestamp(placed)", "seconds seem to be taken for microseconds"),
        ],
    )
    @pytest.mark.parametrize("as_text", [False, True])
    def test_another_unit_is_named_and_the_expression_proposed_reads_it(
        self, tmp_path: Path, per_second: int, expression: str, said: str, as_text: bool
    ) -> None:
        moments = log()["placed"]
        seconds = moments.astype("int64") // 1_000_000
        given = log().assign(placed=seconds * per_second)
        if as_text:
            given["placed"] = given["placed"].astype(str)
            expression = expression.replace("placed", "CAST(placed AS BIGINT)")
            expression = expression.replace(
                "CAST(CAST(placed AS BIGINT) AS BIGINT)", "placed::BIGINT"
            )
        message = refused(tmp_path, given, {"timestamp": expression})
        assert said in message
        assert "timestamp lies before 1971-01-01 or not before" in message
        assert "in 200 of 200 rows (100.0%)" in message
        proposed = re.search(r"write `timestamp: (.*)`", message)
        assert proposed is not None
        result = read(tmp_path, given, {"timestamp": proposed[1]})
        found = result["interactions"].to_pandas()["timestamp"]
        assert sorted(found) == sorted(moments)

    def test_what_the_engine_cannot_hold_is_answered_with_the_unit_too(
        self, tmp_path: Path
    ) -> None:
        expression = "make_timestamp(CAST(placed * 1000000 AS BIGINT))"
        given = log().assign(placed=log()["placed"].astype("int64"))
        message = refused(tmp_path, given, {"timestamp": expression})
        assert "milliseconds or microseconds? Then write `timestamp: " in message
        assert "(placed // 1000)" in message

    @pytest.mark.parametrize(
        "wrong",
        [
            "TIMESTAMP '1900-01-01'",
            "TIMESTAMP '1969-12-31 23:59:59'",
            "TIMESTAMP '1970-01-01'",
            "TIMESTAMP '1970-01-20 18:39:18'",
            "TIMESTAMP '9999-12-31'",
            "TIMESTAMP 'infinity'",
            "TIMESTAMP '-infinity'",
            "make_timestamp(1705158120000 * 1000000)",
            "CAST(now() + INTERVAL 3 DAY AS TIMESTAMP)",
        ],
    )
    def test_a_few_impossible_moments_are_quarantined(self, tmp_path: Path, wrong: str) -> None:
        late = str(START + timedelta(hours=N_LINES - 3))
        columns = {"timestamp": f"CASE WHEN placed > '{late}' THEN {wrong} ELSE placed END"}
        result = read(tmp_path, log(), columns)
        (warning,) = result["summary"]["warnings"]
        assert "in 2 of 200 rows (1.0%)" in warning
        assert "cleaning takes them by its rule implausible_time" in warning
        made = clean(
            result["interactions"], result["items"], result["users"], KEEP_ALL, IngestionParams()
        )
        counts = made["report"].set_index(["table", "rule"])["rows"]["interactions"]
        assert counts["implausible_time"] == 2
        assert counts["kept"] == N_LINES - 2
        assert made["interactions"].to_pandas()["timestamp"].max() == pd.Timestamp(late)

    def test_many_stop_the_run_unless_the_shop_says_that_they_are_meant(
        self, tmp_path: Path
    ) -> None:
        old = log().assign(placed=log()["placed"] - pd.DateOffset(years=60))
        message = refused(tmp_path, old)
        assert "in 200 of 200 rows (100.0%), such as 1964-01-13 15:02:00 (1)" in message
        assert "more than ingestion.max_implausible_time_share = 5.0% allows" in message
        assert "set ingestion.earliest_time and ingestion.latest_time" in message
        assert "seem to be taken" not in message
        bounds = {"earliest_time": "1960-01-01", "latest_time": "1970-01-01"}
        result = read(tmp_path, old, **bounds)
        assert result["summary"]["warnings"] == []
        assert len(cleaned(result, **bounds)["interactions"]) == N_LINES

    def test_a_time_too_late_depends_on_the_day_until_the_end_is_declared(
        self, tmp_path: Path
    ) -> None:
        lines = log()
        lines.loc[0, "placed"] = pd.Timestamp("2200-01-01")
        (warning,) = warnings(tmp_path, lines)
        assert "set ingestion.latest_time to the end of the export" in warning
        (warning,) = warnings(tmp_path, lines, latest_time="2024-02-01")
        assert "not before 2024-02-01" in warning
        assert "export" not in warning

    def test_the_bounds_are_days_so_that_all_runs_of_a_day_agree(self) -> None:
        morning, evening = datetime(2024, 5, 5, 0, 1), datetime(2024, 5, 5, 23, 59)  # noqa: DTZ001
        params = IngestionParams()
        assert params.time_bounds(morning) == params.time_bounds(evening)
        assert params.time_bounds(morning)[1] == datetime(2024, 5, 7)  # noqa: DTZ001

    def test_bounds_in_the_wrong_order_are_refused(self) -> None:
        with pytest.raises(ValueError, match="latest_time must be after earliest_time"):
            IngestionParams.model_validate(
                {"earliest_time": "2024-01-01", "latest_time": "2023-01-01"}
            )

    def test_ratings_given_at_impossible_moments_stop_the_run_too(self, tmp_path: Path) -> None:
        reviews = log().assign(placed=log()["placed"].astype("int64") // 1_000, stars=4)
        columns = {
            "user_id": "customer",
            "item_id": "article",
            "timestamp": "make_timestamp(CAST(placed * 1000000 AS BIGINT))",
            "rating": "stars",
        }
        message = refused(tmp_path, log(), lists={"reviews": (reviews, columns)})
        assert re.search(r"table reviews \(.*milliseconds seem to be taken for seconds", message)


class TestNumbers:
    @pytest.mark.parametrize("column", ["pieces", "paid", "taken_off"])
    @pytest.mark.parametrize("value", ["'inf'", "'-inf'", "'nan'", "1e300"])
    def test_a_number_that_no_sum_can_hold_is_quarantined_without_the_outlier_rule(
        self, tmp_path: Path, column: str, value: str
    ) -> None:
        expression = f"CASE WHEN placed = '{START}' THEN CAST({value} AS DOUBLE) ELSE {column} END"
        target = {"pieces": "quantity", "paid": "amount", "taken_off": "discount"}[column]
        result = read(tmp_path, log(), {target: expression})
        (warning,) = result["summary"]["warnings"]
        assert f"column {target} is infinite, not a number or beyond 1e+12 in 1 of 200" in warning
        made = cleaned(result)
        assert len(made["interactions"]) == N_LINES - 1
        (rule,) = made["quarantine"]["rule"]
        assert rule in {"not_finite", "return", "non_positive_quantity", "non_positive_amount"}

    def test_many_stop_the_run_and_the_expression_proposed_makes_them_missing(
        self, tmp_path: Path
    ) -> None:
        columns = {"discount": "taken_off / CAST('nan' AS DOUBLE)"}
        message = refused(tmp_path, log(), columns)
        assert "column discount is infinite, not a number or beyond 1e+12 in 200 of 200" in message
        assert "ingestion.max_bad_amount_share = 5.0%" in message
        proposed = re.search(r"`discount: (.*)`", message)
        assert proposed is not None
        frame = read(tmp_path, log(), {"discount": proposed[1]})["interactions"].to_pandas()
        assert frame["discount"].isna().all()

    def test_prices_and_ratings_that_are_no_numbers_are_unknown(self, tmp_path: Path) -> None:
        items = pd.DataFrame({"article": [f"a{n}" for n in range(10)], "price": 3.0})
        items.loc[:2, "price"] = [float("inf"), 0.0, -1.0]
        reviews = log().assign(stars=4.0).head(5)
        reviews.loc[2, "stars"] = float("-inf")
        result = read(
            tmp_path,
            log(),
            lists={
                "items": (items, {"item_id": "article", "price": "price"}),
                "reviews": (
                    reviews,
                    {"user_id": "customer", "item_id": "article", "rating": "stars"},
                ),
            },
        )
        told = " ".join(result["summary"]["warnings"])
        assert "column price is 0 or below, infinite or not a number in 3 of 10 rows" in told
        assert "column rating is infinite or not a number in 1 of 5 rows" in told
        prices = result["items"].to_pandas()["price"]
        assert prices.isna().sum() == 3
        assert prices.sum() == pytest.approx(21)
        assert result["reviews"].to_pandas()["rating"].dropna().tolist() == [4, 4, 4, 4]


class TestPlaceholders:
    @pytest.mark.parametrize(
        "name", ["NULL", "nan", "None", "N/A", "guest", "Unknown", "-", "0", "-1", "99999"]
    )
    @pytest.mark.parametrize("column", ["customer", "article"])
    def test_a_name_for_nobody_is_told_with_the_expression_that_frees_it(
        self, tmp_path: Path, name: str, column: str
    ) -> None:
        lines = log()
        lines.loc[: N_LINES * 2 // 5 - 1, column] = name
        key = {"customer": "user_id", "article": "item_id"}[column]
        (warning,) = warnings(tmp_path, lines)
        assert f"column {key} is {name!r} in 80 of 200 rows (40.0%)" in warning
        proposed = re.search(rf"`{key}: (.*)`, and set ingestion.max_missing_share to", warning)
        share = re.search(r"max_missing_share to ([\d.]+)", warning)
        assert proposed is not None
        assert share is not None
        params = {"max_missing_share": float(share[1])}
        result = read(tmp_path, lines, {key: proposed[1]}, **params)
        assert result["summary"]["warnings"] == []
        assert result["interactions"].to_pandas()[key].isna().sum() == 80

    def test_a_customer_who_is_number_0_is_a_customer(self, tmp_path: Path) -> None:
        assert warnings(tmp_path, log().assign(customer=[n % 20 for n in range(N_LINES)])) == []

    def test_one_user_with_a_tenth_of_the_lines_is_told(self, tmp_path: Path) -> None:
        lines = log().assign(customer=[f"k{n % 150}" for n in range(N_LINES)])
        assert warnings(tmp_path, lines) == []
        lines.loc[:29, "customer"] = "till 4"
        (warning,) = warnings(tmp_path, lines)
        assert "'till 4' in 30 of 200 rows (15.0%), far more than anybody else" in warning


class TestReceipts:
    def test_numbers_that_begin_anew_every_day_are_told(self, tmp_path: Path) -> None:
        lines = log().assign(receipt=[n % 24 for n in range(N_LINES)])
        (warning,) = warnings(tmp_path, lines, {"basket_id": "receipt"})
        assert "column basket_id repeats: 200 of 200 rows (100.0%)" in warning
        assert "such as '0', '1', '2'" in warning

    def test_numbers_that_are_unique_are_not(self, tmp_path: Path) -> None:
        lines = log().assign(receipt=range(N_LINES))
        assert warnings(tmp_path, lines, {"basket_id": "receipt"}) == []
