"""What published sets of images with label maps have in common."""

from abc import ABC
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentclust.api import ImageSet, LatentclustError, PreparedDatasetSpec, Tiles, find_first, in_memory, resolve_path
from latentclust.bundled.datasets.cropping import Frame, frame
from latentclust.bundled.datasets.label_files import Colour, is_coloured, read_colours, read_ids, to_labels
from latentclust.bundled.datasets.pairing import Pair
from latentclust.bundled.datasets.pixel_files import check_alike, read_image
from latentclust.bundled.datasets.published_images import Published


class PublishedPairs(Published, PreparedDatasetSpec, ABC):
    """A set of images with label maps, below a data root: its raw files, or the tiles prepared of them."""

    path: Path | None = None
    """The folder of the raw or prepared files, relative to the working or a data folder; found unless said."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """The prepared folder if there is one, or else that of the raw files."""
        raw = resolve_path(self.path, roots) if self.path else find_first(roots, self.marks)
        return PreparedDatasetSpec.located(self, roots) or raw

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Opens the prepared folder if there is one, or else makes the tiles of the raw files in memory."""
        if PreparedDatasetSpec.located(self, roots):
            return PreparedDatasetSpec.open(self, roots)
        if self.path and self.located(roots) is None:
            raise LatentclustError.at("data.path", f"no folder {self.path}", self.advice())
        return Published.open(self, roots)

    def read(self, mark: Path) -> ImageSet:
        """The tiles, made of the raw files in memory."""
        return in_memory(self, mark)

    def advice(self) -> str:
        """Where to get the files, under which licence, and how to lay them out."""
        return f"Get it from {self.origin} (licence: {self.licence}) and lay out {self.layout} in a data folder"


def opened(pair: Pair, classes: Mapping[int, int], palette: Sequence[Colour] = ()) -> Frame:
    """An image in RGB with its label map, whose ids are turned into labels.

    Args:
        pair: The files.
        classes: The label of every id.
        palette: The colours whose places are the ids, where a label map is in colour.

    Raises:
        LatentclustError: a damaged file, sizes that differ, or an id that is not in `classes`.
    """
    image = read_image(pair.image)
    if pair.labels is None:
        return frame(image, None)
    coloured = bool(palette) and is_coloured(pair.labels)
    ids = read_colours(pair.labels, palette) if coloured else read_ids(pair.labels)
    check_alike(image, ids, pair.image, pair.labels)
    return frame(image, to_labels(ids, classes, pair.labels))


def stacked(frames: Sequence[Frame], valid: NDArray[np.bool_] | None = None) -> Tiles:
    """Frames of one size as tiles, with labels where the frames have them."""
    maps = [each.labels for each in frames if each.labels is not None]
    return Tiles(np.stack([each.image for each in frames]), np.stack(maps) if len(maps) == len(frames) else None, valid)
