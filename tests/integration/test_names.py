"""Parameters that messages name exist: every text of the package is walked."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import parameter_names
import pytest
from pydantic import BaseModel

from doppelcart.columns import Columns
from doppelcart.config.base import Parameters

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = sorted((PROJECT / "src").rglob("*.py"))
HOLE = "\N{REPLACEMENT CHARACTER}"
BARE = re.compile(r"(?<![\w.:/{-])[a-z]+(?:_[a-z0-9]+)+(?![\w(./=}])")
COLUMNS = {value for name, value in vars(Columns).items() if name.isupper()}

# Names of files that rooms share since they mean the same there: what every package or pipeline
# has, and what a room adds to another's (the design of any experiment, that of recommenders).
SHARED = {
    *("__init__", "__main__", "nodes", "params", "pipeline", "section", "figures"),
    *("arms", "base", "comparison", "design", "hyperparameters", "lineage", "memory", "verdict"),
}


def test_a_file_name_means_one_thing():
    counted = Counter(path.stem for path in SOURCES)
    assert {name for name, times in counted.items() if times > 1} == SHARED


def texts(tree: ast.AST) -> Iterator[str]:
    """Texts of a module but for its documentation; values put into them leave a hole."""
    nodes = list(ast.walk(tree))
    inner = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    inner |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(getattr(part, "value", HOLE)) if isinstance(part, ast.Constant)
                          else HOLE for part in node.values)  # fmt: skip
        elif isinstance(node, ast.Constant) and id(node) not in inner:
            yield str(node.value)


def defined(tree: ast.AST) -> set[str]:
    """Functions and arguments of a module, which its messages to programmers may name."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    arguments = [a for f in functions for a in (*f.args.args, *f.args.kwonlyargs)]
    return {function.name for function in functions} | {argument.arg for argument in arguments}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT / "src")))
def test_parameters_that_messages_name_exist(path):
    tree = ast.parse(path.read_text())
    known = parameter_names.words() | COLUMNS | defined(tree)
    for text in texts(tree):
        assert parameter_names.wrong_names(text) == [], text
        if " " in text and not parameter_names.SQL.match(text):
            assert set(BARE.findall(text)) <= known, text
            assert all(map(ends_a_name, re.findall(rf"{HOLE}((?:\.[a-z_]+)+)", text))), text


def ends_a_name(tail: str) -> bool:
    """Whether what follows a hole ends the name of a parameter (``gan``, ``vae``) or a file.

    Args:
        tail: Such as ``.trainer.selection_slice``.
    """
    tops = {name.partition(".")[0] for name in parameter_names.models()}
    is_file = tail.rpartition(".")[2] in parameter_names.FILES
    return is_file or any(parameter_names.is_parameter(f"{top}{tail}") for top in tops)


def subclasses(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield child
        yield from subclasses(child)


def test_models_that_know_their_name_are_asked_for_by_it():
    named = [
        model
        for model in subclasses(Parameters)
        if model.PATH and model.__module__.startswith("doppelcart.")
    ]
    assert named
    for model in named:
        assert parameter_names.models()[model.PATH] is model
        assert all(parameter_names.is_parameter(model.name_of(name)) for name in model.model_fields)
        with pytest.raises(AttributeError, match="no_such"):
            model.name_of("no_such")


def test_fields_that_messages_ask_a_model_for_exist():
    """Calls of ``name_of`` in texts that are seldom made."""
    fields = {name for model in subclasses(Parameters) for name in model.model_fields}
    asked = {
        call.args[0].value
        for path in SOURCES
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "name_of"
        if isinstance(call.args[0], ast.Constant)
    }
    assert asked
    assert asked <= fields


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("lower private.steps or bring more", ["private.steps"]),
        ("lower private.training.steps.", []),
        ("see cleaning.yml and gan.generator", []),
        ("raise evaluation.grids.ease.l2 or evaluation.grids", []),
        ("targeting.segments.named.young.age is wrong", ["targeting.segments.named.young.age"]),
        ("`split.slices` of them", ["split.slices"]),
        ("gan.training.epoch=5", ["gan.training.epoch"]),
        ("source.files.sales", []),
    ],
)
def test_wrong_names_are_found(text, wrong):
    assert parameter_names.wrong_names(text) == wrong


def test_every_group_of_parameters_is_known():
    groups = {name.partition(".")[0] for name in parameter_names.models()}
    assert groups == parameter_names.groups_of_files()
