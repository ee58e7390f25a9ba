"""What an interrupted run of a study leaves for the next one."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from joblib import Memory

from studies.machine import PROJECT

T = TypeVar("T")


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
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


def remembered(folder: Path, made_from: Sequence[bytes], work: Callable[[], T]) -> T:
    """What some work yields: from disk where it was done before, else done and put there.

    joblib knows the work by its arguments. The code behind it is one of them, as ``code_of`` tells
    it, for joblib itself looks at a single function's source.

    Args:
        folder: Where it is kept.
        made_from: All that it depends on, code included.
        work: Does it.
    """
    memory = Memory(folder, verbose=0)
    done: T = memory.cache(_done, ignore=["work"])(digest(made_from), work)
    return done


def _done(made_from: str, work: Callable[[], T]) -> T:  # noqa: ARG001 - the key
    return work()
