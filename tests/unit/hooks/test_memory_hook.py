"""The size of the catalogue is asked once, where the catalog says that it is."""

from types import SimpleNamespace
from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from doppelcart.errors import ResourceError
from doppelcart.hooks import MemoryGuard
from doppelcart.hooks import memory as module


def keep(data: int, params: dict[str, int]) -> int:
    return data


PIPELINE = Pipeline([Node(keep, ["sizes", "params:needs"], "other")])


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> MemoryGuard:
    def check(models: dict[str, Any], data: int, limit: float) -> None:
        if models["needs"]["per_item"] * data > limit:
            raise ResourceError(f"{data} items")

    monkeypatch.setattr(module, "find_memory_checks", lambda: [check])
    catalog = DataCatalog(
        {
            "sizes": MemoryDataset(metadata={"doppelcart": {"sizes": True}}),
            "other": MemoryDataset(),
            "params:needs": MemoryDataset({"per_item": 1e9}),
        }
    )
    guard = MemoryGuard()
    guard.after_context_created(
        SimpleNamespace(config_loader={"globals": {"max_memory_gb": 3}})  # type: ignore[arg-type]
    )
    guard.before_pipeline_run(PIPELINE, catalog)
    return guard


@pytest.mark.parametrize("when", ["after_dataset_saved", "after_dataset_loaded"])
def test_a_run_that_needs_too_much_is_refused_once_the_size_is_known(
    guard: MemoryGuard, when: str
) -> None:
    getattr(guard, when)("other", 4)
    with pytest.raises(ResourceError, match="4 items"):
        getattr(guard, when)("sizes", 4)


def test_it_is_asked_once(guard: MemoryGuard) -> None:
    with pytest.raises(ResourceError):
        guard.after_dataset_saved("sizes", 4)
    assert guard.after_dataset_loaded("sizes", 4) is None
