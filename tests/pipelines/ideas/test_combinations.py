"""What is sold, what is an idea, and what was launched."""

import logging

import numpy as np
import pandas as pd
import pytest

from doppelcart.catalogue.windows import first_prices, open_window
from doppelcart.errors import InputError
from doppelcart.pipelines.ideas.combinations import combine_items, open_cuts

from .conftest import DAYS, WINDOWS, clean, cuts_of, features_of, make_items, make_lines

START = pd.Timestamp("2024-01-01")


def small() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Five items: two sold early, one lately, two launched; of these one has a new maker."""
    items = pd.DataFrame(
        {
            "item_id": ["a", "b", "c", "n", "o"],
            "category": ["x", "x", "y", "x", "y"],
            "type": ["jam", "tea", "tea", "jam", "jam"],
            "manufacturer": ["m", "m", "k", "k", "z"],
        }
    )
    rows = [("u", "a", 0), ("v", "b", 1), ("u", "c", 12), ("u", "n", 15), ("v", "o", 16)]
    lines = pd.DataFrame(rows, columns=["user_id", "item_id", "day"])
    times = START + lines.pop("day") * pd.Timedelta(days=1)
    return lines.assign(timestamp=times, quantity=1.0, amount=1.0), items


def test_combinations_by_hand():
    lines, items = small()
    log, features = clean(lines), features_of(items)
    window = open_window(
        log, first_prices(log), features, START + pd.Timedelta(days=14),
        START + pd.Timedelta(days=20), min_buyers_before=1, min_buyers_after=1, recent_weeks=1,
    )  # fmt: skip
    found = combine_items(window, features)
    assert features.columns[found.kinds].tolist() == ["jam", "tea"]
    assert features.columns[found.makers].tolist() == ["k", "m"]
    assert found.items.toarray().tolist() == [[0, 1], [1, 1]]
    assert found.recent.toarray().tolist() == [[0, 0], [1, 0]]
    assert found.unseen.tolist() == [[True, False], [False, False]]
    assert found.launched.tolist() == [[0, 0]]
    assert found.launches.toarray().tolist() == [[1, 0], [0, 0]]
    # Jam of a maker that nobody knew can be nobody's idea.
    assert found.unknown == 1
    # Tea is of two categories alike: the last by name stands.
    assert found.categories.tolist() == [0, 1]


def test_a_launch_of_a_combination_that_is_sold_is_none(planted):
    (cut,), _ = planted
    own = cut.judged
    assert own.unseen[own.launched[:, 0], own.launched[:, 1]].all()
    assert (own.items.toarray()[own.launched[:, 0], own.launched[:, 1]] == 0).all()


def test_windows_follow_one_another(planted):
    (cut,), _ = planted
    assert cut.earlier.window.closes == cut.tuning.window.opens
    assert cut.tuning.window.closes == cut.judged.window.opens
    assert cut.judged.window.closes < START + pd.Timedelta(days=DAYS)


@pytest.mark.parametrize("part", ["type", "manufacturer"])
def test_items_without_a_part_are_refused(part):
    items = make_items(planted=True).assign(**{part: None})
    with pytest.raises(InputError, match=f"no item has a {part}. Declare the column"):
        cuts_of(make_lines(items), items)


def test_a_shop_that_launches_nothing_is_refused():
    items = make_items(planted=True)
    lines = make_lines(items)
    lines = lines[lines["item_id"] < "i300"]
    with pytest.raises(InputError, match=r"None of the windows at 70% of the lines"):
        cuts_of(lines, items)


def test_a_window_with_few_launches_is_left_out_with_a_line(caplog):
    items = make_items(planted=True)
    log, features = clean(make_lines(items)), features_of(items)
    params = WINDOWS.model_copy(update={"cuts": (0.1, 0.7)})
    with caplog.at_level(logging.WARNING):
        found = open_cuts(log, features, params)
    assert [cut.cut for cut in found] == [0.7]
    assert "The window at 10 % of the lines is left out" in caplog.text


def test_what_comes_after_the_cut_changes_nothing_that_is_known(planted):
    (cut,), _ = planted
    items = make_items(planted=True)
    lines = make_lines(items)
    late = (lines["timestamp"] >= cut.judged.window.opens).to_numpy()
    rng = np.random.default_rng(5)
    lines.loc[late, "item_id"] = rng.permutation(lines.loc[late, "item_id"])
    lines.loc[late, "user_id"] = rng.permutation(lines.loc[late, "user_id"])
    (other,), _ = cuts_of(lines, items)
    for part in ("items", "recent"):
        difference = getattr(cut.judged, part) - getattr(other.judged, part)
        assert difference.nnz == 0
    assert (cut.judged.window.counts - other.judged.window.counts).nnz == 0
    assert cut.tuning.launched.tolist() == other.tuning.launched.tolist()
