"""Inference by a Gaussian mixture of what a model reads (Dempster, Laird and Rubin 1977)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, ClassVar, final

import torch
from jaxtyping import Bool, Float
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor
from torch.nn import functional

from latentclust.api import Images, InferenceSpec, Mask, Model, Posterior, PriorSpec
from latentclust.bundled.categorical_map import CategoricalMap, mean_field
from latentclust.bundled.mixtures.expectation import Form, Maximisation, one_pass
from latentclust.bundled.mixtures.kmeans_start import fitted_from_kmeans, require_distinct
from latentclust.bundled.mixtures.merging import Linkage, merged, of_clusters
from latentclust.bundled.mixtures.mixture import Mixture, chunks
from latentclust.bundled.neighbour_weights import contrast_precision, weights_of
from latentclust.bundled.thinning import thinned

Share = Annotated[float, Field(ge=0, le=1)]


@final
class GaussianMixture(InferenceSpec):
    """Posterior under a Gaussian mixture of the pixels, or of the vectors of whole samples, after preprocessing.

    Each start begins with k-means of an evenly spread sample and iterates expectation maximisation there. The start of
    largest likelihood goes on with iterations over all valid pixels, whose moments are summed batch by batch. With more
    components than clusters, components are merged, and the probability of a cluster is the sum over its components.
    Under a prior of label maps with `coupling`, mean-field iterations smooth the posteriors. Pixels without data do not
    count there. It needs no network, and no training. The style is empty.

    With `contrast` the coupling of two neighbours has the factor `exp(-contrast d / 2)` (Boykov and Jolly 2001), where
    `d` is the squared difference of what is clustered, divided for each channel by its mean over all pairs of
    neighbours in the training images, and averaged over channels. So smoothing ends at edges. The means are kept in the
    model, so that windows of any size are labelled alike. With 1 the factors are those of GrabCut (Rother, Kolmogorov
    and Blake 2004).

    Example:
        ```toml
        [inference]
        use = "gaussian-mixture"
        covariance = "tied"
        n_init = 5
        ```
    """

    reads_maps: ClassVar[bool] = True

    network: str | None = None
    """Name of an encoder, critic, trunk or heads whose representation is clustered. None: what networks read."""

    covariance: Form = "full"
    """Covariances: `full` for one for each component, `tied` for one for all, `diagonal` for channels without
    correlations."""

    components: PositiveInt | None = None
    """Number of components. Defaults to the number of clusters. With more, components are merged."""

    linkage: Linkage = "ward"
    """Criterion by which components are merged: `ward` for the distance of their means, `overlap` for the probability
    to confuse two of them."""

    shrinkage: Share = 0.0
    """Weight of the mean covariance in that of each component. With 1 the covariances are tied."""

    floor: PositiveFloat = 1e-3
    """Variance that is added to each channel of a component, as a share of the channel's variance over all samples."""

    n_init: PositiveInt = 3
    """Number of starts."""

    sample: PositiveInt = 20_000
    """Largest number of pixels or samples that starts are compared on, evenly spread."""

    max_iter: PositiveInt = 200
    """Largest number of iterations of a start."""

    tolerance: PositiveFloat = 1e-4
    """Change of the mean log likelihood, in nats, below which a start has converged."""

    passes: NonNegativeInt = 2
    """Number of iterations over all pixels or samples."""

    smoothing: NonNegativeInt = 5
    """Number of mean-field iterations if the prior has a coupling. A pixel depends on those within as many steps."""

    contrast: NonNegativeFloat = 0.0
    """How much a difference between neighbours weakens their coupling. 0 couples all alike. It needs a coupling."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the network, if one is read."""
        return () if self.network is None else (self.network,)

    @property
    def represents(self) -> tuple[str, ...]:
        """Name of the network, if one is read."""
        return self.needs

    def objection(self, prior: PriorSpec) -> str | None:
        """Return why the components do not suffice for the clusters of a prior, or why it has nothing to weaken."""
        if self.components is not None and self.components < prior.clusters:
            return f"{self.components} components are fewer than {prior.clusters} clusters"
        if self.contrast and not _coupling(prior):
            return f"contrast = {self.contrast:g} weakens the coupling of neighbours, and the prior has none"
        return None

    def fit_valid(
        self, model: Model, batches: Iterable[tuple[Images, Mask]], rng: torch.Generator
    ) -> dict[str, Tensor]:
        """Return `weights` `(m,)`, `means` `(m, d)`, `covariances` `(m or 1, d, d)` and `cluster` `(m,)` of components.

        With `contrast` also the `precision` `(d,)` of the differences of neighbours.

        Raises:
            LatentclustError: If there are fewer distinct points than components.
        """
        # Shuffled, because every nth pixel of rows of a multiple of n pixels lies in few columns.
        shuffled = (
            (points[torch.randperm(len(points), generator=rng, device=rng.device)],)
            for points in self._points(model, batches)
        )
        (sample,) = thinned(shuffled, self.sample)
        clusters = model.prior.clusters
        components = self.components or clusters
        require_distinct(sample, components, "inference.components")
        step = Maximisation.of_sample(self.covariance, self.shrinkage, self.floor, sample)
        limits = (self.max_iter, self.tolerance)
        steps, starts = self.n_init + self.passes, []
        for start in range(self.n_init):
            model.on_step(start, steps)
            starts.append(fitted_from_kmeans(step, sample, components, *limits, rng))
        mixture, _ = max(starts, key=lambda start: start[1])
        for number in range(self.passes):
            model.on_step(self.n_init + number, steps)
            mixture, _ = one_pass(step, mixture, lambda: self._points(model, batches))
        posteriors = mixture.posteriors(sample, torch.float64)
        state = {**mixture.state(), "cluster": merged(self.linkage, mixture, posteriors, clusters)}
        if self.contrast:
            state["precision"] = contrast_precision(
                (_at(self._read(model, images), mask.shape[1:]), mask) for images, mask in batches
            )
        return state

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Return the posterior of the clusters. `rng` is not used."""
        return self._mixed(model, images, state, None)

    def posterior_valid(
        self, model: Model, images: Images, valid: Mask, state: Mapping[str, Tensor], rng: torch.Generator
    ) -> Posterior:
        """Return the posterior of the clusters, to which pixels without data do not contribute. `rng` is not used."""
        return self._mixed(model, images, state, valid)

    def _mixed(self, model: Model, images: Images, state: Mapping[str, Tensor], valid: Mask | None) -> Posterior:
        densities, cluster = Mixture.of_state(state).densities(torch.float32), state["cluster"]

        def log_joint(points: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
            return torch.cat([of_clusters(densities(p), cluster, model.prior.clusters) for p in chunks(points)])

        return self._posterior(model, images, log_joint, state, valid)

    def as_function(self, model: Model, state: Mapping[str, Tensor]) -> Callable[[Images], Posterior]:
        """Return the posterior with the factors of the mixture as constants, without chunks of the pixels."""
        densities = Mixture.of_state(state).densities(torch.float32)
        members = [[int(at) for at in (state["cluster"] == each).nonzero()] for each in range(model.prior.clusters)]

        def log_joint(points: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
            components = densities.columns(points)
            parts = [torch.stack([components[at] for at in each], dim=1).logsumexp(dim=1) for each in members]
            return torch.stack(parts, dim=1)

        return lambda images: self._posterior(model, images, log_joint, state)

    def _posterior(
        self,
        model: Model,
        images: Images,
        log_joint_of: Callable[[Tensor], Tensor],
        state: Mapping[str, Tensor],
        valid: Mask | None = None,
    ) -> Posterior:
        """Return the posterior from the function of points to the log densities of clusters."""
        read = self._read(model, images)
        points = read.movedim(1, -1)
        found = log_joint_of(points.flatten(0, -2))
        log_joint = found.view(*points.shape[:-1], model.prior.clusters).movedim(-1, 1)
        coupling = _coupling(model.prior)
        if log_joint.shape[2:] != images.shape[2:] and model.prior.per_pixel:
            log_joint = _at(log_joint.log_softmax(dim=1), images.shape[2:])
        if coupling:
            seen = _at(read, images.shape[2:]) if self.contrast else None
            weights = weights_of(seen, state.get("precision"), self.contrast, valid)
            probabilities = mean_field(log_joint, coupling, self.smoothing, weights)
        else:
            probabilities = log_joint.softmax(dim=1)
        return Posterior(probabilities=probabilities, style=images.new_zeros(images.shape[0], 0))

    def _read(self, model: Model, images: Images) -> Float[Tensor, "b d *s"]:
        """Return what is clustered: a map `(b, d, h', w')`, or vectors `(b, d)`."""
        read = images if self.network is None else model.represent(self.network, images)
        return read.float() if model.prior.per_pixel else read.float().flatten(1)

    def _points(self, model: Model, batches: Iterable[tuple[Images, Mask]]) -> Iterator[Float[Tensor, "_ d"]]:
        """Yield the valid points batch by batch."""
        for images, mask in batches:
            read = self._read(model, images)
            if read.ndim == 2:
                yield read[mask.flatten(1).any(dim=1)] if mask.ndim > 1 else read[mask]
            else:
                yield read.movedim(1, -1)[_at_size(mask, read.shape[2:])]


def _coupling(prior: PriorSpec) -> float:
    """Return the coupling of neighbours under a prior in nats, 0 without one."""
    return prior.coupling if isinstance(prior, CategoricalMap) else 0.0


def _at(maps: Float[Tensor, "b d y x"], size: torch.Size) -> Float[Tensor, "b d h w"]:
    """Return maps that are enlarged to a size."""
    return maps if maps.shape[2:] == size else functional.interpolate(maps, size, mode="bilinear")


def _at_size(mask: Bool[Tensor, "b h w"], size: torch.Size) -> Bool[Tensor, "b y x"]:
    """Return a mask of the cells of a coarser map: valid if all their pixels are."""
    if mask.shape[1:] == size:
        return mask
    return functional.adaptive_max_pool2d((~mask).float()[:, None], size)[:, 0] == 0
