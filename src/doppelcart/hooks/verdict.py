"""The last words of a run: the verdict, and where everything lies."""

import sys
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from rich.console import Console
from rich.text import Text

from doppelcart.config.checks import env_option
from doppelcart.hooks import tracking
from doppelcart.hooks.common import path_in
from doppelcart.hooks.metadata import Handling, Role, handling_of, handlings, with_role
from doppelcart.hooks.tracking import TrackedRun
from doppelcart.reporting import terminal


class VerdictPrinter:
    """Ends a run that judged the generators with what it found and where it lies."""

    def __init__(self, run: TrackedRun, console: Console | None = None) -> None:
        self._run = run
        # A file has no width of its own, and 80 columns are too few for the table.
        self._console = console or Console(width=None if sys.stdout.isatty() else 120)
        self._handlings: dict[str, Handling] = {}

    @hook_impl
    def after_catalog_created(self, conf_catalog: dict[str, Any]) -> None:
        """Learn which datasets a run ends with."""
        self._handlings = handlings(conf_catalog)

    @hook_impl(trylast=True)
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Print what the sections say, the report, the figures and the run.

        A report that the run did not write does not hold what it found: how to add that is said.
        """
        told = [
            catalog.load(name)
            for name in sorted(pipeline.all_outputs())
            if handling_of(catalog, name).terminal == "section" and catalog.exists(name)
        ]
        judged = [section for section in told if section.evidence or section.story]
        reports, outputs = self._named("report"), pipeline.all_outputs()
        if not judged and not outputs.intersection(reports):
            return
        self._console.print()
        if judged:
            self._console.print(terminal.render(judged))
        for name in self._named("product"):
            if name in outputs and (path := path_in(catalog, name)):
                self._say(name.replace("_", " ").capitalize(), str(path))
        for name in reports:
            report = path_in(catalog, name)
            if report is None:
                continue
            if name in outputs:
                self._say("Report", str(report))
            else:
                command = f"kedro run{env_option(run_params['env'])} --pipelines reporting"
                self._say("Report", f"without this yet; to add it: {command}")
            self._say("Figures", str(report.parent))
        if self._run.run_id is not None:
            self._say("MLflow run", f"{self._run.run_id}  (see it with: {self._command()})")

    def _named(self, role: Role) -> list[str]:
        return with_role(self._handlings, role)

    def _command(self) -> str:
        remote = self._run.uri.startswith("http")
        shown = tracking.without_password(self._run.uri)
        return shown if remote else f"mlflow ui --backend-store-uri {shown}"

    def _say(self, what: str, where: str) -> None:
        # A ``Text`` is printed as it is; of a string the console takes ``[...]`` for markup.
        self._console.print(Text(f"{what + ':':<17}{where}"), soft_wrap=True)
