"""The pipeline from what a run saved to the section, and what it must not look at."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from kedro_datasets.pandas import CSVDataset
from kept import KeptDataset

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.datasets.section import SectionDataset
from doppelcart.models.histories.generation import complete_blocks, profile_rows
from doppelcart.pipelines.fusion import create_pipeline
from doppelcart.pipelines.fusion.params import FusionParams
from doppelcart.recommendation import completers
from doppelcart.recommendation.protocol import EvaluationParams
from doppelcart.recommenders import EASEConfig
from doppelcart.reporting.params import ReportingParams

ARMS = {
    "best_single", "reciprocal_rank", "weighted_sum", "learned", "plain_fusion",
    "popularity_fusion", "denoiser_fusion", "gan_fusion", "best_per_customer", "random_fusion",
    "best_gan_single",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _stand_in_completes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in of a generator has no arrays, and completes as it is asked."""

    def make_completer(
        generator: Any, demographics: pd.DataFrame, n_draws: int, seed: int
    ) -> Callable[[Histories], Iterator[np.ndarray]]:
        def complete(seen: Histories) -> Iterator[np.ndarray]:
            known = profile_rows(demographics, seen.user_ids)
            rng = np.random.default_rng(seed)
            return complete_blocks(generator, seen.matrix, n_draws, rng, known)

        return complete

    monkeypatch.setattr(completers, "make_completer", make_completer)


def tuned() -> pd.DataFrame:
    """Two plain recommenders, and EASE with what is completed and added."""
    ease = EASEConfig(l2=5.0).model_dump_json()
    rows = [("popularity", "none", 0.0, "{}"), ("ease", "none", 0.0, ease)]
    rows += [("ease", arm, 1.0, ease) for arm in ("gan_completion", "gan_new_users", "popularity")]
    table = pd.DataFrame(rows, columns=["recommender", "arm", "level", "config"])
    values = table["recommender"].map({"popularity": 0.1, "ease": 0.2})
    slices = ("warm", "cold_2")
    return pd.concat([table.assign(slice=name, value=values, n_users=20) for name in slices])


@pytest.fixture
def inputs(shop: dict[str, Any], make: Any) -> dict[str, Any]:
    cases = {name: shop["validation_cases"][name] for name in ("warm", "cold_2")}
    others = ("gan", "popularity", "denoiser")
    return {
        **{name: shop[name] for name in ("train_histories", "demographics_matrix", "item_matrix")},
        "feat_items": shop["feat_items"],
        "synthetic_users": {name: make(40, number) for number, name in enumerate(others, 5)},
        "validation_cases": cases,
        "test_cases": cases,
        "chosen_configs": tuned(),
        "params:reporting": ReportingParams(),
        "params:evaluation": EvaluationParams(
            k=3, cutoffs=(3,), grids={"ease": {"l2": [1.0]}}, n_bootstrap=2000, min_test_users=5
        ),
        "params:fusion": FusionParams(depth=10, min_users=10, folds=2, balances=(1.0, 0.3)),
    }


