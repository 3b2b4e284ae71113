"""The zones of a vector file: polygons and their names, checked once and read again in batches for every scene."""

import hashlib
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from latentclust.errors import LatentclustError, did_you_mean
from latentclust.labelling.area.area_of_interest import AreaOfInterest, check_degrees, parse_crs
from latentclust.labelling.area.polygon_mask import Polygons, polygon_parts
from latentclust.labelling.outputs.extras import check_extra

OPTION = "--zones"

BATCH = 4096
"""Number of features that are in memory at a time."""

NO_ZONE = -1
"""Zone of a feature without polygons."""


@dataclass(frozen=True, slots=True)
class FeatureLayer:
    """The features of a vector file, which are read in batches.

    Attributes:
        path: Path of the file.
        layer: Name of the layer.
        field: Attribute that is read with each feature. None reads no attribute.
        crs: Coordinate reference system. None if the file has none.
    """

    path: Path
    layer: str
    field: str | None
    crs: CRS | None

    def batches(self) -> Iterator[tuple[NDArray[np.object_], list[str]]]:
        """Yield geometries `(n,)`, None for features without one, and the texts of the field, empty for null.

        Raises:
            LatentclustError: If the file is damaged.
        """
        import pyogrio

        columns, start = [self.field] if self.field else [], 0
        while True:
            with read_errors(self.path):
                _, _, shapes, values = pyogrio.raw.read(
                    self.path, layer=self.layer, columns=columns, skip_features=start, max_features=BATCH
                )
                geometries = shapely.from_wkb(shapes)
            texts = [_text(value) for value in values[0].tolist()] if self.field else [""] * len(geometries)
            yield geometries, texts
            start += len(geometries)
            if len(geometries) < BATCH:
                return


@dataclass(frozen=True, slots=True)
class ZoneFile:
    """The zones of a vector file. Features with the same value of the field are one zone.

    Attributes:
        features: Features of the file.
        names: Name of each zone, in the order of the file: the value of the field, or the number of the feature
            counted from 1.
        zone_of_feature: Index of each feature's zone `(n,)`, `NO_ZONE` for features without polygons.
        digest: SHA-256 of polygons and names.
    """

    features: FeatureLayer
    names: tuple[str, ...]
    zone_of_feature: NDArray[np.int64]
    digest: str

    @property
    def left_out(self) -> int:
        """Number of features without polygons."""
        return int(np.count_nonzero(self.zone_of_feature == NO_ZONE))

    def options(self) -> dict[str, Any]:
        """Return the facts that decide the rows of tables, as a JSON-serializable dict."""
        return {"shapes": self.digest, "field": self.features.field}

    def polygons(self) -> Iterator[tuple[int, AreaOfInterest]]:
        """Yield the index of the zone and the polygons of each feature. Raise LatentclustError if the file changed."""
        index = 0
        for geometries, _ in self.features.batches():
            for geometry in geometries:
                if index == len(self.zone_of_feature):
                    raise self._changed()
                zone = int(self.zone_of_feature[index])
                if zone != NO_ZONE:
                    area = AreaOfInterest(tuple(polygon_parts(geometry)), self.features.crs, False, OPTION)
                    yield zone, area
                index += 1
        if index != len(self.zone_of_feature):
            raise self._changed()

    def _changed(self) -> LatentclustError:
        return LatentclustError.at(str(self.features.path), "has changed during the run", "Run the command again")


