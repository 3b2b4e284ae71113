"""Langevin-Gibbs inference: Xing et al. 2020, Algorithm 1 and Eqs. 2 to 7."""

from collections.abc import Iterable, Mapping
from typing import Literal, final

import torch
from torch import Tensor

from latentclust.api import (
    Advance,
    Images,
    Mask,
    Model,
    Posterior,
    PriorSpec,
    Scale,
    value_at,
)
from latentclust.bundled.categories import draw, one_hot
from latentclust.bundled.inference.annealing import END, AnnealedChainSpec
from latentclust.bundled.inference.gibbs import ChainState, diagnostics, energies, every_cluster
from latentclust.bundled.inference.kmeans import centroid_probabilities, fit_centroids
from latentclust.bundled.inference.langevin import Joint, langevin
from latentclust.bundled.priors import OneHotGaussian


@final
class LangevinGibbs(AnnealedChainSpec):
    """Samples style given cluster by Langevin dynamics, and cluster given style from its exact posterior, in turn.

    Images of the training set keep their chains from round to round. Other images get new ones: a style for each
    cluster, of which the most probable pair begins the chain; then sweeps that are thrown away, then sweeps whose
    posteriors are averaged.

    The first options are the paper's. The others, off by default, are means to make it cluster where the style
    alone would explain everything: `noise` may fall, `reach` may rise from 0, `chains` may be kept for every cluster,
    and labels may begin with k-means and be held for a while.
    """

    chains: Literal["sample", "cluster"] = "sample"
    """One chain a sample, or one for every cluster, each keeping a style of its own.

    The second proposes each cluster with the style that suits it, as ClusterGAN's Algorithm 1 does, and weighs the
    pairs by p(x, y, z). It is a heuristic, not exact Gibbs sampling, where one style is held while clusters compete.
    """

    def objection(self, prior: PriorSpec) -> str | None:
        """A prior without clusters cannot be inferred exactly, nor one whose style is not Gaussian."""
        return None if isinstance(prior, OneHotGaussian) else "its clusters are drawn from a one-hot-gaussian prior"

    def begin(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Styles from the prior `(n, s)`, or `(n, k, s)` with chains for every cluster, and labels `(n,)`."""
        images = torch.cat(list(batches))
        clusters, count = model.prior.clusters, len(images)
        if self.first_label == "kmeans":
            points = images.flatten(1).cpu()
            label = centroid_probabilities(points, fit_centroids(points, clusters, 1, rng)).argmax(dim=1)
        else:
            label = torch.randint(clusters, (count,), generator=rng, device=rng.device)
        every = (clusters,) if self.chains == "cluster" else ()
        style = torch.randn(count, *every, model.prior.style_dim, generator=rng, device=rng.device)
        return {"style": _width(model) * style, "label": label.to(rng.device)}

    def advance(
        self,
        model: Model,
        images: Images,
        chains: Mapping[str, Tensor],
        progress: float,
        rng: torch.Generator,
        valid: Mask | None = None,
    ) -> Advance:
        """One sweep: Langevin steps on the styles, then a cluster (Algorithm 1, steps 4 and 5)."""
        joint, clusters = self._joint(model, progress), model.prior.clusters
        style, label = chains["style"], chains["label"]
        if self.chains == "cluster":
            style = styles = self._move_every(joint, images, style, progress, rng)
        else:
            style = self._move(joint, images, one_hot(label, clusters), style, progress, rng)
            styles = style[:, None].expand(-1, clusters, -1)
        energy = energies(joint, images, styles)
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
        """The means over sweeps of p(y | x, z) and of z; raises LatentclustError where chains diverge."""
        chain = self.cold(model, images, rng)
        probabilities, style = torch.zeros_like(chain.posterior), torch.zeros_like(chain.style)
        for sweep in range(self.burn_in + self.sweeps):
            chain = self.sweep(model, images, chain, rng)
            if sweep >= self.burn_in:
                probabilities += chain.posterior / self.sweeps
                style += chain.style / self.sweeps
        return Posterior(probabilities=probabilities, style=style)

    def cold(self, model: Model, images: Images, rng: torch.Generator) -> ChainState:
        """New chains of a batch: a style for each cluster, and of these pairs the most probable."""
        joint = self._joint(model, END)
        shape = (len(images), model.prior.clusters, model.prior.style_dim)
        start = joint.width * torch.randn(shape, generator=rng, device=rng.device)
        styles = self._move_every(joint, images, start, END, rng)
        energy = energies(joint, images, styles)
        label = energy.argmin(dim=1)
        style = styles[torch.arange(len(label), device=label.device), label]
        return ChainState(style, label, (-energy).softmax(dim=1), energy.amin(dim=1)).checked()

    def sweep(self, model: Model, images: Images, chain: ChainState, rng: torch.Generator) -> ChainState:
        """Chains after Langevin steps and a choice of the cluster, with sigma as at the end of the training."""
        joint, clusters = self._joint(model, END), model.prior.clusters
        style = self._move(joint, images, one_hot(chain.label, clusters), chain.style, END, rng)
        energy = energies(joint, images, style[:, None].expand(-1, clusters, -1))
        posterior = (-energy).softmax(dim=1)
        label = self._choose(posterior, rng)
        return ChainState(style, label, posterior, energy.gather(1, label[:, None])[:, 0]).checked()

    def _joint(self, model: Model, progress: float) -> Joint:
        return self.joint(model, _width(model), progress)

    def _move(
        self, joint: Joint, images: Images, category: Tensor, style: Tensor, progress: float, rng: torch.Generator
    ) -> Tensor:
        return langevin(joint, images, category, style, self.steps, value_at(self.step_size, progress), rng)

    def _move_every(
        self, joint: Joint, images: Images, styles: Tensor, progress: float, rng: torch.Generator
    ) -> Tensor:
        """Every cluster's style `(b, k, s)`, all in one batch."""
        rows, category = every_cluster(images, styles.shape[1])
        return self._move(joint, rows, category, styles.flatten(0, 1), progress, rng).view_as(styles)

    def _choose(self, posterior: Tensor, rng: torch.Generator) -> Tensor:
        return posterior.argmax(dim=1) if self.label == "map" else draw(posterior, rng)


def _width(model: Model) -> float:
    """Standard deviation of the prior's style."""
    assert isinstance(model.prior, OneHotGaussian), "assembly asked for objections"
    return model.prior.sigma
