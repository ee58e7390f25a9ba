"""Photographs of products from a file or a folder, checked; what is left out is listed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple, Self

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from doppelcart.columns import Columns, Tables
from doppelcart.config.base import Parameters
from doppelcart.errors import InputError
from doppelcart.imaging.duplicates import dhash, near_pairs
from doppelcart.imaging.marks import MOST_NAMED, faults_of_marks
from doppelcart.imaging.opening import Fit, PictureError, open_picture
from doppelcart.progress import tracked
from doppelcart.reading.declared_table import DeclaredTable, declared

ID, PRODUCT, GROUP, SPLIT = Columns.PICTURE, Columns.PRODUCT, Columns.GROUP, Columns.SPLIT
CONTENT, PATH = "content", Columns.PATH
REASON, NUMBER, REMEDY = "reason", "number", "remedy"
TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS: Final = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
}
"""What a split may be called, in lower case."""
SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})

log = logging.getLogger(__name__)


class PhotographSource(DeclaredTable):
    """Photographs as ``photographs`` in globals.yml declares them: a table, or a folder alone."""

    PATH: ClassVar[str] = Tables.PHOTOGRAPHS

    files: dict[str, dict[str, Any]] = Field(
        {}, description="per file name its path and format; empty reads `folder` as it lies"
    )
    table: dict[str, Any] = Field(
        {"from": "folder"},
        description="`from` a file with one SQL expression per column, or a whole `sql`: "
        f"{ID}, product, group, split, and content (bytes) or path (within `folder`); where there "
        "is a column `synthetic`, whether a picture was generated, which stops the run",
    )
    folder: str | None = Field(
        None,
        description="folder that paths are in; without files it is read as "
        "split/product/picture, or split/group/product/picture",
    )

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if not self.files and self.folder is None:
            raise ValueError("photographs: give `files` with `table`, or a `folder`")
        return self


class PictureParams(Parameters):
    """How photographs are read, and how many of them may be bad."""

    size: int = Field(
        128, ge=16, le=512, description="pixels of a side to which every picture is brought"
    )
    fit: Fit = Field(
        "crop",
        description="an oblong picture as the square in its middle (crop), or whole on white (pad)",
    )
    least_pictures: int = Field(
        4, ge=2, description="pictures that a product must have; others are left out by name"
    )
    refuse_share: float = Field(
        0.1, ge=0, le=1, description="share of bad pictures of a kind above which the run stops"
    )


class Photographs(NamedTuple):
    """Photographs of products.

    Attributes:
        table: One row per photograph: ``picture_id``, ``product``, ``group``, ``split``.
        pixels: (n, size, size, 3) colours, 0 to 255, uint8.
    """

    table: pd.DataFrame
    pixels: np.ndarray


class ReadPictures(NamedTuple):
    """What was made of a source.

    Attributes:
        photographs: That can be used.
        quarantine: Those that cannot: ``picture_id``, ``product``, ``group``, ``split``,
            ``reason``, ``number``, ``remedy``.
        counts: ``what``, ``number``, ``of``, ``done``.
    """

    photographs: Photographs
    quarantine: pd.DataFrame
    counts: pd.DataFrame


def read_photographs(
    raw_tables: Mapping[str, ir.Table], source: PhotographSource, params: PictureParams
) -> ReadPictures:
    """Read photographs of products.

    Args:
        raw_tables: The files' tables by file name; empty where a folder is read as it lies.
        source: The declaration.
        params: Size, and what is tolerated.

    Raises:
        InputError: The source is not what it should be, a picture says that it was generated, or
            too many are bad: all faults at once.
    """
    folder = Path(source.folder) if source.folder is not None else None
    if source.files:
        table = declared(raw_tables, source, source.PATH).to_pandas()
        listed = _checked(table, folder, _said_of(source))
    else:
        listed = listed_in(folder) if folder is not None else pd.DataFrame()
    return opened(listed, folder, params, source.name)


def listed_in(folder: Path, split: str | None = None) -> pd.DataFrame:
    """The pictures of a folder.

    Args:
        folder: With split/product/picture or split/group/product/picture in it; or, if ``split`` is
            given, with product/picture or group/product/picture.
        split: What all of them are for.

    Returns:
        ``picture_id``, ``product``, ``group``, ``split``, ``path`` (within the folder).

    Raises:
        InputError: There is no such folder, no picture in it, a split is of another name, or a
            picture is named as generated ones are.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder of pictures {folder}. Name one that there is.")
    first = 0 if split else 1
    rows = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES:
            continue
        parts = path.relative_to(folder).parts
        if not first + 2 <= len(parts) <= first + 3:
            continue
        group = parts[first] if len(parts) == first + 3 else ""
        rows.append(("/".join(parts), parts[-2], group, split or parts[0], "/".join(parts)))
    if not rows:
        shape = "product/picture" if split else "split/product/picture"
        raise InputError(f"there is no picture in {folder}. Lay them out as {shape}.")
    listed = pd.DataFrame(rows, columns=[ID, PRODUCT, GROUP, SPLIT, PATH])
    if not split:
        return _checked(listed, folder, str(folder))
    if faults := faults_of_marks(listed, (ID,)):
        raise _refused(faults, str(folder))
    return listed


