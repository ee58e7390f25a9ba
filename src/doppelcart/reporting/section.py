"""What a capability brings to the pages: its claims, and a section with what was found."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from math import isfinite
from typing import Final, ParamSpec

from pydantic import BaseModel, ConfigDict, Field

from doppelcart.reporting import provenance
from doppelcart.reporting.blocks import Block, People, is_inside, to_share
from doppelcart.reporting.signals import Signal

P = ParamSpec("P")
DEFAULT_COMMAND: Final = "kedro run"
SOURCE: Final = "source"
"""The fact of a section by which it names the shop's log."""

log = logging.getLogger(__name__)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Claim(_Part):
    """Something that is said of synthetic data, and that a capability puts to the test.

    Attributes:
        name: Identifier within the capability, by which its evidence and its studies name it.
        text: The claim in one sentence.
        source: Who makes it: author, year, title.
    """

    name: str
    text: str
    source: str


class Evidence(_Part):
    """What one run has to say of a claim: the claim's strongest case.

    Attributes:
        signal: The verdict.
        measure: What the effect is a change or a value of.
        unit: ``%`` for a relative change in percent; empty for a plain value.
        effect: The change or value; None where it is undefined.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        where: The case: which customers, items, method.
        cases: How many there were, such as groups of customers; 0 where nobody counted.
        alike: How many of them have the same verdict.
        controls: Plainer ways to the same end that the generator was compared with.
        beaten: How many of these it beat.
        seeds: Trainings of the generator that the verdict rests on.
    """

    signal: Signal
    measure: str
    unit: str = ""
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    where: str = ""
    cases: int = Field(default=0, ge=0)
    alike: int = Field(default=0, ge=0)
    controls: int = Field(default=0, ge=0)
    beaten: int = Field(default=0, ge=0)
    seeds: int = Field(default=1, ge=1)


class Finding(_Part):
    """What was found for one group: its strongest case.

    Attributes:
        who: The group.
        signal: The verdict.
        sentence: What the verdict rests on.
        what: The case, such as a method and what it was given.
        effect: Relative change in percent; None where it is undefined.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        gains: The effect in other units, one per unit of the story.
    """

    who: str
    signal: Signal
    sentence: str
    what: str = ""
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    gains: tuple[str, ...] = ()


class Story(_Part):
    """What a page opens with.

    Attributes:
        signal: The overall verdict; None where there is none, or several that differ.
        headline: It in one sentence.
        findings: One per group.
        per: What a group is, such as one of customers.
        measure: What the effects of the findings are changes of; empty where each says it itself.
        units: Headings of the findings' gains.
        words: What the figures of the findings mean.
        advice: What to do now.
        examples: A few who stand for all: real ones, and synthetic ones in their place.
    """

    signal: Signal | None = None
    headline: str
    findings: tuple[Finding, ...] = ()
    per: str = "group of customers"
    measure: str = ""
    units: tuple[str, ...] = ()
    words: str = ""
    advice: str = ""
    examples: tuple[People, ...] = ()


