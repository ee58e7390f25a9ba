"""The design of an experiment: what is compared with what, over which units, and held to what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from pydantic import Field, model_validator

from doppelcart.config.base import Parameters
from doppelcart.experiment.families import LEAST_UNITS

BEST_BASELINE: Final = "best_baseline"
"""What a comparison with the best that there is without synthetic data is called."""


class Role(StrEnum):
    """What an arm is there for."""

    BASELINE = "baseline"
    """Without synthetic data."""
    CONTROL = "control"
    """A plainer way to the same end."""
    TRIAL = "trial"
    """The generator, which is to be judged."""
    ORACLE = "oracle"
    """An upper bound, such as real data that nobody would have; it can never be promoted."""
    MUST_FAIL = "must_fail"
    """Cannot help. Where it does, the experiment is broken."""
    MUST_WIN = "must_win"
    """Helps for certain. Where it does not, the experiment sees nothing."""


class Arm(Parameters):
    """One arm of an experiment."""

    name: str = Field(min_length=1, description="Identifier in every table.")
    role: Role = Field(description="What the arm is there for.")
    phrase: str = Field(min_length=1, description="Its description, to stand in a sentence.")
    rivals: tuple[str, ...] | None = Field(
        default=None, description="Controls that a trial must beat; null takes all of the design."
    )
    level: str = Field(default="level", description="Name of what validation chooses of the arm.")


class Baseline(Parameters):
    """The best that a group can have without synthetic data, as validation saw it."""

    group: tuple[str, ...] = Field(description="Value of each column of the groups.")
    system: str = Field(default="", description="The system; empty where there are none.")
    arm: str = Field(description="The arm, whose role is baseline.")


class Words(Parameters):
    """How a verdict speaks of the experiment."""

    unit: str = Field(default="unit", description="One of what is measured, such as customer.")
    units: str = Field(default="units", description="Several of them.")
    groups: dict[str, str] = Field(
        default={}, description="A group in words, by its values joined by ' / '."
    )
    trial: str = Field(default="the generator", description="What is on trial.")
    best: str = Field(
        default="the best without synthetic data",
        description="What the best baseline is called.",
    )
    unchanged: str = Field(
        default="nothing changes", description="What becomes of a group whose arm is at level 0."
    )
    nobody: str = Field(
        default="no unit changed", description="What is said where all differences are 0."
    )
    worse: str = Field(default="it got worse", description="What is said of harm.")

    def of(self, group: Sequence[str]) -> str:
        """A group in words; empty where an experiment has no groups."""
        key = " / ".join(group)
        return self.groups.get(key, key)


class Design(Parameters):
    """An experiment, as a capability declares it.

    The scores that it is about have one row per (group, system, arm, unit), in columns of the names
    given here.
    """

    name: str = Field(min_length=1, description="Of the capability that asks.")
    metric: str = Field(min_length=1, description="What is measured of a unit, such as ndcg@20.")
    arms: tuple[Arm, ...] = Field(description="The arms, in the order of the tables.")
    unit: str = Field(description="Column of what is measured, such as user_id.")
    cluster: str | None = Field(
        default=None, description="Column by which units are resampled together; null for none."
    )
    weight: str | None = Field(
        default=None, description="Column of how much a unit counts; null counts all alike."
    )
    groups: tuple[str, ...] = Field(default=(), description="Columns that part the units.")
    system: str | None = Field(
        default=None, description="Column of the systems that arms are tried with; null for one."
    )
    higher_is_better: bool = Field(default=True, description="Direction of the metric.")
    bystanders: dict[str, str] = Field(
        default={},
        description="Value by column of the groups that no arm is meant for: there, arms are held "
        "against the baseline only, to see whether they do harm.",
    )
    best: tuple[Baseline, ...] = Field(
        default=(), description="The best baseline of each group; empty holds trials to none."
    )
    family: tuple[str, ...] = Field(
        default=(),
        description="Columns of the groups within which Holm corrects; none takes the whole table.",
    )
    alpha: float = Field(default=0.05, gt=0, lt=0.5, description="Error rate of a family.")
    n_bootstrap: int = Field(default=10_000, ge=1, description="Resamples per seed.")
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1, description="Seeds of resampling.")
    min_units: int = Field(
        default=LEAST_UNITS, ge=2, description="Clusters below which a verdict is undefined."
    )
    margin: float | None = Field(
        default=None,
        gt=0,
        description="Relative loss up to which an arm counts as not worse, declared beforehand.",
    )
    words: Words = Field(default=Words(), description="How its verdict speaks.")

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        faults = list(_faults(self))
        if faults:
            raise ValueError(f"experiment {self.name}: {'; '.join(faults)}")
        return self

    @property
    def n_resamples(self) -> int:
        """Resamples of all seeds together."""
        return self.n_bootstrap * len(self.seeds)

    @property
    def by_name(self) -> dict[str, Arm]:
        """Arms by name."""
        return {arm.name: arm for arm in self.arms}

    def of_role(self, *roles: Role) -> tuple[str, ...]:
        """Names of the arms of some roles, in the order of the tables."""
        return tuple(arm.name for arm in self.arms if arm.role in roles)

    def rivals_of(self, arm: str) -> tuple[str, ...]:
        """Controls that a trial must beat."""
        rivals = self.by_name[arm].rivals
        return self.of_role(Role.CONTROL) if rivals is None else rivals

    @property
    def key_columns(self) -> list[str]:
        """Columns that tell one row of an arm from another: groups, system, arm."""
        return [*self.groups, *([self.system] if self.system else []), "arm"]


@dataclass(frozen=True)
class Pair:
    """One comparison.

    Args:
        group: Values of the columns of the groups.
        system: The arm's system; empty without systems.
        arm: The arm.
        against: What it is compared with: an arm's name, or ``best_baseline``.
        reference: System and arm behind ``against``.
        tested: Whether there is anything to test: not where the arm is not used at all.
    """

    group: tuple[str, ...]
    system: str
    arm: str
    against: str
    reference: tuple[str, str]
    tested: bool = True


def pairs(
    design: Design, group: tuple[str, ...], present: Mapping[tuple[str, str], float]
) -> Iterator[Pair]:
    """The comparisons of one group: every arm with the baseline, a trial with its rivals besides.

    Args:
        design: The experiment.
        group: Values of its groups' columns.
        present: The level of every (system, arm) that there are scores of, in the order of the
            tables; NaN for arms that have none.

    Yields:
        For a baseline nothing. For any other arm the comparison with the baseline of its own
        system; for a trial then one with each rival that was run, and with the best baseline.
    """
    best = {found.group: (found.system, found.arm) for found in design.best}.get(group)
    aside = _is_aside(design, group)
    for (system, arm), level in present.items():
        if design.by_name[arm].role is Role.BASELINE:
            continue
        run = {other for its, other in present if its == system}
        against = [name for name in design.of_role(Role.BASELINE) if name in run][:1]
        if design.by_name[arm].role is Role.TRIAL and not aside:
            against += [name for name in design.rivals_of(arm) if name in run]
        for name in against:
            yield Pair(group, system, arm, name, (system, name), level != 0)
        if design.by_name[arm].role is Role.TRIAL and not aside and best is not None:
            yield Pair(group, system, arm, BEST_BASELINE, best, level != 0)


def largest_family(
    design: Design, groups: Sequence[tuple[str, ...]], systems: Sequence[str]
) -> int:
    """Most comparisons of a family: those made if every arm is run in every group and is used.

    Args:
        design: The experiment.
        groups: Values of its groups' columns.
        systems: Its systems; one empty name without any.
    """
    present = {(system, arm.name): float("nan") for system in systems for arm in design.arms}
    places = [design.groups.index(column) for column in design.family]
    sizes: Counter[tuple[str, ...]] = Counter()
    for group in groups:
        sizes[tuple(group[n] for n in places)] += len(list(pairs(design, group, present)))
    return max(sizes.values(), default=0)


def _is_aside(design: Design, group: tuple[str, ...]) -> bool:
    values = dict(zip(design.groups, group, strict=True))
    return bool(design.bystanders) and all(
        values[column] == value for column, value in design.bystanders.items()
    )


def _faults(design: Design) -> Iterator[str]:
    """What makes a design no experiment."""
    yield from _faults_of_arms(design)
    for best in design.best:
        if best.arm not in design.of_role(Role.BASELINE):
            yield f"the best baseline of {best.group} is {best.arm}, whose role is not baseline"
        if len(best.group) != len(design.groups):
            yield f"the best baseline of {best.group} has not one value per column of the groups"
    for columns, what in ((design.family, "family"), (tuple(design.bystanders), "bystanders")):
        if unknown := [name for name in columns if name not in design.groups]:
            yield f"{what} names {', '.join(unknown)}, which is no column of the groups"


def _faults_of_arms(design: Design) -> Iterator[str]:
    names = Counter(arm.name for arm in design.arms)
    if twice := [name for name, count in names.items() if count > 1]:
        yield f"two arms are named {', '.join(twice)}"
    if BEST_BASELINE in names:
        yield f"an arm may not be named {BEST_BASELINE}"
    for role, lack in ((Role.BASELINE, "compare with"), (Role.TRIAL, "judge")):
        if not design.of_role(role):
            yield f"no arm has the role {role}, so there is nothing to {lack}"
    controls = design.of_role(Role.CONTROL)
    for arm in design.arms:
        if arm.rivals is not None and arm.role is not Role.TRIAL:
            yield f"{arm.name} has rivals, but its role is {arm.role}, which is not judged"
        if wrong := [name for name in arm.rivals or () if name not in controls]:
            yield f"rivals of {arm.name} that are no controls: {', '.join(wrong)}"
