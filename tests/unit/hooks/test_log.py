"""A run is shown in few lines, and all of its log is kept in a file."""

import logging
import os
import sys
import warnings
from pathlib import Path

import pytest

from doppelcart.hooks import log as log_module
from doppelcart.hooks.log import MOST_FILES, SCREEN, Steps, new_file, quiet_screen, written_to


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_quick_nodes_share_a_line_and_others_have_their_own() -> None:
    clock = Clock()
    steps = Steps(12, clock)
    said = []
    for name, seconds in [("scale", 0.5), ("fit", 0.25), ("gan.train", 264), ("plot", 0.5)]:
        clock.now += seconds
        said += steps.ended(name)
    assert said == ["[ 2/12] scale and 1 more 0.8 s", "[ 3/12] gan.train 4 m 24 s"]
    assert steps.rest() == ["[ 4/12] plot 0.5 s"]
    assert steps.rest() == []
    assert steps.elapsed() == "4 m 25 s"
    assert steps.seconds == {"scale": 0.5, "fit": 0.25, "gan.train": 264, "plot": 0.5}


@pytest.fixture
def screen(tmp_path: Path):
    """The handler of the screen, writing to a file instead."""
    handler = logging.FileHandler(tmp_path / "screen.txt")
    handler.set_name(SCREEN)
    logging.root.addHandler(handler)
    yield tmp_path / "screen.txt"
    logging.root.removeHandler(handler)
    handler.close()


def speak() -> None:
    logging.getLogger("kedro.io").info("Loading data")
    logging.getLogger("a.library").warning("of no use")
    logging.getLogger("doppelcart.x").info("half of %s", "it")
    logging.getLogger("doppelcart.x").warning("left out")
    logging.getLogger("doppelcart.x").debug("a traceback")


def test_the_project_alone_speaks_on_the_screen_and_the_file_has_it_all(
    tmp_path: Path, screen: Path
) -> None:
    with written_to(tmp_path / "run.log"), quiet_screen():
        speak()
    assert screen.read_text().splitlines() == ["half of it", "Warning: left out"]
    kept = (tmp_path / "run.log").read_text()
    for text in ("Loading data", "of no use", "half of it", "left out", "a traceback"):
        assert text in kept
    speak()
    assert "of no use" in screen.read_text()
    assert (tmp_path / "run.log").read_text() == kept


def test_a_library_that_writes_for_itself_writes_to_the_file_for_a_while(
    tmp_path: Path, screen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, own = logging.getLogger("mlflow"), logging.FileHandler(tmp_path / "own.txt")
    monkeypatch.setattr(library, "handlers", [own])
    monkeypatch.setattr(library, "propagate", False)
    with written_to(tmp_path / "run.log"), quiet_screen():
        library.warning("of no use")
    assert (own.baseFilename, (tmp_path / "own.txt").read_text()) == (str(tmp_path / "own.txt"), "")
    assert "of no use" in (tmp_path / "run.log").read_text()
    library.warning("for itself")
    assert "for itself" in (tmp_path / "own.txt").read_text()
    assert screen.read_text() == ""


def test_warnings_are_for_the_file(tmp_path: Path, screen: Path) -> None:
    logging.captureWarnings(capture=True)
    try:
        with written_to(tmp_path / "run.log"), quiet_screen(), warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.getLogger("py.warnings").warning("deprecated")
    finally:
        logging.captureWarnings(capture=False)
    assert "deprecated" in (tmp_path / "run.log").read_text()
    assert screen.read_text() == ""


def test_what_libraries_print_as_errors_goes_to_the_file_and_python_still_to_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with os.fdopen(os.dup(2), "w") as python:
        monkeypatch.setattr(log_module, "_writes_to", lambda *_: True)
        monkeypatch.setattr(sys, "stderr", python)
        with written_to(tmp_path / "run.log"):
            os.write(2, b"failed call to cuInit\n")
            sys.stderr.write("a bar\n")
        assert sys.stderr is python
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "a bar\nafter\n"
    assert (tmp_path / "run.log").read_text() == "failed call to cuInit\n"


def test_levels_are_never_raised_and_are_put_back(tmp_path: Path, caplog) -> None:
    caplog.set_level(logging.DEBUG, logger="kedro")
    with written_to(tmp_path / "run.log"):
        assert logging.getLogger("kedro").level == logging.DEBUG
    assert logging.getLogger("kedro").level == logging.DEBUG


def test_the_oldest_files_are_removed(tmp_path: Path) -> None:
    for second in range(30):
        (tmp_path / f"2026-01-01_00.00.{second:02}.log").touch()
    path = new_file(tmp_path)
    path.touch()
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == MOST_FILES
    assert kept[0].name == "2026-01-01_00.00.11.log"
    assert kept[-1] == path
