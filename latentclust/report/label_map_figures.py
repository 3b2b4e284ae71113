"""Figures of label maps: a sheet of images with their maps, and a scene with its map."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image

from latentclust.files import write_atomic
from latentclust.report.colours import NODATA_COLOUR, colour_labels, map_colours, palette_bytes
from latentclust.report.image_figures import CELL_PIXELS, Pixels, as_colour, mosaic
from latentclust.report.plotting import new_figure
from latentclust.specs.data import VOID

CELL = 1.6
"""Height of an image on the sheet in inches."""

SCENE_PIXELS = 1200
"""Maximum size of a scene in the figure in pixels. Larger scenes are subsampled."""

SCENE = 6.0
"""Width of a scene in its figure in inches."""

LEGEND_ROW = 0.22
"""Height of a row of the legend in inches."""

LEGEND_LETTER = 0.08
"""Width of a letter of the legend in inches."""

LEGEND_PATCH = 0.6
"""Width of a colour and its gap in the legend in inches."""

BAR = 0.9
"""Width of a colour bar with its label in inches."""

CONFIDENCE = "viridis"

BYTE_CLUSTERS = 255
"""Maximum number of clusters in a PNG with a palette."""

LEGEND_ENTRIES = 100
"""Maximum number of clusters in a legend."""


@dataclass(frozen=True, slots=True)
class MapRow:
    """A row of the sheet: one image with its label map.

    Attributes:
        image: Image `(c, h, w)`, uint8 or float32 in [0, 1].
        truth: Classes `(h, w)`, `VOID` for pixels without one. None without ground truth.
        labels: Clusters `(h, w)`, `VOID` for nodata pixels.
        confidence: Probability of the cluster `(h, w)`, in (0, 1].
    """

    image: Pixels
    truth: NDArray[np.int16] | None
    labels: NDArray[np.int64]
    confidence: NDArray[np.float32]

    def thinned(self) -> "MapRow":
        """Return a copy of about `CELL_PIXELS` pixels a side, so that large images need not stay in memory."""
        step = max(1, max(self.labels.shape) // CELL_PIXELS)
        thin = (slice(None, None, step), slice(None, None, step))
        truth = None if self.truth is None else self.truth[thin].copy()
        return MapRow(self.image[:, *thin].copy(), truth, self.labels[thin].copy(), self.confidence[thin].copy())


def map_sheet(
    rows: Sequence[MapRow], colours: Float32[np.ndarray, "k 3"], names: Sequence[str], classes: Sequence[str]
) -> Figure:
    """Return a figure with one row per image: image, ground truth if there is any, label map and confidence.

    Args:
        rows: Images of one size, all with ground truth or all without.
        colours: Colours of the clusters. Classes have `map_colours`.
        names: Names of the clusters.
        classes: Names by class number of the classes without a cluster; empty strings for the others.
    """
    titles = ["image", *(["ground truth"] if rows[0].truth is not None else []), "label map", "confidence"]
    rows = [row.thinned() for row in rows]
    cells = [_cells(row, colours) for row in rows]
    figure = mosaic(cells, cells[0][0].shape, [], titles, "", cell=CELL)
    bar = ScalarMappable(Normalize(0, 1), CONFIDENCE)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width + BAR, height)
    figure.colorbar(bar, ax=figure.axes[0], shrink=0.25, aspect=25, label="probability\nof the cluster")
    missed = {number: name for number, name in enumerate(classes) if name}
    counts = np.sum([_cluster_counts(row.labels, len(names)) for row in rows], axis=0)
    patches = _cluster_patches(colours, names, counts)
    palette = map_colours(len(classes))
    patches += [Patch(color=palette[number], label=f"no cluster: {name}") for number, name in missed.items()]
    _legend(figure, [*patches, Patch(color=NODATA_COLOUR, label="nodata or no label")])
    return figure


def scene_figure(
    image: Pixels,
    labels: NDArray[np.int64],
    colours: Float32[np.ndarray, "k 3"],
    names: Sequence[str],
) -> Figure:
    """Return a figure of a scene `(c, h, w)` and its label map `(h, w)`, with each cluster's share in the legend."""
    step = max(1, -(-max(labels.shape) // SCENE_PIXELS))
    thin = labels[::step, ::step]
    height, width = thin.shape
    figure = new_figure(2 * SCENE, 0.5 + SCENE * height / width)
    left, right = figure.subplots(1, 2)
    left.imshow(as_colour(image[:, ::step, ::step]))
    right.imshow(colour_labels(thin, colours).transpose(1, 2, 0), interpolation="nearest")
    for axes, title in ((left, "scene"), (right, "label map")):
        axes.set_title(title, fontsize="medium")
        axes.set_axis_off()
    counts = _cluster_counts(labels, len(names))
    shares = counts / max(counts.sum(), 1)
    shown = [f"{name}, {share:.1%}" for name, share in zip(names, shares, strict=True)]
    patches = _cluster_patches(colours, shown, counts)
    _legend(figure, [*patches, Patch(color=NODATA_COLOUR, label="nodata")])
    return figure


def write_label_map(path: Path, labels: NDArray[np.int64], colours: Float32[np.ndarray, "k 3"]) -> None:
    """Write a PNG with clusters counted from 1 and 0 for nodata.

    Up to 255 clusters it has one byte per pixel and a palette with the clusters' colours. More clusters take two bytes
    per pixel, in grey, because a PNG has no larger palette.

    Raises:
        LatentclustError: If the file cannot be written.
    """
    numbers = labels - VOID
    if len(colours) <= BYTE_CLUSTERS:
        picture = Image.fromarray(numbers.astype(np.uint8), "P")
        picture.putpalette(palette_bytes(colours))
    else:
        picture = Image.fromarray(numbers.astype(np.uint16))
    buffer = BytesIO()
    picture.save(buffer, format="PNG")
    write_atomic(path, buffer.getvalue())


def _cells(row: MapRow, colours: Float32[np.ndarray, "k 3"]) -> list[NDArray[np.float32]]:
    """Return the images of a row, `(3, h, w)` each, in [0, 1]."""
    image = as_colour(row.image).transpose(2, 0, 1)
    truth = [] if row.truth is None else [colour_labels(row.truth, map_colours(int(row.truth.max(initial=0)) + 1))]
    confidence = colormaps[CONFIDENCE](row.confidence)[..., :3].astype(np.float32).transpose(2, 0, 1)
    confidence[:, row.labels == VOID] = NODATA_COLOUR[0]
    return [image, *truth, colour_labels(row.labels, colours), confidence]


def _cluster_counts(labels: NDArray[np.int64], clusters: int) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bincount(labels[labels != VOID], minlength=clusters)
    return counts


def _cluster_patches(
    colours: Float32[np.ndarray, "k 3"], names: Sequence[str], counts: NDArray[np.int64]
) -> list[Patch]:
    """Return the legend of the clusters; of more than `LEGEND_ENTRIES`, those with the largest counts."""
    shown = np.sort(np.argsort(-counts, kind="stable")[:LEGEND_ENTRIES]).tolist()
    patches = [Patch(color=colours[cluster], label=names[cluster]) for cluster in shown]
    if len(shown) < len(names):
        patches.append(Patch(color="none", label=f"{len(names) - len(shown):,} smaller clusters"))
    return patches


def _legend(figure: Figure, patches: Sequence[Patch]) -> None:
    """Add a legend below the figure and increase the figure's height by it."""
    width, height = figure.get_size_inches()
    longest = max(len(str(patch.get_label())) for patch in patches)
    columns = max(1, int(width // (LEGEND_PATCH + LEGEND_LETTER * longest)))
    figure.set_size_inches(width, height + LEGEND_ROW * -(-len(patches) // columns) + LEGEND_ROW)
    figure.legend(handles=patches, loc="outside lower center", ncols=columns, frameon=False, fontsize="small")
