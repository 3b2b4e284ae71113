"""Rasters as GDAL writes and reads them, of odd types, sizes, masks, transforms, layouts and states."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import DatasetWriter
from rasterio.transform import Affine

from tests.fuzz.hostile import ESCAPES
from tests.fuzz.tensor_file_mutations import cut

TYPES = ("uint8", "uint8", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
TYPES += ("float32", "float64", "complex64", "complex128", "complex_int16")
SIDES = (1, 1, 2, 3, 7, 16, 33, 64, 100)
BLOCKS: tuple[Mapping[str, Any], ...] = (
    *({}, {}, {"blockysize": 1}, {"tiled": True, "blockxsize": 16, "blockysize": 16}),
    *({"tiled": True, "blockxsize": 512, "blockysize": 512}, {"compress": "lzw"}, {"interleave": "band"}),
    {"tiled": True, "blockxsize": 8192, "blockysize": 8192, "sparse_ok": True, "compress": "deflate"},
)
NAN = float("nan")
TRANSFORMS = (
    *(None, Affine.identity(), Affine(10, 0, 5e5, 0, -10, 4e6), Affine(10, 0, 5e5, 0, 10, 4e6)),
    *(
        Affine(7, 7, 5e5, 7, -7, 4e6),
        Affine(0, 0, 0, 0, 0, 0),
        Affine(1, 2, 0, 2, 4, 0),
        Affine(1e-300, 0, 0, 0, 1e300, 0),
    ),
    *(Affine(NAN, 0, 0, 0, NAN, 0), Affine(1e9, 0, 1e30, 0, -1e9, -1e30)),
)
SYSTEMS = (None, "EPSG:32613", "EPSG:4326", "EPSG:3857", "EPSG:4978", 'LOCAL_CS["x",UNIT["metre",1]]')
NODATA = (None, None, 0, 1, 255, -9999, NAN, float("inf"), -1.7e308, 2**63)
VRT = """<VRTDataset rasterXSize="{width}" rasterYSize="{height}">{extra}
<VRTRasterBand dataType="{kind}" band="1"><NoDataValue>{nodata}</NoDataValue><SimpleSource>
<SourceFilename relativeToVRT="1">{name}</SourceFilename><SourceBand>{band}</SourceBand>
</SimpleSource></VRTRasterBand></VRTDataset>"""


def write_odd(folder: Path, rng: np.random.Generator) -> tuple[Path, str]:
    """Write a raster and return its path and what it is like. What GDAL does not write is plain instead."""
    kind, count = _one(rng, TYPES), int(_one(rng, (1, 1, 2, 3, 3, 3, 4, 5, 6)))
    profile = {"driver": "GTiff", "dtype": kind, "count": count, "height": _one(rng, SIDES), "width": _one(rng, SIDES)}
    if rng.integers(3) == 0:
        profile |= {"height": 90, "width": 110}
    profile |= {
        "transform": _one(rng, TRANSFORMS),
        "crs": _one(rng, SYSTEMS),
        "nodata": _one(rng, NODATA),
        **_one(rng, BLOCKS),
    }
    values, how = _values((count, profile["height"], profile["width"]), kind, rng)
    path = folder / "scene.tif"
    try:
        extra = _write(path, profile, values, rng)
    except (RasterioError, ValueError, TypeError, OverflowError) as error:
        plain = {key: profile[key] for key in ("driver", "dtype", "count", "height", "width")}
        extra = f"plain because of {error}; {_write(path, plain, values, rng)}"
    what = f"{profile} {how} {extra}"
    if rng.integers(4) == 0:
        content, damage = cut(path.read_bytes(), rng)
        path.write_bytes(content)
        what += f" {damage}"
    if rng.integers(6) == 0:
        path, virtual = _virtual(path, profile, rng)
        what += f" {virtual}"
    return path, what


def _one(rng: np.random.Generator, values: tuple[Any, ...]) -> Any:
    return values[rng.integers(len(values))]


def _values(shape: tuple[int, int, int], kind: str, rng: np.random.Generator) -> tuple[NDArray[Any], str]:
    """Return values of a type, and what they are like."""
    stored = np.dtype("int16" if kind == "complex_int16" else kind)
    how = _one(rng, ("noise", "noise", "noise", "constant", "extreme", "gaps", "nothing", "subnormal"))
    values = rng.integers(0, 100, shape).astype(stored)
    if how == "constant":
        values[:] = 7
    elif stored.kind in "fc" and how in ("gaps", "nothing", "subnormal"):
        fill = {"gaps": _one(rng, (NAN, float("inf"))), "nothing": NAN, "subnormal": 1e-320}[how]
        values[(rng.random(shape) < 0.5) | (how != "gaps")] = fill
    elif stored.kind in "fc" and how == "extreme":
        values[rng.random(shape) < 0.5] = np.finfo(stored).max
    elif how == "extreme":
        values[rng.random(shape) < 0.5] = np.iinfo(stored).max
    elif how == "nothing":
        values[:] = 0
    return values if kind != "complex_int16" else values.astype("complex64"), how


def _write(path: Path, profile: Mapping[str, Any], values: NDArray[Any], rng: np.random.Generator) -> str:
    """Write values with a mask, colours, points or names, and return which."""
    extra = str(rng.choice(["", "", *EXTRAS]))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=bool(rng.integers(2))), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", **profile) as file:
            if extra in EXTRAS:
                EXTRAS[extra](file, rng)
            if "sparse_ok" not in profile or rng.integers(2):
                file.write(values)
    return extra


def _mask(file: DatasetWriter, rng: np.random.Generator) -> None:
    file.write_mask(rng.integers(0, 2, file.shape).astype(bool) & bool(rng.integers(4)))


def _alpha(file: DatasetWriter, rng: np.random.Generator) -> None:
    kinds = [ColorInterp.alpha] * file.count
    file.colorinterp = kinds if rng.integers(2) else [*file.colorinterp[:-1], kinds[0]]


def _palette(file: DatasetWriter, rng: np.random.Generator) -> None:
    file.write_colormap(1, {number: (number, 0, 255 - number, number % 3) for number in range(256)})


def _points(file: DatasetWriter, rng: np.random.Generator) -> None:
    corners = ((0, 0), (0, 9), (9, 0), (9, 9)) if rng.integers(2) else ((0, 0), (0, 0))
    points = [GroundControlPoint(row, column, 5e5 + column, 4e6 - row) for row, column in corners]
    file.gcps = (points, CRS.from_epsg(32613))


def _names(file: DatasetWriter, rng: np.random.Generator) -> None:
    file.descriptions = [f"{ESCAPES}[/]{band // 2}" for band in range(file.count)]


def _scales(file: DatasetWriter, rng: np.random.Generator) -> None:
    file.scales = [_one(rng, (0.0, NAN, -1.0, 1e308)) for _ in range(file.count)]
    file.offsets = [_one(rng, (0.0, NAN, float("inf"))) for _ in range(file.count)]


def _overviews(file: DatasetWriter, rng: np.random.Generator) -> None:
    file.build_overviews([2, 4])


EXTRAS: Mapping[str, Callable[[DatasetWriter, np.random.Generator], None]] = {
    name.__name__: name for name in (_mask, _alpha, _palette, _points, _names, _scales, _overviews)
}


def _virtual(path: Path, profile: Mapping[str, Any], rng: np.random.Generator) -> tuple[Path, str]:
    """Write a virtual raster of one band, whose size, type, band and nodata value may not be those of the file."""
    facts = {
        "width": _one(rng, (profile["width"], 0, 1, -5, 2**31 - 1, 10**10)),
        "height": _one(rng, (profile["height"], profile["height"], 0, 3)),
        "kind": _one(rng, ("Byte", "Int8", "UInt16", "Float32", "CFloat64", "Nothing")),
        "nodata": _one(rng, ("1e40", "nan", "-1", "256", "x", "")),
        "band": _one(rng, (1, 1, 1, 9)),
        "name": _one(rng, (path.name, path.name, path.name, "absent.tif", "scene.vrt")),
        "extra": _one(
            rng, ("", "<GeoTransform>0,0,0,0,0,0</GeoTransform>", "<SRS>nonsense</SRS>", "<GCPList/>", "<X>")
        ),
    }
    virtual = path.with_suffix(".vrt")
    virtual.write_text(VRT.format(**facts))
    return virtual, str(facts)
