"""Scale and offset that STAC items and Sentinel-2 metadata state, where the headers of files have none."""

import shlex
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from latentclust.data.rasters import read_values, scales_of
from latentclust.data.scenes.bands import match_bands
from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.opening import raster
from latentclust.data.scenes.readings import read_alike
from latentclust.data.scenes.sentinel import sentinel_scale
from latentclust.errors import LatentclustError
from tests.data.scenes.test_stac import single, write_item
from tests.labelling.planted import TRANSFORM, noise_scene, write_scene

DIGITS = noise_scene(40, 50)[:2].astype(np.uint16) * 10
"""Values before baseline 04.00; later ones are 1,000 higher."""

LATER = {"scale": 1e-4, "offset": -0.1}

NAME = "<PRODUCT_URI>S2B_MSIL2A_20240601T173909_N0510_R098_T13TDE_20240601T224511.SAFE</PRODUCT_URI>"

LEVEL_2A = f"""<?xml version="1.0"?><n1:Level-2A_User_Product xmlns:n1="x"><n1:General_Info>{NAME}<Characteristics>
<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>
<AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>{{offsets}}
</Characteristics></n1:General_Info></n1:Level-2A_User_Product>"""


def stated(folder: Path, **keys: Any) -> Path:
    """An item of two files of one band, whose values are higher, with these keys in their assets."""
    assets = {}
    for name, band in zip(("red", "nir"), DIGITS, strict=True):
        write_scene(folder / f"{name}.tif", band[None] + 1000)
        assets[name] = {**single(f"./{name}.tif", name), **keys}
    return write_item(folder / "item.json", assets)


def product(folder: Path, add: int, offsets: str, metadata: str = LEVEL_2A, name: str = "MTD_MSIL2A.xml") -> Path:
    place = folder / "S2.SAFE" / "GRANULE" / "L2A_T13" / "IMG_DATA" / "R10m"
    for band, values in zip(("B04", "B8A"), DIGITS, strict=True):
        write_scene(place / f"T13TDE_20240601T173909_{band}_10m.tif", values[None] + add)
    (folder / "S2.SAFE" / name).write_text(metadata.format(offsets=offsets))
    return place


def values_of(path: Path, bands: tuple[str, ...], trained: Any) -> Any:
    (scene,) = find_scenes([path], bands=bands)
    with raster(scene) as file:
        return read_values(file, match_bands(file, trained, scene.name, scene.requested).bands)[0]


@pytest.mark.parametrize(
    "keys",
    [
        {"raster:bands": [{**LATER, "nodata": 0}]},
        {"bands": [{"raster:scale": 1e-4, "raster:offset": -0.1}]},
        {"raster:scale": 1e-4, "raster:offset": -0.1},
    ],
)
def test_an_item_states_scale_and_offset(tmp_path: Path, keys: dict[str, Any]) -> None:
    names = ("red", "nir")
    keys = {key: [{**row, "name": "x"} for row in rows] if key == "bands" else rows for key, rows in keys.items()}
    item = stated(tmp_path / "new", **keys)
    (scene,) = find_scenes([item], bands=names)
    with raster(scene) as file:
        assert scales_of(file, (1, 2)) == ((1e-4, -0.1),) * 2
        np.testing.assert_array_equal(file.read(), DIGITS + 1000)
    earlier = find_scenes([product(tmp_path / "old", 0, "")], bands=("B04", "B8A"))
    trained = read_alike(earlier, None, 8).rasters[0]
    np.testing.assert_allclose(values_of(item, names, trained), DIGITS)


