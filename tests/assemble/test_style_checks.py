"""Warnings about a style that is clustered although no loss trains it."""

import inspect
import typing

import pytest
import torch

from latentclust.assemble.style_checks import is_style_trained, style_warnings
from latentclust.bundled.losses.augmentation_invariance import AugmentationInvariance
from latentclust.bundled.losses.category_divergence import CategoryDivergence
from latentclust.bundled.losses.category_recovery import CategoryRecovery
from latentclust.bundled.losses.cluster_likelihood import ClusterLikelihood
from latentclust.bundled.losses.mmd import Mmd
from latentclust.bundled.losses.style_divergence import StyleDivergence
from latentclust.bundled.losses.style_recovery import StyleRecovery
from latentclust.bundled.priors import OneHotGaussian
from latentclust.runs.run import load_resolved_recipe
from latentclust.specs.parts import LossSpec
from latentclust.tensors import Code, Latent

WHOLE_CODE = "inference={use='kmeans-on-code'}"


@pytest.mark.parametrize(
    ("recipe", "settings", "trained"),
    [
        ("digits-clustergan", (), True),
        ("digits-clustergan", ("losses.style-recovery.enabled=false",), False),
        ("digits-clustergan", ("losses.style-recovery.weight=0.0",), False),
        ("digits-clustergan", ("losses.style-recovery.weight={start=0.0, end=1.0}",), True),
        ("digits-dls", (), True),  # by the code of swapped images, and by the MMD
        ("digits", (), True),  # by the critic of the code
        ("digits", ("losses.adversarial.enabled=false", "losses.mutual-information.enabled=false"), False),
        ("digits-cvae", (), True),
    ],
)
def test_a_style_is_trained_by_a_loss_that_depends_on_it(recipe: str, settings: tuple[str, ...], trained: bool) -> None:
    assert is_style_trained(load_resolved_recipe(recipe, (*settings, WHOLE_CODE)), "encoder") is trained


def test_only_an_inference_that_reads_the_style_is_warned_about() -> None:
    untrained = ("losses.style-recovery.enabled=false",)
    (warning,) = style_warnings(load_resolved_recipe("digits-clustergan", (*untrained, WHOLE_CODE)))
    assert warning.startswith(
        "inference: kmeans-on-code also clusters the style of the network 'encoder', which no loss"
    )
    for inference in ("{use='kmeans-on-code', part='category'}", "{use='amortized'}"):
        assert style_warnings(load_resolved_recipe("digits-clustergan", (*untrained, f"inference={inference}"))) == ()
    (warning,) = style_warnings(
        load_resolved_recipe(
            "digits-clustergan", (*untrained, "inference.use=amortized", "evaluate.readouts=['kmeans-on-code']")
        )
    )
    assert warning.startswith("evaluate.readouts (kmeans-on-code): ")


def test_the_recipe_that_disables_the_style_clusters_the_category() -> None:
    resolved = load_resolved_recipe("fashion-clustergan")
    assert not is_style_trained(resolved, "encoder")
    assert style_warnings(resolved) == ()


@pytest.mark.parametrize(
    "loss",
    [
        AugmentationInvariance(),
        CategoryDivergence(),
        CategoryRecovery(),
        ClusterLikelihood(),
        Mmd(),
        StyleDivergence(),
        StyleRecovery(),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_a_loss_of_codes_says_truly_whether_it_depends_on_their_style(loss: LossSpec) -> None:
    torch.manual_seed(0)
    styles = []

    def code() -> Code:
        styles.append(torch.randn(8, 2, requires_grad=True))
        return Code(torch.randn(8, 3), styles[-1], torch.zeros(8, 0), torch.zeros(8, 2))

    values = {
        "images": torch.rand(8, 4),
        "cluster_reconstructions": torch.rand(8, 3, 4),
        "prior_sample": Latent(torch.eye(3)[torch.arange(8) % 3], torch.randn(8, 2)),
        "prior": OneHotGaussian(clusters=3, style_dim=2),
    }
    reads = list(inspect.signature(type(loss).__call__).parameters)[1:]
    hints = typing.get_type_hints(type(loss).__call__)
    term = loss(*[code() if hints[name] is Code else values[name] for name in reads])
    reached = torch.autograd.grad(term, styles, allow_unused=True) if term.requires_grad else (None,)
    assert any(gradient is not None and bool(gradient.any()) for gradient in reached) is loss.reads_style
