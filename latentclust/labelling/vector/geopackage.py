"""Append polygons to a GeoPackage in batches. The same polygons give the same bytes."""

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import numpy as np
import shapely
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.files import OUT_FIX
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.vector.ground_area import GroundArea, Polygons
from latentclust.labelling.vector.layer_style import GEOMETRY, add_layer_style

LAYER = "clusters"
FIELDS = ("class", "name", "area_m2")

DATE = "1970-01-01T00:00:00.000Z"
"""Time of change in the file. It is fixed, so that the same labels give the same file."""

BATCH = 1 << 14
"""Number of polygons that are written at a time."""


@final
class PolygonLayer:
    """The only layer of a new GeoPackage, with a style. It grows by batches."""

    def __init__(self, path: Path, ground: GroundArea, legend: Legend) -> None:
        """Prepare a layer. Nothing is written before the first batch is full."""
        self._path, self._ground, self._legend = path, ground, legend
        self._values: list[NDArray[Any]] = []
        self._polygons: list[Polygons] = []
        self._exists = False
        self.count = 0

    def add(self, labels: NDArray[Any], polygons: Polygons) -> None:
        """Append polygons `(n,)` in columns and rows, and their labels `(n,)`. Raises the same errors as `finish`."""
        self._values.append(labels)
        self._polygons.append(polygons)
        self.count += len(labels)
        if sum(map(len, self._values)) >= BATCH:
            self._write()

    def finish(self) -> None:
        """Write the remaining polygons and the style, and check the number of polygons in the file.

        Raises:
            LatentclustError: If the file cannot be written or does not contain every polygon.
        """
        import pyogrio

        if self._values:
            self._write()
        with _write_errors(self._path):
            add_layer_style(self._path, LAYER, FIELDS[1], self._legend, DATE)
            found = pyogrio.read_info(self._path, LAYER, force_feature_count=True)["features"]
        if found != self.count:
            what = f"contains {found:,} polygons after writing, expected {self.count:,}"
            raise LatentclustError.at(str(self._path), what, OUT_FIX)

    def _write(self) -> None:
        import pyogrio.raw

        labels, polygons = np.concatenate(self._values), np.concatenate(self._polygons)
        self._values, self._polygons = [], []
        known = self._legend.names
        names = np.array([known[label] for label in labels.tolist()], object)
        columns = [labels.astype(np.int32), names, self._ground.areas(polygons)]
        with _write_errors(self._path), warnings.catch_warnings(), _fixed_date():
            warnings.filterwarnings("ignore", "'crs' was not provided")
            pyogrio.raw.write(
                self._path,
                shapely.to_wkb(self._ground.to_coordinates(polygons)),
                columns,
                FIELDS,
                layer=LAYER,
                driver="GPKG",
                geometry_type="Polygon",
                layer_options={"GEOMETRY_NAME": GEOMETRY},
                crs=self._ground.crs,
                append=self._exists,
            )
        self._exists = True


@contextmanager
def _fixed_date() -> Iterator[None]:
    """Let GDAL record `DATE` as the time of change."""
    import pyogrio

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    """Turn errors of GDAL and of the system into a LatentclustError that names the file."""
    try:
        yield
    except (OSError, RuntimeError, sqlite3.Error) as error:
        raise LatentclustError.at(str(path), f"cannot be written ({error})", OUT_FIX) from error


def remove_geopackage(path: Path) -> None:
    """Remove a GeoPackage, and the files that SQLite leaves next to one that was not closed."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
