"""The study of added users, on a shop small enough to follow."""

import numpy as np
import pytest

from doppelcart.data.histories import Histories
from studies import augmentation
from studies.study import Study

ITEMS = np.array([f"i{item:02d}" for item in range(12)])


@pytest.fixture
def users() -> Histories:
    rng = np.random.default_rng(0)
    rows = [rng.permutation(6)[:5] + 6 * (user % 2) for user in range(40)]
    return Histories.from_lists(rows, np.array([f"u{user}" for user in range(40)]), ITEMS)


def test_a_split_gives_every_item_once(users):
    split = augmentation.parts(users, 0)
    whole = split.train.matrix + split.test
    assert (whole != users.matrix).nnz == 0
    assert whole.max() == 1
    assert (split.inner.matrix + split.validation.matrix != split.train.matrix).nnz == 0
    assert 0.1 < split.test.nnz / users.matrix.nnz < 0.3
    assert (augmentation.parts(users, 1).test != split.test).nnz > 0


def test_dropped_copies_lose_about_their_share(users):
    copies = augmentation.dropped_copies(users, 400, np.random.default_rng(0))
    assert copies.n_users == 400
    assert copies.matrix.nnz / (10 * users.matrix.nnz) == pytest.approx(0.7, abs=0.03)


def test_the_cut_keeps_what_is_bought_most(users, monkeypatch):
    monkeypatch.setattr(augmentation, "MAX_ITEMS", 6)
    monkeypatch.setattr(augmentation, "MAX_USERS", 7)
    rows = [np.append(np.arange(6), 6 + user % 6) for user in range(20)]
    shop = Histories.from_lists(rows, np.array([f"u{user}" for user in range(20)]), ITEMS)
    left = augmentation.cut(shop)
    assert left.item_ids.tolist() == ITEMS[:6].tolist()
    assert left.n_users == 7


def test_a_user_counts_in_the_splits_that_left_something_to_find():
    mean = augmentation.mean_of_splits([np.array([1, np.nan, 0.5]), np.array([0, np.nan, np.nan])])
    np.testing.assert_array_equal(mean, [0.5, np.nan, 0.5])


def test_tastes_tell_the_groups_apart(users):
    tastes = augmentation.taste(users, 0)
    first, second = tastes[::2], tastes[1::2]
    assert tastes.dtype == np.float32
    assert np.abs(first.mean(axis=0) - second.mean(axis=0)).max() > 1.5


def test_the_table_compares_every_arm_with_nothing(users, monkeypatch, tmp_path):
    monkeypatch.setattr(augmentation, "CACHE", tmp_path)
    monkeypatch.setattr(augmentation, "SEEDS", 2)
    monkeypatch.setattr(augmentation, "GRIDS", {"ease": {"l2": [1, 10]}, "puresvd": {"rank": [2]}})
    arms = {name: augmentation.ARMS[name] for name in ("exact copies", "draws by popularity")}
    monkeypatch.setattr(augmentation, "ARMS", arms)
    figures = augmentation.table(Study("augmentation", tmp_path), "a shop", users)
    by_name = {figure.figure: figure for figure in figures}
    assert len(figures) == 2 * (1 + 2 * 2)
    copied = by_name["a shop: exact copies, puresvd"]
    assert copied.value == pytest.approx(0, abs=1e-6)
    nothing = by_name["a shop: NDCG@10 with nothing added, puresvd"]
    assert 0.3 < nothing.value <= 1
    assert by_name["a shop: exact copies, p of puresvd"].value == 1


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["denoiser's users", "GAN's users"])
def test_a_generator_adds_users_of_the_same_catalogue(users, arm, monkeypatch):
    network, training = augmentation.default_generator()
    short = training.model_copy(update={"epochs": 2, "evaluate_every": 2})
    monkeypatch.setattr(augmentation, "default_generator", lambda: (network, short))
    split = augmentation.parts(users, 0)
    added = augmentation.ARMS[arm](split.inner, split.case, 0)
    assert added.n_users == 40
    assert added.item_ids.tolist() == ITEMS.tolist()
    assert not set(added.user_ids) & set(users.user_ids)