def open_features(path: Path, field: str | None, field_option: str, extra: str = "zones") -> FeatureLayer:
    """Open the only layer with geometries of a vector file, without reading its features.

    Args:
        path: A file that pyogrio reads, such as a GeoPackage, a shapefile or GeoJSON.
        field: Attribute to be read. None reads no attribute.
        field_option: Option that names the attribute, for messages.
        extra: Extra that installs the libraries that are required.

    Raises:
        LatentclustError: If a library or the file is missing, the file is not a vector file, it has no layer or several
            ones, or no such attribute.
    """
    check_extra(extra, str(path))
    import pyogrio

    if not path.exists():
        raise LatentclustError.at(str(path), "does not exist", "Give a vector file, such as a GeoPackage")
    with read_errors(path):
        layers = [name for name, kind in pyogrio.list_layers(path).tolist() if kind is not None]
    if len(layers) != 1:
        what = f"contains {len(layers)} layers with geometries" + (f": {', '.join(layers)}" if layers else "")
        raise LatentclustError.at(str(path), what, "Give a file with one layer of features")
    with read_errors(path):
        facts = pyogrio.read_info(path, layer=layers[0])
    fields = list(facts["fields"])
    if field is not None and field not in fields:
        what = f"{field!r} is not an attribute of {path}"
        raise LatentclustError.at(field_option, what, did_you_mean(field, fields))
    return FeatureLayer(path, layers[0], field, parse_crs(facts["crs"], str(path)) if facts["crs"] else None)


def open_zones(path: Path, field: str | None = None) -> ZoneFile:
    """Read the zones of a vector file once and check them all.

    Memory holds `BATCH` features, and the name of every zone.

    Args:
        path: A file that pyogrio reads.
        field: Attribute with the names of the zones. None numbers the features from 1.

    Raises:
        LatentclustError: If a library is missing, the file is missing or damaged, contains no polygons or invalid ones,
            or has no such attribute.
    """
    features = open_features(path, field, "--zone-field")
    zones: dict[str, int] = {}
    zone_of_feature: list[int] = []
    digest = hashlib.sha256(repr(features.crs and features.crs.to_wkt()).encode())
    for geometries, texts in features.batches():
        check_valid(geometries, path, len(zone_of_feature))
        for geometry, text in zip(geometries, texts, strict=True):
            polygons = polygon_parts(geometry)
            _check_place(polygons, features)
            name = text if field else str(len(zone_of_feature) + 1)
            zone_of_feature.append(zones.setdefault(name, len(zones)) if len(polygons) else NO_ZONE)
            digest.update(repr((name, shapely.to_wkb(geometry))).encode())
    if not zones:
        raise LatentclustError.at(str(path), "contains no polygons", f"Give a file of polygons with {OPTION}")
    return ZoneFile(features, tuple(zones), np.array(zone_of_feature, np.int64), digest.hexdigest())


def check_valid(geometries: NDArray[np.object_], path: Path, before: int) -> None:
    """Raise LatentclustError if polygons are invalid, such as those that cross themselves.

    Args:
        geometries: Geometries `(n,)` of consecutive features.
        path: Path of the file.
        before: Number of features before them.
    """
    invalid = np.flatnonzero(~shapely.is_valid(geometries) & ~shapely.is_missing(geometries))
    if len(invalid):
        reason = shapely.is_valid_reason(geometries[invalid[0]])
        what = f"contains invalid geometries; the first is feature {before + int(invalid[0]) + 1} ({reason})"
        fix = "Repair it: ogr2ogr -makevalid, or 'Fix geometries' in QGIS"
        raise LatentclustError.at(str(path), what, fix)


def _check_place(polygons: Polygons, features: FeatureLayer) -> None:
    """Raise LatentclustError if coordinates in a geographic CRS are not degrees."""
    if len(polygons):
        check_degrees(AreaOfInterest(tuple(polygons), features.crs, False, OPTION), str(features.path))


def _text(value: Any) -> str:
    """Return an attribute as text. Numbers of a column with nulls are real numbers."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.0f}" if value.is_integer() else str(value)
    return "" if value is None else str(value)


@contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Raise the errors of GDAL and GEOS, which have no common base class, as a LatentclustError about a file."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except LatentclustError:
        raise
    except Exception as error:
        what = f"cannot be read ({type(error).__name__}: {error})"
        raise LatentclustError.at(str(path), what, "Give a vector file, such as a GeoPackage or GeoJSON") from error
