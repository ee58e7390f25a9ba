"""Parameters are checked before anything else, and secrets sealed."""

import logging
from typing import Any

from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from doppelcart.config.checks import check_parameters, check_secrets, seal_secrets, unread
from doppelcart.hooks import tracking
from doppelcart.hooks.common import parameters_of
from doppelcart.pipeline_registry import find_rules

log = logging.getLogger(__name__)


class ParameterCheck:
    """Refuses parameters that no pipeline knows or that a model does not allow; seals secrets."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check everything at once, before anything is read or written."""
        try:
            raw = context.config_loader["parameters"]
        except MissingConfigException:
            return
        check_parameters(raw, dict(pipelines), find_rules())
        # From here on, the catalog, its reports and whoever asks for parameters see no secret.
        context.config_loader["parameters"] = seal_secrets(raw, dict(pipelines))

    @hook_impl(tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Ask for the secrets that the run's nodes need, and warn of what changes nothing."""
        models = parameters_of(pipeline, catalog)
        check_secrets(models)
        given = run_params.get("runtime_params") or {}
        if idle := unread(tracking.flatten(given) if given else (), models):
            log.warning(
                "No node of this run reads %s of --params: what earlier runs made stays as it is",
                ", ".join(idle),
            )
