"""Data opened, preprocessing composed and networks built: all that training and inference need."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from latentclust.assemble.resolve import Resolved
from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.networks import (
    CriticNetwork,
    DiscriminatorNetwork,
    EncoderNetwork,
    GeneratorNetwork,
    TrunkNetwork,
    initialise,
)
from latentclust.recipe.schema import NetworkTable
from latentclust.specs import DecoderSpec, DeviceViewSpec, ExtractorSpec, ImageSet, Model
from latentclust.tensors import Images, Shape


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
    shape = Preprocess(resolved.preprocess).shape(data.source.shape)
    _check_views(resolved, data.source.shape)
    return Experiment(resolved, data, shape, build_networks(resolved, shape))


def _check_sizes(resolved: Resolved, count: int) -> None:
    issues = []
    clusters, batch = resolved.prior.clusters, resolved.recipe.train.batch_size
    if clusters > count:
        issues.append(Issue("prior.clusters", f"{clusters} clusters for {count} samples", f"Use at most {count}"))
    if batch * resolved.recipe.train.devices > count:
        issues.append(Issue("train.batch_size", f"{batch} on each device for a set of {count}", f"Use at most {count}"))
    raise_all(issues)


def _check_views(resolved: Resolved, shape: Shape) -> None:
    """Refuses, before training, a view that cannot take these images or would change their shape."""
    for name, steps in resolved.views.items():
        for step in steps:
            if isinstance(step, DeviceViewSpec) and step.output_shape(shape) != shape:
                what = f"it turns samples of shape {shape} into {step.output_shape(shape)}"
                raise LatentclustError.at(f"views.{name}", what, "Move this step to data.preprocess")


def build_networks(resolved: Resolved, shape: Shape) -> dict[str, nn.Module]:
    """The recipe's networks for samples of `shape`; the recipe's seed alone decides their initial weights."""
    tables = resolved.recipe.networks
    # Those whose features others read come first.
    order = sorted(tables, key=lambda name: (tables[name].reads == "features", resolved.roles[name] == "discriminator"))
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
    try:
        if isinstance(spec, DecoderSpec) and role == "generator":
            return GeneratorNetwork(spec.decoder(prior.width, shape))
        assert isinstance(spec, ExtractorSpec), "resolve checked that the backbone can play the role"
        body = spec.extractor(_input_shape(name, table, role, shape, prior.width, built))
    except LatentclustError as error:
        places = tuple(Issue(f"networks.{name} ({issue.where})", issue.what, issue.fix) for issue in error.issues)
        raise LatentclustError(*places) from error
    match role:
        case "encoder":
            return EncoderNetwork(body, prior.clusters, prior.style_dim)
        case "critic":
            return CriticNetwork(body)
        case "discriminator":
            return DiscriminatorNetwork(body)
        case _:
            return TrunkNetwork(body)


def _input_shape(
    name: str, table: NetworkTable, role: str, shape: Shape, latent: int, built: dict[str, nn.Module]
) -> Shape:
    """The shape of what a network reads."""
    if role == "discriminator":
        return (_feature_width(name, table, built) + latent,)
    if table.reads == "features":
        return (_feature_width(name, table, built),)
    return (latent,) if table.reads == "latent" else shape


def _feature_width(name: str, table: NetworkTable, built: dict[str, nn.Module]) -> int:
    """The size of the features that a network reads: a trunk's representation or an encoder's mid-network features."""
    source = table.features_of or ("trunk" if "trunk" in built else "encoder")
    network = built.get(source)
    if isinstance(network, TrunkNetwork):
        return network.body.width
    if isinstance(network, EncoderNetwork):
        return network.body.feature_width
    what = f"it reads the features of {source!r}, which is no trunk or encoder of this recipe"
    raise LatentclustError.at(f"networks.{name}.features_of", what, "Name a network with role trunk or encoder")
