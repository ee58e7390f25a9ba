"""What a batch shows and what it hides, worked by hand."""

import numpy as np
import pytest

from doppelcart.data.histories import Histories
from doppelcart.models.histories.batches import ProfileBlocks, hide, kept_sizes, make_batch
from doppelcart.models.histories.hyperparameters import TrainingConfig

LENGTHS = [6, 1, 3, 8, 2]


@pytest.fixture
def histories() -> Histories:
    """Five users; each user's items come in an order of their own."""
    rng = np.random.default_rng(0)
    rows = [rng.permutation(10)[:length] for length in LENGTHS]
    return Histories.from_lists(rows, np.array(list("abcde")), np.array(list("0123456789")))


@pytest.fixture
def blocks() -> ProfileBlocks:
    """No value is zero, so that a zero can only come from hiding."""
    return ProfileBlocks(
        1 + np.arange(10, dtype=np.float32).reshape(5, 2),
        100 + np.arange(15, dtype=np.float32).reshape(5, 3),
    )


class TestKeptSizes:
    @pytest.mark.parametrize("length", [0, 1, 2, 3, 10, 1000])
    def test_something_is_kept_and_something_hidden(self, length):
        sizes = kept_sizes(np.full(2000, length), np.random.default_rng(0))
        assert sizes.min() >= min(1, max(length - 1, 0))
        assert sizes.max() <= max(length - 1, 0)

    def test_sizes_are_log_uniform(self):
        # P(k) = log((k + 1) / k) / log(length): with 8 items, 1 is kept in log_8(2) = 1/3 of the
        # cases, 2 or 3 in another third, 4 to 7 in the last.
        sizes = kept_sizes(np.full(60_000, 8), np.random.default_rng(0))
        expected = np.log(np.arange(2, 9) / np.arange(1, 8)) / np.log(8)
        shares = np.bincount(sizes, minlength=8)[1:] / len(sizes)
        # four standard deviations of a share of 1/3
        np.testing.assert_allclose(shares, expected, atol=4 * np.sqrt(2 / 9 / 60_000))
        assert expected[0] == pytest.approx(1 / 3)

    def test_a_draw_of_nearly_one_keeps_less_than_all(self):
        class AlmostOne:
            def uniform(self, low, high, n):
                return np.full(n, np.nextafter(1.0, 0.0))

        # exp(log(n)) may round to n itself
        assert (kept_sizes(np.arange(2, 500), AlmostOne()) < np.arange(2, 500)).all()


class TestHide:
    def test_half_of_the_time_the_earliest_are_kept(self, histories):
        one = histories.select(np.full(4000, 3))
        kept = hide(one, np.full(4000, 3), np.random.default_rng(0))
        first = one.of(0)[:3].tolist()
        ordered = np.mean([kept.of(user).tolist() == first for user in range(4000)])
        # 8 * 7 * 6 = 336 ordered subsets of 3
        assert ordered == pytest.approx(0.5 + 0.5 / 336, abs=4 * 0.5 / np.sqrt(4000))

    def test_the_other_half_any_subset_comes(self, histories):
        one = histories.select(np.full(4000, 3))
        kept = hide(one, np.ones(4000, dtype=int), np.random.default_rng(0))
        shares = np.bincount(kept.items, minlength=10)[one.of(0)] / 4000
        np.testing.assert_allclose(shares, [0.5 + 1 / 16, *[1 / 16] * 7], atol=0.03)

    def test_what_is_kept_is_part_of_the_history_and_of_the_size_asked(self, histories):
        sizes = np.array([4, 0, 2, 7, 1])
        for seed in range(20):
            kept = hide(histories, sizes, np.random.default_rng(seed))
            assert kept.lengths.tolist() == sizes.tolist()
            for user in range(5):
                items = kept.of(user).tolist()
                assert len(set(items)) == len(items)
                assert set(items) <= set(histories.of(user).tolist())
            assert kept.user_ids.tolist() == histories.user_ids.tolist()


