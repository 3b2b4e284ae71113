"""The polygons of a file: GeoJSON, or whatever pyogrio reads."""

import json
import warnings
from pathlib import Path
from typing import Any

from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.labelling.area.clip import Polygon
from latentclust.labelling.area.geojson import declared_crs, polygons_of

SUFFIXES = (".json", ".geojson")
"""Of GeoJSON."""


def read_polygons(path: Path) -> tuple[list[Polygon], str | None]:
    """All polygons of a file, and their coordinate system; None where the file has none.

    Raises:
        LatentclustError: A file that is absent or damaged, or one that needs pyogrio where that is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        return _by_pyogrio(path)
    with decode_errors(path, "Give a GeoJSON file of polygons"):
        content = _parsed(path.read_text(encoding="utf-8-sig"))
    return polygons_of(content, str(path)), declared_crs(content, str(path))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("lists within lists without end") from error


def _by_pyogrio(path: Path) -> tuple[list[Polygon], str | None]:
    try:
        import pyogrio
        import shapely
    except ImportError as error:
        what = f"{path.suffix or 'it'} is read by pyogrio and shapely, which are not installed"
        raise LatentclustError.at(str(path), what, "pip install 'latentclust[vector]', or give GeoJSON") from error
    try:
        with warnings.catch_warnings(action="ignore"):
            facts, _, shapes, _ = pyogrio.raw.read(path, columns=[])
            wkb = [shape for shape in ([] if shapes is None else shapes) if shape is not None]
            geometries = [json.loads(each) for each in shapely.to_geojson(shapely.from_wkb(wkb))]
    except Exception as error:  # GDAL's and GEOS's own errors have no common base
        what = f"cannot be read ({type(error).__name__}: {error})"
        raise LatentclustError.at(str(path), what, "Give a file of polygons") from error
    return polygons_of({"type": "GeometryCollection", "geometries": geometries}, str(path)), facts["crs"]
