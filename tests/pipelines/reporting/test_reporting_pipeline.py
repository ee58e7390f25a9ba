import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from doppelcart.data.histories import Histories
from doppelcart.pipelines.augmentation.figures import item_shares, plot_popularity
from doppelcart.pipelines.evaluation.figures import (
    headline_recommender,
    plot_scores,
    plot_uplift,
    verdict_metric,
)
from doppelcart.pipelines.reporting import create_pipeline
from doppelcart.pipelines.reporting.nodes import run_section
from doppelcart.reporting import provenance
from doppelcart.reporting.params import ReportingParams

CONF = Path(__file__).parents[3] / "conf" / "base" / "reporting"


def test_what_is_saved_has_a_catalog_entry_with_its_layer():
    catalog = yaml.safe_load((CONF / "catalog.yml").read_text())
    own = {name for name in catalog if not name.startswith(("_", "{"))} - {"lineage_records"}
    assert own == create_pipeline().all_outputs()
    for name in (*own, "{capability}.section", "{capability}.verdict"):
        assert catalog[name]["metadata"]["kedro-viz"]["layer"] == "reporting", name
        assert catalog[name]["filepath"].startswith("${globals:data_root}/08_reporting/"), name


@pytest.mark.parametrize("names", [["NA", "None"], ["065", "7"]])
@pytest.mark.parametrize(
    ("entry", "column"),
    [
        ("targeting.chosen_configs", "segment"),
        ("targeting.results", "segment"),
        ("targeting.segment_sizes", "segment"),
        ("cross_domain.sizes", "department"),
        ("cross_domain.tried", "department"),
        ("explanations.examples", "title"),
        ("reporting {capability}.differences", "segment"),
        ("reporting {capability}.verdict", "department"),
    ],
)
def test_names_that_a_shop_gives_survive_the_file(entry, column, names):
    pipeline, _, name = entry.rpartition(" ")
    folder = CONF.parent / (pipeline or name.split(".")[0])
    given = yaml.safe_load((folder / "catalog.yml").read_text())[name]
    table = pd.DataFrame({column: names, "value": [0.1, np.nan]})
    file = io.StringIO(table.to_csv(**given["save_args"]))
    pd.testing.assert_frame_equal(pd.read_csv(file, **given["load_args"]), table)


def test_it_reads_the_sections_and_what_is_on_record_of_them_alone():
    read = {name for name in create_pipeline().inputs() if not name.startswith("param")}
    read.remove("lineage_records")
    assert {"evaluation.section", "targeting.section", "gan.section"} <= read
    assert all(name.endswith(".section") for name in read)


def test_shipped_parameters_are_valid_and_warn_of_complete_journey():
    raw = yaml.safe_load((CONF / "parameters.yml").read_text())["reporting"]
    params = ReportingParams(**raw)
    assert "simulated" in params.caveats["complete_journey"]


@pytest.mark.parametrize(
    "wrong", [{"table_rows": 1}, {"table_rows": 10_000}, {"caveats": []}, {"colour": "red"}]
)
def test_parameters_out_of_bounds_are_refused(wrong):
    with pytest.raises(ValidationError):
        ReportingParams(**wrong)


def test_the_first_figure_is_of_the_strongest_recommender_without_synthetic_data(uplift):
    assert headline_recommender(uplift) == "ease"
    without = uplift[uplift["recommender"] != "ease"]
    assert headline_recommender(without) == "ials"


def test_figures_are_of_the_verdicts_metric(uplift, metrics):
    assert verdict_metric(uplift.assign(metric="recall@5")) == "recall@5"
    assert "NDCG@20" in plot_uplift(uplift).layout.meta["alt"]
    assert "NDCG@20" in plot_scores(metrics, uplift).layout.meta["alt"]


def test_where_nothing_was_compared_scores_are_shown_by_what_was_measured(uplift, metrics):
    nothing, of_ten = uplift.iloc[:0], metrics.assign(metric="recall@10")
    assert verdict_metric(nothing, of_ten) == "recall@10"
    drawn = plot_scores(of_ten, nothing)
    assert drawn.layout.meta["alt"].startswith("Recall@10 by recommender")
    assert len(drawn.data) > 1


def test_item_shares_are_of_users():
    shop = Histories.from_lists(
        [np.array([0, 2]), np.array([2]), np.array([], dtype=int), np.array([2, 0])],
        np.array(["a", "b", "c", "d"]),
        np.array(["x", "y", "z"]),
    )
    assert item_shares(shop).tolist() == [0.5, 0.0, 0.75]


def test_generators_without_users_leave_the_figures_standing(shops):
    sets = shops | {"gan": shops["gan"].select(np.array([], dtype=int))}
    figure = plot_popularity(shops["real"], sets)
    assert [trace.name for trace in figure.data][:3] == [
        "Real customers",
        "VAE",
        "Generator without its critic",
    ]


def test_a_parameter_that_pipelines_were_told_otherwise_stands_with_the_value_of_each():
    told = {"k": {"evaluation": 20, "targeting": 10}, "seed": {"gan": 3, "split": 3}}
    shown = run_section({}, told, 100).blocks[1].blocks[1].table
    assert shown.rows == (("k", "20 (evaluation); 10 (targeting)"), ("seed", "3"))


def test_provenance_outside_of_git_is_unknown(tmp_path):
    assert provenance.commit_of(tmp_path) == provenance.UNKNOWN


def test_provenance_names_what_a_figure_depends_on():
    facts = provenance.provenance()
    assert {"kedro", "tensorflow", "numpy"} <= set(facts["libraries"])
    assert facts["written"].endswith("+00:00")
