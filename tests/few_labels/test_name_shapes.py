"""Names of clusters from points and polygons: the pixels are those of `label`, and only their windows are read."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

import latentclust
from latentclust.errors import LatentclustError
from latentclust.evaluate.match import UNMATCHED
from latentclust.few_labels import shape_places
from latentclust.few_labels.label_shapes import open_label_shapes
from latentclust.few_labels.labelled_shapes import assign_shapes
from latentclust.few_labels.name_from_labels import name_from_labels
from latentclust.labelling.area import polygon_tiles
from latentclust.labelling.area.crs_transform import apply_affine
from latentclust.labelling.windows.grid import Span
from latentclust.labelling.windows.window_batches import RasterWindows
from latentclust.model.model_file import load
from tests.labelling.planted import TRANSFORM, noise_scene, read_band, write_scene

UTM = "EPSG:32613"
SHAPES = [
    shapely.Point(20, 30).buffer(9.3),
    shapely.box(60.2, 50.2, 131.3, 90.3),
    shapely.Point(100.5, 12.5),
    shapely.MultiPoint([(3.2, 3.2), (140.1, 99.9)]),
    shapely.box(70.1, 20.1, 70.3, 20.3),
]
"""In pixels; the last one contains no centre of a pixel."""


def write_shapes(
    path: Path, shapes: Sequence[Any], classes: Any, crs: str | None = UTM, field: str = "cover", degrees: bool = False
) -> Path:
    """A vector file of shapes in pixels."""
    to_degrees = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)

    def place(points: Any) -> Any:
        placed = apply_affine(points, TRANSFORM)
        return np.stack(to_degrees.transform(*placed.T), axis=1) if degrees else placed

    wkb = [None if shape is None else shapely.to_wkb(shapely.transform(shape, place)) for shape in shapes]
    values = np.array(classes) if isinstance(classes[0], (int, float)) else np.array(classes, object)
    with warnings.catch_warnings(action="ignore"):  # of a missing CRS
        pyogrio.raw.write(path, np.array(wkb, object), [values], [field], geometry_type="Unknown", crs=crs)
    return path


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "scene.tif", noise_scene(120, 150))


@pytest.fixture(scope="module")
def labels(fresh_map_model: bytes, tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.uint8]:
    """What `label` writes for the scene."""
    folder = tmp_path_factory.mktemp("labelled")
    (folder / "model.safetensors").write_bytes(fresh_map_model)
    scene = write_scene(folder / "scene.tif", noise_scene(120, 150))
    latentclust.label(folder, scene, folder / "out", device="cpu")
    return read_band(folder / "out" / "scene.tif")


@pytest.mark.parametrize("degrees", [False, True])
def test_pixels_get_the_clusters_that_label_writes(
    map_model: Path, scene: Path, labels: NDArray[np.uint8], tmp_path: Path, degrees: bool
) -> None:
    crs = "EPSG:4326" if degrees else UTM
    path = write_shapes(tmp_path / "s.gpkg", SHAPES, list("abcde"), crs, degrees=degrees)
    found = assign_shapes(load(map_model), "model", open_label_shapes(path, "cover"), [scene])
    assert found.classes == ("a", "b", "c", "d", "d", "e")
    expected = []
    for shape in SHAPES[:2]:
        inside = rasterio.features.geometry_mask([shape], labels.shape, rasterio.Affine.identity(), invert=True)
        expected.append(np.bincount(labels[inside], minlength=5)[1:])
    pixels = [(12, 100), (3, 3), (99, 140), (20, 70)]
    expected += [np.bincount([labels[pixel]], minlength=5)[1:] for pixel in pixels]
    np.testing.assert_array_equal(found.counts.todense(), expected)


def test_clusters_are_named_and_the_record_says_by_what(
    map_model: Path, scene: Path, labels: NDArray[np.uint8], tmp_path: Path
) -> None:
    # Five points on each of the clusters 1 and 2, with one class each, and nothing on the others.
    places = [tuple(place) for number in (1, 2) for place in np.argwhere(labels == number)[:5]]
    points = [shapely.Point(column + 0.5, row + 0.5) for row, column in places]
    path = write_shapes(tmp_path / "s.gpkg", points, ["wood"] * 5 + ["water"] * 5, field="class")
    found = name_from_labels(map_model, path, scenes=[tmp_path / "scene.tif"], device="cpu")
    assert found.given == {1: "wood", 2: "water"}
    assert found.unlabelled == [3, 4]
    assert found.unit == "points and polygons"
    assert found.chosen.tolist()[2:] == [UNMATCHED, UNMATCHED]
    (sentence,) = load(map_model).naming
    assert "are from 10 labels of points and polygons (s.gpkg, majority, " in sentence
    report = latentclust.label(map_model, scene, tmp_path / "named", device="cpu")
    assert report.naming == (sentence,)
    assert sentence in report._repr_html_()


def test_each_polygon_counts_once_and_scenes_that_overlap_add_up(map_model: Path, scene: Path, tmp_path: Path) -> None:
    path = write_shapes(tmp_path / "s.gpkg", SHAPES[:2], ["a", "b"])
    shapes, model = open_label_shapes(path, "cover"), load(map_model)
    once = assign_shapes(model, "model", shapes, [scene])
    (tmp_path / "more").mkdir()
    copy = tmp_path / "more" / "copy.tif"
    copy.write_bytes(scene.read_bytes())
    twice = assign_shapes(model, "model", shapes, [scene, copy])
    np.testing.assert_array_equal(twice.counts.todense(), 2 * once.counts.todense())
    np.testing.assert_allclose(twice.votes().table().sum(axis=0), [1, 1])


def test_only_windows_that_shapes_touch_are_read(
    map_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = write_scene(tmp_path / "scene.tif", noise_scene(700, 900))
    read: list[tuple[int, int]] = []
    before = RasterWindows.read

    def counted(self: RasterWindows, row: Span, column: Span) -> Any:
        read.append((row.start, column.start))
        return before(self, row, column)

    monkeypatch.setattr(RasterWindows, "read", counted)
    model = load(map_model)
    path = write_shapes(tmp_path / "s.gpkg", [shapely.Point(10, 10), shapely.Point(490, 480)], ["a", "b"])
    assign_shapes(model, "model", open_label_shapes(path, "cover"), [scene])
    assert 2 <= len(read) <= 8
    # Of a polygon over the whole scene, some squares are read.
    monkeypatch.setattr(polygon_tiles, "TILE", 64)
    monkeypatch.setattr(shape_places, "TILE", 64)
    monkeypatch.setattr(shape_places, "MAX_SQUARES", 3)
    path = write_shapes(tmp_path / "w.gpkg", [shapely.box(0, 0, 900, 700)], ["a"])
    found = assign_shapes(model, "model", open_label_shapes(path, "cover"), [scene])
    assert found.counts.sum() == 64 * 64 + 64 * 64 + (900 - 14 * 64) * (700 - 10 * 64)
    assert any("squares of" in note for note in found.notes)


def test_shapes_outside_or_on_no_data_are_counted(map_model: Path, tmp_path: Path) -> None:
    values = noise_scene(120, 150)
    values[:, :60] = 0
    scene = write_scene(tmp_path / "scene.tif", values, nodata=0)
    shapes = [
        shapely.box(10, 10, 20, 20),
        shapely.box(-50, -50, -20, -20),
        shapely.box(100, 70, 110, 75),
        shapely.LineString([(0, 0), (9, 9)]),
        None,
    ]
    path = write_shapes(tmp_path / "s.gpkg", shapes, list("aabbb"))
    found = assign_shapes(load(map_model), "model", open_label_shapes(path, "cover"), [scene])
    assert found.classes == ("b",)
    assert found.counts.sum() == 50
    assert found.notes[:3] == (
        "labelled shapes outside the scenes, not counted: 1",
        "labelled shapes on no data, not counted: 1",
        "features that are neither points nor polygons, not counted: 2",
    )
    path = write_shapes(tmp_path / "out.gpkg", shapes[:2], ["a", "b"])
    with pytest.raises(LatentclustError, match=r"none of its 2 .* on valid pixels .* 1 outside, 1 on"):
        assign_shapes(load(map_model), "model", open_label_shapes(path, "cover"), [scene])


@pytest.mark.parametrize(
    ("shapes", "classes", "field", "said"),
    [
        (SHAPES[:2], ["a", "b"], "kind", "'kind' is not a field of .*; it has cover"),
        (SHAPES[:2], ["a", "b"], None, "has no field class or label or category; it has cover"),
        (SHAPES[:2], ["a", None], "cover", "feature 2, has no class in 'cover'"),
        (SHAPES[:2], [0.25, 7.5], "cover", "feature 1: '0.25' in 'cover' is a measurement"),
        (SHAPES[:2], ["cluster 1", "b"], "cover", "feature 1: 'cluster 1' is reserved"),
        ([shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)])], ["a"], "cover", "contains invalid geometries"),
        ([shapely.LineString([(0, 0), (9, 9)])], ["a"], "cover", "neither points nor polygons, but 1 other feature"),
    ],
)
def test_mistakes_in_shapes(tmp_path: Path, shapes: Any, classes: Any, field: str | None, said: str) -> None:
    path = write_shapes(tmp_path / "s.gpkg", shapes, classes)
    with pytest.raises(LatentclustError, match=said):
        open_label_shapes(path, field)


def test_whole_numbers_are_classes(tmp_path: Path) -> None:
    path = write_shapes(tmp_path / "s.gpkg", SHAPES[:2], [3, 14])
    assert open_label_shapes(path, "cover").classes == ("3", "14")


def test_a_missing_crs_and_another_kind_of_model_are_refused(
    map_model: Path, image_model_file: Path, scene: Path, tmp_path: Path
) -> None:
    bare = write_shapes(tmp_path / "bare.gpkg", SHAPES[:2], ["a", "b"], crs=None)
    before = map_model.read_bytes()
    options: Any = {"field": "cover", "scenes": [scene], "device": "cpu"}
    with pytest.raises(
        LatentclustError, match=r"bare\.gpkg: has no coordinate reference system, but scene\.tif is in EPSG"
    ):
        name_from_labels(map_model, bare, **options)
    nowhere = write_scene(tmp_path / "nowhere.tif", noise_scene(70, 70), crs=None)
    placed = write_shapes(tmp_path / "placed.gpkg", SHAPES[:2], ["a", "b"])
    with pytest.raises(LatentclustError, match=r"nowhere\.tif: has no coordinate reference system"):
        name_from_labels(map_model, placed, **{**options, "scenes": [nowhere]})
    with pytest.raises(LatentclustError, match=r"one cluster to each image, but placed\.gpkg has classes of places"):
        name_from_labels(image_model_file, placed, **options)
    assert map_model.read_bytes() == before
