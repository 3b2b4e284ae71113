"""Map tiles of scenes and label rasters, read and warped by rio-tiler."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rasterio.io import DatasetReader
from rio_tiler import reader
from rio_tiler.colormap import cmap

from latentclust.data.sources import UINT8_MAX
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.windows.stitch import NO_DATA
from latentclust.viewer.placement import MERCATOR, Placement, tile_transform

SIDE = 512
"""Side of a tile in pixels."""

DIMMED = 45
"""Opacity, of 255, of clusters other than the highlighted one."""

UNKNOWN = (128, 128, 128, 255)
"""Colour of values that are not in the legend."""

FASTEST = 1
"""Compression level of PNG: tiles stay on this computer, and higher levels cost more time than they save."""

JPEG_QUALITY = 95
"""Quality at which no difference to the pixels is seen, even when they are enlarged."""

Rgba = NDArray[np.uint8]
"""Colours `(h, w, 4)` of a tile, or `(n, 4)` of values."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A square of the map.

    Attributes:
        x: Column of tiles.
        y: Row of tiles.
        zoom: Zoom level.
    """

    x: int
    y: int
    zoom: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A band with the values that are shown dark and bright.

    Attributes:
        band: Number of the band, counted from 1.
        low: Value of black.
        high: Value of full brightness.
    """

    band: int
    low: float
    high: float


def scene_tile(file: DatasetReader, where: Placement, tile: Tile, shown: Sequence[Stretch]) -> Rgba:
    """Return a tile of a scene in one band as grey, or in three as red, green and blue."""
    found = _read(file, where, tile, [each.band for each in shown])
    values, valid = np.ma.getdata(found), ~np.ma.getmaskarray(found).any(axis=0)
    if values.dtype.kind == "f":
        valid &= np.isfinite(values).all(axis=0)
    colours = np.empty((SIDE, SIDE, 4), np.uint8)
    channels = list(zip(values, shown, strict=True))
    for channel in range(3):
        band, stretch = channels[channel % len(channels)]
        colours[..., channel] = stretched(band, stretch)
    colours[..., 3] = UINT8_MAX
    colours[~valid] = 0
    return colours


def stretched(values: NDArray[Any], stretch: Stretch) -> NDArray[np.uint8]:
    """Return values `(h, w)` as bytes between the ends of a stretch. Small integers are looked up in a table."""
    small = values.dtype in (np.uint8, np.uint16)
    numbers = np.arange(np.iinfo(values.dtype).max + 1) if small else np.nan_to_num(values)
    # Single precision would lose the differences of large values, and a narrow range lets far values overflow.
    with np.errstate(over="ignore"):
        shares = (numbers.astype(np.float64) - stretch.low) / (stretch.high - stretch.low)
    levels = np.rint(np.clip(shares, 0, 1) * UINT8_MAX).astype(np.uint8)
    found: NDArray[np.uint8] = levels[values] if small else levels
    return found


def labelled_part(colours: Rgba, file: DatasetReader, where: Placement, tile: Tile) -> Rgba:
    """Return the colours of a tile of a scene, transparent where its label raster has no data."""
    labels = np.ma.filled(_read(file, where, tile, [1]), NO_DATA)[0]
    colours[labels == NO_DATA] = 0
    return colours


def legend_tile(file: DatasetReader, where: Placement, tile: Tile, legend: Legend, only: int | None) -> Rgba:
    """Return a tile of a label raster in the colours of its legend, with all values but `only` dimmed."""
    values = _read(file, where, tile, [1])
    return colour_values(np.ma.filled(values, 0)[0], legend_colours(legend, only))


def share_tile(file: DatasetReader, where: Placement, tile: Tile, band: int) -> Rgba:
    """Return a tile of confidence or of the probability of a cluster, from dark violet to yellow."""
    values = _read(file, where, tile, [band])
    return colour_values(np.ma.filled(values, 0)[0], share_colours())


def legend_colours(legend: Legend, only: int | None = None) -> Rgba:
    """Return the colour `(n + 1, 4)` of each value, and last that of values that are not in the legend."""
    colours = np.array([*(entry.colour for entry in legend.entries), UNKNOWN], np.uint8)
    if only is not None:
        others = np.arange(len(colours)) != only
        colours[others, 3] = np.minimum(colours[others, 3], DIMMED)
    return colours


def share_colours() -> Rgba:
    """Return the colour `(256, 4)` of each byte of a raster of confidence or probabilities. 0 is nodata."""
    viridis = cmap.get("viridis")
    colours = np.array([viridis[level] for level in range(UINT8_MAX + 1)], np.uint8)
    colours[0] = 0
    return colours


def colour_values(values: NDArray[np.unsignedinteger], colours: Rgba) -> Rgba:
    """Return the colours `(h, w, 4)` of values `(h, w)`. Values beyond the table have the last colour."""
    found: Rgba = colours[np.minimum(values.astype(np.intp), len(colours) - 1)]
    return found


def encode_png(colours: Rgba) -> bytes:
    """Return a tile as PNG."""
    file = BytesIO()
    Image.fromarray(colours).save(file, "PNG", compress_level=FASTEST)
    return file.getvalue()


def encode_scene(colours: Rgba) -> tuple[bytes, str]:
    """Return a tile of a scene and its media type: JPEG, which is made faster, or PNG if a part is transparent."""
    if colours[..., 3].min() < UINT8_MAX:
        return encode_png(colours), "image/png"
    file = BytesIO()
    Image.fromarray(colours[..., :3]).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return file.getvalue(), "image/jpeg"


def empty_tile() -> bytes:
    """Return a transparent PNG of one pixel."""
    return encode_png(np.zeros((1, 1, 4), np.uint8))


def overlaps(where: Placement, tile: Tile) -> bool:
    """Return whether a raster has pixels in a tile."""
    place = tile_transform(tile.x, tile.y, tile.zoom, 1)
    west, south, east, north = where.bounds
    return bool(west < place.c + place.a and east > place.c and south < place.f and north > place.f + place.e)


def _read(file: DatasetReader, where: Placement, tile: Tile, bands: Sequence[int]) -> np.ma.MaskedArray:
    """Return the values `(c, SIDE, SIDE)` of bands in a tile. Pixels outside the raster and nodata are masked.

    The nearest pixel of an overview is read. Interpolation would take five times as long, and the map interpolates.
    GDAL warps an overview only if the virtual raster is finer than the tile by the factor of the overview.
    """
    ratio = tile_transform(tile.x, tile.y, tile.zoom, SIDE).a / where.resolution
    fine = SIDE * max((factor for factor in file.overviews(bands[0]) if factor <= ratio), default=1)
    target = {
        "src_crs": where.crs,
        "src_transform": where.transform,
        "crs": MERCATOR,
        "transform": tile_transform(tile.x, tile.y, tile.zoom, fine),
        "width": fine,
        "height": fine,
        "dtype": np.result_type(*(file.dtypes[band - 1] for band in bands)).name,
    }
    found = reader.read(file, dst_crs=MERCATOR, width=SIDE, height=SIDE, indexes=bands, vrt_options=target)
    array: np.ma.MaskedArray = found.array
    return array
