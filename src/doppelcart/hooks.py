"""What surrounds a run: checks before it, guards and tracking during it, the verdict after it.

Each class has one job. Kedro calls hooks in the reverse order of ``HOOKS`` in ``settings.py``.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.validation import DataValidationError
from rich.console import Console

from doppelcart import tracking, verdict_table
from doppelcart.checks import (
    MARKERS,
    PREFIX,
    bare,
    check_parameters,
    check_secrets,
    check_storage,
    check_there,
    check_whole,
    seal_secrets,
)
from doppelcart.datasets.atomic import writes_whole
from doppelcart.tracking import TrackedRun

SOURCE_SUMMARY = "source_summary"
VERDICT = "verdict"
REPORT = "report_html"


class ParameterCheck:
    """Refuses parameters that no pipeline knows or that a model does not allow; seals secrets."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check everything at once, before anything is read or written."""
        try:
            raw = context.config_loader["parameters"]
        except MissingConfigException:
            return
        check_parameters(raw, dict(pipelines))
        # From here on, the catalog, its reports and whoever asks for parameters see no secret.
        context.config_loader["parameters"] = seal_secrets(raw, dict(pipelines))

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Ask for the secrets that the run's nodes need."""
        check_secrets(_parameters_of(pipeline, catalog))


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
        settings = context.config_loader["globals"]
        self._data_root = context.project_path / settings["data_root"]
        self._min_free_gb = float(settings.get("min_free_gb", 0))

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


class MlflowTracking:
    """Opens and closes the MLflow run by way of kedro-mlflow.

    kedro-mlflow itself logs every typed parameter as one opaque string, and retries an unreachable
    server for minutes; this class keeps the former from happening and asks for the latter first.
    """

    def __init__(self, run: TrackedRun) -> None:
        self._run = run
        self._hook: Any = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Look for the server, then let kedro-mlflow set itself up."""
        self._run.run_id, self._hook = None, None
        if tracking.is_off():
            return
        tracking.check_reachable(context.config_loader["mlflow"]["server"]["mlflow_tracking_uri"])
        from kedro_mlflow.framework.hooks.mlflow_hook import MlflowHook

        self._hook = MlflowHook()
        self._hook.after_context_created(context)
        self._run.uri = self._hook.mlflow_config.server.mlflow_tracking_uri

    @hook_impl
    def after_catalog_created(
        self,
        catalog: CatalogProtocol,
        conf_catalog: dict[str, Any],
        conf_creds: dict[str, Any],
        parameters: dict[str, Any],
        save_version: str,
        load_versions: dict[str, str],
    ) -> None:
        """Let kedro-mlflow name its own kinds of datasets."""
        if self._hook is not None:
            self._hook.after_catalog_created(
                catalog, conf_catalog, conf_creds, parameters, save_version, load_versions
            )

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Open the run."""
        if self._hook is not None:
            # It tags the run with all of these, and what `--params` gave is one of them.
            given = seal_secrets(run_params.get("runtime_params") or {}, dict(pipelines))
            shown = run_params | {"runtime_params": given}
            self._hook.before_pipeline_run(shown, pipeline, catalog)
            self._run.run_id = self._hook.run_id

    @hook_impl
    def before_node_run(self, node: Node, catalog: CatalogProtocol, is_async: bool) -> None:
        """Keep the run open in the thread of the node; its parameters are logged elsewhere."""
        if self._hook is not None:
            self._hook.before_node_run(node, catalog, {}, is_async)

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Close the run."""
        if self._hook is not None:
            self._hook.after_pipeline_run(run_params, pipeline, catalog)

    @hook_impl(trylast=True)
    def on_pipeline_error(
        self,
        error: Exception,
        run_params: dict[str, Any],
        pipeline: Pipeline,
        catalog: CatalogProtocol,
    ) -> None:
        """Close the run as failed."""
        if self._hook is not None:
            self._hook.on_pipeline_error(error, run_params, pipeline, catalog)


class RunDescription:
    """Writes what defines a run: its parameters, its code, its source."""

    def __init__(self, run: TrackedRun) -> None:
        self._run = run
        self._project = Path()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Learn where the code is."""
        self._project = context.project_path

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Log the parameters that the run's nodes ask for, flat, and the commit."""
        if self._run.run_id is None:
            return
        parameters: dict[str, Any] = {}
        for name, value in _parameters_of(pipeline, catalog).items():
            parameters |= tracking.flatten(value, name)
        self._run.log_parameters(parameters)
        self._run.set_tags(tracking.git_state(self._project))

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self, catalog: CatalogProtocol) -> None:
        """Tag the run with the source it used, which ingestion may just have read."""
        if self._run.run_id is None:
            return
        summary = _load_if_there(catalog, SOURCE_SUMMARY)
        if isinstance(summary, Mapping):
            name = summary.get("source") or summary.get("name")
            digest = tracking.source_digest(summary)
            self._run.set_tags({"source": name, "source_digest": digest})


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
        path = _path_of(self._catalog, dataset_name)
        if path is not None and path.is_file() and path.parent.name in self.FOLDERS:
            self._run.log_file(path, path.parent.name.partition("_")[2])

    def _log(self, data: Any, prefix: str) -> None:
        table = _as_table(data)
        if table is not None:
            self._run.log_metrics(tracking.metric_points(table, prefix))


