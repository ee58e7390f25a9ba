"""The shop window: one page that asks the server what a shop's own pages would ask it."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib.resources import files
from typing import Final

MOST_FOUND: Final = 20
"""Longest list of items or customers that the page is given to choose from."""


@lru_cache(maxsize=1)
def page() -> tuple[str, str]:
    """The page, and the content security policy that it is to be sent with.

    Returns:
        HTML that loads nothing but answers of its own server; a policy that lets nothing else be
        loaded, and no script run but its own.
    """
    style, script, html = (_text(name) for name in ("window.css", "window.js", "window.html"))
    whole = html.replace("/*style*/", style).replace("/*script*/", script)
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return whole, policy


def _text(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
