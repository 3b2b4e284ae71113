"""Scenes of several files or items, labelled from end to end, and their entries in labelling.json."""

import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.shutil import copy

import latentclust
from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.opening import open_raster
from latentclust.errors import LatentclustError
from latentclust.labelling.label_report import LabelReport
from latentclust.model.model import ClusteringModel
from tests.data.scenes.test_stac import single, write_item
from tests.labelling.planted import noise_scene, read_band, write_scene

WithBands = Callable[..., ClusteringModel]
NAMES = ("B04", "B03", "B02")
NETCDF_NAMES = ("Band1", "Band2", "Band3")
SECRETS = "me:s3cret@"
SERVER = """
import functools, http.server, pathlib, re, sys

class Ranges(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        path = pathlib.Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        content = path.read_bytes()
        first, last = re.match(r"bytes=(\\d+)-(\\d*)", self.headers.get("Range", "bytes=0-")).groups()
        part = content[int(first) : int(last or len(content)) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *words):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Ranges, directory=sys.argv[1]))
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and where a server of its own process serves it: GDAL holds the interpreter while it opens a file."""
    folder = tmp_path / "served"
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", SERVER, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield folder, f"127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def expected(model: ClusteringModel, image: np.ndarray) -> np.ndarray:
    return model.predict(image[None]).labels[0].numpy() + 1


def account(report: LabelReport) -> str:
    return (report.folder / "labelling.json").read_text() + json.dumps(report.as_json())


