"""Opened scenes, and the messages for scenes that cannot be opened."""

import socket
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from rasterio.env import getenv

from latentclust.data.scenes.inputs import scene_from_file, scene_from_url
from latentclust.data.scenes.opening import GDAL_TIMEOUTS, decoding_errors, open_raster
from latentclust.data.scenes.vrt import build_vrt
from latentclust.errors import LatentclustError
from latentclust.specs.scenes import BandFile
from tests.labelling.planted import noise_scene, write_scene


def test_what_a_decoder_says_loses_the_secrets_of_urls() -> None:
    said = "'/vsicurl/https://me:s3cret@h.org/a.tif?key=s3cret' is not there"
    with pytest.raises(LatentclustError) as caught, decoding_errors("scene"):
        raise OSError(said)
    assert str(caught.value).startswith("scene: cannot be read (OSError: '/vsicurl/https://h.org/a.tif' is not there)")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_file_is_opened_as_a_scene_is(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "a.tif", noise_scene(20, 30))
    for given in (path, scene_from_file(path)):
        with open_raster(given) as file:
            assert file.shape == (20, 30)
    with pytest.raises(LatentclustError, match=r"no\.tif: cannot be read"), open_raster(tmp_path / "no.tif"):
        pass


def test_formats_that_read_other_files_are_refused_on_request(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "a.tif", noise_scene(20, 30)[:1])
    (tmp_path / "a.vrt").write_text(build_vrt([BandFile("red", str(path), "a.tif")], "scene"))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["red"] = noise_scene(20, 30)[0]
    pair = tuple(BandFile(name, str(tmp_path / f"a.{name}"), name) for name in ("tif", "vrt"))
    joined = replace(scene_from_file(path), parts=pair)
    for scene in (scene_from_file(tmp_path / "a.vrt"), scene_from_file(tmp_path / "a.h5"), joined):
        with open_raster(scene) as file:
            assert file.shape == (20, 30)
        words = r"is in none of the formats that read no other files \(GTiff, .*\), and --untrusted refuses it"
        with pytest.raises(LatentclustError, match=words), open_raster(replace(scene, untrusted=True)):
            pass
    with open_raster(replace(scene_from_file(path), untrusted=True)) as file:
        assert file.shape == (20, 30)


def test_a_foreign_format_is_refused_before_its_driver_reads_the_file(tmp_path: Path) -> None:
    """Broken XML is an error of the VRT driver, which an untrusted file does not reach."""
    (tmp_path / "a.vrt").write_text("<VRTDataset><SourceBroken></VRTDataset>")
    scene = scene_from_file(tmp_path / "a.vrt")
    with pytest.raises(LatentclustError, match=r"a\.vrt: cannot be read"), open_raster(scene):
        pass
    with pytest.raises(LatentclustError, match="--untrusted refuses it"), open_raster(replace(scene, untrusted=True)):
        pass


def test_blocks_far_larger_than_the_raster_are_refused(tmp_path: Path) -> None:
    """Each read would take seconds and hundreds of megabytes."""
    huge = {"tiled": True, "blockxsize": 8192, "blockysize": 8192, "sparse_ok": True, "compress": "deflate"}
    path = write_scene(tmp_path / "a.tif", noise_scene(20, 30), **huge)
    what = "a.tif: holds 30 x 20 pixels in blocks of 8192 x 8192, each of 201 MB"
    with pytest.raises(LatentclustError, match=what), open_raster(path):
        pass
    usual = write_scene(tmp_path / "b.tif", noise_scene(20, 30), tiled=True, blockxsize=512, blockysize=512)
    with open_raster(usual) as file:
        assert file.block_shapes[0] == (512, 512)


def test_the_environment_has_its_own_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_scene(tmp_path / "a.tif", noise_scene(20, 30))
    monkeypatch.delenv("GDAL_HTTP_MAX_RETRY", raising=False)
    with open_raster(path):
        assert getenv()["GDAL_HTTP_MAX_RETRY"] == 3
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "9")
    with open_raster(path):
        assert "GDAL_HTTP_MAX_RETRY" not in getenv()


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LOW_SPEED_TIME": 1, "MAX_RETRY": 0}.items():
        monkeypatch.delenv(f"GDAL_HTTP_{name}", raising=False)
        assert f"GDAL_HTTP_{name}" in GDAL_TIMEOUTS
        monkeypatch.setitem(GDAL_TIMEOUTS, f"GDAL_HTTP_{name}", value)
    with socket.create_server(("127.0.0.1", 0)) as server:
        scene = scene_from_url(f"http://127.0.0.1:{server.getsockname()[1]}/a.tif")
        with pytest.raises(LatentclustError, match="cannot be read"), open_raster(scene):
            pass
