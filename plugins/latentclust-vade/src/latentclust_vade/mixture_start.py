"""The start of VaDE: a Gaussian mixture fitted to the embeddings of all samples (Jiang et al. 2017)."""

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from latentclust.api import Images, LatentclustError, Model, StartSpec
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from latentclust_vade.mixture import PREFIX, Covariance, components

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

LARGEST_SEED = 2**31 - 1


@final
class MixtureStart(StartSpec):
    """Parameters of a mixture, by expectation maximisation on what it reads of all samples, and the variance of q(z|x).

    An encoder that was trained without noise has log variances near 0, which are too large for a narrow embedding: the
    noise would then mix the components. The variances begin at a share of the mean variance within the components.

    Example:
        ```toml
        [stages.clustering]
        rounds = 10000
        start = { use = "gaussian-mixture", n_init = 20 }
        ```
    """

    network: str = "mixture"
    """Name of the network with the components."""

    n_init: PositiveInt = 10
    """Number of initialisations, by k-means. The one with the highest likelihood is kept."""

    max_iter: PositiveInt = 200
    """Largest number of iterations per initialisation."""

    floor: PositiveFloat = 1e-3
    """Value added to every variance, in squared units of the embedding."""

    noise: PositiveFloat = 0.1
    """Variance of q(z|x) at the beginning, as a share of the mean variance within components."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the network with the components."""
        return (self.network,)

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        """Return the parameters of the components.

        Raises:
            LatentclustError: If the network holds no components or reads maps, or the samples are too few.
        """
        held = components(model.networks[self.network], self.network)
        points = torch.cat([self._points(model, images) for images in batches]).cpu().numpy()
        found = self._fit(points, len(held.logits), "diag" if held.shears is None else "full", rng)
        values = {"logits": torch.as_tensor(found.weights_).log(), "means": torch.as_tensor(found.means_)}
        factors = torch.as_tensor(found.precisions_cholesky_)
        if held.shears is None:
            values["log_scales"] = factors.log()
        else:
            values["log_scales"], values["shears"] = factors.diagonal(dim1=1, dim2=2).log(), factors.triu(1)
        found_weights = {f"{self.network}.{PREFIX}{name}": value.float() for name, value in values.items()}
        return {**found_weights, **self._variances(model, within_variances(found))}

    def _variances(self, model: Model, within: NDArray[np.float64]) -> dict[str, Tensor]:
        """Return weights with which the encoder, if it computes log variances, has the same for every image."""
        encoder = model.codes_of.get(self.network, "")
        state = model.networks[encoder].state_dict() if encoder else {}
        layer = "variance_head" if "variance_head.bias" in state else "head"
        if f"{layer}.bias" not in state or not self._has_variances(state, layer, model):
            return {}
        weight, bias = state[f"{layer}.weight"].clone(), state[f"{layer}.bias"].clone()
        weight[-len(within) :] = 0
        bias[-len(within) :] = torch.as_tensor(self.noise * within, device=bias.device).log()
        return {f"{encoder}.{layer}.weight": weight, f"{encoder}.{layer}.bias": bias}

    @staticmethod
    def _has_variances(state: Mapping[str, Tensor], layer: str, model: Model) -> bool:
        rows = model.prior.clusters + 2 * model.prior.style_dim
        return layer == "variance_head" or len(state[f"{layer}.bias"]) == rows

    def _points(self, model: Model, images: Images) -> Tensor:
        """Return what the components read of images, `(b, d)` float64."""
        points = model.input_of(self.network, images)
        if points.dim() > 2:
            what = "reads a map, and the mixture has one latent vector per image"
            raise LatentclustError.at(f"networks.{self.network}", what, 'Set reads = "latent"')
        return points.double()

    def _fit(
        self, points: NDArray[np.float64], clusters: int, covariance: Covariance, rng: torch.Generator
    ) -> "GaussianMixture":
        """Return the fitted mixture. Raise LatentclustError if there are fewer points than components."""
        from sklearn.mixture import GaussianMixture

        if len(points) < clusters:
            what = f"cannot fit {clusters} components to {len(points)} samples"
            raise LatentclustError.at("prior.clusters", what, "Use fewer clusters or more samples")
        estimator = GaussianMixture(
            clusters,
            covariance_type=covariance,
            n_init=self.n_init,
            max_iter=self.max_iter,
            reg_covar=self.floor,
            random_state=int(torch.randint(LARGEST_SEED, (), generator=rng, device=rng.device).item()),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The joint training goes on from a fit that has not converged.
            return estimator.fit(points)


def within_variances(mixture: "GaussianMixture") -> NDArray[np.float64]:
    """Return the variances within components along each axis, averaged over the components, `(d,)`."""
    covariances = mixture.covariances_
    variances = covariances if covariances.ndim == 2 else np.diagonal(covariances, axis1=1, axis2=2)
    return np.asarray(mixture.weights_ @ variances)
