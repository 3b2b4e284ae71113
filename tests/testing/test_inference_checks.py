"""Checks of inferences and chains fail for parts that violate them."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from latentclust.api import Advance, ChainSpec, Images, InferenceSpec, Mask, Model, Posterior, PriorSpec, Scale
from latentclust.testing import chain_checks, inference_checks


class Reading(InferenceSpec):
    """The encoder's answer; a good inference of whole images, for others to spoil."""

    @property
    def needs(self) -> tuple[str, ...]:
        return ("encoder",)

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        code = model.networks["encoder"](images)
        return Posterior(code.probabilities, code.style)


class Silent(Reading):
    @property
    def needs(self) -> tuple[str, ...]:
        return ()


class Greedy(Reading):
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        model.networks["trunk"](images)
        return super().posterior(model, images, state, rng)


class Curious(Reading):
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        found = super().posterior(model, images, state, rng)
        probabilities = found.probabilities.roll(int(len(model.networks) > 1), dims=1)
        return Posterior(probabilities, found.style)


class Unsure(Reading):
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        found = super().posterior(model, images, state, rng)
        return Posterior(0.9 * found.probabilities, found.style)


class Fewer(Reading):
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        found = super().posterior(model, images, state, rng)
        return Posterior(found.probabilities[:, :2].softmax(dim=1), found.style)


class Tossing(Reading):
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        found = super().posterior(model, images, state, rng)
        return Posterior(torch.rand_like(found.probabilities).softmax(dim=1), found.style)


class Moving(Reading):
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        nn.init.zeros_(next(model.networks["encoder"].parameters()))
        return super().posterior(model, images, state, rng)


class Training(Reading):
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        model.networks["encoder"].train()
        return super().posterior(model, images, state, rng)


class Counting(Reading):
    """Puts the mode back, and not what batch normalisation counted in the other."""

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        model.networks["encoder"].train()
        found = super().posterior(model, images, state, rng)
        model.networks["encoder"].eval()
        return found


class Sloping(Reading):
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        with torch.enable_grad():
            super().posterior(model, images, state, rng).probabilities.square().sum().backward()
        return super().posterior(model, images, state, rng)


class Holding(Reading):
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        model.networks["encoder"].requires_grad_(False)
        return super().posterior(model, images, state, rng)


class Numbers(Reading):
    def fit_valid(self, model, batches, rng):  # type: ignore[no-untyped-def]
        return {"count": 3}


class Infinite(Reading):
    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        return {"centre": torch.tensor(float("inf"))}


class Careless(Reading):
    def fit_valid(
        self, model: Model, batches: Iterable[tuple[Images, Mask]], rng: torch.Generator
    ) -> dict[str, Tensor]:
        return {"mean": torch.cat([images.flatten(1) for images, _ in batches]).mean()}


class Drawing(Reading):
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        torch.rand((), generator=rng)
        return super().posterior(model, images, state, rng)


class Objecting(Reading):
    def objection(self, prior: PriorSpec) -> str | None:
        return "it likes none"


class Teacher(Reading):
    @property
    def needs(self) -> tuple[str, ...]:
        return ("teacher",)


@pytest.mark.parametrize(
    ("check", "value", "reason"),
    [
        (
            inference_checks.declares_the_networks_it_reads,
            Silent,
            "it reads the network 'encoder', which `needs` does not name",
        ),
        (
            inference_checks.declares_the_networks_it_reads,
            Greedy,
            "it reads the network 'trunk', which `needs` does not name",
        ),
        (
            inference_checks.declares_the_networks_it_reads,
            Curious,
            "its result depends on networks that `needs` does not name",
        ),
        (inference_checks.ignores_invalid_pixels, Careless, "values of pixels that are not valid change its state"),
        (inference_checks.declares_the_networks_it_reads, Objecting, "it objects to every prior: "),
        (inference_checks.gives_normalised_probabilities, Unsure, "its probabilities do not sum to one"),
        (inference_checks.gives_normalised_probabilities, Fewer, "have the shape (7, 2), and not (7, 3)"),
        (inference_checks.is_deterministic_for_a_generator, Tossing, "it draws from the global generator of torch"),
        (inference_checks.declares_whether_it_draws, Drawing, "draws random numbers, and `random` is False"),
        (inference_checks.does_not_change_weights, Moving, "it changes the networks' weights"),
        (inference_checks.does_not_change_weights, Training, "it changes the networks' mode"),
        (inference_checks.does_not_change_weights, Counting, "it changes the networks' buffers"),
        (inference_checks.does_not_change_weights, Sloping, "it changes the networks' gradients"),
        (inference_checks.does_not_change_weights, Holding, "it changes the networks' weights that may move"),
        (
            inference_checks.round_trips_through_a_model_file,
            Numbers,
            "its state contains something other than finite tensors",
        ),
        (
            inference_checks.round_trips_through_a_model_file,
            Infinite,
            "its state contains something other than finite tensors",
        ),
    ],
)
def test_a_wrong_inference(check, value, reason: str, caught):
    assert reason in caught(check, "inference", value)


