"""Bytes of a picture become its colours, or a reason why they cannot."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from doppelcart.imaging.opening import PictureError, open_picture

RED, BLUE = (255, 0, 0), (0, 0, 255)


def halves(mode: str = "RGB", width: int = 40, height: int = 40) -> Image.Image:
    """A picture that is red at its left and blue at its right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image.convert(mode)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_a_picture_comes_as_a_square_of_the_size_asked_for() -> None:
    pixels = open_picture(saved(halves()), "a", 20)
    assert pixels.shape == (20, 20, 3)
    assert pixels.dtype == np.uint8
    assert tuple(pixels[10, 2]) == RED
    assert tuple(pixels[10, 17]) == BLUE


def test_an_oblong_picture_is_cropped_or_stands_whole_on_white() -> None:
    content = saved(halves(width=80))
    assert tuple(open_picture(content, "a", 20, "crop")[0, 0]) == RED
    padded = open_picture(content, "a", 20, "pad")
    assert tuple(padded[0, 0]) == (255, 255, 255)
    assert tuple(padded[10, 2]) == RED


def test_a_picture_that_its_camera_turned_is_set_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    pixels = open_picture(saved(halves(), "PNG", exif=exif), "a", 20)
    assert tuple(pixels[10, 2]) == BLUE


def test_palette_and_grey_become_colours() -> None:
    palette = open_picture(saved(halves("P")), "a", 20)
    assert tuple(palette[10, 2]) == RED
    assert open_picture(saved(halves("L")), "a", 20).shape == (20, 20, 3)


def test_what_is_transparent_stands_on_white() -> None:
    image = halves("RGBA")
    image.putalpha(0)
    assert (open_picture(saved(image), "a", 20) == 255).all()


def animated() -> bytes:
    frames = [halves("P"), Image.new("P", (40, 40))]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


def generated() -> bytes:
    """With the mark packed, so that it is not in the file's bytes as it reads."""
    about = PngInfo()
    about.add_itxt("DigitalSourceType", "trainedAlgorithmicMedia", zip=True)
    return saved(halves(), "PNG", pnginfo=about)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"no picture \(0 bytes\)"),
        (b"GIF89a and no more", "no picture"),
        (saved(halves(width=400, height=400), "JPEG")[:900], r"damaged, such as cut off \(900 byt"),
        (saved(halves("CMYK"), "JPEG"), "CMYK"),
        (saved(Image.new("I;16", (40, 40))), "of more than 8 bits"),
        (saved(halves(width=1, height=1)), r"too small \(1 x 1 pixels, and it takes 16\)"),
        (animated(), r"animated \(2 pictures in one\)"),
        (generated(), "this was generated"),
    ],
    ids=["empty", "no picture", "cut off", "cmyk", "16 bit", "1 x 1", "animated", "generated"],
)
def test_what_cannot_be_used_is_refused_with_name_reason_and_remedy(
    content: bytes, reason: str
) -> None:
    with pytest.raises(PictureError, match=rf"shelf/a.png: .*{reason}.*\. [A-Z].*\.$"):
        open_picture(content, "shelf/a.png", 20)


def test_16_bits_of_colour_are_refused_though_pillow_would_drop_eight() -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    rows = b"".join(b"\0" + b"\xff\x00" * 60 for _ in range(20))
    header = struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    content += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    with pytest.raises(PictureError, match="of more than 8 bits"):
        open_picture(content, "a", 20)


@pytest.mark.parametrize("limit", [1000, 500])
def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    # 1,600 pixels: Pillow warns of more than the limit, and stops at twice that.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(PictureError, match=rf"too large to unpack \(more than {limit:,} pixels\)"):
        open_picture(saved(halves()), "a", 20)
