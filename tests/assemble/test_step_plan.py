"""Binding by name: what is computed, in which order, and what cannot be bound."""

from collections.abc import Callable
from typing import Any, NewType

import pytest
import torch

from latentclust.assemble.step_plan import Binder, StepPlan, is_compatible, parameter_types
from latentclust.bundled.losses.augmentation_invariance import AugmentationInvariance
from latentclust.bundled.losses.gradient_penalty import GradientPenalty
from latentclust.bundled.losses.style_recovery import StyleRecovery
from latentclust.bundled.losses.wasserstein_critic import WassersteinCritic
from latentclust.bundled.priors import OneHotGaussian
from latentclust.bundled.quantities import QUANTITIES
from latentclust.errors import Issue, LatentclustError
from latentclust.recipe.training_tables import LossTable
from latentclust.specs.parts import LossSpec, PriorSpec
from latentclust.specs.roles import Critic, Encoder, Generator
from latentclust.tensors import Code, Images, Latent, Scalar, Scores, Vectors

NETWORKS = {"critic": Critic, "encoder": Encoder, "generator": Generator}


class Bound:
    """What a binder made of losses, and what it complained of."""

    def __init__(self, plan: StepPlan, issues: list[Issue]) -> None:
        self.plan = plan
        self.issues = [str(issue) for issue in issues]
        self.nodes = [node.name for node in plan.nodes]
        self.reads = {term.name: term.reads for term in plan.terms}


@pytest.fixture
def bind() -> Callable[..., Bound]:
    """Binds losses by name for a player, over the bundled quantities and a test's own."""

    def make(
        losses: dict[str, LossSpec],
        on: dict[str, dict[str, str]] | None = None,
        moved: tuple[str, ...] = ("generator", "encoder"),
        networks: dict[str, Any] = NETWORKS,
        views: tuple[str, ...] = (),
        **quantities: Callable[..., Any] | LatentclustError,
    ) -> Bound:
        issues: list[Issue] = []
        binder = Binder({**QUANTITIES, **quantities}, networks, views, issues)
        tables = {name: LossTable(use="x", player="p", on=(on or {}).get(name, {})) for name in losses}
        return Bound(binder.plan("p", moved, losses, tables), issues)

    return make


def test_a_loss_is_bound_to_the_quantities_that_its_parameters_name(bind: Callable[..., Bound]) -> None:
    bound = bind({"critic": WassersteinCritic()}, moved=("critic",))
    assert bound.issues == []
    assert bound.reads == {"critic": ("score_of_real", "score_of_fake")}
    assert bound.nodes == ["score_of_real", "prior_sample", "fake", "score_of_fake"]
    assert set(bound.plan.given) == {"critic", "generator", "images", "prior", "batch_size", "rng"}


def test_on_rebinds_a_parameter(bind: Callable[..., Bound]) -> None:
    on = {"critic": {"score_of_real": "score_of_prior", "score_of_fake": "score_of_code"}}
    bound = bind({"critic": WassersteinCritic()}, on, ("critic",))
    assert bound.issues == []
    assert bound.reads == {"critic": ("score_of_prior", "score_of_code")}
    assert "fake" not in bound.nodes


def test_a_parameter_may_be_bound_to_a_view_or_a_network(bind: Callable[..., Bound]) -> None:
    bound = bind(
        {"a": AugmentationInvariance(), "gp": GradientPenalty()},
        {"gp": {"critic": "other", "mixed_images": "crop"}},
        networks={**NETWORKS, "other": Critic},
        views=("view", "crop"),
        moved=("encoder", "other"),
    )
    assert bound.issues == []
    assert bound.reads["gp"] == ("other", "crop")
    assert {"view", "crop", "other"} <= set(bound.plan.given)


