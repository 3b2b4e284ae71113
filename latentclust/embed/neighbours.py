"""Nearest neighbours of all images: exact for few images, otherwise among the nearest cells, with measured recall."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from latentclust.embed.cells import BLOCK, EXACT, QUERIES, Cells, Points, make_cells, nearest_of
from latentclust.embed.row_file import RowFile
from latentclust.embed.work_folder import WorkFolder
from latentclust.phases import Phases

SEARCHED = "searched"
"""Key of the progress: number of cells whose points have neighbours."""

ROUNDING = 1e-4
"""Share by which a distance may exceed that of the exact neighbour and still count as found."""

COMMIT = 50_000
"""Number of points between two commits."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest neighbours of all images.

    Attributes:
        index: Rows of the neighbours, int64, the nearest first; -1 if the cells that were searched contain fewer.
        distance: Their distances, float32; infinite for -1.
        recall: Share of the exact neighbours that were found, measured on some images. None if the search is exact.
    """

    index: RowFile
    distance: RowFile
    recall: float | None


def find_neighbours(points: Points, count: int, folder: WorkFolder, phases: Phases) -> Neighbours:
    """Find the nearest neighbours of all points, from where a stopped search ended.

    Args:
        points: The points, at least two.
        count: Number of neighbours of a point, at most all others.
        folder: Folder of the files.
        phases: Tells the progress.
    """
    total = len(points)
    index = RowFile(folder.path / "neighbours", count, np.int64)
    distance = RowFile(folder.path / "distances", count, np.float32)
    for file in (index, distance):
        file.cut(total)
    queries = np.sort(np.random.default_rng(0).choice(total, min(QUERIES, total), replace=False))
    exact = _exact(points, queries, count, phases) if total > EXACT else None
    phases.begin("finding neighbours: cells")
    cells = _kept_cells(points, np.zeros((0, count), np.int64) if exact is None else exact[1], queries, folder)
    _search(points, cells, (index, distance), folder, phases)
    if exact is None:
        return Neighbours(index, distance, None)
    furthest = exact[0][:, -1:].numpy() * (1 + ROUNDING)
    return Neighbours(index, distance, float((distance.rows(queries) <= furthest).mean()))


def _kept_cells(points: Points, exact: NDArray[np.int64], queries: NDArray[np.int64], folder: WorkFolder) -> Cells:
    """Return the cells of a stopped search, or new ones, which are kept: others would leave points out."""
    path = folder.path / "cells.npz"
    if SEARCHED in folder.progress:
        with np.load(path) as kept:
            return Cells(kept["order"], kept["starts"], kept["near"], int(kept["searched"]))
    cells = make_cells(points, exact, queries)
    np.savez(path, order=cells.order, starts=cells.starts, near=cells.near, searched=cells.searched)
    folder.commit(**{SEARCHED: 0})
    return cells


def _search(points: Points, cells: Cells, files: tuple[RowFile, RowFile], folder: WorkFolder, phases: Phases) -> None:
    """Fill the files with the neighbours of the points of each cell."""
    done = int(folder.progress.get(SEARCHED, 0))
    progress = phases.begin("finding neighbours", len(points), "images")
    progress.add(int(cells.starts[done]))
    waiting = 0
    for cell in range(done, len(cells.starts) - 1):
        members, candidates = cells.members(cell), cells.candidates(cell)
        stored = points.at(candidates)
        # Few points at once: their distances to all candidates of a large cell take much memory.
        for part in np.array_split(members, -(-len(members) // 4096)) if len(members) else []:
            distances, found = _others(part, candidates, points.at(part), stored, files[0].width)
            files[0].put(part, found)
            files[1].put(part, distances)
            progress.add(len(part))
        waiting += len(members)
        if waiting > COMMIT or cell == len(cells.starts) - 2:
            folder.commit(**{SEARCHED: cell + 1})
            waiting = 0


def _others(
    members: NDArray[np.int64],
    candidates: NDArray[np.int64],
    points: Float[Tensor, "q d"],
    stored: Float[Tensor, "n d"],
    count: int,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return distances and indices of the nearest candidates of each point, without the point itself.

    Fewer candidates than neighbours leave the index -1 and the distance infinity.
    """
    distances, at = nearest_of(points, stored, count + 1)
    found = candidates[at]
    itself = found == members[:, None]
    # Of more equal points than neighbours, a point may not be among its own: then the last one is left out.
    itself[~itself.any(axis=1), -1] = found.shape[1] > count
    order = np.argsort(itself, axis=1, kind="stable")[:, : min(count, found.shape[1] - 1)]
    index = np.full((len(members), count), -1, np.int64)
    near = np.full((len(members), count), np.inf, np.float32)
    index[:, : order.shape[1]] = np.take_along_axis(found, order, axis=1)
    near[:, : order.shape[1]] = np.take_along_axis(distances.numpy(), order, axis=1)
    return near, index


def _exact(
    points: Points, queries: NDArray[np.int64], count: int, phases: Phases
) -> tuple[Float[Tensor, "q m"], NDArray[np.int64]]:
    """Return the distances and indices of the exact neighbours of some points, by a pass over all."""
    progress = phases.begin("finding neighbours: sample", len(points), "images")
    asked = points.at(queries)
    distances, index = torch.full((len(queries), 1), torch.inf), np.full((len(queries), 1), -1, np.int64)
    for start, block in points.blocks(BLOCK // len(queries)):
        members = start + np.arange(len(block))
        near, found = _others(queries, members, asked, block, min(count, len(block) - 1 or 1))
        distances = torch.cat((distances, torch.from_numpy(near)), dim=1)
        distances, order = distances.sort(dim=1, stable=True)
        index = np.take_along_axis(np.concatenate((index, found), axis=1), order.numpy(), axis=1)
        distances, index = distances[:, :count], index[:, :count]
        progress.add(len(block))
    return distances, index