def run(
    inputs: dict[str, Any], generator: Any, folder: Path, names: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What the pipeline, or some nodes of it, makes of the inputs."""
    pipeline = create_pipeline()
    if names:
        pipeline = pipeline.only_nodes(*names)
    given = {**inputs, "gan.generator": generator, "denoiser.generator": generator}
    data: dict[str, Any] = {
        name: MemoryDataset(value, copy_mode="assign")
        for name, value in given.items()
        if name in pipeline.inputs()
    }
    kept: dict[str, Any] = {name: KeptDataset() for name in pipeline.all_outputs()}
    # kept, though later nodes read them
    kept["fusion.section"] = SectionDataset(filepath=str(folder / "fusion.json"))
    # a table without columns does not come back from its file
    kept["fusion.tried"] = CSVDataset(
        filepath=str(folder / "tried.csv"), save_args={"index": False}
    )
    catalog = DataCatalog(data | kept)
    SequentialRunner().run(pipeline, catalog)
    return {name: catalog.load(name) for name in pipeline.all_outputs()}


def test_from_what_is_saved_to_the_section(
    inputs: dict[str, Any], generator: Any, tmp_path: Path
) -> None:
    made = run(inputs, generator, tmp_path)
    scores = made["fusion.scores"]
    assert set(scores["arm"]) == ARMS
    assert scores.groupby(["slice", "arm"]).size().to_dict() == {
        (name, arm): inputs["test_cases"][name].n_users
        for name in ("warm", "cold_2")
        for arm in ARMS
    }
    assert set(made["fusion.verdict"]["slice"]) == {"warm", "cold_2"}
    by_arm = scores.pivot_table(index=["slice", "user_id"], columns="arm", values="value")
    # In hindsight nobody is served worse than by the best single recommender.
    assert (by_arm["best_per_customer"] >= by_arm["best_single"]).all()
    assert made["fusion.trade_off"]["balance"].tolist() == [1.0, 0.3] * 2
    section = made["fusion.section"]
    assert set(section.evidence) == {"fused", "generated"}
    assert "of 2 groups of customers" in section.answer


def test_what_test_users_bought_changes_no_weight(
    inputs: dict[str, Any], generator: Any, tmp_path: Path
) -> None:
    names = ("tune_networks", "choose_weights", "score_fusion")
    before = run(inputs, generator, tmp_path, names)
    cases = inputs["test_cases"]
    turned = {name: Case(name, case.seen, turn(case.relevant)) for name, case in cases.items()}
    after = run(inputs | {"test_cases": turned}, generator, tmp_path, names)
    pd.testing.assert_frame_equal(before["fusion.weights"], after["fusion.weights"])
    assert not before["fusion.scores"]["value"].equals(after["fusion.scores"]["value"])


def turn(bought: Histories) -> Histories:
    """The same users with what somebody else bought."""
    lists = [bought.of(user) for user in range(bought.n_users)]
    return Histories.from_lists(lists[1:] + lists[:1], bought.user_ids, bought.item_ids)


def test_what_validation_users_bought_does_change_weights(
    inputs: dict[str, Any], generator: Any, tmp_path: Path
) -> None:
    names = ("tune_networks", "choose_weights")
    before = run(inputs, generator, tmp_path, names)
    cases = inputs["validation_cases"]
    turned = {name: Case(name, case.seen, turn(case.relevant)) for name, case in cases.items()}
    after = run(inputs | {"validation_cases": turned}, generator, tmp_path, names)
    assert not before["fusion.weights"].equals(after["fusion.weights"])


def test_where_too_few_could_choose_the_best_recommender_stands(
    inputs: dict[str, Any], generator: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    params = FusionParams(depth=10, min_users=30, folds=2, balances=(1.0,))
    made = run(inputs | {"params:fusion": params}, generator, tmp_path)
    assert "cold_2: 20 validation customers are too few to choose weights" in caplog.text
    few = made["fusion.weights"].query("slice == 'cold_2'")
    assert set(few["source"]) == {"ease"}
    assert (few.query("arm != 'best_single'")["level"] == 0).all()
    told = made["fusion.differences"].query("slice == 'cold_2' and arm == 'gan_fusion'")
    assert set(told["outcome"]) == {"not used"}
    assert set(made["fusion.tried"]["slice"]) == {"warm"}


def test_a_shop_too_small_to_choose_anywhere_is_told_that_the_best_recommender_stands(
    inputs: dict[str, Any], generator: Any, tmp_path: Path
) -> None:
    params = FusionParams(depth=10, min_users=1000, folds=2, balances=(1.0,))
    made = run(inputs | {"params:fusion": params}, generator, tmp_path)
    assert set(made["fusion.weights"]["source"]) == {"ease"}
    assert made["fusion.tried"].empty
    assert "chosen" in made["fusion.tried"]
    section = made["fusion.section"]
    assert section.failure == ""
    assert section.answer.endswith("the best recommender stands, alone.")
    assert "How validation chose" not in section.model_dump_json()


def test_one_source_alone_is_what_it_is(
    inputs: dict[str, Any], generator: Any, tmp_path: Path
) -> None:
    table = tuned().query("recommender == 'ease' and arm == 'none'")
    made = run(inputs | {"chosen_configs": table}, generator, tmp_path)
    by_arm = made["fusion.scores"].pivot_table(
        index=["slice", "user_id"], columns="arm", values="value"
    )
    for arm in ARMS - {"random_fusion"}:
        pd.testing.assert_series_equal(by_arm[arm], by_arm["best_single"], check_names=False)


def test_a_network_is_tuned_beside_what_evaluation_tuned(
    inputs: dict[str, Any], generator: Any, tmp_path: Path
) -> None:
    params = FusionParams(networks={"puresvd": {"rank": [2, 3]}}, slices=("cold_2",))
    made = run(inputs | {"params:fusion": params}, generator, tmp_path, ("tune_networks",))
    chosen = made["fusion.chosen_configs"]
    assert set(chosen["slice"]) == {"cold_2"}
    assert set(chosen["recommender"]) == {"popularity", "ease", "puresvd"}
    arms = set(chosen.query("recommender == 'puresvd'")["arm"])
    assert arms == {"none", "popularity_completion", "denoiser_completion", "gan_completion"}


def test_an_excluded_item_is_in_no_list(
    inputs: dict[str, Any], generator: Any, tmp_path: Path
) -> None:
    out = tuple(inputs["feat_items"].index[1:])
    params = FusionParams(depth=10, min_users=10, folds=2, balances=(1.0,), rules={"exclude": out})
    made = run(inputs | {"params:fusion": params}, generator, tmp_path)
    # Only item 0 is left to list: who did not buy it next gets nothing.
    cases = inputs["test_cases"]
    for name, rows in made["fusion.scores"].groupby("slice"):
        bought = cases[name].relevant.matrix[:, 0].toarray().ravel() > 0
        lucky = set(cases[name].user_ids[bought])
        assert set(rows.loc[rows["value"] > 0, "user_id"]) <= lucky
