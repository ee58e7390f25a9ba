"""Marks of pictures that a model has made: in the file, and for the eye.

The file says so in XMP, in the words of the International Press Telecommunications Council
(https://iptc.org/std/photometadata, property "Digital Source Type"), which is what readers of a
picture's origin look for; and in words of this project, with the run that made it. The eye sees a
corner that no photograph has.
"""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from doppelcart.errors import InputError
from doppelcart.imaging.opening import GENERATED

SOURCE_TYPE: Final = f"http://cv.iptc.org/newscodes/digitalsourcetype/{GENERATED.decode()}"
XMP: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
CORNER: Final = 6
"""The corner has this part of the shorter side."""
COLOURS: Final = ((255, 0, 255), (0, 0, 0))
"""Of its stripes: together nothing that is for sale."""


def marked_png(pixels: np.ndarray, run: str) -> bytes:
    """A picture as a PNG that says that a model has made it, with a corner that shows it.

    Args:
        pixels: (height, width, 3) uint8; left as it is.
        run: Which run made it.

    Raises:
        InputError: It is no picture of three colours, or too small for the corner.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or min(pixels.shape[:2]) < CORNER:
        raise InputError(
            f"A picture of shape {pixels.shape} cannot be marked: it takes three colours and at "
            f"least {CORNER} pixels a side."
        )
    told = PngInfo()
    told.add_itxt("XML:com.adobe.xmp", XMP.format(source_type=SOURCE_TYPE))
    told.add_itxt("DigitalSourceType", SOURCE_TYPE)
    told.add_itxt("doppelcart", f"run={run}")
    file = io.BytesIO()
    Image.fromarray(with_corner(pixels)).save(file, "PNG", pnginfo=told, optimize=True)
    return file.getvalue()


def with_corner(pixels: np.ndarray) -> np.ndarray:
    """The same picture, its lower right corner in stripes.

    Args:
        pixels: (height, width, 3) uint8.
    """
    size = min(pixels.shape[:2]) // CORNER
    down, right = np.indices((size, size))
    # A triangle with stripes along its long side.
    inside = down + right >= size - 1
    stripe = (down + right) // max(size // 4, 1) % 2
    found = pixels.copy()
    corner = found[-size:, -size:]
    corner[inside] = np.array(COLOURS, np.uint8)[stripe][inside]
    return found
