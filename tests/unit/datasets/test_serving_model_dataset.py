"""A model that is saved stands for service; a decision alone changes what serves."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from serving_model import make_model

from doppelcart.datasets.atomic import DatasetStorageError
from doppelcart.datasets.serving_model import (
    DecisionDataset,
    ReleasedModelDataset,
    ServingModelDataset,
)
from doppelcart.serving.decisions import Decision, Outcome, read_decision
from doppelcart.serving.release import read_release, roll_back


def folders(path: Path) -> list[str]:
    return sorted(found.parent.name for found in path.parent.glob("*/manifest.json"))


def candidate(path: Path, number: int) -> str:
    """Save the model of a number; returns its version."""
    dataset = ServingModelDataset(filepath=str(path.with_name("candidate.json")))
    dataset.save(make_model(np.eye(4, k=number, dtype=np.float32)))
    return read_release(path.with_name("candidate.json")).version


def promoted(path: Path) -> Decision:
    """Let the candidate serve."""
    stands = read_release(path.with_name("candidate.json"))
    decision = Decision(
        version=stands.version,
        digest=stands.digest,
        path=stands.path,
        against=read_release(path).version,
        outcome=Outcome.BETTER,
        reason="better.",
        made=datetime(2031, 1, 1, tzinfo=UTC),
    )
    DecisionDataset(filepath=str(path.with_name("decision.json"))).save(decision)
    return decision


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the release is named."""
    return tmp_path / "serving/release.json"


def test_the_first_that_is_saved_serves_and_the_next_stands_for_service(path: Path) -> None:
    dataset = ServingModelDataset(filepath=str(path.with_name("candidate.json")))
    assert not dataset.exists()
    first, second = candidate(path, 0), candidate(path, 1)
    assert read_release(path).version == first
    assert read_decision(path, first).outcome is Outcome.FIRST
    assert dataset.load().version.version == second
    assert dataset.load().model.catalogue.ids == ["bread", "butter", "jam", "salt"]
    served = ReleasedModelDataset(filepath=str(path)).load()
    assert served.version.version == first
    files = [found for found in (path.parent / first).iterdir() if found.name != "manifest.json"]
    assert served.size == sum(found.stat().st_size for found in files)


def test_what_serves_served_before_or_stands_for_service_is_kept(path: Path) -> None:
    versions = [candidate(path, 0), candidate(path, 1)]
    promoted(path)
    versions.append(candidate(path, 2))
    assert folders(path) == sorted(versions)
    # one that was never asked for makes room for the next
    versions[2] = candidate(path, -1)
    assert folders(path) == sorted(versions)
    # made alike, it is the same artefact
    assert candidate(path, 0) == versions[0]
    assert folders(path) == sorted(versions[:2])
    assert roll_back(path).version == versions[0]


def test_a_decision_is_carried_out_as_it_is_saved_and_only_once(path: Path) -> None:
    dataset = DecisionDataset(filepath=str(path.with_name("decision.json")))
    with pytest.raises(DatasetStorageError, match="kedro run --pipelines champion"):
        dataset.load()
    candidate(path, 0)
    candidate(path, 1)
    decision = promoted(path)
    assert dataset.load() == decision
    assert read_release(path).version == decision.version
    with pytest.raises(DatasetStorageError, match="Nothing was changed"):
        dataset.save(decision)


def test_what_serves_is_not_saved_by_a_node(path: Path) -> None:
    with pytest.raises(DatasetStorageError, match="by a decision alone"):
        ReleasedModelDataset(filepath=str(path)).save(1)  # type: ignore[arg-type]


def test_a_damaged_model_is_not_loaded(path: Path) -> None:
    dataset = ServingModelDataset(filepath=str(path.with_name("candidate.json")))
    with pytest.raises(DatasetStorageError, match="does not exist"):
        dataset.load()
    version = candidate(path, 0)
    (path.parent / version / "items.json").write_text("{}")
    with pytest.raises(DatasetStorageError, match=r"items\.json has 2 bytes"):
        dataset.load()
    with pytest.raises(DatasetStorageError, match="doppelcart rollback"):
        ReleasedModelDataset(filepath=str(path)).load()


@pytest.mark.parametrize("text", ["{", '{"of": "a later form"}'])
def test_a_release_file_that_nobody_can_read_is_replaced_and_no_model_lost(
    path: Path, text: str
) -> None:
    versions = [candidate(path, 0), candidate(path, 1)]
    promoted(path)
    path.write_text(text)
    versions.append(candidate(path, 2))
    assert (read_release(path).version, read_release(path).previous) == (versions[2], None)
    assert "what served before it is not known" in read_decision(path, versions[2]).reason
    # The next export knows what serves, and not what those were that served before.
    versions.append(candidate(path, -1))
    assert folders(path) == sorted(versions)
    aside = path.with_name("release.unreadable.json")
    assert aside.read_text() == text
    aside.unlink()
    assert candidate(path, -1) == versions[3]
    assert folders(path) == sorted(versions[2:])
    assert read_decision(path, versions[0]).reason == "nothing served before it."