def _said_of(source: PhotographSource) -> str:
    """What messages call a table: the data, and the files that it is made of."""
    paths = [str(file["path"]) for file in source.files.values() if "path" in file]
    return f"{source.name} ({', '.join(paths)})" if paths else source.name


def _checked(listed: pd.DataFrame, folder: Path | None, source: str) -> pd.DataFrame:
    """The columns that there have to be, with values that there may be."""
    missing = [name for name in (ID, PRODUCT, SPLIT) if name not in listed]
    if CONTENT not in listed and PATH not in listed:
        missing.append(f"{CONTENT} or {PATH}")
    if missing:
        raise _refused([f"they have no column {', '.join(missing)}."], source)
    faults = []
    if GROUP not in listed:
        listed = listed.assign(**{GROUP: ""})
    empty = listed[[ID, PRODUCT, SPLIT]].isna().any(axis=1)
    if empty.any():
        faults.append(f"{int(empty.sum()):,} have no {ID}, product or split.")
    said = listed[SPLIT].astype(str).str.lower()
    unknown = sorted(set(said[~empty]) - set(SPLITS))
    if unknown:
        faults.append(
            f"their splits {', '.join(unknown[:MOST_NAMED])} are none of {', '.join(SPLITS)}."
        )
    doubled = listed[ID].duplicated() & ~empty
    if doubled.any():
        faults.append(
            f"{int(doubled.sum()):,} have the {ID} of another, such as "
            f"{listed.loc[doubled, ID].iloc[0]}."
        )
    groups = listed[GROUP].fillna("").astype(str)
    faults += _faults_of_groups(listed.loc[~empty, PRODUCT].astype(str), groups[~empty])
    if PATH in listed:
        faults += _faults_of_paths(listed[PATH].dropna().astype(str).tolist(), folder)
    faults += faults_of_marks(listed, (ID, PATH) if PATH in listed else (ID,))
    if faults:
        raise _refused(faults, source)
    return listed.assign(**{SPLIT: said.map(SPLITS), GROUP: groups})


def _faults_of_groups(products: pd.Series, groups: pd.Series) -> list[str]:
    """What is wrong with categories: a product has one, and either all photographs or none.

    A product of two categories would be told from itself; those without one would be taken for
    products of one category.
    """
    faults = []
    blank = groups == ""
    if blank.any() and not blank.all():
        faults.append(
            f"{int(blank.sum()):,} of {len(groups):,} have no {GROUP}, such as one of "
            f"{products[blank].iloc[0]}: give each its category, or none any."
        )
    own = groups[~blank].groupby(products[~blank]).unique()
    several = own[own.map(len) > 1]
    if len(several):
        named = "; ".join(
            f"{product} in {' and '.join(sorted(of))}"
            for product, of in several.head(MOST_NAMED).items()
        )
        faults.append(
            f"{len(several):,} of {len(own):,} products are of more than one {GROUP}: {named}. "
            f"Nobody could tell such a product from itself: name it after its {GROUP}, too "
            "(`product: category || ' ' || product`), or move its photographs into one."
        )
    return faults


def _faults_of_paths(paths: list[str], folder: Path | None) -> list[str]:
    if folder is None:
        return ["they name paths, and there is no `folder` that these are in."]
    root = folder.resolve()
    outside = [path for path in paths if not (root / path).resolve().is_relative_to(root)]
    if not outside:
        return []
    told = f"{len(outside):,} paths lead out of {folder}, such as {outside[0]}"
    return [f"{told}: put the pictures into it."]


def opened(
    listed: pd.DataFrame, folder: Path | None, params: PictureParams, source: str
) -> ReadPictures:
    """Open pictures, and part those that can be used from those that cannot.

    Args:
        listed: ``picture_id``, ``product``, ``group``, ``split``, and ``content`` or ``path``.
        folder: That paths are in.
        params: Size, and what is tolerated.
        source: What messages call the data.

    Raises:
        InputError: A picture says that it was generated, too many are bad, or none is left.
    """
    pixels = np.empty((len(listed), params.size, params.size, 3), np.uint8)
    reasons: dict[int, tuple[str, str, str]] = {}
    for row, (name, content) in enumerate(
        tracked(_contents(listed, folder), "opening pictures", "picture", len(listed))
    ):
        try:
            pixels[row] = open_picture(content, name, params.size, params.fit)
        except PictureError as error:
            reasons[row] = (error.reason, error.number, error.remedy)
    table = listed[[ID, PRODUCT, GROUP, SPLIT]].astype(str).reset_index(drop=True)
    _stop_at(table, reasons, params.refuse_share, source)
    reasons |= _twins(table, pixels, reasons)
    reasons |= _few(table, reasons, params.least_pictures)
    kept = np.setdiff1d(np.arange(len(table)), list(reasons))
    if not len(kept):
        raise InputError(f"{source}: of {len(table):,} pictures none can be used. Bring others.")
    return ReadPictures(
        Photographs(table.iloc[kept].reset_index(drop=True), pixels[kept]),
        _quarantined(table, reasons),
        _counted(reasons, len(table)),
    )


