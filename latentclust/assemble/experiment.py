"""Data opened, preprocessing composed and networks built: all that training and inference need."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from latentclust.assemble.checks import feature_source
from latentclust.assemble.resolve import Resolved
from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.networks import (
    CriticNetwork,
    DiscriminatorNetwork,
    EncoderNetwork,
    GeneratorNetwork,
    HeadsNetwork,
    TrunkNetwork,
    initialise,
)
from latentclust.recipe.schema import NetworkTable
from latentclust.samples import ImageSet
from latentclust.specs import DecoderSpec, DeviceViewSpec, ExtractorSpec, Model
from latentclust.tensors import Images, Shape

SUB_HEADS = 5
"""How many sub-heads a network of the role `heads` has where the recipe does not say (Ji et al. 2019)."""


@dataclass(frozen=True, slots=True)
class Preprocess:
    """The recipe's deterministic steps, in order: from images as stored to images as the networks read them."""

    steps: tuple[DeviceViewSpec, ...]

    def __call__(self, images: Images, rng: torch.Generator) -> Images:
        """Images `(b, *shape)` to `(b, *self.shape(shape))`."""
        for step in self.steps:
            images = step.apply(images, rng)
        return images

    def shape(self, shape: Shape) -> Shape:
        """The shape of a sample after all steps."""
        for step in self.steps:
            shape = step.output_shape(shape)
        return shape


@dataclass(frozen=True, slots=True)
class Experiment:
    """A resolved recipe with its data and networks.

    Attributes:
        data: The training split.
        shape: Shape of one preprocessed sample.
        networks: Role networks by name, on the CPU until training moves them.
    """

    resolved: Resolved
    data: ImageSet
    shape: Shape
    networks: dict[str, nn.Module]

    @property
    def preprocess(self) -> Preprocess:
        """From stored to read images."""
        return Preprocess(self.resolved.preprocess)

    def model(self) -> Model:
        """What inference reads; the caller puts the networks into evaluation mode."""
        return Model(self.networks, self.resolved.prior)


def assemble(resolved: Resolved, roots: tuple[Path, ...]) -> Experiment:
    """Opens the data and builds the networks.

    Raises:
        LatentclustError: where the data are absent or broken, too few for the clusters or the batch, or of a
            shape that a backbone cannot take.
    """
    data = resolved.dataset.open(roots)
    _check_sizes(resolved, len(data.source))
    with _placed("data.preprocess"):
        shape = Preprocess(resolved.preprocess).shape(data.source.shape)
    _check_views(resolved, data.source.shape)
    return Experiment(resolved, data, shape, build_networks(resolved, shape))


def _check_sizes(resolved: Resolved, count: int) -> None:
    issues = []
    clusters, batch, devices = resolved.prior.clusters, resolved.recipe.train.batch_size, resolved.recipe.train.devices
    if clusters > count:
        issues.append(Issue("prior.clusters", f"{clusters} clusters for {count} samples", f"Use at most {count}"))
    if batch * devices > count:
        what = f"{batch} on each of {devices} device(s) for a set of {count}"
        issues.append(Issue("train.batch_size", what, f"Use at most {count // devices}"))
    raise_all(issues)


def _check_views(resolved: Resolved, shape: Shape) -> None:
    """Refuses, before training, a view that cannot take these images or would change their shape."""
    for name, steps in resolved.views.items():
        for step in steps:
            with _placed(f"views.{name}"):
                after = step.output_shape(shape) if isinstance(step, DeviceViewSpec) else shape
            if after != shape:
                what = f"it turns samples of shape {shape} into {after}"
                raise LatentclustError.at(f"views.{name}", what, "Move this step to data.preprocess")


@contextmanager
def _placed(place: str) -> Iterator[None]:
    """Says of a part's own issues which table named it."""
    try:
        yield
    except LatentclustError as error:
        raise LatentclustError(*(Issue(f"{place} ({i.where})", i.what, i.fix) for i in error.issues)) from error


def build_networks(resolved: Resolved, shape: Shape) -> dict[str, nn.Module]:
    """The recipe's networks for samples of `shape`; the recipe's seed alone decides their initial weights."""
    tables = resolved.recipe.networks
    # Those whose features others read come first.
    order = sorted(tables, key=lambda name: (resolved.roles[name] == "discriminator", tables[name].reads == "features"))
    networks: dict[str, nn.Module] = {}
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(resolved.recipe.seed)
        for name in order:
            network = _build(resolved, name, shape, networks)
            initialise(network, tables[name].init)
            if tables[name].frozen:
                network.requires_grad_(False).eval()
            networks[name] = network
    return {name: networks[name] for name in tables}


def _build(resolved: Resolved, name: str, shape: Shape, built: dict[str, nn.Module]) -> nn.Module:
    """One network, sized from what it reads and from the prior."""
    table, role, spec, prior = (
        resolved.recipe.networks[name],
        resolved.roles[name],
        resolved.backbones[name],
        resolved.prior,
    )
    with _placed(f"networks.{name}"):
        if isinstance(spec, DecoderSpec) and role == "generator":
            return GeneratorNetwork(spec.decoder(prior.width, shape))
        assert isinstance(spec, ExtractorSpec), "resolve checked that the backbone can play the role"
        body = spec.extractor(_input_shape(resolved, table, role, shape, built))
    match role:
        case "encoder":
            return EncoderNetwork(body, prior.clusters, prior.style_dim, table.log_variance)
        case "critic":
            return CriticNetwork(body)
        case "discriminator":
            return DiscriminatorNetwork(body)
        case "heads":
            return HeadsNetwork(body, table.heads or SUB_HEADS, table.clusters or prior.clusters)
        case _:
            return TrunkNetwork(body)


def _input_shape(
    resolved: Resolved, table: NetworkTable, role: str, shape: Shape, built: Mapping[str, nn.Module]
) -> Shape:
    """The shape of what a network reads."""
    if role == "discriminator":
        return (_feature_width(resolved, table, built) + resolved.prior.width,)
    if table.reads == "features":
        return (_feature_width(resolved, table, built),)
    return (resolved.prior.width,) if table.reads == "latent" else shape


def _feature_width(resolved: Resolved, table: NetworkTable, built: Mapping[str, nn.Module]) -> int:
    """The size of the features that a network reads: a trunk's representation or an encoder's mid-network features."""
    network = built[feature_source(resolved.recipe, table)]
    if isinstance(network, TrunkNetwork):
        return network.body.width
    assert isinstance(network, EncoderNetwork), "resolve checked whose features are read"
    return network.body.feature_width
