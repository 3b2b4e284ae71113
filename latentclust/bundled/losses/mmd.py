"""Maximum mean discrepancy between encoded styles and the prior's: DLS-Clustering 2019, Eq. 3; Gretton et al. 2012."""

from typing import Annotated, Literal, final

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from latentclust.api import Code, Latent, LatentclustError, LossSpec, Scalar

Widths = Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]


@final
class Mmd(LossSpec):
    """Unbiased estimate of the squared MMD under Gaussian kernels `exp(-d^2 / 2h^2)`, averaged over the widths h.

    Zero in expectation for equal distributions, so negative for many batches. The pairs of a sample with itself are
    left out of the two sums within a batch, as in Eq. 3. In data-parallel training the batch is each device's own.
    """

    widths: Widths | Literal["median"] = "median"
    """Kernel widths in units of the style, or `median`: h^2 is the median squared distance over all pairs of the two
    batches together, taken as a constant in the gradient."""

    factors: Widths = (1.0,)
    """Every width is used once with each of these multiples."""

    def __call__(self, code_of_real: Code, prior_sample: Latent) -> Scalar:
        """The estimate from styles `(b, s)` and `(b', s)`.

        Raises:
            LatentclustError: A batch of one, or styles of label maps.
        """
        code, prior = code_of_real.style.float(), prior_sample.style.float()
        if code.dim() > 2:
            what = "mmd compares one style an image, and here styles are maps"
            raise LatentclustError.at("losses", what, "Take mmd out of a system of label maps")
        if min(len(code), len(prior)) < 2:
            raise LatentclustError.at(
                "train.batch_size", "mmd compares pairs, and a batch of 1 has none", "Use at least 2"
            )
        squared_widths = self._squared_widths(code.detach(), prior.detach())
        cross = torch.cdist(code, prior, compute_mode="donot_use_mm_for_euclid_dist")
        return Scalar(
            _mean_kernel(torch.pdist(prior), squared_widths)
            + _mean_kernel(torch.pdist(code), squared_widths)
            - 2 * _mean_kernel(cross, squared_widths)
        )

    def _squared_widths(self, code: Tensor, prior: Tensor) -> list[Tensor | float]:
        if self.widths != "median":
            return [(width * factor) ** 2 for width in self.widths for factor in self.factors]
        median = torch.pdist(torch.cat((code, prior))).square().median()
        # Styles that all coincide have the median 0; the smallest normal number keeps their kernel at 1.
        return [(median * factor**2).clamp_min(torch.finfo(torch.float32).tiny) for factor in self.factors]


def _mean_kernel(distances: Tensor, squared_widths: list[Tensor | float]) -> Tensor:
    squared = distances.square()
    kernels = [torch.exp(-squared / (2 * squared_width)).mean() for squared_width in squared_widths]
    return torch.stack(kernels).mean()
