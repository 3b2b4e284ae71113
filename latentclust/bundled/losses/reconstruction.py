"""The error of decoding what was encoded: DLS-Clustering 2019, Eq. 4."""

from typing import Literal, final

from latentclust.api import Images, LossSpec, Scalar


@final
class Reconstruction(LossSpec):
    """Error between images and their reconstructions, in units of the [0, 1] intensity (squared for `l2`)."""

    norm: Literal["l2", "l1"] = "l2"
    """`l2` squares the differences, as Eq. 4 does; `l1` takes them absolute."""

    reduction: Literal["mean", "sum"] = "mean"
    """How the errors of a sample's values combine; samples are averaged either way.

    Eq. 4 prints the squared norm, a sum; the text calls it mean squared error, and only the mean keeps its published
    weight of 1 meaningful from a 16-value vector to a colour image, so that is the default.
    """

    def __call__(self, images: Images, reconstruction: Images) -> Scalar:
        """The error between two batches of one shape, `(b, ...)`."""
        difference = reconstruction.float() - images.float()
        errors = difference.square() if self.norm == "l2" else difference.abs()
        return Scalar(errors.mean() if self.reduction == "mean" else errors.flatten(1).sum(dim=1).mean())
