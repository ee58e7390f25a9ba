import numpy as np
import pytest
from scipy import sparse

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.recommendation.completion import ROWS_PER_BLOCK, popularity_completer, strongest_of
from doppelcart.serving.history_completer import completed, strongest_unseen

SEEN = sparse.csr_matrix(np.array([[1, 0, 0, 0], [0, 0, 0, 0]], dtype=np.float32))
P = np.array([[0.9, 0.5, 0.0, 0.2], [0.1, 0.2, 0.3, 0.4]], dtype=np.float32)


def test_known_items_get_nothing_and_only_the_strongest_are_kept() -> None:
    added = strongest_unseen(P, SEEN, top=2)
    np.testing.assert_allclose(added.toarray(), [[0, 0.5, 0, 0.2], [0, 0, 0.3, 0.4]])
    assert added.nnz == 4


def test_without_a_cut_all_are_kept() -> None:
    np.testing.assert_allclose(
        strongest_unseen(P, SEEN, None).toarray(), [[0, 0.5, 0, 0.2], [0.1, 0.2, 0.3, 0.4]]
    )


def test_strength_scales_what_is_added_and_leaves_known_items_at_one() -> None:
    history = completed(SEEN, strongest_unseen(P, SEEN, 2), 0.1)
    np.testing.assert_allclose(
        history.toarray(), [[1, 0.05, 0, 0.02], [0, 0, 0.03, 0.04]], rtol=1e-6
    )
    assert completed(SEEN, strongest_unseen(P, SEEN, 2), 0) is SEEN


def test_popularity_gives_everyone_the_share_of_training_users() -> None:
    train = Histories.from_lists(
        [np.array([0, 1]), np.array([0])], np.array(["u", "v"]), np.array(["a", "b", "c"])
    )
    (block,) = popularity_completer(train)(train)
    np.testing.assert_allclose(block, [[1, 0.5, 0], [1, 0.5, 0]])


def test_blocks_are_put_together_in_their_order() -> None:
    rows = [np.array([0]), np.array([1]), np.array([2])]
    seen = Histories.from_lists(rows, np.array(["u", "v", "w"]), np.array(["a", "b", "c"]))
    whole = np.array([[0.9, 0.2, 0.1], [0.1, 0.9, 0.3], [0.4, 0.5, 0.9]])
    added = strongest_of(lambda _: iter([whole[:2], whole[2:]]), seen, top=1)
    np.testing.assert_allclose(added.toarray(), [[0, 0.2, 0], [0, 0, 0.3], [0, 0.5, 0]])
    nobody = strongest_of(lambda _: iter([]), seen.select(np.array([], dtype=int)), top=1)
    assert nobody.shape == (0, 3)


def test_a_completer_that_forgets_users_is_refused() -> None:
    seen = Histories.from_lists([np.array([0])] * 2, np.array(["u", "v"]), np.array(["a", "b"]))
    with pytest.raises(InputError, match="returned 1 rows for 2 users"):
        strongest_of(lambda _: iter([np.full((1, 2), 0.5)]), seen, top=None)


def test_many_users_are_completed_a_block_at_a_time() -> None:
    n_users = ROWS_PER_BLOCK + 3
    names = np.arange(n_users).astype(str)
    users = Histories.from_lists([np.array([0])] * n_users, names, np.array(["a", "b"]))
    assert [len(b) for b in popularity_completer(users)(users)] == [ROWS_PER_BLOCK, 3]


@pytest.mark.parametrize("wrong", [np.nan, -0.1, 1.1])
def test_values_that_are_no_probability_are_refused(wrong: float) -> None:
    bad = P.copy()
    bad[1, 2] = wrong
    with pytest.raises(InputError, match="for 1 of 2 users"):
        strongest_unseen(bad, SEEN, 2)


def test_another_catalogue_is_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(2, 3\)"):
        strongest_unseen(P[:, :3], SEEN, 2)
