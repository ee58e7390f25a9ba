"""``kedro run`` with errors that a person can read."""

import copy
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from duckdb import IOException
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import KedroCliError
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from doppelcart.config.mistakes import Request, check_request
from doppelcart.data.storage import ELSEWHERE, ONLY_WRITING, READ_ADVICE, write_message
from doppelcart.errors import DoppelcartError, chain
from doppelcart.serving.commands import COMMANDS

CONF = Path("conf")
FIRST = [
    (" --env sample", "a first look, in minutes: a quarter of Complete Journey"),
    ("", "the whole: Complete Journey, a year of a grocer"),
    (" --env csv", "your shop; see docs/your-shop.md"),
    (" --pipelines evaluation", "one part, over what a run has left"),
    (" --params gan.training.epochs=5", "with another parameter"),
]
"""What to type after the command at first, and what it does."""

UNREADABLE = (
    AttributeError, KeyError, OmegaConfBaseException, OSError, TypeError, ValueError, YAMLError,
)  # fmt: skip


class ReadableErrors(click.Command):
    """A command that ends in one paragraph and exit code 1 where the cause is known."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Say what there is to run, before all the options."""
        super().format_help_text(ctx, formatter)
        with formatter.section("Begin with"):
            formatter.write_dl([(ctx.command_path + more, what) for more, what in FIRST])
        with formatter.section("Pipelines (--pipelines)"):
            formatter.write_dl([(name, _purpose(name)) for name in _pipelines() if name[0] != "_"])
        environments = sorted(path.parent.name for path in CONF.glob("*/globals.yml"))
        with formatter.section("Environments (--env)"):
            formatter.write_text(", ".join(environments) or "none here: go to the project's folder")

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; anything unforeseen keeps its traceback."""
        try:
            check_request(Request(_options(ctx.params), _pipelines()))
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
    """The message of the foreseen cause behind an error, or None where there is none.

    Only what an error was raised from counts as its cause, not what happened to be handled then.
    """
    for cause in chain(error, implicit=False):
        for kind, message in _explanations():
            if isinstance(cause, kind):
                told = message(cause)
                if told is not None:
                    return told
    return None


def _explanations() -> Iterator[tuple[type, Callable[[Any], str | None]]]:
    """Kinds of errors, and what to say of one; None where it is not a foreseen one."""
    yield DoppelcartError, str
    yield OSError, _of_the_system
    yield IOException, _of_the_engine
    mlflow = sys.modules.get("mlflow.exceptions")
    if mlflow is not None:
        yield mlflow.MlflowException, _of_tracking


def _of_the_system(error: OSError) -> str | None:
    """An error of the system where no dataset is read or written: the catalog tells of those."""
    what = error.filename or f"a file outside of the datasets (such as in {tempfile.gettempdir()})"
    if error.errno in ONLY_WRITING:
        return write_message(str(what), error, "No dataset was being written.")
    if error.errno in READ_ADVICE and error.filename:
        return f"Reading or writing {what} failed: {error.strerror}. {READ_ADVICE[error.errno]}"
    return None


def _of_the_engine(error: Exception) -> str:
    return (
        f"The engine of the tables could not read or write a file: {error}. If it is a file that "
        f"was to be read, let your account read it; if no space is left, free some, or {ELSEWHERE}."
    )


def _of_tracking(error: Exception) -> str:
    """Nothing but tracking calls MLflow."""
    return (
        f"MLflow could not record the run: {error} "
        "Without tracking it works: `DOPPELCART_TRACKING=off kedro run`."
    )


def _close_tracking(status: str) -> None:
    """Close a run that is still open, so that its record does not say that it is running."""
    mlflow = sys.modules.get("mlflow")
    while mlflow is not None and mlflow.active_run() is not None:
        mlflow.end_run(status)


def _options(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Values by the name of the option, which for two is not that of Kedro's argument."""
    renamed = {"node_names": "nodes", "is_async": "async"}
    return {renamed.get(name, name): value for name, value in arguments.items()}


def _pipelines() -> dict[str, Any]:
    """Every registered pipeline, read when the command runs and not when it is made."""
    from kedro.framework.project import pipelines

    return dict(pipelines)


def _purpose(pipeline: str) -> str:
    """What a pipeline is for: the first line of its package."""
    package = import_module(f"doppelcart.pipelines.{pipeline}")
    return (package.__doc__ or "").strip().partition("\n")[0]


def _readable(option: click.Parameter) -> click.Parameter:
    """An option whose value is refused in a sentence where Kedro cannot read it."""
    read = option.callback
    if read is None:
        return option

    def read_or_refuse(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        try:
            return read(ctx, param, value)
        except KedroCliError as error:
            raise click.BadParameter(error.message, ctx, param) from error
        except UNREADABLE as error:
            first = (str(error) or type(error).__name__).splitlines()[0]
            raise click.BadParameter(
                f"{value!r} cannot be read ({first}). Write NAME=VALUE, with commas between "
                "several; lists are better given in conf/local/parameters.yml."
                if option.name in {"params", "runner_params"}
                else f"{value!r} cannot be read ({type(error).__name__}: {first}).",
                ctx,
                param,
            ) from error

    refusing = copy.copy(option)
    refusing.callback = read_or_refuse
    return refusing


@click.group(name="doppelcart")
def cli() -> None:
    """Commands of the project."""


run = ReadableErrors(
    name="run",
    params=[_readable(option) for option in kedro_run.params],
    callback=kedro_run.callback,
    help="Learn from a shop's log, imitate its customers, and measure whether that helps.",
)
cli.add_command(run)
for command in COMMANDS.values():
    cli.add_command(command)
