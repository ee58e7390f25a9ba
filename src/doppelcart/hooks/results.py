"""Results, sent to the MLflow run as they are saved."""

from collections.abc import Sequence
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol

from doppelcart.datasets.serving_model import RELEASE
from doppelcart.hooks import tracking
from doppelcart.hooks.common import as_table, path_in
from doppelcart.hooks.metadata import handling_of, handlings
from doppelcart.hooks.registry import mirror
from doppelcart.hooks.tracking import Point, TrackedRun
from doppelcart.reporting.section import Section


class ResultTracking:
    """Sends results to the run as they are saved, so that no node has to know MLflow.

    What is sent, and as what, says the catalog entry of each dataset (``hooks.metadata``).
    """

    def __init__(self, run: TrackedRun) -> None:
        self._run = run
        self._catalog: CatalogProtocol | None = None
        self._answers: dict[int, str] = {}

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol, conf_catalog: dict[str, Any]) -> None:
        """Learn where datasets are written, and refuse entries that ask for what there is not.

        Raises:
            ConfigurationError: There are some.
        """
        handlings(conf_catalog)
        self._catalog, self._answers = catalog, {}

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Log the dataset's numbers, its file, or neither."""
        if self._run.run_id is None:
            return
        track = handling_of(self._catalog, dataset_name).track
        if isinstance(data, Section):
            self._tell(data)
        if track.metrics is not None:
            self._log(data, track.metrics, track.columns)
        if track.findings is not None:
            self._log(tracking.findings(data), track.findings)
        if track.trials:
            self._run.log_trials(data)
        path = path_in(self._catalog, dataset_name)
        if track.file is not None and path is not None and path.is_file():
            self._run.log_file(path, track.file)
        if track.registered is not None and path is not None:
            mirror(path.with_name(RELEASE), self._run.uri, self._run.run_id, track.registered)

    def _log(self, data: Any, prefix: str, columns: Sequence[str] | None = None) -> None:
        table = as_table(data)
        if table is None:
            return
        if columns is not None:
            table = table[[name for name in table if name in columns]]
        self._run.log_metrics(tracking.metric_points(table, prefix))

    def _tell(self, section: Section) -> None:
        """Send the numbers of a section, and what it found as a part of the run's description."""
        self._run.log_metrics(
            Point(tracking.clean_key(f"{section.capability}/{name}"), value, 0)
            for name, value in section.metrics.items()
        )
        if section.evidence:
            self._answers[section.rank] = f"**{section.question}** {section.answer}"
            told = [self._answers[rank] for rank in sorted(self._answers)]
            self._run.set_tags({"mlflow.note.content": "\n\n".join(told)})
