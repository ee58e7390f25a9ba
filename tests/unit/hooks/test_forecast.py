"""What is said before a run: from earlier runs, or from the first runs of the configuration."""

from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader

from doppelcart.hooks.forecast import Durations, FirstRun, forecast, peak_memory
from doppelcart.pipeline_registry import CORE, register_pipelines
from doppelcart.settings import CONFIG_LOADER_ARGS

FIRST = FirstRun(
    source="shop", lines=1000, seconds={"gan": 100, "split": 20}, memory_gb=2, disk_gb=0.5
)
NODES = {"gan": ["train", "plot"], "split": ["cut"], "tuning": ["search"]}


def said(wanted: list[str], known: Durations | None = None, source="shop", cores=2) -> str:
    return forecast(NODES, wanted, known or Durations(), FIRST, source, cores)


def test_a_first_run_is_told_from_the_configuration() -> None:
    assert said(["train", "plot", "cut"]) == (
        "3 nodes, about 2 m 0 s (on 2 idle cores); up to 2.0 GB of memory and 0.5 GB on disk."
    )


def test_a_part_is_told_by_its_share_of_the_nodes() -> None:
    assert said(["train"]).startswith("1 node, about 50 s (on 2 idle cores)")


@pytest.mark.parametrize(("cores", "time"), [(1, "3 m 0 s"), (4, "1 m 30 s")])
def test_half_of_a_run_is_shared_out_among_the_cores(cores: int, time: str) -> None:
    assert f"about {time} " in said(["train", "plot", "cut"], cores=cores)


def test_another_shop_is_told_for_what_size_it_holds() -> None:
    assert "(for a shop with 1,000 lines; a larger one takes longer)" in said(["cut"], source="x")


def test_earlier_runs_are_believed_before_the_configuration() -> None:
    known = Durations(seconds={"train": 7, "cut": 3}, memory_gb=1.2, disk_gb=0.1)
    assert said(["train", "cut"], known) == (
        "2 nodes, about 10 s (as before); up to 1.2 GB of memory and 0.1 GB on disk."
    )
    assert "about 1 m 0 s (on 2 idle cores)" in said(["train", "plot", "cut"], known)


def test_what_nobody_timed_is_left_open() -> None:
    assert "about 20 s, and what 1 take of which nothing is known yet" in said(["cut", "search"])


def test_a_record_is_kept_and_later_runs_add_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    assert Durations.of(folder) == Durations()
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    Durations(seconds={"train": 7, "cut": 3}).after({"cut": 4, "plot": 1}, tmp_path).write(folder)
    kept = Durations.of(folder)
    assert kept.seconds == {"train": 7, "cut": 4, "plot": 1}
    assert kept.disk_gb == pytest.approx(0.003)
    assert 0.05 < kept.memory_gb < 64
    assert peak_memory() > 5e7


@pytest.mark.parametrize("environment", ["base", "sample"])
def test_the_configuration_has_timed_every_pipeline_of_the_default(
    environment: str, project_root: Path
) -> None:
    config = OmegaConfigLoader(str(project_root / "conf"), env=environment, **CONFIG_LOADER_ARGS)
    first = FirstRun.model_validate(config["globals"]["first_run"])
    assert first.source == config["parameters"]["source"]["name"]
    assert set(first.seconds) == set(CORE) <= set(register_pipelines())
