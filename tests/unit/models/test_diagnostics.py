"""The figures that choose a checkpoint, and the warnings that name what went wrong."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.models.histories.controls import copy_users
from doppelcart.models.histories.diagnostics import (
    diagnose,
    evaluate,
    make_reference,
    selection_value,
)

HEALTHY = {
    "epoch": 1.0,
    "generator_loss": 1.5,
    "generator_gradient_norm": 0.5,
    "critic_gradient_norm": 2.0,
    "near_copies": 0.0,
    "real_near_copies": 0.0,
    "duplicates": 0.0,
    "coverage": 0.8,
    "recall": 0.6,
}


def training_log(**changes: float) -> pd.DataFrame:
    return pd.DataFrame([HEALTHY | changes])


def warned(found: pd.DataFrame) -> list[str]:
    return found.loc[found["status"] == "warning", "monitor"].tolist()


class TestDiagnose:
    def test_a_healthy_training_gives_no_warning(self):
        found = diagnose(training_log(), best_epoch=1)
        assert warned(found) == []
        assert set(found["status"]) == {"ok"}
        assert set(found["advice"]) == {""}
        assert len(found) == 9

    @pytest.mark.parametrize(
        ("changes", "name", "advice"),
        [
            ({"generator_gradient_norm": 1e-9}, "vanishing gradients, generator", "wgan_gp"),
            ({"generator_gradient_norm": 1e9}, "exploding gradients, generator", "learning_rate"),
            ({"critic_gradient_norm": 0.0}, "vanishing gradients, critic", "critic_learning_rate"),
            ({"critic_gradient_norm": 1e9}, "exploding gradients, critic", "critic_learning_rate"),
            ({"near_copies": 0.4}, "memorisation: near copies of training users", "dropout"),
            ({"duplicates": 0.3}, "mode collapse: duplicates among synthetic users", "noise_units"),
            ({"coverage": 0.1}, "mode collapse: coverage of real users' neighb", "critic_steps"),
            ({"recall": 0.0}, "mode collapse: recall of real users' neighb", "noise_units"),
        ],
    )
    def test_each_trouble_is_named_with_advice(self, changes, name, advice):
        found = diagnose(training_log(**changes), best_epoch=1)
        (only,) = found[found["status"] == "warning"].itertuples()
        assert only.monitor.startswith(name)
        assert advice in only.advice
        assert only.limit
        np.testing.assert_equal(only.value, next(iter(changes.values())))

    @pytest.mark.parametrize("loss", [np.nan, np.inf])
    def test_every_epoch_that_diverged_is_counted(self, loss):
        rows = pd.DataFrame(
            [HEALTHY, HEALTHY | {"epoch": 2.0, "generator_loss": loss}, HEALTHY | {"epoch": 3.0}]
        )
        found = diagnose(rows, best_epoch=3)
        (only,) = found[found["status"] == "warning"].itertuples()
        assert only.monitor.startswith("divergence")
        assert "learning_rate" in only.advice
        assert only.value == 1

    @pytest.mark.parametrize(("norm", "name"), [(1e-9, "vanishing"), (1e9, "exploding")])
    def test_gradients_are_judged_by_their_worst_epoch(self, norm, name):
        rows = pd.DataFrame([HEALTHY, HEALTHY | {"epoch": 2.0, "generator_gradient_norm": norm}])
        assert warned(diagnose(rows, best_epoch=1)) == [f"{name} gradients, generator"]

    def test_of_an_encoder_is_asked_whether_the_noise_says_anything(self):
        table = training_log(kl=0.01, encoder_gradient_norm=1.0).drop(
            columns="critic_gradient_norm"
        )
        found = diagnose(table, best_epoch=1)
        (only,) = found[found["status"] == "warning"].itertuples()
        assert only.monitor.startswith("posterior collapse")
        assert "kl_weight" in only.advice
        assert found["monitor"].str.contains("gradients, encoder").any()
        assert found["monitor"].str.contains("mode collapse").any()
        assert not found["monitor"].str.contains("critic").any()

    def test_the_epoch_that_was_kept_is_judged_but_divergence_wherever_it_was(self):
        rows = pd.DataFrame(
            [
                HEALTHY,
                HEALTHY | {"epoch": 2.0, "coverage": 0.0, "near_copies": 1.0},
                HEALTHY | {"epoch": 3.0, "generator_loss": np.nan, "coverage": np.nan},
            ]
        )
        (only,) = warned(diagnose(rows, best_epoch=1))
        assert only.startswith("divergence")
        assert len(warned(diagnose(rows, best_epoch=2))) == 3

    @pytest.mark.parametrize(
        ("made", "real", "is_warned"),
        [(0.009, 0.0, False), (0.011, 0.0, True), (0.19, 0.1, False), (0.21, 0.1, True)],
    )
    def test_near_copies_are_held_against_those_among_real_users(self, made, real, is_warned):
        table = training_log(near_copies=made, real_near_copies=real)
        assert bool(warned(diagnose(table, best_epoch=1))) == is_warned

    def test_without_a_critic_nothing_is_said_of_one(self):
        table = training_log(duplicates=1.0).drop(columns="critic_gradient_norm")
        found = diagnose(table, best_epoch=1)
        assert not found["monitor"].str.contains("critic|collapse").any()


@pytest.fixture
def train_users(block_shop: Callable[..., Histories]) -> Histories:
    return block_shop(200, seed=3)


@pytest.fixture
def case(block_shop: Callable[..., Histories]) -> Case:
    users = block_shop(80, seed=4)
    return Case("cold_2", users.first(2), users.rest(2))


def flat(seen: Histories) -> np.ndarray:
    return np.full((seen.n_users, seen.n_items), 0.5, np.float32)


class TestReference:
    def test_whole_histories_are_put_together_again(self, case, train_users, block_shop):
        reference = make_reference(train_users, case)
        whole = block_shop(80, seed=4).matrix
        assert (reference.whole != whole).nnz == 0

    def test_no_more_users_than_asked_for_and_no_fewer_than_there_are(self, case, train_users):
        assert make_reference(train_users, case, max_users=30).case.n_users == 30
        assert make_reference(train_users, case, max_users=500).whole.shape[0] == 80

    def test_where_there_are_more_they_are_drawn_and_not_the_first_by_name(self, case, train_users):
        first, again, other = (
            make_reference(train_users, case, max_users=30, seed=seed).case.user_ids.tolist()
            for seed in (0, 0, 1)
        )
        assert first == again
        assert first != other
        assert case.user_ids[:30].tolist() not in (first, other)

    def test_popularity_by_hand(self):
        # Of three training users two have item 0, one has item 1, none item 2.
        items = np.array(["a", "b", "c"])
        train = Histories.from_lists(
            [np.array([0]), np.array([0]), np.array([1])], np.array(list("xyz")), items
        )
        users = np.array(["u", "v"])
        case = Case(
            "cold_1",
            Histories.from_lists([np.array([2]), np.array([0])], users, items),
            Histories.from_lists([np.array([1]), np.array([1])], users, items),
        )
        # Ranking without the seen: u gets 0, 1 (found second: 1 / log2 3); v gets 1 first: 1.
        expected = (1 / np.log2(3) + 1) / 2
        assert make_reference(train, case).popularity_ndcg == pytest.approx(expected)


class TestSelection:
    @pytest.mark.parametrize(
        ("ndcg", "cooccurrence", "expected"),
        [
            (0.2, 0.4, 2.0),  # as good as popularity, as close as real users are to each other
            (0.3, 0.2, 2.0),
            (0.2, 0.8, 2.0),  # closer than the real ones are is no better
            (0.2, -0.4, 1.0),
            (0.2, np.nan, 1.0),
        ],
    )
    def test_by_hand(self, case, train_users, ndcg, cooccurrence, expected):
        from dataclasses import replace

        reference = replace(
            make_reference(train_users, case), popularity_ndcg=0.2, real_cooccurrence=0.4
        )
        assert selection_value(ndcg, cooccurrence, reference) == pytest.approx(expected)

    @pytest.mark.parametrize("real", [0.04, 0.0, -0.1, np.nan])
    def test_where_real_users_have_no_structure_completion_alone_decides(
        self, case, train_users, real
    ):
        from dataclasses import replace

        reference = replace(
            make_reference(train_users, case), popularity_ndcg=0.2, real_cooccurrence=real
        )
        assert selection_value(0.2, 0.3, reference) == 1.0
        assert selection_value(0.2, -0.3, reference) == 1.0

    def test_where_popularity_finds_nothing_invention_still_counts(self, case, train_users):
        from dataclasses import replace

        reference = replace(
            make_reference(train_users, case), popularity_ndcg=0.0, real_cooccurrence=0.4
        )
        assert selection_value(0.002, 0.2, reference) == pytest.approx(2 + 0.5)


class TestEvaluate:
    """From what a generator makes to the warning that a person reads."""

    def findings(self, case, train_users, invent) -> tuple[dict[str, float], list[str]]:
        metrics = evaluate(make_reference(train_users, case), flat, invent, seed=0)
        return metrics, warned(diagnose(training_log(**metrics), 1))

    def test_other_real_users_are_healthy(self, case, train_users, block_shop):
        metrics, warnings = self.findings(
            case, train_users, lambda n_users: block_shop(n_users, seed=8)
        )
        assert warnings == []
        assert metrics["length_mean"] == pytest.approx(1, abs=0.1)
        assert metrics["length_sd"] == pytest.approx(1, abs=0.3)
        assert metrics["cooccurrence"] > 0.8
        assert metrics["coverage"] > 0.9

    def test_one_and_the_same_user_is_a_collapse(self, case, train_users):
        def constant(n_users: int) -> Histories:
            return train_users.select(np.zeros(n_users, dtype=int))

        metrics, warnings = self.findings(case, train_users, constant)
        assert metrics["duplicates"] == pytest.approx(79 / 80)
        assert metrics["length_sd"] == 0
        assert {
            "mode collapse: duplicates among synthetic users",
            "mode collapse: coverage of real users' neighbourhoods",
            "mode collapse: recall of real users' neighbourhoods",
        } <= set(warnings)

    def test_a_kind_of_user_that_is_left_out_shows_in_recall(self, case, train_users):
        one_kind = np.flatnonzero(np.arange(200) % 2 == 0)

        def half(n_users: int) -> Histories:
            return train_users.select(one_kind[np.arange(n_users) % len(one_kind)])

        whole, _ = self.findings(case, train_users, lambda n: train_users.select(np.arange(n)))
        metrics, _ = self.findings(case, train_users, half)
        assert metrics["recall"] < whole["recall"] - 0.25
        assert metrics["coverage"] < whole["coverage"] - 0.25

    def test_copies_of_training_users_are_memorised(self, case, train_users):
        metrics, warnings = self.findings(
            case,
            train_users,
            lambda n_users: copy_users(train_users, n_users, np.random.default_rng(0)),
        )
        assert metrics["near_copies"] == 1
        assert "memorisation: near copies of training users" in warnings

    def test_empty_users_are_a_collapse_and_no_crash(self, case, train_users):
        def nobody(n_users: int) -> Histories:
            names = np.arange(n_users).astype(str)
            return Histories.from_lists([np.empty(0)] * n_users, names, train_users.item_ids)

        metrics, warnings = self.findings(case, train_users, nobody)
        assert np.isfinite(metrics["selection"])
        assert metrics["length_mean"] == 0
        assert any("duplicates" in name for name in warnings)