def test_one_asset_of_several_bands_has_a_scale_for_each_and_the_header_comes_first(tmp_path: Path) -> None:
    write_scene(tmp_path / "a.tif", DIGITS)
    with rasterio.open(tmp_path / "a.tif", "r+") as file:
        file.scales, file.offsets = (1.0, 2.0), (0.0, 0.0)
    asset = {"href": "./a.tif", "roles": ["data"], "raster:bands": [LATER, LATER]}
    (scene,) = find_scenes([write_item(tmp_path / "item.json", {"all": asset})])
    with raster(scene) as file:
        assert scales_of(file, (1, 2)) == ((1e-4, -0.1), (2.0, 0.0))
        assert (file.transform, file.crs) == (TRANSFORM, rasterio.open(tmp_path / "a.tif").crs)
    whole = {"href": "./a.tif", "roles": ["data"], "raster:scale": 1e-4, "raster:offset": -0.1}
    (scene,) = find_scenes([write_item(tmp_path / "item.json", {"all": whole})])
    with raster(scene) as file:
        assert scales_of(file, (1, 2)) == ((1e-4, -0.1), (2.0, 0.0))
    (scene,) = find_scenes([write_item(tmp_path / "item.json", {"all": {**asset, "raster:bands": [LATER] * 3}})])
    with pytest.raises(LatentclustError, match="states scales of 3 bands, and the raster has 2"), raster(scene):
        pass
    wrong = write_item(tmp_path / "item.json", {"all": {**asset, "raster:bands": [{"scale": 0}]}})
    assert find_scenes([wrong])[0].error is not None


def test_products_of_two_baselines_agree(tmp_path: Path) -> None:
    offsets = "".join(f'<BOA_ADD_OFFSET band_id="{at}">-1000</BOA_ADD_OFFSET>' for at in range(13))
    old, new = product(tmp_path / "old", 0, ""), product(tmp_path / "new", 1000, offsets)
    names = ("B04", "B8A")
    trained = read_alike(find_scenes([old], bands=names), None, 8).rasters[0]
    assert trained.scales == ((1e-4, 0.0),) * 2
    (scene,) = find_scenes([new], bands=names)
    assert [path.name for path in scene.files[2:]] == ["MTD_MSIL2A.xml"]  # so that its changes are noticed
    np.testing.assert_allclose(values_of(new, names, trained), DIGITS)
    np.testing.assert_array_equal(values_of(old, names, trained), DIGITS)


def test_level_1c_has_other_elements_and_an_offset_belongs_to_its_band(tmp_path: Path) -> None:
    listed = "".join(f"<IMAGE_FILE>GRANULE/x/T13TDE_20240601T173909_{band}_10m</IMAGE_FILE>" for band in ("B04", "B8A"))
    metadata = f"<a>{listed}<QUANTIFICATION_VALUE unit='none'>10000</QUANTIFICATION_VALUE>{{offsets}}</a>"
    offset = '<RADIO_ADD_OFFSET band_id="8">-500</RADIO_ADD_OFFSET>'
    place = product(tmp_path, 0, offset, metadata, "MTD_MSIL1C.xml")
    red, narrow = (str(place / f"T13TDE_20240601T173909_{band}_10m.tif") for band in ("B04", "B8A"))
    assert sentinel_scale(red) == (1e-4, 0.0)
    assert sentinel_scale(narrow) == (1e-4, -0.05)
    assert sentinel_scale(str(write_scene(place / "other.tif", DIGITS))) is None
    (tmp_path / "S2.SAFE" / "MTD_MSIL1C.xml").write_text("<a><QUANTIFICATION_VALUE>")
    with pytest.raises(LatentclustError, match=r"MTD_MSIL1C\.xml: cannot be read"):
        sentinel_scale(red)


@pytest.mark.parametrize(
    ("changed", "known"),
    [
        (("20240601T173909_N", "20180601T173909_N"), False),
        (("T13TDE_", "T13TDF_"), False),
        ((NAME, ""), False),
        ((NAME, "<IMAGE_FILE>GRANULE/x/T13TDE_20240601T173909_B04_10m</IMAGE_FILE>"), True),
    ],
)
def test_metadata_of_another_product_do_not_count_and_are_warned_of(
    tmp_path: Path, changed: tuple[str, str], known: bool
) -> None:
    place = product(tmp_path, 0, '<BOA_ADD_OFFSET band_id="3">-1000</BOA_ADD_OFFSET>', LEVEL_2A.replace(*changed))
    assert sentinel_scale(str(place / "T13TDE_20240601T173909_B04_10m.tif")) == ((1e-4, -0.1) if known else None)
    names = ("B04",) if known else ("B04", "B8A")
    notes = read_alike(find_scenes([place], bands=names), None, 8).notes
    assert ["MTD_MSIL2A.xml nearby is of another product than T13TDE_20240601T173909_B04_10m.tif" in note
            for note in notes] == [True] * (not known)  # fmt: skip


