"""A line on the screen for what a person waits for; everything that is logged, in a file."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from doppelcart.config.checks import DEFAULT
from doppelcart.hooks.forecast import Durations, FirstRun, forecast, usable_cores
from doppelcart.progress import duration

FOLDER: Final = "logs"
MOST_FILES: Final = 20
SCREEN: Final = "screen"
"""Name of the handler of ``conf/logging.yml`` that a run quiets; one of another name is left."""
OURS: Final = "doppelcart"
LEVELS: Final = {
    OURS: logging.DEBUG,
    "kedro": logging.INFO,
    "kedro_mlflow": logging.INFO,
    "py.warnings": logging.WARNING,
}
"""What a run logs into its file, beyond what ``conf/logging.yml`` lets on the screen."""
ALOOF: Final = "mlflow"
"""A library that sets itself up to write past everybody else."""
STDERR: Final = 2
QUICK: Final = 1.0
"""Seconds below which a node gets no line of its own."""

log = logging.getLogger(__name__)


class RunLog:
    """Shows a run node by node, and writes all of its log to ``<data_root>/logs``.

    What libraries written in C++ print, such as TensorFlow's remarks on a machine without CUDA,
    goes to the file too: they write to the process's standard error, whatever Python says.
    """

    def __init__(self) -> None:
        self._folder = Path()
        self._first: FirstRun | None = None
        self._source = ""
        self._steps = Steps(0)
        self._waiting: set[str] = set()
        self._open = contextlib.ExitStack()
        self._path = Path()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Learn where the data folder is, and what is known of a first run."""
        settings = context.config_loader["globals"]
        first = settings.get("first_run")
        self._first = FirstRun.model_validate(first) if first else None
        self._source = getattr(context.params.get("source"), "name", "")
        self._folder = context.project_path / settings["data_root"] / FOLDER

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Begin the file, now that nothing refuses the run."""
        self._open.close()
        self._path = new_file(self._folder)
        self._open.enter_context(written_to(self._path))
        self._open.enter_context(quiet_screen())
        if self._first is not None:
            self._say(self._forecast(pipeline, self._first))
        self._steps = Steps(len(pipeline.nodes))

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Learn what the node is going to save."""
        self._waiting = set(node.outputs)

    @hook_impl(trylast=True)
    def after_node_run(self, node: Node) -> None:
        """A node without outputs has ended."""
        if not node.outputs:
            self._say(*self._steps.ended(node.name))

    @hook_impl(trylast=True)
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """A node has ended once its last output is saved: lazy tables are computed only then."""
        if self._waiting == {dataset_name}:
            self._say(*self._steps.ended(node.name))
        self._waiting.discard(dataset_name)

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Say how long it took, and where the log is."""
        self._say(*self._steps.rest(), f"Done in {self._steps.elapsed()}. Log: {self._path}")
        self._end()

    @hook_impl(trylast=True)
    def on_pipeline_error(self, error: Exception) -> None:
        """Keep the traceback; what stops a run at once needs no more words than its own."""
        if self._steps.seconds:
            stopped = f"Stopped after {self._steps.elapsed()}. Log: {self._path}"
            self._say(*self._steps.rest(), stopped)
        log.debug("The run ended with an error.", exc_info=error)
        self._end()

    def _forecast(self, pipeline: Pipeline, first: FirstRun) -> str:
        members = {
            name: [node.name for node in found.nodes]
            for name, found in pipelines.items()
            if name != DEFAULT
        }
        wanted = [node.name for node in pipeline.nodes]
        known = Durations.of(self._folder)
        return forecast(members, wanted, known, first, self._source, usable_cores())

    def _end(self) -> None:
        """Close the file, and note what the nodes took for the next run's forecast."""
        self._open.close()
        if self._steps.seconds:
            known = Durations.of(self._folder)
            known.after(self._steps.seconds, self._folder.parent).write(self._folder)

    @staticmethod
    def _say(*lines: str) -> None:
        for line in lines:
            log.info("%s", line)


