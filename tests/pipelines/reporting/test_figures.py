import json

import numpy as np
import pandas as pd
import pytest
from plotly import graph_objects as go

from doppelcart.pipelines.augmentation.figures import history_length, popularity_curve
from doppelcart.pipelines.cleaning.figures import cleaning_waterfall
from doppelcart.pipelines.evaluation.figures import (
    BASELINES,
    scores_by_slice,
    tstr_shares,
    uplift_forest,
)
from doppelcart.pipelines.gan.figures import training_curves
from doppelcart.pipelines.targeting.figures import targeting_forest
from doppelcart.recommendation.arm_marks import mark_of
from doppelcart.recommendation.labels import arm_label


def traces(figure: go.Figure, name: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name == name]


def texts(figure: go.Figure) -> list[str]:
    return [note.text.replace("<br>", " ") for note in figure.layout.annotations]


def test_forest_draws_relative_change_and_its_interval(uplift):
    figure = uplift_forest(uplift, "ease", "ndcg@20")
    name = "Histories completed by the GAN, against the same recommender without synthetic data"
    panel = texts(figure).index("New customers, first 5 items known")
    trace = traces(figure, name)[panel]
    assert trace.x == pytest.approx([5.0])
    assert trace.error_x.array == pytest.approx([2.0])
    assert trace.error_x.arrayminus == pytest.approx([2.0])
    assert not trace.marker.symbol.endswith("-open")
    assert texts(figure)[0] == "Returning customers"


def test_an_undefined_interval_has_no_whisker_and_is_told_as_such(uplift):
    figure = uplift_forest(uplift.assign(relative_low=np.nan), "ease", "ndcg@20")
    name = "Histories completed by the GAN, against the same recommender without synthetic data"
    panel = texts(figure).index("New customers, first 5 items known")
    trace = traces(figure, name)[panel]
    assert np.isnan(trace.error_x.arrayminus).all()
    assert list(trace.text) == ["+5.0 % (interval undefined)"]
    assert "nan" not in figure.layout.meta["alt"]


def test_forest_keeps_the_two_baselines_apart_by_fill_and_place(uplift):
    figure = uplift_forest(uplift, "itemknn", "ndcg@20")
    name = "Histories completed by the GAN, against the {} recommender without synthetic data"
    plain, best = (traces(figure, name.format(which))[0] for which in ("same", "best"))
    assert best.marker.symbol == plain.marker.symbol + "-open"
    assert best.y[0] < plain.y[0]
    assert best.x[0] < plain.x[0]  # EASE is the better baseline


def test_forest_shows_no_comparison_with_controls(uplift):
    figure = uplift_forest(uplift, "ease", "ndcg@20")
    drawn = [trace for trace in figure.data if len(trace.x) and trace.x[0] is not None]
    compared = uplift[(uplift["recommender"] == "ease") & uplift["against"].isin(BASELINES)]
    assert len(drawn) == len(compared)


def test_forest_says_in_words_what_it_shows(uplift):
    alt = uplift_forest(uplift, "ease", "ndcg@20").layout.meta["alt"]
    assert "New customers, first 5 items known, Histories completed by the GAN: +5.0 %" in alt


def test_forest_of_a_recommender_that_was_not_run_says_so(uplift):
    figure = uplift_forest(uplift, "slim", "ndcg@20")
    assert texts(figure) == ["No comparison of slim by NDCG@20."]


def test_targeting_forest_parts_the_segment_from_everybody_else(targeting_results):
    figure = targeting_forest(targeting_results)
    assert texts(figure) == [
        "New customers, first 5 items known: the segment",
        "New customers, first 5 items known: everybody else",
    ]
    inside, others, key = traces(figure, arm_label("targeted_gan"))
    assert (inside.x, others.x) == ((pytest.approx(5.0),), (pytest.approx(-3.0),))
    assert inside.error_x.array == pytest.approx([2.0])
    assert key.x == (None,)
    assert not traces(figure, arm_label("uniform_gan"))  # validation chose to add nobody
    assert (
        "everybody else: \N{MINUS SIGN}3.0 % (\N{MINUS SIGN}5.0 to \N{MINUS SIGN}1.0), harms."
        in figure.layout.meta["alt"]
    )


