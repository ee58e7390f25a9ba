"""What the worth of a run's data is measured on, cut as the study says."""

import numpy as np

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from studies import worth

ITEMS = np.array(["a", "b", "c", "d", "e"])


def histories(*rows):
    names = np.array([f"u{number}" for number in range(len(rows))])
    return Histories.from_lists([np.array(row, dtype=int) for row in rows], names, ITEMS)


def test_a_case_is_cut_to_the_kept_items_and_revealed_again_in_time_order():
    case = Case("cold_80pct", histories([0, 1, 2], [3, 1]), histories([4, 3], [0]))
    cut = worth._mostly_known(case, np.array([0, 2, 3, 4]))
    assert cut.seen.item_ids.tolist() == ["a", "c", "d", "e"]
    # a c e d, of which 80 % are 3; d a, of which 1.
    assert [cut.seen.of(user).tolist() for user in range(2)] == [[0, 1, 3], [2]]
    assert [cut.relevant.of(user).tolist() for user in range(2)] == [[2], [0]]


def test_a_user_of_whom_nothing_could_be_found_leaves_the_case():
    case = Case("cold_80pct", histories([0, 1], [3, 1]), histories([2], [0]))
    assert worth._mostly_known(case, np.array([0, 3])).user_ids.tolist() == ["u1"]
