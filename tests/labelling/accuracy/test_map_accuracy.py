"""Accuracy of a label raster against points and polygons."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from pyproj import Transformer
from rasterio.transform import Affine

from latentclust.errors import LatentclustError
from latentclust.labelling.accuracy.accuracy_summary import accuracy_sentences
from latentclust.labelling.accuracy.class_match import classes_from_names, match_classes
from latentclust.labelling.accuracy.map_accuracy import assess_map
from latentclust.labelling.area.crs_transform import apply_affine
from latentclust.labelling.outputs import extras
from latentclust.labelling.outputs.legend import CLEAR, Legend, LegendEntry
from latentclust.labelling.outputs.sidecars import write_sidecars
from tests.labelling.planted import TRANSFORM, write_scene

UTM = "EPSG:32613"
NAMES = ("water", "rock", "water", "wood")


def legend(names: tuple[str, ...] = NAMES) -> Legend:
    entries = [LegendEntry(value, name, (value, 0, 0, 255), (value,)) for value, name in enumerate(names, start=1)]
    return Legend((LegendEntry(0, "no data", CLEAR, (0,)), *entries))


def values(height: int = 600, width: int = 700) -> Any:
    """Vertical bands of the values 0 to 4."""
    return np.broadcast_to((np.arange(width) * 5 // width).astype(np.uint8), (height, width)).copy()


WriteMap = Callable[..., Path]


@pytest.fixture
def write_map(tmp_path: Path) -> WriteMap:
    def write(array: Any = None, names: tuple[str, ...] = NAMES, **profile: Any) -> Path:
        path = write_scene(tmp_path / "map.tif", (values() if array is None else array)[None], **profile)
        write_sidecars(path, legend(names))
        return path

    return write


def write_samples(path: Path, shapes: Any, classes: Any, crs: str | None = UTM, kind: str = "Point") -> Path:
    placed = [
        None if s is None else shapely.to_wkb(shapely.transform(s, lambda p: apply_affine(p, TRANSFORM)))
        for s in shapes
    ]
    pyogrio.raw.write(
        path, np.array(placed, object), [np.array(classes, object)], ["cover"], geometry_type=kind, crs=crs
    )
    return path


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_points_are_counted_by_the_class_of_their_pixel(write_map: WriteMap, tmp_path: Path) -> None:
    points = [
        (150, 10),
        (279.9, 599.9),
        (300, 300),
        (430, 550),
        (450, 20),
        (600, 30),
        (650, 590),
        (10, 10),
        (-5, 3),
        (700.1, 9),
    ]
    classes = ["water", "rock", "rock", "water", "ice", "wood", "wood", "wood", "wood", "wood"]
    samples = write_samples(tmp_path / "s.gpkg", [*shapely.points(points), shapely.Point(150, 20)], [*classes, None])
    found = assess_map(write_map(), samples, "cover", tmp_path / "out")
    assert found.names == ("water", "rock", "wood", "ice")
    assert found.found.counts.tolist() == [[2, 1, 0, 1], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]]
    assert found.on_map.tolist() == [True, True, True, False]
    np.testing.assert_allclose(found.sizes, [2 * 84000 * 100, 84000 * 100, 84000 * 100, 0])
    left = found.left_out
    assert (left.nodata, left.outside, left.unclassed, left.other) == (1, 2, 1, 0)
    assert found.points == 10
    sentences = accuracy_sentences(found)
    assert sentences[1] in found._repr_html_()
    assert "7 samples are compared" in sentences[0]
    assert "1 where the map has no data, 2 outside the map, 1 without a class" in sentences[0]
    assert any("count as errors: ice" in line for line in sentences)
    assert any(line.startswith("One sample alone: rock") for line in sentences)
    rows = table(tmp_path / "out" / "samples.csv")
    assert [(row["feature"], row["map"], row["reference"]) for row in rows[6:9]] == [
        ("7", "wood", "wood"), ("8", "(no data)", "wood"), ("9", "(outside)", "wood"),
    ]  # fmt: skip
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "accuracy.md", "classes.csv", "error-matrix.csv", "error-matrix-area.csv", "samples.csv",
    }  # fmt: skip


def test_points_in_degrees_are_those_in_metres(write_map: WriteMap, tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform((-40, -40), (740, 640), (300, 2))
    classes = np.random.default_rng(1).choice(["water", "rock", "wood"], 300)
    one = write_samples(tmp_path / "m.gpkg", shapely.points(points), classes)
    to_degrees = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    degrees = np.stack(to_degrees.transform(*apply_affine(points, TRANSFORM).T), axis=1)
    pyogrio.raw.write(
        tmp_path / "d.geojson", np.array(shapely.to_wkb(shapely.points(degrees)), object), [classes.astype(object)],
        ["cover"], geometry_type="Point", crs="EPSG:4326",
    )  # fmt: skip
    path = write_map()
    found = [assess_map(path, each, "cover", tmp_path / each.stem) for each in (one, tmp_path / "d.geojson")]
    np.testing.assert_array_equal(found[0].found.counts, found[1].found.counts)
    inside = ((points >= 0) & (points < (700, 600))).all(axis=1)
    assert found[0].left_out.outside == np.count_nonzero(~inside)
    assert found[0].left_out.nodata == np.count_nonzero(inside & (points[:, 0] < 140))


def test_a_polygon_is_one_sample_of_the_class_that_covers_most_of_it(write_map: WriteMap, tmp_path: Path) -> None:
    boxes = [
        (300.2, 10, 300.4, 10.1),  # within a pixel of rock
        (400, 10, 430, 20),  # 20 columns of rock, 10 of water
        (270, 10, 570, 20),  # 10 of water, 140 of rock, 140 of water, 10 of wood: 150 of water
        (100, 10, 145, 20),  # 40 columns of nodata, 5 of water
        (0, 10, 20, 20),  # nodata
        (900, 10, 920, 20),  # outside
    ]
    samples = write_samples(tmp_path / "s.gpkg", [shapely.box(*box) for box in boxes], ["rock"] * 6, kind="Polygon")
    found = assess_map(write_map(), samples, "cover", tmp_path / "out")
    rows = table(tmp_path / "out" / "samples.csv")
    assert [row["map"] for row in rows] == ["rock", "rock", "water", "water", "(no data)", "(outside)"]
    assert found.polygons == 6
    assert any(line.startswith("Each polygon is one sample") for line in accuracy_sentences(found))


def test_areas_of_classes_are_estimated_from_the_samples(write_map: WriteMap, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform((0, 0), (700, 600), (4000, 2))
    # On the ground rock begins where the map has the second half of water's first band.
    bands = np.array(["none", "water", "rock", "water", "wood"])
    truth = np.where((points[:, 0] >= 210) & (points[:, 0] < 280), "rock", bands[(points[:, 0] // 140).astype(int)])
    samples = write_samples(tmp_path / "s.gpkg", shapely.points(points), truth)
    found = assess_map(write_map(), samples, "cover", tmp_path / "out")
    names, estimates = found.names, found.found
    truly = {"water": 3 / 8, "rock": 3 / 8, "wood": 2 / 8}
    for at, name in enumerate(names):
        assert abs(estimates.areas.values[at] - truly[name]) <= 1.5 * estimates.areas.half_widths[at]
        assert estimates.users.values[at] == pytest.approx({"water": 3 / 4}.get(name, 1.0), abs=0.04)
        assert estimates.producers.values[at] == pytest.approx({"rock": 2 / 3}.get(name, 1.0), abs=0.04)
    row = next(row for row in found.class_rows() if row["class"] == "rock")
    assert row["map_m2"] == 84000 * 100
    assert row["area_m2"] == pytest.approx(1.5 * 84000 * 100, rel=0.1)
    told = (tmp_path / "out" / "accuracy.md").read_text(encoding="utf-8")
    assert "All samples are right, or all are wrong, in these classes of the map: rock, wood." in told


def test_clusters_are_matched_by_most_of_their_samples_and_that_is_called_biased(
    write_map: WriteMap, tmp_path: Path
) -> None:
    points = [(150, 10), (160, 10), (170, 10), (300, 10), (310, 20), (600, 10)]
    samples = write_samples(tmp_path / "s.gpkg", shapely.points(points), ["a", "b", "b", "b", "b", "c"])
    path = write_map(names=("cluster 1", "cluster 2", "cluster 3", "cluster 4"))
    with pytest.raises(
        LatentclustError, match=r"no class of the reference \('a', 'b', 'c'\) is one of the map .*--match"
    ):
        assess_map(path, samples, "cover", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    found = assess_map(path, samples, "cover", tmp_path / "out", match=True)
    assert found.names == ("b", "cluster 3", "c", "a")
    assert found.found.counts.tolist() == [[4, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    sentences = accuracy_sentences(found)
    assert any("the accuracies are too high" in line for line in sentences)
    assert any(line.startswith("Without samples: cluster 3 (25.0% of the map)") for line in sentences)


def test_values_of_equally_frequent_classes_get_the_first_by_name() -> None:
    found = match_classes(legend(), [1, 1, 2], ["y", "x", "x"])
    assert found.names == ("x", "water", "wood")
    assert found.groups.tolist() == [0, 1, 1, 2, 3]
    assert classes_from_names(NAMES).groups.tolist() == [0, 1, 2, 1, 3]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"transform": None, "crs": None}, "has no transform"),
        ({"crs": None}, "has no coordinate reference system"),
        ({"transform": Affine(10, 0, 0, 0, -10, 0)}, "has no sample on the map: 2 outside"),
    ],
)
def test_maps_that_will_not_do(write_map: WriteMap, tmp_path: Path, profile: Mapping[str, Any], words: str) -> None:
    samples = write_samples(tmp_path / "s.gpkg", shapely.points([(150, 10), (300, 10)]), ["water", "rock"])
    with pytest.raises(LatentclustError, match=words):
        assess_map(write_map(**profile), samples, "cover", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("match", [False, True])
def test_a_value_beyond_the_legend_is_refused(write_map: WriteMap, tmp_path: Path, match: bool) -> None:
    samples = write_samples(tmp_path / "s.gpkg", shapely.points([(150, 10), (300, 10)]), ["water", "rock"])
    array = values()
    array[10, 150] = 9
    with pytest.raises(LatentclustError, match=r"contains the value 9, but its legend has 4 values"):
        assess_map(write_map(array), samples, "cover", tmp_path / "out", match=match)
    assert not (tmp_path / "out").exists()


def test_files_that_will_not_do(write_map: WriteMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = write_map(), tmp_path / "out"
    samples = write_samples(tmp_path / "s.gpkg", shapely.points([(150, 10), (300, 10)]), ["water", "rock"])
    lines = write_samples(
        tmp_path / "l.gpkg", [shapely.LineString([(150, 10), (300, 10)])], ["water"], kind="LineString"
    )
    box = write_samples(tmp_path / "p.gpkg", [shapely.box(150, 10, 160, 20)], ["water"], kind="Polygon")
    with pytest.raises(LatentclustError, match=r"--class-field: 'covr' is not .*Did you mean 'cover'"):
        assess_map(path, samples, "covr", out)
    with pytest.raises(LatentclustError, match="1 neither points nor polygons"):
        assess_map(path, lines, "cover", out)
    with pytest.raises(LatentclustError, match="is not a file"):
        assess_map(tmp_path / "gone.tif", samples, "cover", out)
    assess_map(path, samples, "cover", out)
    with pytest.raises(LatentclustError, match="already exists"):
        assess_map(path, samples, "cover", out)
    assess_map(path, samples, "cover", out, overwrite=True)
    monkeypatch.setitem(extras.EXTRAS, "zones", ("no_such_library",))
    with pytest.raises(LatentclustError, match=r"polygons in .*Run pip install 'latentclust\[zones\]'"):
        assess_map(path, box, "cover", tmp_path / "other")
    path.with_name("map.tif.aux.xml").unlink()
    with pytest.raises(LatentclustError, match=r"has no legend, which label rasters have in map\.tif\.aux\.xml"):
        assess_map(path, samples, "cover", tmp_path / "other")