def _contents(listed: pd.DataFrame, folder: Path | None) -> Iterator[tuple[str, bytes]]:
    for row in listed.to_dict("records"):
        content = row.get(CONTENT)
        if content is None and folder is not None and isinstance(row.get(PATH), str):
            file = folder / row[PATH]
            content = file.read_bytes() if file.is_file() else b""
        yield str(row[ID]), bytes(content) if content is not None else b""


def _stop_at(
    table: pd.DataFrame, reasons: Mapping[int, tuple[str, str, str]], share: float, source: str
) -> None:
    """Stop where a picture was generated, or where too many of a kind are bad."""
    faults = []
    for reason, rows in _by_reason(reasons).items():
        if reason != "this was generated" and len(rows) <= share * len(table):
            continue
        named = ", ".join(table.loc[rows[:MOST_NAMED], ID])
        _, number, remedy = reasons[rows[0]]
        told = f" ({number})" if number else ""
        faults.append(
            f"{len(rows):,} of {len(table):,} pictures: {reason}{told}, such as {named}. {remedy}."
        )
    if faults:
        raise _refused(faults, source)


def _twins(
    table: pd.DataFrame, pixels: np.ndarray, reasons: Mapping[int, Any]
) -> dict[int, tuple[str, str, str]]:
    """The same picture under two names.

    Under two products nobody knows which is right, and both go; in two splits the one that would be
    judged goes.
    """
    usable = np.setdiff1d(np.arange(len(table)), list(reasons))
    names, products = table[ID].tolist(), table[PRODUCT].tolist()
    places = table[SPLIT].map({TRAIN: 0, VALIDATION: 1, TEST: 2}).fillna(3).tolist()
    found: dict[int, tuple[str, str, str]] = {}
    for first, second in near_pairs(dhash(pixels[usable])):
        one, other = int(usable[first]), int(usable[second])
        if products[one] != products[other]:
            reason = "the same picture as one of another product"
            found[one] = (reason, names[other], "Leave it in one place")
            found[other] = (reason, names[one], "Leave it in one place")
        elif places[one] != places[other]:
            kept, gone = sorted((one, other), key=lambda row: places[row])
            reason = "the same picture as one of another split"
            found[gone] = (reason, names[kept], "Leave it in one place")
    return found


def _few(
    table: pd.DataFrame, reasons: Mapping[int, Any], least: int
) -> dict[int, tuple[str, str, str]]:
    """Pictures of products that have too few."""
    kept = table.drop(index=list(reasons))
    sizes = kept[PRODUCT].value_counts()
    scarce = kept[kept[PRODUCT].map(sizes) < least]
    if not scarce.empty:
        names = sorted(scarce[PRODUCT].unique())
        log.warning(
            "%d products have fewer than %d pictures, and are left out: %s.",
            len(names), least, ", ".join(names),
        )  # fmt: skip
    return {
        row: (
            "of a product with too few pictures",
            f"{product}: {sizes[product]}, and it takes {least}",
            "Bring more, or leave the product out",
        )
        for row, product in zip(scarce.index.tolist(), scarce[PRODUCT], strict=True)
    }


def _by_reason(reasons: Mapping[int, tuple[str, str, str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in sorted(reasons):
        found.setdefault(reasons[row][0], []).append(row)
    return found


def _quarantined(table: pd.DataFrame, reasons: Mapping[int, tuple[str, str, str]]) -> pd.DataFrame:
    rows = sorted(reasons)
    told = pd.DataFrame([reasons[row] for row in rows], columns=[REASON, NUMBER, REMEDY])
    return pd.concat([table.loc[rows].reset_index(drop=True), told], axis=1)


def _counted(reasons: Mapping[int, tuple[str, str, str]], n_read: int) -> pd.DataFrame:
    rows = [("pictures read", n_read, n_read, "")]
    rows += [(reason, len(own), n_read, "left out") for reason, own in _by_reason(reasons).items()]
    return pd.DataFrame(rows, columns=["what", "number", "of", "done"])


def _refused(faults: list[str], source: str) -> InputError:
    listed = "\n".join(f"  {fault}" for fault in faults)
    return InputError(
        f"{source} cannot be used; correct them, or `photographs` in "
        f"conf/<environment>/globals.yml:\n{listed}"
    )
