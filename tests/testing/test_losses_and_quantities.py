"""Checks of losses and quantities fail for parts that violate them."""

from typing import NewType

import pytest
import torch
from torch import Tensor

from latentclust.api import Code, Critic, Encoder, Images, LatentclustError, LossSpec, PriorSpec, Scalar
from latentclust.testing import loss_checks, quantity_checks
from latentclust.testing.binding import bound_loss

Odd = NewType("Odd", Tensor)


class Returning(LossSpec):
    """A loss that returns no Scalar."""

    def __call__(self, code: Code) -> Tensor:
        return code.logits.mean()


class Bare(LossSpec):
    """A loss whose parameter has no type."""

    def __call__(self, code) -> Scalar:  # type: ignore[no-untyped-def]
        return Scalar(code.logits.mean())


class Stranger(LossSpec):
    """A loss that asks for what nobody gives."""

    def __call__(self, code: Code, odd: Odd) -> Scalar:
        return Scalar(code.logits.mean() + odd.mean())


class Shaped(LossSpec):
    """A loss of one number a sample."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar(code.logits.flatten(1).mean(dim=1))


class Half(LossSpec):
    """A loss in another type."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar(code.logits.double().mean())


class Endless(LossSpec):
    """A loss that is infinite."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar(code.logits.mean() / 0)


class FlatOnly(LossSpec):
    """A loss that raises whatever it raises for label maps."""

    def __call__(self, code: Code) -> Scalar:
        batch, clusters = code.logits.shape
        return Scalar(code.logits.sum() / (batch * clusters))


class Refusing(LossSpec):
    """A loss that rejects every variant."""

    def __call__(self, code: Code) -> Scalar:
        raise LatentclustError.at("losses", "no", "Give up")


class Detached(LossSpec):
    """A loss that lets no gradient through."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar(code.logits.detach().mean())


class Stepping(LossSpec):
    """A loss that differentiates by itself."""

    def __call__(self, code: Code) -> Scalar:
        term = code.logits.float().mean()
        if term.requires_grad:
            term.backward(retain_graph=True)
        return Scalar(term)


class Freeing(LossSpec):
    """A loss that lets every critic be moved."""

    def __call__(self, critic: Critic, images: Images, code_of_real: Code) -> Scalar:
        critic.requires_grad_(True)  # type: ignore[attr-defined]
        return Scalar(critic(images).float().mean() + code_of_real.logits.float().mean())


class Evaluating(LossSpec):
    """A loss that sets a network to evaluation and leaves it there."""

    def __call__(self, critic: Critic, images: Images) -> Scalar:
        critic.eval()  # type: ignore[attr-defined]
        return Scalar(critic(images).float().mean())


class Steep(LossSpec):
    """A loss whose gradient is not finite: the square root of 0."""

    def __call__(self, code: Code) -> Scalar:
        logits = code.logits.float()
        return Scalar((logits - logits).sqrt().mean())


class Rounded(LossSpec):
    """A loss in the type of the features, which autocast lowers."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar(code.features.mean() if code.features.numel() else code.logits.mean())


class Drawing(LossSpec):
    """A loss that draws from torch's global generator."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar((code.logits * torch.rand(())).mean())


class Counting(LossSpec):
    """A loss that remembers how often it was called."""

    def __call__(self, code: Code) -> Scalar:
        CALLS.append(1)
        return Scalar(code.logits.float().mean() + len(CALLS))


CALLS: list[int] = []


