"""STAC items: valid by the core schemas, with the facts of a scene."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pystac
import pytest
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from rasterio.transform import Affine

from latentclust.errors import LatentclustError
from latentclust.labelling.outputs import extras
from latentclust.labelling.outputs.stac_item import LabelledScene, stac_item_id, write_stac_item
from tests.labelling.planted import write_scene

WHEN = datetime(2020, 6, 1, 12, tzinfo=UTC)
RANGE = {
    "properties": {"datetime": None, "start_datetime": "2021-01-01T00:00:00Z", "end_datetime": "2021-12-31T00:00:00Z"}
}
UTM = Affine(10, 0, 500000, 0, -10, 4000000)


@pytest.fixture
def scene(tmp_path: Path) -> LabelledScene:
    """Return a scene with labels only, in a folder 2020."""
    labels = write_scene(tmp_path / "labels.tif", np.ones((1, 40, 30), np.uint8), transform=UTM, nodata=0)
    return LabelledScene(
        labels=labels,
        output=PurePosixPath("2020/a.tif"),
        confidence=None,
        polygons=None,
        names={1: "water", 2: "Wald & Wiese", 3: "water", 4: "森"},
        colours={0: (0, 0, 0, 0), 1: (0, 127, 255, 255), **{label: (1, 2, 3, 255) for label in (2, 3, 4)}},
        model="abc123",
        version="0.1.0",
        source="https://example.org/a.tif",
    )


def written(folder: Path, scene: LabelledScene, moment: datetime | None = WHEN) -> dict[str, Any]:
    """Return the item as JSON, after it is validated by the schemas that pystac contains."""
    assert write_stac_item(scene, moment, folder / "a.json") is None
    found: dict[str, Any] = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    validator = JsonSchemaSTACValidator()
    assert validator.validate_core(found, pystac.STACObjectType.ITEM, found["stac_version"])
    return found


def test_the_least_item(tmp_path: Path, scene: LabelledScene) -> None:
    found = written(tmp_path, scene)
    assert found["stac_version"] == "1.1.0"
    assert found["id"] == "2020--a"
    assert found["properties"] == {
        "datetime": "2020-06-01T12:00:00Z",
        "latentclust:model": "abc123",
        "processing:software": {"latentclust": "0.1.0"},
        "proj:code": "EPSG:32613",
        "proj:shape": [40, 30],
        "proj:transform": [10, 0, 500000, 0, -10, 4000000],
    }
    assert found["bbox"] == pytest.approx([-105, 36.1411, -104.9967, 36.1447], abs=1e-4)
    assert list(found["assets"]) == ["labels"]
    assert found["links"] == [{"rel": "via", "href": "https://example.org/a.tif"}]
    assert [extension.split("/")[3] for extension in found["stac_extensions"]] == [
        "processing",
        "projection",
        "classification",
    ]


def test_labels_tell_their_classes(tmp_path: Path, scene: LabelledScene) -> None:
    labels = written(tmp_path, scene)["assets"]["labels"]
    assert labels.pop("classification:classes") == [
        {"value": 0, "name": "no-data", "description": "no data", "nodata": True},
        {"value": 1, "name": "water", "description": "water", "color_hint": "007FFF"},
        {"value": 2, "name": "Wald-Wiese", "description": "Wald & Wiese", "color_hint": "010203"},
        {"value": 3, "name": "water-3", "description": "water", "color_hint": "010203"},
        {"value": 4, "name": "class", "description": "森", "color_hint": "010203"},
    ]
    assert labels == {
        "href": "./a.tif",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data", "labels", "labels-raster"],
        "nodata": 0,
        "data_type": "uint8",
    }


def test_confidence_and_polygons(tmp_path: Path, scene: LabelledScene) -> None:
    more = replace(scene, confidence=PurePosixPath("2020/a-confidence.tif"), polygons=PurePosixPath("2020/a.gpkg"))
    assets = written(tmp_path, more)["assets"]
    assert {name: asset["href"] for name, asset in assets.items()} == {
        "labels": "./a.tif",
        "confidence": "./a-confidence.tif",
        "polygons": "./a.gpkg",
    }
    assert assets["polygons"]["type"] == "application/geopackage+sqlite3"
    assert (assets["confidence"]["nodata"], assets["confidence"]["data_type"]) == (0, "uint8")


def test_links_to_where_it_comes_from(tmp_path: Path, scene: LabelledScene) -> None:
    item = {"properties": {"datetime": "2021-01-01T00:00:00Z"}}
    local = replace(scene, source=str(tmp_path / "a b.tif"), item=item, item_source="https://example.org/item.json")
    assert written(tmp_path, local)["links"] == [
        {"rel": "via", "href": (tmp_path / "a b.tif").as_uri()},
        {"rel": "derived_from", "href": "https://example.org/item.json", "type": "application/geo+json"},
    ]


def test_pystac_reads_it(tmp_path: Path, scene: LabelledScene) -> None:
    written(tmp_path, scene)
    item = pystac.Item.from_file(str(tmp_path / "a.json"))
    assert ProjectionExtension.ext(item).epsg == 32613
    assert item.assets["labels"].get_absolute_href() == str(tmp_path / "a.tif")
    classes = ClassificationExtension.ext(item.assets["labels"]).classes or []
    assert [each.value for each in classes] == [0, 1, 2, 3, 4]


def test_a_range_of_time(tmp_path: Path, scene: LabelledScene) -> None:
    properties = written(tmp_path, replace(scene, item=RANGE), None)["properties"]
    assert {key: value for key, value in properties.items() if "datetime" in key} == RANGE["properties"]


def test_a_system_without_a_number(tmp_path: Path, scene: LabelledScene) -> None:
    own = "+proj=laea +lat_0=50 +lon_0=11 +ellps=GRS80"
    labels = write_scene(tmp_path / "own.tif", np.ones((1, 4, 3), np.uint16), crs=own, transform=UTM)
    found = written(tmp_path, replace(scene, labels=labels))
    assert found["properties"]["proj:wkt2"].startswith("PROJCRS")
    assert found["properties"]["proj:code"] is None
    assert found["assets"]["labels"]["data_type"] == "uint16"


def test_without_a_time_there_is_no_item(tmp_path: Path, scene: LabelledScene) -> None:
    assert write_stac_item(scene, None, tmp_path / "a.json") == "the acquisition time is unknown; give --datetime"
    assert not (tmp_path / "a.json").exists()


def test_without_a_place_there_is_no_item(tmp_path: Path, scene: LabelledScene) -> None:
    labels = write_scene(tmp_path / "nowhere.tif", np.ones((1, 4, 3), np.uint8), crs=None)
    reason = write_stac_item(replace(scene, labels=labels), WHEN, tmp_path / "a.json")
    assert reason == "the place of the scene on the Earth is unknown"
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize(
    ("output", "found"),
    [("a.tif", "a"), ("2020/a-b.tif", "2020--a-b"), ("T32.06/x_1.tif", "T32.06--x_1")],
)
def test_ids(output: str, found: str) -> None:
    assert stac_item_id(PurePosixPath(output)) == found


def test_ids_of_other_letters_are_safe_and_differ() -> None:
    outputs = ["a b.tif", "a-b.tif", "a--b.tif", "a/b.tif", "-a/b.tif", "a-/b.tif", "ä b.tif", "森.tif", "林.tif"]
    found = [stac_item_id(PurePosixPath(output)) for output in outputs]
    assert len(set(found)) == len(outputs)
    assert all(each.isascii() and "/" not in each and " " not in each for each in found)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.EXTRAS, "stac", ("no_such_library",))
    with pytest.raises(LatentclustError, match=r"--stac: requires no_such_library.*pip install 'latentclust\[stac\]'"):
        extras.check_extra("stac")
