"""Launch windows: what is known, what is new, and what of the future may not matter."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.catalogue.windows import Window, first_prices, lines_of, moment_at, open_window
from doppelcart.errors import InputError

from .conftest import SUPPORT, features_of, launches_of, make_items, make_lines, table

DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2024-01-01")


def lines(*rows: tuple[str, str, int], price: float = 1.0) -> pd.DataFrame:
    """Lines of (user, item, day)."""
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "day"])
    times = START + frame.pop("day") * DAY
    return frame.assign(timestamp=times, quantity=1.0, amount=price)


def clean(frame: pd.DataFrame, quarantined: pd.DataFrame | None = None) -> pd.DataFrame:
    few = frame.iloc[:0] if quarantined is None else quarantined
    return lines_of(table(frame), table(few, rule="item_support"))


def opened(frame: pd.DataFrame, day: int, **support: int) -> Window:
    log = clean(frame)
    items = pd.DataFrame({"item_id": sorted(frame["item_id"].unique()), "type": "t"})
    asked = {"min_buyers_before": 1, "min_buyers_after": 1, "recent_weeks": 1} | support
    features = features_of(items)
    closes = log["timestamp"].max() + DAY
    return open_window(log, first_prices(log), features, START + day * DAY, closes, **asked)


LOG = lines(
    ("u", "a", 0), ("v", "a", 1), ("u", "b", 12), ("u", "b", 13),
    ("u", "n", 15), ("v", "n", 16), ("v", "n", 17), ("w", "n", 18), ("v", "a", 19), ("w", "m", 20),
)  # fmt: skip


class TestWindow:
    def test_old_new_and_who_bought_them_by_hand(self):
        window = opened(LOG, 14)
        assert window.old.tolist() == [0, 1]
        assert window.launched.tolist() == window.new.tolist() == [2, 3]
        assert window.buyers.tolist() == [1, 3]
        assert window.user_ids.tolist() == ["u", "v"]
        assert window.counts.toarray().tolist() == [[1, 2], [1, 0]]
        assert window.history.toarray().tolist() == [[1, 1], [1, 0]]
        assert window.bought.toarray().tolist() == [[0, 1], [0, 1]]
        assert window.judged.tolist() == [0, 1]

    def test_support_parts_old_and_new_items_from_the_rest(self):
        window = opened(LOG, 14, min_buyers_before=2, min_buyers_after=2)
        assert window.old.tolist() == [0]
        assert window.launched.tolist() == [2, 3]
        assert window.new.tolist() == [3]

    def test_recent_buyers_and_launches(self):
        window = opened(LOG, 14)
        assert window.recent.tolist() == [0, 1, 0, 0]
        assert window.recent_launch.tolist() == [False, True, False, False]

    def test_the_price_is_that_of_the_first_day(self):
        frame = pd.concat([lines(("u", "a", 0)), lines(("v", "a", 0), price=3.0),
                           lines(("v", "a", 1), price=9.0)])  # fmt: skip
        assert opened(frame, 1).prices.tolist() == [2.0]

    def test_what_comes_after_a_window_plays_no_part(self):
        cut, changed = START + 70 * DAY, make_lines(planted=False)
        late = changed["timestamp"] >= cut
        others = np.random.default_rng(1).permutation(changed.loc[late, "item_id"])
        changed.loc[late, "item_id"] = others
        features = features_of(make_items())
        found = []
        for frame in (make_lines(planted=False), changed):
            log = clean(frame)
            found.append(
                open_window(log, first_prices(log), features, cut - 20 * DAY, cut, **SUPPORT)
            )
        for field in dataclasses.fields(Window):
            one, two = (getattr(window, field.name) for window in found)
            if sparse.issparse(one):
                assert (one != two).nnz == 0, field.name
            elif isinstance(one, np.ndarray) and one.dtype.kind == "f":
                np.testing.assert_array_equal(one, two, field.name)
            else:
                assert np.array_equal(one, two), field.name


class TestLines:
    def test_lines_of_items_that_few_bought_are_there_and_others_are_not(self):
        more = lines(("w", "rare", 3))
        found = clean(LOG, more)
        assert "rare" in set(found["item_id"])
        other = lines_of(table(LOG), table(more, rule="cancellation"))
        assert "rare" not in set(other["item_id"])
        assert found["timestamp"].is_monotonic_increasing

    def test_without_times_nothing_is_new(self):
        with pytest.raises(InputError, match=r"No clean line has a time.*`timestamp`"):
            clean(LOG.assign(timestamp=pd.NaT))

    def test_a_cut_lies_at_the_beginning_of_a_day(self):
        times = pd.Series(START + np.arange(8) * pd.Timedelta(hours=12))
        assert moment_at(times, 0.5) == START + 2 * DAY
        assert moment_at(times, 0.7) == START + 2 * DAY
        assert moment_at(times, 1.0) == START + 4 * DAY

    def test_items_that_were_sold_must_have_features(self):
        log = clean(LOG)
        with pytest.raises(InputError, match="2 items were sold that have no features"):
            open_window(
                log,
                first_prices(log),
                features_of(pd.DataFrame({"item_id": ["a", "b"], "type": "t"})),
                START,
                START + 30 * DAY,
                **SUPPORT,
            )


class TestLaunches:
    def test_a_window_before_the_cut_tunes_and_one_before_that_teaches(self, planted):
        (launch,), _ = planted
        assert launch.earlier.closes == launch.tuning.opens < launch.tuning.closes
        assert launch.tuning.closes == launch.test.opens

    def test_a_window_without_new_items_is_left_out_with_a_line(self, caplog):
        frame = make_lines(planted=True)
        last = frame["timestamp"] >= START + 80 * DAY
        frame.loc[last, "item_id"] = frame["item_id"].iloc[0]
        found, _ = launches_of(frame, make_items(), (0.6, 0.8))
        assert [launch.cut for launch in found] == [0.6]
        assert "at 80 % of the lines is left out: 0 users bought one of 0 new items" in caplog.text

    def test_a_window_before_which_nothing_was_launched_is_left_out_with_a_line(self, caplog):
        frame = make_lines(planted=True)
        # Half of the items are there from the first day on, and others come after the 50th alone.
        early = (frame["timestamp"] < START + 50 * DAY) & (frame["timestamp"] >= START + DAY)
        known = frame.loc[frame["timestamp"] < START + DAY, "item_id"].to_numpy()
        frame.loc[early, "item_id"] = np.resize(known, early.sum())
        found, _ = launches_of(frame, make_items(), (0.7, 0.9))
        assert [launch.cut for launch in found] == [0.9]
        assert (
            "at 70 % of the lines is left out: no item was launched from 2024-01-30 to 2024-02-19"
            in caplog.text
        )

    def test_a_log_without_any_launch_is_refused(self):
        frame = make_lines(planted=True).assign(item_id="i000")
        with pytest.raises(
            InputError, match=r"None of the launch windows at 70%.*min_buyers_after"
        ):
            launches_of(frame, make_items())

    def test_a_catalogue_of_twenty_items_is_enough(self):
        found, _ = launches_of(make_lines(planted=False, n_items=20), make_items(20))
        assert len(found) == 1
        assert len(found[0].test.new) >= 1
