"""A random sample of labelled windows: each pixel once, no more than requested, and no nodata."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentclust.data.scenes.inputs import scene_from_file
from latentclust.errors import LatentclustError
from latentclust.labelling.chosen_scenes import ChosenScenes
from latentclust.labelling.clusters import window_sample as module
from latentclust.labelling.clusters.window_sample import WindowSample, sample_grid
from latentclust.labelling.scenes.reader import band_reading
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import CLUSTERS, noise_scene, planted_model, write_scene


def sample_windows(model: ClusteringModel, paths: Sequence[Path], margin: int, **options: Any) -> WindowSample:
    """Of files."""
    chosen = ChosenScenes(tuple(map(scene_from_file, paths)), band_reading(model, "model"))
    return module.sample_windows(model, chosen, margin, **options)


@pytest.mark.parametrize(("height", "width"), [(300, 411), (128, 128), (40, 300), (20, 17)])
def test_few_windows_are_all_seen_and_every_pixel_once(
    planted: ClusteringModel, height: int, width: int, tmp_path: Path
) -> None:
    image = noise_scene(height, width)
    whole = planted.predict(image[None]).labels[0].numpy() + 1
    found = sample_windows(planted, [write_scene(tmp_path / "scene.tif", image)], 32)
    coverage = np.zeros((height, width), np.int32)
    for sight in found.windows:
        row, column = sight.origin
        inside = np.s_[row : row + sight.labels.shape[0], column : column + sight.labels.shape[1]]
        coverage[inside][sight.kept] += 1
        np.testing.assert_array_equal(sight.image, image[:, *inside])
        np.testing.assert_array_equal(sight.labels[sight.kept], whole[inside][sight.kept])
    np.testing.assert_array_equal(coverage, 1)
    np.testing.assert_array_equal(found.counts, np.bincount(whole.ravel(), minlength=CLUSTERS + 1)[1:])
    assert found.pixels == height * width


def test_windows_hold_a_margin_about_what_is_kept_unless_the_scene_ends(
    planted: ClusteringModel, tmp_path: Path
) -> None:
    found = sample_windows(planted, [write_scene(tmp_path / "scene.tif", noise_scene(300, 500))], 24)
    for sight in found.windows:
        for axis, whole in enumerate((300, 500)):
            start, side = sight.origin[axis], sight.labels.shape[axis]
            assert start == 0 or sight.kept[axis].start >= 24
            assert start + side == whole or side - sight.kept[axis].stop >= 24


def test_large_scenes_are_not_read_whole(
    planted: ClusteringModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIXELS", 20 * 128 * 128)
    scenes = [write_scene(tmp_path / f"{name}.tif", noise_scene(700, 900, name)) for name in range(2)]
    told: list[tuple[int, int]] = []
    found = sample_windows(planted, scenes, 32, on_progress=lambda done, wanted: told.append((done, wanted)))
    assert len(found.windows) == 20
    assert {sight.scene for sight in found.windows} == {0, 1}
    assert len({(sight.scene, sight.origin) for sight in found.windows}) == 20
    assert told[-1] == (20, 20)
    assert [done for done, _ in told] == sorted(done for done, _ in told)

    def places(other: WindowSample) -> list[tuple[int, tuple[int, int]]]:
        return [(sight.scene, sight.origin) for sight in other.windows]

    assert places(sample_windows(planted, scenes, 32)) == places(found)
    assert places(sample_windows(planted, scenes, 32, seed=1)) != places(found)


def test_no_data_is_of_no_cluster_and_empty_windows_are_passed_over(
    planted: ClusteringModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIXELS", 16 * 128 * 128)
    image = noise_scene(900, 900)
    image[:, :, 300:] = 0
    found = sample_windows(planted, [write_scene(tmp_path / "scene.tif", image, nodata=0)], 32)
    assert len(found.windows) == 16
    for sight in found.windows:
        columns = sight.origin[1] + np.arange(sight.labels.shape[1])
        np.testing.assert_array_equal(sight.labels > 0, np.broadcast_to(columns < 300, sight.labels.shape))
        assert (sight.labels > 0).any()


def test_scenes_without_valid_pixels_are_reported(planted: ClusteringModel, tmp_path: Path) -> None:
    empty = write_scene(tmp_path / "scene.tif", np.zeros((3, 200, 200), np.uint8), nodata=0)
    with pytest.raises(LatentclustError, match="no valid pixel in"):
        sample_windows(planted, [empty], 32)


def test_a_scene_that_does_not_suit_is_left_out_and_named(planted: ClusteringModel, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif", noise_scene(70, 70))
    narrow = write_scene(tmp_path / "narrow.tif", noise_scene(70, 70)[:2])
    alone = sample_windows(planted, [scene], 32)
    found = sample_windows(planted, [narrow, scene, tmp_path / "missing.tif"], 32)
    assert [issue.where for issue in found.left_out] == [str(narrow), str(tmp_path / "missing.tif")]
    assert "has 2 band(s), and the model was trained on 3" in found.left_out[0].what
    assert (found.scenes, {window.scene for window in found.windows}) == (1, {1})
    np.testing.assert_array_equal(found.counts, alone.counts)
    assert alone.left_out == ()


def test_a_scene_that_is_damaged_within_is_left_out_once(
    planted: ClusteringModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIXELS", 16 * 128 * 128)
    scene = write_scene(tmp_path / "scene.tif", noise_scene(300, 300))
    damaged = write_scene(tmp_path / "damaged.tif", noise_scene(900, 900), tiled=True, blockxsize=128, blockysize=128)
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    found = sample_windows(planted, [damaged, scene], 32)
    assert [issue.where for issue in found.left_out] == [str(damaged)]
    assert 1 in {window.scene for window in found.windows}


def test_scenes_of_which_none_suits_are_refused_with_all_reasons(
    with_bands: Callable[..., ClusteringModel], tmp_path: Path
) -> None:
    scene = write_scene(tmp_path / "scene.tif", noise_scene(70, 70))
    reason = r"scene\.tif: has 3 band\(s\), and the model was trained on 4"
    with pytest.raises(LatentclustError, match=rf"{reason}(.|\n)*missing\.tif"):
        sample_windows(with_bands(counts=(4,)), [scene, tmp_path / "missing.tif"], 32)


@pytest.mark.parametrize(("tile", "strides", "margin", "side", "shared"), [
    (64, (1, 1), 32, 128, 64), (64, (1, 1), 4, 64, 8), (64, (2, 1), 5, 64, 10), (64, (2, 2), 5, 64, 12),
])  # fmt: skip
def test_windows_are_as_large_as_the_training_images_and_share_twice_the_margin(
    tile: int, strides: tuple[int, ...], margin: int, side: int, shared: int
) -> None:
    grid = sample_grid(planted_model(strides, tile=tile), margin)
    assert (grid.tile, grid.overlap) == ((side, side), (shared, shared))
