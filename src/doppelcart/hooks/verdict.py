"""The last words of a run: the verdict, and where everything lies."""

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from rich.console import Console

from doppelcart.hooks import tracking
from doppelcart.hooks.common import as_table, load_if_there, path_in
from doppelcart.hooks.tracking import TrackedRun
from doppelcart.reporting import terminal

VERDICT = "verdict"
REPORT = "report_html"


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
        verdict = as_table(load_if_there(catalog, VERDICT))
        if verdict is None:
            return
        uplift = as_table(load_if_there(catalog, "uplift"))
        self._console.print(terminal.render(verdict, uplift))
        report = path_in(catalog, REPORT)
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
