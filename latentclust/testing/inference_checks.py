"""Checks of inference methods, on small networks under every prior that they support."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from latentclust.assemble.recipe_checks import role_types
from latentclust.plugins.registry import Part
from latentclust.specs.inference import InferenceSpec, Model
from latentclust.specs.parts import PriorSpec
from latentclust.tensors import Images, Mask, Posterior
from latentclust.testing.network_checks import saved_and_loaded
from latentclust.testing.randomness import bitwise_equal, repeats
from latentclust.testing.small_networks import WIDTH, role_of, small_network, tensors_of
from latentclust.testing.subject import CheckedPart, CheckFailed, require
from latentclust.testing.variants import places_of

FITTED, READ = (10, 5), 7
"""Number of images in the batches for `fit`, and in the batch for `posterior`."""

TOLERANCE = 1e-5
"""Tolerance for float32 probabilities that sum to one."""

State = dict[str, Tensor]


def declares_the_networks_it_reads(subject: CheckedPart) -> None:
    """`needs` names the networks that it reads, and it reads no others."""
    for spec, model in models(subject):
        only = Model({name: model.networks[name] for name in spec.needs}, model.prior)
        try:
            found = _read(spec, only)
        except KeyError as error:
            raise CheckFailed(f"it reads the network {error}, which `needs` does not name") from error
        require(
            bitwise_equal(found[1].probabilities, _read(spec, model)[1].probabilities),
            "its result depends on networks that `needs` does not name",
        )


def gives_normalised_probabilities(subject: CheckedPart) -> None:
    """Probabilities `(b, k)` or `(b, k, h, w)` are float32, non-negative and sum to one, and styles are finite."""
    for spec, model in models(subject):
        posterior = _read(spec, model)[1]
        found, said = posterior.probabilities, (READ, model.prior.clusters, *places_of(model.prior))
        require(tuple(found.shape) == said, f"its probabilities have the shape {tuple(found.shape)}, and not {said}")
        floats = found.dtype == posterior.style.dtype == torch.float32
        require(floats, f"its probabilities are {found.dtype} and its styles {posterior.style.dtype}, not float32")
        sums = found.sum(dim=1)
        normalised = bool((found >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=TOLERANCE)
        require(normalised, "its probabilities do not sum to one")
        require(len(posterior.style) == READ, f"it gives {len(posterior.style)} styles for {READ} images")
        require(torch.isfinite(posterior.style).all(), "its styles are not finite")


def is_deterministic_for_a_generator(subject: CheckedPart) -> None:
    """The same generator state gives the same result bit for bit, and no other generator is used."""
    for spec, model in models(subject):
        repeats(partial(_values, spec, model))


def declares_whether_it_draws(subject: CheckedPart) -> None:
    """`posterior` draws random numbers only if `random` is True. Other methods can be exported as graphs."""
    for spec, model in models(subject):
        state, rng = _fitted(spec, model), torch.Generator().manual_seed(5)
        before = rng.get_state()
        with torch.no_grad():
            spec.posterior(model, images_for(model.prior, READ, 3), state, rng)
        drawn = not torch.equal(before, rng.get_state())
        require(spec.random or not drawn, "its posterior draws random numbers, and `random` is False")


def does_not_change_weights(subject: CheckedPart) -> None:
    """It does not change the mode, weights, buffers, gradients or trainable flags of the networks."""
    for spec, model in models(subject):
        before = _states(model)
        _read(spec, model)
        for what, state in _states(model).items():
            equal = state.keys() == before[what].keys() and all(
                map(bitwise_equal, state.values(), before[what].values())
            )
            require(equal, f"it changes the networks' {what}")


def _states(model: Model) -> dict[str, dict[str, Any]]:
    """Return the states that must not change, by module, parameter or buffer."""
    networks = nn.ModuleDict(model.networks)
    parameters = dict(networks.named_parameters())
    return {
        "mode": {name: module.training for name, module in networks.named_modules()},
        "weights": {name: parameter.detach().clone() for name, parameter in parameters.items()},
        "buffers": {name: buffer.clone() for name, buffer in networks.named_buffers()},
        "gradients": {name: parameter.grad is None for name, parameter in parameters.items()},
        "weights that may move": {name: parameter.requires_grad for name, parameter in parameters.items()},
    }


def round_trips_through_a_model_file(subject: CheckedPart) -> None:
    """The state of `fit` consists of finite tensors and gives the same posterior when restored from a model file."""
    for spec, model in models(subject):
        state = _fitted(spec, model)
        held = all(isinstance(value, Tensor) and torch.isfinite(value).all() for value in state.values())
        require(held, "its state contains something other than finite tensors")
        posterior, again = _posterior(spec, model, state), _posterior(spec, model, saved_and_loaded(state))
        require(
            bitwise_equal(again.probabilities, posterior.probabilities),
            "its posterior differs after its state is restored from a file",
        )


def ignores_invalid_pixels(subject: CheckedPart) -> None:
    """With an own `fit_valid`, images whose mask excludes all of their pixels do not change its state."""
    for spec, model in models(subject):
        if type(spec).fit_valid is InferenceSpec.fit_valid:
            continue
        bright = Images(images_for(model.prior, FITTED[0], 9) + 100.0)
        masked = [*_batches(model), (bright, Mask(torch.zeros(len(bright), *bright.shape[2:], dtype=torch.bool)))]
        before = _fitted(spec, model)
        with torch.no_grad():
            after = spec.fit_valid(model, masked, torch.Generator().manual_seed(4))
        same = all(torch.allclose(before[name], after[name], rtol=1e-4, atol=1e-5) for name in before)
        require(same, "values of pixels that are not valid change its state")


def models(subject: CheckedPart) -> Iterator[tuple[InferenceSpec, Model]]:
    """Yield the inference with a model for each supported prior of `_priors`."""
    spec: InferenceSpec = subject.build()
    objections = {}
    found = False
    for part in _priors(subject):
        prior: PriorSpec = CheckedPart(part, subject.registry).build()
        objections[part.name] = objection_to(spec, prior)
        if objections[part.name] is None:
            found = True
            yield spec, _model_of(subject, spec, prior)
    listed = "; ".join(f"{name}: {objection}" for name, objection in objections.items())
    require(found, f"it objects to every prior: {listed}")


def objection_to(spec: InferenceSpec, prior: PriorSpec) -> str | None:
    """Return why a recipe cannot combine the two, or None."""
    if prior.per_pixel and not spec.reads_maps:
        return "it gives each image one cluster, and the prior has one for every pixel"
    return spec.objection(prior)


def _priors(subject: CheckedPart) -> list[Part]:
    """Return the priors of the distribution, and the first other ones with categories, without them and per pixel."""
    own: list[Part] = []
    sorts: dict[tuple[bool, bool], Part] = {}
    for part in subject.registry.parts("prior"):
        if part.provider == subject.part.provider:
            own.append(part)
            continue
        built: PriorSpec = CheckedPart(part, subject.registry).build()
        sorts.setdefault((built.per_pixel, built.categories > 0), part)
    return [*own, *sorts.values()]


def _model_of(subject: CheckedPart, spec: InferenceSpec, prior: PriorSpec) -> Model:
    """Return a model of small networks. Raise NotApplicable if the role of a network is unknown."""
    known = role_types(prior)
    roles = {role: role for role in known} | {name: role_of(subject, name, known) for name in spec.needs}
    shape = (WIDTH, *places_of(prior))
    return Model({name: small_network(role, prior, shape).eval() for name, role in roles.items()}, prior)


def images_for(prior: PriorSpec, count: int, seed: int) -> Images:
    """Return a batch of images for the small networks."""
    return Images(torch.rand(count, WIDTH, *places_of(prior), generator=torch.Generator().manual_seed(seed)))


def _read(spec: InferenceSpec, model: Model) -> tuple[State, Posterior]:
    state = _fitted(spec, model)
    return state, _posterior(spec, model, state)


@torch.no_grad()
def _fitted(spec: InferenceSpec, model: Model) -> dict[str, Any]:
    """Return the state of `fit`, which is not validated yet."""
    return spec.fit_valid(model, _batches(model), torch.Generator().manual_seed(4))


def _batches(model: Model) -> list[tuple[Images, Mask]]:
    """Return images to fit to, all of whose pixels are valid."""
    images = [images_for(model.prior, count, seed) for seed, count in enumerate(FITTED)]
    return [(each, Mask(torch.ones(len(each), *each.shape[2:], dtype=torch.bool))) for each in images]


@torch.no_grad()
def _posterior(spec: InferenceSpec, model: Model, state: State) -> Posterior:
    return spec.posterior(model, images_for(model.prior, READ, 3), state, torch.Generator().manual_seed(5))


def _values(spec: InferenceSpec, model: Model) -> list[Any]:
    return tensors_of(_read(spec, model))
