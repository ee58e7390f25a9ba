"""What a page opens with where no section brings a story: the claims that were put to the test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from doppelcart.reporting.section import Capability, Evidence, Finding, Section, Story
from doppelcart.reporting.signals import UNSAFE, WORSE

NO_STORY: Final = Story(headline="No verdict: nothing that makes one was run.")


def story_of_claims(sections: Sequence[Section], capabilities: Iterable[Capability]) -> Story:
    """A line per claim with its verdict; claims of several verdicts have no common light.

    Args:
        sections: Those that are there, in their order on the page.
        capabilities: Hold the words of the claims.
    """
    texts = {(c.name, claim.name): claim.text for c in capabilities for claim in c.claims}
    findings = tuple(
        _finding(texts.get((section.capability, name), section.question), evidence, section)
        for section in sections
        for name, evidence in section.evidence.items()
    )
    if not findings:
        return NO_STORY
    signals = {finding.signal for finding in findings}
    return Story(
        signal=signals.pop() if len(signals) == 1 else None,
        headline=" ".join(_told(findings)),
        findings=findings,
        per="claim",
    )


def _told(findings: Sequence[Finding]) -> Iterator[str]:
    if len(findings) == 1:
        word = findings[0].signal.word
        yield f"{word[0].upper()}{word[1:]}: {findings[0].who}"
        return
    held = sum(finding.signal.light == "green" for finding in findings)
    harmful = sum(finding.signal == WORSE for finding in findings)
    unsafe = sum(finding.signal == UNSAFE for finding in findings)
    of = f"{len(findings)} claims put to the test"
    if not held:
        yield f"None of {of} is shown to hold."
    elif held == len(findings):
        yield f"All of {of} are shown to hold."
    else:
        yield f"Of {of} {held} {'is' if held == 1 else 'are'} shown to hold."
    if harmful:
        # What was tried may be a graph or a way to explain: not every claim is of generated data.
        yield f"In {_cases(harmful)} what was tried does harm."
    if unsafe:
        yield f"In {_cases(unsafe)} what is claimed does not hold."


def _cases(number: int) -> str:
    return f"{number} {'case' if number == 1 else 'cases'}"


def _finding(claim: str, evidence: Evidence, section: Section) -> Finding:
    percent = {"effect": evidence.effect, "low": evidence.low, "high": evidence.high}
    return Finding(
        who=claim,
        signal=evidence.signal,
        sentence=section.answer,
        what="; ".join(filter(None, (evidence.measure, evidence.where))),
        **(percent if evidence.unit == "%" else {}),
    )
