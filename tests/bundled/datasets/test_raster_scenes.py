"""The raster data set takes whatever `latentclust label` takes, by the same rules."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rasterio.io import MemoryFile

from latentclust.api import LatentclustError
from latentclust.bundled.datasets.raster import Raster
from latentclust.data.fingerprint import Fingerprint
from latentclust.data.scenes.discover import find_scenes
from latentclust.specs.data import ImageSet
from tests.data.scenes.test_containers import netcdf
from tests.data.scenes.test_stac import single, write_item
from tests.labelling.planted import noise_scene, write_scene

IMAGE = noise_scene(40, 50)


def zipped(folder: Path) -> str:
    with zipfile.ZipFile(folder / "s.zip", "w") as archive:
        archive.write(write_scene(folder / "plain" / "a.tif", IMAGE), "in/a.tif")
    return f"/vsizip/{folder}/s.zip/in/a.tif"


def listed(folder: Path) -> str:
    write_scene(folder / "a.tif", IMAGE)
    (folder / "list.txt").write_text("# scenes\n\na.tif\n")
    return str(folder / "list.txt")


def matched(folder: Path) -> str:
    write_scene(folder / "deep" / "a.tif", IMAGE)
    write_scene(folder / "b.tif", IMAGE[:1])
    return str(folder / "**" / "a*.tif")


def item(folder: Path) -> str:
    write_scene(folder / "a.tif", IMAGE)
    return str(write_item(folder / "item.json", {"visual": {"href": "./a.tif", "roles": ["data"]}}))


def linked(folder: Path) -> str:
    write_scene(folder / "far" / "a.tif", IMAGE)
    (folder / "near").mkdir()
    (folder / "near" / "link").symlink_to(folder / "far")
    return str(folder / "near")


def within(folder: Path) -> str:
    return f"GTIFF_DIR:1:{write_scene(folder / 'a.tif', IMAGE)}"


def file_url(folder: Path) -> str:
    return write_scene(folder / "a b.tif", IMAGE).as_uri()


def opened(path: str | Path | tuple[str, ...], **options: object) -> ImageSet:
    return Raster(path=path, window=8, windows=30, **options).open(())  # type: ignore[arg-type]


def assert_windows_of(data: ImageSet, image: np.ndarray) -> None:
    windows = data.source.windows  # type: ignore[attr-defined]
    for (_, row, column), read in zip(windows.places, data.source.read(np.arange(30)), strict=True):
        np.testing.assert_array_equal(read, image[:, row : row + 8, column : column + 8])


@pytest.mark.parametrize("given", [zipped, listed, matched, item, linked, within, file_url])
def test_what_label_takes_is_trained_on(given: Callable[[Path], str], tmp_path: Path) -> None:
    path = given(tmp_path)
    data = opened(path)
    assert data.scenes == find_scenes([path])
    assert_windows_of(data, IMAGE)
    assert Raster(path=path).located(()) is not None
    image, valid = Raster(path=path, window=8).read_scene(data.scenes[0])
    np.testing.assert_array_equal(image, IMAGE)
    assert valid.all()


def test_files_of_one_band_each_are_joined_in_the_order_asked_for(tmp_path: Path) -> None:
    for name, band in zip(("red", "green", "nir"), IMAGE, strict=True):
        write_scene(tmp_path / f"s_{name}.tif", band[None])
    assert_windows_of(opened(tmp_path, bands=("nir", "red")), IMAGE[[2, 0]])
    item = write_item(
        tmp_path / "item.json", {name: single(f"./s_{name}.tif", name) for name in ("red", "green", "nir")}
    )
    assert_windows_of(opened(item, bands=("green", "nir")), IMAGE[[1, 2]])
    reading = opened(item, bands=("green", "nir")).source.windows.reading  # type: ignore[attr-defined]
    assert reading.names == ("green", "nir")


def test_paths_and_patterns_are_also_below_a_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_scene(tmp_path / "scenes" / "a.tif", IMAGE)
    for path in ("scenes", "scenes/*.tif", "scenes/a.tif"):
        assert_windows_of(Raster(path=path, window=8, windows=30).open((tmp_path,)), IMAGE)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert_windows_of(opened("~/scenes/*.tif"), IMAGE)


def test_what_cannot_be_found_is_said_with_the_key(tmp_path: Path) -> None:
    for given, words in {
        str(tmp_path / "no*.tif"): "contains no raster",
        "": "data.path: the path '' is empty",
        "https://h.org/a.tif\0": "data.path: the path",
        str(tmp_path / "no.tif"): "data.path: no raster or folder",
        (): "data.path: is empty",
    }.items():
        with pytest.raises(LatentclustError) as caught:
            opened(given)
        assert words in str(caught.value)
    write_scene(tmp_path / "a.tif", IMAGE)
    with pytest.raises(LatentclustError, match=r"a\.tif: has no band, or several, named red"):
        opened(tmp_path, bands=("red", "nir"))
    (tmp_path / "item.json").write_text(json.dumps({"type": "Feature", "stac_version": "1.0.0", "assets": 3}))
    with pytest.raises(LatentclustError, match=r"item\.json: cannot be read"):
        opened(tmp_path)


def test_the_fingerprint_knows_files_within_files_and_values_of_addresses(tmp_path: Path) -> None:
    path = zipped(tmp_path)
    before = Fingerprint.of(opened(path))
    assert before.names
    assert before.change(Fingerprint.of(opened(path))) is None
    os.utime(tmp_path / "s.zip", (1, 1))
    assert before.change(Fingerprint.of(opened(path))) == "have files that were written again"
    written = (
        write_scene(tmp_path / "a.tif", IMAGE).read_bytes(),
        write_scene(tmp_path / "b.tif", IMAGE[::-1]).read_bytes(),
    )
    found = []
    for content in written:
        with MemoryFile(content) as memory:  # An address without a local file.
            found += [Fingerprint.of(opened(memory.name)) for _ in range(2)]
    assert found[0].change(found[1]) is None
    assert found[1].change(found[2]) == "have other values or another order"


def test_variables_of_a_file_are_named_and_joined(tmp_path: Path) -> None:
    path = netcdf(tmp_path)
    assert_windows_of(opened(path, bands=("Band3", "Band1")), noise_scene(40, 50)[[2, 0]])
    assert_windows_of(opened(f"NETCDF:{path}:Band2"), noise_scene(40, 50)[[1]])
    with pytest.raises(LatentclustError, match=r"b\.nc: holds 3 rasters: NETCDF:.*data\.bands"):
        opened(path)