def test_metadata_above_the_product_or_of_two_baselines_do_not_count(tmp_path: Path) -> None:
    offset = '<BOA_ADD_OFFSET band_id="3">-1000</BOA_ADD_OFFSET>'
    place = product(tmp_path, 0, offset)
    red, own = str(place / "T13TDE_20240601T173909_B04_10m.tif"), tmp_path / "S2.SAFE" / "MTD_MSIL2A.xml"
    (own.parent / "MTD_MSIL2A-old.xml").write_text(LEVEL_2A.format(offsets=""))
    assert sentinel_scale(red) is None
    own.rename(tmp_path / own.name)
    assert sentinel_scale(red) == (1e-4, 0.0)


def test_a_panchromatic_band_of_another_extent_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    write_scene(tmp_path / "s_B4.tif", DIGITS[:1])
    half = rasterio.Affine(5, 0, TRANSFORM.c - 2.5, 0, -5, TRANSFORM.f + 2.5)  # as of Landsat's band 8
    write_scene(tmp_path / "s_B8.tif", np.ones((1, 81, 101), np.uint16), transform=half)
    (scene,) = find_scenes([tmp_path], bands=("B4", "B8"))
    words = r"s_B4\.tif is 50x40 .* unlike the 101x81 of .*gdalwarp -t_srs EPSG:32613 -te"
    with pytest.raises(LatentclustError, match=words) as caught, raster(scene):
        pass
    (command,) = commands(caught.value)
    assert command[-5:-2] == ["-ts", "101", "81"]
    assert command[-2:] == [str(tmp_path / "s_B4.tif"), "s_B4-resampled.tif"]


def commands(error: LatentclustError) -> list[list[str]]:
    """The words of each command of gdalwarp, as a shell reads them."""
    (issue,) = error.issues
    return [shlex.split(each) for each in issue.fix.partition(": ")[2].split(" ; ")]


def test_the_command_is_for_a_shell_and_for_a_grid_that_begins_in_the_south(tmp_path: Path) -> None:
    crs = "+proj=laea +lat_0=12.5 +lon_0=7 +ellps=bessel +units=m"
    write_scene(tmp_path / "a b_B4.tif", DIGITS[:1], crs=crs)
    south = rasterio.Affine(5, 0, 100, 0, 5, 2000)
    write_scene(tmp_path / "a b_B8.tif", np.ones((1, 80, 100), np.uint16), transform=south, crs=crs)
    (scene,) = find_scenes([tmp_path], bands=("B4", "B8"))
    with pytest.raises(LatentclustError, match="resample both files") as caught, raster(scene):
        pass
    found = commands(caught.value)
    assert [command[-2] for command in found] == [str(tmp_path / f"a b_{band}.tif") for band in ("B4", "B8")]
    for program, option, wkt, *rest in found:
        assert (program, option, CRS.from_wkt(wkt)) == ("gdalwarp", "-t_srs", CRS.from_string(crs))
        assert rest[:8] == ["-te", "100", "2000", "600", "2400", "-ts", "100", "80"]


def test_scenes_of_several_kinds_in_one_list_are_read_alike(tmp_path: Path) -> None:
    write_scene(tmp_path / "plain.tif", DIGITS)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.write(tmp_path / "plain.tif", "deep/zipped.tif")
    write_item(tmp_path / "item.json", {"all": {"href": "./plain.tif", "roles": ["data"]}})
    lines = ("plain.tif", "item.json", f"/vsizip/{tmp_path}/z.zip/deep/zipped.tif", f"GTIFF_DIR:1:{tmp_path}/plain.tif")
    (tmp_path / "list.txt").write_text("\n".join(lines))
    scenes = find_scenes([tmp_path / "list.txt"])
    assert len(scenes) == 4
    for scene, reading in zip(scenes, read_alike(scenes, None, 8).rasters, strict=True):
        with raster(scene) as file:
            np.testing.assert_array_equal(read_values(file, reading)[0], DIGITS)
