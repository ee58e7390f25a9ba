"""The code behind each pipeline, by which a change of an algorithm is noticed.

``python -m tests.algorithms`` notes the present code; do so after raising ``ALGORITHM_VERSION`` of
the pipelines whose results change, or where none does.
"""

import ast
import hashlib
import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import grimp

from doppelcart import pipelines
from studies.memory import without_docstrings

NOTED = Path(__file__).with_suffix(".json")
SOURCES = Path(pipelines.__file__).parents[2]
NAMES = sorted(module.name for module in pkgutil.iter_modules(pipelines.__path__))


def algorithms() -> dict[str, dict[str, Any]]:
    """By pipeline its version, and a digest of the code that it runs."""
    graph = grimp.build_graph("doppelcart", cache_dir=None)
    found = {}
    for name in NAMES:
        package = f"{pipelines.__name__}.{name}"
        own = {package, *graph.find_descendants(package)}
        behind = {found for module in own for found in graph.find_upstream_modules(module)}
        found[name] = {
            "version": getattr(importlib.import_module(package), "ALGORITHM_VERSION", None),
            "code": digest_of(own | behind),
        }
    return found


def digest_of(modules: set[str]) -> str:
    """A digest of what modules do, whatever their comments, docstrings and layout."""
    texts = [syntax(without_docstrings(file_of(module).read_text())) for module in sorted(modules)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def file_of(module: str) -> Path:
    """Where a module's source is."""
    path = SOURCES.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def syntax(node: Any) -> str:
    """A syntax tree as text, the same under every Python: its later additions are empty here."""
    if isinstance(node, ast.Assign) and [t.id for t in node.targets if isinstance(t, ast.Name)] == [
        "ALGORITHM_VERSION"
    ]:
        return ""
    if isinstance(node, ast.AST):
        parts = [
            f"{name}={text}" for name, value in ast.iter_fields(node) if (text := syntax(value))
        ]
        return f"{type(node).__name__}({','.join(parts)})"
    if isinstance(node, list):
        return f"[{','.join(map(syntax, node))}]" if node else ""
    return "" if node is None else repr(node)


if __name__ == "__main__":
    NOTED.write_text(json.dumps(algorithms(), indent=1) + "\n", encoding="utf-8")