def test_quantities_are_computed_once_and_after_what_they_read(bind: Callable[..., Bound]) -> None:
    losses = {
        "style": StyleRecovery(),
        "swapped": StyleRecovery(),
        "critic": WassersteinCritic(),
    }
    bound = bind(losses, {"swapped": {"code_of_fake": "code_of_swapped", "prior_sample": "code_of_real"}})
    assert bound.issues == []
    assert sorted(bound.nodes) == sorted(set(bound.nodes))
    for place, node in enumerate(bound.plan.nodes):
        assert all(name in bound.plan.given or name in bound.nodes[:place] for name in node.reads)


def test_nothing_is_computed_that_no_loss_asks_for(bind: Callable[..., Bound]) -> None:
    def costly(images: Images) -> Images:
        raise AssertionError

    assert bind({"critic": WassersteinCritic()}, moved=("critic",), costly=costly).nodes == [
        "score_of_real",
        "prior_sample",
        "fake",
        "score_of_fake",
    ]


def test_a_quantity_named_as_a_network_gives_way_to_it(bind: Callable[..., Bound]) -> None:
    def critic(images: Images) -> Images:
        raise AssertionError

    bound = bind({"critic": WassersteinCritic()}, moved=("critic",), critic=critic)
    assert bound.issues == []
    assert "critic" in bound.plan.given


@pytest.mark.parametrize(
    ("parameter", "name", "what"),
    [
        ("code_of_fake", "images", "the loss expects Code, but 'images' is Images"),
        ("code_of_fake", "prior_sample", "the loss expects Code, but 'prior_sample' is Latent"),
        ("prior_sample", "fake", "the loss expects Latent or Code, but 'fake' is Images"),
        ("prior_sample", "generator", "the loss expects Latent or Code, but 'generator' is Generator"),
        ("code_of_fake", "rng", "the loss expects Code, but 'rng' is Generator"),
    ],
)
def test_a_style_loss_cannot_be_bound_to_images(
    bind: Callable[..., Bound], parameter: str, name: str, what: str
) -> None:
    bound = bind({"style": StyleRecovery()}, {"style": {parameter: name}})
    assert bound.issues == [f"losses.style.on.{parameter}: {what}. Bind a quantity of that type with `on`"]


def test_scores_of_the_wrong_kind_cannot_be_bound_though_all_are_tensors(bind: Callable[..., Bound]) -> None:
    bound = bind({"gp": GradientPenalty()}, {"gp": {"mixed_images": "score_of_real"}}, ("critic",))
    assert bound.issues == [
        "losses.gp.on.mixed_images: the loss expects Images or Vectors, but 'score_of_real' is Scores. "
        "Bind a quantity of that type with `on`"
    ]


def test_a_quantity_that_reads_the_wrong_type_is_named(bind: Callable[..., Bound]) -> None:
    def code_of_fake(encoder: Encoder, prior_vector: Images) -> Code:
        raise AssertionError

    bound = bind({"style": StyleRecovery()}, code_of_fake=code_of_fake)
    assert bound.issues == [
        "losses.style: 'code_of_fake' expects Images, but 'prior_vector' is Vectors. "
        "Bind a quantity of that type with `on`"
    ]


def test_an_unknown_quantity_is_met_with_the_closest(bind: Callable[..., Bound]) -> None:
    bound = bind({"style": StyleRecovery()}, {"style": {"code_of_fake": "code_of_swaped"}})
    assert bound.issues == [
        "losses.style.on.code_of_fake: the loss reads 'code_of_swaped', which is not a known quantity. "
        "Did you mean 'code_of_swapped'?"
    ]


def test_an_unknown_parameter_is_met_with_the_closest(bind: Callable[..., Bound]) -> None:
    bound = bind({"style": StyleRecovery()}, {"style": {"code_of_fak": "code_of_real"}})
    assert bound.issues == ["losses.style.on: the loss has no parameter 'code_of_fak'. Did you mean 'code_of_fake'?"]


def test_a_missing_network_is_said_for_what_needs_it(bind: Callable[..., Bound]) -> None:
    bound = bind({"style": StyleRecovery()}, networks={"generator": Generator}, moved=("generator",))
    assert bound.issues == [
        "losses.style: requires a network 'encoder', which is missing. Add [networks.encoder], or set enabled = false"
    ]