def test_targeting_forest_is_hollow_where_the_verdict_is_undefined(targeting_results):
    inside = targeting_results["customers"] == "segment"
    few = targeting_results.assign(outcome=targeting_results["outcome"].mask(inside, "undefined"))
    segment, others, _ = traces(targeting_forest(few), arm_label("targeted_gan"))
    assert segment.marker.symbol == ("circle-open",)
    assert others.marker.symbol == ("circle",)


def test_targeting_forest_says_why_it_is_empty(targeting_results):
    nobody = targeting_forest(targeting_results.assign(ratio=0.0))
    assert texts(nobody) == ["Validation chose to add nobody, for any segment."]
    assert texts(targeting_forest(pd.DataFrame())) == ["No segment was measured."]


def test_a_change_on_too_few_customers_is_not_drawn(uplift):
    few = uplift.assign(p_holm=uplift["p_holm"].mask(uplift["slice"] == "warm"))
    all_drawn, drawn = (
        uplift_forest(table, "ease", "ndcg@20").layout.meta["alt"] for table in (uplift, few)
    )
    assert "Returning customers" in all_drawn
    assert "Returning customers" not in drawn
    assert "New customers" in drawn


def test_a_change_from_nothing_is_left_out(uplift):
    undefined = uplift.assign(relative=np.nan)
    figure = uplift_forest(undefined, "ease", "ndcg@20")
    assert texts(figure)[0].startswith("No comparison")


def test_scores_have_one_marker_per_arm_and_recommender(metrics):
    figure = scores_by_slice(metrics, "ndcg@20")
    (trace, *_) = traces(figure, arm_label("none"))
    assert trace.text == ("Popularity", "ItemKNN", "iALS", "PureSVD", "EASE")
    assert trace.x == pytest.approx((0.19, 0.23, 0.235, 0.222, 0.245))
    assert (
        "Returning customers: best without synthetic data EASE, 0.2450."
        in (figure.layout.meta["alt"])
    )


def test_history_length_is_the_share_with_at_most_so_many():
    figure = history_length({"real": np.array([4, 1, 2, 3]), "gan": np.array([5])})
    real, gan = figure.data
    assert real.name == "Real customers"
    share_of = dict(zip(real.x, real.y, strict=True))
    assert share_of[2] == pytest.approx(50)
    assert share_of[4] == pytest.approx(100)
    assert set(gan.x) == {5}
    assert "Real customers: median 2, mean 2.5 items." in figure.layout.meta["alt"]


def test_popularity_keeps_the_real_order_in_every_line():
    real = np.array([0.1, 0.8, 0.4])
    figure = popularity_curve({"real": real, "gan": np.array([0.5, 0.2, 0.3])}, bins=30)
    assert figure.data[0].y == pytest.approx((80, 40, 10))
    assert figure.data[1].y == pytest.approx((20, 30, 50))
    expected = np.corrcoef(real, [0.5, 0.2, 0.3])[0, 1]
    assert f"correlation with real {expected:.3f}" in figure.layout.meta["alt"]


def test_popularity_bins_average_items_of_neighbouring_ranks():
    real = np.linspace(1, 0.01, 100)
    figure = popularity_curve({"real": real}, bins=5)
    y = figure.data[0].y
    assert len(y) == 5
    assert list(y) == sorted(y, reverse=True)
    # Edges at 1, 3, 6, 16, 40, 101: the first bin holds ranks 1 and 2.
    assert y[0] == pytest.approx(100 * real[:2].mean())


def test_an_item_nobody_has_is_no_point_on_a_log_scale():
    shares = {"real": np.array([0.5, 0.2]), "gan": np.array([0.5, 0.0])}
    assert popularity_curve(shares, bins=10).data[1].y == (50.0, None)


