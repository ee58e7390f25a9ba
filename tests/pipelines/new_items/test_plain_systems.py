"""Plain systems: each by hand, then what is planted is found and what is not is not."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.catalogue.shares import group_means, group_shares, groups_of
from doppelcart.pipelines.new_items import combining, plain, systems
from doppelcart.pipelines.new_items.nodes import bench_of, rank_plainly
from doppelcart.pipelines.new_items.params import ExperimentParams, SystemsParams

from .conftest import features_of, make_items

PARAMS = SystemsParams(
    neighbours=(3,), penalties=(0.3,), l2=(10.0,), priors=(10.0,),
    cease_l2=(10.0,), feature_weights=(10.0,),
)  # fmt: skip
EXPERIMENT = ExperimentParams(list_length=5)


def matrix(*rows: list[float]) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.array(rows, dtype=np.float32))


class TestByHand:
    def test_groups_are_nested(self):
        department, category, kind = groups_of(features_of(make_items(10)))
        assert len(np.unique(department)) == 2
        # Category c0 is of types t0 and t1, both food; c1 of t2 and t3, both home.
        assert len(np.unique(category)) == 3
        assert len(np.unique(kind)) == 5
        for fine, coarse in ((kind, category), (category, department)):
            assert len(np.unique(np.column_stack([fine, coarse]), axis=0)) == len(np.unique(fine))

    def test_a_mean_is_drawn_towards_the_group_above(self):
        groups = [np.array([0, 0, 0, 1]), np.array([0, 0, 1, 2])]
        found = group_means(np.array([0, 1]), np.array([2.0, 6.0]), groups, prior=2)
        # All: 4. Group 0: (8 + 2 * 4) / 4 = 4, finer: the same; where nothing is known, above.
        assert found.tolist() == [4, 4, 4, 4]
        found = group_means(np.array([0, 2]), np.array([1.0, 4.0]), groups, prior=1)
        assert found.tolist() == pytest.approx([(1 + 2.5) / 2, (1 + 2.5) / 2, (4 + 2.5) / 2, 2.5])

    def test_shares_back_off_from_type_to_category_to_department(self, planted):
        (launch,), features = planted
        window, groups = launch.test, groups_of(features)
        found = group_shares(window, groups, window.judged, prior=20.0)
        place = 7
        user, new = window.judged[place], window.new[0]
        counts = window.counts[user].toarray()[0]
        totals = np.asarray(window.counts.sum(axis=0)).ravel()
        expected, above = 1.0, totals.sum()
        for level, group in enumerate(groups):
            inside = group[window.old] == group[new]
            usual = totals[inside].sum() / above
            expected = (counts[inside].sum() + 20 * expected * usual) / (counts.sum() + 20)
            above = totals[inside].sum()
            assert found[level][place, 0] == pytest.approx(expected, rel=1e-5)

    def test_a_share_is_divided_by_the_items_of_its_group(self, planted):
        (launch,), features = planted
        window, group = launch.test, groups_of(features)[-1]
        shares = np.ones((1, len(window.new)))
        n_items = (group[window.old] == group[window.new[0]]).sum()
        found = plain.spread_over_items(shares, window, group, 0.5)
        assert found[0, 0] == pytest.approx(n_items**-0.5)

    def test_neighbours_speak_by_likeness_and_by_purchases(self):
        old, new = matrix([1, 0], [0.6, 0.8], [0, 1]), matrix([1, 0])
        counts = matrix([0, 1, 5], [3, 0, 0])
        found = plain.neighbours(old, new, counts, n_neighbours=2)
        assert found[:, 0].tolist() == pytest.approx([0.6 * np.log(2), np.log(4)], rel=1e-6)

    def test_items_that_share_nothing_are_no_neighbours(self):
        found = plain.neighbours(matrix([1, 0], [1, 0]), matrix([0, 1]), matrix([1, 1]), 2)
        assert found.tolist() == [[0]]

    @pytest.mark.parametrize("n_old", [2, 6])
    def test_ridge_is_what_its_formula_says_in_either_form(self, n_old):
        rng = np.random.default_rng(0)
        old, new = rng.random((n_old, 4)), rng.random((3, 4))
        expected = old @ np.linalg.solve(old.T @ old + 0.5 * np.eye(4), new.T)
        (found,) = plain.ridge_weights(sparse.csr_matrix(old), sparse.csr_matrix(new), [0.5])
        assert found == pytest.approx(expected, rel=1e-4)
        values = rng.random(n_old)
        expected = values.mean() + (values - values.mean()) @ expected
        by_value = plain.ridge_values(sparse.csr_matrix(old), values, sparse.csr_matrix(new), 0.5)
        assert by_value == pytest.approx(expected, abs=2e-3)

    @pytest.mark.parametrize(("n_users", "n_old"), [(5, 3), (3, 9)])
    def test_cease_is_what_its_formula_says(self, n_users, n_old):
        rng = np.random.default_rng(1)
        history = (rng.random((n_users, n_old)) < 0.5).astype(float)
        old, new = rng.random((n_old, 4)), rng.random((2, 4))
        # As the paper has it: purchases above features, items of no purchase among the columns.
        bought = np.hstack([history, np.zeros((n_users, 2))])
        stacked = np.vstack([bought, np.sqrt(7.0) * np.vstack([old, new]).T])
        inverse = np.linalg.inv(stacked.T @ stacked + 2.0 * np.eye(n_old + 2))
        weights = -inverse / np.diag(inverse)
        expected = (bought @ weights)[:, n_old:]
        model = plain.CEASE(*(sparse.csr_matrix(part) for part in (history, old, new)))
        assert model.by_column == (n_old == 9)
        users = np.arange(n_users)[::-1]
        assert model.scores(users, 2.0, 7.0) == pytest.approx(expected[users], rel=1e-4)

    def test_an_item_without_features_gets_nothing_from_cease(self):
        parts = np.ones((3, 2)), np.eye(2), np.array([[0.0, 0.0], [1.0, 0.0]])
        model = plain.CEASE(*(sparse.csr_matrix(part) for part in parts))
        found = model.scores(np.arange(3), 1.0, 1.0)
        assert not found[:, 0].any()
        assert (found[:, 1] > 0).all()

    def test_the_recent_mean_of_a_type(self, planted):
        (launch,), features = planted
        window, groups = launch.test, groups_of(features)
        found = plain.recent_means(window, groups, prior=0.01)[window.new[0]]
        alike = window.old[groups[-1][window.old] == groups[-1][window.new[0]]]
        assert found == pytest.approx(window.recent[alike].mean(), rel=1e-2)

    def test_scores_are_standardised_by_user(self):
        found = combining.standardised(np.array([[1.0, 3.0], [5.0, 5.0]]))
        assert found.tolist() == [[-1, 1], [0, 0]]

    def test_a_weighted_sum(self):
        parts = {"a": np.array([[1.0, 3.0]]), "b": np.array([[9.0, 0.0]])}
        assert combining.weighted_sum(parts, {"a": 1.0, "b": 0.5}).tolist() == [[-0.5, 0.5]]


class TestFindings:
    def test_an_attribute_that_decides_is_found(self, planted):
        launches, features = planted
        lists, tried = rank_plainly(launches, features, PARAMS, EXPERIMENT)
        bench = bench_of(launches[0].test, features, groups_of(features), PARAMS)
        worth = {name: bench.quality(scores, 5).mean() for name, scores in lists[0.7].test.items()}
        for name in ("ridge", "clicks", "neighbours", "shares", "cease"):
            assert worth[name] > 2 * worth["random"], name
            assert worth[name] > 1.5 * worth["shuffled"], name
        assert set(tried["system"]) == set(systems.SYSTEMS)

    def test_nothing_is_found_where_nothing_is(self, null):
        launches, features = null
        lists, _ = rank_plainly(launches, features, PARAMS, EXPERIMENT)
        bench = bench_of(launches[0].test, features, groups_of(features), PARAMS)
        gap = bench.quality(lists[0.7].test["ridge"], 5) - bench.quality(
            lists[0.7].test["shuffled"], 5
        )
        assert abs(gap.mean()) < 3 * gap.std() / np.sqrt(len(gap))

    def test_two_new_items_of_the_same_features_have_the_same_scores(self, planted):
        launches, features = planted
        bench = bench_of(launches[0].test, features, groups_of(features), PARAMS)
        new = bench.new.toarray()
        twins = next(
            (i, j) for i in range(len(new)) for j in range(i) if np.array_equal(new[i], new[j])
        )
        lists, _ = rank_plainly(launches, features, PARAMS, EXPERIMENT)
        for name in ("ridge", "neighbours", "shares", "cease"):
            one, two = (lists[0.7].test[name][:, place] for place in twins)
            assert one == pytest.approx(two, rel=1e-5), name

    def test_the_oracle_knows_who_bought(self, planted):
        launches, features = planted
        bench = bench_of(launches[0].test, features, groups_of(features), PARAMS)
        found = systems.oracle(bench)
        assert found[0].tolist() == launches[0].test.bought.toarray().sum(axis=0).tolist()

    def test_what_is_chosen_is_best_before_the_cut(self, planted):
        launches, features = planted
        params = PARAMS.model_copy(update={"neighbours": (1, 3, 50)})
        bench = bench_of(launches[0].tuning, features, groups_of(features), params)
        chosen, tried = systems.tune(bench, params.grid(), 5)
        own = tried[tried["system"] == "neighbours"].set_index("config")["ndcg"]
        assert own.idxmax() == systems.told(chosen["neighbours"])
        assert len(own) == 3
