"""A release file is read whole or refused."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from serving_model import make_model

from doppelcart.errors import RequestError, StorageError
from doppelcart.serving import artefact
from doppelcart.serving.commands import rollback
from doppelcart.serving.release import Release, folder_of, read_release, roll_back, write_release

RELEASE = Release(
    version="7", path="models/7", digest="a" * 64, since=datetime(2031, 1, 1, tzinfo=UTC)
)


def test_a_release_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "release.json"
    write_release(path, RELEASE)
    assert read_release(path) == RELEASE
    assert folder_of(path, RELEASE) == tmp_path / "models/7"
    assert [found.name for found in tmp_path.iterdir()] == ["release.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no release file"),
        ("[]", "no release file"),
        (RELEASE.model_dump_json().replace("a" * 64, "a" * 63), "digest"),
        (RELEASE.model_dump_json().replace("Z", ""), "since"),
        (RELEASE.model_dump_json().replace("version", "name"), "version"),
    ],
)
def test_what_is_no_release_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "release.json"
    path.write_text(text)
    with pytest.raises(StorageError, match=message):
        read_release(path)


def test_an_absent_one_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="kedro run --pipelines serving"):
        read_release(tmp_path / "release.json")


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A release file: version new serves, and old did before."""
    path, since = tmp_path / "release.json", datetime(2031, 1, 1, tzinfo=UTC)
    old, new = (
        Release(version=name, path=name, digest=digest, since=since)
        for name, digest in (
            (name, artefact.write(make_model(np.eye(4, k=k, dtype=np.float32)), tmp_path / name))
            for k, name in enumerate(["old", "new"])
        )
    )
    write_release(path, new.model_copy(update={"previous": old.itself}))
    return path


def test_a_rollback_swaps_and_a_second_one_undoes_it(released: Path) -> None:
    before = read_release(released)
    done = CliRunner().invoke(rollback, ["--release", str(released), "--expect", "new"])
    assert done.output == "Version old serves again, in place of new.\n"
    back = read_release(released)
    assert (back.version, back.previous) == ("old", before.itself)
    assert roll_back(released).digest == before.digest


def test_of_twenty_rollbacks_at_once_one_wins_and_the_others_say_what_serves(
    released: Path,
) -> None:
    def attempt(_: int) -> str:
        try:
            return roll_back(released, "new").version
        except RequestError as error:
            return str(error)

    with ThreadPoolExecutor(20) as pool:
        told = sorted(pool.map(attempt, range(20)))
    assert told.count("old") == 1
    assert sum(text.startswith("Version old serves since") for text in told) == 19


@pytest.mark.parametrize(("moment", "serves"), [("before", "new"), ("after", "old")])
def test_a_rollback_that_is_killed_leaves_one_version_serving(
    released: Path, moment: str, serves: str
) -> None:
    code = """
import os, sys
from pathlib import Path
from doppelcart.serving.release import roll_back
replace = Path.replace
def killed(self, target):
    if sys.argv[2] == "after":
        replace(self, target)
    os.kill(os.getpid(), 9)
Path.replace = killed
roll_back(Path(sys.argv[1]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", code, str(released), moment], check=False, env=dict(os.environ)
    )
    assert ended.returncode == -signal.SIGKILL
    found = read_release(released)
    assert found.version == serves
    artefact.read(folder_of(released, found), found.digest)
    # the lock went with the process
    assert roll_back(released).version == ({"new", "old"} - {serves}).pop()


def test_a_rollback_to_nothing_or_to_what_is_damaged_changes_nothing(released: Path) -> None:
    (released.parent / "old/manifest.json").write_text("{}")
    before = released.read_bytes()
    with pytest.raises(StorageError, match="not the one that was asked for"):
        roll_back(released)
    assert released.read_bytes() == before
    write_release(released, RELEASE)
    with pytest.raises(RequestError, match="Nothing served before version 7"):
        roll_back(released)
