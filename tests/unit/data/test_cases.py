import numpy as np
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories

ITEMS = np.array(["a", "b", "c"])


def histories(rows: list[list[int]], users: list[str], items: np.ndarray = ITEMS) -> Histories:
    return Histories.from_lists([np.array(row, dtype=int) for row in rows], np.array(users), items)


def test_selecting_rows_keeps_both_parts_in_step() -> None:
    case = Case(
        "cold_1", histories([[0], [2]], ["u", "v"]), histories([[1], [0, 1]], ["u", "v"])
    ).select(np.array([1]))
    assert case.n_users == 1
    assert case.user_ids.tolist() == ["v"]
    assert case.seen.of(0).tolist() == [2]
    assert case.relevant.of(0).tolist() == [0, 1]


def test_parts_that_differ_in_users_are_refused() -> None:
    with pytest.raises(ValueError, match="cold_1: seen and relevant differ in users"):
        Case("cold_1", histories([[0], [1]], ["u", "v"]), histories([[1], [2]], ["v", "u"]))


def test_parts_that_differ_in_catalogue_are_refused() -> None:
    with pytest.raises(ValueError, match="warm: seen and relevant differ in catalogue"):
        Case("warm", histories([[0]], ["u"]), histories([[1]], ["u"], np.array(["a", "b", "d"])))