class Plain(LossSpec):
    """A loss as it should be."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar(code.logits.float().square().mean())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Returning, "its __call__ returns Tensor, not a Scalar"),
        (Bare, "it does not annotate code"),
        (Stranger, "the loss reads 'odd', which is not a known quantity"),
    ],
)
def test_a_signature_that_no_recipe_can_bind(value, reason: str, caught):
    assert reason in caught(loss_checks.binds_by_its_parameters, "loss", value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Shaped, "the term has shape (6,), expected ()"),
        (Half, "the term is torch.float64, and not float32"),
        (Endless, "inf"),
        (FlatOnly, "it raised ValueError: too many values to unpack"),
        (Refusing, "it rejects every variant of batches"),
    ],
)
def test_a_term_that_is_none(value, reason: str, caught):
    assert reason in caught(loss_checks.is_a_finite_scalar, "loss", value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Detached, "no gradient reaches any network"),
        (Stepping, "computing the term changes the mode, weights, gradients or trainable flags of a network"),
        (Freeing, "computing the term changes the mode, weights, gradients or trainable flags of a network"),
        (Evaluating, "computing the term changes the mode, weights, gradients or trainable flags of a network"),
        (Steep, "is not finite"),
    ],
)
def test_gradients_that_go_astray(value, reason: str, caught):
    assert reason in caught(loss_checks.trains_only_its_player, "loss", value)


def test_a_term_that_autocast_lowers(caught):
    told = caught(loss_checks.runs_in_bf16, "loss", Rounded)
    assert told == "under bf16 autocast the term is torch.bfloat16, and not float32"


@pytest.mark.parametrize(
    ("value", "reason"),
    [(Drawing, "it draws from the global generator of torch"), (Counting, "its results differ")],
)
def test_a_loss_of_more_than_its_arguments(value, reason: str, caught):
    assert reason in caught(loss_checks.depends_only_on_its_arguments, "loss", value)


def test_a_loss_is_tried_on_vectors_images_and_label_maps(subject):
    assert [bound.variant.name for bound in bound_loss(subject("loss", Plain))] == ["vectors", "images", "label maps"]


def test_a_parameter_without_a_namesake_is_bound_by_its_type_to_the_distributions_own(subject):
    others = {("quantity", "code_of_mine"): code_of_mine}
    (first, *_) = bound_loss(subject("loss", Plain, others=others))
    assert first.plan.terms[0].reads == ("code_of_mine",)


def code_of_mine(encoder: Encoder, images: Images) -> Code:
    """E(x / 2)."""
    return encoder(Images(images / 2))


# Quantities


def untyped(images: Images):  # type: ignore[no-untyped-def]
    """No result's type."""
    return images


def of_nobody(odd: Odd) -> Images:
    """Asks for what nobody gives."""
    return Images(odd)


def another(images: Images) -> Code:
    """No code."""
    return images  # type: ignore[return-value]


def nothing(images: Images) -> None:
    """No tensor."""


def one_row(images: Images) -> Images:
    """A row too few."""
    return Images(images[1:])


def doubled(images: Images) -> Images:
    """Another type."""
    return Images(images.double())


def infinite(images: Images) -> Images:
    """Not finite."""
    return Images(images / 0)


def fragile(encoder: Encoder, images: Images) -> Images:
    """Not finite where features are bf16."""
    code = encoder(images)
    low = code.features.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")
    return Images(images / (0 if low else 1))


def drawn(images: Images) -> Images:
    """Noise of the global generator."""
    return Images(images + torch.randn_like(images))


def remembered(images: Images) -> Images:
    """Another value each time."""
    CALLS.append(1)
    return Images(images + len(CALLS))


def flat_only(prior: PriorSpec, batch_size: int, rng: torch.Generator) -> Images:
    """Raises whatever it raises under a prior of label maps."""
    latent = prior.sample(batch_size, rng)
    return Images(torch.cat((latent.category, latent.style), dim=1))


@pytest.mark.parametrize(
    ("value", "reason"),
    [(untyped, "it does not annotate return"), (of_nobody, "reads 'odd', which is not a known quantity")],
)
def test_a_quantity_that_no_recipe_can_compute(value, reason: str, caught):
    assert reason in caught(quantity_checks.binds_by_its_parameters, "quantity", value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (another, "it returns Tensor, not Code"),
        (nothing, "it returns no tensor"),
        (one_row, "it returns 5 rows for 6 samples"),
        (doubled, "it gives torch.float64, and not torch.float32"),
        (infinite, "one of its values is not finite"),
        (flat_only, "it raised RuntimeError"),
    ],
)
def test_a_quantity_that_is_not_what_it_says(value, reason: str, caught):
    assert reason in caught(quantity_checks.matches_its_return_type, "quantity", value)


def test_a_quantity_that_overflows_in_bf16(caught):
    assert caught(quantity_checks.runs_in_bf16, "quantity", fragile) == "its value is not finite under bf16 autocast"


@pytest.mark.parametrize(
    ("value", "reason"),
    [(drawn, "it draws from the global generator of torch"), (remembered, "its results differ")],
)
def test_a_quantity_that_draws_from_elsewhere(value, reason: str, caught):
    assert reason in caught(quantity_checks.is_deterministic_for_a_generator, "quantity", value)
