"""The registry: what is found, what the default is made of, what it costs to look."""

import pkgutil
import subprocess
import sys

from doppelcart import pipelines
from doppelcart.pipeline_registry import CORE, register_pipelines


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
