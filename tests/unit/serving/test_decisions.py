"""A decision can be read back, and says who was held against whom."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from doppelcart.errors import RequestError, StorageError
from doppelcart.serving.commands import why
from doppelcart.serving.decisions import (
    Comparison,
    Cost,
    Decision,
    Outcome,
    in_words,
    read_decision,
    write_decision,
)
from doppelcart.serving.release import Release, write_release

DECISION = Decision(
    version="new",
    digest="a" * 64,
    path="new",
    against="old",
    outcome=Outcome.BETTER,
    reason="+2.0 % over all customers (p = 0.01), and no slice loses too much.",
    made=datetime(2031, 1, 1, 12, tzinfo=UTC),
    metric="ndcg@20",
    margin=0.02,
    tests=(
        Comparison(
            slice="all", customers="all customers", champion="", candidate="", base=0.1,
            value=0.102, relative=0.02, low=0.01, high=0.03, p_value=0.01, n_customers=1200,
        ),
        Comparison(
            slice="warm", customers="returning customers", champion="EASE", candidate="iALS",
            base=0.0, value=0.1, n_customers=7,
        ),
    ),
    costs={"champion": Cost(size=2_000_000, milliseconds=0.5)},
    refused=("EASE with customers of the GAN: no gain.",),
)  # fmt: skip


def test_it_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    path = write_decision(tmp_path / "release.json", DECISION)
    assert path == tmp_path / "decisions/new.json"
    assert read_decision(tmp_path / "release.json", "new") == DECISION


def test_it_is_told_in_words() -> None:
    assert in_words(DECISION) == (
        "Version new was let serve (better, 2031-01-01 12:00 UTC): +2.0 % over all customers "
        "(p = 0.01), and no slice loses too much.\n\n"
        "ndcg@20, against version old (a slice may lose 2 %):\n"
        "  all customers (1,200): +2.0 % (+1.0 to +3.0), 0.1000 -> 0.1020\n"
        "  returning customers (7): undefined, 0.0000 -> 0.1000, by iALS in place of EASE\n\n"
        "cost:\n  champion: 2.0 MB, 0.50 ms a list\n\n"
        "refused before, by evaluation:\n  EASE with customers of the GAN: no gain."
    )
    refused = DECISION.model_copy(update={"outcome": Outcome.HARMS})
    assert in_words(refused).startswith("Version new was refused (harms,")


def test_what_serves_can_be_asked_why(tmp_path: Path) -> None:
    path, since = tmp_path / "release.json", datetime(2031, 1, 1, tzinfo=UTC)
    write_release(path, Release(version="new", path="new", digest="a" * 64, since=since))
    asked = ["--release", str(path)]
    none = CliRunner().invoke(why, asked)
    assert none.exit_code == 1
    assert "No decision was made of version new. None was made yet." in none.output
    write_decision(path, DECISION)
    assert CliRunner().invoke(why, asked).output == in_words(DECISION) + "\n"
    assert CliRunner().invoke(why, [*asked, "new"]).output == in_words(DECISION) + "\n"
    other = CliRunner().invoke(why, [*asked, "7"])
    assert (other.exit_code, "There are: new." in other.output) == (1, True)


@pytest.mark.parametrize("version", ["", "../new", "a/b", "new\0", "x" * 201])
def test_a_version_that_could_be_another_file_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(RequestError, match="letters, digits"):
        read_decision(tmp_path / "release.json", version)


def test_what_is_no_decision_is_refused(tmp_path: Path) -> None:
    write_decision(tmp_path / "release.json", DECISION).write_text('{"version": "new"}')
    with pytest.raises(StorageError, match="is no decision"):
        read_decision(tmp_path / "release.json", "new")
