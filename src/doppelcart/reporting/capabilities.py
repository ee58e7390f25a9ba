"""Which capabilities there are: those that have a section, found by being there."""

import importlib
import pkgutil
from importlib.util import find_spec
from types import ModuleType
from typing import Final

from doppelcart.errors import ConfigurationError
from doppelcart.reporting.section import Capability

MODULE: Final = "section"
DECLARED: Final = "CAPABILITY"


def find_capabilities(package: ModuleType) -> tuple[Capability, ...]:
    """What the packages within a package declare, in the order of the page.

    Args:
        package: Holds one package per pipeline; each with a module ``section`` brings a capability.

    Raises:
        ConfigurationError: A ``section`` declares none, or two declare the same name.
    """
    found: dict[str, Capability] = {}
    makers: dict[str, str] = {}
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
        name = f"{package.__name__}.{module.name}.{MODULE}"
        if not module.ispkg or find_spec(name) is None:
            continue
        capability = getattr(importlib.import_module(name), DECLARED, None)
        if not isinstance(capability, Capability):
            raise ConfigurationError(
                f"{name} declares no capability. Give it `{DECLARED} = Capability(...)` of "
                "doppelcart.reporting.section."
            )
        if capability.name in found:
            raise ConfigurationError(
                f"Two capabilities have the name {capability.name}: that of "
                f"{makers[capability.name]} and that of {name}. Rename one of them."
            )
        found[capability.name], makers[capability.name] = capability, name
    return tuple(sorted(found.values(), key=lambda capability: (capability.rank, capability.name)))
