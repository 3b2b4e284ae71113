"""Maximum mean discrepancy between encoded and prior styles: DLS-Clustering 2019, Eq. 3; Gretton et al. 2012."""

from typing import Annotated, Literal, final

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from latentclust.api import Code, Latent, LatentclustError, LossSpec, Scalar

Widths = Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]


@final
class Mmd(LossSpec):
    """Unbiased estimate of the squared MMD with Gaussian kernels `exp(-d^2 / 2h^2)`, mean over the widths h.

    The estimate is zero in expectation for equal distributions, hence negative for many batches. The two sums within a
    batch exclude the pairs of a sample with itself, as in Eq. 3. In data-parallel training each device uses its own
    batch.

    Example:
        ```toml
        [losses.mmd]
        use = "mmd"
        player = "generator"
        factors = [0.5, 1.0, 2.0]
        ```
    """

    widths: Widths | Literal["median", "sum-of-medians"] = "median"
    """Kernel widths in units of the style. With `median`, h^2 is the median squared distance over all pairs of the two
    batches together, and the gradient treats it as a constant. With `sum-of-medians`, as in the authors' code, h^2 is
    the median squared distance between the batches plus that within the code, and the gradient passes through it."""

    factors: Widths = (1.0,)
    """Multiples of each width. There is one kernel per width and factor."""

    def __call__(self, code_of_real: Code, prior_sample: Latent) -> Scalar:
        """Return the estimate for styles `(b, s)` and `(b', s)`.

        Raises:
            LatentclustError: If a batch has a single sample or the styles are maps.
        """
        code, prior = code_of_real.style.float(), prior_sample.style.float()
        if code.dim() > 2:
            what = "mmd expects one style vector per image, got style maps"
            raise LatentclustError.at("losses", what, "Remove mmd from this system of label maps")
        if min(len(code), len(prior)) < 2:
            raise LatentclustError.at(
                "train.batch_size", "mmd needs pairs of samples, got a batch of 1", "Use at least 2"
            )
        squared_widths = self._squared_widths(code, prior)
        cross = torch.cdist(code, prior, compute_mode="donot_use_mm_for_euclid_dist")
        return Scalar(
            _mean_kernel(torch.pdist(prior), squared_widths)
            + _mean_kernel(torch.pdist(code), squared_widths)
            - 2 * _mean_kernel(cross, squared_widths)
        )

    def _squared_widths(self, code: Tensor, prior: Tensor) -> list[Tensor | float]:
        if self.widths == "sum-of-medians":
            median = _authors_median(code, prior) + _authors_median(code, code)
        elif self.widths == "median":
            median = torch.pdist(torch.cat((code, prior)).detach()).square().median()
        else:
            return [(width * factor) ** 2 for width in self.widths for factor in self.factors]
        # The median of identical styles is 0; the smallest normal number keeps their kernel at 1.
        return [(median * factor**2).clamp_min(torch.finfo(torch.float32).tiny) for factor in self.factors]


def _authors_median(first: Tensor, second: Tensor) -> Tensor:
    """Return the authors' median of the squared distances of all pairs: for b x b pairs the (b^2 - b)/2-th largest."""
    squared = torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist").square().flatten()
    largest = (len(squared) - min(len(first), len(second))) // 2
    return squared.kthvalue(len(squared) - largest + 1).values


def _mean_kernel(distances: Tensor, squared_widths: list[Tensor | float]) -> Tensor:
    squared = distances.square()
    kernels = [torch.exp(-squared / (2 * squared_width)).mean() for squared_width in squared_widths]
    return torch.stack(kernels).mean()
