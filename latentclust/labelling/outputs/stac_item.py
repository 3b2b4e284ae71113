"""A STAC item for a labelled scene: what it shows, when and where, and which model said so."""

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

from latentclust.data.rasters import raster
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

SAFE = re.compile(r"[A-Za-z0-9_.]+(-[A-Za-z0-9_.]+)*")
"""Of a part of an output's path that can be part of an item's id as it is."""

RELABEL_FIX = "Remove it and run the label command again: it makes what is missing and keeps the rest"

ROLES = {
    "labels": ["data", "labels", "labels-raster"],
    "confidence": ["data", "confidence"],
    "polygons": ["data", "labels", "labels-vector"],
}


@dataclass(frozen=True, slots=True)
class LabelledScene:
    """What an item tells of a scene.

    Attributes:
        labels: The finished label raster, where it is now.
        output: Where it will be, relative to the output folder; the item will be beside it.
        confidence: The same of the confidence raster; None without one.
        polygons: The same of the GeoPackage; None without one.
        names: Of every label of the raster.
        colours: Of every label: red, green, blue, alpha.
        model: SHA-256 of the model.
        version: Of latentclust.
        source: The scene as it was given: a path or an address.
        item: The scene's own STAC item; None without one.
        item_source: Where that item is: a path or an address.
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
    """Writes a scene's STAC item, or says why there is none.

    An item needs a time and a place. Without a time, or a range of it in the scene's own item, it would be invalid;
    without a place it could not be found.

    Args:
        scene: What it tells of.
        moment: When the scene was taken, as `datetime_of` says.
        target: The file, under a temporary name; its links are those of a file beside the labels.

    Returns:
        None where it is written; else the reason why not, as the end of a sentence that begins with "no STAC item:".

    Raises:
        LatentclustError: pystac is not installed, the labels cannot be read, or the file cannot be written.
    """
    check_extra("stac")
    span = time_range(scene.item)
    if moment is None and span is None:
        return "nothing says when the scene was taken; give --datetime"
    with raster(scene.labels) as file:
        place = footprint(file)
        if place is None:
            return "the scene's place on the Earth is not known"
        item = _item(scene, moment, place, file)
    content = item.to_dict(include_self_link=False, transform_hrefs=False)
    write_atomic(target, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return None


def rename_classes(item: Path, target: Path, names: Mapping[int, str], colours: Palette) -> None:
    """Writes an item that was written before with other names and colours of its classes.

    Raises:
        LatentclustError: pystac is not installed, or a file cannot be read or written.
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
        # What pystac raises has no class in common.
        except Exception as error:
            raise ValueError(f"it is no item of labels: {type(error).__name__}: {error}") from error
    return found


def stac_item_id(output: PurePath) -> str:
    """The id of an output's item: its path without the suffix, of letters, digits, `_`, `.` and `-` alone.

    Different outputs have different ids: where a character has to be replaced, a checksum of the path is added.
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
            asset = pystac.Asset(href, media_type=types.get(name, pystac.MediaType.GEOPACKAGE), roles=ROLES[name])
            if name in bands:
                asset.extra_fields |= {"nodata": NO_DATA, "data_type": bands[name]}
            item.add_asset(name, asset)
    ClassificationExtension.ext(item.assets["labels"], add_if_missing=True).apply(_classes(scene.names, scene.colours))


def _classes(names: Mapping[int, str], colours: Palette) -> "list[Classification]":
    """No data, and every label with its name; short names are of letters, digits, `_` and `-`."""
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
    """A path as a file: URI; an address, or a path of GDAL's virtual file systems, as it is."""
    return given if "://" in given or given.startswith("/vsi") else Path(given).resolve().as_uri()
