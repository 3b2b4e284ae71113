"""STAC items: the assets that form the scene, and the messages for unsuitable items."""

import json
from pathlib import Path
from typing import Any

import pytest

from latentclust.data.scenes.stac import chosen, files_of, read_item
from latentclust.errors import LatentclustError

COG = "image/tiff; application=geotiff; profile=cloud-optimized"


def write_item(path: Path, assets: Any, **changes: Any) -> Path:
    content = {"type": "Feature", "stac_version": "1.0.0", "id": "S2/a", "assets": assets, **changes}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def single(href: str, name: str, common: str | None = None, **changes: Any) -> dict[str, Any]:
    band = {"name": name} | ({"common_name": common} if common else {})
    return {"href": href, "type": COG, "roles": ["data"], "eo:bands": [band], **changes}


SENTINEL = {
    "thumbnail": {"href": "t.tif", "type": "image/tiff", "roles": ["thumbnail"]},
    "visual": {"href": "v.tif", "type": COG, "roles": ["visual"], "bands": [{"name": f"B0{n}"} for n in (4, 3, 2)]},
    "red": single("B04.tif", "B04", "red"),
    "green": single("B03.tif", "B03", "green"),
    "rededge1": single("B05.tif", "B05", "rededge"),
    "rededge2": single("B06.tif", "B06", "rededge"),
    "meta": {"href": "meta.xml", "type": "application/xml", "roles": ["metadata"]},
}  # fmt: skip


def hrefs(path: Path, wanted: tuple[str, ...] = ()) -> list[str]:
    return [Path(asset.href).name for _, asset in chosen(read_item(path), wanted)]


@pytest.mark.parametrize(
    "asset",
    [
        {"roles": ["data"]}, {"roles": ["data"], "type": "application/x-hdf5"}, {"type": COG}, {"type": "image/jp2"},
        {"type": "image/vnd.stac.geotiff; cloud-optimized=true", "roles": None}, {},
    ],
)  # fmt: skip
def test_the_only_raster_is_the_scene(tmp_path: Path, asset: dict[str, Any]) -> None:
    others = {key: SENTINEL[key] for key in ("thumbnail", "meta")} | {"overview": {"href": "o.tif", "type": COG}}
    item = write_item(tmp_path / "i.json", {**others, "image": {"href": "./a.tif", **asset}})
    assert chosen(read_item(item), ("red",))[0][1].href == str(tmp_path / "a.tif")


def test_of_several_rasters_the_only_one_with_the_role_data_is_the_scene(tmp_path: Path) -> None:
    assets = {"image": {"href": "a.tif", "roles": ["data"]}, "mask": {"href": "m.tif", "type": COG, "roles": ["mask"]}}
    assert hrefs(write_item(tmp_path / "i.json", assets)) == ["a.tif"]


@pytest.mark.parametrize("wanted", [("green", "red"), ("B03", "B04"), ("green", "B04"), ("Green", "b04")])
def test_bands_are_found_by_key_by_name_and_by_common_name(tmp_path: Path, wanted: tuple[str, ...]) -> None:
    item = write_item(tmp_path / "i.json", SENTINEL)
    assert hrefs(item, wanted) == ["B03.tif", "B04.tif"]
    assert [band for band, _ in chosen(read_item(item), wanted)] == list(wanted)
    newer = {"href": "B03.tif", "type": COG, "bands": [{"eo:common_name": "green"}]}
    keyed = {"B04": single("B04.tif", "x", "red"), "B03": newer}
    assert hrefs(write_item(tmp_path / "j.json", keyed), ("green", "red")) == ["B03.tif", "B04.tif"]


def test_codes_are_found_by_common_names_and_the_other_way_round(tmp_path: Path) -> None:
    by_name = {key: {"href": f"{key}.tif", "type": COG} for key in ("red", "green", "nir")}
    assert hrefs(write_item(tmp_path / "i.json", by_name), ("B08", "B04")) == ["nir.tif", "red.tif"]
    by_code = {key: {"href": f"{key}.tif", "type": COG} for key in ("B04", "B03", "B08")}
    assert hrefs(write_item(tmp_path / "j.json", by_code), ("nir", "red")) == ["B08.tif", "B04.tif"]


