"""A small model, and its release."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from serving_model import make_model

from doppelcart.serving import artefact
from doppelcart.serving.model import Model
from doppelcart.serving.release import Release, write_release


@pytest.fixture
def model() -> Model:
    return make_model()


Publish = Callable[..., Path]


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """Write a model as an artefact, and release it; returns the release file."""

    def release(model: Model, version: str = "1") -> Path:
        digest = artefact.write(model, tmp_path / version)
        path = tmp_path / "release.json"
        since = datetime(2031, 1, 1, tzinfo=UTC)
        write_release(path, Release(version=version, path=version, digest=digest, since=since))
        return path

    return release
