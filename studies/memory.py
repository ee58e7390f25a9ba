"""What an interrupted run of a study leaves for the next one."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from studies.machine import PROJECT


def digest(made_from: Sequence[bytes]) -> str:
    """A short name for what was made from all that."""
    return hashlib.sha256(b"".join(made_from)).hexdigest()[:16]


def code_of(*places: str) -> bytes:
    """What some code does, whatever its comments and docstrings say.

    Args:
        *places: Folders or files of the project.
    """
    files = [path for place in places for path in _files(PROJECT / place)]
    trees = [without_docstrings(path.read_text(encoding="utf-8")) for path in files]
    return "".join(ast.dump(tree) for tree in trees).encode()


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def without_docstrings(source: str) -> ast.Module:
    """A module's syntax, in which neither comments nor docstrings nor line breaks are left."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


def remembered(
    folder: Path, made_from: Sequence[bytes], work: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Some arrays: from disk where they were made before, else made and put there.

    Args:
        folder: Where they are kept.
        made_from: All that they depend on.
        work: Makes them.
    """
    path = folder / f"{digest(made_from)}.npz"
    if not path.exists():
        made = work()
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **made)
        partial.replace(path)
    with np.load(path, allow_pickle=False) as saved:
        return {name: saved[name] for name in saved.files}
