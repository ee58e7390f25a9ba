"""Which basket numbers repeat, and what tells visits apart then."""

import ibis
import pandas as pd
import pytest

from doppelcart.data.baskets import begin_anew, of_user_and_day, repeating, repeating_figures


def lines(*rows: tuple[str, str, str | None]) -> ibis.Table:
    frame = pd.DataFrame(rows, columns=["user_id", "timestamp", "basket_id"])
    return ibis.memtable(frame.assign(timestamp=pd.to_datetime(frame["timestamp"])))


@pytest.mark.parametrize(
    ("second", "repeats"),
    [
        (("u1", "2024-01-01 18:00", "7"), False),
        (("u1", "2024-01-02 00:05", "7"), False),  # around midnight
        (("u1", "2024-01-03 10:00", "7"), True),
        (("u2", "2024-01-01 10:00", "7"), True),
        (("u1", "2024-01-09 10:00", "8"), False),
        (("u1", "2024-01-09 10:00", None), False),
    ],
)
def test_a_number_repeats_if_no_visit_could_be_so(second, repeats):
    log = lines(("u1", "2024-01-01 10:00", "7"), second)
    assert len(repeating(log).to_pandas()) == repeats
    assert repeating_figures(log)["repeating"] == 2 * repeats


def test_a_few_that_repeat_are_no_numbering():
    assert not begin_anew({"rows": 100, "repeating": 5})
    assert begin_anew({"rows": 100, "repeating": 6})
    assert not begin_anew({"rows": 0, "repeating": 0})


def test_day_and_user_tell_visits_apart():
    log = lines(
        ("u1", "2024-01-01 10:00", "7"),
        ("u2", "2024-01-01 10:00", "7"),
        ("u1", "2024-01-02 10:00", "7"),
        ("u1", "2024-01-02 10:00", None),
    )
    made = of_user_and_day(log).to_pandas()["basket_id"]
    assert made.dropna().tolist() == ["7@2024-01-01@u1", "7@2024-01-01@u2", "7@2024-01-02@u1"]
    assert made.isna().sum() == 1
