"""Headers of image files: orientation in every place that a format has for it, depth, and further pictures."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image, PngImagePlugin

from latentclust.data.image_files import FileSource, find_images, open_image
from latentclust.data.image_headers import displayed_size
from latentclust.errors import LatentclustError

XMP = '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{}"/>'

Writer = Callable[[Path, Image.Image, int], None]


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def plain(path: Path, image: Image.Image, orientation: int, **options: object) -> None:
    image.save(path, exif=exif(orientation), **options)


def with_text(path: Path, image: Image.Image, key: str, text: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt(key, text) if key.startswith("XML") else info.add_text(key, text, zip=True)
    image.save(path, pnginfo=info)


def as_imagemagick(path: Path, image: Image.Image, orientation: int) -> None:
    content = exif(orientation).tobytes()
    with_text(path, image, "Raw profile type exif", f"\nexif\n{len(content):8}\n{content.hex()}\n")


def as_exiftool(path: Path, image: Image.Image, orientation: int) -> None:
    """Write the orientation behind the pixels."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    chunk = b"eXIf" + exif(orientation).tobytes().removeprefix(b"Exif\0\0")
    end = buffer.getvalue().rindex(b"IEND") - 4
    added = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(buffer.getvalue()[:end] + added + buffer.getvalue()[end:])


WRITERS: dict[str, Writer] = {
    "a.png": plain,
    "a.tif": plain,
    "deflated.tif": lambda path, image, turn: plain(path, image, turn, compression="tiff_deflate"),
    "a.webp": lambda path, image, turn: plain(path, image, turn, lossless=True),
    "exiftool.png": as_exiftool,
    "imagemagick.png": as_imagemagick,
    "xmp.png": lambda path, image, turn: with_text(path, image, "XML:com.adobe.xmp", XMP.format(turn)),
}


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("name", WRITERS)
def test_orientation_is_applied_wherever_a_format_has_it(tmp_path: Path, name: str, orientation: int):
    seen = np.arange(2 * 5 * 3, dtype=np.uint8).reshape(2, 5, 3) * 8
    quarter_turns = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(seen, quarter_turns)))
    WRITERS[name](tmp_path / name, stored, orientation)
    with open_image(tmp_path / name) as file:
        assert displayed_size(file) == (5, 2)
    np.testing.assert_array_equal(FileSource([tmp_path / name]).read(np.array([0]))[0], seen.transpose(2, 0, 1))


def write_bands(path: Path, bands: np.ndarray) -> Path:
    count, height, width = bands.shape
    kind = "PNG" if path.suffix == ".png" else "GTiff"
    options = {"driver": kind, "count": count, "height": height, "width": width, "dtype": bands.dtype}
    with rasterio.open(path, "w", **options) as file:
        file.write(bands)
    return path


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_deep_colours_of_a_png_are_refused_as_deep_grey_is(tmp_path: Path, count: int):
    """Pillow keeps the upper 8 bits of colours: of 12 significant bits, 16 levels remain."""
    deep = write_bands(tmp_path / "deep.png", np.full((count, 4, 4), 4000, np.uint16))
    with pytest.raises(LatentclustError, match=r"deep\.png: has more than 8 bits per channel .*`raster`"):
        FileSource([deep])


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_signed_bytes_are_refused(tmp_path: Path):
    signed = write_bands(tmp_path / "signed.tif", np.full((1, 4, 4), -9, np.int8))
    with pytest.raises(LatentclustError, match="has signed values"):
        FileSource([signed])


@pytest.mark.parametrize(
    ("name", "options"), [("a.gif", {}), ("a.png", {}), ("a.webp", {"lossless": True}), ("a.tif", {})]
)
def test_the_first_of_several_pictures_is_read_and_said(tmp_path: Path, name: str, options: dict[str, bool]):
    first, second = (Image.fromarray(np.full((4, 4, 3), level, np.uint8)) for level in (40, 200))
    first.save(tmp_path / name, save_all=True, append_images=[second], **options)
    source = FileSource([tmp_path / name])
    assert (source.read(np.array([0])) == 40).all()
    assert source.notes == (f"1 file contains several pictures, of which the first is read: {name}",)
    first.save(tmp_path / f"one-{name}", **options)
    assert FileSource([tmp_path / f"one-{name}"]).notes == ()


def test_another_format_under_the_name_of_an_image_runs_no_program(tmp_path: Path):
    """Pillow reads PostScript by running Ghostscript."""
    picture = Image.fromarray(np.zeros((4, 4, 3), np.uint8))
    picture.save(tmp_path / "page.png", "EPS")
    with pytest.raises(LatentclustError, match=r"page\.png: is an? EPS file\. Convert it to PNG or JPEG"):
        FileSource([tmp_path / "page.png"])
    picture.save(tmp_path / "page", "EPS")
    assert find_images(tmp_path).passed_over == {"without a suffix": 1}
