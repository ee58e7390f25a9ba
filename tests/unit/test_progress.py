"""Long work is told of in lines where there is no terminal, and in a bar where there is one."""

import io
import logging
import sys

import pytest
from tqdm import tqdm

from doppelcart.progress import Lines, progress, tracked


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_line_every_half_a_minute_says_how_far_it_is_and_how_long_it_takes(caplog) -> None:
    clock = Clock()
    with caplog.at_level(logging.INFO), Lines(200, "tuning", clock=clock) as lines:
        for _ in range(4):  # 20 in 20 s, 80 in 80 s
            clock.now += 20
            lines.update(20)
    # After 40 s 160 are left at one a second; the next line is due after 70 s.
    assert caplog.messages == ["tuning 20 %, 2 m 40 s left", "tuning 40 %, 2 m 0 s left"]


def test_what_an_earlier_run_did_does_not_count_for_the_rate(caplog) -> None:
    clock = Clock()
    lines = Lines(100, "training", initial=50, clock=clock)
    clock.now += 40
    with caplog.at_level(logging.INFO):
        lines.update(20)  # two seconds each, and 30 are left
    assert caplog.messages == ["training 70 %, 1 m 0 s left"]


def test_short_work_and_the_end_of_long_work_say_nothing(caplog) -> None:
    clock = Clock()
    with caplog.at_level(logging.INFO), Lines(2, "testing", clock=clock) as lines:
        lines.update()
        clock.now += 500
        lines.update()
    assert caplog.messages == []


def test_items_pass_unchanged() -> None:
    assert list(tracked({"a": 1, "b": 2}.items(), "reading")) == [("a", 1), ("b", 2)]
    assert list(tracked(iter("ab"), "reading", total=2)) == ["a", "b"]


@pytest.mark.parametrize(("is_terminal", "kind"), [(True, tqdm), (False, Lines)])
def test_a_bar_is_for_terminals(monkeypatch, is_terminal: bool, kind: type) -> None:
    stream = io.StringIO()
    stream.isatty = lambda: is_terminal  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(3, "testing", "user") as bar:
        assert isinstance(bar, kind)
        bar.update(2)
    assert ("testing" in stream.getvalue()) is is_terminal
