"""Label rasters with a sieve: the same regions as polygons, for any windows and workers, and an honest confidence."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio import features

import latentclust
from latentclust.errors import InterruptedRunError
from latentclust.labelling import scene_rows
from latentclust.labelling.clusters.restyle import restyle
from latentclust.labelling.vector import uncompressed
from latentclust.labelling.vector.regions import count_regions
from latentclust.labelling.vector.sieve import sieve
from latentclust.labelling.vector.uncompressed import UncompressedRaster
from latentclust.labelling.windows import strips
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, read_band, write_scene
from tests.labelling.test_label_scenes import files

SMALLEST = 9
UNIT = 100.0 * SMALLEST
"""Nine pixels of 10 m."""


def bands_of(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as file:
        bands: NDArray[Any] = file.read()
    return bands


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of several strips, with nodata in the middle and across the seams of windows."""
    image = noise_scene(600, 90)
    image[:, 200:420, 30:37] = 0
    image[:, 100:104, :] = 0
    return write_scene(tmp_path_factory.mktemp("in") / "a.tif", image, nodata=0)


@pytest.fixture(scope="module")
def raw(planted: ClusteringModel, scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs without a sieve; do not change them."""
    out = tmp_path_factory.mktemp("raw")
    latentclust.label(planted, scene, out, tile=32, confidence=True, probabilities=True)
    return out


def expected_labels(raw: Path) -> NDArray[Any]:
    labels = read_band(raw / "a.tif")
    wanted: NDArray[Any] = features.sieve(labels, SMALLEST, mask=labels > 0, connectivity=4)
    return wanted


def test_labels_are_those_of_gdals_sieve_and_nodata_stays(
    planted: ClusteringModel, raw: Path, scene: Path, tmp_path: Path
) -> None:
    report = latentclust.label(planted, scene, tmp_path, tile=32, sieve=UNIT)
    sieved, labels = read_band(tmp_path / "a.tif"), read_band(raw / "a.tif")
    np.testing.assert_array_equal(sieved, expected_labels(raw))
    np.testing.assert_array_equal(sieved == 0, labels == 0)
    assert report.sieved == report.scenes[0].sieved == np.count_nonzero(sieved != labels) > 1000
    assert count_regions([sieved]) < count_regions([labels]) / 2


@pytest.mark.parametrize(("windows", "pixels"), [(30, 5 * 90), (1 << 20, 1 << 20)])
def test_strips_of_windows_and_of_the_sieve_do_not_show(
    planted: ClusteringModel,
    raw: Path,
    scene: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    windows: int,
    pixels: int,
) -> None:
    monkeypatch.setattr(strips, "WINDOWS", windows)
    monkeypatch.setattr(uncompressed, "STRIP_PIXELS", pixels)
    latentclust.label(planted, scene, tmp_path, tile=32, sieve=UNIT)
    np.testing.assert_array_equal(read_band(tmp_path / "a.tif"), expected_labels(raw))


@pytest.mark.parametrize("probabilities", [False, True])
def test_confidence_is_the_probability_of_the_label_that_is_written(
    planted: ClusteringModel, raw: Path, scene: Path, tmp_path: Path, probabilities: bool
) -> None:
    latentclust.label(planted, scene, tmp_path, tile=32, sieve=UNIT, confidence=True, probabilities=probabilities)
    labels, confidence = read_band(tmp_path / "a.tif"), read_band(tmp_path / "a-confidence.tif")
    changed = labels != read_band(raw / "a.tif")
    np.testing.assert_array_equal(confidence[~changed], read_band(raw / "a-confidence.tif")[~changed])
    every = bands_of(raw / "a-probabilities.tif")
    share = (np.take_along_axis(every, labels[np.newaxis].astype(int) - 1, axis=0)[0].astype(float) - 1) / 254
    wanted = 1 + np.rint(254 * np.clip((share - 0.25) / 0.75, 0, 1))
    np.testing.assert_allclose(confidence[changed], wanted[changed], atol=1)
    assert confidence[changed].mean() < read_band(raw / "a-confidence.tif")[changed].mean()
    assert (tmp_path / "a-probabilities.tif").exists() == probabilities
    if probabilities:
        np.testing.assert_array_equal(bands_of(tmp_path / "a-probabilities.tif"), every)


@pytest.mark.parametrize("min_area", [None, UNIT])
def test_polygons_are_the_regions_of_the_raster(
    planted: ClusteringModel, scene: Path, tmp_path: Path, min_area: float | None
) -> None:
    latentclust.label(planted, scene, tmp_path, tile=32, sieve=UNIT, vector=True, min_area=min_area, classes=True)
    labels = read_band(tmp_path / "a.tif")

    def check() -> None:
        _, _, _, (values, areas) = pyogrio.raw.read(tmp_path / "a.gpkg", "clusters", columns=["class", "area_m2"])
        assert len(values) == count_regions([labels])
        for value in range(1, 5):
            assert areas[values == value].sum() == pytest.approx(100 * np.count_nonzero(labels == value), rel=1e-9)

    check()
    restyle(tmp_path, planted)
    check()
    np.testing.assert_array_equal(read_band(tmp_path / "a.tif"), labels)
    counts = (tmp_path / "a.tif.aux.xml").read_text()
    assert all(f"<F>{np.count_nonzero(labels == value)}</F>" in counts for value in range(5))


def test_polygons_alone_and_the_sieved_raster_agree(planted: ClusteringModel, scene: Path, tmp_path: Path) -> None:
    latentclust.label(planted, scene, tmp_path / "vector", tile=32, vector=True, min_area=UNIT)
    latentclust.label(planted, scene, tmp_path / "both", tile=32, vector=True, sieve=UNIT)
    assert (tmp_path / "vector" / "a.gpkg").read_bytes() == (tmp_path / "both" / "a.gpkg").read_bytes()


@pytest.mark.parametrize("place", [{"crs": None}, {"crs": "EPSG:32613"}])
def test_without_a_coordinate_system_the_unit_is_in_pixels(
    planted: ClusteringModel, tmp_path: Path, place: dict[str, Any]
) -> None:
    scene = write_scene(tmp_path / "b.tif", noise_scene(60, 70), **place)
    latentclust.label(planted, scene, tmp_path / "raw")
    latentclust.label(planted, scene, tmp_path / "out", sieve=5 if place["crs"] is None else 450.5)
    labels = read_band(tmp_path / "raw" / "b.tif")
    np.testing.assert_array_equal(read_band(tmp_path / "out" / "b.tif"), features.sieve(labels, 5, connectivity=4))


def test_regions_are_cut_at_the_edge_of_an_area_before_they_are_sieved(
    planted: ClusteringModel, raw: Path, scene: Path, tmp_path: Path
) -> None:
    box = (500100.0, 3997000.0, 500600.0, 3999500.0)
    latentclust.label(planted, scene, tmp_path / "cut", tile=32, bbox=box)
    latentclust.label(planted, scene, tmp_path / "out", tile=32, bbox=box, sieve=UNIT)
    labels = read_band(tmp_path / "cut" / "a.tif")
    wanted = features.sieve(labels, SMALLEST, mask=labels > 0, connectivity=4)
    np.testing.assert_array_equal(read_band(tmp_path / "out" / "a.tif"), wanted)


def test_a_run_that_was_stopped_gives_the_same_bytes(
    planted: ClusteringModel, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"tile": 32, "sieve": UNIT, "confidence": True}
    latentclust.label(planted, scene, tmp_path / "whole", **options)

    def stop(labels: UncompressedRaster, *rest: Any) -> None:
        sieve(replace(labels, check_stop=raise_interrupted), *rest)

    with monkeypatch.context() as patch:
        patch.setattr(scene_rows, "sieve", stop)
        with pytest.raises(InterruptedRunError):
            latentclust.label(planted, scene, tmp_path / "parts", **options)
    assert {path.name[:5] for path in (tmp_path / "parts" / ".partial").glob("*/*")} >= {"strip"}
    report = latentclust.label(planted, scene, tmp_path / "parts", **options)
    assert report.windows == 0
    assert files(tmp_path / "parts") == files(tmp_path / "whole")
    assert json.loads((tmp_path / "parts" / "labelling.json").read_text())["options"]["sieve"] == UNIT


def raise_interrupted() -> None:
    raise InterruptedRunError.at("scene", "stopped", "Run it again")
