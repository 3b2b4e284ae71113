"""`[quantities.NAME]`: quantities with options, and the same function on other values."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import PositiveFloat

from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import Resolved, resolve
from latentclust.errors import Issue, LatentclustError
from latentclust.plugins.checks import check_part
from latentclust.plugins.discovery import Discovery, ProvidedParts, Provider, discover
from latentclust.plugins.registry import Registry
from latentclust.recipe.load import load_recipe
from latentclust.runs.trial_step import try_steps
from latentclust.specs.quantities import QuantitySpec
from latentclust.tensors import Images

Tables = dict[str, Any]
FindIssues = Callable[..., tuple[Issue, ...]]
Resolve = Callable[..., Resolved]


class Dimmed(QuantitySpec):
    """Images at a fraction of their brightness."""

    factor: PositiveFloat = 0.5
    """Factor of each value."""

    def __call__(self, images: Images) -> Images:
        return Images(images * self.factor)


class Scaled(QuantitySpec):
    """Images times a required factor."""

    factor: PositiveFloat

    def __call__(self, images: Images) -> Images:
        return Images(images * self.factor)


@pytest.fixture
def extended() -> Registry:
    """The registry with both quantities."""
    parts = {"dimmed": Dimmed, "scaled": Scaled}
    provision = ProvidedParts(Provider("plugin", "1", "parts"), "provide_quantities", parts)
    return Registry(Discovery((*discover().provisions, provision), ()))


@pytest.fixture
def of_view(tables: Tables) -> Tables:
    """The small recipe with two views, and the code of the second one by `on`."""
    tables["views"] = {name: {"use": "point-affine"} for name in ("view", "second")}
    tables["quantities"] = {"code_of_second": {"use": "code_of_view", "on": {"view": "second"}}}
    tables["losses"]["invariance"] = {
        "use": "augmentation-invariance",
        "player": "generator",
        "on": {"code_of_real": "code_of_view", "code_of_view": "code_of_second"},
    }
    return tables


def test_a_quantity_is_computed_from_other_values(of_view: Tables, resolved: Resolve) -> None:
    found = resolved(of_view)
    nodes = {node.name: node.reads for node in found.plans["generator"].nodes}
    assert nodes["code_of_second"] == ("encoder", "second")
    assert nodes["code_of_view"] == ("encoder", "view")
    assert "second" in found.plans["generator"].given
    try_steps(assemble(found, ()))


def test_options_reach_the_quantity_of_each_name(tables: Tables, extended: Registry) -> None:
    tables["quantities"] = {"dark": {"use": "dimmed", "factor": 0.1}, "code_of_dark": {"use": "code_of_real"}}
    tables["quantities"]["code_of_dark"]["on"] = {"images": "dark"}
    tables["losses"]["dim"] = {"use": "reconstruction", "player": "generator", "on": {"reconstruction": "of_dimmed"}}
    tables["quantities"]["of_dimmed"] = {"use": "reconstruction", "on": {"code_of_real": "code_of_dimmed"}}
    tables["quantities"]["code_of_dimmed"] = {"use": "code_of_real", "on": {"images": "dimmed"}}
    tables["losses"]["dark"] = {"use": "reconstruction", "player": "generator", "on": {"reconstruction": "of_dark"}}
    tables["quantities"]["of_dark"] = {"use": "reconstruction", "on": {"code_of_real": "code_of_dark"}}
    found = resolve(load_recipe(tables, extended), extended)
    nodes = {node.name: node for node in found.plans["generator"].nodes}
    ones = torch.ones(2, 3)
    assert torch.equal(nodes["dark"].function(ones), ones * 0.1)
    assert torch.equal(nodes["dimmed"].function(ones), ones * 0.5)
    assert nodes["dark"].type is Images
    assert "plugin" in found.distributions
    try_steps(assemble(found, ()))


@pytest.mark.parametrize(
    ("quantity", "where", "said"),
    [
        ({"use": "dimmed", "factor": -1.0}, "quantities.dark.factor", "greater than 0"),
        ({"use": "dimmed", "fator": 1.0}, "quantities.dark.fator", "unknown key"),
        ({"use": "scaled"}, "quantities.dark.factor", "missing"),
        ({"use": "fake", "factor": 1.0}, "quantities.dark.factor", "'fake' has no options"),
        ({"use": "fake", "on": {"generatr": "x"}}, "quantities.dark.on", "no parameter 'generatr'"),
        ({"use": "dimmd"}, "quantities.dark.use", "unknown quantity 'dimmd'"),
    ],
)
def test_invalid_tables_are_issues(tables: Tables, extended: Registry, quantity: Tables, where: str, said: str) -> None:
    tables["quantities"] = {"dark": quantity}
    with pytest.raises(LatentclustError) as caught:
        resolve(load_recipe(tables, extended), extended)
    (issue,) = caught.value.issues
    assert issue.where == where
    assert said in str(issue)


def test_a_binding_of_the_wrong_type_is_named_at_its_key(of_view: Tables, issues: FindIssues) -> None:
    of_view["quantities"]["code_of_second"]["on"] = {"view": "code_of_real"}
    (issue,) = issues(of_view)
    assert issue.where == "quantities.code_of_second.on.view"
    assert "expects Images, but 'code_of_real' is Code" in issue.what


def test_a_name_of_another_input_is_refused(of_view: Tables, issues: FindIssues) -> None:
    for name in ("second", "images", "encoder"):
        of_view["quantities"] = of_view["quantities"] | {name: "fake"}
    assert {issue.where for issue in issues(of_view)} >= {"quantities.second", "quantities.images"}


def test_a_quantity_in_a_cycle_through_on_is_refused(of_view: Tables, issues: FindIssues) -> None:
    of_view["quantities"]["code_of_second"] = {"use": "reconstruction", "on": {"code_of_real": "code_of_second"}}
    assert "cycle" in " ".join(str(issue) for issue in issues(of_view))


def test_a_spec_without_a_call_is_no_quantity() -> None:
    class Idle(QuantitySpec):
        """Nothing."""

    assert check_part("quantity", "idle", Idle) == "does not define __call__"
    assert check_part("quantity", "dimmed", Dimmed) is None
