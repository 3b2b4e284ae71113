"""Every registered part as a test's parameter, and two models small enough to run all of them on.

A test that takes an argument named after a kind (`loss`, `prior` …) runs for every part of that kind that is
installed; one that takes `part` runs for every part with options, and `ARGUMENTS` names the other arguments. A part
that cannot do without an option, or that takes long with its defaults, is named in `EXAMPLES`.

One model is of vectors, the other of label maps. A loss or a quantity whose plan reads which pixels count, or where a
view came from, runs on the latter, as do the parts that say themselves that they read maps.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import nn

from latentclust.assemble.checks import MAP_ROLES, ROLES
from latentclust.assemble.plan import Binder, Plan
from latentclust.bodies import DecoderSpec, ExtractorSpec, LayeredDecoderSpec, MapExtractorSpec
from latentclust.bundled.backbones.layered import LayeredDecoderNetwork
from latentclust.bundled.backbones.map_layers import MapConv, PixelMlp
from latentclust.bundled.backbones.mlp import Mlp
from latentclust.bundled.label_maps import CategoricalMap
from latentclust.bundled.priors import OneHotGaussian
from latentclust.errors import Issue
from latentclust.inferences import ChainSpec
from latentclust.map_networks import EncoderMapNetwork, HeadsMapNetwork, LayeredGeneratorNetwork, TrunkMapNetwork
from latentclust.networks import (
    CriticNetwork,
    DiscriminatorNetwork,
    EncoderNetwork,
    GeneratorNetwork,
    HeadsNetwork,
    TrunkNetwork,
)
from latentclust.recipe.schema import LossTable
from latentclust.registry import KINDS, SPECS, Part, Registry, installed
from latentclust.roles import Heads
from latentclust.specs import BaselineSpec, DeviceViewSpec, HostViewSpec, LossSpec, MapBaselineSpec, Spec
from latentclust.tensors import Alignment, Images, Mask, Scale

EXAMPLES: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("backbone", "timm"): {"model": "test_resnet"},
    ("backbone", "timm-maps"): {"model": "test_resnet", "pretrained": "none"},
    ("view", "timm-features"): {"model": "test_resnet", "pretrained": "none"},
    ("prior", "categorical-map"): {"clusters": 3, "side": 8, "style_stride": 4},
    ("prior", "gaussian"): {"clusters": 3},
    ("prior", "gaussian-mixture"): {"clusters": 3},
    ("prior", "one-hot-gaussian"): {"clusters": 3},
    ("prior", "uniform"): {"clusters": 3},
    ("view", "albumentations"): {"transforms": [{"name": "HorizontalFlip", "p": 0.5}, {"name": "RandomGamma"}]},
    ("inference", "backprop-decoding"): {"iterations": 3},
    ("inference", "langevin-gibbs"): {"steps": 3},
    ("inference", "langevin-gibbs-maps"): {"steps": 3},
    ("dataset", "array"): {"path": "absent.npy"},
    ("dataset", "image-folder"): {"path": "absent"},
    ("dataset", "image-mask-folder"): {"path": "absent"},
    ("dataset", "raster"): {"path": "absent.tif"},
}

BATCH, CLUSTERS, STYLE = 6, 3, 5
SIDE, STRIDE = 8, 4
"""Of the label maps, and of their style's grid; pixels."""

NETWORKS: Mapping[str, type] = {**ROLES, **MAP_ROLES, "overclustering": Heads}
"""Every network that bundled quantities ask for, with its role."""

VALUES = CLUSTERS + STYLE
"""Samples, latents and features are equally wide, so that one critic may score any of them, and one head read any."""

Make = Callable[[Part], Any]


ARGUMENTS: Mapping[str, tuple[tuple[str, ...], type]] = {
    **{kind: ((kind,), object) for kind in KINDS},
    "part": (tuple(SPECS), Spec),
    "extractor": (("backbone",), ExtractorSpec),
    "decoder": (("backbone",), DecoderSpec),
    "map_extractor": (("backbone",), MapExtractorSpec),
    "layered_decoder": (("backbone",), LayeredDecoderSpec),
    "device_view": (("view",), DeviceViewSpec),
    "host_view": (("view",), HostViewSpec),
    "image_baseline": (("baseline",), BaselineSpec),
    "map_baseline": (("baseline",), MapBaselineSpec),
}
"""The arguments of tests that stand for parts: of which kinds, and of which class."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a part."""
    for argument, (kinds, base) in ARGUMENTS.items():
        if argument in metafunc.fixturenames:
            every = [part for kind in kinds for part in installed().parts(kind)]
            found = [part for part in every if base is object or issubclass(part.value, base)]
            ids = [f"{part.kind}-{part.name}" if len(kinds) > 1 else part.name for part in found]
            metafunc.parametrize(argument, found, ids=ids)


