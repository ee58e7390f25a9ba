"""Forecasts of how many buy a new item, and how they are measured."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from doppelcart.catalogue.shares import groups_of
from doppelcart.pipelines.new_items import demand
from doppelcart.pipelines.new_items.nodes import forecast_demand, weighting_of
from doppelcart.pipelines.new_items.params import ExperimentParams, SystemsParams

from .conftest import launches_of, make_items, make_lines

EXPERIMENT = ExperimentParams(launches_listed=5, n_bootstrap=200)


class TestMeasures:
    def test_their_means_are_spearman_and_ndcg(self):
        rng = np.random.default_rng(0)
        forecasts, buyers = rng.random(40), rng.integers(0, 20, 40).astype(float)
        agreement, gain = demand.ranking_parts(forecasts, buyers, 10)
        assert agreement.mean() == pytest.approx(stats.spearmanr(forecasts, buyers).statistic)
        order = np.argsort(-forecasts)
        discounts = 1 / np.log2(np.arange(2, 12))
        ideal = np.sort(buyers)[::-1][:10] @ discounts
        assert gain.mean() == pytest.approx(buyers[order][:10] @ discounts / ideal)

    def test_launches_of_equal_forecast_share_their_places(self):
        _, gain = demand.ranking_parts(np.array([1.0, 1.0, 0.0]), np.array([4.0, 0.0, 0.0]), 1)
        assert gain.mean() == pytest.approx(0.5)

    def test_one_forecast_for_all_agrees_with_nothing(self):
        agreement, gain = demand.ranking_parts(np.ones(4), np.array([3.0, 1.0, 0.0, 0.0]), 1)
        assert agreement.tolist() == [0, 0, 0, 0]
        assert gain.mean() == pytest.approx(1 / 3)

    def test_where_sales_do_not_vary_nothing_is_defined(self):
        agreement, gain = demand.ranking_parts(np.ones(3), np.zeros(3), 2)
        assert np.isnan(agreement).all()
        assert np.isnan(gain).all()
        assert [len(part) for part in demand.ranking_parts(np.ones(0), np.zeros(0), 2)] == [0, 0]


class TestForecasts:
    @pytest.mark.parametrize("name", demand.MODELS)
    def test_a_plain_law_is_learnt(self, name):
        rng = np.random.default_rng(0)
        past, present = (pd.DataFrame({"price": rng.normal(size=n)}) for n in (400, 50))
        buyers = np.exp(3 + past["price"].to_numpy())
        found = demand.forecast(name, past, buyers, present, seed=0)
        assert stats.spearmanr(found, present["price"]).statistic > 0.98

    @pytest.mark.parametrize("name", demand.MODELS)
    def test_what_is_not_known_is_no_obstacle(self, name):
        past = pd.DataFrame({"price": [1.0, np.nan, 3.0] * 20, "never": np.nan})
        found = demand.forecast(name, past, np.ones(60), past, seed=0)
        assert np.isfinite(found).all()

    def test_the_price_at_launch_is_found_to_decide(self):
        lines, items = make_lines(planted=False), make_items()
        number = lines["item_id"].str[1:].astype(int)
        dear = number % 3 == 0
        lines["amount"] = np.where(dear, 40.0, 2.0)
        # Of what is dear, one line in five is left.
        lines = lines[~dear | (np.arange(len(lines)) % 5 == 0)]
        launches, features = launches_of(lines, items)
        found, table = forecast_demand(launches, features, SystemsParams(), EXPERIMENT)
        test = launches[0].test
        is_dear = np.char.endswith(test.prices[test.launched].astype(int).astype(str), "20")
        assert found[0.7].test[is_dear].mean() < found[0.7].test[~is_dear].mean() - 0.3
        row = table[(table["items"] == demand.ALL_LAUNCHES) & (table["metric"] == "spearman")]
        assert row["forecast"].item() > row["type_mean"].item() + 0.1

    def test_what_is_known_at_a_launch_by_hand(self, planted):
        (launch,), features = planted
        window, groups = launch.test, groups_of(features)
        rows = weighting_of(window, features, SystemsParams()).rows(
            features, np.arange(features.n_items)
        )
        found = demand.describe_launches(window, window.launched, features, groups, rows)
        first = window.launched[0]
        alike = window.old[groups[-1][window.old] == groups[-1][first]]
        recent = np.log1p(window.recent)
        assert found["type_items"][0] == pytest.approx(np.log1p(len(alike)))
        mean, weight = recent[window.old].mean(), demand.PRIOR
        assert found["type_recent"][0] == pytest.approx(
            (recent[alike].sum() + weight * mean) / (len(alike) + weight)
        )
        assert found["price"][0] == pytest.approx(np.log(window.prices[first]))
        young = window.recent_launch & (groups[-1] == groups[-1][first])
        assert found["type_launches"][0] == pytest.approx(np.log1p(young.sum()))

    def test_windows_are_pooled_over_items(self, null):
        launches, features = null
        twice, _ = launches_of(make_lines(planted=False), make_items(), (0.6, 0.7))
        _, table = forecast_demand(twice, features, SystemsParams(), EXPERIMENT)
        pooled = table[(table["cut"] == demand.POOLED) & (table["items"] == demand.ALL_LAUNCHES)]
        launched = np.union1d(twice[0].test.launched, twice[1].test.launched)
        assert pooled["n_items"].unique().tolist() == [len(launched)]
        _, single = forecast_demand(launches, features, SystemsParams(), EXPERIMENT)
        assert demand.POOLED not in set(single["cut"])
