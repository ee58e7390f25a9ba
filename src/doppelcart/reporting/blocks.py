"""What a section is made of: text, tables, figures. Each block is data, and survives JSON."""

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Literal

from plotly import graph_objects as go
from pydantic import BaseModel, ConfigDict, Field, field_validator

from doppelcart.imaging.opening import is_generated
from doppelcart.reporting.signals import Signal
from doppelcart.reporting.tables import Table

WIDE: Final = 5
"""A table of more columns takes the whole width of the page."""


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Block):
    """A paragraph."""

    kind: Literal["text"] = "text"
    text: str


class Bullets(_Block):
    """Entries one below the other."""

    kind: Literal["list"] = "list"
    entries: tuple[str, ...]


class Heading(_Block):
    """The heading of a part of a section."""

    kind: Literal["heading"] = "heading"
    text: str


class Skipped(_Block):
    """A part that this run does not have, and why."""

    kind: Literal["skipped"] = "skipped"
    text: str


class TableBlock(_Block):
    """A table.

    Attributes:
        table: Its rows.
        inside: Whether it names real customers, what they wrote or what is suspected: then it
            stays out of a page that is to be shared.
    """

    kind: Literal["table"] = "table"
    table: Table
    inside: bool = False

    @property
    def wide(self) -> bool:
        """Whether it takes the whole width of the page."""
        return len(self.table.headings) > WIDE


class Figure(_Block):
    """A figure as Plotly's JSON, with its words for readers who do not see it."""

    kind: Literal["figure"] = "figure"
    name: str
    alt: str
    height: int
    caption: str
    plotly: dict[str, Any]


class Picture(_Block):
    """A small picture that a model has made, in the page itself.

    Attributes:
        png: The file in base64; it says of itself that it was generated.
        alt: For readers who do not see it.
        caption: Said below it.
    """

    kind: Literal["picture"] = "picture"
    png: str
    alt: str
    caption: str

    @field_validator("png")
    @classmethod
    def _is_marked(cls, png: str) -> str:
        if not is_generated(base64.b64decode(png)):
            raise ValueError("a picture in a section has to carry the mark of a generated one")
        return png


class GridRow(_Block):
    """One row of a grid: a signal per column, None where there is none."""

    label: str
    cells: tuple[Signal | None, ...]


class GridGroup(_Block):
    """Rows under one heading."""

    label: str
    rows: tuple[GridRow, ...]


class Grid(_Block):
    """Signals in rows and columns."""

    kind: Literal["grid"] = "grid"
    caption: str
    headings: tuple[str, ...]
    groups: tuple[GridGroup, ...]


class Entry(_Block):
    """One line of a list of somebody's.

    Attributes:
        text: What it is.
        found: Whether it came true, such as an item that was bought.
        fresh: Whether it stands in no list that this one is held against.
    """

    text: str
    found: bool = False
    fresh: bool = False


class NamedList(_Block):
    """One of somebody's lists; ``more`` says how many entries it goes on for."""

    title: str
    entries: tuple[Entry, ...]
    more: int = 0


class Person(_Block):
    """Somebody who stands for others, with lists of theirs, and one line about them."""

    name: str
    note: str
    lists: tuple[NamedList, ...]


class People(_Block):
    """A few who stand for others.

    Attributes:
        caption: Who they are, and how they were chosen.
        synthetic: Whether they are made up: nobody real may stand in a page that is to be shared.
        people: They.
    """

    kind: Literal["people"] = "people"
    caption: str
    synthetic: bool
    people: tuple[Person, ...]


class Details(_Block):
    """Blocks that open on demand."""

    kind: Literal["details"] = "details"
    summary: str
    blocks: tuple["Block", ...]


Block = Annotated[
    Text | Bullets | Heading | Skipped | TableBlock | Figure | Picture | Grid | People | Details,
    Field(discriminator="kind"),
]
Details.model_rebuild()


def paragraph(words: str) -> Text:
    """A paragraph."""
    return Text(text=words)


def bullets(entries: Iterable[str]) -> Bullets:
    """Entries one below the other."""
    return Bullets(entries=tuple(entries))


def heading(words: str) -> Heading:
    """The heading of a part of a section."""
    return Heading(text=words)


def skipped(what: str, reason: str) -> Skipped:
    """A part that this run does not have, and why."""
    return Skipped(text=f"{what}: skipped because {reason}.")


def table(laid_out: Table, *, inside: bool = False) -> TableBlock:
    """A table, as wide as the page if it has many columns.

    Args:
        laid_out: Its rows.
        inside: Whether it names real customers or what they wrote.
    """
    return TableBlock(table=laid_out, inside=inside)


def figure(name: str, drawn: go.Figure, caption: str) -> Figure:
    """A figure, its alternative text taken from what it carries.

    Args:
        name: Identifier in the page.
        drawn: The figure, ``layout.meta["alt"]`` set.
        caption: Said below it.
    """
    return Figure(
        name=name,
        alt=(drawn.layout.meta or {}).get("alt", caption),
        height=int(drawn.layout.height or 450),
        caption=caption,
        plotly=json.loads(drawn.to_json()),
    )


def picture(png: bytes, alt: str, caption: str) -> Picture:
    """A generated picture.

    Args:
        png: The file, marked as generated.
        alt: For readers who do not see it.
        caption: Said below it.

    Raises:
        ValidationError: It is not marked.
    """
    return Picture(png=base64.b64encode(png).decode(), alt=alt, caption=caption)


def details(summary: str, blocks: Sequence[Block]) -> Details:
    """Blocks that open on demand."""
    return Details(summary=summary, blocks=tuple(blocks))


def is_inside(block: Block) -> bool:
    """Whether a block, or one that opens in it, shows real customers or what they wrote."""
    if isinstance(block, Details):
        return any(map(is_inside, block.blocks))
    if isinstance(block, People):
        return not block.synthetic
    return isinstance(block, TableBlock) and block.inside


def to_share(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Blocks for a page that leaves the house: what shows real customers is named and left out."""
    return tuple(_to_share(block) if is_inside(block) else block for block in blocks)


def _to_share(block: Block) -> Block:
    if isinstance(block, Details):
        return block.model_copy(update={"blocks": to_share(block.blocks)})
    told = block.table.caption if isinstance(block, TableBlock) else getattr(block, "caption", "")
    return skipped(told, "it is for the shop's own eyes, and this page is to be shared")
