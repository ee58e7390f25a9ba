"""How many users are generated, of which profiles, and how they are compared with real ones."""

import numpy as np
import pytest

from doppelcart.data.cases import whole_histories
from doppelcart.data.histories import Histories
from doppelcart.pipelines.augmentation.nodes import (
    REFERENCE,
    activity_segments,
    copy_training_users,
    draw_popular_users,
    gather_users,
    invent_users,
    measure_fidelity,
    measure_privacy,
    mix_training_users,
    n_synthetic,
)
from doppelcart.pipelines.augmentation.params import AugmentationParams

PARAMS = AugmentationParams()
SETS = ("gan", "denoiser", "mixup", "popularity", "copies")


@pytest.mark.parametrize(
    ("ratio", "n_users", "expected"),
    [(1.0, 40, 40), (2.0, 40, 80), (0.25, 10, 2), (0.01, 10, 1), (0.375, 8, 3)],
)
def test_a_ratio_is_of_real_users_and_never_nobody(make, ratio, n_users, expected):
    assert n_synthetic(make(n_users, 0), AugmentationParams(ratio=ratio)) == expected


@pytest.mark.parametrize("node", [copy_training_users, draw_popular_users, mix_training_users])
def test_a_control_is_of_the_size_and_seed_asked_for(node, make):
    train = make(20, 0)
    made = node(train, AugmentationParams(ratio=1.5, seed=4))
    assert made.n_users == 30
    again = node(train, AugmentationParams(ratio=1.5, seed=4))
    np.testing.assert_array_equal(made.items, again.items)
    other = node(train, AugmentationParams(ratio=1.5, seed=5))
    assert made.items.tobytes() != other.items.tobytes()


