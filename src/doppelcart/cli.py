"""``kedro run`` with errors that a person can read."""

import errno
import os
from collections.abc import Iterator
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from doppelcart.errors import DoppelcartError

STORAGE = {
    errno.ENOSPC: "no space is left",
    errno.EDQUOT: "the quota is used up",
    errno.EACCES: "permission is denied",
    errno.EROFS: "the file system is read-only",
}


class ReadableErrors(click.Command):
    """A command that ends in one paragraph and exit code 1 where the cause is known."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; anything unforeseen keeps its traceback."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _close_tracking("KILLED")
            raise click.Abort from None
        except Exception as error:
            message = explain(error)
            _close_tracking("FAILED")
            if message is None:
                raise
            raise click.ClickException(message) from error


def explain(error: BaseException) -> str | None:
    """The message of the foreseen cause behind an error, or None where there is none."""
    for cause in _causes(error):
        if isinstance(cause, DoppelcartError):
            return str(cause)
        if isinstance(cause, OSError) and cause.errno in STORAGE:
            return _storage_message(str(cause.filename or "a dataset"), cause.errno)
    # The engine of the tables has errors of its own, which only tell the system's in words.
    for cause in _causes(error):
        for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            if os.strerror(code) in str(cause):
                return _storage_message("a dataset", code)
    return None


def _storage_message(what: str, code: int) -> str:
    return (
        f"Writing {what} failed: {STORAGE[code]}. Free some space, or choose another folder "
        f"(`DOPPELCART_DATA=... kedro run`), then run again. Nothing else was touched, and what "
        f"was cut short will not be taken for whole."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _close_tracking(status: str) -> None:
    """Close a run that is still open, so that its record does not say that it is running."""
    import sys

    mlflow = sys.modules.get("mlflow")
    while mlflow is not None and mlflow.active_run() is not None:
        mlflow.end_run(status)


@click.group(name="doppelcart")
def cli() -> None:
    """Commands of the project."""


run = ReadableErrors(
    name="run", params=kedro_run.params, callback=kedro_run.callback, help=kedro_run.help
)
cli.add_command(run)
