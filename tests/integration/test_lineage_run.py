"""What belongs to other data is refused before the first node, and what to run again is said."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from doppelcart.errors import LineageError
from doppelcart.pipelines import gan

pytestmark = pytest.mark.slow

Run = Callable[..., None]


@pytest.fixture
def run(copy_of_run: Path, in_project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pipelines over the copy of a finished run, in this process."""
    monkeypatch.setenv("DOPPELCART_TEST", str(copy_of_run))
    monkeypatch.setenv("DOPPELCART_TRACKING", "off")
    monkeypatch.setenv("DOPPELCART_PRIVATE_TRAINING_SEED", "314159265358979")
    bootstrap_project(in_project)

    def session(*names: str, nodes: list[str] | None = None, **params: Any) -> None:
        with KedroSession.create(in_project, env="test", runtime_params=params) as made:
            made.run(pipeline_names=list(names) or None, node_names=nodes)

    return session


def advised(refusal: pytest.ExceptionInfo[LineageError]) -> list[str]:
    """Pipelines that a refusal says to run."""
    (command,) = re.findall(r"`kedro run --pipelines (\S+?)`", str(refusal.value))
    return command.split(",")


@pytest.fixture
def another_split(run: Run) -> Run:
    """Training users drawn anew, and their profiles; all else is of the former split."""
    run("split", "profiles", split={"seed": 77})
    return run


@pytest.mark.parametrize(
    ("pipeline", "stale", "again"),
    [
        ("augmentation", ["gan.generator", "vae.generator"], ["gan"]),
        ("evaluation", ["synthetic_users", "gan.generator"], ["augmentation", "gan"]),
        ("privacy", ["synthetic_users", "gan.generator"], ["augmentation", "gan"]),
        ("targeting", ["synthetic_users", "gan.generator"], ["augmentation", "gan"]),
        (
            "reporting",
            ["evaluation.section", "augmentation.section", "gan.section", "serving.section"],
            ["augmentation", "evaluation", "gan", "serving"],
        ),
    ],
)
def test_nothing_that_was_made_of_another_split_is_read(
    another_split: Run, pipeline: str, stale: list[str], again: list[str]
) -> None:
    with pytest.raises(LineageError, match="Nothing has run") as refusal:
        another_split(pipeline, evaluation={"arms": ["copies"]})
    for name in stale:
        assert f"- {name} was made from another train_interactions than the present" in str(
            refusal.value
        )
    assert advised(refusal) == again


def test_what_is_advised_is_enough(another_split: Run) -> None:
    audit = ["privacy.find_non_members", "privacy.audit_users"]
    with pytest.raises(LineageError) as refusal:
        another_split("privacy", nodes=audit)
    another_split(*advised(refusal))
    another_split("privacy", nodes=audit)


def test_the_former_split_made_again_makes_all_of_it_valid_again(
    another_split: Run, copy_of_run: Path
) -> None:
    another_split("split", "profiles")
    report = copy_of_run / "data/08_reporting/report.html"
    report.unlink()
    another_split("reporting")
    assert report.exists()


def test_what_a_run_will_make_anew_is_known_before_it_begins(run: Run, copy_of_run: Path) -> None:
    cases = copy_of_run / "data/03_primary/test_cases.npz"
    before = cases.read_bytes()
    with pytest.raises(LineageError, match="synthetic_users was made from another train_inter"):
        run("split", "profiles", "evaluation", split={"seed": 77})
    assert cases.read_bytes() == before


def test_another_file_of_the_source_makes_all_stale_that_came_of_the_former(
    run: Run, copy_of_run: Path
) -> None:
    sales = copy_of_run / "shop/interactions.parquet"
    pd.read_parquet(sales).iloc[:-1].to_parquet(sales)
    with pytest.raises(
        LineageError, match="prm_interactions was made from another int_interactions"
    ):
        run("ingestion", "split")
    run("ingestion")
    with pytest.raises(
        LineageError, match="prm_interactions was made from another int_interactions"
    ):
        run("split")


def test_what_has_no_record_is_refused(run: Run, copy_of_run: Path) -> None:
    shutil.rmtree(copy_of_run / "data/.lineage")
    with pytest.raises(
        LineageError, match=r"evaluation\.section has no record of what it was made"
    ):
        run("reporting")


def test_a_model_of_older_code_is_refused_with_all_that_came_of_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gan, "ALGORITHM_VERSION", gan.ALGORITHM_VERSION + 1)
    told = "synthetic_users was made by an older version of the algorithms of gan"
    with pytest.raises(LineageError, match=told) as refusal:
        run("evaluation")
    assert "- train_histories" not in str(refusal.value)
    assert advised(refusal) == ["augmentation", "gan"]


def test_choices_made_anew_make_the_scores_of_the_former_stale(run: Run, copy_of_run: Path) -> None:
    run(nodes=["evaluation.tune_arms"], evaluation={"arms": ["copies"]})
    with pytest.raises(LineageError, match=r"evaluation\.section was made from another chosen"):
        run("reporting")


def test_an_edited_section_is_not_taken_for_what_was_made(run: Run, copy_of_run: Path) -> None:
    path = copy_of_run / "data/08_reporting/sections/evaluation.json"
    path.write_text(path.read_text().replace("no evidence", "helps"))
    with pytest.raises(LineageError, match=r"evaluation\.section is not the file on record"):
        run("reporting")
