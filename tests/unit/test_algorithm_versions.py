"""A pipeline whose code changed says whether what it makes changes with it."""

import json

import pytest
from algorithms import NAMES, NOTED, algorithms, syntax

from studies.memory import without_docstrings

ADVICE = (
    "raise ALGORITHM_VERSION in src/doppelcart/pipelines/{0}/__init__.py if what it makes from the "
    "same data and parameters can differ, so that what was made before is refused; then, or if it "
    "cannot differ, note the code as it is now with `python -m tests.algorithms`"
)


@pytest.fixture(scope="module")
def present():
    return algorithms()


@pytest.mark.parametrize("name", NAMES)
def test_a_change_of_the_code_is_accounted_for(name, present):
    noted = json.loads(NOTED.read_text()).get(name)
    assert isinstance(present[name]["version"], int), f"{name} has no ALGORITHM_VERSION"
    assert noted == present[name], f"the code behind {name} has changed: {ADVICE.format(name)}"


def test_no_pipeline_is_noted_that_is_gone():
    assert sorted(json.loads(NOTED.read_text())) == NAMES


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (
            "def f(x):\n    'What.'\n    return x + 1",
            "def f(x):  # why\n    return (x +\n 1)",
            True,
        ),
        ("def f(x):\n    return x + 1", "def f(x):\n    return x + 2", False),
        ("ALGORITHM_VERSION = 1\nx = 0", "ALGORITHM_VERSION = 2\nx = 0", True),
        ("f(a, b=1)", "f(a, b=2)", False),
    ],
)
def test_syntax_is_what_the_code_does(one, other, alike):
    assert (syntax(without_docstrings(one)) == syntax(without_docstrings(other))) is alike
