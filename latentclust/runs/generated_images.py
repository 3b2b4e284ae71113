"""What the generator of a run draws, for its page: modes of the clusters, an interpolation and a traversal."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.infer.sampling import LatentGrid, interpolation, modes, traversal
from latentclust.model.model import ClusteringModel
from latentclust.report.facts import RunFacts
from latentclust.report.image_figures import shrink
from latentclust.report.page.packed_maps import picture_uri
from latentclust.report.page.sections.generated import DrawnPart, DrawnRow, Generated
from latentclust.specs.parts import MapPriorSpec
from latentclust.tensors import Latent

SECONDS = 2.5
"""Time after which no further row is drawn, in seconds of the CPU."""

MOST_ROWS = 20
"""Maximum number of rows of modes or of a traversal."""

ACROSS, MAPS_ACROSS = 8, 4
"""Number of images of each cluster; fewer for label maps, which are slow to draw."""

INTERPOLATED = 3
"""Number of rows of an interpolation."""

SIDE = 64
"""Approximate side of a drawn image in pixels; larger ones are averaged over blocks."""

LEAST_SIDE = 32
"""Side in pixels to which smaller images are enlarged at least, so that their gaps are narrow."""

GAP = 2
"""Pixels between images."""

TOLERANCE = 0.05
"""How far values may be outside [0, 1] that are shown as they are."""

Grids = dict[str, tuple[str, Callable[[], LatentGrid]]]
"""Sentence and latents of each kind of images."""


def generated_section(model: ClusteringModel, facts: RunFacts, seconds: float = SECONDS) -> Generated | None:
    """Return what the generator of a model draws.

    None without a generator, or if it draws vectors or features, which are no images.

    Args:
        model: Trained model.
        facts: Facts of the run.
        seconds: Time after which no further row is drawn, in seconds of the CPU. One row is always drawn.
    """
    if "generator" not in model.networks or len(model.raw_shape) != 3:
        return None
    until = time.process_time() + seconds
    parts: list[DrawnPart] = []
    scaled = False
    for title, (sentence, make) in _grids(model, facts).items():
        if parts and time.process_time() > until:
            break
        try:
            grid = make()
        except LatentclustError:  # The prior has no categories or no style, or learns them.
            continue
        drawn = list(_draw(model, grid, until))
        if drawn[0].ndim != 4 or drawn[0].shape[1] != model.raw_shape[0]:
            return None
        low, high = min(float(row.min()) for row in drawn), max(float(row.max()) for row in drawn)
        outside = low < -TOLERANCE or high > 1 + TOLERANCE
        scaled |= outside
        shown = [(row - low) / ((high - low) or 1) if outside else row for row in drawn]
        left_out = len(grid.rows) - len(drawn)
        more = f" {left_out} more rows are left out." if left_out else ""
        rows = [_row(model, images, grid, at) for at, images in enumerate(shown)]
        parts.append(DrawnPart(title, f"{sentence}{more}", rows))
    return Generated(parts=parts, note=_note(model, scaled)) if parts else None


def _grids(model: ClusteringModel, facts: RunFacts) -> Grids:
    prior = model.resolved.prior
    across = MAPS_ACROSS if isinstance(prior, MapPriorSpec) else ACROSS
    first, second = _largest(model, facts)

    def rng() -> torch.Generator:
        return torch.Generator().manual_seed(facts.seed)

    noun = _noun(model)
    of_clusters = f"Each row is a {noun}; all rows have the same styles, so that they differ in the {noun} alone."
    if not prior.categories:
        of_clusters = "Draws of the prior, which has no categories."
    elif prior.needs:
        of_clusters = f"Each row is a {noun}, under the parameters that the prior has learned."
    elif model.per_pixel:
        of_clusters = f"Each row is the layer that a {noun} draws; the last row is composed by label maps of the prior."
    return {
        "Modes.": (of_clusters, lambda: modes(prior, across, rng(), model.networks)),
        "Interpolation.": (
            f"From {noun} {first + 1} on the left to {noun} {second + 1} on the right; each row has its own style.",
            lambda: interpolation(prior, first, second, INTERPOLATED, rng()),
        ),
        "Traversal.": (
            f"The first dimension of the style goes from -5 to 5 standard deviations; each row is a {noun}.",
            lambda: traversal(prior, 0, rng()),
        ),
    }


def _noun(model: ClusteringModel) -> str:
    """Return what rows are called: clusters only if these have the numbers of the prior's categories."""
    return "cluster" if model.resolved.recipe.inference.use == "amortized" else "category"


def _largest(model: ClusteringModel, facts: RunFacts) -> tuple[int, int]:
    """Return the two largest clusters if they have the numbers of categories, else the first two categories."""
    if model.resolved.recipe.inference.use != "amortized" or len(facts.occupancy) < 2:
        return 0, min(1, max(model.resolved.prior.categories - 1, 0))
    first, second = np.argsort(-facts.occupancy, kind="stable")[:2].tolist()
    return first, second


def _draw(model: ClusteringModel, grid: LatentGrid, until: float) -> Iterator[NDArray[np.float32]]:
    """Yield the images of each row, `(m, c, h, w)`, until the time is over; at most `MOST_ROWS`, with the last one."""
    count, every = len(grid.columns), range(len(grid.rows))
    for number, row in enumerate(every[:MOST_ROWS]):
        if number and time.process_time() > until:
            return
        part = slice(row * count, (row + 1) * count)
        latent = Latent(category=grid.latent.category[part], style=grid.latent.style[part])
        yield model.generate(latent).float().numpy()


def _row(model: ClusteringModel, images: NDArray[np.float32], grid: LatentGrid, at: int) -> DrawnRow:
    title = grid.rows[at].replace("cluster", _noun(model))
    ends = f" from {grid.columns[0]} to {grid.columns[-1]}" if any(grid.columns) else ""
    alt = f"{len(images)} drawn images{f' of {title}' if title else ''}{ends}".replace("cluster", _noun(model))
    shown = [np.clip(shrink(image, SIDE), 0, 1).astype(np.float32) for image in model.shown(images)]
    return DrawnRow(title, picture_uri(*_side_by_side(shown)), alt)


def _side_by_side(images: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return images `(c, h, w)` as one, and where it is no gap. Small images are enlarged by a whole number."""
    factor = -(-LEAST_SIDE // max(images[0].shape[1:]))
    large = [image.repeat(factor, axis=1).repeat(factor, axis=2) for image in images]
    gap = np.zeros((*large[0].shape[:2], GAP), np.float32)
    parts = [part for image in large for part in (gap, image)][1:]
    inside = np.concatenate([np.full(part.shape[1:], part is not gap) for part in parts], axis=1)
    return np.concatenate(parts, axis=2), inside


def _note(model: ClusteringModel, scaled: bool) -> str:
    sentences = []
    inference = model.resolved.recipe.inference.use
    if model.resolved.prior.categories and inference != "amortized":
        sentences.append(
            f"Categories are those of the prior; the inference {inference} may number its clusters otherwise."
        )
    if scaled:
        sentences.append(
            "Values are scaled from the lowest to the highest, because the preprocessing gives others than images have."
        )
    return " ".join(sentences)
