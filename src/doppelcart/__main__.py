"""Entry point of the packaged project: ``python -m doppelcart`` and ``doppelcart``."""

import sys
from pathlib import Path
from typing import Any

from kedro.framework.project import configure_project


def main(*args: Any, **kwargs: Any) -> Any:
    """Run the project's ``run`` command with the given command line."""
    package_name = Path(__file__).parent.name
    configure_project(package_name)

    from doppelcart.cli import run

    kwargs.setdefault("standalone_mode", not hasattr(sys, "ps1"))
    return run(*args, **kwargs)


if __name__ == "__main__":
    main()
