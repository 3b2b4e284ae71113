"""Figures: known sizes and contents, drawn without global plotting state."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from latentclust.report.colours import group_style
from latentclust.report.embedding import by_class, by_cluster, code_maps, pca, subsample, tsne, tsne_maps
from latentclust.report.figures import contingency_figure, loss_curves, smoothed
from latentclust.report.image_figures import image_grid, most_confident, profiles, samples_per_cluster, shrink
from latentclust.report.plotting import DPI, MAX_SIDE, new_figure, save_figure

TABLE = np.array([[8, 0], [1, 6], [5, 0]])
MATCHING = np.array([0, 1, -1])


def drawn(figure: Figure, folder: Path) -> np.ndarray:
    """The pixels of the written PNG, whose size is the figure's."""
    save_figure(figure, folder / "figure.png")
    pixels = np.asarray(Image.open(folder / "figure.png").convert("RGB"))
    width, height = figure.get_size_inches() * DPI
    assert pixels.shape[:2] == pytest.approx((height, width), abs=1)
    return pixels


def test_smoothing_keeps_lines_and_short_series() -> None:
    line = np.linspace(3.0, -7.0, 200)
    np.testing.assert_allclose(smoothed(line), line[5:-5], atol=1e-12)
    np.testing.assert_allclose(smoothed(np.array([2.0, 5.0])), [2.0, 5.0])


def test_smoothing_is_the_mean_of_its_window() -> None:
    noise = np.random.default_rng(0).normal(size=1000)
    assert smoothed(noise)[300] == pytest.approx(noise[300:351].mean())


def test_a_panel_for_each_loss_also_those_that_are_not_always_logged(tmp_path: Path) -> None:
    history = [
        {"round": float(r), "critic": -1.0 / (r + 1)} | ({"encoder": 2.0} if r % 5 == 0 else {}) for r in range(50)
    ]
    figure = loss_curves(history)
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == ["critic", "encoder"]
    assert [len(axes.lines[0].get_xdata()) for axes in panels] == [50, 10]
    assert drawn(figure, tmp_path).std() > 5


def test_a_run_that_logged_nothing_still_gets_a_figure(tmp_path: Path) -> None:
    assert (drawn(loss_curves([]), tmp_path) == 255).all()


def test_counts_shares_and_matched_cells(tmp_path: Path) -> None:
    figure = contingency_figure(TABLE, MATCHING, ("cat", "dog"))
    axes = figure.axes[0]
    assert {text.get_text() for text in axes.texts} == {"8\n100%", "1\n14%", "6\n86%", "5\n100%"}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1", "2", "3"]
    outlined = [(p.get_y() + 0.5, p.get_x() + 0.5) for p in axes.patches if isinstance(p, Rectangle)]
    assert outlined == [(0, 0), (1, 1)]
    assert drawn(figure, tmp_path).std() > 20


def test_an_image_reaches_the_grid_unchanged() -> None:
    images = np.random.default_rng(0).random((2, 3, 3, 8, 8)).astype(np.float32)
    canvas = image_grid(images, ["a", "b"]).axes[0].images[0].get_array()
    assert canvas is not None
    assert canvas.shape == (2 * 8 + 1, 3 * 8 + 2, 3)
    np.testing.assert_array_equal(canvas[9:17, 18:26], images[1, 2].transpose(1, 2, 0))
    assert (canvas[8] == 1).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
def test_any_number_of_channels_is_shown(channels: int, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 4, channels, 10, 12), dtype=np.uint8)
    figure = image_grid(images, title="modes")
    shown = figure.axes[0].images[0].get_array()
    assert shown is not None
    expected = images[0, 0, :3] if channels > 2 else images[0, 0].mean(axis=0, keepdims=True).repeat(3, axis=0)
    np.testing.assert_allclose(shown[:10, :12], expected.transpose(1, 2, 0) / 255, atol=1e-6)
    assert drawn(figure, tmp_path).std() > 20


def test_an_empty_cluster_has_no_row(tmp_path: Path) -> None:
    groups = [np.zeros((count, 1, 8, 8), dtype=np.uint8) for count in (0, 2, 3)]
    figure = samples_per_cluster(groups, ["cluster 1", "cluster 2", "cluster 3"])
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cluster 2", "cluster 3"]
    assert axes.get_title() == "samples in order of confidence\nempty: cluster 1"
    canvas = axes.images[0].get_array()
    assert canvas is not None
    assert (canvas[:8, 18:] == 1).all()
    assert (canvas[:8, :17:9] == 0).all()
    assert drawn(figure, tmp_path).std() > 20


@pytest.mark.parametrize(("clusters", "blocks", "rows"), [(25, 1, 25), (26, 2, 13), (100, 4, 25), (1000, 8, 25)])
def test_many_clusters_stand_in_blocks(clusters: int, blocks: int, rows: int, tmp_path: Path) -> None:
    groups = [np.full((12, 1, 8, 8), 80, np.uint8)] * clusters
    figure = samples_per_cluster(groups, [f"cluster {number}" for number in range(1, clusters + 1)])
    assert [len(axes.get_yticklabels()) for axes in figure.axes] == [rows] * blocks
    height, width = drawn(figure, tmp_path).shape[:2]
    assert height < 2200
    assert width < 7000


