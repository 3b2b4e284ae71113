"""Recipes of label maps: what is resolved, and what does not fit together, each one issue in words."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from latentclust.assemble.experiment import Experiment, assemble
from latentclust.assemble.resolve import Resolved
from latentclust.errors import Issue, LatentclustError
from latentclust.networks.maps import EncoderMapNetwork, HeadsMapNetwork, LayeredGeneratorNetwork, TrunkMapNetwork

Tables = dict[str, Any]
Resolve = Callable[..., Resolved]
FindIssues = Callable[..., tuple[Issue, ...]]
Assemble = Callable[..., Experiment]

SYSTEMS = ("cgm-pixel", "iic-pixel", "cvae-pixel")


@pytest.fixture
def maps(tmp_path: Path) -> Callable[..., Tables]:
    """A recipe of a system of label maps on eight images of a size, and free to be spoilt."""

    def make(system: str, height: int = 16, width: int = 16) -> Tables:
        path = tmp_path / "images.npy"
        rng = np.random.default_rng(0)
        np.save(path, rng.integers(0, 256, (8, height, width, 3), dtype=np.uint8))
        return {
            "schema": 1,
            "extends": f"{system}@1",
            "name": "small",
            "data": {"use": "array", "path": str(path)},
            "prior": {"clusters": 3},
            "train": {"rounds": 2, "batch_size": 4},
        }

    return make


@pytest.fixture
def put_together(resolved: Resolve) -> Assemble:
    return lambda tables, *settings: assemble(resolved(tables, *settings), ())


def refused(put_together: Assemble, tables: Tables, *settings: str) -> Issue:
    with pytest.raises(LatentclustError) as caught:
        put_together(tables, *settings)
    (issue,) = caught.value.issues
    return issue


def test_pixels_are_clustered_so_one_image_may_do(put_together: Assemble, maps: Callable[..., Tables]) -> None:
    made = put_together(maps("cgm-pixel"), "prior.clusters=9", "train.batch_size=8")
    assert len(made.data.source) == 8
    lowered = put_together(maps("cgm-pixel"), "train.batch_size=9")
    assert lowered.resolved.recipe.train.batch_size == 8


def only(found: tuple[Issue, ...]) -> Issue:
    (issue,) = found
    return issue


# What is resolved


def test_the_systems_build_networks_of_maps(maps: Callable[..., Tables], put_together: Assemble) -> None:
    built = {
        system: {name: type(network) for name, network in put_together(maps(system)).networks.items()}
        for system in SYSTEMS
    }
    heads = {"heads": HeadsMapNetwork, "overclustering": HeadsMapNetwork}
    assert built["cgm-pixel"] == {"generator": LayeredGeneratorNetwork}
    assert built["iic-pixel"] == {"trunk": TrunkMapNetwork, **heads}
    assert built["cvae-pixel"] == {"encoder": EncoderMapNetwork, "generator": LayeredGeneratorNetwork}


def test_heads_on_a_trunk_know_its_stride(maps: Callable[..., Tables], put_together: Assemble) -> None:
    networks = put_together(maps("iic-pixel")).networks
    assert [networks[name].stride for name in ("trunk", "heads", "overclustering")] == [4, 4, 4]
    assert networks["overclustering"].clusters == 24


def test_a_plan_reads_the_view_before_its_alignment(maps: Callable[..., Tables], resolved: Resolve) -> None:
    plan = resolved(maps("iic-pixel")).plans["iic"]
    assert plan.given.index("view") < plan.given.index("view_alignment")
    assert "valid" in plan.given
    assert plan.terms[0].reads == ("heads_of_real_features", "aligned_heads_of_view", "visible")


def test_an_alignment_that_is_asked_for_alone_brings_its_view(maps: Callable[..., Tables], resolved: Resolve) -> None:
    """`visible` asks for `view_alignment` and for no view, but the view must have been drawn."""
    on = "{heads_of_real='heads_of_real_features', heads_of_view='heads_of_real_features'}"
    plan = resolved(maps("iic-pixel"), "losses.overclustering.enabled=false", f"losses.main.on={on}").plans["iic"]
    assert plan.given.index("view") < plan.given.index("view_alignment")


def test_steps_that_stay_in_place_may_stand_among_those_that_move(
    maps: Callable[..., Tables], issues: FindIssues
) -> None:
    steps = "[{use='affine'}, {use='colour-jitter'}, {use='resized-crop'}, {use='erase'}]"
    assert issues(maps("iic-pixel"), f"views.view={{steps={steps}}}") == ()


# What does not fit together


def test_an_inference_of_whole_images_is_refused(maps: Callable[..., Tables], issues: FindIssues) -> None:
    issue = only(issues(maps("cvae-pixel"), "inference={use='kmeans-on-code'}"))
    assert issue.where == "inference.use"
    assert "computes one cluster per image, but the prior 'categorical-map' has one per pixel" in issue.what


def test_chains_of_whole_images_are_refused_once(maps: Callable[..., Tables], issues: FindIssues) -> None:
    found = issues(maps("cgm-pixel"), "inference={use='langevin-gibbs'}")
    assert {issue.where for issue in found} == {"inference.use"}


def test_an_inference_of_maps_is_refused_under_a_prior_of_images(tables: Tables, issues: FindIssues) -> None:
    issue = only(issues(tables, "inference={use='langevin-gibbs-maps'}"))
    assert issue.where == "inference.use"
    assert "categorical-map" in issue.what


def test_a_readout_of_whole_images_is_refused(maps: Callable[..., Tables], issues: FindIssues) -> None:
    issue = only(issues(maps("cvae-pixel"), "evaluate.readouts=['kmeans-on-code']"))
    assert issue.where == "evaluate.readouts"


@pytest.mark.parametrize(
    ("system", "network", "use", "said"),
    [
        ("cvae-pixel", "encoder", "conv28", "'conv28' cannot be used as encoder of label maps"),
        ("cvae-pixel", "encoder", "layered-decoder", "'layered-decoder' cannot be used as encoder of label maps"),
        ("cgm-pixel", "generator", "conv28", "'conv28' cannot be used as generator of label maps"),
        ("cgm-pixel", "generator", "map-conv", "'map-conv' cannot be used as generator of label maps"),
        ("iic-pixel", "trunk", "mlp", "'mlp' cannot be used as trunk of label maps"),
    ],
)
def test_a_backbone_of_another_kind_is_refused(
    maps: Callable[..., Tables], issues: FindIssues, system: str, network: str, use: str, said: str
) -> None:
    tables = maps(system)
    tables["networks"] = {network: {"use": use}}
    found = [issue for issue in issues(tables) if issue.where == f"networks.{network}.use"]
    assert [issue.what for issue in found] == [said]


@pytest.mark.parametrize("use", ["map-conv", "unet", "pixel-mlp", "layered-decoder"])
def test_a_backbone_of_maps_is_refused_in_a_system_of_images(tables: Tables, issues: FindIssues, use: str) -> None:
    changed = deepcopy(tables)
    changed["networks"]["encoder"] = {"use": use}
    issue = only(issues(changed))
    assert issue.where == "networks.encoder.use"
    assert issue.what == f"{use!r} cannot be used as encoder"


@pytest.mark.parametrize("role", ["critic", "discriminator"])
def test_a_role_without_maps_is_refused(maps: Callable[..., Tables], issues: FindIssues, role: str) -> None:
    tables = maps("cgm-pixel")
    tables["networks"] = {"judge": {"use": "map-conv", "role": role, "frozen": True}}
    issue = only(issues(tables))
    assert issue.where == "networks.judge.role"
    assert issue.what == f"{role!r} is not a role of label maps"


def test_random_views_beside_chains_are_refused(maps: Callable[..., Tables], issues: FindIssues) -> None:
    issue = only(issues(maps("cgm-pixel"), "views.view={use='flip'}"))
    assert issue.where == "views.view"
    assert "the chains of the inference need the same images in every round" in issue.what


@pytest.mark.parametrize("first", ["{use='flip'}", "{use='colour-jitter'}"])
def test_a_host_view_cannot_be_traced_back(maps: Callable[..., Tables], issues: FindIssues, first: str) -> None:
    pipeline = "{use='albumentations', transforms=[{name='HorizontalFlip'}]}"
    issue = only(issues(maps("iic-pixel"), f"views.view={{steps=[{first}, {pipeline}]}}"))
    assert issue.where == "views.view"
    assert "moves pixels and returns no alignment" in issue.what


def test_a_view_that_nobody_traces_back_may_do_what_it_likes(maps: Callable[..., Tables], issues: FindIssues) -> None:
    tables = maps("iic-pixel")
    extra = "views.other={use='albumentations', transforms=[{name='HorizontalFlip'}]}"
    assert issues(tables, extra) == ()


def test_an_alignment_without_its_view_is_reported_as_a_missing_view(
    maps: Callable[..., Tables], issues: FindIssues
) -> None:
    on = "{heads_of_real='heads_of_real', heads_of_view='heads_of_real', visible='visible'}"
    tables = maps("cvae-pixel")
    tables["networks"] = {"heads": {"use": "map-conv", "strides": [1, 1, 1]}}
    tables["players"] = {"cvae": {"networks": ["encoder", "generator", "heads"]}}
    loss = f"losses.extra={{use='pixel-invariant-information', player='cvae', on={on}}}"
    issue = only(issues(tables, loss))
    assert issue.where == "losses.extra.on.visible"
    assert "view" in issue.what
    assert "[views.view]" in issue.fix


@pytest.mark.parametrize("clusters", [1, 0])
def test_fewer_than_two_clusters_are_refused(maps: Callable[..., Tables], issues: FindIssues, clusters: int) -> None:
    issue = only(issues(maps("cgm-pixel"), f"prior.clusters={clusters}"))
    assert issue.where == "prior.clusters"


def test_more_clusters_than_a_byte_numbers_are_refused_by_chains(
    maps: Callable[..., Tables], issues: FindIssues
) -> None:
    issue = only(issues(maps("cgm-pixel"), "prior.clusters=257"))
    assert issue.where == "inference.use"
    assert "at most 256 clusters" in issue.what


# What only the data can refuse


@pytest.mark.parametrize(
    ("system", "size", "settings", "where", "said"),
    [
        ("cgm-pixel", (24, 16), (), "prior.style_stride", "24x16 pixels do not divide into style cells of 16x16"),
        ("cgm-pixel", (16, 16), ("prior.style_stride=32",), "prior.style_stride", "16x16 pixels"),
        ("cvae-pixel", (16, 16), ("prior.style_dim=0",), "prior.style_dim", "must be at least 1"),
        (
            "cgm-pixel",
            (16, 16),
            ("prior.style_stride=8", "networks.generator.doublings=4"),
            "doublings",
            "4 doublings",
        ),
        (
            "cvae-pixel",
            (15, 15),
            ("prior.style_stride=15",),
            "strides",
            "a stride of 2 does not divide images of 15x15 pixels",
        ),
        (
            "cvae-pixel",
            (15, 15),
            ("prior.style_stride=5", "networks.encoder.strides=[3, 1, 1]"),
            "style_stride",
            "5 is",
        ),
        ("iic-pixel", (18, 16), (), "strides", "a stride of 4 does not divide images of 18x16 pixels"),
    ],
)
def test_strides_that_do_not_divide_are_refused(
    maps: Callable[..., Tables],
    put_together: Assemble,
    system: str,
    size: tuple[int, int],
    settings: tuple[str, ...],
    where: str,
    said: str,
) -> None:
    issue = refused(put_together, maps(system, *size), *settings)
    assert where in issue.where
    assert issue.where.startswith("networks.")
    assert said in issue.what
    assert issue.fix


def test_a_style_stride_that_does_not_divide_is_refused_without_a_generator_too(
    maps: Callable[..., Tables], put_together: Assemble
) -> None:
    """The encoder would leave the right and lower edge out of its styles."""
    issue = refused(put_together, encoder_alone(maps("cvae-pixel", 24, 20)))
    assert issue.where == "networks.encoder (prior.style_stride)"
    assert issue.what == "16 does not divide images of 24x20 pixels"


def encoder_alone(tables: Tables) -> Tables:
    """The recipe of an encoder without a generator."""
    return {name: table for name, table in tables.items() if name != "extends"} | {
        "prior": {"use": "categorical-map", "clusters": 3, "style_dim": 2},
        "networks": {"encoder": {"use": "map-conv"}},
        "players": {"encoder": {"networks": ["encoder"]}},
        "losses": {"category": {"use": "category-divergence", "player": "encoder"}},
        "inference": {"use": "amortized"},
        "evaluate": {"baselines": []},
    }


def test_an_encoder_on_a_trunk_knows_its_stride(maps: Callable[..., Tables], put_together: Assemble) -> None:
    tables = encoder_alone(maps("cvae-pixel", 32, 48))
    tables["networks"] = {
        "trunk": {"use": "map-conv", "frozen": True},
        "encoder": {"use": "map-conv", "reads": "features"},
    }
    networks = put_together(tables).networks
    code = networks["encoder"](networks["trunk"](torch.rand(2, 3, 32, 48)))
    assert code.logits.shape == (2, 3, 32, 48)
    assert code.style.shape == (2, 2, 2, 3)


def test_vectors_are_refused(maps: Callable[..., Tables], put_together: Assemble) -> None:
    tables = maps("cgm-pixel")
    tables["data"] = {"use": "synthetic", "per_cluster": 4}
    issue = refused(put_together, tables)
    assert issue.where == "networks.generator (layered-decoder)"
    assert "(c, h, w)" in issue.what
