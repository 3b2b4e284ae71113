"""Reconstruction error: DLS-Clustering 2019, Eq. 4."""

from typing import Literal, final

from latentclust.api import Images, LossSpec, Scalar


@final
class Reconstruction(LossSpec):
    """Error `|x - G(E(x))|` of reconstructions, in units of the [0, 1] intensity (squared for `l2`).

    Example:
        ```toml
        [losses.reconstruction]
        use = "reconstruction"
        player = "generator"
        norm = "l1"
        ```
    """

    norm: Literal["l2", "l1"] = "l2"
    """`l2` for squared differences, as in Eq. 4; `l1` for absolute differences."""

    reduction: Literal["mean", "sum"] = "mean"
    """Reduction over the values of a sample. Samples are always averaged.

    Eq. 4 prints the squared norm, a sum, but the text calls it mean squared error. Only with the mean does the
    published weight of 1 fit both a 16-value vector and a colour image, so the mean is the default.
    """

    def __call__(self, images: Images, reconstruction: Images) -> Scalar:
        """Return the error between two batches of the same shape `(b, ...)`."""
        difference = reconstruction.float() - images.float()
        errors = difference.square() if self.norm == "l2" else difference.abs()
        return Scalar(errors.mean() if self.reduction == "mean" else errors.flatten(1).sum(dim=1).mean())
