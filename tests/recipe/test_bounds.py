"""Values that no part could compute with are named before any part reads them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from latentclust.errors import LatentclustError
from latentclust.plugins.registry import Registry
from latentclust.recipe.bounds import out_of_bounds
from latentclust.recipe.load import load_recipe
from latentclust.recipe.overrides import parse_setting


@pytest.mark.parametrize("value", [0, 0.0, -3, 1e-37, 1e38, -1e38, 2**53, True, "1e999", float("nan")])
def test_usual_values_are_within(value: Any) -> None:
    assert out_of_bounds({"table": {"key": [value]}}) == ()


@pytest.mark.parametrize("value", [1e308, 5e-324, float("inf"), 2**53 + 1, -(2**64), 10**4000])
def test_others_are_named_with_their_place(value: Any) -> None:
    (issue,) = out_of_bounds({"table": {"key": [1, {"deep": value}]}})
    assert issue.where == "table.key.1.deep"
    assert len(issue.what) < 120


def test_a_seed_may_have_63_bits() -> None:
    assert out_of_bounds({"seed": 2**63 - 1}) == ()
    assert [issue.where for issue in out_of_bounds({"seed": 2**63})] == ["seed"]


def test_deep_and_endless_recipes_have_one_issue() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    (issue,) = out_of_bounds({"data": deep, "other": deep})
    assert "nested deeper than 12 levels" in issue.what
    (issue,) = out_of_bounds({f"key{number}": 1 for number in range(300_000)})
    assert "at most 20,000 values" in issue.what


FILES = {
    "deep": ("x = " + "[" * 5000 + "]" * 5000, "deep.toml: is nested too deeply"),
    "digits": ("seed = " + "9" * 5000, r"digits.toml: cannot be read \(.*4300 digits"),
    "schema": ("schema = true", "unknown schema True"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_cannot_be_read(tmp_path: Path, registry: Registry, name: str) -> None:
    text, said = FILES[name]
    (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(LatentclustError, match=said):
        load_recipe(tmp_path / f"{name}.toml", registry)


def test_a_long_chain_of_recipes_is_refused(tmp_path: Path, registry: Registry) -> None:
    for number in range(30):
        (tmp_path / f"r{number}.toml").write_text(f'schema = 1\nextends = "r{number + 1}"\n')
    with pytest.raises(LatentclustError, match="is the end of a chain of more than 20 recipes"):
        load_recipe(tmp_path / "r0.toml", registry)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("seed=" + "9" * 5000, "has a value that cannot be read"),
        ("a=" + "[" * 5000 + "]" * 5000, "has a value that cannot be read"),
        ("name=\udce6", "is not text in this locale"),
    ],
)
def test_settings_that_cannot_be_read(setting: str, said: str) -> None:
    with pytest.raises(LatentclustError, match=said):
        parse_setting(setting)


def test_a_batch_of_one_is_refused_with_batch_norm(tmp_path: Path, check_data: Callable[..., None]) -> None:
    with pytest.raises(LatentclustError, match=r"train.batch_size: is 1, but the batch norm of networks\.encoder"):
        check_data("train.batch_size=1")
    check_data("train.batch_size=1", "networks.encoder.norm='none'", "networks.critic.norm='none'")


def test_networks_larger_than_the_memory_are_refused_before_they_are_built(check_data: Callable[..., None]) -> None:
    what = r"networks\.encoder: the networks have [\d,]+ parameters, .* more than the .* GiB of this machine"
    with pytest.raises(LatentclustError, match=what):
        check_data("networks.encoder.hidden=[1000000, 1000000]")


@pytest.fixture
def check_data() -> Callable[..., None]:
    """Assembles a small recipe of the digits with its data."""
    from latentclust.assemble.experiment import assemble
    from latentclust.runs.run import load_resolved_recipe

    recipe = Path(__file__).parents[1] / "train" / "dccs.toml"
    return lambda *settings: assemble(load_resolved_recipe(recipe, settings), ()) and None
