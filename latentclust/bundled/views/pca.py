"""Standardisation and principal components of channels, fitted to the training images."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor

from latentclust.api import FittedViewSpec, Images, LatentclustError, Mask, Shape
from latentclust.bundled.thinning import thinned

SAMPLE = 200_000
"""Largest number of pixels from which percentiles are estimated."""

Percentile = Annotated[float, Field(ge=0, le=100)]

PERCENTILES = (2.0, 98.0)
"""Default percentiles."""

FLAT = 1e-6
"""Deviation below which a channel counts as constant, and is only centred."""


@final
class Standardise(FittedViewSpec):
    """Subtracts from each channel its centre in the training images, and divides it by its spread there.

    `by = "deviation"` takes mean and standard deviation, `by = "percentiles"` the median and half the distance between
    two percentiles, which a few very bright pixels do not change. A constant channel is only centred. Nodata pixels
    do not count.

    Example:
        ```toml
        [data]
        use = "raster"
        path = "scene.tif"
        preprocess = [{ use = "standardise", by = "percentiles", percentiles = [2, 98] }]
        ```
    """

    by: Literal["deviation", "percentiles"] = "deviation"
    """Statistics that are used."""

    percentiles: tuple[Percentile, Percentile] | None = None
    """Lower and upper percentile, with `by = "percentiles"` only. Defaults to 2 and 98."""

    @model_validator(mode="after")
    def _ascending(self) -> "Standardise":
        if self.percentiles is None:
            return self
        low, high = self.percentiles
        if self.by == "deviation":
            raise ValueError('percentiles are read with by = "percentiles" only')
        if low >= high:
            raise ValueError(f"percentiles must ascend: {low:g} is not below {high:g}")
        return self

    def fit(self, batches: Iterable[tuple[Images, Mask]]) -> Mapping[str, Tensor]:
        """Return `centre` and `spread` of the channels, `(c,)`.

        Raises:
            LatentclustError: If no pixel is valid.
        """
        if self.by == "deviation":
            mean, covariance = moments(valid_points(batches, "standardise"))
            centre, spread = mean, covariance.diagonal().clamp_min(0).sqrt()
        else:
            (points,) = thinned(((each,) for each in valid_points(batches, "standardise")), SAMPLE)
            low, centre, high = torch.tensor(
                np.percentile(points, np.insert(self.percentiles or PERCENTILES, 1, 50), axis=0)
            )
            spread = (high - low) / 2
        return {"centre": centre.float(), "spread": torch.where(spread > FLAT, spread, 1.0).float()}

    def apply(self, images: Images, fitted: Mapping[str, Tensor]) -> Images:
        """Return standardised images `(b, c, h, w)` or vectors `(b, d)`."""
        centre, spread = (along_channels(fitted[name], images) for name in ("centre", "spread"))
        return Images((images - centre) / spread)


@final
class PrincipalComponents(FittedViewSpec):
    """Replaces channels by their first principal components in the training images, with or without whitening.

    The sign of each component is that in which its largest weight is positive. Nodata pixels do not count.

    Example:
        ```toml
        [data]
        use = "dubai"
        preprocess = [{ use = "timm-features", levels = [1, 2] }, { use = "pca", components = 16, whiten = true }]
        ```
    """

    components: PositiveInt = 8
    """Number of components."""

    whiten: bool = False
    """Whether each component is divided by its standard deviation."""

    def fit(self, batches: Iterable[tuple[Images, Mask]]) -> Mapping[str, Tensor]:
        """Return `mean`, `(c,)`, and `axes`, `(components, c)`.

        Raises:
            LatentclustError: If no pixel is valid, or the channels span fewer components.
        """
        mean, covariance = moments(valid_points(batches, "pca"))
        variances, vectors = torch.linalg.eigh(covariance)
        variances, axes = variances.flip(0)[: self.components], vectors.flip(1).T[: self.components]
        rank = int((variances > FLAT**2).sum())
        if rank < self.components:
            what = f"the training images vary in {rank} directions only, fewer than {self.components} components"
            raise LatentclustError.at("components", what, f"Use at most {rank}")
        axes = axes * axes.gather(1, axes.abs().argmax(dim=1, keepdim=True)).sign()
        return {"mean": mean.float(), "axes": (axes / variances.sqrt()[:, None] if self.whiten else axes).float()}

    def apply(self, images: Images, fitted: Mapping[str, Tensor]) -> Images:
        """Return the components `(b, components, h, w)` of images, or `(b, components)` of vectors."""
        centred = images - along_channels(fitted["mean"], images)
        return Images(torch.einsum("kc,bc...->bk...", fitted["axes"], centred))

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape with one channel per component. Raise LatentclustError if there are fewer channels."""
        if shape[0] < self.components:
            what = f"samples have {shape[0]} channels, fewer than {self.components} components"
            raise LatentclustError.at("components", what, f"Use at most {shape[0]}")
        return (self.components, *shape[1:])


def along_channels(values: Float[Tensor, " c"], images: Tensor) -> Tensor:
    """Return values of channels in a shape that is broadcast over images `(b, c, h, w)` or vectors `(b, c)`."""
    return values.reshape(1, -1, *[1] * (images.ndim - 2))


def valid_points(batches: Iterable[tuple[Images, Mask]], view: str) -> Iterable[Float[Tensor, "_ c"]]:
    """Yield the values of valid pixels, or vectors, batch by batch. Raise LatentclustError if there is none."""
    found = 0
    for images, mask in batches:
        points = images.movedim(1, -1)[mask]
        found += len(points)
        yield points
    if not found:
        raise LatentclustError.at(view, "no pixel of the training images is valid", "Check the nodata value")


def moments(batches: Iterable[Float[Tensor, "_ c"]]) -> tuple[Tensor, Tensor]:
    """Return mean `(c,)` and covariance `(c, c)` with divisor n, in float64, of points in batches."""
    count, total, products, origin = 0, None, None, None
    for batch in batches:
        points = batch.double()
        if origin is None or total is None or products is None:
            origin = points.mean(dim=0) if len(points) else torch.zeros(points.shape[1], dtype=torch.float64)
            total, products = torch.zeros_like(origin), torch.zeros(len(origin), len(origin), dtype=torch.float64)
        shifted = points - origin  # Squares of the values themselves lose precision.
        count, total, products = count + len(shifted), total + shifted.sum(dim=0), products + shifted.T @ shifted
    assert origin is not None, "valid_points raises if there is no point"
    assert total is not None
    assert products is not None
    mean = total / count
    return origin + mean, products / count - torch.outer(mean, mean)
