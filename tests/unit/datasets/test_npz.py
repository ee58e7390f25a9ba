from pathlib import Path

import numpy as np
import pytest
from kedro.io.core import DatasetError

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.datasets.npz import CasesDataset, HistoriesDataset, HistorySetsDataset

ITEMS = np.array(["a", "b", "c"], dtype=object)


def histories(*rows: list[int]) -> Histories:
    users = np.array([f"u{number}" for number in range(len(rows))], dtype=object)
    return Histories.from_lists([np.array(row, dtype=int) for row in rows], users, ITEMS)


def test_histories_come_back_in_time_order(tmp_path: Path) -> None:
    dataset = HistoriesDataset(str(tmp_path / "new folder" / "h.npz"))
    assert not dataset.exists()
    dataset.save(histories([2, 0], [], [1]))
    loaded = dataset.load()
    assert dataset.exists()
    assert [loaded.of(row).tolist() for row in range(3)] == [[2, 0], [], [1]]
    assert loaded.user_ids.tolist() == ["u0", "u1", "u2"]
    assert loaded.item_ids.tolist() == ["a", "b", "c"]


def test_sets_come_back_by_name_in_order(tmp_path: Path) -> None:
    dataset = HistorySetsDataset(str(tmp_path / "s.npz"))
    other = Histories.from_lists([np.array([0])], np.array(["v"]), np.array(["x"]))
    dataset.save({"vae": histories([2, 0], []), "gan": other, "nobody": histories()})
    loaded = dataset.load()
    assert list(loaded) == ["vae", "gan", "nobody"]
    assert [loaded["vae"].of(row).tolist() for row in range(2)] == [[2, 0], []]
    assert loaded["gan"].item_ids.tolist() == ["x"]
    assert loaded["nobody"].n_users == 0


def test_one_history_is_no_file_of_sets(tmp_path: Path) -> None:
    path = str(tmp_path / "h.npz")
    HistoriesDataset(path).save(histories([2, 0]))
    with pytest.raises(DatasetError, match="no named set"):
        HistorySetsDataset(path).load()


def test_cases_come_back_in_order_with_one_catalogue(tmp_path: Path) -> None:
    dataset = CasesDataset(str(tmp_path / "c.npz"))
    dataset.save(
        {
            "warm": Case("warm", histories([0]), histories([2, 1])),
            "cold_0": Case("cold_0", histories([], []), histories([0], [1, 2])),
        }
    )
    loaded = dataset.load()
    assert list(loaded) == ["warm", "cold_0"]
    assert loaded["warm"].relevant.of(0).tolist() == [2, 1]
    assert loaded["cold_0"].n_users == 2
    assert loaded["cold_0"].seen.lengths.tolist() == [0, 0]
    assert loaded["warm"].seen.item_ids is loaded["cold_0"].relevant.item_ids


def test_cases_of_two_catalogues_are_refused(tmp_path: Path) -> None:
    other = Histories.from_lists([np.array([0])], np.array(["u0"]), np.array(["x"]))
    cases = {"a": Case("a", histories([0]), histories([1])), "b": Case("b", other, other)}
    with pytest.raises(DatasetError, match="one catalogue"):
        CasesDataset(str(tmp_path / "c.npz")).save(cases)


def test_an_absent_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"does not exist: run .* first"):
        HistoriesDataset(str(tmp_path / "h.npz")).load()


def test_a_truncated_file_is_not_taken_for_whole(tmp_path: Path) -> None:
    path = tmp_path / "h.npz"
    HistoriesDataset(str(path)).save(histories([2, 0], [1]))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DatasetError, match="not a file of histories"):
        HistoriesDataset(str(path)).load()


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "h.npz"
    np.savez(path, user_ids=np.array([{"any": "object"}], dtype=object), allow_pickle=True)
    with pytest.raises(DatasetError, match="not a file of histories"):
        HistoriesDataset(str(path)).load()


def test_a_missing_array_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "h.npz", user_ids=np.array(["u"]))
    with pytest.raises(DatasetError, match="no array 'item_ids'"):
        HistoriesDataset(str(tmp_path / "h.npz")).load()
