"""Image files: which files are images, and how one is decoded, with orientation and transparency."""

import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from latentclust.data.image_headers import depth_problem, displayed_size, has_further_pictures
from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSource
from latentclust.tensors import Shape

HEIF_SUFFIXES = frozenset({".heic", ".heif"})
"""Suffixes of files that are read with pillow-heif."""

IMAGE_SUFFIXES = frozenset(
    {
        ".avif",
        ".bmp",
        ".gif",
        ".jfif",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".pbm",
        ".pgm",
        ".png",
        ".ppm",
        ".tif",
        ".tiff",
        ".webp",
    }
    | HEIF_SUFFIXES
)
"""Suffixes of image files in folders, in lower case. A file that is named is read whatever its suffix."""

_FORMATS = frozenset({"AVIF", "BMP", "DIB", "GIF", "HEIF", "JPEG", "MPO", "PNG", "PPM", "TIFF", "WEBP"})
"""Pillow's names of the formats of these files. It would run a program, Ghostscript, for others."""

WHITE = (255, 255, 255)
"""Default ground on which transparent pixels are drawn, as RGB."""

_GREY_MODES = frozenset({"1", "L", "LA"})
_LARGE_FIX = "Cut it into tiles, or read it with the data set `raster`"
_DEEP_FIX = "Convert it to 8 bits of grey or RGB, or read it with the data set `raster`, which reads any bands"

Ground = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class FoundImages:
    """The image files of a folder.

    Attributes:
        paths: The files, sorted part by part.
        passed_over: Number of other files by their suffix; files without a suffix count as such.
        loops: Links that lead back to a folder which contains them. They are not followed.
    """

    paths: list[Path]
    passed_over: Counter[str]
    loops: list[Path]

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the files that were passed over. Empty if there are none."""
        total = self.passed_over.total()
        ordered = sorted(self.passed_over.items(), key=lambda item: (-item[1], item[0]))
        kinds = ", ".join(f"{count} {kind}" for kind, count in ordered[:5])
        reason = "their suffix or contents are not an image's"
        notes = [f"{total:,} files were passed over, since {reason}: {kinds}"] if total else []
        if self.loops:
            notes.append(f"{len(self.loops)} links lead to a folder that contains them, such as {self.loops[0]}")
        return tuple(notes)


def find_images(folder: Path, suffixes: Collection[str] = IMAGE_SUFFIXES) -> FoundImages:
    """Find the files with one of the suffixes at any depth, through links, without hidden files and folders.

    A file without a suffix is an image if Pillow recognizes its contents.

    Raises:
        LatentclustError: If a folder cannot be listed.
    """
    found = FoundImages([], Counter(), [])
    _walk(folder, frozenset(suffixes), (), found)
    found.paths.sort()
    return found


def _walk(folder: Path, suffixes: frozenset[str], above: tuple[tuple[int, int], ...], found: FoundImages) -> None:
    """Add the files of a folder to `found`. `above` identifies the folders that contain it."""
    try:
        status = folder.stat()
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise LatentclustError.at(
            str(folder), f"cannot be listed ({error.strerror})", "Check its permissions"
        ) from error
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        found.loops.append(folder)
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            _walk(entry, suffixes, (*above, identity), found)
        elif entry.is_file() and _is_image(entry, suffixes):
            found.paths.append(entry)
        else:
            kind = "broken links" if not entry.exists() else entry.suffix.lower() or "without a suffix"
            found.passed_over[kind] += 1


def _is_image(path: Path, suffixes: frozenset[str]) -> bool:
    if path.suffix:
        return path.suffix.lower() in suffixes
    try:
        with _opened(path) as file:
            return file.format in _FORMATS
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """Open an image file.

    Raises:
        LatentclustError: If it is no regular file, is damaged, has more pixels than Pillow accepts, or is a HEIF image
            and pillow-heif is not installed, or has another format than those of `IMAGE_SUFFIXES`.
    """
    if path.suffix.lower() in HEIF_SUFFIXES:
        _register_heif(path)
    if path.exists() and not path.is_file():
        raise LatentclustError.at(str(path), "is not a regular file", "Name an image file")
    try:
        with decode_errors(path, "Remove it, or replace it with an image"), _opened(path) as file:
            if file.format not in _FORMATS:
                raise LatentclustError.at(str(path), f"is a {file.format} file", "Convert it to PNG or JPEG")
            yield file
    except LatentclustError as error:
        if isinstance(error.__cause__, Image.DecompressionBombError):
            what = f"has more pixels than the {2 * (Image.MAX_IMAGE_PIXELS or 0):,} that are decoded at once"
            raise LatentclustError.at(str(path), what, _LARGE_FIX) from error
        if isinstance(error.__cause__, UnidentifiedImageError) and path.suffix.lower() in (".tif", ".tiff"):
            what = "is a TIFF whose number of bands or bits per value no photograph has, or it is damaged"
            raise LatentclustError.at(str(path), what, _DEEP_FIX) from error
        raise


def _opened(path: Path) -> Image.Image:
    """Open a file without Pillow's warning about large images; what is too large raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path)


