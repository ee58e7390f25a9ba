"""Entry point of the packaged project: ``python -m doppelcart`` and ``doppelcart``."""

import logging
import sys
from pathlib import Path
from typing import Any

# Said before every command where no conf/logging.yml is near, and nothing to act on.
for name in ("kedro.framework.project", "py.warnings"):
    logging.getLogger(name).setLevel(logging.ERROR)

from kedro.framework.project import configure_project  # noqa: E402


def main(*args: Any, **kwargs: Any) -> Any:
    """Run the project's ``run`` command with the given command line."""
    package_name = Path(__file__).parent.name
    configure_project(package_name)

    from doppelcart.cli import run

    kwargs.setdefault("standalone_mode", not hasattr(sys, "ps1"))
    return run(*args, **kwargs)


if __name__ == "__main__":
    main()
