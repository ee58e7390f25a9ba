"""Which dotted names are parameters, by the models that the nodes ask for."""

import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from kedro.validation import TypeExtractor
from pydantic import BaseModel

from doppelcart.pipeline_registry import register_pipelines
from doppelcart.pipelines.cleaning.rules import DESCRIPTIONS

PROJECT = Path(__file__).resolve().parents[1]
FILES = ("csv", "html", "ipynb", "json", "keras", "md", "npz", "parquet", "py", "yml")
DOTTED = re.compile(r"(?<![\w./@])([a-z_]+(?:\.[a-z_0-9]+)+)(?![\w/])")


OPTIONS = ("ignore_errors", "sheet_name")
"""Options of readers that a source's files may have."""
SQL = re.compile(r"\s*(SELECT|CREATE|DROP|COPY|FROM|WITH|INSERT|read_\w+\()")
"""How statements of the engine begin, whose words are its own."""


@cache
def models() -> dict[str, Any]:
    """Types of parameters by the name that nodes ask for."""
    return TypeExtractor(register_pipelines()).extract_types_from_pipelines()


@cache
def datasets() -> frozenset[str]:
    """Names of datasets, some of which look like parameters."""
    found = {name for pipeline in register_pipelines().values() for name in pipeline.datasets()}
    return frozenset(name for name in found if not name.startswith("params:"))


@cache
def nodes() -> frozenset[str]:
    """Names of nodes, some of which look like parameters."""
    return frozenset(node.name for p in register_pipelines().values() for node in p.nodes)


def is_parameter(name: str) -> bool:
    """Whether a dotted name is a parameter, or a group of them."""
    if any(f"{path}.".startswith(f"{name}.") for path in models()):
        return True
    return any(
        name.startswith(f"{path}.") and _has(hint, name.removeprefix(f"{path}.").split("."))
        for path, hint in models().items()
    )


def _has(hint: Any, keys: list[str]) -> bool:
    if not keys:
        return True
    if inspect.isclass(hint) and issubclass(hint, BaseModel):
        field = hint.model_fields.get(keys[0])
        return field is not None and _has(field.annotation, keys[1:])
    if get_origin(hint) is dict:
        return _has(get_args(hint)[1], keys[1:])
    # any key of a mapping whose values nothing more is said of
    return hint is Any or any(_has(inner, keys) for inner in get_args(hint) if inner is not hint)


def wrong_names(text: str) -> list[str]:
    """Dotted names in a text that begin like a parameter and are none."""
    groups = {path.partition(".")[0] for path in models()}
    return [
        name
        for name in DOTTED.findall(text)
        if name.partition(".")[0] in groups
        and name.rpartition(".")[2] not in FILES
        and name not in datasets() | nodes()
        and not is_parameter(name)
    ]


def fields() -> Iterator[str]:
    """Names of the fields of all models, those within models too, and their choices in words."""
    seen: set[Any] = set()
    hints = list(models().values())
    while hints:
        hint = hints.pop()
        if inspect.isclass(hint) and issubclass(hint, BaseModel) and hint not in seen:
            seen.add(hint)
            yield from hint.model_fields
            hints += [field.annotation for field in hint.model_fields.values()]
        if isinstance(hint, str):  # a choice of a Literal
            yield hint
        hints += get_args(hint)


@cache
def words() -> frozenset[str]:
    """Bare names that a message may use: fields, datasets, nodes, and what configuration says."""
    short = {name.rpartition(".")[2] for name in nodes()}
    configured = " ".join(path.read_text() for path in (PROJECT / "conf/base").rglob("*.yml"))
    said = {*DESCRIPTIONS, *OPTIONS, *re.findall(r"[a-z_0-9]+", configured)}
    return frozenset({*fields(), *datasets(), *short, *said})


def groups_of_files() -> set[str]:
    """The top names of the parameter files, for a check of the above."""
    files = (PROJECT / "conf/base").glob("*/parameters.yml")
    return {name for file in files for name in yaml.safe_load(file.read_text())}
