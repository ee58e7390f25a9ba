"""What defines a run, written into its MLflow run."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from doppelcart.hooks import tracking
from doppelcart.hooks.common import load_if_there, parameters_of
from doppelcart.hooks.metadata import handlings
from doppelcart.hooks.tracking import TrackedRun
from doppelcart.reporting.provenance import git_state


class RunDescription:
    """Writes what defines a run: its parameters, its code, its source."""

    def __init__(self, run: TrackedRun) -> None:
        self._run = run
        self._project = Path()
        self._sources: list[str] = []
        self._seeds: list[str] = []

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Learn where the code is."""
        self._project = context.project_path

    @hook_impl
    def after_catalog_created(self, conf_catalog: dict[str, Any]) -> None:
        """Learn which datasets name the source."""
        found = handlings(conf_catalog)
        self._sources = [name for name, handling in found.items() if handling.track.source]

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Log the parameters that the run's nodes ask for, flat, and the commit."""
        if self._run.run_id is None:
            return
        parameters: dict[str, Any] = {}
        for name, value in parameters_of(pipeline, catalog).items():
            parameters |= tracking.flatten(value, name)
        self._run.log_parameters(parameters)
        # A secret seed is no number here, and is not named.
        seeds = {v for name, v in parameters.items() if name.endswith(".seed")}
        self._seeds = [str(seed) for seed in sorted(s for s in seeds if isinstance(s, int))]
        self._run.set_tags(git_state(self._project))

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self, catalog: CatalogProtocol) -> None:
        """Tag the run with the source it used, which ingestion may just have read."""
        if self._run.run_id is None:
            return
        for summary in (load_if_there(catalog, name) for name in self._sources):
            if isinstance(summary, Mapping):
                name = summary.get("source") or summary.get("name")
                digest = tracking.source_digest(summary)
                self._run.set_tags({"source": name, "source_digest": digest})
                self._run.set_tags({"mlflow.runName": self._name(str(name))})
                if digest:
                    self._run.log_source(str(name), digest)

    def _name(self, source: str) -> str:
        """What a run is called: its source, the day, the seeds."""
        seeds = f", seed {' '.join(self._seeds)}" if self._seeds else ""
        return f"{source} {datetime.now().astimezone().date().isoformat()}{seeds}"
