"""A release file is read whole or refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from doppelcart.errors import StorageError
from doppelcart.serving.release import Release, folder_of, read_release, write_release

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
