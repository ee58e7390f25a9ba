"""Long work says how far it is: a bar on a terminal, elsewhere a line every half a minute."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any, Protocol, TypeVar

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 30.0

Item = TypeVar("Item")

log = logging.getLogger(__name__)


class Progress(Protocol):
    """Work that is under way; closed at the end of a ``with`` block, or by hand."""

    def update(self, n: float = 1) -> Any:
        """Say that so much more is done."""

    def set_postfix(self, values: Mapping[str, Any]) -> None:
        """Show figures beside the bar, where there is one."""

    def close(self) -> None:
        """Say that all is done."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, *error: object) -> Any: ...


def progress(total: int, title: str, unit: str = "step", initial: int = 0) -> Progress:
    """Begin to tell of long work.

    Args:
        total: How much there is to do.
        title: What is done, as a word such as ``testing``.
        unit: What is counted.
        initial: How much an earlier run has done.
    """
    if sys.stderr.isatty():
        many = total >= 10_000
        return tqdm(
            total=total, initial=initial, desc=title, unit=unit, unit_scale=many, leave=False
        )
    return Lines(total, title, initial)


def tracked(
    items: Iterable[Item], title: str, unit: str = "step", total: int | None = None
) -> Iterator[Item]:
    """The same items one by one, while it is told how many of them are done.

    Args:
        items: What long work goes through.
        title: What is done with them.
        unit: What one of them is.
        total: How many there are, where they cannot be counted.

    Yields:
        Each of them.
    """
    if total is None:
        total = len(items) if isinstance(items, Sized) else 0
    with progress(total, title, unit) as bar:
        for item in items:
            yield item
            bar.update()


class Lines:
    """Progress in lines of the log, none before half a minute has passed.

    Args:
        total: How much there is to do.
        title: What is done.
        initial: How much an earlier run has done.
        clock: Seconds since any moment.
    """

    def __init__(
        self,
        total: int,
        title: str,
        initial: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._title, self._initial = total, title, initial
        self._done: float = initial
        self._clock = clock
        self._begun = self._said = clock()
        self._lock = threading.Lock()

    def update(self, n: float = 1) -> None:
        """Count so much more, and log how far that is if the last line is old enough."""
        with self._lock:
            self._done += n
            now = self._clock()
            if now - self._said < SECONDS_BETWEEN_LINES or self._done >= self._total:
                return
            self._said = now
            each = (now - self._begun) / max(self._done - self._initial, 1e-9)
            left = duration(each * (self._total - self._done))
            log.info("%s %.0f %%, %s left", self._title, 100 * self._done / self._total, left)

    def set_postfix(self, values: Mapping[str, Any]) -> None:
        """Show nothing: the figures of training stand in its log."""

    def close(self) -> None:
        """Say nothing: whoever does the work says that it is done."""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def duration(seconds: float) -> str:
    """A time as a person says it.

    Args:
        seconds: How long it is.

    Examples:
        >>> duration(0.04), duration(7.31), duration(59.7), duration(264), duration(3900)
        ('0.0 s', '7.3 s', '1 m 0 s', '4 m 24 s', '1 h 5 m')
    """
    whole = round(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} m {rest} s"
    return f"{minutes // 60} h {minutes % 60} m"