def test_training_has_a_panel_per_figure_and_a_line_per_model(training):
    figure = training_curves(training)
    assert texts(figure) == [
        "generator loss",
        "reconstruction loss",
        "generator gradient norm",
        "validation ndcg",
        "critic loss",
        "critic gradient norm",
    ]
    assert len(traces(figure, "GAN")) == 6
    assert len(traces(figure, "VAE")) == 4
    assert len(traces(figure, "Generator without its critic")) == 4
    assert sum(bool(trace.showlegend) for trace in figure.data) == 3


def test_training_joins_figures_that_were_not_taken_every_epoch(training):
    figure = training_curves(training)
    looked_at = traces(figure, "GAN")[3]
    assert looked_at.connectgaps
    assert looked_at.y[0] is None
    assert looked_at.y[4] == pytest.approx(training["gan"]["validation_ndcg"][4])


def test_a_figure_that_never_changes_lies_on_an_axis_that_it_can_reach():
    table = pd.DataFrame({"epoch": [1, 2], "rate": 0.001, "share": 0.0, "loss": -2.0, "x": [1, 2]})
    figure = training_curves({"gan": table, "denoiser": table})
    axes = [figure.layout[name].range for name in ("yaxis", "yaxis2", "yaxis3", "yaxis4")]
    assert axes == [(0, 0.002), (0, 1), (-4, 0), None]


def test_no_training_is_told():
    assert texts(training_curves({"gan": pd.DataFrame()})) == ["No training was recorded."]


def test_waterfall_adds_up(cleaning_report):
    figure = cleaning_waterfall(cleaning_report, "interactions")
    (trace,) = figure.data
    assert trace.y == ("rows in", "missing user", "item k core", "rows kept")
    assert trace.x == (10_000, -120, -2_380, 7_500)
    assert trace.x[0] + sum(trace.x[1:-1]) == trace.x[-1]
    assert "7,500 were kept" in figure.layout.meta["alt"]


def test_waterfall_of_another_table_counts_that_table(cleaning_report):
    assert cleaning_waterfall(cleaning_report, "items").data[0].x == (1_000, -3, 997)
    assert texts(cleaning_waterfall(cleaning_report, "users")) == ["No row of users came in."]


def test_tstr_is_drawn_in_percent_of_the_real_score(tstr):
    figure = tstr_shares(tstr)
    trace = traces(figure, "Only customers made by the GAN")[0]
    assert trace.x == pytest.approx([98.5] * 5)
    assert trace.error_x.array == pytest.approx([2.0] * 5)
    assert {shape.x0 for shape in figure.layout.shapes} == {100}


def test_names_from_data_cannot_become_markup(cleaning_report):
    spoilt = cleaning_report.replace({"missing_user": "<script>alert(1)</script>"})
    figure = cleaning_waterfall(spoilt, "interactions")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in figure.data[0].y


def test_arms_differ_without_colour():
    arms = ["gan_completion", "denoiser_completion", "popularity_completion", "gan_new_users",
            "denoiser_new_users", "popularity", "mixup", "copies", "none"]  # fmt: skip
    symbols = [mark_of(arm).symbol for arm in arms]
    assert len(set(symbols)) == len(symbols)
    lines = [mark_of(name) for name in ("real", "gan", "denoiser", "popularity")]
    assert len({(line.dash, line.colour) for line in lines}) == 4
    assert len({line.dash for line in lines[1:]}) == 3


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("arm", ["gan_completion", "gan_new_users", "denoiser", "mixup", "vae"])
def test_marks_stand_out_from_white(arm):
    contrast = 1.05 / (luminance(mark_of(arm).colour) + 0.05)
    assert contrast >= 4.5


def test_every_figure_survives_the_way_through_json(uplift, metrics, shops):
    drawn = [
        uplift_forest(uplift, "ease", "ndcg@20"),
        scores_by_slice(metrics, "ndcg@20"),
        history_length({name: shop.lengths for name, shop in shops.items()}),
    ]
    for figure in drawn:
        again = go.Figure(json.loads(figure.to_json()))
        assert again.layout.meta["alt"] == figure.layout.meta["alt"]
        assert len(again.data) == len(figure.data)
