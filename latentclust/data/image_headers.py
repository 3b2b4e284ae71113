"""What the header of an image file says: the size as shown, the bits per channel, and further pictures."""

import struct
from pathlib import Path

from PIL import Image, TiffImagePlugin

_ORIENTATION = 0x0112
_WIDTH, _LENGTH, _SAMPLE_FORMAT = 256, 257, 339
_SIGNED = 2
"""TIFF's sample format of signed integers, which Pillow reads as if they were unsigned."""

_TRANSPOSED = frozenset({5, 6, 7, 8})
"""Values of EXIF's orientation that exchange width and height."""

_DEEP_MODES = frozenset({"F", "I", "I;16", "I;16B", "I;16L", "I;16N"})

_EXIF_TEXTS = (b"Raw profile type exif", b"XML:com.adobe.xmp")
"""Keywords of PNG's texts in which Pillow finds an orientation too."""

_PNG_SIGNATURE_BYTES = 8
_CRC_BYTES = 4


def displayed_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height in pixels of an image that is turned as its EXIF orientation says."""
    width, height = image.size
    if isinstance(image, TiffImagePlugin.TiffImageFile):  # whose size Pillow 11 exchanges, and earlier ones do not
        width, height = int(image.tag_v2[_WIDTH]), int(image.tag_v2[_LENGTH])
    # Pillow would decode a whole PNG file to look for EXIF behind its pixels.
    known = image.format != "PNG" or _png_has_exif(image)
    transposed = known and image.getexif().get(_ORIENTATION) in _TRANSPOSED
    return (height, width) if transposed else (width, height)


def _png_has_exif(image: Image.Image) -> bool:
    """Return whether a PNG file has EXIF data or XMP, before or, as ExifTool writes it, behind its pixels."""
    name = getattr(image, "filename", "")
    if not name:
        return True
    with Path(name).open("rb") as file:
        file.seek(_PNG_SIGNATURE_BYTES)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            start = file.read(min(length, max(map(len, _EXIF_TEXTS)))) if kind[1:] in (b"EXt", b"TXt") else b""
            if kind == b"eXIf" or start.startswith(_EXIF_TEXTS):
                return True
            file.seek(length - len(start) + _CRC_BYTES, 1)
    return False


def depth_problem(image: Image.Image) -> str | None:
    """Return what is wrong with the bits per channel of an opened image, as a predicate. None if they are 8 or fewer.

    Pillow opens colours of 16 bits in a PNG, and signed bytes in a TIFF, as if they were unsigned bytes.
    """
    tiles = getattr(image, "tile", ())
    if image.mode in _DEEP_MODES or any(";16" in str(tile[3]) for tile in tiles):
        return f"has more than 8 bits per channel (mode {image.mode})"
    if isinstance(image, TiffImagePlugin.TiffImageFile) and _SIGNED in image.tag_v2.get(_SAMPLE_FORMAT, ()):
        return "has signed values"
    return None


def has_further_pictures(image: Image.Image) -> bool:
    """Return whether an opened file is an animation or has several pages. The previews of MPO files do not count."""
    return image.format != "MPO" and bool(getattr(image, "is_animated", False))
