"""Tests can fail: each asserts something, and none is content with any error at all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FILES = sorted(TESTS.rglob("test_*.py"))
TREES = {path: ast.parse(path.read_text()) for path in TESTS.rglob("*.py")}
ANY_ERROR = {"Exception", "BaseException"}


def called(call: ast.Call) -> str:
    """Last part of the name that a call calls."""
    return ast.unparse(call.func).rpartition(".")[2]


def checks(function: ast.FunctionDef, module: dict[str, ast.FunctionDef], seen: set[str]) -> bool:
    """Whether a function can fail a test, by itself or by a function of its module."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = called(node)
            # a process that is checked raises where it fails
            is_checked = any(
                word.arg == "check" and ast.unparse(word.value) == "True" for word in node.keywords
            )
            if name.startswith("assert_") or name in {"raises", "fail", "warns"} or is_checked:
                return True
            known = name in module and name not in seen
            if known and checks(module[name], module, seen | {name}):
                return True
    return False


def faults(tree: ast.AST) -> Iterator[str]:
    """What cannot fail in a module of tests."""
    module = {f.name: f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)}
    for name, function in module.items():
        if name.startswith("test_") and not checks(function, module, {name}):
            yield f"{name} asserts nothing"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) == "raises" and node.args:
            kinds = node.args[0].elts if isinstance(node.args[0], ast.Tuple) else [node.args[0]]
            if ANY_ERROR & {ast.unparse(kind) for kind in kinds}:
                yield f"line {node.lineno}: any error passes"
            yield from (
                f"line {node.lineno}: any message passes"
                for word in node.keywords
                if word.arg == "match" and ast.unparse(word.value) in {"''", "'.'", "'.*'", "'.+'"}
            )
        if isinstance(node, ast.Assert) and isinstance(
            node.test, ast.Tuple | ast.Constant | ast.GeneratorExp | ast.Lambda
        ):
            yield f"line {node.lineno}: is always true"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_every_test_can_fail(path):
    assert list(faults(TREES[path])) == []


@pytest.mark.parametrize(
    "code",
    [
        "def test_it():\n    work()",
        "def help():\n    work()\ndef test_it():\n    help()",
        "def test_it():\n    with pytest.raises(Exception):\n        work()",
        "def test_it():\n    with pytest.raises((Exception, ValueError)):\n        work()",
        "def test_it():\n    with pytest.raises(ValueError, match='.'):\n        work()",
        "def test_it():\n    assert (work(), 'message')",
        "def test_it():\n    assert (x for x in work())",
        "def test_it():\n    subprocess.run(work, check=False)",
    ],
)
def test_what_cannot_fail_is_found(code):
    assert len(list(faults(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "def test_it():\n    assert work()",
        "def help():\n    assert work()\ndef test_it():\n    help()",
        "def test_it():\n    np.testing.assert_array_equal(a, b)",
        "def test_it():\n    with pytest.raises(ValueError, match='no'):\n        work()",
        "def test_it():\n    subprocess.run(work, check=True)",
    ],
)
def test_what_can_fail_is_let_pass(code):
    assert list(faults(ast.parse(code))) == []


SOURCE = TESTS.parent / "src" / "doppelcart"
ROOMS = ("adversarial", "config", "data", "experiment", "recommendation", "search")
ALONE = [path for room in ("", *ROOMS) for path in sorted((SOURCE / room).glob("[a-z]*.py"))]


@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.stem)
def test_a_module_that_stands_for_itself_is_imported_by_a_test(path):
    name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
    imported = {
        f"{node.module}.{alias.name}."
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert any(found.startswith(f"{name}.") for found in imported)
