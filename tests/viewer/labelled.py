"""A small scene of known values with its label rasters, as latentclust label writes them."""

import json
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from latentclust.labelling.label_report import SceneResult
from latentclust.labelling.measure.area_table import write_area_table
from latentclust.labelling.outputs.legend import Legend, LegendEntry
from latentclust.labelling.outputs.sidecars import write_sidecars
from latentclust.labelling.run_log import RunLogFile

HEIGHT, WIDTH = 48, 64
METRES = 10
WEST, NORTH = 500_000, 4_500_000
HOSTILE = "<script>alert(1)</script>\"'\u202egnol" + "x" * 300

NAMES = ("no data", "water", HOSTILE, "forest")
COLOURS = ((0, 0, 0, 0), (20, 60, 200, 255), (200, 30, 30, 255), (30, 140, 40, 255))
BANDS = ("red", "green", "nir")


def from_origin(west: float, north: float, width: float, height: float) -> Affine:
    """Return the transform of a raster with north on top. rasterio's function warns with affine 3."""
    return Affine(width, 0, west, 0, -height, north)


def labels() -> NDArray[np.uint8]:
    """Three vertical stripes of clusters 1, 2 and 3, and 4 rows of nodata on top."""
    stripes = np.repeat([1, 2, 3], [16, 16, 32]).astype(np.uint8)
    found = np.tile(stripes, (HEIGHT, 1))
    found[:4] = 0
    return found


def scene() -> NDArray[np.uint16]:
    """Bands `(3, h, w)`: the row, the column and 100 times the cluster; nodata on top."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    found = np.stack([rows, columns, 100 * labels().astype(int)]).astype(np.uint16)
    found[:, :4] = 9999
    return found


def write_scene(path: Path, values: NDArray[np.uint16] | None = None, crs: str | None = "EPSG:32613") -> Path:
    """Write the scene as a GeoTIFF with names of bands."""
    values = scene() if values is None else values
    place = {"crs": crs, "transform": from_origin(WEST, NORTH, METRES, METRES)} if crs else {}
    profile = {"height": HEIGHT, "width": WIDTH, "count": len(values), "dtype": "uint16", "nodata": 9999, **place}
    with rasterio.open(path, "w", driver="GTiff", **profile) as file:
        file.write(values)
        file.descriptions = BANDS
    return path


def write_labels(path: Path, values: NDArray[np.uint8] | None = None, crs: str | None = "EPSG:32613") -> Path:
    """Write a label raster with its legend and its table of areas."""
    values = labels() if values is None else values
    place = {"crs": crs, "transform": from_origin(WEST, NORTH, METRES, METRES)} if crs else {}
    with rasterio.open(
        path, "w", driver="GTiff", height=HEIGHT, width=WIDTH, count=1, dtype="uint8", nodata=0, **place
    ) as file:
        file.write(values, 1)
    legend = Legend(tuple(LegendEntry(n, NAMES[n], COLOURS[n], (n,)) for n in range(4)))
    counts = {value: int((values == value).sum()) for value in range(4)}
    write_sidecars(path, legend, counts)
    write_area_table(path, legend, counts)
    return path


def write_bytes(path: Path, values: NDArray[np.uint8]) -> Path:
    """Write a raster `(c, h, w)` of bytes, such as confidence."""
    place = {"crs": "EPSG:32613", "transform": from_origin(WEST, NORTH, METRES, METRES), "nodata": 0}
    profile = {"height": HEIGHT, "width": WIDTH, "count": len(values), "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", **profile, **place) as file:
        file.write(values)
    return path


def label_folder(root: Path, name: str = "scene") -> Path:
    """Write a scene, and a folder of its label, confidence and probability rasters with a run log."""
    folder = root / "labels"
    folder.mkdir(parents=True, exist_ok=True)
    source = write_scene(root / f"{name}.tif")
    write_labels(folder / f"{name}.tif")
    confidence = np.where(labels() > 0, 128, 0)[None].astype(np.uint8)
    write_bytes(folder / f"{name}-confidence.tif", confidence)
    shares = np.stack([np.where(labels() == value, 255, 1) * (labels() > 0) for value in (1, 2, 3)])
    write_bytes(folder / f"{name}-probabilities.tif", shares.astype(np.uint8))
    result = SceneResult(str(source), f"{name}.tif", "done", files={f"{name}.tif": 1})
    RunLogFile(format=1, model="0" * 64, options={}, scenes=[result]).write(folder)
    return folder


def dated_folder(root: Path) -> Path:
    """Write a folder of two dates of one place: `scene`, and `later`, whose stripes are in the opposite order."""
    folder = label_folder(root)
    write_scene(root / "later.tif")
    write_labels(folder / "later.tif", labels()[:, ::-1])
    results = [SceneResult(str(root / f"{name}.tif"), f"{name}.tif", "done") for name in ("scene", "later")]
    for result, year in zip(results, (2020, 2021), strict=True):
        item = {"properties": {"datetime": f"{year}-06-01T00:00:00Z"}}
        (folder / result.output).with_suffix(".stac.json").write_text(json.dumps(item))
    RunLogFile(format=1, model="0" * 64, options={}, scenes=results).write(folder)
    return folder


def centre(row: int, column: int) -> tuple[float, float]:
    """Return longitude and latitude of the centre of a pixel of the scene."""
    from rasterio.warp import transform

    xs, ys = [WEST + (column + 0.5) * METRES], [NORTH - (row + 0.5) * METRES]
    longitudes, latitudes = transform("EPSG:32613", "EPSG:4326", xs, ys)
    return longitudes[0], latitudes[0]
