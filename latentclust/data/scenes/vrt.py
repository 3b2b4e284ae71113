"""Joining of files with one band each into the text of a VRT that GDAL opens."""

import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import PurePath
from xml.etree import ElementTree as ET

import numpy as np
import rasterio
from rasterio.enums import MaskFlags, WktVersion
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.shutil import copy

from latentclust.data.rasters import Opened, Scales, bands_of, scales_of
from latentclust.data.scenes.grids import pixel_matrix
from latentclust.data.scenes.scale_tags import NO_TAG
from latentclust.data.scenes.sentinel import sentinel_scale
from latentclust.errors import LatentclustError
from latentclust.specs.scenes import BandFile

TYPES = {
    "int8": "Int8",
    "uint8": "Byte",
    "int16": "Int16",
    "uint16": "UInt16",
    "int32": "Int32",
    "uint32": "UInt32",
    "int64": "Int64",
    "uint64": "UInt64",
    "float32": "Float32",
    "float64": "Float64",
}
"""GDAL name of each data type."""

SHIFT = 1e-3
"""Distance in pixels that corners of joined files may differ by: more than rounding, less than is visible."""


SELF_CONTAINED = ("GTiff", "JP2OpenJPEG", "PNG", "JPEG")
"""GDAL drivers of formats that read no other files. Those of VRT, HDF5, netCDF, Zarr and others can."""

NO_DRIVER = "not recognized as being in a supported file format"
"""What GDAL says of a file that none of the allowed drivers opens."""


def open_file(source: str, name: str, untrusted: bool = False) -> DatasetReader:
    """Open a raster file.

    Args:
        source: Name of the file for GDAL.
        name: Name of the scene, for messages.
        untrusted: Whether only drivers of `SELF_CONTAINED` may look at the file.

    Raises:
        LatentclustError: If none of these drivers knows the format of an untrusted file.
    """
    if not untrusted:
        return rasterio.open(source)
    try:
        return DatasetReader(source, driver=list(SELF_CONTAINED))
    except RasterioError as error:
        if NO_DRIVER not in str(error):
            raise
        known = ", ".join(SELF_CONTAINED)
        what = f"is in none of the formats that read no other files ({known}), and --untrusted refuses it"
        fix = "Convert it to a GeoTIFF, or leave --untrusted out if you trust its author"
        raise LatentclustError.at(name, what, fix) from error


