"""MLflow's registry follows the release file, and a step that fails leaves a champion there."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient, MlflowException
from serving_model import make_model

from doppelcart.errors import TrackingError
from doppelcart.hooks.registry import mirror
from doppelcart.serving import artefact
from doppelcart.serving.decisions import Decision, Outcome
from doppelcart.serving.release import promote, roll_back

pytestmark = pytest.mark.slow


def let_serve(path: Path, name: str, against: str | None, number: int) -> None:
    digest = artefact.write(make_model(np.eye(4, k=number, dtype=np.float32)), path.parent / name)
    outcome = Outcome.BETTER if against else Outcome.FIRST
    promote(
        path,
        Decision(
            version=name, digest=digest, path=name, against=against, outcome=outcome,
            reason=f"{name} is it.", made=datetime(2031, 1, 1, tzinfo=UTC),
        ),
    )  # fmt: skip


def test_versions_tags_and_aliases_follow_and_every_step_may_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(uri)
    experiment = client.create_experiment("shop", f"file://{tmp_path}/artifacts")
    run = client.create_run(experiment).info.run_id
    path = tmp_path / "serving/release.json"

    def follow() -> None:
        mirror(path, uri, run, "shop")

    def champion(alias: str = "champion") -> Any:
        return client.get_model_version_by_alias("shop", alias)

    let_serve(path, "one", None, 0)
    follow()
    assert champion().tags["doppelcart.version"] == "one"
    assert champion().tags["doppelcart.reason"] == "one is it."

    let_serve(path, "two", "one", 1)
    # the steps that change the registry, one after the other
    for step in ("log_artifacts", "create_model_version", "set_registered_model_alias"):
        with monkeypatch.context() as patched:
            patched.setattr(MlflowClient, step, lambda *_, **__: refuse())
            with pytest.raises(TrackingError, match=r"The decision stands.*: it is down"):
                follow()
        assert champion().tags["doppelcart.version"] == "one"
    follow()
    assert champion().tags["doppelcart.version"] == "two"
    assert champion().tags["doppelcart.against"] == "one"
    assert champion("previous").tags["doppelcart.version"] == "one"

    roll_back(path)
    follow()
    assert champion().tags["doppelcart.version"] == "one"
    assert champion("previous").tags["doppelcart.version"] == "two"
    assert len(client.search_model_versions("name = 'shop'")) == 2
    assert (Path(champion().source.removeprefix("file://")) / "MLmodel").is_file()


def refuse() -> None:
    raise MlflowException("it is down\nand more")