class OfCodes(Reading):
    """The similarity of codes with centroids."""

    @property
    def needs(self) -> tuple[str, ...]:
        return ("encoder", "centroids")

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        code = model.networks["encoder"](images)
        return Posterior(model.networks["centroids"](code.vector()).softmax(dim=1), code.style)


def test_an_inference_may_compare_codes_with_centroids(subject):
    inference_checks.gives_normalised_probabilities(subject("inference", OfCodes))


def test_a_network_of_unknown_role_is_not_applicable(caught):
    assert "network 'teacher', whose role" in caught(inference_checks.does_not_change_weights, "inference", Teacher)


class Chain(ChainSpec):
    """A style a sample, pushed at random; good chains of whole images, for others to spoil."""

    provides: ClassVar[Mapping[str, Any]] = {"noise_scale": Scale}

    @property
    def needs(self) -> tuple[str, ...]:
        return ("encoder",)

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        code = model.networks["encoder"](images)
        return Posterior(code.probabilities, code.style)

    def begin(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        return {"style": torch.randn(sum(map(len, batches)), 2, generator=rng)}

    def advance(
        self,
        model: Model,
        images: Images,
        chains: Mapping[str, Tensor],
        progress: float,
        rng: torch.Generator,
        valid: Mask | None = None,
    ) -> Advance:
        moved = chains["style"] + torch.randn(chains["style"].shape, generator=rng)
        return self.advanced({"style": moved})

    def advanced(self, moved: dict[str, Tensor]) -> Advance:
        return Advance(moved, {"noise_scale": Scale(torch.tensor(0.1))}, {"length": moved["style"].norm()})


class Short(Chain):
    def begin(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        return {"style": torch.zeros(3, 2)}


class Renaming(Chain):
    def advanced(self, moved: dict[str, Tensor]) -> Advance:
        found = super().advanced(moved)
        return Advance({"code": moved["style"]}, found.quantities, found.diagnostics)


class Narrowing(Chain):
    def advanced(self, moved: dict[str, Tensor]) -> Advance:
        return super().advanced({"style": moved["style"][:, :1]})


class Promising(Chain):
    provides: ClassVar[Mapping[str, Any]] = {"noise_scale": Scale, "more": Scale}


class Listing(Chain):
    def advanced(self, moved: dict[str, Tensor]) -> Advance:
        return Advance(moved, super().advanced(moved).quantities, {"length": moved["style"]})


class GlobalChain(Chain):
    def advanced(self, moved: dict[str, Tensor]) -> Advance:
        return super().advanced({"style": moved["style"] + torch.rand(())})


class Remembering(Chain):
    def advanced(self, moved: dict[str, Tensor]) -> Advance:
        ADVANCES.append(1)
        return super().advanced({"style": moved["style"] + len(ADVANCES)})


ADVANCES: list[int] = []


@pytest.mark.parametrize(
    ("check", "value", "reason"),
    [
        (chain_checks.has_one_row_per_sample, Short, "its style has 3 rows for 6 samples"),
        (chain_checks.has_one_row_per_sample, Renaming, "`advance` gives ['code'], and `begin` gave ['style']"),
        (chain_checks.has_one_row_per_sample, Narrowing, "`advance` changes style to torch.float32 of shape (6, 1)"),
        (chain_checks.provides_the_declared_quantities, Promising, "`provides` declares ['more', 'noise_scale']"),
        (chain_checks.provides_the_declared_quantities, Listing, "the diagnostic 'length' is not a finite 0-d tensor"),
        (
            chain_checks.advance_is_deterministic_for_a_generator,
            GlobalChain,
            "it draws from the global generator of torch",
        ),
        (
            chain_checks.round_trips_through_a_checkpoint,
            Remembering,
            "chains restored from a checkpoint continue differently",
        ),
    ],
)
def test_wrong_chains(check, value, reason: str, caught):
    assert reason in caught(check, "inference", value)
