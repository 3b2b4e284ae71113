"""Masks of scenes as an alpha channel of a VRT, so that masked pixels are nodata wherever the scene is read."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from latentclust.data.band_names import find_bands
from latentclust.data.rasters import Opened, bands_of, descriptions
from latentclust.data.scenes.grids import grid_of, inner_places, is_placed
from latentclust.data.scenes.vrt import SHIFT, grid_shift, open_file, vrt_text
from latentclust.errors import LatentclustError
from latentclust.specs.scenes import SceneMask

TAG = "LATENTCLUST_MASK"
"""Metadata item of the alpha channel that a mask became."""

CLEAR, MASKED = 255, 0
"""Values of the alpha channel."""

FULL_DOMAIN = 2
"""Largest size in bytes of a value whose bits can be tested: a table of all values is small."""

TOLERANCE = 0.01
"""Largest error in pixels of the position of a resampled mask."""


def masked_vrt(file: DatasetReader, mask: SceneMask, name: str, untrusted: bool = False) -> str:
    """Return the text of a VRT of a scene with its mask as an alpha channel, which is 0 for masked pixels.

    A band of the scene keeps its place. Another raster is resampled to the scene's grid by nearest neighbour, and masks
    the pixels that it does not cover. A declared nodata value of the mask has no meaning of its own.

    Args:
        file: The open scene.
        mask: Mask.
        name: Name of the scene, for messages.
        untrusted: Whether files in formats that can read other files are refused.

    Raises:
        LatentclustError: If the scene has no such band, or the mask cannot be read, has several bands, does not contain
            whole numbers, or lies elsewhere.
    """
    root = ET.fromstring(vrt_text(file))
    bands = root.findall("VRTRasterBand")
    if not mask.source:
        place = _band_place(file, mask, name)
        source = _alpha_source(file, place, mask)
        root.insert(list(root).index(bands[place - 1]), _alpha_band(place, mask, source, bands[place - 1]))
        root.remove(bands[place - 1])
        return ET.tostring(root, encoding="unicode")
    aligned = _source("SimpleSource", _aligned(file, mask, name, untrusted), 1)
    root.insert(list(root).index(bands[-1]) + 1, _alpha_band(len(bands) + 1, mask, aligned, bands[0]))
    return ET.tostring(root, encoding="unicode")


def mask_band(file: Opened) -> int | None:
    """Return the alpha channel, counted from 1, that a mask became. None if the scene has no mask."""
    return next((band for band in range(1, file.count + 1) if TAG in file.tags(band)), None)


def mask_notes(file: DatasetReader, mask: SceneMask, windows: Iterator[Window]) -> Iterator[str]:
    """Yield warnings about the mask of an open scene: pixels that it does not cover, values that do not occur.

    Args:
        file: Scene with `mask_band`.
        mask: Its mask.
        windows: Windows in which masked pixels are looked for.
    """
    if mask.source and (share := _uncovered(file, mask)):
        outside = f"about {max(share, 0.01):.0%} of it"
        yield f"the mask {mask.name} does not cover {outside}: pixels outside the mask are nodata"
    band, count = mask_band(file), 0
    for window in windows:
        found = file.read(band, window=window)
        count += found.size
        if (found == MASKED).any():
            return
    yield f"no pixel of {count:,} sampled ones has {mask.marks} in the mask {mask.name}"


def _band_place(file: DatasetReader, mask: SceneMask, name: str) -> int:
    """Return the position, counted from 1, of the band that is the mask."""
    labels = descriptions(file, range(1, file.count + 1))
    found = find_bands([mask.band], labels)[0]
    if found is not None:
        return found + 1
    if mask.band.isdecimal() and 1 <= int(mask.band) <= file.count:
        return int(mask.band)
    listed = ", ".join(label or f"{number}" for number, label in enumerate(labels, start=1))
    what = f"has no band, or several, named {mask.band} for the mask (its bands: {listed})"
    raise LatentclustError.at(name, what, "Name one of its bands, or give the number of one")


def _alpha_band(number: int, mask: SceneMask, source: ET.Element, like: ET.Element) -> ET.Element:
    """Return the element of the alpha channel, with blocks like those of another band."""
    sizes = {key: value for key, value in like.attrib.items() if key.startswith("block")}
    band = ET.Element("VRTRasterBand", {"dataType": "Byte", "band": str(number), **sizes})
    ET.SubElement(band, "Description").text = like.findtext("Description") if not mask.source else "mask"
    ET.SubElement(ET.SubElement(band, "Metadata"), "MDI", {"key": TAG}).text = mask.marks
    ET.SubElement(band, "ColorInterp").text = "Alpha"
    band.append(source)
    return band


def _source(kind: str, address: str, band: int) -> ET.Element:
    source = ET.Element(kind)
    ET.SubElement(source, "SourceFilename", relativeToVRT="0").text = address
    ET.SubElement(source, "SourceBand").text = str(band)
    return source


def _alpha_source(file: DatasetReader, band: int, mask: SceneMask) -> ET.Element:
    """Return a band of an open raster, with its values replaced by those of the alpha channel."""
    source = _source("ComplexSource", vrt_text(file), band)
    ET.SubElement(source, "LUT").text = _lookup_table(np.dtype(file.dtypes[band - 1]), mask)
    return source


def _lookup_table(kind: np.dtype[Any], mask: SceneMask) -> str:
    """Return the alpha of values as GDAL reads it: pairs that it interpolates between, which no integer notices."""
    if kind.kind not in "iu":
        what = f"holds values of type {kind}, and the values of a mask are whole numbers"
        raise LatentclustError.at(mask.name, what, "Convert it, for example with gdal_translate -ot Byte")
    if mask.bits and kind.itemsize > FULL_DOMAIN:
        what = f"holds values of type {kind}; bits are read of values of 8 and 16 bits"
        raise LatentclustError.at(mask.name, what, "Convert it, for example with gdal_translate -ot UInt16")
    values = np.array(mask.values, np.int64)
    domain = np.unique([values - 1, values, values + 1])
    if mask.bits:
        domain = np.arange(np.iinfo(kind).min, np.iinfo(kind).max + 1)
    masked = np.isin(domain, values) | (domain & sum(1 << bit for bit in mask.bits) != 0)
    changes = np.flatnonzero(masked[1:] != masked[:-1])
    kept = np.unique([0, len(domain) - 1, *changes, *(changes + 1)])
    return ",".join(f"{domain[at]}:{MASKED if masked[at] else CLEAR}" for at in kept)


def _aligned(file: DatasetReader, mask: SceneMask, name: str, untrusted: bool) -> str:
    """Return the text of a VRT of the mask's alpha on the grid of a scene."""
    with _opened(mask, untrusted) as raster:
        alpha = _alpha_text(raster, mask)
        if raster.shape == file.shape and _same_place(raster, file):
            return alpha
        _check_place(raster, file, mask, name)
    with (
        rasterio.open(alpha) as raster,
        WarpedVRT(raster, **grid_of(file), resampling=Resampling.nearest, tolerance=TOLERANCE) as warped,
    ):
        return vrt_text(warped)


