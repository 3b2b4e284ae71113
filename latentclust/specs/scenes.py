"""Scenes: rasters that samples are windows of, and that are labelled."""

from dataclasses import dataclass, field
from pathlib import Path, PurePath

from latentclust.errors import Issue

OUTPUT = ".tif"

RASTERS = ("labels", "confidence", "probabilities", "classes")
"""Rasters that may be written for a scene."""


@dataclass(frozen=True, slots=True)
class BandFile:
    """A file with one band.

    Attributes:
        band: Name of the band.
        source: Address that GDAL opens.
        name: Name for messages.
        scale: Scale and offset that metadata outside the file state. None if there are none.
    """

    band: str
    source: str = field(repr=False)
    name: str
    scale: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class SceneMask:
    """Whole numbers on the pixels of a scene, such as a classification of clouds, some of which mark masked pixels.

    Attributes:
        source: Address that GDAL opens. Empty if the mask is a band of the scene.
        band: Name or number, counted from 1, of the band. Empty for the only band of `source`.
        name: Name for messages.
        values: Values of masked pixels.
        bits: Bits, counted from 0, of values of masked pixels: a pixel is masked if one of them is set.
    """

    source: str = field(repr=False)
    band: str
    name: str
    values: tuple[int, ...] = ()
    bits: tuple[int, ...] = ()

    @property
    def marks(self) -> str:
        """The values and bits as text."""
        values = (f"value {' or '.join(map(str, self.values))}",) if self.values else ()
        bits = (f"bit {' or '.join(map(str, self.bits))}",) if self.bits else ()
        return " or ".join((*values, *bits))


@dataclass(frozen=True, slots=True)
class Scene:
    """A raster to be trained on or labelled.

    Attributes:
        source: Address that GDAL opens. Empty if band files are joined.
        name: Name in messages and results: the absolute path, or the URL without secrets.
        output: Path of the label raster, relative to the output folder.
        files: Local files that the scene is read from.
        item: STAC item that contains the scene. None if there is none.
        parts: Files with one band each that are joined.
        bands: Names of the rasters that are joined if the source contains several, such as variables.
        scales: Scale and offset of each band of the source that metadata outside the file state.
        requested: Names of the bands that are read, if the user gives them and the scene is one file.
        untrusted: Whether formats that can read other files are refused.
        mask: Mask whose pixels are nodata. None if there is none.
        stack: Scenes of single dates whose bands are those of this scene.
        dates: Date of each of them.
        error: Reason why the scene cannot be opened, if it is known before.
    """

    source: str = field(repr=False)
    name: str
    output: PurePath
    files: tuple[Path, ...] = ()
    item: Path | None = None
    parts: tuple[BandFile, ...] = ()
    bands: tuple[str, ...] = ()
    scales: tuple[tuple[float, float], ...] = ()
    requested: tuple[str, ...] = ()
    untrusted: bool = False
    mask: SceneMask | None = None
    stack: tuple["Scene", ...] = ()
    dates: tuple[str, ...] = ()
    error: Issue | None = None

    @property
    def short(self) -> str:
        """Last component of the name."""
        return self.name.rpartition("/")[2]

    def raster(self, name: str) -> PurePath:
        """Return the path of one of the `RASTERS`, relative to the output folder."""
        return self.output if name == "labels" else self.output.with_name(f"{self.output.stem}-{name}{OUTPUT}")
