"""The page: sections laid out as one HTML file that loads nothing."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from doppelcart import __version__
from doppelcart.pipelines.reporting.report.blocks import Section
from doppelcart.pipelines.reporting.words import Story


def render(story: Story, meta: str, caveat: str, source: str, sections: Sequence[Section]) -> str:
    """Lay the report out as one file that loads nothing.

    Args:
        story: The verdict in words.
        meta: One line on the data and the run.
        caveat: What a reader must know before quoting a figure; may be empty.
        source: Name of the source.
        sections: The rest, in order.

    Returns:
        A whole HTML document. Its content security policy lets no script run but the two it
        carries, by their digests, and lets nothing be loaded.
    """
    environment = _environment()
    plotly = Markup(_plotly())  # noqa: S704
    loader = environment.loader
    draw = Markup(loader.get_source(environment, "draw.js")[0]) if loader else ""  # noqa: S704
    return environment.get_template("report.html.j2").render(
        story=story,
        meta=meta,
        caveat=caveat,
        source=source,
        sections=sections,
        version=__version__,
        plotly=plotly,
        draw=draw,
        policy=security_policy([plotly, draw]),
    )


def security_policy(scripts: Iterable[str]) -> str:
    """A content security policy that allows only the given inline scripts, and no loading."""
    digests = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    ]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=1)
def _plotly() -> str:
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("doppelcart.pipelines.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
