"""Langevin-Gibbs inference of label maps: Xing et al. 2020, section 3.5, with neighbours that may agree."""

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
from latentclust.bundled.categorical_map import CategoricalMap, potts_sweep
from latentclust.bundled.categories import one_hot
from latentclust.bundled.inference.annealing import END, AnnealedChainSpec
from latentclust.bundled.inference.gibbs import check_energy
from latentclust.bundled.inference.langevin import Joint, langevin
from latentclust.bundled.inference.pixel_kmeans import pixel_centroids

LABEL = torch.uint8
"""How the labels of chains are kept: a byte a pixel."""

MOST_CLUSTERS = 256


@dataclass(frozen=True, slots=True)
class MapChainState:
    """Where the chains of a batch are.

    Attributes:
        style: z.
        label: y of each pixel, 0-based.
        posterior: The conditional distributions that y was last drawn from.
        energy: `-log p(x | y, z)` of each pixel under each cluster, up to a constant; nats.
    """

    style: Float32[Tensor, "b d y x"]
    label: Int64[Tensor, "b h w"]
    posterior: Float32[Tensor, "b k h w"]
    energy: Float32[Tensor, "b k h w"]


@final
class LangevinGibbsMaps(AnnealedChainSpec):
    """Samples styles given a label map by Langevin dynamics, and the map given styles by Gibbs sampling, in turn.

    The generator draws every cluster as a layer, so that one pass gives each pixel's likelihood under all clusters,
    Eq. 5. Given the styles pixels are independent, or with the prior's coupling a Potts field, swept by checkerboard.
    Images of the training set keep their chains. Others get new ones: no style and each pixel's best cluster, then
    sweeps that are thrown away, then sweeps whose conditional distributions are averaged.
    """

    reads_maps: ClassVar[bool] = True

    def objection(self, prior: PriorSpec) -> str | None:
        """A prior without label maps, or with more clusters than a byte numbers."""
        if not isinstance(prior, CategoricalMap):
            return "its label maps are drawn from a categorical-map prior"
        return f"it numbers {MOST_CLUSTERS} clusters at most" if prior.clusters > MOST_CLUSTERS else None

    def begin(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Styles from the prior `(n, d, h / stride, w / stride)`, and label maps `(n, h, w)`."""
        prior = _prior(model)
        nearest = pixel_centroids(batches, prior.clusters, rng) if self.first_label == "kmeans" else None
        styles, labels = [], []
        for images in batches:
            size = (len(images), *images.shape[2:])
            drawn = torch.randint(prior.clusters, size, generator=rng, device=rng.device)
            labels.append((nearest(images) if nearest else drawn).to(LABEL))
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
        """One sweep: Langevin steps on the styles, then the label maps (Algorithm 1, steps 4 and 5)."""
        prior = _prior(model)
        joint = self.joint(model, prior.sigma, progress, None if valid is None else valid[:, None].float())
        before = chains["label"].long()
        chain = self._sweep(prior, joint, images, chains["style"], before, progress, rng)
        label = chain.label if progress >= self.hold_label else before
        return Advance(
            chains={"style": chain.style, "label": label.to(LABEL)},
            quantities={
                "posterior_sample": joint.latent(one_hot(label, prior.clusters), chain.style),
                "noise_scale": Scale(images.new_tensor(joint.noise)),
            },
            diagnostics=map_diagnostics(joint, chain),
        )

    @torch.no_grad()
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """The means over sweeps of the pixels' conditionals and of z; raises LatentclustError where chains diverge."""
        prior = _prior(model)
        joint = self.joint(model, prior.sigma, END)
        style = torch.zeros(_grid(prior, images), device=rng.device)
        label = pixel_energies(joint, images, style).argmin(dim=1)
        probabilities, mean = torch.zeros(1, device=rng.device), torch.zeros_like(style)
        for sweep in range(self.burn_in + self.sweeps):
            chain = self._sweep(prior, joint, images, style, label, END, rng)
            check_energy(chain.energy)
            style, label = chain.style, chain.label
            if sweep >= self.burn_in:
                probabilities = probabilities + chain.posterior / self.sweeps
                mean += style / self.sweeps
        return Posterior(probabilities=probabilities, style=mean)

    def _sweep(
        self,
        prior: CategoricalMap,
        joint: Joint,
        images: Images,
        style: Tensor,
        label: Tensor,
        progress: float,
        rng: torch.Generator,
    ) -> MapChainState:
        category, step_size = one_hot(label, prior.clusters), value_at(self.step_size, progress)
        style = langevin(joint, images, category, style, self.steps, step_size, rng)
        energy = pixel_energies(joint, images, style)
        drawn, posterior = potts_sweep(energy, label, prior.coupling, None if self.label == "map" else rng)
        return MapChainState(style, drawn, posterior, energy)


@torch.no_grad()
def pixel_energies(joint: Joint, images: Images, style: Float[Tensor, "b d y x"]) -> Float32[Tensor, "b k h w"]:
    """`|x(u) - G_k(z)(u)|^2 / 2 sigma^2` of every pixel u and cluster k: Eq. 7, from one pass of the generator."""
    generator: LayeredGenerator = joint.generator  # type: ignore[assignment]
    layers = generator.per_cluster(joint.reach * style)
    error = layers.float() - images.float().unsqueeze(1)
    if joint.valid is not None:
        error = error * joint.valid.unsqueeze(1)
    return error.square().sum(dim=2) / (2 * joint.noise**2)


def map_diagnostics(joint: Joint, chain: MapChainState) -> dict[str, Tensor]:
    """What the log says of a batch's chains, 0-d each: energies and entropy in nats a pixel, clusters in use.

    `boundary` is the share of pixels whose right neighbour has another label: how ragged the maps are.
    """
    paid = chain.energy.gather(1, chain.label[:, None]).mean()
    pixels = chain.label[0].numel()
    shares = chain.posterior.mean(dim=(0, 2, 3))
    ragged = (chain.label[..., 1:] != chain.label[..., :-1]).float()
    return {
        "likelihood_energy": paid,
        "style_energy": joint.tension(chain.style).mean() / pixels,
        "label_entropy": torch.special.entr(chain.posterior).sum(dim=1).mean(),
        "occupied": torch.special.entr(shares).sum().exp(),
        "boundary": ragged.mean(),
    }


def _grid(prior: CategoricalMap, images: Images) -> tuple[int, int, int, int]:
    """Shape of the styles of images whose sides are multiples of the style's stride."""
    height, width = images.shape[2:]
    return len(images), prior.style_dim, height // prior.style_stride, width // prior.style_stride


def _prior(model: Model) -> CategoricalMap:
    assert isinstance(model.prior, CategoricalMap), "assembly asked for objections"
    return model.prior