def _opened(mask: SceneMask, untrusted: bool) -> DatasetReader:
    try:
        file = open_file(mask.source, mask.name, untrusted)
    except (OSError, RasterioError) as error:
        what = f"the mask cannot be read ({error})"
        raise LatentclustError.at(mask.name, what, "Give a raster with one band") from error
    if len(bands := bands_of(file)) != 1:
        file.close()
        what = f"has {len(bands)} bands, and a mask has one"
        raise LatentclustError.at(
            mask.name, what, "Write the band to a file of its own, or give band:NAME of the scene"
        )
    return file


def _alpha_text(raster: DatasetReader, mask: SceneMask) -> str:
    """Return the text of a VRT with one band, the alpha of a mask on its own grid."""
    root = ET.fromstring(vrt_text(raster))
    first = root.findall("VRTRasterBand")[bands_of(raster)[0] - 1]
    for child in list(root):
        if child.tag in ("VRTRasterBand", "MaskBand"):
            root.remove(child)
    root.append(_alpha_band(1, mask, _alpha_source(raster, bands_of(raster)[0], mask), first))
    _set_colour(root, "Gray")  # The warper would take an alpha channel for a mask of the mask.
    return ET.tostring(root, encoding="unicode")


def _set_colour(root: ET.Element, colour: str) -> None:
    for element in root.iter("ColorInterp"):
        element.text = colour


def _same_place(mask: DatasetReader, file: DatasetReader) -> bool:
    """Return whether rasters of one size have one grid. One that has no place is compared pixel by pixel."""
    if not (is_placed(mask) and is_placed(file)):
        return True
    return bool(mask.crs == file.crs and grid_shift(file, mask) <= SHIFT)


def _check_place(raster: DatasetReader, file: DatasetReader, mask: SceneMask, name: str) -> None:
    """Raise LatentclustError if the pixels of a mask and of a scene cannot be matched, or it covers none of them."""
    if not (is_placed(raster) and is_placed(file)):
        sizes = f"{raster.width}x{raster.height} pixels (w x h), and the scene {file.width}x{file.height}"
        what = f"the mask {mask.name} has {sizes}; not both have a coordinate system and a transform"
        raise LatentclustError.at(name, what, "Give a mask of the scene's size, or add them")
    if not inner_places(file, raster)[2].any():
        what = f"the mask {mask.name} covers no pixel of it"
        raise LatentclustError.at(name, what, "Give the mask of this scene")


def _uncovered(file: DatasetReader, mask: SceneMask) -> float:
    """Return the share of a scene's area, estimated from places on a grid, that a mask does not cover."""
    with _opened(mask, False) as raster:
        if not (is_placed(raster) and is_placed(file)):
            return 0.0
        return float(1 - inner_places(file, raster)[2].mean())
