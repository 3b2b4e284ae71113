"""Files of several rasters: their rasters are named, and those of one band are joined by name."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.shutil import copy

from latentclust.data.scenes.addresses import address_stem, is_address, local_files
from latentclust.data.scenes.containers import _named
from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.inputs import scene_from_url
from latentclust.data.scenes.opening import open_raster
from latentclust.errors import LatentclustError
from tests.labelling.planted import TRANSFORM, noise_scene, write_scene

IMAGE = noise_scene(40, 50)


def netcdf(folder: Path) -> Path:
    """A file of three variables, Band1 to Band3."""
    copy(write_scene(folder / "plain.tif", IMAGE), folder / "a b.nc", driver="netCDF")
    return folder / "a b.nc"


def hdf5(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        for name, band in zip(("Band1", "Band2", "deep/Band3"), IMAGE, strict=True):
            file[f"grid/{name}"] = band
        file["other/Band1"] = IMAGE[2]
        file["large"] = noise_scene(9, 9)[0]
    return folder / "a.h5"


CONTAINERS = {netcdf: ("Band3", "band1"), hdf5: ("band3", "/grid/Band1")}


@pytest.mark.parametrize("write", CONTAINERS)
def test_variables_are_joined_in_the_order_of_their_names(write: Callable[[Path], Path], tmp_path: Path) -> None:
    path, names = write(tmp_path), CONTAINERS[write]
    for given in (path, f"{tmp_path}/*{path.suffix}"):
        for found in (find_scenes([given], bands=names), find_scenes([given], names=names)):
            [scene] = found
            with open_raster(scene) as file:
                np.testing.assert_array_equal(file.read(), IMAGE[[2, 0]])
                assert file.descriptions == names
                assert write is hdf5 or file.transform == TRANSFORM
            assert scene.files == (path,)


@pytest.mark.parametrize(
    ("bands", "words"),
    [
        ((), r"a b\.nc: holds 3 rasters: NETCDF:\S+/a b\.nc:Band1, .*Band3\. Name one, or join .*--bands Band1,Band2$"),
        (("Band1", "nir"), r"holds 3 rasters: .*Band3; none or several are named nir\. Name one"),
    ],
)
def test_the_rasters_of_a_file_are_named(bands: tuple[str, ...], words: str, tmp_path: Path) -> None:
    [scene] = find_scenes([netcdf(tmp_path)], bands=bands)
    with pytest.raises(LatentclustError, match=words), open_raster(scene):
        pass


def test_a_name_of_several_rasters_is_refused(tmp_path: Path) -> None:
    [scene] = find_scenes([hdf5(tmp_path)], bands=("Band1",))
    with pytest.raises(LatentclustError, match="none or several are named Band1"), open_raster(scene):
        pass


def test_rasters_that_do_not_fit_are_not_joined(tmp_path: Path) -> None:
    [scene] = find_scenes([hdf5(tmp_path)], bands=("large", "Band2"))
    with pytest.raises(LatentclustError, match="its files have different grids"), open_raster(scene):
        pass


def test_a_file_without_a_raster_is_said(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["number"] = 3
    [scene] = find_scenes([tmp_path / "a.h5"])
    with pytest.raises(LatentclustError, match=r"a\.h5: contains no raster\. Name another file"), open_raster(scene):
        pass


def test_rasters_named_one_by_one_are_joined_too(tmp_path: Path) -> None:
    path = netcdf(tmp_path)
    [scene] = find_scenes([f"NETCDF:{path}:Band{number}" for number in (1, 2, 3)], bands=("Band2", "Band1"))
    with open_raster(scene) as file:
        np.testing.assert_array_equal(file.read(), IMAGE[[1, 0]])
    assert scene.files == (path, path)


def test_one_file_per_variable_is_joined_as_other_files_are(tmp_path: Path) -> None:
    for number, band in enumerate(IMAGE):
        copy(write_scene(tmp_path / "plain.tif", band[None]), tmp_path / f"s_B{number}.nc", driver="netCDF")
    [scene] = find_scenes([tmp_path / f"s_B{number}.nc" for number in range(3)], bands=("B2", "B0"))
    with open_raster(scene) as file:
        np.testing.assert_array_equal(file.read(), IMAGE[[2, 0]])


def test_names_as_rasterio_writes_them_are_addresses(tmp_path: Path) -> None:
    path = netcdf(tmp_path)
    assert is_address(f"netcdf:{path}:Band1")
    assert local_files(f"netcdf:{path}:Band1") == (path,)
    assert address_stem('HDF5:"/d/a.h5"://grid/Band1') == "a.h5_grid_Band1"
    assert address_stem('HDF5:"/d/b.h5"://grid/Band1') != address_stem('HDF5:"/d/a.h5"://grid/Band1')


def test_rasters_whose_last_parts_are_equal_are_not_chosen_among():
    rasters = [("QC", "HDF4_EOS:EOS_GRID:a.hdf:Grid_1km:QC"), ("QC", "HDF4_EOS:EOS_GRID:a.hdf:Grid_500m:QC")]
    assert _named(rasters, "QC") is None
    assert _named(rasters[:1], "qc") == rasters[0][1]


def test_pages_of_a_tiff_are_rasters_to_choose_from(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((4, 5), value, np.uint8)) for value in (10, 200, 90)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    second = f"GTIFF_DIR:2:{tmp_path}/a.tif"
    with pytest.raises(LatentclustError, match=rf"a\.tif: holds 3 pages: .*{second}"), open_raster(tmp_path / "a.tif"):
        pass
    with open_raster(scene_from_url(second)) as file:
        assert (file.read() == 200).all()


def test_overviews_and_masks_are_no_pages(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "a.tif", noise_scene(64, 64))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4])
        file.write_mask(np.ones((64, 64), bool))
    with open_raster(path) as file:
        assert file.shape == (64, 64)
