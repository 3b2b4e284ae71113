"""Inferences on small models, under priors with categories, without any, and with one for every pixel."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from latentclust.bundled.label_maps import CategoricalMap
from latentclust.bundled.priors import Gaussian, OneHotGaussian
from latentclust.inferences import InferenceSpec, Model
from latentclust.registry import Part
from latentclust.specs import PriorSpec
from latentclust.tensors import Images, Posterior

VALUES, CLUSTERS, STYLE, SIDE, STRIDE = 8, 3, 5, 8, 4
PRIORS: tuple[PriorSpec, ...] = (
    OneHotGaussian(clusters=CLUSTERS, style_dim=STYLE),
    Gaussian(clusters=CLUSTERS, style_dim=VALUES),
    CategoricalMap(clusters=CLUSTERS, style_dim=STYLE, style_stride=STRIDE, coupling=0.5),
)


@pytest.fixture(params=PRIORS, ids=["categories", "no categories", "maps"])
def model(request: pytest.FixtureRequest, networks: dict[str, nn.Module], map_networks: dict[str, nn.Module]) -> Model:
    """The small networks of the prior's kind in evaluation mode; either prior of vectors is as wide."""
    chosen = map_networks if request.param.per_pixel else networks
    return Model({name: network.eval() for name, network in chosen.items()}, request.param)


@pytest.fixture
def spec(inference: Part, make: Any, model: Model) -> InferenceSpec:
    """The inference, where it can work with the model's prior."""
    built: InferenceSpec = make(inference)
    if objection := built.objection(model.prior):
        pytest.skip(objection)
    if model.prior.per_pixel and not built.reads_maps:
        pytest.skip("it gives each image one cluster, and the prior has one for every pixel")
    return built


def places(model: Model) -> tuple[int, ...]:
    """The places of an image that have a cluster each: its pixels, or the image itself."""
    return (SIDE, SIDE) if model.prior.per_pixel else ()


def batch(model: Model, count: int, seed: int) -> Images:
    return Images(torch.rand(count, VALUES, *places(model), generator=torch.Generator().manual_seed(seed)))


def read(spec: InferenceSpec, model: Model, seed: int) -> tuple[dict[str, Tensor], Posterior]:
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        state = spec.fit(model, [batch(model, 10, 1), batch(model, 5, 2)], rng)
        return state, spec.posterior(model, batch(model, 7, 3), state, rng)


def test_it_reads_networks_that_it_names(spec: InferenceSpec, model: Model) -> None:
    assert spec.needs
    assert set(spec.needs) <= set(model.networks)
    only = Model({name: model.networks[name] for name in spec.needs}, model.prior)
    assert torch.equal(read(spec, only, 0)[1].probabilities, read(spec, model, 0)[1].probabilities)


def test_its_posterior_is_normalised(spec: InferenceSpec, model: Model) -> None:
    _, posterior = read(spec, model, 0)
    assert posterior.probabilities.shape == (7, CLUSTERS, *places(model))
    assert posterior.probabilities.dtype == posterior.style.dtype == torch.float32
    assert (posterior.probabilities >= 0).all()
    assert torch.allclose(posterior.probabilities.sum(dim=1), torch.ones(7, *places(model)), atol=1e-5)
    assert len(posterior.style) == 7
    assert torch.isfinite(posterior.style).all()
    assert set(posterior.labels.unique().tolist()) <= set(range(CLUSTERS))


def test_it_is_decided_by_its_generator_alone(spec: InferenceSpec, model: Model) -> None:
    torch.manual_seed(1)
    _, first = read(spec, model, 4)
    torch.manual_seed(2)
    _, again = read(spec, model, 4)
    assert torch.equal(first.probabilities, again.probabilities)
    assert torch.equal(first.style, again.style)


def test_it_moves_no_weight(spec: InferenceSpec, model: Model) -> None:
    before = [parameter.clone() for network in model.networks.values() for parameter in network.parameters()]
    read(spec, model, 0)
    after = [parameter for network in model.networks.values() for parameter in network.parameters()]
    assert all(map(torch.equal, before, after))
    assert all(parameter.grad is None for parameter in after)


def test_what_it_learned_is_finite_tensors_that_a_model_file_can_hold(spec: InferenceSpec, model: Model) -> None:
    state, _ = read(spec, model, 0)
    assert all(isinstance(value, Tensor) and torch.isfinite(value).all() for value in state.values())
