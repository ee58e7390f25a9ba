"""Membership inference against values worked by hand, a generator that copies, and non-members."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.metrics.privacy import membership as m


def histories(*users: set[int], n_items: int = 4) -> sparse.csr_matrix:
    dense = np.zeros((len(users), n_items), dtype=np.float32)
    for row, items in enumerate(users):
        dense[row, list(items)] = 1
    return sparse.csr_matrix(dense)


def shoppers(n_users: int, seed: int) -> sparse.csr_matrix:
    """Users of a shop of 80 items, popular and rare."""
    rng = np.random.default_rng(seed)
    return sparse.csr_matrix((rng.random((n_users, 80)) < np.linspace(0.5, 0.05, 80)).astype("f4"))


def test_auc_by_hand() -> None:
    # of six pairs, 3 beats 1 and 2, 2 beats 1 and ties with 2, 0 loses twice
    assert m.auc(np.array([3.0, 2.0, 0.0]), np.array([1.0, 2.0])) == pytest.approx(3.5 / 6)


def test_tpr_by_hand() -> None:
    non_members = np.arange(100.0)
    # one non-member of a hundred may lie above the threshold, which is then 98
    assert m.tpr_at_fpr(np.array([98.0, 98.5, 200.0, 3.0]), non_members, 0.01) == 0.5
    assert m.tpr_at_fpr(np.array([98.0, 98.5, 200.0, 3.0]), non_members, 0.02) == 0.75
    assert np.isnan(m.tpr_at_fpr(non_members, non_members[:99], 0.01))


def test_separation_by_hand_and_of_nobody() -> None:
    rng = np.random.default_rng(0)
    found = m.separation(np.array([2.0, 3.0, np.nan]), np.zeros(100), rng, n_bootstrap=20)
    assert (found.auc, found.auc_low, found.tpr) == (1, 1, 1)
    assert (found.n_members, found.n_non_members) == (2, 100)
    assert np.isnan(m.separation(np.array([]), np.zeros(3), rng).auc)


def test_intervals_cover_a_guess() -> None:
    rng = np.random.default_rng(1)
    found = m.separation(rng.normal(size=300), rng.normal(size=300), rng, n_bootstrap=200)
    assert found.auc_low < 0.5 < found.auc_high
    assert found.auc_high - found.auc_low == pytest.approx(4 * 0.0236, rel=0.25)
    assert found.tpr_low <= found.tpr <= found.tpr_high


def test_tracing_by_hand() -> None:
    released, reference = histories({0}, {0}, {0}), histories({1}, {0}, {1})
    # smoothed shares of item 0: 3.5/4 against 1.5/4; of item 1: 0.5/4 against 2.5/4
    scores = m.tracing(histories({0}, {0, 1}, set()), released, reference)
    assert scores[0] == pytest.approx(np.log(3.5 / 1.5))
    assert scores[1] == pytest.approx((np.log(3.5 / 1.5) + np.log(0.5 / 2.5)) / np.sqrt(2))
    assert scores[2] == 0


def test_closeness_by_hand() -> None:
    released, reference = histories({0, 1}, {3}), histories({2}, {0, 1, 2, 3})
    weights = -np.log(np.array([1.5, 1.5, 2.5, 1.5]) / 3)
    whole = np.sqrt((weights**2).sum())
    expected = 1 - np.sqrt(2) * weights[0] / whole
    assert m.closeness(histories({0, 1}), released, reference, 1)[0] == pytest.approx(expected)
    # averaged over two, of which one has nothing in common
    assert m.closeness(histories({0, 1}), released, reference, 9)[0] == pytest.approx(expected / 2)


def test_likelihood_ratio_by_hand() -> None:
    hidden = histories({0, 2}, set())
    # shares of a total of 2
    probabilities = np.array([[1.0, 0.3, 0.5, 0.2], [0.5, 0.5, 0.5, 0.5]])
    reference = histories({0}, {0}, {2})
    found = m.likelihood_ratio(hidden, probabilities, reference)
    assert found[0] == pytest.approx((np.log(0.5 / (2.5 / 4)) + np.log(0.25 / (1.5 / 4))) / 2)
    assert np.isnan(found[1])


def test_nobody_is_judged_by_a_reference_that_holds_them() -> None:
    members, non_members = histories(*[{0}] * 10), histories(*[{1}] * 3, *[{2}] * 4)
    seen = []

    def attack(candidates: sparse.csr_matrix, reference: sparse.csr_matrix):
        seen.append((candidates.shape[0], reference.shape[0]))
        assert reference[:, 0].sum() == 0
        return {"item": candidates[:, 1].toarray().ravel()}

    scores = m.cross_fit(members, non_members, attack, 3, np.random.default_rng(0))
    assert sorted(seen) == [(5, 5), (5, 5), (7, 4)]
    assert scores["item"][0].tolist() == [0] * 10
    assert sorted(scores["item"][1]) == [0, 0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("copies", [True, False])
def test_copies_give_members_away_and_users_of_another_shop_day_do_not(copies: bool) -> None:
    members, non_members = shoppers(200, 0), shoppers(200, 1)
    released = members if copies else shoppers(200, 2)

    def attack(candidates: sparse.csr_matrix, reference: sparse.csr_matrix):
        return {
            "closest": m.closeness(candidates, released, reference, 1),
            "tracing": m.tracing(candidates, released, reference),
        }

    scores = m.cross_fit(members, non_members, attack, 5, np.random.default_rng(0))
    found = {
        name: m.separation(*sides, np.random.default_rng(0), n_bootstrap=100)
        for name, sides in scores.items()
    }
    if copies:
        assert found["closest"].auc == found["closest"].tpr == 1
        assert found["tracing"].auc_low > 0.55
    else:
        # three standard errors
        assert all(abs(one.auc - 0.5) < 0.09 for one in found.values())


def test_blocks_change_nothing() -> None:
    users = [shoppers(30, seed) for seed in range(3)]
    whole = m.closeness(*users, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(m, "CHUNK_CELLS", 70)
        assert m.closeness(*users, 3) == pytest.approx(whole)
