"""What a run needs of the machine's memory is asked as soon as the catalogue is known."""

from collections.abc import Callable
from functools import partial
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from doppelcart.config.checks import memory_there
from doppelcart.config.globals import checked
from doppelcart.hooks.common import parameters_of
from doppelcart.hooks.metadata import handling_of
from doppelcart.pipeline_registry import find_memory_checks


class MemoryGuard:
    """Refuses a run that needs more memory than there is, before the first large allocation.

    The catalog says which dataset tells the size, by ``sizes`` (``hooks.metadata``);
    each pipeline says in its ``params.py``, in a function ``check_memory``, what it needs.
    """

    def __init__(self) -> None:
        self._limit_gb: float | None = None
        self._catalog: CatalogProtocol | None = None
        self._open: list[Callable[[Any, float], None]] = []

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Learn the limit."""
        self._limit_gb = checked(context.config_loader["globals"]).max_memory_gb

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Learn what the run's pipelines ask for."""
        self._catalog = catalog
        models = parameters_of(pipeline, catalog)
        self._open = [partial(check, models) for check in find_memory_checks()]

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Check once the size is known."""
        self._check(dataset_name, data)

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Check once the size is known, where an earlier run has found it."""
        self._check(dataset_name, data)

    def _check(self, name: str, data: Any) -> None:
        if not handling_of(self._catalog, name).sizes:
            return
        checks, self._open = self._open, []
        for check in checks:
            check(data, memory_there(self._limit_gb))
