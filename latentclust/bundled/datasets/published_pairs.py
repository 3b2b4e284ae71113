"""Base class of published data sets of images with label maps."""

from abc import ABC
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentclust.api import ImageSet, LatentclustError, PreparedDatasetSpec, Tiles, find_first, in_memory, resolve_path
from latentclust.bundled.datasets.cropping import ImagePair, image_pair
from latentclust.bundled.datasets.pairing import Pair
from latentclust.bundled.datasets.pixel_files import (
    Colour,
    check_same_size,
    is_coloured,
    read_colours,
    read_ids,
    read_image,
    to_labels,
)
from latentclust.bundled.datasets.published_images import Published


class PublishedPairs(Published, PreparedDatasetSpec, ABC):
    """A published data set of images with label maps: its raw files, or the prepared tiles."""

    path: Path | None = None
    """Path of the raw or prepared files, relative to the working folder or a data folder. Searched by default."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return the prepared folder if there is one, otherwise that of the raw files or None."""
        raw = resolve_path(self.path, roots) if self.path else find_first(roots, self.marks)
        return PreparedDatasetSpec.located(self, roots) or raw

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Open the prepared folder if there is one, otherwise make the tiles from the raw files in memory."""
        if PreparedDatasetSpec.located(self, roots):
            return PreparedDatasetSpec.open(self, roots)
        if self.path and self.located(roots) is None:
            raise LatentclustError.at("data.path", f"no folder {self.path}", self.advice())
        return Published.open(self, roots)

    def read(self, mark: Path) -> ImageSet:
        """Return the tiles, made from the raw files in memory."""
        return in_memory(self, mark)

    def advice(self) -> str:
        """Return how to get and arrange the files, with their licence."""
        return f"Get it from {self.origin} (licence: {self.licence}) and lay out {self.layout} in a data folder"


def read_pair(pair: Pair, classes: Mapping[int, int], palette: Sequence[Colour] = ()) -> ImagePair:
    """Read an RGB image with its label map and convert the ids to labels.

    Args:
        pair: Files of the image and the label map.
        classes: Label of every id.
        palette: Colours whose positions are the ids, for label maps in colour.

    Raises:
        LatentclustError: If a file is damaged, the sizes differ, or an id is not in `classes`.
    """
    image = read_image(pair.image)
    if pair.labels is None:
        return image_pair(image, None)
    coloured = bool(palette) and is_coloured(pair.labels)
    ids = read_colours(pair.labels, palette) if coloured else read_ids(pair.labels)
    check_same_size(image, ids, pair.image, pair.labels)
    return image_pair(image, to_labels(ids, classes, pair.labels))


def stack_tiles(pairs: Sequence[ImagePair], valid: NDArray[np.bool_] | None = None) -> Tiles:
    """Return pairs of the same size as tiles, with labels if all pairs have them."""
    maps = [each.labels for each in pairs if each.labels is not None]
    return Tiles(np.stack([each.image for each in pairs]), np.stack(maps) if len(maps) == len(pairs) else None, valid)