def _register_heif(path: Path) -> None:
    """Let Pillow read HEIF files. Raise LatentclustError if pillow-heif is not installed."""
    if find_spec("pillow_heif") is None:
        fix = "Run `pip install 'latentclust[heif]'`, or convert it to JPEG"
        raise LatentclustError.at(str(path), "HEIF images need pillow-heif, which is not installed", fix)
    import pillow_heif

    pillow_heif.register_heif_opener()


class FileSource(ImageSource):
    """Image files, decoded when read. Headers are read at once, so that mixed sizes are found before training.

    Images are grey if all files are grey, otherwise RGB. They are turned as their EXIF orientation says, and what is
    transparent shows the ground.

    Args:
        paths: Image files, in the order of the samples.
        size: Side in pixels of the square that every image is resized to. None keeps the common size of the files.
        where: Recipe key or file for messages that concern no single file.
        ground: Colour under transparent pixels, as RGB.

    Attributes:
        notes: Sentences about what the files contain and is not read.

    Raises:
        LatentclustError: If there are no files, a file is unreadable or has more than 8 bits per channel, or the files
            have several sizes and `size` is None.
    """

    def __init__(
        self, paths: Sequence[Path], size: int | None = None, where: str = "data", ground: Ground = WHITE
    ) -> None:
        if not paths:
            raise LatentclustError.at(where, "contains no image files", "Use a folder that contains images")
        self._paths = tuple(paths)
        self._size, self._ground = size, ground
        sizes: dict[tuple[int, int], Path] = {}
        grey = True
        further: list[Path] = []
        for path in self._paths:
            header = _header(path)
            sizes.setdefault(header.extent, path)
            grey = grey and header.mode in _GREY_MODES
            if header.further:
                further.append(path)
        if size is None and len(sizes) > 1:
            examples = " and ".join(f"{path} is {w}x{h}" for (w, h), path in list(sizes.items())[:2])
            raise LatentclustError.at(where, f"images have {len(sizes)} sizes: {examples}", "Set data.size")
        width, height = (size, size) if size else next(iter(sizes))
        self._mode = "L" if grey else "RGB"
        self.notes = further_note(further)
        self.shape: Shape = (1 if grey else 3, height, width)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)

    @property
    def files(self) -> tuple[Path, ...]:
        """The image files, in the order of the samples."""
        return self._paths

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self._paths)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return decoded images `(len(indices), c, h, w)`. Raise LatentclustError if a file is damaged."""
        images = np.empty((len(indices), *self.shape), np.uint8)
        for image, index in zip(images, indices, strict=True):
            path = self._paths[index]
            with open_image(path) as file:
                decoded = image_to_array(file, self._mode, self._size, self._ground)
            if decoded.shape != self.shape:
                what = f"has {decoded.shape[2]}x{decoded.shape[1]} pixels, but its header had another size"
                raise LatentclustError.at(str(path), what, "Write it again, and do not change files during a run")
            image[...] = decoded
        return images


def further_note(files: Sequence[Path]) -> tuple[str, ...]:
    """Return a sentence about files with several pictures. Empty if there are none."""
    text = f"{len(files):,} files contain" if len(files) > 1 else "1 file contains"
    return tuple(f"{text} several pictures, of which the first is read: {path.name}" for path in files[:1])


@dataclass(frozen=True, slots=True)
class _Header:
    """What a file says of its image: `(width, height)` as it is shown, mode, and whether other pictures follow."""

    extent: tuple[int, int]
    mode: str
    further: bool


def _header(path: Path) -> _Header:
    """Read the header of a file. Raise LatentclustError if it has more than 8 bits per channel."""
    with open_image(path) as file:
        problem = depth_problem(file)
        if problem is None:
            return _Header(displayed_size(file), file.mode, has_further_pictures(file))
    raise LatentclustError.at(str(path), problem, _DEEP_FIX)


def read_image(path: Path, ground: Ground = WHITE) -> NDArray[np.uint8]:
    """Return the image of a file as an array `(c, h, w)`, grey if the file is grey and otherwise RGB.

    Raises:
        LatentclustError: If the file is damaged.
    """
    with open_image(path) as file:
        return image_to_array(file, "L" if file.mode in _GREY_MODES else "RGB", ground=ground)


def image_to_array(image: Image.Image, mode: str, size: int | None = None, ground: Ground = WHITE) -> NDArray[np.uint8]:
    """Return a Pillow image as an array `(c, h, w)`.

    Args:
        image: The image. It is turned as its EXIF orientation says.
        mode: Pillow's mode of the result: `L` or `RGB`; `P` and `I` keep the stored values.
        size: Side of the square that it is resized to, bilinearly. None keeps its size.
        ground: Colour under transparent pixels, as RGB.
    """
    turned = ImageOps.exif_transpose(image)
    converted = _on_ground(turned, ground).convert(mode) if mode in ("L", "RGB") else turned.convert(mode)
    if size:
        converted = converted.resize((size, size), Image.Resampling.BILINEAR)
    array = np.asarray(converted)
    return array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1)


def _on_ground(image: Image.Image, ground: Ground) -> Image.Image:
    """Return an image without transparency: composited on a colour if it has any."""
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, (*ground, 255)), layer).convert("RGB")