def build_vrt(parts: Sequence[BandFile], name: str, untrusted: bool = False) -> str:
    """Return the text of a VRT. Its bands have the order and names of the parts, and keep nodata values and masks.

    Files of coarser pixels that cover the same area are resampled to the finest grid by nearest neighbour: values stay
    those that were measured, and do not depend on the window that is read.

    Args:
        parts: One or more files.
        name: Name of the scene, for messages.
        untrusted: Whether files in formats that can read other files are refused.

    Raises:
        LatentclustError: If a file cannot be read, has several bands or complex values, or does not cover the area of
            the finest one.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(_opened(part, name, untrusted)) for part in parts]
        at, finest = max(enumerate(files), key=lambda each: each[1].width * each[1].height)
        for part, file in zip(parts, files, strict=True):
            if difference := _difference(finest, file):
                what = f"its files have different grids: {part.name} {difference} {parts[at].name}"
                raise LatentclustError.at(name, what, _resampling_fix(finest, part.name, parts[at].name))
        root = ET.Element("VRTDataset", rasterXSize=str(finest.width), rasterYSize=str(finest.height))
        _place(root, finest)
        for number, (part, file) in enumerate(zip(parts, files, strict=True), start=1):
            _add_band(root, number, part, file, finest)
    return ET.tostring(root, encoding="unicode")


def scaled_vrt(file: DatasetReader, scales: Scales, name: str) -> str:
    """Return the text of a VRT of an open raster with scale and offset of its bands, if its header has none.

    Args:
        file: Raster.
        scales: Scale and offset of each band, without alpha, or one for all of them.
        name: Name of the scene, for messages.

    Raises:
        LatentclustError: If the raster has another number of bands.
    """
    bands = bands_of(file)
    scales = scales * len(bands) if len(scales) == 1 else scales
    if len(scales) not in (file.count, len(bands)):
        what = f"its item states scales of {len(scales)} bands, and the raster has {len(bands)}"
        raise LatentclustError.at(name, what, "Correct raster:bands of the item")
    root = ET.fromstring(vrt_text(file))
    elements = dict(enumerate(root.findall("VRTRasterBand"), start=1))
    for band, scale in zip(bands, scales, strict=False):
        if scales_of(file, [band])[0] == NO_TAG:
            for tag, value in zip(("Scale", "Offset"), scale, strict=True):
                for old in elements[band].findall(tag):
                    elements[band].remove(old)
                elements[band].insert(0, ET.Element(tag))
                elements[band][0].text = repr(value)
    return ET.tostring(root, encoding="unicode")


def vrt_text(file: Opened) -> str:
    """Return the text of a VRT of an open raster."""
    with MemoryFile(ext=".vrt") as memory:
        copy(file, memory.name, driver="VRT")
        return bytes(memory.read()).decode()


def _opened(part: BandFile, name: str, untrusted: bool) -> DatasetReader:
    try:
        file = open_file(part.source, name, untrusted)
    except (OSError, RasterioError) as error:
        what = f"its band {part.band}, {part.name}, cannot be read ({error})"
        raise LatentclustError.at(name, what, "Fetch or copy the file again") from error
    bands = bands_of(file)
    if len(bands) != 1 or file.dtypes[bands[0] - 1] not in TYPES:
        kinds = " and ".join(sorted(set(file.dtypes)))
        file.close()
        what = (
            f"{part.name} has {len(bands)} band(s) of {kinds}; only files with one band of real numbers can be joined"
        )
        raise LatentclustError.at(name, what, "Pass files with one band each")
    return file


def _difference(first: DatasetReader, other: DatasetReader) -> str:
    """Return how the grid of another file differs from the finest one, except in its pixel size, or an empty text."""
    placed = not any(file.gcps[0] or file.transform.is_identity for file in (first, other))
    covers = placed and grid_shift(first, other) <= SHIFT
    if (first.height, first.width) != (other.height, other.width) and not covers:
        return f"is {other.width}x{other.height} pixels (w x h), unlike the {first.width}x{first.height} of"
    if first.crs != other.crs or first.gcps[1] != other.gcps[1]:
        return f"is in {other.crs or other.gcps[1]}, unlike the {first.crs or first.gcps[1]} of"
    if (shift := grid_shift(first, other)) > SHIFT or _points(first) != _points(other):
        return f"is shifted by {shift:.3g} pixels at a corner from"
    return ""


def _resampling_fix(grid: DatasetReader, other: str, finest: str) -> str:
    """Return the commands that bring a file of another extent to a grid.

    gdalwarp writes the northernmost row first. If the grid does not, its own file has to be resampled, too.
    """
    if not grid.crs or grid.transform.b or grid.transform.d:
        return "Resample them to one grid first, for example with gdalwarp"
    flipped = grid.transform.a < 0 or grid.transform.e > 0
    commands = " ; ".join(_gdalwarp(grid, name) for name in (other, *((finest,) if flipped else ())))
    which = "both files" if flipped else "it"
    return f"Leave the file out, or resample {which} and use the result instead: {commands}"


def _gdalwarp(grid: DatasetReader, name: str) -> str:
    """Return the command that resamples a file to the extent and size of a grid."""
    authority = grid.crs.to_authority(confidence_threshold=100)
    crs = ":".join(authority) if authority else grid.crs.to_wkt(version=WktVersion.WKT2_2019)
    left, bottom, right, top = grid.bounds
    extent = (min(left, right), min(bottom, top), max(left, right), max(bottom, top))
    target = ("-te", *(f"{value:.15g}" for value in extent), "-ts", str(grid.width), str(grid.height))
    return shlex.join(("gdalwarp", "-t_srs", crs, *target, name, f"{PurePath(name).stem}-resampled.tif"))


def grid_shift(first: DatasetReader, other: DatasetReader) -> float:
    """Return how far, in pixels of the first file, its corners are from those of another file."""
    corners, others = (np.array([[0, f.width, 0], [0, 0, f.height], [1, 1, 1]]) for f in (first, other))
    return float(np.abs(np.linalg.solve(pixel_matrix(first), pixel_matrix(other) @ others) - corners).max())


def _points(file: DatasetReader) -> list[dict[str, str]]:
    """Return ground control points as a VRT contains them."""
    places = [(point.col, point.row, point.x, point.y, point.z or 0.0) for point in file.gcps[0]]
    axes = ("Pixel", "Line", "X", "Y", "Z")
    return [dict(zip(axes, (repr(float(value)) for value in place), strict=True)) for place in places]


def _place(root: ET.Element, file: DatasetReader) -> None:
    """Add CRS and transform, or ground control points."""
    points, projection = file.gcps
    if points:
        named = {"Projection": projection.to_wkt(version=WktVersion.WKT2_2019)} if projection else {}
        listed = ET.SubElement(root, "GCPList", named)
        for number, point in enumerate(_points(file), start=1):
            ET.SubElement(listed, "GCP", {"Id": str(number), **point})
        return
    if file.crs:
        ET.SubElement(root, "SRS").text = file.crs.to_wkt(version=WktVersion.WKT2_2019)
    if not file.transform.is_identity:
        ET.SubElement(root, "GeoTransform").text = ", ".join(repr(float(each)) for each in file.transform.to_gdal())


def _add_band(root: ET.Element, number: int, part: BandFile, file: DatasetReader, grid: DatasetReader) -> None:
    """Add one band on a grid, with its nodata value, or else its mask if it has one."""
    band = bands_of(file)[0]
    at = band - 1
    kind, flags, (height, width) = TYPES[file.dtypes[at]], file.mask_flag_enums[at], file.block_shapes[at]
    sizes = {"blockXSize": str(width), "blockYSize": str(height)}
    element = ET.SubElement(root, "VRTRasterBand", {"dataType": kind, "band": str(number), **sizes})
    ET.SubElement(element, "Description").text = part.band
    ET.SubElement(element, "ColorInterp").text = "Gray"
    if MaskFlags.nodata in flags:
        ET.SubElement(element, "NoDataValue").text = repr(file.nodatavals[at])
    scale, offset = scales_of(file, [band])[0]
    if (scale, offset) == NO_TAG:
        scale, offset = part.scale or sentinel_scale(part.source) or NO_TAG
    ET.SubElement(element, "Offset").text = repr(offset)
    ET.SubElement(element, "Scale").text = repr(scale)
    _add_source(element, part, str(band), file, grid)
    if not set(flags) & {MaskFlags.nodata, MaskFlags.all_valid}:
        mask = ET.SubElement(ET.SubElement(element, "MaskBand"), "VRTRasterBand", {"dataType": "Byte", **sizes})
        _add_source(mask, part, f"mask,{band}", file, grid)


def _add_source(element: ET.Element, part: BandFile, band: str, file: DatasetReader, grid: DatasetReader) -> None:
    """Add a complete band of a file, or its mask, as a source that fills a grid."""
    whole, target = ({"xOff": "0", "yOff": "0", "xSize": str(f.width), "ySize": str(f.height)} for f in (file, grid))
    source = ET.SubElement(element, "SimpleSource")
    ET.SubElement(source, "SourceFilename", relativeToVRT="0").text = part.source
    ET.SubElement(source, "SourceBand").text = band
    ET.SubElement(source, "SrcRect", whole)
    ET.SubElement(source, "DstRect", target)