class Section(_Part):
    """What one capability found, ready to be laid out; saved as JSON.

    Attributes:
        capability: Name of the capability.
        rank: Place on the page, the lowest first.
        title: Heading.
        question: What was asked, in one sentence.
        answer: What was found, in one sentence.
        shown: What is shown at once: little, for who only reads.
        blocks: Text, tables and figures that open on demand.
        caveats: What a reader must mind before quoting a figure.
        evidence: By name of the claim, what there is to say of it.
        story: What the page opens with, if no section before this one has any.
        facts: Said in the head of the page: what, and its value.
        glossary: Words that the section uses, and what they mean.
        metrics: The few numbers by which runs are told apart, by name.
        data: Name of the data, if they are not the shop's log.
        commit: Commit of the code that made it.
        written: When it was made (UTC, ISO 8601).
        failure: Why there is nothing else in it; empty where all went well.
    """

    capability: str
    rank: int
    title: str
    question: str
    answer: str
    shown: tuple[Block, ...] = ()
    blocks: tuple[Block, ...] = ()
    caveats: tuple[str, ...] = ()
    evidence: dict[str, Evidence] = Field(default_factory=dict)
    story: Story | None = None
    facts: dict[str, str] = Field(default_factory=dict)
    glossary: tuple[tuple[str, str], ...] = ()
    metrics: dict[str, float] = Field(default_factory=dict)
    data: str = ""
    commit: str = ""
    written: str = ""
    failure: str = ""

    @property
    def inside(self) -> bool:
        """Whether it shows real customers, or what they wrote."""
        return any(map(is_inside, (*self.shown, *self.blocks)))

    def to_share(self) -> "Section":
        """It without what shows real customers, for a page that leaves the house."""
        parts = {"shown": to_share(self.shown), "blocks": to_share(self.blocks)}
        return self.model_copy(update=parts)

    @property
    def fold(self) -> str:
        """What opens on demand, counted; empty where there are words only, which stay open."""
        kinds = Counter(_kinds(self.blocks))
        told = [
            f"{kinds[kind]} {word}{'s' * (kinds[kind] != 1)}"
            for kind, word in (("figure", "figure"), ("table", "table"))
            if kinds[kind]
        ]
        return " and ".join(told)


def _kinds(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        yield "table" if block.kind == "grid" else block.kind
        if block.kind == "details":
            yield from _kinds(block.blocks)


class Capability(_Part):
    """What a capability says of itself, whether it was run or not.

    ``pipelines/<name>/section.py`` declares one as ``CAPABILITY``.

    Attributes:
        name: That of its pipeline.
        rank: Place of its section on the page, the lowest first.
        title: Heading of its section.
        question: What it asks, in one sentence.
        claims: What it puts to the test; none for one that only prepares.
        command: What runs it.
        fakes: Parameter by which an operator lets generators of fakes be trained, without which
            its claims are not judged; empty where there are none.
    """

    name: str
    rank: int
    title: str
    question: str
    claims: tuple[Claim, ...] = ()
    command: str = DEFAULT_COMMAND
    fakes: str = ""

    @property
    def whole_command(self) -> str:
        """What runs it and judges all of its claims."""
        return f"{self.command} --params {self.fakes}=true" if self.fakes else self.command

    def section(
        self,
        answer: str,
        blocks: Sequence[Block],
        *,
        shown: Sequence[Block] = (),
        caveats: Sequence[str] = (),
        evidence: Mapping[str, Evidence] | None = None,
        story: Story | None = None,
        facts: Mapping[str, str] | None = None,
        glossary: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        data: str = "",
    ) -> Section:
        """Its section, stamped with the commit and the moment; arguments as of ``Section``.

        Raises:
            ValueError: Evidence is given for a claim that the capability does not declare.
        """
        unknown = set(evidence or {}) - {claim.name for claim in self.claims}
        if unknown:
            raise ValueError(f"{self.name} declares no claim of the name {', '.join(unknown)}")
        return Section(
            capability=self.name,
            rank=self.rank,
            title=self.title,
            question=self.question,
            answer=answer,
            shown=tuple(shown),
            blocks=tuple(blocks),
            caveats=tuple(filter(None, caveats)),
            evidence=dict(evidence or {}),
            story=story,
            facts=dict(facts or {}),
            glossary=tuple((glossary or {}).items()),
            metrics={name: value for name, value in (metrics or {}).items() if isfinite(value)},
            data=data,
            **provenance.stamp(),
        )

    def written_by(self, node: Callable[P, Section]) -> Callable[P, Section]:
        """Decorate the node that writes the section: one that fails must not cost the results.

        The error is logged, the run goes on, and the section says what happened to it; the report
        is written without it, and ``check_report`` ends the run as failed.

        Args:
            node: A function that returns the section.
        """

        @wraps(node)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Section:
            try:
                return node(*args, **kwargs)
            except Exception as error:
                log.exception("The section of %s could not be written", self.name)
                failure = f"{type(error).__name__}: {error}"
                return self.section("", ()).model_copy(update={"failure": failure})

        return guarded
