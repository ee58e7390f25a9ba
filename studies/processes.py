"""Run a command and see how long it took and how much memory it and its children held."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from studies.machine import PROJECT

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Usage:
    """What a command used.

    Args:
        seconds: From start to end.
        cpu_seconds: Processor time of user and system, of it and of all its children.
        peak_gb: Most memory that it and all its children held together, shared pages once.
        output: What it wrote.
    """

    seconds: float
    cpu_seconds: float
    peak_gb: float
    output: str


def run(command: Sequence[str], log: Path, variables: Mapping[str, str] | None = None) -> Usage:
    """Run a command in the project's folder.

    Args:
        command: Program and arguments.
        log: File that takes what it writes.
        variables: Environment variables besides those of this process.

    Raises:
        RuntimeError: The command failed; the end of its output says why.
    """
    with log.open("w", encoding="utf-8") as stream:
        begin = time.perf_counter()
        child = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **(variables or {})},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        with watched_memory(child.pid) as peak:
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    output = log.read_text(encoding="utf-8", errors="replace")
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}:\n{output[-4000:]}")
    # The kernel's own figure for the largest single process sees peaks between two polls. Across
    # the start of a program it carries over what this process held, so that only more than that
    # is the command's own.
    carried = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    largest = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    largest *= usage.ru_maxrss > carried
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Usage(seconds, cpu_seconds, max(*peak, largest) / 1e9, output)


@contextmanager
def watched_memory(pid: int) -> Iterator[list[int]]:
    """Ask for the memory of a process and its descendants all the while, beside whoever waits.

    Yields:
        What was found so far, bytes; complete at the end.
    """
    found, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(POLL_SECONDS):
            found.append(tree_bytes(pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()


def tree_bytes(pid: int) -> int:
    """Memory of a process and its descendants; 0 where there is no /proc."""
    total = 0
    waiting = [pid]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        try:
            total += _own_bytes(process)
            for task in (process / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, IndexError, StopIteration):
            continue
    return total


def _own_bytes(process: Path) -> int:
    """What a process holds; a page that several share is divided among them."""
    lines = (process / "smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024
