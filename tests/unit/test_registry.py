"""The registry: what is found, what the default is made of, what it costs to look."""

import pkgutil
import subprocess
import sys

import pytest
from kedro.pipeline import Node, Pipeline

from doppelcart import pipelines
from doppelcart.pipeline_registry import CORE, grouped, register_pipelines


def test_every_package_is_registered_and_the_core_is_the_default():
    found = register_pipelines()
    packages = {module.name for module in pkgutil.iter_modules(pipelines.__path__)}
    assert set(found) == packages | {"__default__"}
    assert set(found["__default__"].nodes) == {node for name in CORE for node in found[name].nodes}


def test_looking_at_the_pipelines_imports_no_network_library():
    code = (
        "import sys; import doppelcart.settings;"
        "from doppelcart.pipeline_registry import register_pipelines; register_pipelines();"
        "print([m for m in ('tensorflow', 'keras', 'torch', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def three() -> Pipeline:
    nodes = [Node(same, a, b, name=f"make_{b}") for a, b in ("ab", "bc")]
    template = Pipeline([Node(same, "c", "d", name="train")])
    return Pipeline([*nodes, Pipeline(template, inputs="c", namespace="gan")])


def same(value: object) -> object:
    return value


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("gan", {"gan.make_b", "gan.make_c", "gan.train"}),
        ("more", {"more.make_b", "more.make_c", "more.gan.train"}),
    ],
)
def test_a_pipeline_is_a_group_whose_datasets_keep_their_names(three, group, names):
    found = grouped(three, group)
    assert {node.name for node in found.nodes} == names
    assert found.datasets() == three.datasets() == {"a", "b", "c", "gan.d"}


def test_every_node_lies_in_the_group_of_its_pipeline():
    registered = register_pipelines()
    del registered["__default__"]
    for name, pipeline in registered.items():
        assert {node.namespace.split(".")[0] for node in pipeline.nodes} == {name}
