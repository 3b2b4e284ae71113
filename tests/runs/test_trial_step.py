"""The trial step of `recipe check --with-data`, priors without categories, and widths that do not match."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import Resolved
from latentclust.bundled.priors import Gaussian
from latentclust.errors import LatentclustError
from latentclust.runs.run import load_resolved_recipe
from latentclust.runs.trial_step import try_steps
from latentclust.tensors import Code

GAUSSIAN = "prior={use='gaussian', clusters=4, style_dim=3}"

Resolve = Callable[..., Resolved]


@pytest.mark.parametrize("name", ["dccs", "clustergan", "cgm", "infogan", "autoencoder"])
def test_sound_recipes_pass_and_keep_their_weights(recipe: Callable[[str], Path], name: str) -> None:
    experiment = assemble(load_resolved_recipe(recipe(name)), ())
    before = [p.detach().clone() for network in experiment.networks.values() for p in network.parameters()]
    try_steps(experiment)
    after = [p for network in experiment.networks.values() for p in network.parameters()]
    assert all(map(torch.equal, before, after))


def test_stages_and_tables_are_tried_too(whole_set: None, recipe: Callable[[str], Path]) -> None:
    for name in ("stages", "tables"):
        try_steps(assemble(load_resolved_recipe(recipe(name)), ()))


def test_a_code_under_a_prior_without_categories_is_its_style() -> None:
    code = Code(torch.rand(5, 4), torch.rand(5, 3), torch.rand(5, 2), categorical=False)
    assert torch.equal(code.vector(), code.style)
    assert code.vector().shape[1] == Gaussian(clusters=4, style_dim=3).width
    assert code.latent().category.shape == (5, 0)


def test_dccs_trains_with_a_gaussian(recipe: Callable[[str], Path]) -> None:
    settings = ("prior={use='gaussian', clusters=10, style_dim=3}",)
    try_steps(assemble(load_resolved_recipe(recipe("dccs"), settings), ()))


def test_reconstructions_have_a_gaussian_code(tables: dict[str, Any], resolved: Resolve) -> None:
    tables["losses"] = {name: table for name, table in tables["losses"].items() if name != "category-recovery"}
    tables["losses"]["reconstruction"] = {"use": "reconstruction", "player": "generator"}
    try_steps(assemble(resolved(tables, GAUSSIAN), ()))


def test_a_loss_that_cannot_be_computed_is_named(tables: dict[str, Any], resolved: Resolve) -> None:
    experiment = assemble(resolved(tables, GAUSSIAN), ())
    with pytest.raises(LatentclustError, match=r"players\.generator: 'category-recovery' .* cannot be computed: "):
        try_steps(experiment)


def test_a_network_of_another_width_is_named_with_both(tables: dict[str, Any], resolved: Resolve) -> None:
    experiment = assemble(resolved(tables, "networks.critic.reads=latent"), ())
    said = r"networks\.critic: reads 7 values per sample, but is given 100 values per sample"
    with pytest.raises(LatentclustError, match=said):
        try_steps(experiment)


def test_a_network_of_images_of_another_shape_is_named(recipe: Callable[[str], Path]) -> None:
    encoder = assemble(load_resolved_recipe(recipe("dccs")), ()).networks["encoder"]
    with pytest.raises(LatentclustError, match=r"networks\.encoder: reads .*, but is given samples of shape 2 x 5 x 5"):
        encoder(torch.rand(3, 2, 5, 5))
