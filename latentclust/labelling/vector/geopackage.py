"""Polygons appended to a GeoPackage in batches."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.files import OUT_FIX
from latentclust.labelling.vector.ground_area import Ground, Polygons

LAYER = "clusters"
FIELDS = ("class", "name", "area_m2")

BATCH = 1 << 14
"""Polygons that are written at a time."""


@final
class Layer:
    """The one layer of a new GeoPackage, which grows."""

    def __init__(self, path: Path, ground: Ground, names: Mapping[int, str]) -> None:
        """Nothing is written before there is a batch."""
        self._path, self._ground, self._names = path, ground, names
        self._values: list[NDArray[np.uint16]] = []
        self._polygons: list[Polygons] = []
        self._there = False
        self.count = 0

    def add(self, labels: NDArray[np.uint16], polygons: Polygons) -> None:
        """Appends polygons `(n,)` of columns and rows, with the label of each; raises as `finish` does."""
        self._values.append(labels)
        self._polygons.append(polygons)
        self.count += len(labels)
        if sum(map(len, self._values)) >= BATCH:
            self._write()

    def finish(self) -> None:
        """Writes what waits, and counts what is there.

        Raises:
            LatentclustError: The file cannot be written, or does not hold every polygon.
        """
        import pyogrio

        if self._values:
            self._write()
        with _writing(self._path):
            found = pyogrio.read_info(self._path, LAYER, force_feature_count=True)["features"]
        if found != self.count:
            what = f"holds {found:,} polygons after it was written, and there are {self.count:,}"
            raise LatentclustError.at(str(self._path), what, OUT_FIX)

    def _write(self) -> None:
        import pyogrio.raw
        import shapely

        labels, polygons = np.concatenate(self._values), np.concatenate(self._polygons)
        self._values, self._polygons = [], []
        names = np.array([self._names[label] for label in labels.tolist()], object)
        columns = [labels.astype(np.int32), names, self._ground.areas(polygons)]
        with _writing(self._path), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided")
            pyogrio.raw.write(
                self._path,
                shapely.to_wkb(self._ground.placed(polygons)),
                columns,
                FIELDS,
                layer=LAYER,
                driver="GPKG",
                geometry_type="Polygon",
                crs=self._ground.crs,
                append=self._there,
            )
        self._there = True


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turns what GDAL and the system say of a file that cannot be written into a LatentclustError that names it."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise LatentclustError.at(str(path), f"cannot be written ({error})", OUT_FIX) from error


def discard(path: Path) -> None:
    """Removes a GeoPackage, and what SQLite leaves beside one that was not closed."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
