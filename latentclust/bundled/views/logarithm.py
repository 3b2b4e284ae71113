"""The logarithm of values, in which a change of illumination adds the same number to all bands."""

from typing import ClassVar, final

import torch
from pydantic import PositiveFloat

from latentclust.api import DeviceViewSpec, Images, Shape


@final
class Logarithm(DeviceViewSpec):
    """Replaces each value `x` by `log(x + offset)`, the natural logarithm. Negative values count as 0.

    Where shade multiplies all bands by one factor, it adds the same number to all logarithms, and differences of bands,
    which are logarithms of their ratios, remain. A mixture with full covariances finds them by itself.

    Example:
        ```toml
        [data]
        use = "raster"
        path = "scene.tif"
        preprocess = [{ use = "logarithm" }, { use = "standardise" }]
        ```
    """

    random: ClassVar[bool] = False

    offset: PositiveFloat = 0.1
    """Number that is added first, in the range of the images, which is [0, 1] for pixels: below it values differ little
    in their logarithm, so that the noise of dark pixels is not enlarged."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the logarithms of images `(b, c, h, w)` or vectors `(b, d)`."""
        return Images((images.clamp_min(0) + self.offset).log())

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape unchanged."""
        return shape
