"""From the bytes of one picture to its colours, or to why it cannot be used."""

from __future__ import annotations

import io
import warnings
from typing import Any, Final, Literal

import numpy as np
from PIL import Image, ImageOps

from doppelcart.errors import InputError

LEAST_SIDE: Final = 16
"""Pixels of the shorter side below which there is nothing to see."""
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
GENERATED: Final = b"trainedAlgorithmicMedia"
"""IPTC's word for what a model has made (digital source type)."""
WHITE: Final = (255, 255, 255)

Fit = Literal["crop", "pad"]
"""Into a square by the middle of the picture, or by the whole of it on white."""


class PictureError(InputError):
    """A picture cannot be used.

    Args:
        name: What the picture is called.
        reason: What is wrong, in a few words that are alike for all pictures of that kind.
        number: The figure that it is about, such as a size; empty where there is none.
        remedy: What to do.
    """

    def __init__(self, name: str, reason: str, number: str, remedy: str) -> None:
        """Put the message together."""
        self.name, self.reason, self.number, self.remedy = name, reason, number, remedy
        told = f" ({number})" if number else ""
        super().__init__(f"{name}: {reason}{told}. {remedy}.")


def open_picture(content: bytes, name: str, size: int, fit: Fit = "crop") -> np.ndarray:
    """Read a picture as a square.

    A picture that was turned by its camera is set upright; a palette is looked up; what is
    transparent stands on white, and grey counts for all three colours.

    Args:
        content: The file.
        name: What messages call it.
        size: Pixels of a side of the square.
        fit: How an oblong picture is made a square.

    Returns:
        (size, size, 3) red, green and blue, 0 to 255, uint8.

    Raises:
        PictureError: It is no picture, damaged, too small, too large, animated, in colours of
            print or of more than 8 bits, or was generated.
    """
    image = _opened(content, name)
    _check(image, content, name)
    try:
        upright = ImageOps.exif_transpose(image)
        squared = (
            ImageOps.fit(_on_white(upright), (size, size), Image.Resampling.BILINEAR)
            if fit == "crop"
            else ImageOps.pad(
                _on_white(upright), (size, size), Image.Resampling.BILINEAR, color=WHITE
            )
        )
    except (OSError, SyntaxError, ValueError) as error:
        raise PictureError(
            name, "damaged, such as cut off", f"{len(content):,} bytes", "Copy the file anew"
        ) from error
    return np.asarray(squared, np.uint8)


def is_generated(content: bytes, said: dict[Any, Any] | None = None) -> bool:
    """Whether a picture says of itself that a model has made it.

    Args:
        content: The file.
        said: Texts that its reader has unpacked, by key.
    """
    told = " ".join(str(text) for text in (said or {}).values())
    return GENERATED in content or GENERATED.decode() in told


def _opened(content: bytes, name: str) -> Any:
    try:
        with warnings.catch_warnings():
            # Pillow warns of what may be a bomb, and stops at twice that; here both stop.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        limit = f"more than {Image.MAX_IMAGE_PIXELS:,} pixels"
        raise PictureError(
            name, "too large to unpack", limit, "Save it smaller, or leave it out"
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise PictureError(
            name, "no picture", f"{len(content):,} bytes", f"Save it as {', '.join(FORMATS[:3])}"
        ) from error


def _check(image: Any, content: bytes, name: str) -> None:
    width, height = image.size
    if is_generated(content, image.info):
        raise PictureError(
            name,
            "this was generated",
            "",
            "It says so itself (trainedAlgorithmicMedia) and cannot be taken for a photograph: "
            "leave it out",
        )
    if min(width, height) < LEAST_SIDE:
        least = f"{width} x {height} pixels, and it takes {LEAST_SIDE}"
        raise PictureError(name, "too small", least, "Bring a larger picture")
    # A telephone's JPEG may hold a second picture for its depth; it does not move.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise PictureError(
            name, "animated", f"{image.n_frames} pictures in one", "Save the one that is meant"
        )
    if image.mode == "CMYK":
        raise PictureError(
            name, "in colours of print (CMYK)", "4 channels", "Save it in RGB, with its profile"
        )
    if image.mode[0] in "IF" or ";16" in str(image.tile):
        raise PictureError(name, "of more than 8 bits", "16 or 32 bits", "Save it with 8 bits")


def _on_white(image: Any) -> Any:
    if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
        return image.convert("RGB")
    pictured = image.convert("RGBA")
    ground = Image.new("RGBA", pictured.size, (*WHITE, 255))
    return Image.alpha_composite(ground, pictured).convert("RGB")
