"""STAC items of labelled scenes, with their time, place, classes and model."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from rasterio.io import DatasetReader

from latentclust.data.scenes.opening import raster
from latentclust.data.sources import decode_errors
from latentclust.files import write_atomic
from latentclust.labelling.outputs.cog import Palette
from latentclust.labelling.outputs.extras import check_extra
from latentclust.labelling.outputs.footprint import Footprint, footprint
from latentclust.labelling.scenes.acquisition_time import time_range
from latentclust.labelling.windows.stitch import NO_DATA

if TYPE_CHECKING:
    import pystac
    from pystac.extensions.classification import Classification

PROCESSING = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"
"""Schema of the processing extension, which pystac does not implement."""

SAFE = re.compile(r"[A-Za-z0-9_.]+(-[A-Za-z0-9_.]+)*")
"""Pattern of the path components that are part of an item's id unchanged."""

RELABEL_FIX = "Remove it and run the label command again, which writes missing files and keeps the others"

ASSET_ROLES = {
    "labels": ["data", "labels", "labels-raster"],
    "confidence": ["data", "confidence"],
    "polygons": ["data", "labels", "labels-vector"],
}


@dataclass(frozen=True, slots=True)
class LabelledScene:
    """The facts that a STAC item states about a scene.

    Attributes:
        labels: Current path of the finished label raster.
        output: Final path of the label raster, relative to the output folder. The item is written next to it.
        confidence: Final path of the confidence raster. None without one.
        polygons: Final path of the GeoPackage. None without one.
        names: Name of each label.
        colours: Colour of each label.
        model: SHA-256 of the model.
        version: Version of latentclust.
        source: Path or URL of the scene.
        item: STAC item of the scene itself. None without one.
        item_source: Path or URL of `item`.
    """

    labels: Path
    output: PurePath
    confidence: PurePath | None
    polygons: PurePath | None
    names: Mapping[int, str]
    colours: Palette
    model: str
    version: str
    source: str
    item: Mapping[str, Any] | None = None
    item_source: str | None = None