def test_a_key_counts_before_a_common_name(tmp_path: Path) -> None:
    assets = {
        "nir": single("B08.tif", "B08"),
        "nir08": single("B8A.tif", "B8A", "nir"),
        "red": single("B04.tif", "B04"),
    }
    assert hrefs(write_item(tmp_path / "i.json", assets), ("nir", "red")) == ["B08.tif", "B04.tif"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ((), r"each of several assets could be the scene: visual \(B04, B03, B02\), red \(B04\), .* --bands"),
        (("red", "swir"), "could be the scene: visual .*; the requested bands are red, swir"),
        (
            ("red", "rededge"),
            r"several assets are named rededge: rededge1 \(B05, rededge\), rededge2 \(B06, rededge\)",
        ),
    ],
)
def test_an_item_that_could_be_read_in_several_ways_lists_its_assets(
    tmp_path: Path, wanted: tuple[str, ...], words: str
) -> None:
    item = write_item(tmp_path / "i.json", SENTINEL)
    with pytest.raises(LatentclustError, match=words):
        chosen(read_item(item), wanted)


def test_an_item_without_rasters_is_reported(tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match="has no raster asset"):
        chosen(read_item(write_item(tmp_path / "i.json", {"meta": SENTINEL["meta"]})), ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ('{"type": "Feature", "stac_version": "1.0.0"', "cannot be read"),
        ("[1]", "is not a STAC item: its type is 'list'"),
        ("{}", "is not a STAC item: it has no type"),
        ('{"type": "FeatureCollection"}', "its type is 'FeatureCollection'; the type of an item is 'Feature'"),
        ('{"type": "Catalog", "stac_version": "1.0.0"}', "its type is 'Catalog'"),
        ('{"type": "Feature", "stac_version": "1.0.0", "id": "a"}', "cannot be read"),
        (
            '{"type": "Feature", "stac_version": "1.0.0", "id": "a", "assets": [1]}',
            "assets: Input should be a valid dictionary",
        ),
        ('{"type": "Feature", "stac_version": "1.0.0", "id": "a", "assets": {"a": 1}}', "cannot be read"),
        ('{"type": "Feature", "stac_version": "1.0.0", "id": "a", "assets": {"a": {"href": 1}}}', "cannot be read"),
        ('{"type": "Feature", "stac_version": "1", "id": "a", "assets": {"a": {"roles": [[]], "href": "b"}}}', "roles"),
        ('{"type": "Feature", "stac_version": "1", "id": 7, "assets": {}}', "id: Input should be a valid string"),
        ('{"type": "Feature", "stac_version": "1", "id": "a\\u0000", "assets": {}}', "null byte"),
        ('{"type": "Feature", "stac_version": "1", "id": "\\ud800", "assets": {}}', "surrogates not allowed"),
        ('{"type": "Feature", "stac_version": "1", "id": "a", "assets": {"a": {"href": "\\u0000"}}}', "null byte"),
        ('{"type": "Feature", "stac_version": "1", "id": "a", "assets": {}, "properties": []}', "properties: Input"),
        ("[" * 100_000, "RecursionError"),
    ],
)
def test_damaged_and_foreign_json_is_one_clear_message(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "i.json"
    path.write_text(text)
    with pytest.raises(LatentclustError, match=words) as caught:
        read_item(path)
    assert len(caught.value.issues) == 1
    assert files_of(path) == ()


def test_hrefs_are_urls_or_relative_to_the_item(tmp_path: Path) -> None:
    (tmp_path / "with space.tif").touch()
    (tmp_path / "100%.tif").touch()
    assets = {
        "a": {"href": "https://h.org/a.tif"}, "b": {"href": "with%20space.tif"}, "c": {"href": "100%.tif"},
        "d": {"href": f"file://{tmp_path}/d%20e.tif"}, "e": {"href": "/data/e.tif"}, "f": {"href": "../f.tif"},
    }  # fmt: skip
    item = read_item(write_item(tmp_path / "i.json", assets))
    assert [asset.href for asset in item.rasters] == [
        "https://h.org/a.tif", f"{tmp_path}/with space.tif", f"{tmp_path}/100%.tif", f"{tmp_path}/d e.tif",
        "/data/e.tif", f"{tmp_path}/../f.tif",
    ]  # fmt: skip
    assert len(files_of(tmp_path / "i.json")) == 5