class TestInventUsers:
    def invent(self, generator, shop, **params):
        names = ("train_histories", "profile_matrix", "demographics_matrix")
        return invent_users(
            generator, *(shop[name] for name in names), AugmentationParams(**params)
        )

    def asked(self, generator, block):
        return np.concatenate([fed[block][:, 0] for fed in generator.asked])

    def test_profiles_are_those_of_real_users_each_once_per_round(self, generator, shop):
        made = self.invent(generator, shop, ratio=2.0)
        assert made.n_users == 80
        users, counts = np.unique(self.asked(generator, "demographics"), return_counts=True)
        # the stand-in's demographics number the training users
        assert users.tolist() == list(range(40))
        assert set(counts) == {2}

    def test_fewer_users_than_real_ones_are_drawn_from_all_of_them(self, generator, shop):
        self.invent(generator, shop, ratio=0.5)
        users = self.asked(generator, "demographics")
        assert len(set(users)) == 20
        assert users.max() >= 30
        assert users.min() < 10

    def test_the_two_blocks_are_of_the_same_user_and_jittered_as_asked(self, generator, shop):
        self.invent(generator, shop, profile_jitter=0.0)
        own = shop["profile_matrix"]["behaviour__half"].to_numpy()
        numbers = self.asked(generator, "demographics").astype(int)
        np.testing.assert_allclose(self.asked(generator, "behaviour"), own[numbers])
        generator.asked.clear()
        self.invent(generator, shop, ratio=50.0, profile_jitter=0.5)
        numbers = self.asked(generator, "demographics").astype(int)
        jitter = self.asked(generator, "behaviour") - own[numbers]
        assert jitter.std() == pytest.approx(0.5, abs=0.03)
        assert jitter.mean() == pytest.approx(0.0, abs=0.05)

    def test_what_is_generated_follows_the_profile(self, generator, shop):
        made = self.invent(generator, shop)
        wanted = self.asked(generator, "behaviour") > 0
        share = np.array([np.mean(made.of(u) >= 6) if len(made.of(u)) else 0.5 for u in range(40)])
        assert ((share > 0.5) == wanted).mean() > 0.9

    def test_the_same_seed_gives_the_same_users(self, generator, shop):
        one, same, other = (self.invent(generator, shop, seed=seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one.items, same.items)
        assert one.items.tobytes() != other.items.tobytes()


def test_segments_begin_at_their_cut():
    rows = [np.arange(length) for length in (1, 2, 3, 4, 9)]
    users = Histories.from_lists(rows, np.arange(5).astype(str), np.arange(10))
    found = activity_segments(users, np.array([2.0, 4.0]))
    assert found.tolist() == ["light", "medium", "medium", "heavy", "heavy"]


def test_held_out_users_are_put_together_from_the_cold_slice_with_most(shop, make):
    found = whole_histories(shop["validation_cases"])
    assert (found != make(20, 1).matrix).nnz == 0
    only_warm = {"warm": shop["validation_cases"]["warm"]}
    assert (whole_histories(only_warm) != shop["train_histories"].matrix).nnz == 0


@pytest.fixture
def sets(shop, make):
    """The generators' users are drawn as the shop's own were."""
    train = shop["train_histories"]
    return gather_users(
        gan=make(40, 6),
        denoiser=make(40, 5),
        mixup=mix_training_users(train, PARAMS),
        popularity=draw_popular_users(train, PARAMS),
        copies=copy_training_users(train, PARAMS),
    )


class TestReports:
    def test_fidelity_is_one_row_per_statistic_and_one_column_per_set(self, shop, sets):
        found = measure_fidelity(shop["train_histories"], sets, shop["feat_items"], PARAMS)
        assert list(found) == ["statistic", REFERENCE, *SETS]
        assert found["statistic"].is_unique
        rows = found.set_index("statistic")
        # the users who share nothing but popularity differ where it counts
        assert rows.loc["cooccurrence_lift", "gan"] > 0.5 > rows.loc["cooccurrence_lift"].min()
        assert rows.loc["cooccurrence_lift"].idxmin() == "popularity"
        assert rows.loc["length_ks", "copies"] == 0
        assert rows.loc["category_mix_distance_all", "copies"] == 0
        segments = {f"category_mix_distance_{name}" for name in ("light", "medium", "heavy")}
        assert segments & set(rows.index)
        assert rows.loc["length_mean_ratio"].between(0.5, 1.5).all()

    def test_each_column_is_of_the_set_it_is_named_for(self, shop):
        # Users of one item in the first set, of two in the second, and so on.
        train = shop["train_histories"]
        sets = {
            name: train.select(np.arange(6 + place)).first(place + 1)
            for place, name in enumerate(SETS)
        }
        found = measure_fidelity(train, sets, shop["feat_items"], PARAMS).set_index("statistic")
        for place, name in enumerate(SETS):
            expected = (place + 1) / train.lengths.mean()
            limit = pytest.approx(expected, rel=0.2)
            assert found.loc["length_mean_ratio", name] == limit, name

    def test_privacy_catches_copies_and_nobody_else(self, shop, sets):
        found = measure_privacy(shop["train_histories"], shop["validation_cases"], sets, PARAMS)
        assert list(found) == ["statistic", *SETS]
        rows = found.set_index("statistic")
        assert rows.loc["exact_copy_rate", "copies"] == 1
        assert rows.loc["near_copy_rate", "copies"] == 1
        assert rows.loc["dcr_train_median", "copies"] == 0
        assert rows.loc["closer_to_train_share", "copies"] > 0.6
        assert rows.loc["exact_copy_rate", "gan"] < 0.5
        assert rows.loc["closer_to_train_share", "gan"] == pytest.approx(0.5, abs=0.15)
        # the reference is of real users alone
        assert rows.loc["dcr_reference_median"].nunique() == 1

    def test_the_similarity_of_a_near_copy_is_the_parameter(self, shop, sets):
        def rate(similarity: float) -> float:
            params = AugmentationParams(near_copy_similarity=similarity)
            found = measure_privacy(shop["train_histories"], shop["validation_cases"], sets, params)
            return float(found.set_index("statistic").loc["near_copy_rate", "gan"])

        assert rate(0.1) == 1 > rate(1.0)