class VerdictPrinter:
    """Ends a run that judged the generators with what it found and where it lies."""

    def __init__(self, run: TrackedRun, console: Console | None = None) -> None:
        self._run = run
        self._console = console or Console()

    @hook_impl(trylast=True)
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Print the verdict table, the report, the figures and the run."""
        if VERDICT not in pipeline.datasets():
            return
        verdict = _as_table(_load_if_there(catalog, VERDICT))
        if verdict is None:
            return
        uplift = _as_table(_load_if_there(catalog, "uplift"))
        self._console.print(verdict_table.render(verdict, uplift))
        report = _path_of(catalog, REPORT)
        if report is not None and report.exists():
            self._say("Report", str(report))
            self._say("Figures", str(report.parent))
        if self._run.run_id is not None:
            self._say("MLflow run", f"{self._run.run_id}  (see it with: {self._command()})")

    def _command(self) -> str:
        remote = self._run.uri.startswith("http")
        shown = tracking.without_password(self._run.uri)
        return shown if remote else f"mlflow ui --backend-store-uri {shown}"

    def _say(self, what: str, where: str) -> None:
        self._console.print(f"{what + ':':<12}{where}", soft_wrap=True, highlight=False)


def _parameters_of(pipeline: Pipeline, catalog: CatalogProtocol) -> dict[str, Any]:
    """What the nodes of a run ask for, by dotted name."""
    names = sorted(name for name in pipeline.inputs() if name.startswith(PREFIX))
    return {name.removeprefix(PREFIX): catalog.load(name) for name in names}


def _load_if_there(catalog: CatalogProtocol, name: str) -> Any:
    """A saved dataset's data; None where the catalog does not know it or nothing is saved."""
    return catalog.load(name) if name in catalog and catalog.exists(name) else None


def _path_of(catalog: CatalogProtocol | None, name: str) -> Path | None:
    dataset = catalog.get(name) if catalog is not None and name in catalog else None
    path = getattr(dataset, "_filepath", None)
    return Path(str(path)) if path is not None else None


def _as_table(data: Any) -> pd.DataFrame | None:
    """A pandas table of whatever tabular thing a node returned; None for anything else."""
    if isinstance(data, pd.DataFrame):
        return data
    if hasattr(data, "to_pandas"):
        return data.to_pandas()
    if isinstance(data, Mapping):
        data = [data]
    if isinstance(data, Iterable) and not isinstance(data, str):
        rows = list(data)
        return pd.DataFrame(rows) if rows and isinstance(rows[0], Mapping) else None
    return None
