"""What a command line asks for, held against what there is, before anything runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kedro.pipeline import Pipeline
from kedro.runner import ParallelRunner, SequentialRunner, ThreadRunner
from kedro.utils import load_obj

from doppelcart.config.checks import DEFAULT, PREFIX, makers_of
from doppelcart.config.hints import did_you_mean
from doppelcart.errors import RequestError

IN_THREADS: Final = (
    "the tables share one connection to DuckDB, which answers one thread at a time, and training "
    "uses all cores by itself"
)
UNFIT_RUNNERS: Final = {
    ThreadRunner: IN_THREADS,
    ParallelRunner: (
        "TensorFlow hangs in a copy of a process that has loaded it, and tables that are not yet "
        "computed cannot be sent to another process"
    ),
}


FILTERS: Final = {
    "tags": "tags",
    "nodes": "node_names",
    "from_nodes": "from_nodes",
    "to_nodes": "to_nodes",
    "from_inputs": "from_inputs",
    "to_outputs": "to_outputs",
    "namespaces": "node_namespaces",
}
"""Options that choose among nodes, and what ``Pipeline.filter`` calls them."""


@dataclass(frozen=True)
class Request:
    """The options of a ``kedro run``.

    Args:
        options: Values by the name of the option, with underscores, without the leading hyphens.
        pipelines: Every registered pipeline.
    """

    options: Mapping[str, Any]
    pipelines: Mapping[str, Pipeline]

    @property
    def names(self) -> list[str]:
        """Pipelines asked for; the default if none is."""
        single = self.options.get("pipeline")
        return [single] if single else list(self.options.get("pipelines") or [DEFAULT])

    @property
    def pipeline(self) -> Pipeline:
        """Those of them that there are, put together."""
        known = (self.pipelines[name] for name in self.names if name in self.pipelines)
        return sum(known, Pipeline([]))


def check_request(request: Request) -> None:
    """Stop if a command line asks for what there is not, or for what cannot work.

    Raises:
        RequestError: Lists everything that is wrong, at once.
    """
    problems = [problem for check in CHECKS for problem in check(request)]
    problems = problems or list(_combination(request))
    if problems:
        raise RequestError("\n".join(problems) + " Nothing has run.")


def _runner(request: Request) -> Iterator[str]:
    """A runner that there is, that fits the project, and that takes its arguments."""
    name = request.options.get("runner")
    arguments = request.options.get("runner_params") or {}
    try:
        runner = load_obj(name or "SequentialRunner", "kedro.runner")
    except (ImportError, AttributeError, ValueError):
        hint = did_you_mean(str(name), [SequentialRunner.__name__])
        yield f"--runner {name}: there is no such runner. {hint}Leave it out."
        return
    why = next((why for kind, why in UNFIT_RUNNERS.items() if _is_a(runner, kind)), None)
    if why:
        yield f"--runner {name}: {why}. Leave it out: nodes then run one after the other."
        return
    try:
        inspect.signature(runner).bind(**arguments)
    except TypeError as error:
        yield f"--runner-params: {error}. Leave them out."


def _asynchronous(request: Request) -> Iterator[str]:
    """Datasets read and written in the run's own thread."""
    arguments = request.options.get("runner_params") or {}
    if request.options.get("async"):
        yield f"--async: {IN_THREADS}. Leave it out."
    elif arguments.get("is_async"):
        yield f"--runner-params is_async={arguments['is_async']}: {IN_THREADS}. Leave it out."


def _pipelines(request: Request) -> Iterator[str]:
    """Pipelines that there are."""
    if request.options.get("pipeline") and request.options.get("pipelines"):
        yield "--pipeline and --pipelines: give the latter alone."
    known = sorted(name for name in request.pipelines if name != DEFAULT)
    for name in request.names:
        if name not in request.pipelines:
            yield (
                f"--pipelines {name}: there is no such pipeline. {did_you_mean(name, known)}"
                f"There are {', '.join(known)}."
            )


def _nodes(request: Request) -> Iterator[str]:
    """Nodes of the pipelines asked for."""
    nodes = request.pipeline.nodes
    known = {node.name for node in nodes}
    # A name may lack its pipeline: `tune_arms` is meant for `evaluation.tune_arms`.
    meant = {node.short_name: node.name for node in nodes} | {name: name for name in known}
    for option in ("nodes", "from_nodes", "to_nodes"):
        for name in request.options.get(option) or ():
            if name not in known:
                hint = did_you_mean(name, meant)
                yield _unknown(request, option, "node", name, hint, _holders(request, name))


def _datasets(request: Request) -> Iterator[str]:
    """Datasets of the pipelines asked for."""
    known = {name for name in request.pipeline.datasets() if not name.startswith(PREFIX)}
    for option in ("from_inputs", "to_outputs"):
        for name in request.options.get(option) or ():
            if name not in request.pipeline.datasets():
                makers = makers_of(name, request.pipelines)
                hint = did_you_mean(name, known)
                yield _unknown(request, option, "dataset", name, hint, makers)


def _tags(request: Request) -> Iterator[str]:
    """Tags of the nodes of the pipelines asked for."""
    known = {tag for node in request.pipeline.nodes for tag in node.tags}
    there = f"There are {', '.join(sorted(known))}." if known else "None has any."
    for name in request.options.get("tags") or ():
        if name not in known:
            hint = did_you_mean(name, known)
            yield f"--tags {name}: no node of {_asked(request)} has this tag. {hint}{there}"


def _namespaces(request: Request) -> Iterator[str]:
    """Namespaces of the nodes of the pipelines asked for."""
    known = {prefix for node in request.pipeline.nodes for prefix in node.namespace_prefixes}
    there = f"There are {', '.join(sorted(known))}." if known else "It has none."
    for name in request.options.get("namespaces") or ():
        if name not in known:
            hint = did_you_mean(name, known)
            yield f"--namespaces {name}: no namespace of {_asked(request)}. {hint}{there}"


def _combination(request: Request) -> Iterator[str]:
    """Options that are right one by one and leave nothing to run."""
    chosen = {name: request.options.get(name) or None for name in FILTERS}
    try:
        request.pipeline.filter(**{FILTERS[name]: value for name, value in chosen.items()})
    except ValueError as error:
        given = [
            f"--{name.replace('_', '-')} {','.join(value)}"
            for name, value in chosen.items()
            if value
        ]
        yield f"Nothing is left to run of {_asked(request)} with {' '.join(given)}: {error}"


CHECKS: Final[tuple[Callable[[Request], Iterator[str]], ...]] = (
    _runner, _asynchronous, _pipelines, _nodes, _datasets, _tags, _namespaces,
)  # fmt: skip


def _unknown(
    request: Request, option: str, kind: str, name: str, hint: str, holders: list[str]
) -> str:
    """What to say of a node or a dataset that the pipelines asked for do not have."""
    given = f"{_option(option)} {name}"
    if holders:
        return f"{given}: it is of {' and '.join(holders)}: add `--pipelines {holders[0]}`."
    return (
        f"{given}: there is no such {kind} in {_asked(request)}. {hint}"
        "`kedro registry describe PIPELINE` lists them."
    )


def _asked(request: Request) -> str:
    return "the default" if request.names == [DEFAULT] else ", ".join(request.names)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _holders(request: Request, node: str) -> list[str]:
    """Names of the pipelines that have a node, the default left aside."""
    return [
        key
        for key, pipeline in request.pipelines.items()
        if key != DEFAULT and any(node == other.name for other in pipeline.nodes)
    ]


def _is_a(runner: Any, kind: type) -> bool:
    return inspect.isclass(runner) and issubclass(runner, kind)
