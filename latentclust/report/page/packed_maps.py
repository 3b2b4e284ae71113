"""Images with their label maps as text that a page carries, within a number of characters."""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentclust.report.image_figures import Pixels, as_colour
from latentclust.report.map_views import MapView
from latentclust.specs.data import VOID

BUDGET = 5_000_000
"""Maximum number of characters of all images and maps of a page."""

STEPS = 50
"""Number of steps that confidence is rounded to, so that it compresses well."""

QUALITY = 85
"""Quality of pictures in WebP, of 100."""

BYTE_CLUSTERS = 255
"""Maximum number of clusters or classes whose maps have one byte a pixel."""


@dataclass(frozen=True, slots=True)
class PackedMap:
    """An image with its label map as text.

    Attributes:
        name: Name of the image.
        width: Width in pixels that are shown.
        height: Height in pixels that are shown.
        step: Distance in pixels of the image between the pixels that are shown.
        picture: The image as a data URI.
        labels: Clusters, counted from 1, 0 for nodata, as `pack` writes them.
        confidence: Probability of the cluster in steps of 1 / `STEPS`, as `pack` writes it.
        truth: Classes, counted from 1, 0 for none. None without ground truth.
    """

    name: str
    width: int
    height: int
    step: int
    picture: str
    labels: str
    confidence: str
    truth: str | None

    @property
    def size(self) -> int:
        """Number of characters."""
        return sum(len(text or "") for text in (self.name, self.picture, self.labels, self.confidence, self.truth))

    def data(self) -> dict[str, Any]:
        """Return the values as JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def pack_maps(views: Sequence[MapView], clusters: int, classes: int, budget: int = BUDGET) -> list[PackedMap]:
    """Return views as text, as many of the first ones as the budget holds. The first is subsampled until it fits.

    Args:
        views: Images with their label maps.
        clusters: Number of clusters.
        classes: Number of classes.
        budget: Maximum number of characters.
    """
    packed: list[PackedMap] = []
    for view in views:
        found = _pack_view(view, clusters, classes)
        while found.size > budget and not packed and max(view.labels.shape) > 1:
            view = view.thinned(2)  # noqa: PLW2901
            found = _pack_view(view, clusters, classes)
        budget -= found.size
        if budget < 0:
            break
        packed.append(found)
    return packed


def pack(values: NDArray[np.integer], highest: int) -> str:
    """Return whole numbers from 0 to `highest` as Base64 of zlib of bytes, or of pairs of bytes, the low one first."""
    kind = np.uint8 if highest <= BYTE_CLUSTERS else np.dtype("<u2")
    return base64.b64encode(zlib.compress(values.astype(kind).tobytes(), 9)).decode()


def picture_uri(image: Pixels, valid: NDArray[np.bool_] | None = None) -> str:
    """Return an image `(c, h, w)` as the data URI of a WebP picture, transparent where `valid` `(h, w)` is false."""
    levels = np.rint(255 * as_colour(image)).astype(np.uint8)
    if valid is not None and not valid.all():
        levels = np.dstack((levels, np.where(valid, 255, 0).astype(np.uint8)))
    buffer = BytesIO()
    Image.fromarray(levels).save(buffer, "WEBP", quality=QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _pack_view(view: MapView, clusters: int, classes: int) -> PackedMap:
    height, width = view.labels.shape
    confidence = np.where(view.labels == VOID, 0, np.rint(STEPS * view.confidence))
    return PackedMap(
        name=view.name,
        width=width,
        height=height,
        step=view.step,
        picture=picture_uri(view.image, view.valid),
        labels=pack(view.labels - VOID, clusters),
        confidence=pack(confidence.astype(np.int64), STEPS),
        truth=None if view.truth is None else pack(view.truth - VOID, classes),
    )
