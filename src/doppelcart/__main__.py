"""Entry point of the packaged project: ``python -m doppelcart`` and ``doppelcart``."""

import logging
import sys
from pathlib import Path
from typing import Any

from doppelcart.serving.commands import COMMANDS

# Said before every command where no conf/logging.yml is near, and nothing to act on.
for name in ("kedro.framework.project", "py.warnings"):
    logging.getLogger(name).setLevel(logging.ERROR)


def main(*args: Any, **kwargs: Any) -> Any:
    """Run the project's ``run`` command with the given command line; what serves needs no Kedro."""
    given = list(args[0] if args else kwargs.get("args") or sys.argv[1:])
    kwargs.setdefault("standalone_mode", not hasattr(sys, "ps1"))
    if command := COMMANDS.get(str(given[0]) if given else None):
        named = f"doppelcart {command.name}"
        return command.main(given[1:], prog_name=named, **_without_args(kwargs))

    from kedro.framework.project import configure_project

    configure_project(Path(__file__).parent.name)

    from doppelcart.cli import run

    return run(*args, **kwargs)


def _without_args(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name not in ("args", "prog_name")}


if __name__ == "__main__":
    main()
