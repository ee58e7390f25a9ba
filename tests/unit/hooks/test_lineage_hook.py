"""What the lineage hook refuses, leaves out and notes, over pipelines of one node each."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.io.core import DatasetError
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner
from kedro_datasets.json import JSONDataset

from doppelcart.datasets.optional import OptionalTable
from doppelcart.errors import LineageError
from doppelcart.hooks import LineageGuard
from doppelcart.hooks import lineage as lineage_hook


def read(log: dict[str, int], seed: int) -> dict[str, int]:
    """Some users."""
    return {"users": log["lines"] + seed}


def score(users: dict[str, int]) -> dict[str, int]:
    """Their scores."""
    return {"score": users["users"]}


def segment(users: dict[str, int]) -> pd.DataFrame:
    """What an optional pipeline finds."""
    return pd.DataFrame({"users": [users["users"]]})


def report(scores: dict[str, int], extra: pd.DataFrame) -> dict[str, int]:
    """Both."""
    return {**scores, "segments": len(extra)}


PIPELINES = {
    "split": Pipeline([Node(read, ["log", "params:seed"], "users", name="read")]),
    "evaluation": Pipeline([Node(score, "users", "scores", name="score")]),
    "targeting": Pipeline([Node(segment, "users", "segments", name="segment")]),
    "reporting": Pipeline([Node(report, ["scores", "segments"], "page", name="report")]),
}


class Shop:
    """A catalog in a folder, and runs over it with the hook as a session calls it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.write_log(3)

    def write_log(self, lines: int) -> None:
        JSONDataset(filepath=str(self.home / "log.json")).save({"lines": lines})

    def file(self, name: str) -> Path:
        return self.home / f"{name}.json"

    def run(self, *names: str, seed: int = 0, **options: bool) -> dict[str, int] | None:
        pipeline = sum((PIPELINES[name] for name in names), Pipeline([]))
        catalog = DataCatalog(
            {
                **{
                    name: JSONDataset(filepath=str(self.file(name)))
                    for name in ("log", "users", "scores", "page")
                },
                "segments": OptionalTable(
                    filepath=str(self.home / "segments.csv"), save_args={"index": False}
                ),
                "params:seed": MemoryDataset(seed),
            }
        )
        guard = LineageGuard()
        guard.after_context_created(
            SimpleNamespace(
                project_path=self.home, config_loader={"globals": {"data_root": "data"}}
            )
        )
        guard.after_catalog_created(catalog)
        guard.before_pipeline_run(run_params=options, pipeline=pipeline, catalog=catalog)
        SequentialRunner().run(pipeline, catalog, only_missing_outputs=bool(options))
        for name in pipeline.all_outputs():
            guard.after_dataset_saved(name)
        return catalog.load("page") if self.file("page").exists() else None


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop of which everything was made once."""
    monkeypatch.setattr(lineage_hook, "pipelines", PIPELINES)
    shop = Shop(tmp_path)
    assert shop.run(*PIPELINES) == {"score": 3, "segments": 1}
    return shop


def test_parts_run_alone_where_nothing_changed(shop):
    for name in PIPELINES:
        shop.run(name)
    assert shop.run("reporting") == {"score": 3, "segments": 1}


def test_scores_of_former_users_are_refused_and_what_to_run_is_said(shop):
    shop.run("split", seed=5)
    with pytest.raises(LineageError, match="scores was made from another users than the pres") as e:
        shop.run("reporting")
    assert "`kedro run --pipelines evaluation`" in str(e.value)


def test_what_an_optional_pipeline_left_of_former_users_is_left_out_and_said(shop, caplog):
    shop.run("split", "evaluation", seed=5)
    assert shop.run("reporting") == {"score": 8, "segments": 0}
    assert "segments was made from another users" in caplog.text
    assert "`kedro run --pipelines targeting`" in caplog.text
    shop.run("targeting")
    assert shop.run("reporting") == {"score": 8, "segments": 1}


def test_an_optional_table_without_a_record_is_left_out_too(shop):
    (shop.home / "data/.lineage/segments.json").unlink()
    assert shop.run("reporting") == {"score": 3, "segments": 0}


def test_what_was_made_while_an_optional_table_was_absent_is_noticed_once_it_is_there(
    shop, monkeypatch
):
    shown = Node(lambda page: None, "page", None, name="show")
    monkeypatch.setitem(PIPELINES, "showing", Pipeline([shown]))
    (shop.home / "data/.lineage/segments.json").unlink()
    (shop.home / "segments.csv").unlink()
    assert shop.run("reporting") == {"score": 3, "segments": 0}
    shop.run("reporting", only_missing_outputs=True)
    shop.run("targeting")
    with pytest.raises(LineageError, match="page was made while there was no segments"):
        shop.run("showing")


def test_two_artefacts_of_different_parents_are_refused(shop, tmp_path_factory):
    other = Shop(tmp_path_factory.mktemp("other"))
    other.write_log(9)
    other.run("split", "evaluation")
    other.file("scores").rename(shop.file("scores"))
    with pytest.raises(LineageError, match="scores is not the file on record"):
        shop.run("reporting")
    record = "data/.lineage/scores.json"
    (other.home / record).rename(shop.home / record)
    with pytest.raises(LineageError, match="scores was made from another users than"):
        shop.run("reporting")


def test_another_source_is_noticed_where_it_is_read(shop):
    shop.write_log(4)
    shop.run("evaluation")
    with pytest.raises(LineageError, match="scores was made from another users than the pres"):
        shop.run("split", "reporting")


def test_a_seed_given_for_a_part_that_draws_nothing_changes_nothing(shop):
    shop.run("evaluation", seed=5)
    assert shop.run("reporting") == {"score": 3, "segments": 1}


def test_keeping_what_is_there_is_refused_where_it_would_be_made_otherwise(shop):
    shop.file("page").unlink()
    shop.run(*PIPELINES, only_missing_outputs=True)
    assert shop.file("page").exists()
    shop.file("page").unlink()
    with pytest.raises(LineageError, match="users is kept, and was made from other data or param"):
        shop.run(*PIPELINES, seed=5, only_missing_outputs=True)


def test_keeping_what_is_there_is_refused_where_it_is_not_the_file_on_record(shop):
    shop.file("users").write_text('{"users": 9}')
    shop.file("page").unlink()
    with pytest.raises(LineageError, match="users is not the file on record") as refused:
        shop.run(*PIPELINES, only_missing_outputs=True)
    assert "`kedro run --pipelines split`" in str(refused.value)


def test_what_is_made_anew_need_not_be_the_file_on_record(shop, monkeypatch):
    both = Node(lambda users: (users, users), "users", ["scores", "page"], name="both")
    monkeypatch.setitem(PIPELINES, "both", Pipeline([both]))
    shop.file("scores").write_text("{}")
    shop.file("page").unlink()
    assert shop.run("both", only_missing_outputs=True) == {"users": 3}


def test_what_is_absent_is_not_this_hooks_affair(shop):
    shop.file("scores").unlink()
    with pytest.raises(DatasetError, match=r"scores\.json"):
        shop.run("reporting")


def test_a_refused_run_leaves_files_and_records_as_they_were(shop):
    shop.run("split", seed=5)
    files = {p: p.read_bytes() for p in shop.home.rglob("*") if p.is_file()}
    with pytest.raises(LineageError):
        shop.run("reporting")
    assert {p: p.read_bytes() for p in shop.home.rglob("*") if p.is_file()} == files
