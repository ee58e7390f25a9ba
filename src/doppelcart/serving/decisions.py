"""Decisions on who serves: what was tested, what it costs, and why. Each can be read back."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from doppelcart.data.storage import write_durably
from doppelcart.errors import RequestError, StorageError

FOLDER: Final = "decisions"
_VERSION: Final = re.compile(r"[\w.-]{1,200}")


class Outcome(StrEnum):
    """What became of a candidate, and by which rule."""

    FIRST = "first"
    """Nothing served before."""
    BETTER = "better"
    """The paired test says so, and no slice loses more than the margin."""
    CHEAPER = "cheaper"
    """Not worse by more than the margin anywhere, and smaller."""
    RENEWED = "renewed"
    """The same strategies, fitted on other data."""
    SERVES = "serves"
    """It serves already."""
    HARMS = "harms"
    """A slice loses more than the margin."""
    NOT_BETTER = "not better"
    """Neither better nor cheaper."""


PROMOTING: Final = frozenset({Outcome.FIRST, Outcome.BETTER, Outcome.CHEAPER, Outcome.RENEWED})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Comparison(_Part):
    """The candidate against the champion, over the same held-out customers.

    Attributes:
        slice: Name of their slice; ``all`` for all of them, each counted once.
        customers: They in words.
        champion: What the champion serves them by.
        candidate: What the candidate would.
        base: Mean of the metric under the champion.
        value: Mean of the metric under the candidate.
        relative: Relative change; None where it is undefined.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        p_value: Two-sided, of this test alone.
        n_customers: Customers tested.
    """

    slice: str
    customers: str
    champion: str
    candidate: str
    base: float
    value: float
    relative: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    n_customers: int


class Cost(_Part):
    """What a model takes.

    Attributes:
        size: Bytes of its files, which a server maps into memory.
        milliseconds: Processor time of one list for a held-out customer.
    """

    size: int
    milliseconds: float


class Decision(_Part):
    """Whether a candidate serves from now on.

    Attributes:
        version: The candidate.
        digest: SHA-256 of its manifest.
        path: Its folder, from that of the release file on.
        against: Version that served when it was tested; None where none did.
        outcome: What was decided, and by which rule.
        reason: It in one sentence.
        made: When.
        metric: What was measured of a customer; empty where nothing was.
        margin: Relative loss that was declared bearable.
        alpha: Error rate of the test over all customers.
        tests: All customers first, then slice by slice.
        costs: By ``champion`` and ``candidate``.
        refused: What evaluation had refused before, in words.
    """

    version: str = Field(min_length=1, max_length=200)
    digest: str = Field(pattern="^[0-9a-f]{64}$")
    path: str = Field(min_length=1)
    against: str | None
    outcome: Outcome
    reason: str
    made: AwareDatetime
    metric: str = ""
    margin: float = 0.0
    alpha: float = 0.05
    tests: tuple[Comparison, ...] = ()
    costs: dict[str, Cost] = Field(default_factory=dict)
    refused: tuple[str, ...] = ()

    @property
    def promotes(self) -> bool:
        """Whether the candidate serves from now on."""
        return self.outcome in PROMOTING


def write_decision(release_file: Path, decision: Decision) -> Path:
    """Keep a decision beside the release file.

    Args:
        release_file: Where the release is named.
        decision: What was decided of a version; one that was decided of it before is replaced.

    Returns:
        Where it lies.

    Raises:
        StorageError: The disk is full or refuses.
    """
    path = _file_of(release_file, decision.version)
    write_durably(path, decision.model_dump_json(indent=1) + "\n")
    return path


def read_decision(release_file: Path, version: str) -> Decision:
    """Read what was decided of a version.

    Args:
        release_file: Where the release is named.
        version: The version.

    Raises:
        RequestError: Nothing was decided of such a version; those that there are are named.
        StorageError: It cannot be read.
    """
    path = _file_of(release_file, version)
    try:
        return Decision.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        known = sorted(found.stem for found in path.parent.glob("*.json"))
        there = f"There are: {', '.join(known)}." if known else "None was made yet."
        raise RequestError(f"No decision was made of version {version}. {there}") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        raise StorageError(
            f"{path} is no decision ({error.error_count()} faults). Move it away."
        ) from error


def in_words(decision: Decision) -> str:
    """A decision as a text of some lines: reason, tests, costs, and who lost.

    Args:
        decision: What was decided.
    """
    became = "was let serve" if decision.promotes else "was refused"
    when = f"{decision.made:%Y-%m-%d %H:%M} UTC"
    lines = [f"Version {decision.version} {became} ({decision.outcome}, {when}): {decision.reason}"]
    if decision.tests:
        bearable = f"a slice may lose {100 * decision.margin:g} %"
        lines += [
            "",
            f"{decision.metric}, against version {decision.against} ({bearable}):",
            *(f"  {_test_in_words(test)}" for test in decision.tests),
        ]
    if decision.costs:
        lines += ["", "cost:"]
        lines += [
            f"  {name}: {cost.size / 1e6:,.1f} MB, {cost.milliseconds:.2f} ms a list"
            for name, cost in decision.costs.items()
        ]
    if decision.refused:
        lines += ["", "refused before, by evaluation:", *(f"  {one}" for one in decision.refused)]
    return "\n".join(lines)


def _test_in_words(test: Comparison) -> str:
    if test.relative is None:
        change = "undefined"
    else:
        ends = "" if test.low is None or test.high is None else _ends(test.low, test.high)
        change = f"{100 * test.relative:+.1f} %{ends}"
    by = (
        f"{test.champion} as before"
        if test.champion == test.candidate
        else f"{test.candidate} in place of {test.champion}"
    )
    means = f"{test.base:.4f} -> {test.value:.4f}"
    who = f"{test.customers} ({test.n_customers:,})"
    return f"{who}: {change}, {means}" + (f", by {by}" if test.candidate else "")


def _ends(low: float, high: float) -> str:
    return f" ({100 * low:+.1f} to {100 * high:+.1f})"


def _file_of(release_file: Path, version: str) -> Path:
    if not _VERSION.fullmatch(version):
        raise RequestError("A version is called by letters, digits, '.', '_' and '-' alone.")
    return release_file.parent / FOLDER / f"{version}.json"
