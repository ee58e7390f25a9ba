"""The pipelines that `kedro run --pipelines NAME` knows, and what `kedro run` runs."""

import importlib
import logging
import pkgutil

from kedro.pipeline import Pipeline

from doppelcart import pipelines as packages

CORE = (
    "ingestion",
    "cleaning",
    "split",
    "profiles",
    "gan",
    "augmentation",
    "evaluation",
    "reporting",
)


def register_pipelines() -> dict[str, Pipeline]:
    """Find every package under ``pipelines`` and make the core the default.

    Returns:
        Pipelines by name; ``__default__`` is the core, in which no optional capability is.
    """
    found = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(packages.__path__)):
        try:
            found[name] = importlib.import_module(f"{packages.__name__}.{name}").create_pipeline()
        except Exception as e:
            logging.getLogger(__name__).warning("pipeline %s left out: %r", name, e)
    return found | {"__default__": sum((found[n] for n in CORE if n in found), Pipeline([]))}
