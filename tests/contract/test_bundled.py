"""Bundled parts pass the conformance checks of all plugins, and some additional ones."""

import inspect
import tomllib

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from latentclust.assemble.recipe_checks import MAP_ROLES, ROLES
from latentclust.assemble.step_plan import ENGINE_VALUES
from latentclust.plugins.discovery import BUNDLED
from latentclust.plugins.registry import KINDS, Part, Registry, installed
from latentclust.specs.evaluation import BaselineSpec, MapBaselineSpec
from latentclust.specs.views import HostViewSpec
from latentclust.tensors import Images, Mask
from latentclust.testing import conformance
from latentclust.testing.inference_checks import objection_to
from latentclust.testing.subject import CheckedPart

test_conformance = conformance(BUNDLED)

TABLE = np.array([[9, 1, 0], [2, 7, 3], [0, 4, 11], [1, 0, 2]])


def bundled(kind: str, base: type = object) -> pytest.MarkDecorator:
    """The bundled parts of a kind, and of a class, as a test's argument `part`."""
    found = [part for part in installed().parts(kind) if part.provider.distribution == BUNDLED]
    fitting = [part for part in found if base is object or issubclass(part.value, base)]
    return pytest.mark.parametrize("part", fitting, ids=[part.name for part in fitting])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_registry_holds_every_kind(registry: Registry, kind: str) -> None:
    assert registry.parts(kind)


@bundled("loss")
def test_parameters_of_a_loss_name_existing_values(part: Part, registry: Registry) -> None:
    provided = {name for sampler in registry.parts("inference") for name in getattr(sampler.value, "provides", ())}
    views = {"view", "view_alignment"}
    quantities = {quantity.name for quantity in registry.parts("quantity")}
    for system in registry.parts("system"):
        quantities |= {*tomllib.loads(system.value.read_text(encoding="utf-8")).get("quantities", {})}
    known = quantities | provided | views | set(ROLES) | set(MAP_ROLES) | set(ENGINE_VALUES)
    assert set(inspect.signature(part.value.__call__).parameters) - {"self"} <= known


@bundled("inference")
def test_an_inference_suits_some_bundled_prior(part: Part, registry: Registry) -> None:
    spec = CheckedPart(part, registry).build()
    priors = [CheckedPart(prior, registry).build() for prior in registry.parts("prior")]
    assert any(objection_to(spec, prior) is None for prior in priors)


# Metrics


@pytest.mark.parametrize("sizes", [[5, 3, 7], [1, 1], [4], [200, 1, 1, 30]])
@bundled("metric")
def test_a_metric_of_a_perfect_clustering_is_one(part: Part, registry: Registry, sizes: list[int]) -> None:
    perfect = np.diag(sizes)[np.random.default_rng(0).permutation(len(sizes))]
    assert CheckedPart(part, registry).build()(perfect) == pytest.approx(1.0)


@bundled("metric")
def test_a_metric_lies_in_the_unit_interval_and_is_not_moved_by_an_empty_cluster(
    part: Part, registry: Registry
) -> None:
    metric = CheckedPart(part, registry).build()
    padded = np.vstack([TABLE, np.zeros((2, 3), dtype=np.int64)])
    assert 0 < metric(TABLE) < 1
    assert metric(padded) == pytest.approx(metric(TABLE))


# Baselines


@pytest.fixture
def points() -> NDArray[np.float32]:
    """Three groups of ten in [0, 1]^4, far from each other."""
    rng = np.random.default_rng(0)
    centres = np.eye(4)[:3]
    return (np.repeat(centres, 10, axis=0) * 0.8 + rng.uniform(0, 0.1, (30, 4))).astype(np.float32)


@bundled("baseline", BaselineSpec)
def test_a_baseline_finds_groups_that_no_one_could_miss(
    part: Part, registry: Registry, points: NDArray[np.float32]
) -> None:
    spec: BaselineSpec = CheckedPart(part, registry).build()
    labels = spec.cluster(points, 3, seed=0).reshape(3, 10)
    assert [len(set(group)) for group in labels.tolist()] == [1, 1, 1]
    assert spec.on == "pixels"


@bundled("baseline", MapBaselineSpec)
def test_a_baseline_of_pixels_tells_dark_from_light(part: Part, registry: Registry) -> None:
    spec: MapBaselineSpec = CheckedPart(part, registry).build()
    noise = torch.rand((4, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    images = Images(0.1 * noise + 0.8 * (torch.arange(32) >= 16))
    labels = spec.fit([(images, Mask(torch.ones((4, 32, 32), dtype=torch.bool)))], 4, 2, seed=0)(images)
    inside = labels[:, :, :8], labels[:, :, 24:]
    assert [half.unique().numel() for half in inside] == [1, 1]
    assert set(labels.unique().tolist()) == {0, 1}


@bundled("view", HostViewSpec)
def test_a_host_view_draws(part: Part, registry: Registry) -> None:
    spec: HostViewSpec = CheckedPart(part, registry).build()
    image = np.random.default_rng(0).integers(0, 256, (16, 12, 3), dtype=np.uint8)
    first = spec.apply_one(image, 4)
    assert any(not np.array_equal(spec.apply_one(image, seed), first) for seed in range(5, 12))
