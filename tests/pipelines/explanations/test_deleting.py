"""Deletions by hand, a planted effect that is found, and a null that is not."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.experiment.comparison import compare
from doppelcart.experiment.verdict import judge
from doppelcart.pipelines.explanations.deleting import (
    SHARES,
    Recommended,
    curves_of,
    leave_one_out,
    orders_of,
    recommended,
)
from doppelcart.pipelines.explanations.design import ARMS, declare, groups_of, scored
from doppelcart.pipelines.explanations.params import ExperimentParams, SampleParams
from doppelcart.pipelines.explanations.trying import Shop, brought_by, tried_of, try_slice
from doppelcart.recommendation.attribution import Linear
from doppelcart.serving.scorer import ItemWeights

ORDERS = tuple(arm.name for arm in ARMS)
NOBODY = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Carried:
    """Scores that are 1 plus what carriers bring; slopes are these, or say nothing.

    Args:
        weights: (n_items, n_items) from known items to candidates.
        honest: Whether slopes are the weights; otherwise they are noise.
    """

    weights: np.ndarray
    honest: bool = True

    def score(self, seen: sparse.csr_matrix, profile: np.ndarray | None) -> np.ndarray:
        return np.asarray(1 + seen @ self.weights)

    def attribute(
        self,
        known: np.ndarray,
        directions: np.ndarray,
        profile: np.ndarray | None,
    ) -> np.ndarray:
        if self.honest:
            return np.asarray(self.weights[known] @ directions)
        return np.random.default_rng(int(known.sum())).random((len(known), directions.shape[1]))


# Items 0, 1, 2 are known; 3 is carried by 2 and then by 0, and 4 by nobody.
WEIGHTS = np.zeros((6, 6))
WEIGHTS[[0, 2], 3] = 1, 4
CASE = Recommended(np.array([0, 1, 2]), np.array([3]), np.array([4, 5]))


def curve(order: list[int], **more: int) -> object:
    lengths = {"length": 1, "most_deleted": 5} | more
    return curves_of(Carried(WEIGHTS), CASE, np.array(order)[:, None], 6, **lengths)[0]


def test_curves_by_hand() -> None:
    found = curve([2, 0, 1])
    # score 6; without 2 it is 2, and without 0 as well 1: level with 4 and 5, and before them
    assert found.set_size == 6
    assert found.left.tolist() == [2 / 6] * 4 + [1 / 6] * 4 + [1 / 6]
    # with 2 alone it is 5; with 0 as well all of it
    assert found.back.tolist() == [5 / 6] * 4 + [1.0] * 4 + [1.0]
    assert (found.left_few, found.back_few, found.listed_few) == (1 / 6, 1.0, True)
    assert found.listed.all()
    assert found.returned.all()


def test_an_item_falls_out_of_the_list_when_another_passes_it() -> None:
    weights = WEIGHTS.copy()
    weights[1, 4] = 2
    case = Recommended(CASE.known, np.array([3]), np.array([4]))
    for order, size in (([2, 0, 1], 1), ([0, 2, 1], 2), ([1, 0, 2], 3)):
        [found] = curves_of(
            Carried(weights), case, np.array(order)[:, None], 6, length=1, most_deleted=5
        )
        # item 4 has 3; deleting 1 takes that away, and 3 goes down to 1 only with 2
        expected = size if order[0] != 1 else 6
        assert found.set_size == expected
        # where 2 alone is there it stands before item 4, where 1 alone is there behind it
        assert found.returned.tolist()[:4] == [order[0] != 1] * 4


def test_of_a_sum_nothing_is_left_once_all_is_deleted() -> None:
    buyers = np.array([9, 9, 9, 100, 200, 300], dtype=np.float32)
    explained = Linear(ItemWeights(WEIGHTS.astype(np.float32)), buyers)
    order = np.array([[2], [0], [1]])
    [found] = curves_of(explained, CASE, order, 6, length=1, most_deleted=5)
    # of a score of 5, 1 is left without item 2, and 0 without item 0 as well
    assert found.left[:4] == pytest.approx([1 / 5] * 4)
    assert found.left[-1] == found.left_few == pytest.approx(0, abs=1e-9)
    # where nothing is known best sellers are listed, of which item 3 is the third
    assert (found.set_size, found.listed_few) == (3, False)


def test_targets_that_share_an_order_are_followed_as_if_alone() -> None:
    case = Recommended(CASE.known, np.array([3, 5, 4]), NOBODY)
    order = np.array([[2, 1, 2], [0, 0, 0], [1, 2, 1]])
    both = curves_of(Carried(WEIGHTS), case, order, 6, length=2, most_deleted=3)
    for place in range(3):
        one = Recommended(CASE.known, case.targets[[place]], NOBODY)
        [alone] = curves_of(Carried(WEIGHTS), one, order[:, [place]], 6, length=2, most_deleted=3)
        assert alone.set_size == both[place].set_size
        np.testing.assert_array_equal(alone.left, both[place].left)


def test_what_is_deleted_first_brought_most() -> None:
    orders = orders_of({"a": np.array([[1, 9], [5, 2]]), "b": np.array([3, 4])}, 2, 2)
    assert orders["a"].tolist() == [[1, 0], [0, 1]]
    assert orders["b"].tolist() == [[1, 1], [0, 0]]


def test_leaving_one_out_misses_who_carries() -> None:
    lost = leave_one_out(Carried(WEIGHTS), CASE, 6)[:, 0]
    # of log 6 - log 1: log 5, log 6 and log 2 are left
    np.testing.assert_allclose(lost, [np.log(6 / 5), 0, np.log(6 / 2)])


def test_recommendations_are_drawn_from_the_list_and_held_against_what_comes_next() -> None:
    weights = np.zeros((8, 8))
    weights[0] = [9, 7, 6, 5, 4, 3, 2, 1]
    found = recommended(Carried(weights), np.array([0]), None, 8, 3, 2, np.random.default_rng(0))
    assert set(found.targets) <= {1, 2, 3}
    assert len(set(found.targets)) == 2
    assert found.others.tolist() == [4, 5, 6]


def test_the_last_is_the_most_recent_and_the_popular_is_what_most_bought() -> None:
    train = Histories.from_lists(
        [np.array([0, 1]), np.array([1, 3])], np.array(["u", "v"]), np.arange(6).astype(str)
    )
    found = brought_by(
        Carried(WEIGHTS), CASE, Shop.of(train), False, ORDERS, np.random.default_rng(0)
    )
    assert found["recent"].argmax() == 2
    assert found["popular"].tolist() == [1, 2, 0]
    # item 3 was bought by v, and so was 1, of two buyers
    np.testing.assert_allclose(found["cosine"][:, 0], [0, 1 / np.sqrt(2), 0])
    np.testing.assert_array_equal(found["reversed"], -found["slopes"])


def shop_of_carriers(n_users: int = 60) -> tuple[np.ndarray, Histories]:
    """Everybody buys twelve of twenty items; of any other three of the twenty carry it."""
    rng = np.random.default_rng(0)
    weights = np.zeros((40, 40))
    for target in range(20, 40):
        weights[rng.choice(20, 3, replace=False), target] = 3
    rows = [rng.choice(20, 12, replace=False) for _ in range(n_users)]
    users = np.array([f"u{n}" for n in range(n_users)])
    return weights, Histories.from_lists(rows, users, np.arange(40).astype(str))


@pytest.mark.parametrize(("honest", "expected"), [(True, "helps"), (False, "no evidence")])
def test_who_carries_is_found_and_noise_is_not(honest: bool, expected: str) -> None:
    weights, seen = shop_of_carriers()
    params = SampleParams(
        slices=("warm",), households=60, recommendations=2, list_length=5, most_deleted=12
    )
    tried = tried_of(
        [
            try_slice(
                Carried(weights, honest), Case("warm", seen, seen), Shop.of(seen), None,
                name="multvae", contrast=True, arms=ORDERS, households=60, params=params,
            )
        ]
    )  # fmt: skip
    scores = scored(tried.deletions)
    assert set(scores["measure"]) == {"items to delete", "score left", "not listed again"}
    assert scores["value"].notna().all()
    design = declare(ExperimentParams(n_bootstrap=2_000), groups_of(scores))
    if not honest:
        # Noise backwards is noise: the check of the experiment must not fail it.
        design = replace_check(design)
        scores = scores[scores["arm"] != "reversed"]
    verdict = judge(compare(scores, design), design).set_index("measure")["verdict"]
    assert set(verdict) == {expected} if not honest else verdict["items to delete"] == expected
    assert tried.curves["share"].unique().tolist() == SHARES.tolist()


def replace_check(design):  # type: ignore[no-untyped-def]
    return design.model_copy(
        update={"arms": tuple(arm for arm in design.arms if arm.name != "reversed")}
    )


def test_of_a_longer_history_no_more_is_deleted_one_by_one_than_asked() -> None:
    found = curve([1, 0, 2], most_deleted=2)
    assert found.set_size == 3


def test_a_table_tells_recommendations_of_customers_apart() -> None:
    weights, seen = shop_of_carriers(4)
    params = SampleParams(recommendations=1, list_length=5)
    part = try_slice(
        Carried(weights), Case("warm", seen, seen), Shop.of(seen), None,
        name="gan", contrast=False, arms=("random",), households=4, params=params,
    )  # fmt: skip
    table = tried_of([part, replace_slice(part)]).deletions
    assert len(table) == 8
    assert table["recommendation"].str.match(r"u\d: \d+").all()


def replace_slice(part):  # type: ignore[no-untyped-def]
    return part._replace(deletions=part.deletions.assign(slice="cold_20"))
