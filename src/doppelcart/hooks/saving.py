"""Room to write, inputs that are there, and datasets that may be half-written."""

from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.validation import DataValidationError

from doppelcart.config.checks import (
    MARKERS,
    bare,
    check_sources,
    check_storage,
    check_there,
    check_whole,
)
from doppelcart.config.globals import checked
from doppelcart.datasets.atomic import writes_whole


class SaveGuard:
    """Refuses a run whose inputs are not there, or may be half-written.

    Nearly every dataset is replaced whole or not at all (``datasets.atomic``). While another one,
    such as a folder of files, is being written, a marker file lies in ``<data_root>/.incomplete``,
    and a run that would read a dataset whose marker was left behind is refused.
    """

    def __init__(self) -> None:
        self._data_root = Path()
        self._min_free_gb = 0.0
        self._catalog: CatalogProtocol | None = None
        self._writing: set[str] = set()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Learn where the data folder is."""
        settings = checked(context.config_loader["globals"])
        self._data_root = context.project_path / settings.data_root
        self._min_free_gb = settings.min_free_gb

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol) -> None:
        """Learn which datasets are written to disk."""
        self._catalog = catalog

    @hook_impl(tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Refuse a run that cannot write, or whose input is absent or was left half-written."""
        check_storage(self._data_root, self._min_free_gb)
        some_only = bool(run_params.get("only_missing_outputs"))
        looked_at = pipeline.datasets() if some_only else pipeline.inputs()
        check_whole(looked_at, self._data_root / MARKERS, pipelines)
        if not some_only:
            check_there(looked_at, catalog, pipelines, run_params.get("env"))
            check_sources(looked_at, catalog, pipelines)

    @hook_impl
    def before_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Leave the marker."""
        if self._may_be_halved(dataset_name):
            marker = self._marker(dataset_name)
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.write_text(f"{node.name}\n", encoding="utf-8")
            self._writing.add(dataset_name)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Take the marker away."""
        self._marker(dataset_name).unlink(missing_ok=True)
        self._writing.discard(dataset_name)

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Take the marker away where data were refused before a byte was written."""
        for name in list(self._writing):
            if isinstance(error, DataValidationError):
                self._marker(name).unlink(missing_ok=True)
            self._writing.discard(name)

    def _may_be_halved(self, name: str) -> bool:
        dataset = self._catalog.get(name) if self._catalog is not None else None
        in_memory = dataset is None or isinstance(dataset, MemoryDataset)
        return not in_memory and not writes_whole(dataset)

    def _marker(self, name: str) -> Path:
        return self._data_root / MARKERS / bare(name)
