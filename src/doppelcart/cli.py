"""``kedro run`` with errors that a person can read."""

import errno
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
            return (
                f"Writing {cause.filename or 'a dataset'} failed: {STORAGE[cause.errno]}. Nothing "
                f"that was whole before is taken for whole unless it is: free some space or choose "
                f"another folder (`DOPPELCART_DATA=... kedro run`), then run again."
            )
    return None


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