def test_a_url_is_labelled_and_shown_without_secrets(
    planted: ClusteringModel, served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, host = served
    image = noise_scene(100, 110)
    write_scene(folder / "a.tif", image)
    url = f"http://{SECRETS}{host}/a.tif?key=t0ken"
    out = tmp_path / "out"
    report = latentclust.label(planted, [url, f"http://{SECRETS}{host}/no.tif?key=t0ken"], out)
    done, failed = report.scenes
    np.testing.assert_array_equal(read_band(out / "a.tif"), expected(planted, image))
    assert done.input.startswith(f"http://{host}/a.tif?sha256=")
    assert (done.size, done.mtime) == (-1, 0)
    assert "cannot be read" in failed.reason
    assert not [word for word in ("s3cret", "t0ken") if word in account(report)]
    assert latentclust.label(planted, url, out).kept == {"a.tif"}
    with pytest.raises(LatentclustError, match=r"its output a\.tif already belongs to http://127"):
        latentclust.label(planted, url.replace("t0ken", "other"), out)


def test_a_path_in_an_archive_is_labelled_and_its_archive_is_stamped(planted: ClusteringModel, tmp_path: Path) -> None:
    image = noise_scene(70, 80)
    scene = write_scene(tmp_path / "a.tif", image)
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as packed:
        packed.write(scene, "in/b.tif")
    address = f"/vsizip/{tmp_path}/s.zip/in/b.tif"
    assert latentclust.label(planted, address, tmp_path / "out").failed == ()
    np.testing.assert_array_equal(read_band(tmp_path / "out" / "b.tif"), expected(planted, image))
    os.utime(tmp_path / "s.zip", (0, 0))
    with pytest.raises(LatentclustError, match=r"in/b\.tif: has changed since it was labelled"):
        latentclust.label(planted, address, tmp_path / "out")


def test_a_raster_within_a_file_is_labelled(planted: ClusteringModel, tmp_path: Path) -> None:
    write_scene(tmp_path / "a.tif", noise_scene(70, 80))
    report = latentclust.label(planted, f"GTIFF_DIR:1:{tmp_path}/a.tif", tmp_path / "out")
    assert [(scene.output, scene.reason) for scene in report.scenes] == [("a.tif.tif", "")]


def test_an_item_is_joined_from_files_and_urls_in_the_order_of_the_model(
    with_bands: WithBands, served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, host = served
    model = with_bands(names=("red", "green", "blue"))
    image = noise_scene(90, 80)
    image[1, 40:50, 30:40] = 0
    assets = {
        "B02": single("./B02.tif", "B02", "blue"),
        "B03": single(f"http://{SECRETS}{host}/B03.tif", "B03", "green"),
        "B04": single("B04.tif", "B04", "red"),
    }
    write_scene(tmp_path / "items" / "B04.tif", image[:1])
    write_scene(folder / "B03.tif", image[1:2], nodata=0)
    write_scene(tmp_path / "items" / "B02.tif", image[2:])
    item = write_item(tmp_path / "items" / "item.json", assets, id="T32: a/b")
    report = latentclust.label(model, tmp_path / "items", tmp_path / "out")
    assert [(scene.output, scene.reason, scene.warnings) for scene in report.scenes] == [("T32_ a_b.tif", "", ())]
    labels = read_band(tmp_path / "out" / "T32_ a_b.tif")
    gap = image[1] == 0
    np.testing.assert_array_equal(labels == 0, gap)
    far = np.s_[:30, :]
    np.testing.assert_array_equal(labels[far], expected(model, image)[far])
    assert report.scenes[0].input == str(item)
    assert report.scenes[0].size == sum(path.stat().st_size for path in (tmp_path / "items").iterdir())
    assert "s3cret" not in account(report)


def test_files_of_bands_are_one_scene_and_a_scene_with_missing_bands_fails(tmp_path: Path) -> None:
    image = noise_scene(70, 80)
    for scene in ("S 1", "S2"):
        for band, name in enumerate(NAMES):
            write_scene(tmp_path / "in" / f"{scene}_{name}.tif", image[band : band + 1])
    (tmp_path / "in" / "S2_B03.tif").unlink()
    scenes = find_scenes([tmp_path / "in"], tmp_path / "out", bands=NAMES[::-1])
    whole, lacking = (pickle.loads(pickle.dumps(scene)) for scene in scenes)
    with open_raster(whole) as file:
        assert file.descriptions == NAMES[::-1]
        np.testing.assert_array_equal(file.read(), image[::-1])
    with (
        pytest.raises(LatentclustError, match=r"S2_\{B02,B03,B04\}\.tif: is missing S2_B03\.tif"),
        open_raster(lacking),
    ):
        pass


def test_bands_are_read_by_the_names_of_the_training_data(with_bands: WithBands, tmp_path: Path) -> None:
    model, image = with_bands(names=NAMES), noise_scene(70, 80)
    scene = write_scene(tmp_path / "a.tif", image[[0, 2, 0, 1, 0]], photometric="MINISBLACK", alpha="NO")
    with rasterio.open(scene, "r+") as file:
        file.descriptions = ("B08", "B02", "B04", "B03", "B11")
    report = latentclust.label(model, scene, tmp_path / "out")
    assert [(each.reason, each.warnings) for each in report.scenes] == [("", ())]
    np.testing.assert_array_equal(read_band(tmp_path / "out" / "a.tif"), expected(model, image))


def test_a_scene_of_another_scale_fails_and_oddities_are_reported(with_bands: WithBands, tmp_path: Path) -> None:
    model = with_bands(ranges=((200.0, 3400.0),) * 3, types=("float32",), names=NAMES)
    image = noise_scene(70, 80).astype(np.float32)
    write_scene(tmp_path / "in" / "reflectance.tif", image / 255)
    image[1:] = image[1:] * 10 + 200
    write_scene(tmp_path / "in" / "scaled.tif", image * np.array([1e-3, 1, 1], np.float32)[:, None, None])
    failed, done = latentclust.label(model, tmp_path / "in", tmp_path / "out").scenes
    assert "in the range of the training data in any band: band 1 has" in failed.reason
    assert ", not 200 to 3400" in failed.reason
    (warning,) = done.warnings
    assert warning.startswith("no sampled value is in the range of the training data: band 1 has 0.0")


def test_variables_of_a_file_are_named_and_joined(with_bands: WithBands, tmp_path: Path) -> None:
    image = noise_scene(70, 80)
    copy(write_scene(tmp_path / "plain.tif", image), tmp_path / "a.nc", driver="netCDF")
    plain = latentclust.label(with_bands(), tmp_path / "a.nc", tmp_path / "one")
    assert "holds 3 rasters: NETCDF:" in plain.scenes[0].reason
    assert "join some with --bands (data.bands)" in plain.scenes[0].reason
    for out, model, bands in (("two", with_bands(), ("Band1", "Band2", "Band3")), ("three", NETCDF_NAMES, ())):
        made = model if isinstance(model, ClusteringModel) else with_bands(names=model)
        report = latentclust.label(made, tmp_path / "a.nc", tmp_path / out, bands=bands)
        assert report.failed == ()
        np.testing.assert_array_equal(read_band(tmp_path / out / "a.tif"), expected(made, image))
