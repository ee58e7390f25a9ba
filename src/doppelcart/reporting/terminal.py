"""What a run found, as the last lines on the terminal."""

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from doppelcart.reporting.section import Finding, Section, Story
from doppelcart.reporting.signals import Signal
from doppelcart.reporting.tables import change, change_within

WIDE: Final = 100
"""Columns of the screen from which on there is room for what helped most."""

COLOURS: Final = {"green": "green", "amber": "yellow", "red": "red"}


def render(sections: Iterable[Section]) -> Group:
    """Lay out what sections found: an answer each, and a line per group where there are groups.

    Args:
        sections: Of one run, in any order; one without an answer is passed over.
    """
    ordered = sorted(sections, key=lambda section: section.rank)
    return Group(*(part for section in ordered if section.answer for part in _told(section)))


def _told(section: Section) -> Iterator[RenderableType]:
    story = section.story
    yield Text(section.question, style="bold")
    signal = story.signal if story else _strongest(section)
    yield _said(section.answer, signal)
    if story and story.findings:
        yield Padding(_Findings(story), (0, 0, 0, 2))
    if story and story.advice:
        yield Text(f"Now: {story.advice}")


def _strongest(section: Section) -> Signal | None:
    """The signal of a section that has one claim only; several have no common one."""
    signals = [evidence.signal for evidence in section.evidence.values()]
    return signals[0] if len(signals) == 1 else None


def _said(answer: str, signal: Signal | None) -> Text:
    if signal is None:
        return Text(answer)
    return Text.assemble((f"{signal.shape} ", COLOURS[signal.light]), answer)


class _Findings:
    """A line per group, as wide as the screen: a narrow one shows no case."""

    def __init__(self, story: Story) -> None:
        self._story = story

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        yield _table(self._story, with_case=options.max_width >= WIDE)


def _table(story: Story, with_case: bool) -> Table:
    """The findings, names as they are: a string would be read as the console's markup."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    case = ("strongest case",) if with_case else ()
    for name in ("for", *case, f"change of {story.measure}", "verdict"):
        table.add_column(Text(name), overflow="fold")
    for finding in story.findings:
        colour = COLOURS[finding.signal.light]
        verdict = Text(f"{finding.signal.shape} {finding.signal.word}", style=colour)
        told = (Text(finding.what),) if with_case else ()
        table.add_row(Text(finding.who), *told, _effect(finding), verdict)
    return table


def _effect(finding: Finding) -> str:
    """The change with its interval; the unit is said once."""
    if finding.effect is None:
        return ""
    if finding.low is None or finding.high is None:
        return change(finding.effect)
    return change_within(finding.effect, finding.low, finding.high)
