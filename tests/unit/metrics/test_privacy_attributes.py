"""Attribute disclosure against values worked by hand."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.metrics.privacy import attributes as a


def histories(*users: set[int], n_items: int = 6) -> sparse.csr_matrix:
    dense = np.zeros((len(users), n_items), dtype=np.float32)
    for row, items in enumerate(users):
        dense[row, list(items)] = 1
    return sparse.csr_matrix(dense)


def test_a_secret_that_only_members_share_with_the_release_is_a_gain() -> None:
    # item 5 is the secret: copies of the members carry it, and nothing else tells of it
    members = histories({0, 5}, {1}, {2, 5}, {3})
    non_members = histories({0}, {1, 5}, {2}, {3, 5})
    found = a.attribute_gain(
        members, members, non_members, [np.array([5])], np.random.default_rng(0), 1, 50
    )
    assert found["members"] == 1
    # wrong every time, against a squared error of 1/4 for guessing one half
    assert found["non_members"] == pytest.approx(1 - 1 / 0.25)
    assert found["gain"] == pytest.approx(4)


def test_knowledge_of_the_population_is_no_gain() -> None:
    rng = np.random.default_rng(0)

    def shop(n_users: int) -> sparse.csr_matrix:
        kind = rng.random(n_users) < 0.5
        chance = np.where(kind[:, None], np.repeat([0.8, 0.1], 10), np.repeat([0.1, 0.8], 10))
        return sparse.csr_matrix((rng.random((n_users, 20)) < chance).astype(np.float32))

    released, members, non_members = shop(300), shop(300), shop(300)
    found = a.attribute_gain(
        released, members, non_members, [np.array([0, 1]), np.array([18])], rng, 10, 200
    )
    assert found["non_members"] > 0.3
    assert found["low"] < 0 < found["high"]


def test_nothing_to_infer_is_undefined() -> None:
    users, rng = histories({0}), np.random.default_rng(0)
    assert np.isnan(a.attribute_gain(users, users, users, [], rng)["gain"])
    nobody = users[:0]
    assert np.isnan(a.attribute_gain(nobody, users, users, [np.array([0])], rng)["gain"])


def test_groups_worth_inferring() -> None:
    users = histories({0, 2}, {0, 3}, {0, 4}, {0, 4})
    groups = np.array(["all", "none", "quarter", "half", "half", "none"])
    assert list(a.groups_to_infer(users, groups, 5)) == ["half", "quarter"]
    assert a.groups_to_infer(users, groups, 1)["half"].tolist() == [3, 4]
