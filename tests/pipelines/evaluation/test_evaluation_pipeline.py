"""The pipeline run on a small shop, with the generators' completions stood in for."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from judging import COLUMNS
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from kedro.validation import TypeExtractor
from kedro_datasets.json import JSONDataset
from kedro_datasets.pandas import CSVDataset
from kept import KeptDataset

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.experiment.verdict import VERDICTS
from doppelcart.pipelines.evaluation import create_pipeline, nodes
from doppelcart.recommendation import completers
from doppelcart.recommendation.protocol import EvaluationParams
from doppelcart.reporting.params import ReportingParams

N_ITEMS = 30


def shop(n_users: int, seed: int) -> Histories:
    rng = np.random.default_rng(seed)
    rows = [
        rng.choice(
            N_ITEMS, 6, replace=False, p=np.where(np.arange(N_ITEMS) % 3 == u % 3, 3, 1) / 50
        )
        for u in range(n_users)
    ]
    users = np.array([f"{seed}-{u}" for u in range(n_users)])
    return Histories.from_lists(rows, users, np.array([f"i{j}" for j in range(N_ITEMS)]))


def cases(seed: int) -> dict[str, Case]:
    histories = shop(40, seed)
    return {
        "warm": Case("warm", histories.first(3), histories.rest(3)),
        "cold_1": Case("cold_1", histories.first(1), histories.rest(1)),
        "cold_20": Case("cold_20", shop(0, seed), shop(0, seed)),
    }


@pytest.fixture
def inputs() -> dict[str, Any]:
    return {
        "train_histories": shop(24, 0),
        "synthetic_users": {
            name: shop(24, seed)
            for seed, name in enumerate(
                ("copies", "popularity", "mixup", "denoiser", "gan", "vae"), start=1
            )
        },
        "denoiser.generator": "the denoiser",
        "gan.generator": "the generator",
        "vae.generator": "the VAE",
        "demographics_matrix": pd.DataFrame({"user_id": ["0-0"], "demographic__age": [1.0]}),
        "item_matrix": pd.DataFrame(
            {"item_id": [f"i{j}" for j in range(N_ITEMS)], "item__price": np.arange(N_ITEMS) + 1.0}
        ),
        "feat_items": pd.DataFrame(
            {"price": np.full(N_ITEMS, 2.0), "title": [f"Item {j}" for j in range(N_ITEMS)]},
            index=pd.Index([f"i{j}" for j in range(N_ITEMS)], name="item_id"),
        ),
        "source_summary": {"source": "a shop", "currency": "euros"},
        "validation_cases": cases(6),
        "test_cases": cases(7),
        "params:reporting": ReportingParams(),
        "params:evaluation": EvaluationParams(
            k=5,
            cutoffs=(5, 10),
            ratios=(0, 1),
            strengths=(0, 0.5),
            n_bootstrap=2000,
            n_seeds=2,
            synthetic_only_slices=("cold_1",),
            max_tuning_users=20,
            grids={"popularity": {}, "ease": {"l2": [5.0, 50.0]}},
        ),
    }


@pytest.fixture
def completers_made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    made: list[tuple[str, int, int]] = []

    def make_completer(
        generator: str,
        demographics: pd.DataFrame,
        n_draws: int,
        seed: int,
    ) -> Callable[[Histories], Iterator[np.ndarray]]:
        made.append((generator, n_draws, seed))
        return lambda seen: iter([np.full((seen.n_users, seen.n_items), 0.2, dtype=np.float32)])

    monkeypatch.setattr(completers, "make_completer", make_completer)
    return made


def run(inputs: dict[str, Any]) -> dict[str, Any]:
    pipeline = create_pipeline()
    kept = {name: KeptDataset() for name in pipeline.all_outputs()}
    given = {name: MemoryDataset(data) for name, data in inputs.items()}
    SequentialRunner().run(pipeline, DataCatalog(given | kept))
    return {name: dataset.load() for name, dataset in kept.items()}


def test_the_whole_pipeline(
    inputs: dict[str, Any], completers_made: list[tuple[str, int, int]]
) -> None:
    outputs = run(inputs)
    verdict, tstr = outputs["verdict"], outputs["tstr"]
    assert set(outputs) == {
        "validation_scores",
        "metrics",
        "tstr",
        "uplift_against_best",
        "ranking_agreement",
        "uplift",
        "verdict",
        "promotion",
        "chosen_configs",
        "validation_user_scores",
        "user_metrics",
        "uplift_forest",
        "scores_by_slice",
        "tstr_shares",
        "gains",
        "evaluation.customers",
        "evaluation.scores",
        "evaluation.design",
        "evaluation.section",
    }
    assert outputs["evaluation.section"].failure == ""
    assert set(zip(verdict["slice"], verdict["recommender"], verdict["arm"], strict=True)) == {
        (name, recommender, arm)
        for name in ("warm", "cold_1")
        for recommender, arm in [
            ("popularity", "gan_new_users"),
            ("ease", "gan_new_users"),
            ("ease", "gan_completion"),
        ]
    }
    assert verdict["verdict"].isin(list(VERDICTS)).all()
    assert verdict["reason"].str.len().min() > 20
    best, agreement = outputs["uplift_against_best"], outputs["ranking_agreement"]
    assert len(best) == 2 * (6 + 4) * 2
    assert set(best["against"]) == {"best_baseline", "most_popular"}
    # Of either kind of candidates four arms of synthetic users and two halves of the real ones.
    assert agreement.groupby("candidates", sort=False)["ranked"].agg(list).to_dict() == {
        "recommenders": [2] * 5,
        "configurations": [3] * 5,
    }
    assert agreement["n_users"].tolist() == [40] * 5 + [20] * 5
    assert len(tstr) == 4 * 2
    assert set(tstr["slice"]) == {"cold_1"}
    makers = ("the denoiser", "the generator", "the VAE")
    assert set(completers_made) == {(maker, 4, 0) for maker in makers}
    metrics = outputs["metrics"]
    assert {"ndcg@5", "recall@10", "coverage@10", "diversity@10"} <= set(metrics["metric"])
    assert metrics["n_users"].max() == 40
    assert outputs["validation_scores"]["n_users"].max() == 20
    # Every item costs 2, so that what the hits cost is twice their number.
    by_metric = dict(iter(outputs["gains"].groupby("metric")))
    assert set(by_metric) == {"hits@10", "sales@10"}
    assert by_metric["sales@10"]["base"].to_numpy() == pytest.approx(
        2 * by_metric["hits@10"]["base"].to_numpy()
    )
    told = outputs["evaluation.section"].story
    assert told.units[1] == "Purchases foreseen per 1,000 customers, euros"
    assert all(len(finding.gains) == 2 for finding in told.findings)


def test_a_few_real_customers_are_shown_and_synthetic_ones_in_their_place(
    inputs: dict[str, Any], completers_made: list[tuple[str, int, int]]
) -> None:
    real, made = run(inputs)["evaluation.customers"]
    assert (real["synthetic"], made["synthetic"]) == (False, True)
    assert len(real["people"]) == 3
    bought = {f"Item {j}" for j in range(N_ITEMS)}
    for person in (*real["people"], *made["people"]):
        titles = [found["title"] for found in person["lists"]]
        assert titles[0] == "Known"
        assert all(
            entry["text"] in bought for found in person["lists"] for entry in found["entries"]
        )
        assert len(person["lists"][2]["entries"]) == 5
    assert "gained most" in real["people"][0]["note"]
    assert not any("tenth" in person["note"] for person in made["people"])


def test_without_a_synthetic_customer_who_is_long_enough_only_real_ones_are_shown(
    inputs: dict[str, Any], completers_made: list[tuple[str, int, int]]
) -> None:
    gan = inputs["synthetic_users"]["gan"]
    inputs["synthetic_users"]["gan"] = gan.first(1)
    (real,) = run(inputs)["evaluation.customers"]
    assert not real["synthetic"]


def test_items_without_prices_have_no_sales(
    inputs: dict[str, Any], completers_made: list[tuple[str, int, int]]
) -> None:
    inputs["feat_items"] = inputs["feat_items"].drop(columns="price")
    outputs = run(inputs)
    assert set(outputs["gains"]["metric"]) == {"hits@10"}
    assert outputs["evaluation.section"].story.units == ("Hits in a list of 10",)


def test_a_second_run_gives_the_same_figures(
    inputs: dict[str, Any], completers_made: list[tuple[str, int, int]]
) -> None:
    first, second = run(inputs), run(inputs)
    for name in ("validation_scores", "metrics", "verdict", "tstr", "ranking_agreement"):
        pd.testing.assert_frame_equal(first[name], second[name])


@pytest.mark.parametrize("arms", [(), ("gan_only", "popularity_only")], ids=["none", "only"])
def test_where_nothing_is_compared_all_tables_read_back(
    inputs: dict[str, Any],
    completers_made: list[tuple[str, int, int]],
    tmp_path: Path,
    arms: tuple[str, ...],
) -> None:
    """Plain scores, and what synthetic users alone are worth, are questions of their own."""
    asked = inputs["params:evaluation"].model_copy(update={"arms": arms})
    tables = ("metrics", "uplift", "uplift_against_best", "tstr", "verdict", "ranking_agreement")
    catalog = DataCatalog({name: MemoryDataset(d) for name, d in inputs.items()})
    catalog["params:evaluation"] = MemoryDataset(asked)
    for name in tables:
        catalog[name] = CSVDataset(
            filepath=str(tmp_path / f"{name}.csv"), save_args={"index": False}
        )
    catalog["promotion"] = JSONDataset(filepath=str(tmp_path / "promotion.json"))
    SequentialRunner().run(create_pipeline(), catalog)
    loaded = {name: catalog.load(name) for name in tables}
    assert loaded["uplift"].columns.tolist() == COLUMNS
    assert loaded["uplift_against_best"].columns.tolist() == [*COLUMNS, "baseline"]
    assert {"verdict", "win", "promoted", "reason"} <= set(loaded["verdict"])
    for name in ("uplift", "uplift_against_best", "verdict"):
        assert loaded[name].empty
    assert set(loaded["metrics"]["arm"]) == {"none"}
    assert sorted(loaded["tstr"]["arm"].unique()) == sorted(arms)
    assert catalog.load("promotion")["promoted"] == []


def test_chosen_configs_survive_a_csv_file(
    inputs: dict[str, Any], completers_made: list[tuple[str, int, int]], tmp_path: Any
) -> None:
    """The catalog keeps them as CSV; a later run must read the same choice."""
    given = {
        name.partition(":")[2] or name.partition(".")[0]
        if ":" in name or "." in name
        else name: data
        for name, data in inputs.items()
        if name not in ("test_cases", "item_matrix", "feat_items", "source_summary")
    }
    given["params"] = given.pop("evaluation")
    _, chosen, _ = nodes.tune_arms(**given)
    path = tmp_path / "chosen.csv"
    chosen.to_csv(path, index=False)
    loaded = pd.read_csv(path, float_precision="round_trip")
    pd.testing.assert_frame_equal(loaded, chosen, check_exact=True)


def test_test_users_enter_only_after_everything_is_chosen() -> None:
    pipeline = create_pipeline()
    readers = [node.name for node in pipeline.nodes if "test_cases" in node.inputs]
    assert set(readers) == {"evaluate_arms", "measure_ranking_agreement", "show_customers"}
    makers = {output: node for node in pipeline.nodes for output in node.outputs}
    assert makers["chosen_configs"].name == "tune_arms"
    reached_by_test = pipeline.from_inputs("test_cases").all_outputs()
    assert not reached_by_test & {"chosen_configs", "validation_scores", "validation_user_scores"}


def test_parameters_reach_every_node_as_their_model() -> None:
    hints = TypeExtractor({"evaluation": create_pipeline()}).extract_types_from_pipelines()
    assert hints == {"evaluation": EvaluationParams, "reporting": ReportingParams}


def test_the_pipeline_loads_without_tensorflow() -> None:
    code = (
        "import sys; from doppelcart.pipelines.evaluation import create_pipeline; "
        "create_pipeline(); assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
