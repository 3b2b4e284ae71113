"""Rasters of one grid and several dates as the bands of one VRT."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from xml.etree import ElementTree as ET

from rasterio.io import DatasetReader

from latentclust.data.rasters import alpha_bands, bands_of
from latentclust.data.scenes.vrt import SHIFT, grid_shift, vrt_text
from latentclust.errors import LatentclustError


def stacked_vrt(files: Sequence[DatasetReader], bands: Sequence[Sequence[int]], dates: Sequence[str], name: str) -> str:
    """Return the text of a VRT with bands of all dates, named `DATE/BAND`, then their alpha channels.

    A pixel that is nodata at one date is nodata in the stack.

    Args:
        files: Open raster of each date.
        bands: Bands, counted from 1, that are read of each raster. Empty for all except alpha.
        dates: Date of each raster.
        name: Name of the stack, for messages.

    Raises:
        LatentclustError: If the rasters have different grids.
    """
    first = files[0]
    for file, day in zip(files[1:], dates[1:], strict=True):
        same = file.shape == first.shape and file.crs == first.crs and grid_shift(first, file) <= SHIFT
        if not same:
            what = f"the scene of {day} has another grid than that of {dates[0]}"
            raise LatentclustError.at(name, what, "Resample them to one grid first, for example with gdalwarp")
    root = ET.fromstring(vrt_text(first))
    for child in [each for each in root if each.tag in ("VRTRasterBand", "MaskBand", "Metadata", "OverviewList")]:
        root.remove(child)
    measured, alphas = [], []
    for file, read, day in zip(files, bands, dates, strict=True):
        chosen = tuple(read) or bands_of(file)
        elements = dict(enumerate(_band_elements(file), start=1))
        measured += [_named(elements[band], f"{day}/{file.descriptions[band - 1] or band}") for band in chosen]
        alphas += [elements[band] for band in alpha_bands(file, chosen)]
    for number, element in enumerate([*measured, *alphas], start=1):
        element.set("band", str(number))
        root.append(element)
    return ET.tostring(root, encoding="unicode")


def _band_elements(file: DatasetReader) -> Iterator[ET.Element]:
    """Yield the bands of a raster as elements of a VRT, each with the mask of the whole raster if it has no other."""
    root = ET.fromstring(vrt_text(file))
    mask = root.find("MaskBand")
    for element in root.findall("VRTRasterBand"):
        if mask is not None and element.find("MaskBand") is None and element.find("NoDataValue") is None:
            element.append(deepcopy(mask))
        yield element


def _named(element: ET.Element, name: str) -> ET.Element:
    description = element.find("Description")
    if description is None:
        description = ET.Element("Description")
        element.insert(0, description)
    description.text = name
    return element
