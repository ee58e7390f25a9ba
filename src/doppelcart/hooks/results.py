"""Results, sent to the MLflow run as they are saved."""

from collections.abc import Mapping
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol

from doppelcart.hooks import tracking
from doppelcart.hooks.common import as_table, path_in
from doppelcart.hooks.tracking import TrackedRun


class ResultTracking:
    """Sends results to the run as they are saved, so that no node has to know MLflow.

    Metrics are the tables of ``TABLES`` and every dataset whose name ends in ``CURVES`` or
    ``MONITORS``; one that ends in ``TRIALS`` becomes nested runs; files are those under
    ``FOLDERS`` of the data folder.
    """

    TABLES: Mapping[str, str] = {
        "metrics": "",
        "fidelity_report": "fidelity",
        "privacy_report": "privacy",
        "ranking_agreement": "ranking_agreement",
        "tuning.importances": "tuning/importance",
    }
    CURVES = "history"
    MONITORS = "monitors"
    TRIALS = "trials"
    FOLDERS = ("06_models", "08_reporting")

    def __init__(self, run: TrackedRun) -> None:
        self._run = run
        self._catalog: CatalogProtocol | None = None

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol) -> None:
        """Learn where datasets are written."""
        self._catalog = catalog

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Log the dataset's numbers, its file, or neither."""
        if self._run.run_id is None:
            return
        kind = dataset_name.rpartition(".")[2]
        if dataset_name in self.TABLES:
            self._log(data, self.TABLES[dataset_name])
        elif kind == self.CURVES:
            self._log(data, dataset_name.replace(".", "/"))
        elif kind == self.MONITORS:
            self._log(tracking.findings(data), dataset_name.replace(".", "/"))
        elif kind == self.TRIALS:
            self._run.log_trials(data)
        path = path_in(self._catalog, dataset_name)
        if path is not None and path.is_file() and path.parent.name in self.FOLDERS:
            self._run.log_file(path, path.parent.name.partition("_")[2])

    def _log(self, data: Any, prefix: str) -> None:
        table = as_table(data)
        if table is not None:
            self._run.log_metrics(tracking.metric_points(table, prefix))
