"""Scenes of several dates as one scene."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

import latentclust
from latentclust.bundled.datasets.raster import Raster
from latentclust.data.rasters import bands_of, read_window
from latentclust.data.scenes.bands import match_bands
from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.masks import MaskChoice
from latentclust.data.scenes.opening import raster
from latentclust.data.scenes.readings import read_alike
from latentclust.errors import LatentclustError
from latentclust.specs.scenes import Scene
from tests.labelling.planted import TRANSFORM, noise_scene, planted_model, read_band, write_scene

DAYS = ("2021-03-05", "2021-06-01", "2021-11-30")


def stacked(folder: Path, bands: tuple[str, ...] = (), masks: MaskChoice | None = None) -> tuple[Scene, ...]:
    return find_scenes([folder], bands=bands, masks=masks, stack="--stack")


@pytest.mark.parametrize(
    ("names", "output"),
    [
        ([f"T32_{day.replace('-', '')}T101021_B.tif" for day in DAYS], "T32_B.tif"),
        ([f"{day}/a.tif" for day in DAYS], "a.tif"),
        ([f"LC08_016035_{day.replace('-', '')}_2021120{n}_02_T1.tif" for n, day in enumerate(DAYS, 1)], None),
        ([f"{day}.tif" for day in DAYS], "stack.tif"),
        ([f"north/b-{day}.tif" for day in DAYS], "north/b.tif"),
    ],
)
def test_scenes_whose_names_differ_in_dates_are_one_in_their_order(
    tmp_path: Path, names: list[str], output: str | None
) -> None:
    images = [noise_scene(20, 30, seed) for seed in range(3)]
    for name, image in reversed(list(zip(names, images, strict=True))):
        write_scene(tmp_path / name, image, photometric="RGB", nodata=9)
    (scene,) = stacked(tmp_path)
    assert scene.dates == DAYS
    assert len(scene.files) == 3
    assert str(scene.output) == (output or "LC08_016035_02_T1.tif")
    with raster(scene) as file:
        assert file.descriptions[:4] == (*(f"{DAYS[0]}/{band}" for band in (1, 2, 3)), f"{DAYS[1]}/1")
        assert (file.count, file.transform) == (9, TRANSFORM)
        values, valid = read_window(file, range(1, 10))
    np.testing.assert_array_equal(values, np.concatenate(images))
    np.testing.assert_array_equal(valid, (values != 9).all(axis=0))


def test_places_are_kept_apart_and_bands_of_each_date_are_joined(tmp_path: Path) -> None:
    for tile in ("T31", "T32"):
        for day, seed in zip(DAYS[:2], (0, 1), strict=True):
            for band, values in zip(("B04", "B08"), noise_scene(20, 30, seed), strict=False):
                write_scene(tmp_path / f"{tile}_{day.replace('-', '')}_{band}_10m.tif", values[None])
    found = stacked(tmp_path, ("B08", "B04"))
    assert [str(scene.output) for scene in found] == ["T31_10m.tif", "T32_10m.tif"]
    with raster(found[0]) as file:
        assert file.descriptions == tuple(f"{day}/{band}" for day in DAYS[:2] for band in ("B08", "B04"))
        np.testing.assert_array_equal(file.read([2, 3]), [noise_scene(20, 30, 0)[0], noise_scene(20, 30, 1)[1]])


def test_masks_of_dates_and_masks_of_files_count_in_the_stack(tmp_path: Path) -> None:
    clear = np.ones((20, 30), np.bool_)
    for number, day in enumerate(DAYS):
        path = write_scene(tmp_path / f"a_{day}.tif", noise_scene(20, 30, number))
        clouds = np.zeros((1, 20, 30), np.uint8)
        clouds[0, number] = 3
        clear[number] = False
        write_scene(tmp_path / f"a_{day}_scl.tif", clouds)
    with rasterio.open(path, "r+") as file:
        file.write_mask(np.arange(30) * np.ones((20, 1)) > 4)
    clear[:, :5] = False
    (scene,) = stacked(tmp_path, masks=MaskChoice("{folder}/{name}_scl.tif", (3,)))
    with raster(scene) as file:
        assert bands_of(file) == tuple(range(1, 10))
        np.testing.assert_array_equal(read_window(file, (1, 2))[1], clear | (np.arange(30) < 5) & clear.any(1)[:, None])
        np.testing.assert_array_equal(read_window(file, (1, 9))[1], clear)


def test_a_stack_that_cannot_be_is_refused(tmp_path: Path) -> None:
    write_scene(tmp_path / "one" / "plain.tif", noise_scene(9, 9))
    assert "has no date in its name, plain.tif" in stacked(tmp_path / "one")[0].error.what
    for name in ("a_20210601T100000.tif", "a_20210601T110000.tif"):
        write_scene(tmp_path / "two" / name, noise_scene(9, 9))
    assert "has several scenes of 2021-06-01" in stacked(tmp_path / "two")[0].error.what
    write_scene(tmp_path / "three" / "a_20210601.tif", noise_scene(9, 9))
    write_scene(tmp_path / "three" / "a_20210701.tif", noise_scene(9, 9), transform=Affine(9, 0, 0, 0, -9, 0))
    (scene,) = stacked(tmp_path / "three")
    with pytest.raises(LatentclustError, match="the scene of 2021-07-01 has another grid"), raster(scene):
        pass


def test_the_date_of_an_item_counts_if_its_id_has_none(tmp_path: Path) -> None:
    for number, day in enumerate(DAYS):
        write_scene(tmp_path / day / "data" / f"{number}.tif", noise_scene(9, 9, number))
        item = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": "tile",
            "properties": {"datetime": f"{day}T10:00:00Z"},
        }
        assets = {"data": {"href": f"data/{number}.tif", "roles": ["data"]}}
        (tmp_path / day / "item.json").write_text(json.dumps({**item, "assets": assets}))
    items = [tmp_path / day / "item.json" for day in reversed(DAYS)]
    scene = find_scenes(items, stack="--stack")[0]
    assert scene.dates == DAYS


def test_a_stack_is_trained_on_and_labelled(tmp_path: Path) -> None:
    planted = planted_model()
    images = [noise_scene(70, 80, seed)[:1] for seed in range(3)]
    for day, image in zip(DAYS, images, strict=True):
        write_scene(tmp_path / "in" / f"a_{day}.tif", image)
    opened = Raster(path=str(tmp_path / "in"), dates="stack", window=16, windows=5).open(())
    assert opened.source.windows.reading.names == tuple(f"{day}/1" for day in DAYS)
    for (_, row, column), read in zip(opened.source.windows.places, opened.source.read(np.arange(5)), strict=True):
        np.testing.assert_array_equal(read, np.concatenate(images)[:, row : row + 16, column : column + 16])
    (scene,) = latentclust.label(planted, tmp_path / "in", tmp_path / "out", stack=True).scenes
    assert scene.output == "a.tif"
    write_scene(tmp_path / "joined.tif", np.concatenate(images))
    latentclust.label(planted, tmp_path / "joined.tif", tmp_path / "joined")
    found, wanted = read_band(tmp_path / "out" / "a.tif"), read_band(tmp_path / "joined" / "joined.tif")
    np.testing.assert_array_equal(found, wanted)


def test_a_stack_of_other_dates_is_read_in_their_order(tmp_path: Path) -> None:
    later = ("2021-06-01", "2021-11-30", "2022-03-04")
    for folder, days in (("a", DAYS), ("b", later), ("c", DAYS[:2])):
        for seed, day in enumerate(days):
            write_scene(tmp_path / folder / f"a_{day}.tif", noise_scene(20, 30, seed)[:2])
    ((first,), (second,), (third,)) = (stacked(tmp_path / folder) for folder in "abc")
    (reading,) = read_alike([first], None, 8).rasters
    with raster(second) as file:
        match = match_bands(file, reading, "b")
    assert (match.bands.bands, match.by_name, match.warnings) == (tuple(range(1, 7)), True, ())
    with raster(third) as file, pytest.raises(LatentclustError, match=r"has 4 band\(s\)"):
        match_bands(file, reading, "c")