def test_a_figure_of_more_clusters_than_are_shown_says_so() -> None:
    groups = [np.zeros((1, 1, 2, 2), np.uint8)] * 201 + [np.zeros((0, 1, 2, 2), np.uint8)] * 12
    figure = samples_per_cluster(groups, [f"c{number}" for number in range(1, 214)])
    named = ", ".join(f"c{number}" for number in range(202, 212))
    assert figure.get_suptitle() == (
        f"samples in order of confidence\nthe first 200 of 201 clusters\nempty: {named} and 2 more"
    )


def test_large_images_are_averaged_before_they_are_drawn() -> None:
    image = np.zeros((3, 4096, 4096), np.uint8)
    image[:, :16, :8] = 200
    small = shrink(image)
    assert (small.shape, small.dtype) == ((3, 256, 256), np.uint8)
    assert small[:, 0, 0].tolist() == [100, 100, 100]
    assert small.sum() == 300
    canvas = samples_per_cluster([image[None], image[None, :, ::-1]], ["a", "b"]).axes[0].images[0].get_array()
    assert canvas is not None
    assert canvas.shape == (2 * 256 + 20, 256, 3)
    assert shrink(np.zeros((1, 2, 5000), np.float32)).shape == (1, 1, 263)


def test_a_huge_figure_gets_a_lower_resolution(tmp_path: Path) -> None:
    save_figure(new_figure(400.0, 2.0), tmp_path / "wide.png")
    with Image.open(tmp_path / "wide.png") as picture:
        assert picture.size == (MAX_SIDE, 60)
    table = np.ones((2000, 3000), np.int64)
    assert max(contingency_figure(table, np.full(2000, -1)).get_size_inches()) < 35


def test_vectors_are_drawn_as_profiles_with_their_mean(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    groups = [rng.random((5, 16)).astype(np.float32), np.empty((0, 16), dtype=np.float32)]
    figure = samples_per_cluster(groups, ["cluster 1", "cluster 2"])
    [panel] = figure.axes
    np.testing.assert_allclose(panel.lines[-1].get_ydata(), groups[0].mean(axis=0))
    assert len(panel.lines) == 6
    assert figure.get_suptitle() == "samples in order of confidence\nempty: cluster 2"
    first, second = profiles(groups, ["a", "b"]).axes
    assert (len(first.lines), len(second.lines)) == (6, 0)
    assert second.get_title() == "b (empty)"
    assert drawn(profiles(groups, ["a", "b"]), tmp_path).std() > 5


def test_surest_samples_come_first_and_ties_in_order() -> None:
    labels = np.array([0, 1, 0, 0, 1])
    confidence = np.array([0.5, 0.9, 0.8, 0.8, 0.95], dtype=np.float32)
    found = most_confident(labels, confidence, clusters=3, per_cluster=2)
    assert [group.tolist() for group in found] == [[2, 3], [4, 1], []]


def test_the_subsample_is_seeded_and_without_repeats() -> None:
    drawn_once = subsample(5000, seed=1, limit=100)
    assert len(set(drawn_once.tolist())) == 100
    np.testing.assert_array_equal(drawn_once, subsample(5000, seed=1, limit=100))
    assert (drawn_once != subsample(5000, seed=2, limit=100)).any()
    assert subsample(3, seed=0).tolist() == [0, 1, 2]


def test_the_map_keeps_far_clusters_apart() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 40)
    points = (np.eye(2, 6)[labels] * 20 + rng.normal(size=(80, 6))).astype(np.float32)
    mapped = tsne(points, seed=0)
    distances = np.linalg.norm(mapped[:, None] - mapped[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (labels[distances.argmin(axis=1)] == labels).all()


def test_equal_points_and_single_columns_can_be_mapped() -> None:
    assert (tsne(np.ones((20, 3), dtype=np.float32), seed=0) == 0).all()
    assert np.isfinite(tsne(np.linspace(0, 1, 30, dtype=np.float32)[:, None], seed=0)).all()


def test_principal_components_are_those_of_the_largest_variance() -> None:
    points = np.array([[3, 0, 1], [-3, 0, 1], [0, 1, 1], [0, -1, 1]], dtype=np.float32)
    assert np.abs(pca(points)) == pytest.approx(np.array([[3, 0], [3, 0], [0, 1], [0, 1]]), abs=1e-6)
    assert pca(np.array([[1], [3]], dtype=np.float32))[:, 1].tolist() == [0, 0]


def test_a_column_a_code_and_a_row_a_grouping(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 40)
    codes = {"category code": rng.random((40, 3)).astype(np.float32), "style code": np.empty((40, 0), dtype=np.float32)}
    groupings = [by_cluster(labels, ["cluster 1", "cluster 2", "cluster 3"]), by_class(labels, ["a", "b", "c"])]
    figure = code_maps(tsne_maps(codes, seed=0), groupings)
    assert [axes.get_title() for axes in figure.axes] == ["category code, by cluster", "category code, by class"]
    assert {text.get_text() for text in figure.axes[0].texts} == {"1", "2", "3"}
    assert drawn(figure, tmp_path).std() > 10


def test_a_hundred_groups_look_different() -> None:
    assert len({group_style(group) for group in range(100)}) == 100


def test_global_plotting_state_is_never_loaded() -> None:
    code = (
        "import sys, latentclust.report.figures, latentclust.report.image_figures, latentclust.report.embedding;"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
