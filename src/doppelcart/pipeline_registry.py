"""The pipelines that `kedro run --pipelines NAME` knows, and what `kedro run` runs."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from kedro.pipeline import Pipeline

from doppelcart import pipelines as packages
from doppelcart.config.agreement import Rule

CORE = (
    "ingestion",
    "cleaning",
    "split",
    "profiles",
    "gan",
    "augmentation",
    "evaluation",
    "serving",
    "reporting",
)


def register_pipelines() -> dict[str, Pipeline]:
    """Find every package under ``pipelines`` and make the core the default.

    Kedro's own ``find_pipelines`` looks for a package of every name that is asked for, so a
    composite like the default could not be run by its name.

    Returns:
        Pipelines by name, each a group of its own; ``__default__`` is the core, in which no
        optional capability is.
    """
    found = {
        module.name: grouped(
            importlib.import_module(f"{packages.__name__}.{module.name}").create_pipeline(),
            module.name,
        )
        for module in pkgutil.iter_modules(packages.__path__)
    }
    core = sum((found[name] for name in CORE if name in found), Pipeline([]))
    return dict(sorted(found.items())) | {"__default__": core}


def grouped(pipeline: Pipeline, name: str) -> Pipeline:
    """Put the nodes of a pipeline into one namespace, which Kedro-Viz draws as a box that opens.

    Datasets and parameters keep their names. So do nodes that lie in such a namespace already, as
    those do that the pipeline made of a template.

    Args:
        pipeline: As its package makes it.
        name: Its name, and the namespace.
    """
    inside = [node for node in pipeline.nodes if name in node.namespace_prefixes]
    outside = [node for node in pipeline.nodes if name not in node.namespace_prefixes]
    moved = Pipeline(outside, namespace=name, prefix_datasets_with_namespace=False)
    return moved + Pipeline(inside)


def find_rules() -> list[Rule]:
    """What the parameters of several pipelines must agree on, from each pipeline's ``params``."""
    return _in_params("disagreements")


def find_memory_checks() -> list[Callable[[Mapping[str, Any], Any, float], None]]:
    """What pipelines need of memory, from each pipeline's ``params``.

    Each takes the models of a run's parameters, the dataset that tells the sizes, and the bytes
    that there are, and raises a ``ResourceError`` where these are too few.
    """
    return _in_params("check_memory")


def _in_params(name: str) -> list[Any]:
    """What the ``params`` of the pipelines have by a name."""
    names = [
        f"{packages.__name__}.{module.name}.params"
        for module in pkgutil.iter_modules(packages.__path__)
    ]
    modules = [importlib.import_module(found) for found in names if find_spec(found)]
    return [getattr(module, name) for module in modules if hasattr(module, name)]
