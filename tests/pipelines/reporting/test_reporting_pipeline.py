from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from doppelcart.data.histories import Histories
from doppelcart.pipelines.reporting import create_pipeline, nodes
from doppelcart.pipelines.reporting.params import ReportingParams
from doppelcart.reporting import provenance

CONF = Path(__file__).parents[3] / "conf" / "base" / "reporting"


def test_every_output_has_a_catalog_entry_with_its_layer():
    catalog = yaml.safe_load((CONF / "catalog.yml").read_text())
    assert set(catalog) == create_pipeline().all_outputs()
    for name, entry in catalog.items():
        assert entry["metadata"]["kedro-viz"]["layer"] == "reporting", name
        assert entry["filepath"].startswith("${globals:data_root}/08_reporting/"), name


def test_figures_are_saved_so_that_they_can_be_previewed():
    catalog = yaml.safe_load((CONF / "catalog.yml").read_text())
    others = {"report_html", "run_facts"}
    kinds = {entry["type"] for name, entry in catalog.items() if name not in others}
    assert kinds == {"plotly.JSONDataset"}


def test_shipped_parameters_are_valid_and_warn_of_complete_journey():
    raw = yaml.safe_load((CONF / "parameters.yml").read_text())["reporting"]
    params = ReportingParams(**raw)
    assert "simulated" in params.caveats["complete_journey"]


@pytest.mark.parametrize(
    "wrong", [{"popularity_bins": 0}, {"table_rows": 1}, {"recommender": ""}, {"colour": "red"}]
)
def test_parameters_out_of_bounds_are_refused(wrong):
    with pytest.raises(ValidationError):
        ReportingParams(**wrong)


def test_the_strongest_recommender_stands_in_for_one_that_was_not_run(uplift):
    assert nodes.headline_recommender(uplift, ReportingParams()) == "ease"
    without = uplift[uplift["recommender"] != "ease"]
    assert nodes.headline_recommender(without, ReportingParams()) == "puresvd"


def test_uplift_is_of_the_verdicts_metric_and_scores_of_any(uplift, metrics):
    assert nodes.verdict_metric(uplift.assign(metric="recall@5")) == "recall@5"
    other = ReportingParams(metric="recall@20")
    assert nodes.plot_uplift(uplift, other) == nodes.plot_uplift(uplift, ReportingParams())
    drawn = nodes.plot_scores(metrics, uplift, other)
    assert drawn != nodes.plot_scores(metrics, uplift, ReportingParams())


def test_where_nothing_was_compared_scores_are_shown_by_what_was_measured(uplift, metrics):
    nothing, of_ten = uplift.iloc[:0], metrics.assign(metric="recall@10")
    assert nodes.verdict_metric(nothing, of_ten) == "recall@10"
    drawn = nodes.plot_scores(of_ten, nothing, ReportingParams())
    assert drawn == nodes.plot_scores(of_ten, nothing, ReportingParams(metric="recall@10"))
    assert len(drawn.data) > 1


def test_item_shares_are_of_users():
    shop = Histories.from_lists(
        [np.array([0, 2]), np.array([2]), np.array([], dtype=int), np.array([2, 0])],
        np.array(["a", "b", "c", "d"]),
        np.array(["x", "y", "z"]),
    )
    assert nodes.item_shares(shop).tolist() == [0.5, 0.0, 0.75]


def test_generators_without_users_leave_the_figures_standing(shops):
    sets = shops | {"gan": shops["gan"].select(np.array([], dtype=int))}
    figure = nodes.plot_popularity(shops["real"], sets, ReportingParams())
    assert [trace.name for trace in figure.data][:3] == [
        "Real customers",
        "VAE",
        "Generator without its critic",
    ]


def test_provenance_outside_of_git_is_unknown(tmp_path):
    assert provenance.commit_of(tmp_path) == provenance.UNKNOWN


def test_provenance_names_what_a_figure_depends_on():
    facts = provenance.provenance()
    assert {"kedro", "tensorflow", "numpy"} <= set(facts["libraries"])
    assert facts["written"].endswith("+00:00")
