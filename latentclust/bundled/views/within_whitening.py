"""Whitening of channels by their covariance within clusters, fitted to the training images."""

from collections.abc import Iterable, Mapping
from typing import Annotated, final

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from latentclust.api import FittedViewSpec, Images, Mask
from latentclust.bundled.mixtures.expectation import Maximisation
from latentclust.bundled.mixtures.kmeans_start import fitted_from_kmeans, require_distinct
from latentclust.bundled.thinning import thinned
from latentclust.bundled.views.pca import along_channels, valid_points

FLOOR = 1e-3
"""Variance that is added to each channel, as a share of its variance over all pixels."""

MAX_ITER = 100
"""Largest number of iterations of expectation maximisation."""

TOLERANCE = 1e-4
"""Change of the mean log likelihood in nats below which the iterations end."""


@final
class WithinWhitening(FittedViewSpec):
    """Makes the covariance within clusters the identity, so that distances are those of Mahalanobis (1936).

    The covariance is that of a Gaussian mixture with one covariance for all clusters, of which the start with the
    largest likelihood is kept. What varies within clusters, such as brightness in shadows, then counts less than what
    tells them apart. A clustered generator of the result has the densities of that mixture with `noise = 1`. Nodata
    pixels do not count.

    Example:
        ```toml
        [data]
        use = "dubai"
        preprocess = [{ use = "local-statistics", gain = 0.0 }, { use = "within-whitening", clusters = 5 }]
        ```
    """

    clusters: Annotated[int, Field(ge=2, examples=[3])]
    """Number of clusters of the mixture, as a rule `prior.clusters`."""

    n_init: PositiveInt = 4
    """Number of starts, each with k-means."""

    sample: PositiveInt = 20_000
    """Largest number of pixels that are read, evenly spread."""

    def fit(self, batches: Iterable[tuple[Images, Mask]]) -> Mapping[str, Tensor]:
        """Return `mean`, `(c,)`, and the inverse Cholesky factor `axes` of the covariance, `(c, c)`.

        Raises:
            LatentclustError: If no pixel is valid, or there are fewer distinct pixels than clusters.
        """
        rng = torch.Generator().manual_seed(0)
        # Shuffled, because every nth pixel of rows of a multiple of n pixels lies in few columns.
        shuffled = (
            (points[torch.randperm(len(points), generator=rng)],)
            for points in valid_points(batches, "within-whitening")
        )
        (sample,) = thinned(shuffled, self.sample)
        require_distinct(sample, self.clusters, "clusters")
        step = Maximisation.of_sample("tied", 0.0, FLOOR, sample)
        starts = [fitted_from_kmeans(step, sample, self.clusters, MAX_ITER, TOLERANCE, rng) for _ in range(self.n_init)]
        best, _ = max(starts, key=lambda start: start[1])
        factor = torch.linalg.cholesky(best.covariances[0])
        axes = torch.linalg.solve_triangular(factor, torch.eye(len(factor), dtype=factor.dtype), upper=False)
        return {"mean": sample.double().mean(dim=0).float(), "axes": axes.float()}

    def apply(self, images: Images, fitted: Mapping[str, Tensor]) -> Images:
        """Return whitened images `(b, c, h, w)` or vectors `(b, d)`."""
        centred = images - along_channels(fitted["mean"], images)
        return Images(torch.einsum("kc,bc...->bk...", fitted["axes"], centred))