class Steps:
    """Words for the nodes of a run as they end.

    A node that takes a while gets a line. Quick ones share one, so that the others stand out.

    Args:
        total: How many nodes there are.
        clock: Seconds since any moment.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self._total, self._clock = total, clock
        self._begun = self._last = clock()
        self._n_ended = 0
        self._quick: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def ended(self, name: str) -> list[str]:
        """What to say now that a node has ended; nothing of a quick one.

        Args:
            name: Name of the node.
        """
        now = self._clock()
        took, self._last = now - self._last, now
        self.seconds[name] = took
        if took < QUICK:
            self._quick[name] = took
            self._n_ended += 1
            return []
        lines = self.rest()
        self._n_ended += 1
        return [*lines, self._line(name, took)]

    def rest(self) -> list[str]:
        """One line for the quick nodes that were not told of yet."""
        if not self._quick:
            return []
        first, *others = self._quick
        took = sum(self._quick.values())
        self._quick = {}
        return [self._line(f"{first} and {len(others)} more" if others else first, took)]

    def elapsed(self) -> str:
        """How long the run has taken."""
        return duration(self._clock() - self._begun)

    def _line(self, what: str, took: float) -> str:
        return f"[{self._n_ended:>{len(str(self._total))}}/{self._total}] {what} {duration(took)}"


class Plain(logging.Formatter):
    """The bare message; a word before it where it is a warning."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as a person reads it."""
        is_plain = record.levelno <= logging.INFO
        return super().format(record) if is_plain else f"Warning: {super().format(record)}"


def new_file(folder: Path) -> Path:
    """Where the log of a run that begins now goes; the oldest ones are removed.

    Args:
        folder: Of the logs; made where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("*.log"))[: -MOST_FILES + 1]:
        old.unlink(missing_ok=True)
    return folder / f"{datetime.now().astimezone():%Y-%m-%d_%H.%M.%S}.log"


@contextlib.contextmanager
def written_to(path: Path) -> Iterator[None]:
    """Write all that is logged to a file, and what C++ prints as an error.

    Args:
        path: The file; what it holds is kept.
    """
    stream = path.open("a", encoding="utf-8")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    levels = {name: logging.getLogger(name).level for name in LEVELS}
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(min(level, levels[name] or level))
    logging.root.addHandler(handler)
    try:
        with stream, _standard_error_to(stream.fileno()), _passed_on(ALOOF):
            yield
    finally:
        logging.root.removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@contextlib.contextmanager
def _passed_on(name: str) -> Iterator[None]:
    """Let a library's log go where all the rest goes, though it set itself up otherwise."""
    library = logging.getLogger(name)
    handlers, propagates = library.handlers, library.propagate
    library.handlers, library.propagate = [], True
    try:
        yield
    finally:
        library.handlers, library.propagate = handlers, propagates


@contextlib.contextmanager
def _standard_error_to(file: int) -> Iterator[None]:
    """Lead the process's standard error to a file, and Python's to where it went before."""
    python = sys.stderr
    if not _writes_to(python, STDERR):
        yield
        return
    python.flush()
    kept = os.dup(STDERR)
    os.dup2(file, STDERR)
    sys.stderr = os.fdopen(os.dup(kept), "w", buffering=1, encoding="utf-8")
    try:
        yield
    finally:
        sys.stderr.close()
        sys.stderr = python
        os.dup2(kept, STDERR)
        os.close(kept)


def _writes_to(stream: object, descriptor: int) -> bool:
    try:
        return bool(stream.fileno() == descriptor)  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False


@contextlib.contextmanager
def quiet_screen() -> Iterator[None]:
    """Let only what the project says on the screen, in plain words."""
    screens = [handler for handler in logging.root.handlers if handler.get_name() == SCREEN]
    ours, formats = logging.Filter(OURS), [screen.formatter for screen in screens]
    for screen in screens:
        screen.addFilter(ours)
        screen.setFormatter(Plain())
        screen.setLevel(logging.INFO)
    try:
        yield
    finally:
        for screen, before in zip(screens, formats, strict=True):
            screen.removeFilter(ours)
            screen.setFormatter(before)
