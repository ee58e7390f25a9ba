"""Results, sent to the MLflow run as they are saved."""

from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol

from doppelcart.hooks import tracking
from doppelcart.hooks.common import as_table, path_in
from doppelcart.hooks.metadata import handling_of, handlings
from doppelcart.hooks.tracking import TrackedRun


class ResultTracking:
    """Sends results to the run as they are saved, so that no node has to know MLflow.

    What is sent, and as what, says the catalog entry of each dataset (``hooks.metadata``).
    """

    def __init__(self, run: TrackedRun) -> None:
        self._run = run
        self._catalog: CatalogProtocol | None = None

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol, conf_catalog: dict[str, Any]) -> None:
        """Learn where datasets are written, and refuse entries that ask for what there is not.

        Raises:
            ConfigurationError: There are some.
        """
        handlings(conf_catalog)
        self._catalog = catalog

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Log the dataset's numbers, its file, or neither."""
        if self._run.run_id is None:
            return
        track = handling_of(self._catalog, dataset_name).track
        if track.metrics is not None:
            self._log(data, track.metrics)
        if track.findings is not None:
            self._log(tracking.findings(data), track.findings)
        if track.trials:
            self._run.log_trials(data)
        path = path_in(self._catalog, dataset_name)
        if track.file is not None and path is not None and path.is_file():
            self._run.log_file(path, track.file)

    def _log(self, data: Any, prefix: str) -> None:
        table = as_table(data)
        if table is not None:
            self._run.log_metrics(tracking.metric_points(table, prefix))