class TestMakeBatch:
    USERS = np.array([3, 0, 2, 0])

    def batch(self, histories, blocks, share=0.5, seed=0, n_new=2, empty=0.0):
        config = TrainingConfig(
            demographics_known_share=share,
            behaviour_known_share=share,
            behaviour_noise=0.0,
            empty_history_share=empty,
        )
        rng = np.random.default_rng(seed)
        return make_batch(histories, blocks, self.USERS, n_new, config, rng)

    def test_shapes_and_types(self, histories, blocks):
        widths = {
            "full": 10,
            "seen": 10,
            "demographics": 2,
            "behaviour": 3,
            "demographics_known": 1,
            "behaviour_known": 1,
            "is_new": 1,
        }
        batch = self.batch(histories, blocks)
        assert {name: values.shape for name, values in batch.items()} == {
            name: (4, width) for name, width in widths.items()
        }
        assert {values.dtype for values in batch.values()} == {np.dtype(np.float32)}

    def test_full_is_the_whole_history_of_the_users_asked_for(self, histories, blocks):
        batch = self.batch(histories, blocks)
        for row, user in enumerate(self.USERS):
            found = np.flatnonzero(batch["full"][row])
            assert found.tolist() == sorted(histories.of(user).tolist())
        assert set(np.unique(batch["full"])) == {0.0, 1.0}

    @pytest.mark.parametrize("seed", range(10))
    def test_new_users_show_nothing_and_the_others_a_part(self, histories, blocks, seed):
        batch = self.batch(histories, blocks, seed=seed)
        assert batch["is_new"][:, 0].tolist() == [1, 1, 0, 0]
        shown = batch["seen"].sum(axis=1)
        assert shown[:2].tolist() == [0, 0]
        assert (shown[2:] >= 1).all()
        assert (shown[2:] < batch["full"][2:].sum(axis=1)).all()
        assert (batch["seen"] <= batch["full"]).all()

    def test_some_histories_to_complete_show_nothing(self, histories, blocks):
        for seed in range(10):
            shown = self.batch(histories, blocks, seed=seed, empty=1.0)["seen"]
            assert not shown.any()
        emptied = [
            not self.batch(histories, blocks, seed=seed, empty=0.5)["seen"][2:].any(axis=1).all()
            for seed in range(200)
        ]
        # two of the four rows are to be completed: at least one is empty in 1 - 0.5**2 of batches
        assert np.mean(emptied) == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 200))

    def test_who_is_to_be_generated_shows_the_behaviour_wanted(self, histories, blocks):
        rng = np.random.default_rng(0)
        for _ in range(50):
            batch = make_batch(histories, blocks, self.USERS, 2, TrainingConfig(), rng)
            assert batch["behaviour_known"][:, 0].tolist() == [1, 1, 0, 0]

    def test_noise_falls_on_the_behaviour_of_users_to_invent_alone(self, histories, blocks):
        def batch(noise: float) -> dict[str, np.ndarray]:
            config = TrainingConfig(behaviour_noise=noise)
            return make_batch(histories, blocks, self.USERS, 2, config, np.random.default_rng(0))

        plain, noisy = batch(0.0), batch(0.5)
        assert (noisy["behaviour"][:2] != plain["behaviour"][:2]).all()
        for name in ("full", "demographics", "is_new"):
            np.testing.assert_array_equal(noisy[name], plain[name])
        assert not noisy["behaviour"][2:].any()

    def test_noise_is_as_large_as_asked_for(self, histories, blocks):
        config = TrainingConfig(behaviour_noise=0.5, new_user_share=1.0)
        users, rng = np.zeros(4_000, dtype=int), np.random.default_rng(0)
        shown = make_batch(histories, blocks, users, len(users), config, rng)["behaviour"]
        np.testing.assert_allclose(shown.std(axis=0), 0.5, rtol=0.1)
        np.testing.assert_allclose(shown.mean(axis=0), blocks.behaviour[0], atol=0.05)

    def test_behaviour_is_never_shown_of_a_history_to_complete(self, histories, blocks):
        for seed in range(50):
            batch = self.batch(histories, blocks, share=1.0, seed=seed)
            assert not batch["behaviour"][2:].any()
            assert not batch["behaviour_known"][2:].any()
            np.testing.assert_array_equal(batch["behaviour"][:2], blocks.behaviour[self.USERS[:2]])
            np.testing.assert_array_equal(batch["demographics"], blocks.demographics[self.USERS])

    @pytest.mark.parametrize("block", ["demographics", "behaviour"])
    def test_a_block_is_shown_whole_where_its_mask_says_so_and_not_at_all_elsewhere(
        self, histories, blocks, block
    ):
        states = set()
        for seed in range(50):
            batch = self.batch(histories, blocks, seed=seed, n_new=4)
            for row, user in enumerate(self.USERS):
                known = batch[f"{block}_known"][row, 0]
                states.add(float(known))
                whole = getattr(blocks, block)[user]
                np.testing.assert_array_equal(batch[block][row], whole * known)
        assert states == {0.0, 1.0}

    def test_blocks_are_dropped_independently_at_the_share_asked_for(self, histories, blocks):
        batches = [self.batch(histories, blocks, 0.3, seed, n_new=4) for seed in range(1500)]
        known = np.stack(
            [
                np.concatenate([b[f"{block}_known"][:, 0] for b in batches])
                for block in ("demographics", "behaviour")
            ]
        )
        np.testing.assert_allclose(known.mean(axis=1), 0.3, atol=0.03)
        assert known.prod(axis=0).mean() == pytest.approx(0.09, abs=0.02)

    def test_input_stays_as_it_was(self, histories, blocks):
        before = [a.copy() for a in (histories.items, blocks.demographics, blocks.behaviour)]
        for array in (histories.items, histories.indptr, blocks.demographics, blocks.behaviour):
            array.flags.writeable = False
        self.batch(histories, blocks, share=0.0)
        after = (histories.items, blocks.demographics, blocks.behaviour)
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(old, new)
