"""Pages: sections laid out as one HTML file that loads nothing."""

import base64
import gzip
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from doppelcart import __version__
from doppelcart.reporting.interval_bar import bars_of
from doppelcart.reporting.section import Section, Story
from doppelcart.reporting.tables import change

CODE: Final = re.compile("`([^`]+)`")

log = logging.getLogger(__name__)


class Part(NamedTuple):
    """One section, laid out: its anchor, its title, its HTML, and why it failed (else empty)."""

    name: str
    title: str
    html: Markup
    failure: str = ""


def lay_out(section: Section, commit: str = "") -> Part:
    """One section as HTML; one that cannot be laid out says so in its place.

    A section is the work of a capability. Whatever is wrong with it must not cost the others.

    Args:
        section: The section.
        commit: That of the page; a section of another one says so.
    """
    made = made_by(section) if commit and section.commit not in ("", commit) else ""
    failure = section.failure
    if not failure:
        try:
            return Part(section.capability, section.title, _section(section, made))
        except Exception as error:
            log.exception("The section of %s could not be laid out", section.capability)
            failure = f"{type(error).__name__}: {error}"
    return Part(section.capability, section.title, _section(section, made, failure), failure)


def made_by(section: Section) -> str:
    """Which code made a section, and when."""
    commit, _, changed = section.commit.partition(" ")
    return f"Made on {section.written[:10]} by other code than this page: commit " + " ".join(
        filter(None, (commit[:12], changed))
    )


def _section(section: Section, made: str, failure: str = "") -> Markup:
    template = _environment().get_template("section.html.j2")
    return Markup(template.render(section=section, made=made, failure=failure))  # noqa: S704


def render_report(
    story: Story, meta: str, caveats: Sequence[str], source: str, parts: Sequence[Part]
) -> str:
    """Lay the report out as one file that loads nothing.

    Args:
        story: What the page opens with.
        meta: One line on the data and the run.
        caveats: What a reader must know before quoting a figure.
        source: Name of the source.
        parts: The sections, in order.

    Returns:
        A whole HTML document. Its content security policy lets no script run but the two it
        carries, by their digests, and lets nothing be loaded. Plotly.js is carried compressed, a
        third of its size, and unpacked by the page.
    """
    return render(
        "report.html.j2",
        [_text("draw.js")],
        _plotly(),
        story=story,
        bars=bars_of(story.findings),
        meta=meta,
        caveats=list(caveats),
        source=source,
        parts=parts,
    )


def render(
    template: str, scripts: Sequence[str] = (), packed: str | None = None, **values: Any
) -> str:
    """A page of one of the package's templates, with its style and what it runs inside of it.

    Args:
        template: Name of the template; extends ``base.html.j2``.
        scripts: Code that the page runs; no other code can.
        packed: Code that these unpack and run; None for none.
        **values: What the template asks for.
    """
    return (
        _environment()
        .get_template(template)
        .render(
            version=__version__,
            style=Markup(_text("page.css")),  # noqa: S704
            scripts=[Markup(script) for script in scripts],  # noqa: S704
            packed=Markup(pack(packed)) if packed else "",  # noqa: S704
            policy=security_policy([*scripts, packed] if packed else scripts),
            **values,
        )
    )


def security_policy(scripts: Iterable[str]) -> str:
    """A content security policy that allows only the given inline scripts, and no loading."""
    digests = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    ]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def pack(code: str) -> str:
    """Code as text that a page carries without running it: gzip in base64."""
    return base64.b64encode(gzip.compress(code.encode(), compresslevel=9, mtime=0)).decode()


def lean(value: Any) -> Any:
    """Figures with as many digits as can be seen: five, where a float has more.

    Examples:
        >>> lean({"x": [0.123456789, 3, "a"]})
        {'x': [0.12346, 3, 'a']}
    """
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, Mapping):
        return {name: lean(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [lean(part) for part in value]
    return value


def code(words: str) -> Markup:
    """Words as HTML, in which what stands between backticks is code.

    Examples:
        >>> str(code("a < b: `kedro run`"))
        'a &lt; b: <code>kedro run</code>'
    """
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(words))))  # noqa: S704


def script_json(value: Mapping[str, Any]) -> Markup:
    """JSON that may stand inside a script element: nothing in it can close the element."""
    escapes: dict[str, str | int | None] = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
    written = json.dumps(lean(value), separators=(",", ":"), ensure_ascii=False)
    return Markup(written.translate(str.maketrans(escapes)))  # noqa: S704


@lru_cache(maxsize=1)
def _plotly() -> str:
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _text(name: str) -> str:
    return (files("doppelcart.reporting") / "templates" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("doppelcart.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script_json"] = script_json
    environment.filters["change"] = change
    environment.filters["code"] = code
    return environment