def test_a_missing_view_is_said_for_what_needs_it(bind: Callable[..., Bound]) -> None:
    bound = bind({"a": AugmentationInvariance()})
    assert bound.issues == [
        "losses.a: requires a view named 'view', which is missing. Add [views.view], or set enabled = false"
    ]


def test_a_circle_of_quantities_is_spelt_out(bind: Callable[..., Bound]) -> None:
    def start(middle: Code) -> Code:
        raise AssertionError

    def middle(end: Code) -> Code:
        raise AssertionError

    def end(middle: Code) -> Code:
        raise AssertionError

    bound = bind({"s": StyleRecovery()}, {"s": {"code_of_fake": "start"}}, start=start, middle=middle, end=end)
    assert bound.issues == [
        "losses.s.on.code_of_fake: quantities form a cycle: middle -> end -> middle. "
        "Bind one of them otherwise with `on`"
    ]


def test_a_loss_that_rests_on_none_of_its_players_networks_is_refused(bind: Callable[..., Bound]) -> None:
    bound = bind({"critic": WassersteinCritic()}, {"critic": {"score_of_fake": "score_of_real"}}, ("generator",))
    assert bound.issues == [
        "losses.critic: does not depend on any network of player 'p' (generator). "
        "Set another player, or bind its parameters with `on`"
    ]


def test_a_quantity_in_doubt_is_an_issue_only_where_it_is_asked_for(bind: Callable[..., Bound]) -> None:
    doubt = LatentclustError.at("quantities.fake", "two plugins provide it", "Choose")
    assert (
        bind({"gp": GradientPenalty()}, {"gp": {"mixed_images": "mixed_vectors"}}, ("critic",), fake=doubt).issues == []
    )
    assert bind({"critic": WassersteinCritic()}, moved=("critic",), fake=doubt).issues == [
        "quantities.fake: two plugins provide it. Choose"
    ]


class ReturnsScores(LossSpec):
    """Not a scalar."""

    def __call__(self, score_of_fake: Scores) -> Scores:
        """The scores."""
        return score_of_fake


class Unannotated(LossSpec):
    """Takes what it is given."""

    def __call__(self, fake, anything):  # type: ignore[no-untyped-def]
        """Nothing."""


def test_a_loss_must_return_a_scalar(bind: Callable[..., Bound]) -> None:
    assert bind({"s": ReturnsScores()}, moved=("critic",)).issues == [
        "losses.s: must return a Scalar, returns Scores. Annotate its __call__ with -> Scalar"
    ]


def test_what_is_not_annotated_takes_anything(bind: Callable[..., Bound]) -> None:
    bound = bind({"u": Unannotated()}, {"u": {"anything": "rng"}})
    assert bound.issues == []
    assert bound.reads == {"u": ("fake", "rng")}


Metres = NewType("Metres", torch.Tensor)


@pytest.mark.parametrize(
    ("produced", "wanted", "fits"),
    [
        (Images, Images, True),
        (Images, Metres, False),
        (Images, Images | Vectors, True),
        (Images | Vectors, Images, False),
        (Latent, Code, False),
        (bool, int, True),
        (Any, Code, True),
        (Code, Any, True),
        (PriorSpec, PriorSpec, True),
        (OneHotGaussian, PriorSpec, True),
        (Critic, Encoder, False),
        (Generator, Encoder, False),
        (Critic | Encoder, Encoder, False),
    ],
)
def test_types_are_compared_by_name_and_not_by_what_they_erase_to(produced: Any, wanted: Any, fits: bool) -> None:
    assert is_compatible(produced, wanted) is fits


def test_signatures_leave_self_out() -> None:
    assert parameter_types(GradientPenalty.__call__, skip_self=True) == (
        {"critic": Critic, "mixed_images": Images | Vectors},
        Scalar,
    )
