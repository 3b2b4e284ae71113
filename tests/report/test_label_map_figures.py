"""Label maps to be looked at: their colours, the sheet, and the PNG of a scene."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentclust.data.scenes.opening import raster
from latentclust.report.colours import NODATA_COLOUR, cluster_colours, colour_labels, map_colours
from latentclust.report.label_map_figures import MapRow, map_sheet, scene_figure, write_label_map
from latentclust.specs.data import VOID


def test_thirty_colours_differ_and_then_they_repeat() -> None:
    colours = map_colours(30)
    assert colours.min() >= 0
    assert colours.max() <= 1
    apart = np.abs(colours[:, None] - colours[None]).sum(axis=2) + 9 * np.eye(30)
    assert apart.min() > 0.1
    np.testing.assert_array_equal(map_colours(31)[30], colours[0])


def test_a_cluster_has_the_colour_of_its_class_and_others_one_of_their_own() -> None:
    colours = cluster_colours(4, np.array([2, -1, 0, -1]), classes=3)
    np.testing.assert_array_equal(colours, map_colours(5)[[2, 3, 0, 4]])
    np.testing.assert_array_equal(cluster_colours(4), map_colours(4))


def test_a_map_is_painted_by_cluster_and_pale_where_there_is_no_data() -> None:
    colours = map_colours(3)
    found = colour_labels(np.array([[2, VOID], [0, 1]]), colours)
    assert found.shape == (3, 2, 2)
    np.testing.assert_allclose(found[:, 0, 0], colours[2])
    np.testing.assert_allclose(found[:, 0, 1], NODATA_COLOUR)


def test_a_png_counts_clusters_from_one_in_their_colours(tmp_path: Path) -> None:
    labels = np.array([[0, 1, VOID], [2, 2, 0]])
    colours = map_colours(3)
    write_label_map(tmp_path / "map.png", labels, colours)
    with Image.open(tmp_path / "map.png") as picture:
        assert np.asarray(picture).tolist() == [[1, 2, 0], [3, 3, 1]]
        red_green_blue = np.asarray(picture.convert("RGB"))
    np.testing.assert_array_equal(red_green_blue[0, 2], [0, 0, 0])
    np.testing.assert_array_equal(red_green_blue[1, 0], np.rint(255 * colours[2]))


@pytest.mark.parametrize(("clusters", "mode", "bits"), [(255, "P", np.uint8), (256, "I;16", np.uint16)])
def test_more_clusters_than_a_byte_numbers_take_two_bytes(
    clusters: int, mode: str, bits: type[np.generic], tmp_path: Path
) -> None:
    labels = np.array([[VOID, 0, clusters - 1]])
    write_label_map(tmp_path / "map.png", labels, map_colours(clusters))
    with Image.open(tmp_path / "map.png") as picture:
        assert (picture.mode, np.asarray(picture).tolist()) == (mode, [[0, 1, clusters]])
    with raster(tmp_path / "map.png") as file:
        assert file.dtypes == (np.dtype(bits).name,)


def test_a_legend_lists_the_largest_of_many_clusters() -> None:
    labels = np.arange(300).reshape(15, 20)
    labels[0, 0] = 299
    names = [f"cluster {number}" for number in range(1, 301)]
    for figure in (
        scene_figure(np.zeros((3, 15, 20), np.uint8), labels, cluster_colours(300), names),
        map_sheet(
            [MapRow(np.zeros((3, 15, 20), np.uint8), None, labels, np.ones((15, 20), np.float32))],
            cluster_colours(300), names, [],
        ),
    ):  # fmt: skip
        legend = [text.get_text().partition(",")[0] for text in figure.legends[0].get_texts()]
        assert legend[:2] == ["cluster 2", "cluster 3"]
        assert legend[-3:-1] == ["cluster 300", "200 smaller clusters"]
        assert max(figure.get_size_inches()) < 20


def test_a_sheet_of_large_images_is_small() -> None:
    side = 1030
    image = np.zeros((3, side, side), np.uint8)
    row = MapRow(image, None, np.zeros((side, side), np.int64), np.ones((side, side), np.float32))
    assert row.thinned().labels.shape == row.thinned().image.shape[1:] == (258, 258)
    canvas = map_sheet([row], cluster_colours(1), ["one"], []).axes[0].images[0].get_array()
    assert canvas is not None
    assert max(canvas.shape) < 4 * 258


@pytest.mark.parametrize("truth", [True, False])
def test_a_sheet_has_a_column_for_ground_truth_where_there_is_any(truth: bool) -> None:
    rng = np.random.default_rng(0)
    rows = [
        MapRow(
            rng.integers(0, 256, (4, 300, 400), dtype=np.uint8),
            rng.integers(-1, 3, (300, 400)).astype(np.int16) if truth else None,
            rng.integers(-1, 4, (300, 400)),
            rng.random((300, 400), dtype=np.float32),
        )
        for _ in range(2)
    ]
    missed = ["", "", "bridge"] if truth else []
    figure = map_sheet(rows, cluster_colours(4), ["one", "two", "three", "four"], missed)
    columns = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert columns == ["image", *(["ground truth"] if truth else []), "label map", "confidence"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [
        "one",
        "two",
        "three",
        "four",
        *(["no cluster: bridge"] if truth else []),
        "nodata or no label",
    ]


def test_a_scenes_legend_has_the_share_of_each_cluster() -> None:
    labels = np.array([[0, 0, 0, 1], [VOID, VOID, VOID, VOID]])
    figure = scene_figure(np.zeros((3, 2, 4), np.uint8), labels, cluster_colours(3), ["one", "two", "three"])
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["one, 75.0%", "two, 25.0%", "three, 0.0%", "nodata"]
