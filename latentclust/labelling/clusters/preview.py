"""A contact sheet with sample patches of each cluster, so that an analyst can name the clusters."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from latentclust.errors import Issue
from latentclust.labelling.chosen_scenes import choose_scenes
from latentclust.labelling.clusters.window_sample import SampledWindow, WindowSample, sample_windows
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.scene_options import SceneOptions
from latentclust.model.model import ClusteringModel
from latentclust.report.contact_sheet import ContactRow, Patch, contact_sheet

LEAST_SHARE = 0.5
"""Share of a cluster's highest strength below which a window is used only if there are too few stronger ones."""

WINDOWS_PER_PATCH = 4
"""Maximum number of windows that are searched for each requested patch."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A contact sheet and what is not in it.

    Attributes:
        figure: Sheet with one row of patches per cluster, with its number, name, colour and share of pixels.
        left_out: Reason for each scene that could not be read, or not completely.
        warnings: Warnings about the bands of scenes.
    """

    figure: Figure
    left_out: tuple[Issue, ...]
    warnings: tuple[str, ...]


def preview(
    model: ClusteringModel,
    scenes: str | Path | Iterable[str | Path],
    patches: int = 8,
    size: int = 64,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, wanted: None,
    options: SceneOptions | None = None,
) -> Preview:
    """Return a sheet with patches of each cluster.

    Windows are drawn at random over all scenes and labelled. Large scenes are not read completely. A scene that cannot
    be read or does not match the model is left out.

    Args:
        model: A model of label maps.
        scenes: Rasters, folders, glob patterns, and text files of paths.
        patches: Maximum number of patches per cluster.
        size: Patch size in pixels.
        seed: Random seed of the window sample.
        on_progress: Called with the number of labelled windows and the number of requested windows.
        options: How scenes are read, as by `label`. Defaults to `SceneOptions()`.

    Raises:
        LatentclustError: If there are no scenes, none can be read, or none has valid pixels.
    """
    chosen = choose_scenes(model, scenes, options or SceneOptions())
    sample = sample_windows(model, chosen, -(-size // 2), seed, on_progress)
    rows = []
    for entry in Legend.from_clusters(model).entries[1:]:
        share = float(sample.counts[entry.value - 1] / sample.pixels)
        cut = cluster_patches(sample, entry.value, patches, size)
        rows.append(ContactRow(entry.value, entry.name, entry.hex, share, cut))
    sheet = contact_sheet(rows, patches, size, _title(model, sample, size))
    return Preview(sheet, sample.left_out, sample.warnings)


def _title(model: ClusteringModel, sample: WindowSample, size: int) -> str:
    """Return the title of the sheet: its contents and the pixels that they were sampled from."""
    windows, scenes = len(sample.windows), sample.scenes
    read = f"{sample.pixels:,} pixels in {windows:,} windows of {scenes:,} scene{'s' if scenes > 1 else ''}"
    what = (
        f"{model.resolved.recipe.name}: clusters, outlined, in patches of {size} x {size} pixels; sampled from {read}"
    )
    return f"{what}. {model.display_text}" if model.display_text else what


def cluster_patches(sample: WindowSample, cluster: int, count: int, size: int) -> list[Patch]:
    """Return up to `count` patches centred on pixels where a cluster is certain and frequent.

    Patches come first from different windows, alternating between scenes, then again from the same windows. No two
    patches overlap.

    Args:
        sample: The labelled windows.
        cluster: The cluster, counted from 1.
        count: Maximum number of patches.
        size: Patch size in pixels.
    """
    windows = rank_windows(sample.windows, cluster)
    scores = [_pixel_scores(window, cluster, size) for window in windows[: WINDOWS_PER_PATCH * count]]
    found: list[Patch] = []
    before = -1
    while before < len(found) < count:
        before = len(found)
        for index, window in enumerate(windows[: len(scores)]):
            if scores[index].any() and len(found) < count:
                row, column = (int(part) for part in np.unravel_index(int(scores[index].argmax()), scores[index].shape))
                found.append(_cut(window, cluster, (row, column), size))
                place = (window.origin[0] + row, window.origin[1] + column)
                for other, others in zip(windows, scores, strict=False):
                    if other.scene == window.scene:
                        centre = (place[0] - other.origin[0], place[1] - other.origin[1])
                        _exclude_neighbourhood(others, centre, size)
    return found


def rank_windows(windows: Sequence[SampledWindow], cluster: int) -> list[SampledWindow]:
    """Return the windows that contain a cluster, strongest first, alternating between scenes among the strong ones."""
    strengths = [float((window.certainty * (window.labels == cluster))[window.kept].mean()) for window in windows]
    order = [int(index) for index in np.argsort(-np.array(strengths), kind="stable") if strengths[index] > 0]
    turns: dict[int, int] = {}
    keys = {}
    for index in order:
        turn = turns[windows[index].scene] = turns.get(windows[index].scene, -1) + 1
        keys[index] = (strengths[index] < LEAST_SHARE * strengths[order[0]], turn)
    return [windows[index] for index in sorted(order, key=lambda index: keys[index])]


def _pixel_scores(window: SampledWindow, cluster: int, size: int) -> NDArray[np.float32]:
    """Return the mean certainty of a cluster around each of its kept pixels `(h, w)`; 0 for other pixels."""
    weights = np.where(window.labels == cluster, window.certainty, 0).astype(np.float32)
    around, least = uniform_filter(weights, size, mode="constant"), np.finfo(np.float32).tiny
    scores = np.zeros_like(around)
    scores[window.kept] = np.where(weights[window.kept] > 0, np.maximum(around[window.kept], least), 0)
    return scores


def _exclude_neighbourhood(scores: NDArray[np.float32], centre: tuple[int, int], size: int) -> None:
    """Set to 0 the scores of pixels whose patches would overlap the one at `centre`, which may lie outside."""
    rows, columns = (slice(max(0, part - size + 1), max(0, part + size)) for part in centre)
    scores[rows, columns] = 0


def _cut(window: SampledWindow, cluster: int, centre: tuple[int, int], size: int) -> Patch:
    """Return the patch around a pixel. Pixels beyond the window are invalid."""
    top, left = (part - size // 2 for part in centre)
    height, width = window.labels.shape
    rows, columns = slice(max(0, top), min(height, top + size)), slice(max(0, left), min(width, left + size))
    place = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    image = np.zeros((len(window.image), size, size), np.uint8)
    labels = np.zeros((size, size), np.int32)
    image[:, *place] = window.image[:, rows, columns]
    labels[place] = window.labels[rows, columns]
    return Patch(image, labels == cluster, labels > 0)
