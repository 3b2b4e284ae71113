"""Langevin-Gibbs inference of label maps: Zhu et al. 2019, section 3.5, with optional coupling of neighbours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from latentclust.api import (
    Advance,
    Images,
    LayeredGenerator,
    Mask,
    Model,
    Posterior,
    PriorSpec,
    Scale,
    value_at,
)
from latentclust.bundled.categorical_map import CategoricalMap, one_hot, potts_sweep
from latentclust.bundled.inference.annealing import FINAL_PROGRESS, AnnealedChainSpec
from latentclust.bundled.inference.kmeans import fit_pixel_kmeans
from latentclust.bundled.inference.langevin import JointDensity, langevin
from latentclust.bundled.inference.langevin_gibbs import check_energy
from latentclust.bundled.inference.node_density import node_sums

LABEL_DTYPE = torch.uint8
"""Data type of the stored labels of chains."""

MAX_CLUSTERS = 256
"""Largest number of clusters that `LABEL_DTYPE` can represent."""


@dataclass(frozen=True, slots=True)
class MapChainState:
    """The states of the chains of a batch.

    Attributes:
        style: Styles z.
        label: Cluster y of each pixel, 0-based.
        posterior: Conditional distributions that y was last drawn from.
        energy: Energy `-log p(x | y, z)` of each pixel under each cluster in nats, up to a constant.
    """

    style: Float32[Tensor, "b d y x"]
    label: Int64[Tensor, "b h w"]
    posterior: Float32[Tensor, "b k h w"]
    energy: Float32[Tensor, "b k h w"]


@final
class LangevinGibbsMaps(AnnealedChainSpec):
    """Alternates Langevin sampling of the styles given a label map with Gibbs sampling of the map given the styles.

    The generator draws one layer per cluster, so that one pass gives the likelihood of each pixel under all clusters,
    Eq. 5. Given the styles, pixels are independent or, with coupling in the prior, a Potts field that is sampled by
    checkerboard. Training images keep their chains. Other images get new chains: they start with a style of zeros and
    the best cluster of each pixel, the first sweeps are discarded, and the conditionals of the rest are averaged.

    Example:
        ```toml
        [inference]
        use = "langevin-gibbs-maps"
        steps = 20
        step_size = 0.01
        noise = 0.1
        ```
    """

    reads_maps: ClassVar[bool] = True

    def objection(self, prior: PriorSpec) -> str | None:
        """Return why a prior is unsuitable: it has no label maps or too many clusters. None if it is suitable."""
        if not isinstance(prior, CategoricalMap):
            return "its label maps are drawn from a categorical-map prior"
        return f"it supports at most {MAX_CLUSTERS} clusters" if prior.clusters > MAX_CLUSTERS else None

    def begin(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Return styles from the prior `(n, d, h / stride, w / stride)` and label maps `(n, h, w)`."""
        prior = _prior(model)
        nearest = fit_pixel_kmeans(batches, prior.clusters, rng) if self.first_label == "kmeans" else None
        styles, labels = [], []
        for images in batches:
            size = (len(images), *images.shape[2:])
            drawn = torch.randint(prior.clusters, size, generator=rng, device=rng.device)
            labels.append((nearest(images) if nearest else drawn).to(LABEL_DTYPE))
            styles.append(prior.sigma * torch.randn(_grid(prior, images), generator=rng, device=rng.device))
        return {"style": torch.cat(styles), "label": torch.cat(labels)}

    def advance(
        self,
        model: Model,
        images: Images,
        chains: Mapping[str, Tensor],
        progress: float,
        rng: torch.Generator,
        valid: Mask | None = None,
    ) -> Advance:
        """Run one sweep: Langevin steps of the styles, then a draw of the label maps (Algorithm 1, steps 4 and 5)."""
        prior = _prior(model)
        joint = self.joint_density(model, prior.sigma, progress, None if valid is None else valid[:, None].float())
        before = chains["label"].long()
        chain = self._sweep(prior, joint, images, chains["style"], before, progress, rng)
        label = chain.label if progress >= self.hold_label else before
        return Advance(
            chains={"style": chain.style, "label": label.to(LABEL_DTYPE)},
            quantities={
                "posterior_sample": joint.latent(one_hot(label, prior.clusters), chain.style),
                "noise_scale": Scale(images.new_tensor(joint.noise)),
            },
            diagnostics=map_diagnostics(joint, chain),
        )

    @torch.no_grad()
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Return the means over sweeps of the conditionals of the pixels and of z.

        Raises:
            LatentclustError: If the chains diverge.
        """
        prior = _prior(model)
        joint = self.joint_density(model, prior.sigma, FINAL_PROGRESS)
        style = torch.zeros(_grid(prior, images), device=rng.device)
        energy = pixel_energies(joint, images, style)
        label, known = energy.argmin(dim=1), None if prior.style_dim else energy
        probabilities, mean = torch.zeros(1, device=rng.device), torch.zeros_like(style)
        for sweep in range(self.burn_in + self.sweeps):
            model.on_step(sweep, self.burn_in + self.sweeps)
            chain = self._sweep(prior, joint, images, style, label, FINAL_PROGRESS, rng, known)
            check_energy(chain.energy)
            style, label = chain.style, chain.label
            if sweep >= self.burn_in:
                probabilities = probabilities + chain.posterior / self.sweeps
                mean += style / self.sweeps
        return Posterior(probabilities=probabilities, style=mean)

    def _sweep(
        self,
        prior: CategoricalMap,
        joint: JointDensity,
        images: Images,
        style: Tensor,
        label: Tensor,
        progress: float,
        rng: torch.Generator,
        known: Float32[Tensor, "b k h w"] | None = None,
    ) -> MapChainState:
        """Return the chains after one sweep. `known` are the energies if no style can change them."""
        style = self._styles(prior, joint, images, style, label, value_at(self.step_size, progress), rng)
        energy = pixel_energies(joint, images, style) if known is None else known
        drawn, posterior = potts_sweep(energy, label, prior.coupling, None if self.label == "map" else rng)
        return MapChainState(style, drawn, posterior, energy)

    def _styles(
        self,
        prior: CategoricalMap,
        joint: JointDensity,
        images: Images,
        style: Tensor,
        label: Tensor,
        step_size: float,
        rng: torch.Generator,
    ) -> Tensor:
        """Return the styles after the Langevin steps, which cost little if layers are interpolated."""
        sums = node_sums(joint, images, label, style) if joint.reach and prior.style_dim else None
        if sums is not None:
            return langevin(*sums, style, self.steps, step_size, rng)
        return langevin(joint, images, one_hot(label, prior.clusters), style, self.steps, step_size, rng)


@torch.no_grad()
def pixel_energies(joint: JointDensity, images: Images, style: Float[Tensor, "b d y x"]) -> Float32[Tensor, "b k h w"]:
    """Return `|x(u) - G_k(z)(u)|^2 / 2 sigma^2` of every pixel u and cluster k: Eq. 7, from one generator pass."""
    generator: LayeredGenerator = joint.generator  # type: ignore[assignment]
    energies = []
    for layer in generator.per_cluster(joint.reach * style).float().unbind(dim=1):
        error = layer - images.float()
        if joint.valid is not None:
            error *= joint.valid
        energies.append(error.square_().sum(dim=1))
    return torch.stack(energies, dim=1) / (2 * joint.noise**2)


def map_diagnostics(joint: JointDensity, chain: MapChainState) -> dict[str, Tensor]:
    """Return the diagnostics of the chains of a batch for the log: 0-d, energies and entropy in nats per pixel.

    `occupied` is the effective number of clusters. `boundary` is the share of pixels whose right neighbour has another
    label; it is large for fragmented maps.
    """
    paid = chain.energy.gather(1, chain.label[:, None]).mean()
    pixels = chain.label[0].numel()
    shares = chain.posterior.mean(dim=(0, 2, 3))
    ragged = (chain.label[..., 1:] != chain.label[..., :-1]).float()
    return {
        "likelihood_energy": paid,
        "style_energy": joint.prior_term(chain.style).mean() / pixels,
        "label_entropy": torch.special.entr(chain.posterior).sum(dim=1).mean(),
        "occupied": torch.special.entr(shares).sum().exp(),
        "boundary": ragged.mean(),
    }


def _grid(prior: CategoricalMap, images: Images) -> tuple[int, int, int, int]:
    """Return the shape of the style grid of images whose sides are multiples of the style's stride."""
    height, width = images.shape[2:]
    return len(images), prior.style_dim, height // prior.style_stride, width // prior.style_stride


def _prior(model: Model) -> CategoricalMap:
    assert isinstance(model.prior, CategoricalMap), "assembly checks objections"
    return model.prior
