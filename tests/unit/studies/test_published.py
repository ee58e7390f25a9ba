"""Published splits and metrics, worked by hand."""

import numpy as np
import pytest
from scipy import sparse

from studies import published


def test_a_split_is_read_as_it_stands(tmp_path):
    (tmp_path / "ML100K.train").write_text("0 0 3.0\n1 2 5.0\n")
    (tmp_path / "ML100K.test").write_text("0 3 1.0\n")
    train, test = published.cfgan_split(tmp_path)
    assert train.toarray().tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]
    assert test.toarray().tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]


def test_the_data_may_lie_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("DOPPELCART_BENCHMARK_DATA", str(tmp_path))
    (tmp_path / "a").mkdir()
    assert published.data_folder("a") == tmp_path / "a"
    with pytest.raises(FileNotFoundError, match="DOPPELCART_BENCHMARK_DATA"):
        published.data_folder("b")


def test_what_is_held_out_and_what_is_left_make_the_whole():
    whole = sparse.random(50, 40, 0.5, "csr", rng=0)
    whole.data[:] = 1
    left, taken = published.hold_out(whole, 0.3, np.random.default_rng(0))
    assert (left + taken != whole).nnz == 0
    assert left.multiply(taken).nnz == 0
    assert taken.nnz / whole.nnz == pytest.approx(0.3, abs=0.05)


def test_cells_are_those_of_the_paper():
    # Known item 0 is never ranked; the list is 5 4 3 2 1, hits at ranks 2 and 5 of 3 relevant.
    scores = np.array([[9, 1, 2, 3, 4, 5]], dtype=np.float32)
    known = sparse.csr_matrix([[1, 0, 0, 0, 0, 0]])
    relevant = sparse.csr_matrix([[1, 1, 0, 0, 1, 0]])
    found = published.cells(scores, known, relevant)
    assert tuple(found) == published.CELLS
    assert found["P@5"] == pytest.approx(2 / 5)
    assert found["P@20"] == pytest.approx(2 / 20)
    assert found["R@5"] == pytest.approx(2 / 3)
    gain = 1 / np.log2(3) + 1 / np.log2(6)
    assert found["N@5"] == pytest.approx(gain / (1 + 1 / np.log2(3) + 1 / np.log2(4)))
    assert found["MRR@20"] == pytest.approx(1 / 2)


def test_users_with_nothing_to_find_are_left_out():
    scores = np.array([[1.0, 0.0], [1.0, 0.0]])
    relevant = sparse.csr_matrix([[1, 0], [0, 0]])
    found = published.cells(scores, sparse.csr_matrix((2, 2)), relevant)
    assert found["R@5"] == 1
    assert found["MRR@5"] == 1
