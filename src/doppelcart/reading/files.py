"""Files as bytes and as lines: their names, their compression, their encoding."""

from __future__ import annotations

import codecs
import gzip
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

from doppelcart.errors import InputError

FORMATS: Final = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".xlsx": "xlsx",
}
TEXT_FORMATS: Final = frozenset({"csv", "tsv", "json"})
UTF_8: Final = frozenset({"utf-8", "utf-8-sig"})
MARK: Final = codecs.BOM_UTF8
"""The byte order mark that some programs write first, which is no part of the text."""
ABSENT: Final = "not there"
BLOCK: Final = 1 << 20


def format_of(path: str) -> str | None:
    """The format that a path's ending names, without the ``.gz`` of a compressed text file."""
    name = Path(path)
    if name.suffix.lower() != ".gz":
        return FORMATS.get(name.suffix.lower())
    kind = FORMATS.get(name.with_suffix("").suffix.lower())
    return kind if kind in TEXT_FORMATS else None


def unpattern(path: str) -> str:
    """A path as the engine has to be told it, which takes ``*``, ``?`` and ``[`` for patterns."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def why_unreadable(path: str) -> str | None:
    """Say why a path is not one file that is here; None if it is."""
    if "://" in path:
        return "an address, and only files on this machine are read: fetch it, and name the copy"
    if Path(path).is_dir():
        return (
            "a folder: name one file; declare each part as a file of its own, and put them "
            "together by `sql: SELECT ... UNION ALL SELECT ...`"
        )
    if Path(path).exists():
        return None
    if any(letter in path for letter in "*?["):
        return (
            "not there, and names are not taken for patterns: declare each part as a file of its "
            "own, and put them together by `sql: SELECT ... UNION ALL SELECT ...`"
        )
    return ABSENT


@contextmanager
def in_utf_8(path: str, encoding: str) -> Iterator[str]:
    """The path of a copy of a text file in UTF-8, for as long as it is needed.

    Args:
        path: The file, compressed or not.
        encoding: Its encoding, by a name that Python knows; of UTF-8 without a byte order mark the
            file itself is given.

    Raises:
        InputError: If there is no such encoding, or the file is not in it.
    """
    try:
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise InputError(
            f"there is no encoding {encoding!r}; common ones are utf-8, cp1252 and utf-16"
        ) from error
    marked = name in UTF_8 and _is_marked(path)
    if name in UTF_8 and not marked:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="doppelcart-") as folder:
        copy = Path(folder) / "utf_8"
        if marked:
            with opened(path) as source, copy.open("wb") as rest:
                source.seek(len(MARK))
                shutil.copyfileobj(source, rest, BLOCK)
            yield str(copy)
            return
        with (
            opened(path) as source,
            codecs.getreader(name)(source) as reader,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            try:
                while text := reader.read(BLOCK):
                    target.write(text)
            except UnicodeError as error:
                raise InputError(
                    f"it is not in the encoding {encoding} ({error}); set `options: {{encoding: "
                    "...}` to the one that it was written in"
                ) from error
        yield str(copy)


def _is_marked(path: str) -> bool:
    """Whether a text file begins with the byte order mark of UTF-8."""
    with opened(path) as file:
        return file.read(len(MARK)) == MARK


def opened(path: str) -> IO[bytes]:
    """Open a file for reading, decompressed if its first bytes are those of gzip."""
    return cast(IO[bytes], gzip.open(path)) if is_gzip(path) else Path(path).open("rb")


def is_gzip(path: str) -> bool:
    """Whether a file's first bytes are those of gzip."""
    with Path(path).open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def count_lines(path: str) -> int:
    """Count the lines of a text file that are not empty, whatever ends them."""
    count, last = 0, b"\n"
    with opened(path) as file:
        while block := file.read(BLOCK):
            text = (last + block).replace(b"\r", b"\n")
            # A line ends where a line break follows something else.
            count += _ends(text)
            last = text[-1:]
    return count + (last != b"\n")


def _ends(text: bytes) -> int:
    """How many line breaks follow something else than a line break, after the first byte."""
    breaks = text.count(b"\n")
    while b"\n\n" in text:
        text = text.replace(b"\n\n", b"\n")
    return min(breaks, text.count(b"\n") - text.startswith(b"\n"))


def first_text(path: str, size: int = BLOCK) -> str:
    """The beginning of a text file in UTF-8, without its byte order mark and its last line's rest.

    Bytes that are no UTF-8 are replaced; the engine names them when it reads the file.
    """
    with opened(path) as file:
        head = file.read(size)
        whole = not file.read(1)
    text = head.decode("utf-8-sig", errors="replace")
    end = max(text.rfind("\n"), text.rfind("\r"))
    return text if whole or end < 0 else text[: end + 1]


def plain(error: BaseException) -> str:
    """What an engine's error says, in one line, without its advice on its own options."""
    text = str(error.__cause__ or error)
    for end in ("\n\nLINE ", "LINE 1:", "\nPossible", "\n  file =", "\nCandidate", "\tCandidate"):
        text = text.split(end)[0]
    return " ".join(text.split())


def literal_value(value: Any) -> str:
    """A Python value as an option in the engine's SQL."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quote(k)}: {literal_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal_value, value)) + "]"
    return str(value) if isinstance(value, int | float) else _quote(value)


def _quote(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