@pytest.fixture
def make(registry: Registry) -> Make:
    """Builds a part with its defaults, but for what `EXAMPLES` says."""

    def build(part: Part) -> Spec:
        return registry.build(part.kind, part.qualified, EXAMPLES.get((part.kind, part.name), {}), part.qualified)

    return build


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def networks() -> dict[str, nn.Module]:
    """A network in each role, under the role's name, for vectors; and overclustering heads."""
    torch.manual_seed(0)
    body = Mlp(hidden=(VALUES,))
    encoder = EncoderNetwork(body.extractor((VALUES,)), CLUSTERS, STYLE, log_variance=True)
    return {
        "encoder": encoder,
        "generator": GeneratorNetwork(body.decoder(CLUSTERS + STYLE, (VALUES,))),
        "critic": CriticNetwork(body.extractor((VALUES,))),
        "discriminator": DiscriminatorNetwork(body.extractor((encoder.body.feature_width + CLUSTERS + STYLE,))),
        "trunk": TrunkNetwork(body.extractor((VALUES,))),
        "heads": HeadsNetwork(body.extractor((VALUES,)), 2, CLUSTERS),
        "overclustering": HeadsNetwork(body.extractor((VALUES,)), 2, 2 * CLUSTERS),
    }


@pytest.fixture
def given(networks: dict[str, nn.Module], rng: torch.Generator) -> dict[str, Any]:
    """What a step starts from, by name, and what chains provide."""
    prior = OneHotGaussian(clusters=CLUSTERS, style_dim=STYLE)
    return {
        **networks,
        "images": Images(torch.rand(BATCH, VALUES, generator=rng)),
        "view": Images(torch.rand(BATCH, VALUES, generator=rng)),
        "prior": prior,
        "noise_scale": Scale(torch.tensor(0.3)),
        "batch_size": BATCH,
        "rng": rng,
    }


@pytest.fixture
def map_networks() -> dict[str, nn.Module]:
    """A network in each role of label maps, under the role's name; and overclustering heads."""
    torch.manual_seed(0)
    shape = (VALUES, SIDE, SIDE)
    reads, sees = PixelMlp(hidden=(VALUES,)), MapConv(channels=(VALUES,), strides=(1,), dilations=(1,))
    layers = LayeredDecoderNetwork(width=VALUES).layered_decoder(CLUSTERS, STYLE, STRIDE, shape)
    return {
        "encoder": EncoderMapNetwork(sees.map_extractor(shape), CLUSTERS, STYLE, STRIDE, log_variance=True),
        "generator": LayeredGeneratorNetwork(layers, STRIDE),
        "trunk": TrunkMapNetwork(sees.map_extractor(shape)),
        "heads": HeadsMapNetwork(reads.map_extractor(shape), 2, CLUSTERS),
        "overclustering": HeadsMapNetwork(reads.map_extractor(shape), 2, 2 * CLUSTERS),
    }


@pytest.fixture
def given_maps(map_networks: dict[str, nn.Module], rng: torch.Generator) -> dict[str, Any]:
    """What a step of label maps starts from, by name, and what chains provide; every view is a mirror image."""
    mirror = torch.tensor([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).repeat(BATCH, 1, 1)
    valid = torch.ones(BATCH, SIDE, SIDE, dtype=torch.bool)
    valid[:, :2] = False
    return {
        **map_networks,
        "images": Images(torch.rand(BATCH, VALUES, SIDE, SIDE, generator=rng)),
        "view": Images(torch.rand(BATCH, VALUES, SIDE, SIDE, generator=rng)),
        "view_alignment": Alignment(mirror),
        "valid": Mask(valid),
        "prior": CategoricalMap(clusters=CLUSTERS, style_dim=STYLE, style_stride=STRIDE, side=SIDE),
        "noise_scale": Scale(torch.tensor(0.3)),
        "batch_size": BATCH,
        "rng": rng,
    }


@pytest.fixture
def plan_of(registry: Registry) -> Callable[..., tuple[Plan, list[str]]]:
    """The plan of one loss of a player that moves every network, and what the binder complained of."""

    def make(loss: LossSpec, on: Mapping[str, str]) -> tuple[Plan, list[str]]:
        issues: list[Issue] = []
        quantities = {part.name: part.value for part in registry.parts("quantity")}
        samplers = [part.value for part in registry.parts("inference") if issubclass(part.value, ChainSpec)]
        # What a quantity gives too is tested as that.
        provided = {n: type_ for sampler in samplers for n, type_ in sampler.provides.items() if n not in quantities}
        binder = Binder(quantities, NETWORKS, ("view",), issues, provided)
        table = LossTable(use="any", player="all", on=on)
        return binder.plan("all", tuple(NETWORKS), {"loss": loss}, {"loss": table}), [issue.what for issue in issues]

    return make


@pytest.fixture
def computed(given: dict[str, Any], given_maps: dict[str, Any]) -> Callable[[Plan], dict[str, Any]]:
    """The value of every quantity of a plan, and of what it was given: vectors, or label maps where it reads them."""

    def compute(plan: Plan) -> dict[str, Any]:
        values = dict(given_maps if {"valid", "view_alignment"} & set(plan.given) else given)
        for node in plan.nodes:
            values[node.name] = node.function(*[values[name] for name in node.reads])
        return values

    return compute
