"""A release file is read whole or refused."""

import os
import shutil
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
from doppelcart.serving.decisions import Decision, Outcome, read_decision
from doppelcart.serving.release import (
    Release,
    folder_of,
    promote,
    read_release,
    roll_back,
    write_release,
)

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


def decided(released: Path, **changed: object) -> Decision:
    """A decision that lets a third model serve in place of the new one."""
    folder = released.parent / "third"
    if folder.exists():
        shutil.rmtree(folder)
    digest = artefact.write(make_model(np.eye(4, k=2, dtype=np.float32)), folder)
    given = {
        "version": "third", "digest": digest, "path": "third", "against": "new",
        "outcome": Outcome.BETTER, "reason": "better.", "made": datetime(2031, 1, 2, tzinfo=UTC),
    }  # fmt: skip
    return Decision.model_validate(given | changed)


def test_a_promotion_swaps_keeps_the_decision_and_can_be_undone(released: Path) -> None:
    before, decision = read_release(released), decided(released)
    release = promote(released, decision)
    assert read_release(released) == release
    assert (release.version, release.previous) == ("third", before.itself)
    assert read_decision(released, "third") == decision
    assert roll_back(released, "third").version == "new"


def test_what_was_refused_is_kept_and_changes_nothing(released: Path) -> None:
    before = released.read_bytes()
    decision = decided(released, outcome=Outcome.HARMS)
    assert promote(released, decision).version == "new"
    assert released.read_bytes() == before
    assert read_decision(released, "third") == decision


def test_what_serves_already_is_left_as_it_is(released: Path) -> None:
    before = released.read_bytes()
    promote(released, decided(released, outcome=Outcome.SERVES))
    assert released.read_bytes() == before
    with pytest.raises(RequestError):
        read_decision(released, "third")


def test_where_nothing_serves_the_first_one_does(released: Path) -> None:
    decision = decided(released, against=None, outcome=Outcome.FIRST)
    with pytest.raises(RequestError, match="tested against nothing, but version new serves since"):
        promote(released, decision)
    for text in (None, "{"):
        released.unlink()
        if text:
            released.write_text(text)
        assert promote(released, decision).previous is None
    with pytest.raises(RequestError, match="tested against new, but version third"):
        promote(released, decided(released))


def test_a_candidate_that_is_damaged_is_not_released(released: Path) -> None:
    decision, before = decided(released), released.read_bytes()
    (released.parent / "third/manifest.json").write_text("{}")
    with pytest.raises(StorageError, match="not the one that was asked for"):
        promote(released, decision)
    assert released.read_bytes() == before


def test_of_twenty_promotions_at_once_one_wins_and_the_others_say_who(released: Path) -> None:
    decision = decided(released)
    code = """
import sys
from pathlib import Path
from doppelcart.errors import RequestError
from doppelcart.serving.decisions import Decision
from doppelcart.serving.release import promote
decision = Decision.model_validate_json(sys.argv[2])
sys.stdin.readline()
try:
    print(promote(Path(sys.argv[1]), decision).version)
except RequestError as error:
    print(error)
"""
    called = [sys.executable, "-c", code, str(released), decision.model_dump_json()]
    running = [
        subprocess.Popen(called, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(20)
    ]
    told = sorted(process.communicate("\n")[0].strip() for process in running)
    assert told.count("third") == 1
    assert sum("but version third serves since" in text for text in told) == 19


# The decision is put in place, and then the release: each before or after the kill.
@pytest.mark.parametrize(
    ("step", "moment", "serves", "is_kept"),
    [
        (1, "before", "new", False), (1, "after", "new", True),
        (2, "before", "new", True), (2, "after", "third", True),
    ],
)  # fmt: skip
def test_a_promotion_that_is_killed_leaves_one_version_serving(
    released: Path, step: int, moment: str, serves: str, is_kept: bool
) -> None:
    decision = decided(released)
    code = """
import os, sys
from pathlib import Path
from doppelcart.serving.decisions import Decision
from doppelcart.serving.release import promote
replace, calls = Path.replace, []
def killed(self, target):
    calls.append(target)
    last = len(calls) == int(sys.argv[3])
    if not last or sys.argv[4] == "after":
        replace(self, target)
    if last:
        os.kill(os.getpid(), 9)
Path.replace = killed
promote(Path(sys.argv[1]), Decision.model_validate_json(sys.argv[2]))
"""
    called = [code, str(released), decision.model_dump_json(), str(step), moment]
    ended = subprocess.run([sys.executable, "-c", *called], check=False)
    assert ended.returncode == -signal.SIGKILL
    found = read_release(released)
    assert found.version == serves
    artefact.read(folder_of(released, found), found.digest)
    assert (released.parent / "decisions/third.json").exists() == is_kept
    # the lock went with the process, and what was left undone can be done
    if serves == "new":
        assert promote(released, decision).version == "third"