def write_stac_item(scene: LabelledScene, moment: datetime | None, target: Path) -> str | None:
    """Write the STAC item of a labelled scene, if its time and place are known.

    Without a time, or a time range in the scene's own item, an item is invalid. Without a place it cannot be found.

    Args:
        scene: Facts about the scene.
        moment: Acquisition time, see `acquisition_time`. None if it is unknown.
        target: Temporary file name. The links in the item are relative to the final place of the labels.

    Returns:
        None if the item was written, or the reason why not, as the end of a sentence that begins with "no STAC item:".

    Raises:
        LatentclustError: If pystac is not installed, the labels cannot be read, or the file cannot be written.
    """
    check_extra("stac")
    span = time_range(scene.item)
    if moment is None and span is None:
        return "the acquisition time is unknown; give --datetime"
    with raster(scene.labels) as file:
        place = footprint(file)
        if place is None:
            return "the place of the scene on the Earth is unknown"
        item = _item(scene, moment, place, file)
    content = item.to_dict(include_self_link=False, transform_hrefs=False)
    write_atomic(target, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return None


def rename_classes(item: Path, target: Path, names: Mapping[int, str], colours: Palette) -> None:
    """Write a copy of a labelled scene's item with other names and colours of its classes.

    Raises:
        LatentclustError: If pystac is not installed, or a file cannot be read or written.
    """
    from pystac.extensions.classification import ClassificationExtension

    found = read_label_item(item)
    ClassificationExtension.ext(found.assets["labels"]).classes = _classes(names, colours)
    changed = found.to_dict(include_self_link=False, transform_hrefs=False)
    write_atomic(target, json.dumps(changed, indent=2, ensure_ascii=False) + "\n")


def read_label_item(path: Path) -> "pystac.Item":
    """Read an item that `write_stac_item` wrote. Raise LatentclustError for any other file, or without pystac."""
    check_extra("stac")
    import pystac
    from pystac.extensions.classification import ClassificationExtension

    with decode_errors(path, RELABEL_FIX):
        content = json.loads(path.read_bytes())
        try:
            found = pystac.Item.from_dict(content, preserve_dict=False)
            ClassificationExtension.ext(found.assets["labels"])
        # The errors of pystac have no common base class.
        except Exception as error:
            raise ValueError(f"it is not a STAC item of labels: {type(error).__name__}: {error}") from error
    return found


def stac_item_id(output: PurePath) -> str:
    """Return the id of an output's item: its path without the suffix, in letters, digits, `_`, `.` and `-`.

    Different outputs have different ids: if a character is replaced, a checksum of the path is added.
    """
    parts = output.with_suffix("").parts
    if all(SAFE.fullmatch(part) for part in parts):
        return "--".join(parts)
    checksum = hashlib.sha256("/".join(parts).encode()).hexdigest()[:8]
    return "-".join([*re.findall(r"[A-Za-z0-9_.]+", " ".join(parts)), checksum])


def _item(scene: LabelledScene, moment: datetime | None, place: Footprint, file: DatasetReader) -> "pystac.Item":
    import pystac
    from pystac.extensions.projection import ProjectionExtension

    first, last = time_range(scene.item) or (None, None)
    properties = {"latentclust:model": scene.model, "processing:software": {"latentclust": scene.version}}
    name = stac_item_id(scene.output)
    item = pystac.Item(name, place.geometry, place.bbox, moment, properties, first, last, [PROCESSING])
    number = file.crs.to_epsg()
    ProjectionExtension.ext(item, add_if_missing=True).apply(
        epsg=number,
        wkt2=None if number else file.crs.to_wkt(version="WKT2_2019"),
        shape=[file.height, file.width],
        transform=list(file.transform)[:6],
    )
    _add_assets(item, scene, file.dtypes[0])
    item.add_link(pystac.Link("via", _address(scene.source)))
    if scene.item_source is not None:
        item.add_link(pystac.Link("derived_from", _address(scene.item_source), pystac.MediaType.GEOJSON))
    return item


def _add_assets(item: "pystac.Item", scene: LabelledScene, kind: str) -> None:
    import pystac
    from pystac.extensions.classification import ClassificationExtension

    types = {"labels": pystac.MediaType.COG, "confidence": pystac.MediaType.COG}
    files = {"labels": scene.output, "confidence": scene.confidence, "polygons": scene.polygons}
    bands = {"labels": kind, "confidence": "uint8"}
    for name, file in files.items():
        if file is not None:
            href = "./" + PurePath(os.path.relpath(file, scene.output.parent)).as_posix()
            asset = pystac.Asset(href, media_type=types.get(name, pystac.MediaType.GEOPACKAGE), roles=ASSET_ROLES[name])
            if name in bands:
                asset.extra_fields |= {"nodata": NO_DATA, "data_type": bands[name]}
            item.add_asset(name, asset)
    ClassificationExtension.ext(item.assets["labels"], add_if_missing=True).apply(_classes(scene.names, scene.colours))


def _classes(names: Mapping[int, str], colours: Palette) -> "list[Classification]":
    """Return nodata and each label as classes. Short names consist of letters, digits, `_` and `-`, and are unique."""
    from pystac.extensions.classification import Classification

    found = [Classification.create(NO_DATA, "no data", "no-data", nodata=True)]
    taken = {"no-data"}
    for label, name in sorted((label, name) for label, name in names.items() if label != NO_DATA):
        short = "-".join(re.findall(r"[A-Za-z0-9_]+", name)) or "class"
        short = f"{short}-{label}" if short in taken else short
        taken.add(short)
        colour = "{:02X}{:02X}{:02X}".format(*colours[label][:3])
        found.append(Classification.create(label, name, short, color_hint=colour))
    return found


def _address(given: str) -> str:
    """Return a path as a file: URI. URLs and paths of GDAL's virtual file systems stay unchanged."""
    return given if "://" in given or given.startswith("/vsi") else Path(given).resolve().as_uri()
