"""Checks of losses with the code of a training step, for every variant of batches in which a recipe can bind them."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn

from latentclust.tensors import Scalar
from latentclust.testing.binding import EMPTY_BATCH, Bound, annotated_signature, bound_loss
from latentclust.testing.randomness import repeats
from latentclust.testing.small_networks import tensors_of
from latentclust.testing.subject import CheckedPart, accepted, require
from latentclust.train.step import Player, hold_other_networks

T = TypeVar("T")


def binds_by_its_parameters(subject: CheckedPart) -> None:
    """Every parameter names a quantity, or has the type of one, and the result is a Scalar."""
    _, result = annotated_signature(subject.spec.__call__, skip_self=True)
    require(result is Scalar, f"its __call__ returns {getattr(result, '__name__', result)}, not a Scalar")
    bound_loss(subject)


def is_a_finite_scalar(subject: CheckedPart) -> None:
    """For every variant the term is a finite 0-d float32 tensor, or the loss rejects the variant with a message."""
    for term in _for_each_variant(subject, lambda bound: _term(bound, _players(bound)[0])):
        require(term.shape == (), f"the term has shape {tuple(term.shape)}, expected ()")
        require(term.dtype == torch.float32, f"the term is {term.dtype}, and not float32")
        require(torch.isfinite(term), f"the term is {term.item()}")


def trains_only_its_player(subject: CheckedPart) -> None:
    """Finite gradients reach only the networks of the player, and computing the term does not change the networks."""
    for slopes in _for_each_variant(subject, lambda bound: [_slopes(bound, "fp32", name) for name in bound.trainable]):
        require(any(slope.abs().sum() > 0 for found in slopes for slope in found), "no gradient reaches any network")


def runs_in_bf16(subject: CheckedPart) -> None:
    """Under bf16 autocast the term is float32, and term and gradients are finite."""

    def checked(bound: Bound) -> list[list[Tensor]]:
        for name in bound.trainable:
            term = _term(bound, bound.player(name, "bf16"))
            require(term.dtype == torch.float32, f"under bf16 autocast the term is {term.dtype}, and not float32")
            require(torch.isfinite(term), f"under bf16 autocast the term is {term.item()}")
        return [_slopes(bound, "bf16", name) for name in bound.trainable]

    _for_each_variant(subject, checked)


def depends_only_on_its_arguments(subject: CheckedPart) -> None:
    """The same arguments give the same term bit for bit, and no generator is used."""

    def checked(bound: Bound) -> bool:
        values = bound.computed()
        (term,) = bound.plan.terms
        repeats(lambda: [term.loss(*[values[name] for name in term.reads])])
        return True

    _for_each_variant(subject, checked)


def changes_networks_alone_after_a_step(subject: CheckedPart) -> None:
    """`after_step` changes no value of the step, and leaves networks that are finite."""

    def checked(bound: Bound) -> bool:
        values = bound.computed()
        (term,) = bound.plan.terms
        assert term.after is not None, "losses without it are not asked"
        networks = nn.ModuleDict({name: values[name] for name in bound.networks})
        kept = {name: _copies(value) for name, value in values.items() if name not in bound.networks}
        with torch.no_grad():
            term.loss.after_step(*[values[name] for name in term.after])
        for name, before in kept.items():
            same = map(torch.equal, before, _copies(values[name]))
            require(all(same), f"after_step changes a value of the step, {name}")
        finite = all(bool(torch.isfinite(tensor).all()) for tensor in networks.state_dict().values())
        require(finite, "after_step leaves a network that is not finite")
        return True

    _for_each_variant(subject, checked)


def _copies(value: object) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors_of(value)]


def _for_each_variant(subject: CheckedPart, check: Callable[[Bound], T]) -> list[T]:
    """Return the results of a check for the accepted variants. Raise CheckFailed if the loss rejects all of them."""
    return accepted("every variant of batches", check, bound_loss(subject))


def _players(bound: Bound, precision: str = "fp32") -> list[Player]:
    return [bound.player(name, precision) for name in bound.trainable]


def _term(bound: Bound, player: Player) -> Tensor:
    bound.values["rng"].manual_seed(0)
    (term,) = player.terms(EMPTY_BATCH)
    require(isinstance(term, Tensor), f"its __call__ returns {type(term).__name__}, not a tensor")
    return term


def _slopes(bound: Bound, precision: str, moving: str) -> list[Tensor]:
    """Return the gradients of the network that a player trains while the others are held."""
    players = _players(bound, precision)
    mover = players[bound.trainable.index(moving)]
    networks: dict[str, nn.Module] = {name: bound.values[name] for name in bound.networks}
    hold_other_networks(players, mover)
    before = [state for network in networks.values() for state in _state(network)]
    term = _term(bound, mover)
    after = [state for network in networks.values() for state in _state(network)]
    require(before == after, "computing the term changes the mode, weights, gradients or trainable flags of a network")
    if term.requires_grad:
        term.backward()  # type: ignore[no-untyped-call]
    others = [name for name, network in networks.items() if name != moving and _gradients(network)]
    require(not others, f"gradients reach {' and '.join(others)}, although the player trains {moving} only")
    slopes = _gradients(networks[moving])
    for network in networks.values():
        network.zero_grad(set_to_none=True)
        network.requires_grad_(True)
    require(all(torch.isfinite(slope).all() for slope in slopes), f"a gradient of {moving} is not finite")
    return slopes


def _state(network: nn.Module) -> Iterator[object]:
    """Yield the states that computing a term must not change."""
    yield [module.training for module in network.modules()]
    for parameter in network.parameters():
        yield parameter.requires_grad, parameter.grad is None, parameter.detach().numpy().tobytes()


def _gradients(network: nn.Module) -> list[Tensor]:
    return [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
