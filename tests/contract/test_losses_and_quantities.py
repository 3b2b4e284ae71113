"""Losses and quantities: bound by their own parameters' names, and computed on small networks."""

import inspect
import typing
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from latentclust.assemble.plan import Plan
from latentclust.registry import Part
from latentclust.specs import LossSpec
from latentclust.tensors import Code, Latent, Mask, Scalar

PlanOf = Callable[..., tuple[Plan, list[str]]]
Compute = Callable[[Plan], dict[str, Any]]
BATCH = 6


def test_a_loss_binds_to_quantities_by_its_own_parameters(loss: Part, make: Any, plan_of: PlanOf) -> None:
    hints = typing.get_type_hints(loss.value.__call__)
    assert hints["return"] is Scalar
    plan, issues = plan_of(make(loss), {})
    assert issues == []
    assert set(plan.terms[0].reads) == set(hints) - {"return"}


def value_of(loss: LossSpec, plan: Plan, values: dict[str, Any]) -> Tensor:
    return loss(*[values[name] for name in plan.terms[0].reads])


def test_a_loss_is_a_finite_number_with_a_gradient(loss: Part, make: Any, plan_of: PlanOf, computed: Compute) -> None:
    spec = make(loss)
    plan, _ = plan_of(spec, {})
    values = computed(plan)
    value = value_of(spec, plan, values)
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert torch.isfinite(value)
    value.backward()
    networks = [network for network in values.values() if isinstance(network, nn.Module)]
    gradients = [p.grad for network in networks for p in network.parameters() if p.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert sum(gradient.abs().sum() for gradient in gradients) > 0


def test_a_loss_is_a_function_of_its_arguments_alone(loss: Part, make: Any, plan_of: PlanOf, computed: Compute) -> None:
    spec = make(loss)
    plan, _ = plan_of(spec, {})
    values = computed(plan)
    torch.manual_seed(1)
    first = value_of(spec, plan, values)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(value_of(spec, plan, values), first)
    assert torch.equal(torch.get_rng_state(), state)


class Asking(LossSpec):
    """Asks for one quantity of any type."""

    def __call__(self, quantity: Any) -> Scalar:
        """Nothing."""
        raise AssertionError


def test_a_quantitys_signature_is_whole_and_its_names_resolve(quantity: Part, plan_of: PlanOf) -> None:
    hints = typing.get_type_hints(quantity.value)
    assert set(hints) == {*inspect.signature(quantity.value).parameters, "return"}
    assert Any not in hints.values()
    assert quantity.summary
    plan, issues = plan_of(Asking(), {"quantity": quantity.name})
    assert [what for what in issues if not what.startswith("it depends on none of the networks")] == []
    assert plan.nodes[-1].name == quantity.name


def parts(value: Any) -> list[Tensor]:
    if isinstance(value, Code):
        optional = [value.log_variance] if value.log_variance is not None else []
        return [value.logits, value.style, value.features, *optional]
    return [value.category, value.style] if isinstance(value, Latent) else [value]


def test_a_quantity_is_what_it_says_for_each_sample(quantity: Part, plan_of: PlanOf, computed: Compute) -> None:
    plan, _ = plan_of(Asking(), {"quantity": quantity.name})
    value = computed(plan)[quantity.name]
    declared = typing.get_type_hints(quantity.value)["return"]
    if isinstance(declared, type):
        assert isinstance(value, declared)
    for part in parts(value):
        assert part.shape[0] == BATCH
        assert torch.isfinite(part).all()
        assert part.dtype in ((torch.bool,) if declared is Mask else (torch.float32, torch.int64))


def test_a_quantity_draws_from_the_steps_generator_alone(
    quantity: Part, plan_of: PlanOf, computed: Compute, rng: torch.Generator
) -> None:
    plan, _ = plan_of(Asking(), {"quantity": quantity.name})
    rng.manual_seed(3)
    torch.manual_seed(1)
    first = parts(computed(plan)[quantity.name])
    rng.manual_seed(3)
    torch.manual_seed(2)
    again = parts(computed(plan)[quantity.name])
    assert all(map(torch.equal, first, again))
