"""Points and polygons with classes, from a vector file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.few_labels.class_texts import CLASS_FIELDS, check_classes, find_field, plain_class
from latentclust.labelling.area.polygon_mask import polygon_parts
from latentclust.labelling.measure.zone_file import FeatureLayer, check_valid, open_features, read_errors

POINT, LINE = 0, 1
"""Dimensions of geometries that are points and lines. That of polygons is 2."""


@dataclass(frozen=True, slots=True)
class LabelShapes:
    """The labelled points and polygons of a vector file. Each point of a feature is a unit, and so is each polygon.

    Attributes:
        layer: Features of the file with their classes.
        classes: Class of each unit.
        other: Number of features that are neither points nor polygons, and do not count.
    """

    layer: FeatureLayer
    classes: tuple[str, ...]
    other: int

    def batches(self) -> Iterator[list[NDArray[np.object_]]]:
        """Yield the geometries of the units in the order of `classes`: one point, or the polygons of a feature.

        Raises:
            LatentclustError: If the file is damaged.
        """
        for geometries, _ in self.layer.batches():
            yield [unit for geometry in geometries for unit in _units(geometry)]


def open_label_shapes(path: Path, field: str | None) -> LabelShapes:
    """Open a vector file and check its classes.

    Args:
        path: File that pyogrio reads, with one layer.
        field: Attribute with the classes. None for the one of `CLASS_FIELDS`.

    Raises:
        LatentclustError: If a library or the file is missing, the file is damaged or no vector file, has no such
            attribute, has no or invalid classes or invalid polygons, or contains neither points nor polygons.
    """
    bare = open_features(path, None, "--field", "vector")
    import pyogrio

    with read_errors(path):
        fields = list(pyogrio.read_info(path, layer=bare.layer)["fields"])
    layer = replace(bare, field=find_field(field, CLASS_FIELDS, fields, "--field", path))
    classes: list[str] = []
    named: list[tuple[str, str]] = []
    other = before = 0
    for geometries, texts in layer.batches():
        check_valid(geometries, path, before)
        for at, (geometry, text) in enumerate(zip(geometries, texts, strict=True), start=before + 1):
            name, units = plain_class(text), _units(geometry)
            named.append((f"feature {at}", name))
            classes += [name] * len(units)
            other += not units
        before += len(geometries)
    check_classes(named, path, str(layer.field))
    if not classes:
        what = f"contains neither points nor polygons, but {other:,} other feature{'' if other == 1 else 's'}"
        raise LatentclustError.at(str(path), what, "Give points or polygons with a class")
    return LabelShapes(layer, tuple(classes), other)


def _units(geometry: shapely.Geometry | None) -> list[NDArray[np.object_]]:
    """Return each point of a feature, or its polygons; nothing for lines and features without a geometry."""
    dimension = shapely.get_dimensions(geometry)
    if dimension == POINT:
        return [np.array([point], object) for point in shapely.points(shapely.get_coordinates(geometry))]
    polygons = polygon_parts(geometry) if dimension > LINE else np.array([], object)
    return [polygons] if len(polygons) else []
