"""Patches by which a cluster is known: where it is certain and frequent, spread over windows and scenes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from latentclust.labelling.clusters.window_sample import Sight, Survey
from latentclust.report.contact_sheet import Patch

LEAST_SHARE = 0.5
"""Windows where a cluster has less of this than where it has most are taken where others are too few."""

MOST_WINDOWS = 4
"""Windows that are searched for each patch wanted."""


def patches_of(survey: Survey, cluster: int, count: int, size: int) -> list[Patch]:
    """At most `count` patches of `size` pixels a side about pixels of a cluster, counted from 1; none where it is not.

    First comes one from each window, windows of scenes in turn, then further ones. No two overlap.
    """
    sights = ranked(survey.sights, cluster)
    scores = [_scores(sight, cluster, size) for sight in sights[: MOST_WINDOWS * count]]
    found: list[Patch] = []
    before = -1
    while before < len(found) < count:
        before = len(found)
        for index, sight in enumerate(sights[: len(scores)]):
            if scores[index].any() and len(found) < count:
                row, column = (int(part) for part in np.unravel_index(int(scores[index].argmax()), scores[index].shape))
                found.append(_cut(sight, cluster, (row, column), size))
                place = (sight.origin[0] + row, sight.origin[1] + column)
                for other, others in zip(sights, scores, strict=False):
                    if other.scene == sight.scene:
                        _clear(others, (place[0] - other.origin[0], place[1] - other.origin[1]), size)
    return found


def ranked(sights: Sequence[Sight], cluster: int) -> list[Sight]:
    """The windows that hold a cluster, those with much of it first, and among them one of each scene in turn."""
    strengths = [float((sight.certainty * (sight.labels == cluster))[sight.kept].mean()) for sight in sights]
    order = [int(index) for index in np.argsort(-np.array(strengths), kind="stable") if strengths[index] > 0]
    turns: dict[int, int] = {}
    keys = {}
    for index in order:
        turn = turns[sights[index].scene] = turns.get(sights[index].scene, -1) + 1
        keys[index] = (strengths[index] < LEAST_SHARE * strengths[order[0]], turn)
    return [sights[index] for index in sorted(order, key=lambda index: keys[index])]


def _scores(sight: Sight, cluster: int, size: int) -> NDArray[np.float32]:
    """How certain and frequent a cluster is about each of its kept pixels; 0 elsewhere."""
    weights = np.where(sight.labels == cluster, sight.certainty, 0).astype(np.float32)
    around = uniform_filter(weights, size, mode="constant")
    scores = np.zeros_like(around)
    scores[sight.kept] = np.where(weights[sight.kept] > 0, np.maximum(around[sight.kept], np.finfo(np.float32).tiny), 0)
    return scores


def _clear(scores: NDArray[np.float32], centre: tuple[int, int], size: int) -> None:
    """Forbids the pixels whose patches would overlap that about another, which may lie outside."""
    rows, columns = (slice(max(0, part - size + 1), max(0, part + size)) for part in centre)
    scores[rows, columns] = 0


def _cut(sight: Sight, cluster: int, centre: tuple[int, int], size: int) -> Patch:
    """The patch about a pixel; what lies beyond the window is not valid."""
    top, left = (part - size // 2 for part in centre)
    height, width = sight.labels.shape
    rows, columns = slice(max(0, top), min(height, top + size)), slice(max(0, left), min(width, left + size))
    place = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    image = np.zeros((len(sight.image), size, size), np.uint8)
    labels = np.zeros((size, size), np.int32)
    image[:, *place] = sight.image[:, rows, columns]
    labels[place] = sight.labels[rows, columns]
    return Patch(image, labels == cluster, labels > 0)
