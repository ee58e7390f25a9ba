"""Modules import one another in one direction, and late only what is heavy."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
NETWORKS = {"keras", "tensorflow"}
# What takes seconds to import, is an optional extra, or has to wait until the project is set up.
HEAVY = NETWORKS | {
    *(
        "dp_accounting",
        "fastapi",
        "kedro",
        "kedro_mlflow",
        "mlflow",
        "optuna",
        "pandera",
        "skops",
        "sklearn",
    ),
}
# What no command needs that only looks pipelines up; together they take longer than Kedro itself.
SLOW = NETWORKS | {
    *("mlflow", "optuna", "pandera", "plotly.express", "scipy.stats", "skops", "sklearn"),
    "sqlalchemy",
}


def name_of(path: Path) -> str:
    """Dotted name of a module's file."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): ast.parse(path.read_text()) for path in SOURCE.rglob("*.py")}


def imports(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Modules that a module imports, and whether it does so late, inside of a function."""
    late = {
        id(inner)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(function)
    }
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import):
            yield from ((alias.name, id(statement) in late) for alias in statement.names)
        if isinstance(statement, ast.ImportFrom):
            assert statement.module, "imports are absolute"
            for alias in statement.names:
                inner = f"{statement.module}.{alias.name}"
                yield (inner if inner in MODULES else statement.module), id(statement) in late


IMPORTS = {name: set(imports(tree)) for name, tree in MODULES.items()}


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Some modules that import one another in a circle; none where there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def loads(name: str) -> set[str]:
    """Packages from elsewhere that come with a module: through what it imports at its top."""
    found, open_names, seen = set(), [name], set()
    while open_names:
        module = open_names.pop()
        if module not in MODULES:
            found.add(module.partition(".")[0])
        elif module not in seen:
            seen.add(module)
            # a package is imported with any of its modules
            open_names += [other for other, late in IMPORTS[module] if not late]
            open_names += [module.rpartition(".")[0]] if "." in module else []
    return found


LATE = sorted(
    {(name, other) for name, found in IMPORTS.items() for other, is_late in found if is_late}
)
LIGHT = sorted(name for name in MODULES if not loads(name) & NETWORKS)


def test_no_module_imports_itself_in_a_circle():
    graph = {
        name: {other for other, _ in found if other in MODULES} for name, found in IMPORTS.items()
    }
    assert cycle(graph) == []


def test_a_circle_is_found_though_it_is_closed_late():
    assert set(cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    assert dict(imports(ast.parse("import keras\ndef f():\n    from os import path"))) == {
        "keras": False,
        "os": True,
    }


@pytest.mark.parametrize(("name", "other"), [pair for pair in LATE if pair[1] in MODULES])
def test_what_is_imported_late_brings_something_heavy(name, other):
    assert loads(other) & HEAVY, f"{name} can import {other} at its top: it brings nothing heavy"


def test_those_that_seem_to_load_no_network_do_not():
    assert {
        "doppelcart.models.histories.generation",
        "doppelcart.pipelines.evaluation.nodes",
    } <= set(LIGHT)
    assert "doppelcart.models.histories.networks" not in LIGHT
    code = (
        "import importlib, sys\n"
        f"for name in {LIGHT}:\n"
        "    importlib.import_module(name)\n"
        f"print(sorted({NETWORKS} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_looking_pipelines_up_loads_nothing_slow():
    code = (
        "import sys\n"
        "import doppelcart.settings\n"
        "from doppelcart.pipeline_registry import find_rules, register_pipelines\n"
        "register_pipelines(), find_rules()\n"
        f"print(sorted({SLOW} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
