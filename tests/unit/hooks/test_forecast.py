"""What is said before a run: from earlier runs, or from the first runs of the configuration."""

from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader

from doppelcart.hooks.forecast import Durations, FirstRun, forecast, peak_memory, size_of
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
    known = Durations(
        seconds={"train": 7, "cut": 3}, memory_gb={"train": 1.2, "cut": 0.3}, disk_gb=0.1
    )
    assert said(["train", "cut"], known) == (
        "2 nodes, about 10 s (as before); up to 1.2 GB of memory and 0.1 GB on disk."
    )
    assert "about 1 m 0 s (on 2 idle cores)" in said(["train", "plot", "cut"], known)


def test_memory_is_that_of_the_nodes_that_are_going_to_run() -> None:
    seconds = {"train": 7, "cut": 3}
    known = Durations(seconds=seconds, memory_gb={"train": 4.1, "cut": 0.3}, disk_gb=0.6)
    # a part that ran last says nothing of the whole, nor the whole of the part
    assert said(["train", "cut"], known).endswith("up to 4.1 GB of memory and 0.6 GB on disk.")
    assert said(["cut"], known).endswith("up to 0.3 GB of memory and 0.6 GB on disk.")


def test_what_never_ran_here_is_told_by_the_first_run_whatever_else_did() -> None:
    small = Durations(seconds={"cut": 3}, memory_gb={"cut": 0.3}, disk_gb=0.1)
    assert said(["train", "cut"], small).endswith("up to 2.0 GB of memory and 0.5 GB on disk.")
    large = Durations(seconds={"cut": 3}, memory_gb={"cut": 3.0}, disk_gb=0.9)
    assert said(["train", "cut"], large).endswith("up to 3.0 GB of memory and 0.9 GB on disk.")


def test_what_nobody_timed_is_left_open() -> None:
    assert "about 20 s, and what 1 take of which nothing is known yet" in said(["cut", "search"])


def test_a_record_is_kept_and_later_runs_add_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    assert Durations.of(folder) == Durations()
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    known = Durations(seconds={"train": 7, "cut": 3}, memory_gb={"train": 99, "cut": 99})
    known.after({"cut": 4, "plot": 1}, tmp_path).write(folder)
    kept = Durations.of(folder)
    assert kept.seconds == {"train": 7, "cut": 4, "plot": 1}
    assert kept.disk_gb == pytest.approx(0.003)
    assert kept.memory_gb["train"] == 99
    assert 0.05 < kept.memory_gb["cut"] == kept.memory_gb["plot"] < 64
    assert peak_memory() > 5e7


@pytest.mark.parametrize("text", ["", '{"seconds": {"tra', '{"gan": 3}', "\xff"])
def test_a_record_that_cannot_be_read_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "durations.json").write_text(text, encoding="latin-1")
    assert Durations.of(tmp_path) == Durations()


def test_the_data_of_another_environment_are_not_counted(tmp_path: Path) -> None:
    for place, n_bytes in [("", 30), ("02_intermediate", 4), ("sample", 500), ("sample/deep", 70)]:
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "file").write_bytes(b"x" * n_bytes)
    assert size_of(tmp_path) == 604
    for place in (tmp_path, tmp_path / "sample"):
        Durations().write(place / "logs")
    record = (tmp_path / "logs/durations.json").stat().st_size
    assert size_of(tmp_path) == 34 + record
    assert size_of(tmp_path / "sample") == 570 + record


@pytest.mark.parametrize("environment", ["base", "sample"])
def test_the_configuration_has_timed_every_pipeline_of_the_default(
    environment: str, project_root: Path
) -> None:
    config = OmegaConfigLoader(str(project_root / "conf"), env=environment, **CONFIG_LOADER_ARGS)
    first = FirstRun.model_validate(config["globals"]["first_run"])
    assert first.source == config["parameters"]["source"]["name"]
    assert set(first.seconds) == set(CORE) <= set(register_pipelines())
