"""Langevin-Gibbs inference of one cluster per image: Zhu et al. 2019, Algorithm 1 and Eqs. 2 to 7."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal, final

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from latentclust.api import (
    Advance,
    Images,
    LatentclustError,
    Mask,
    Model,
    Posterior,
    PriorSpec,
    Scale,
    value_at,
)
from latentclust.bundled.categorical_map import draw, one_hot
from latentclust.bundled.inference.annealing import FINAL_PROGRESS, AnnealedChainSpec
from latentclust.bundled.inference.kmeans import centroid_probabilities, fit_centroids
from latentclust.bundled.inference.langevin import JointDensity, langevin
from latentclust.bundled.priors import OneHotGaussian


@dataclass(frozen=True, slots=True)
class ChainState:
    """The states of the chains of a batch.

    Attributes:
        style: Styles z.
        label: Clusters y, 0-based.
        posterior: Posterior p(y | x, z) of the last sweep.
        energy: Energy `-log p(x, y, z)` in nats, up to a constant.
    """

    style: Float32[Tensor, "b s"]
    label: Int64[Tensor, " b"]
    posterior: Float32[Tensor, "b k"]
    energy: Float32[Tensor, " b"]

    def checked(self) -> "ChainState":
        """Return this state. Raise LatentclustError with the energy if the chains have diverged."""
        check_energy(self.energy)
        return self


def check_energy(energy: Float[Tensor, "b *s"]) -> None:
    """Raise LatentclustError with the energy if chains have diverged."""
    total = float(energy.sum())
    if not isfinite(total):
        raise LatentclustError.at(
            "inference.step_size",
            f"the Langevin chains diverged: their energy is {total}",
            "Lower inference.step_size, or raise inference.noise",
        )


@final
class LangevinGibbs(AnnealedChainSpec):
    """Alternates Langevin sampling of the style given the cluster with exact sampling of the cluster given the style.

    Training images keep their chains between rounds. Other images get new chains: a style is sampled for each cluster,
    the most probable pair starts the chain, the first sweeps are discarded and the posteriors of the rest are averaged.
    With one chain per cluster, these chains run for all sweeps, and the discarded ones follow the schedules.

    `steps`, `step_size`, `noise` and `label` belong to the paper. The other options, off by default, help if the style
    alone explains the images: the `noise` may decrease, `reach` may increase from 0, there may be one chain per
    cluster (`chains`), and labels may start with k-means (`first_label`) and be kept for a while (`hold_label`).

    Example:
        ```toml
        [inference]
        use = "langevin-gibbs"
        steps = 100
        step_size = 0.01
        noise = { start = 1.0, end = 0.3, until = 0.5 }
        ```
    """

    chains: Literal["sample", "cluster"] = "sample"
    """`sample` for one chain per sample, `cluster` for one chain, with its own style, per sample and cluster.

    The second proposes each cluster with the style that fits it best, like Algorithm 1 of ClusterGAN, and weights the
    pairs by p(x, y, z). It is a heuristic: exact Gibbs sampling compares the clusters with one style.
    """

    def objection(self, prior: PriorSpec) -> str | None:
        """Return why a prior is unsuitable: it has no clusters or its style is not Gaussian. None if it is suitable."""
        return None if isinstance(prior, OneHotGaussian) else "its clusters are drawn from a one-hot-gaussian prior"

    def begin(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Return styles from the prior, `(n, s)` or with one chain per cluster `(n, k, s)`, and labels `(n,)`."""
        images = torch.cat(list(batches))
        clusters, count = model.prior.clusters, len(images)
        if self.first_label == "kmeans":
            points = images.flatten(1).cpu()
            label = centroid_probabilities(points, fit_centroids(points, clusters, 1, rng)).argmax(dim=1)
        else:
            label = torch.randint(clusters, (count,), generator=rng, device=rng.device)
        every = (clusters,) if self.chains == "cluster" else ()
        style = torch.randn(count, *every, model.prior.style_dim, generator=rng, device=rng.device)
        return {"style": _style_sigma(model) * style, "label": label.to(rng.device)}

    def advance(
        self,
        model: Model,
        images: Images,
        chains: Mapping[str, Tensor],
        progress: float,
        rng: torch.Generator,
        valid: Mask | None = None,
    ) -> Advance:
        """Run one sweep: Langevin steps of the styles, then a draw of the clusters (Algorithm 1, steps 4 and 5)."""
        joint, clusters = self._density(model, progress), model.prior.clusters
        style, label = chains["style"], chains["label"]
        if self.chains == "cluster":
            style = styles = self._move_every(joint, images, style, progress, rng)
        else:
            style = self._move(joint, images, one_hot(label, clusters), style, progress, rng)
            styles = style[:, None].expand(-1, clusters, -1)
        energy = cluster_energies(joint, images, styles)
        posterior = (-energy).softmax(dim=1)
        if progress >= self.hold_label:
            label = self._choose(posterior, rng)
        chosen = styles[torch.arange(len(label), device=label.device), label]
        paid = energy.gather(1, label[:, None])[:, 0]
        return Advance(
            chains={"style": style, "label": label},
            quantities={
                "posterior_sample": joint.latent(one_hot(label, clusters), chosen),
                "noise_scale": Scale(images.new_tensor(joint.noise)),
            },
            diagnostics=diagnostics(joint, chosen, paid, posterior),
        )

    @torch.no_grad()
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Return the means over sweeps of p(y | x, z) and of z. Raise LatentclustError if the chains diverge."""
        if self.chains == "cluster":
            return self._posterior_of_every(model, images, rng)
        chain, first = self.new_chains(model, images, rng), model.prior.clusters  # which take as long as a sweep each
        probabilities, style = torch.zeros_like(chain.posterior), torch.zeros_like(chain.style)
        for sweep in range(self.burn_in + self.sweeps):
            model.on_step(first + sweep, first + self.burn_in + self.sweeps)
            chain = self.sweep(model, images, chain, rng)
            if sweep >= self.burn_in:
                probabilities += chain.posterior / self.sweeps
                style += chain.style / self.sweeps
        return Posterior(probabilities=probabilities, style=style)

    def _posterior_of_every(self, model: Model, images: Images, rng: torch.Generator) -> Posterior:
        """Return the means over sweeps with one chain per cluster, which compare the clusters as the training did.

        The discarded sweeps follow the schedules of the training, as the chains of the training images did.
        """
        shape = (len(images), model.prior.clusters, model.prior.style_dim)
        styles = _style_sigma(model) * torch.randn(shape, generator=rng, device=rng.device)
        for sweep in range(self.burn_in):
            progress = sweep / self.burn_in
            model.on_step(sweep, self.burn_in + self.sweeps)
            styles = self._move_every(self._density(model, progress), images, styles, progress, rng)
        joint = self._density(model, FINAL_PROGRESS)
        probabilities, style = torch.zeros(shape[:2], device=rng.device), torch.zeros_like(styles[:, 0])
        for sweep in range(self.sweeps):
            model.on_step(self.burn_in + sweep, self.burn_in + self.sweeps)
            styles = self._move_every(joint, images, styles, FINAL_PROGRESS, rng)
            energy = cluster_energies(joint, images, styles)
            check_energy(energy)
            posterior = (-energy).softmax(dim=1)
            probabilities += posterior / self.sweeps
            style += (posterior[:, :, None] * styles).sum(dim=1) / self.sweeps
        return Posterior(probabilities=probabilities, style=style)

    def new_chains(self, model: Model, images: Images, rng: torch.Generator) -> ChainState:
        """Return new chains of a batch: the most probable pair after sampling a style for each cluster."""
        joint = self._density(model, FINAL_PROGRESS)
        shape = (len(images), model.prior.clusters, model.prior.style_dim)
        start = joint.width * torch.randn(shape, generator=rng, device=rng.device)
        styles = self._move_every(joint, images, start, FINAL_PROGRESS, rng)
        energy = cluster_energies(joint, images, styles)
        label = energy.argmin(dim=1)
        style = styles[torch.arange(len(label), device=label.device), label]
        return ChainState(style, label, (-energy).softmax(dim=1), energy.amin(dim=1)).checked()

    def sweep(self, model: Model, images: Images, chain: ChainState, rng: torch.Generator) -> ChainState:
        """Return the chains after one sweep, with the schedules at the end of the training."""
        joint, clusters = self._density(model, FINAL_PROGRESS), model.prior.clusters
        style = self._move(joint, images, one_hot(chain.label, clusters), chain.style, FINAL_PROGRESS, rng)
        energy = cluster_energies(joint, images, style[:, None].expand(-1, clusters, -1))
        posterior = (-energy).softmax(dim=1)
        label = self._choose(posterior, rng)
        return ChainState(style, label, posterior, energy.gather(1, label[:, None])[:, 0]).checked()

    def _density(self, model: Model, progress: float) -> JointDensity:
        return self.joint_density(model, _style_sigma(model), progress)

    def _move(
        self,
        joint: JointDensity,
        images: Images,
        category: Tensor,
        style: Tensor,
        progress: float,
        rng: torch.Generator,
    ) -> Tensor:
        return langevin(joint, images, category, style, self.steps, value_at(self.step_size, progress), rng)

    def _move_every(
        self, joint: JointDensity, images: Images, styles: Tensor, progress: float, rng: torch.Generator
    ) -> Tensor:
        """Return the styles of all clusters `(b, k, s)` after Langevin steps in one batch."""
        rows, category = repeat_for_clusters(images, styles.shape[1])
        return self._move(joint, rows, category, styles.flatten(0, 1), progress, rng).view_as(styles)

    def _choose(self, posterior: Tensor, rng: torch.Generator) -> Tensor:
        return posterior.argmax(dim=1) if self.label == "map" else draw(posterior, rng)


def _style_sigma(model: Model) -> float:
    """Return the standard deviation of the prior style."""
    assert isinstance(model.prior, OneHotGaussian), "assembly checks objections"
    return model.prior.sigma


def repeat_for_clusters(images: Images, clusters: int) -> tuple[Images, Float32[Tensor, "bk k"]]:
    """Return each image once per cluster, `(b k, ...)`, and the one-hot clusters of these rows."""
    category = torch.eye(clusters, device=images.device).repeat(len(images), 1)
    return Images(images.repeat_interleave(clusters, dim=0)), category


@torch.no_grad()
def cluster_energies(joint: JointDensity, images: Images, styles: Float[Tensor, "b k s"]) -> Float32[Tensor, "b k"]:
    """Return `-log p(x, y, z_y)` of every cluster y in nats, up to a constant, from one pass of the generator.

    With the same style for all clusters this is Eq. 7: the prior term is then the same for all. With reach 0 the styles
    are draws from the prior that do not affect the image, so the prior term is omitted.
    """
    count, clusters = styles.shape[:2]
    style = styles.flatten(0, 1)
    energy = joint.reconstruction_term(*repeat_for_clusters(images, clusters), style)
    return (energy + joint.prior_term(style) if joint.reach else energy).view(count, clusters)


def diagnostics(
    joint: JointDensity, style: Float[Tensor, "b s"], energy: Float[Tensor, " b"], posterior: Float[Tensor, "b k"]
) -> dict[str, Tensor]:
    """Return the diagnostics of the chains of a batch for the log: batch means, 0-d, energies and entropy in nats.

    `energy` is the sum of the likelihood term and the style term, without the latter while the reach is 0.
    `occupied` is the exponential of the entropy of the cluster shares: the effective number of clusters.
    """
    style_energy = joint.prior_term(style).mean()
    return {
        "energy": energy.mean(),
        "likelihood_energy": energy.mean() - style_energy if joint.reach else energy.mean(),
        "style_energy": style_energy,
        "label_entropy": torch.special.entr(posterior).sum(dim=1).mean(),
        "occupied": torch.special.entr(posterior.mean(dim=0)).sum().exp(),
    }
