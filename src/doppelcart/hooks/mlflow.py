"""The MLflow run of a ``kedro run``, opened and closed by way of kedro-mlflow."""

import logging
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from doppelcart.config.checks import seal_secrets
from doppelcart.hooks import tracking
from doppelcart.hooks.tracking import TrackedRun


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

        # Imported, it lets itself say everything.
        logging.getLogger("kedro_mlflow").setLevel(logging.WARNING)
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
