"""Where recipes come from, what they extend, and how settings are read."""

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from latentclust.cli.shipped_recipes import list_shipped
from latentclust.errors import LatentclustError
from latentclust.plugins.discovery import Discovery, ProvidedParts, Provider, discover
from latentclust.plugins.registry import Registry
from latentclust.recipe.load import LoadedRecipe, load_recipe, shipped_recipes
from latentclust.recipe.overrides import parse_setting

DATA = '[data]\nuse = "digits"\n'


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def recipe(path: Path, base: str, text: str = "") -> Path:
    return write(path, f'extends = "{base}"\nname = "{path.stem}"\n{text}{DATA}')


# What a recipe extends


def test_a_system_a_file_beside_and_a_shipped_recipe_can_be_extended(tmp_path: Path, registry: Registry) -> None:
    base = recipe(tmp_path / "a" / "base.toml", "dls@1", "seed = 7\n")
    child = recipe(tmp_path / "a" / "child.toml", "base")
    grandchild = recipe(tmp_path / "grandchild.toml", "a/child.toml")
    found = load_recipe(grandchild, registry)
    assert found.recipe.name == "grandchild"
    assert found.recipe.seed == 7
    assert found.recipe.losses["mmd"].use == "mmd"
    origins = found.layered.origins
    assert origins["seed"] == str(base)
    assert origins["losses.mmd.use"] == "dls@1"
    assert origins["losses.critic.use"] == "clustergan@1"
    assert origins["name"] == str(grandchild)
    assert child.exists()
    assert "extends" not in found.layered.tree
    shipped = load_recipe(recipe(tmp_path / "mine.toml", "digits"), registry)
    assert shipped.layered.origins["losses.mutual-information.use"] == "dccs@1"


def test_a_file_beside_goes_before_a_shipped_recipe(tmp_path: Path, registry: Registry) -> None:
    recipe(tmp_path / "digits.toml", "dls@1", "seed = 7\n")
    assert load_recipe(recipe(tmp_path / "mine.toml", "digits"), registry).recipe.seed == 7


def test_a_recipe_is_found_by_path_or_by_shipped_name(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert load_recipe("digits", registry).recipe.name == "digits"
    recipe(Path("digits.toml"), "dls@1", "seed = 7\n")
    assert load_recipe("digits.toml", registry).recipe.seed == 7
    assert load_recipe(Path("digits.toml"), registry).recipe.seed == 7


def error(source: Any, registry: Registry, *settings: str) -> str:
    with pytest.raises(LatentclustError) as caught:
        load_recipe(source, registry, settings)
    return str(caught.value)


def test_circular_extends_are_refused_for_any_spelling_of_the_path(tmp_path: Path, registry: Registry) -> None:
    one = recipe(tmp_path / "one.toml", "two")
    recipe(tmp_path / "two.toml", "sub/three")
    three = recipe(tmp_path / "sub" / "three.toml", "../one")
    assert (
        error(one, registry)
        == f"{three}: extends: '../one' closes a cycle of recipes. Remove one `extends` of the cycle"
    )
    self = recipe(tmp_path / "self.toml", "self")
    assert (
        error(self, registry) == f"{self}: extends: 'self' closes a cycle of recipes. Remove one `extends` of the cycle"
    )


def test_a_system_that_extends_itself_is_refused(tmp_path: Path) -> None:
    circle = recipe(tmp_path / "circle.toml", "circle@1")
    provider = Provider("third", "1.0", "parts")
    registry = Registry(Discovery((ProvidedParts(provider, "provide_systems", {"circle@1": circle}),), ()))
    assert error({"extends": "circle@1"}, registry).startswith(
        "circle@1: extends: 'circle@1' closes a cycle of recipes."
    )


def test_what_is_not_there_is_suggested(tmp_path: Path, registry: Registry) -> None:
    assert "unknown system or recipe 'dgits'. Did you mean 'digits'?" in error(
        recipe(tmp_path / "a.toml", "dgits"), registry
    )
    assert "unknown system 'dcs@1'. Did you mean 'dccs@1'?" in error(recipe(tmp_path / "b.toml", "dcs@1"), registry)
    assert "extends: invalid value 3" in error(write(tmp_path / "c.toml", "extends = 3"), registry)
    assert error("digist", registry) == "digist: unknown recipe. Did you mean 'digits'?"


# What cannot be read


def test_a_missing_file_is_named(tmp_path: Path, registry: Registry) -> None:
    assert error(tmp_path / "none.toml", registry).startswith(f"{tmp_path / 'none.toml'}: the file does not exist.")


@pytest.mark.parametrize(
    ("text", "place"),
    [("schema = 1\nname = \n", "(at line 2, column 8)"), ("a = 1\na = 2\n", "(at line 2, column 6)")],
)
def test_a_slip_of_syntax_has_its_line_and_column(tmp_path: Path, registry: Registry, text: str, place: str) -> None:
    path = write(tmp_path / "slip.toml", text)
    told = error(path, registry)
    assert told.startswith(f"{path}: is not valid TOML:")
    assert place in told


def test_a_file_that_is_not_text_is_refused(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "model.toml"
    path.write_bytes(b"name = '\xff\xfe'")
    assert "cannot be read" in error(path, registry)
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    assert "is not a regular file" in error(folder, registry)


def test_another_schema_is_refused_before_anything_else(registry: Registry) -> None:
    assert error({"schema": 2, "nonsense": 1}, registry) == "schema: unknown schema 2. Use schema = 1"


@pytest.mark.parametrize("schema", [True, 1.0, "1"])
def test_a_schema_that_equals_one_but_is_no_integer_is_refused(schema: object, registry: Registry) -> None:
    assert error({"schema": schema}, registry) == f"schema: unknown schema {schema!r}. Use schema = 1"


def test_what_toml_cannot_hold_is_refused(tables: dict[str, Any], registry: Registry) -> None:
    tables["description"] = None
    assert "the given tables: cannot be written as TOML" in error(tables, registry)


def test_tables_from_python_may_hold_paths_and_tuples(tables: dict[str, Any], registry: Registry) -> None:
    tables["data"] = {"use": "array", "path": Path("x.npy"), "range": (0.0, 2.0)}
    found = load_recipe(tables, registry)
    assert tomllib.loads(found.text)["data"] == {"use": "array", "path": "x.npy", "range": [0.0, 2.0]}
    assert tables["data"]["path"] == Path("x.npy")


# Settings


@pytest.mark.parametrize(
    ("setting", "tree"),
    [
        ("seed=3", {"seed": 3}),
        ("train.rounds = 10", {"train": {"rounds": 10}}),
        ("losses.mmd.weight=2.5", {"losses": {"mmd": {"weight": 2.5}}}),
        ("losses.mmd.enabled=false", {"losses": {"mmd": {"enabled": False}}}),
        ("data.use=digits", {"data": {"use": "digits"}}),
        ("data.use='digits'", {"data": {"use": "digits"}}),
        ("data.path=/tmp/a=b.npy", {"data": {"path": "/tmp/a=b.npy"}}),
        ("name=m-1.2", {"name": "m-1.2"}),
        ("networks.encoder.hidden=[8, 4]", {"networks": {"encoder": {"hidden": [8, 4]}}}),
        ("losses.a={use='mmd', player='p'}", {"losses": {"a": {"use": "mmd", "player": "p"}}}),
        ("description=", {"description": ""}),
    ],
)
def test_settings_are_toml_or_bare_words(setting: str, tree: dict[str, Any]) -> None:
    assert parse_setting(setting) == tree


@pytest.mark.parametrize("setting", ["seed", "=3", "losses..weight=3", ".seed=3", ""])
def test_an_invalid_setting_is_refused(setting: str) -> None:
    with pytest.raises(LatentclustError, match="is not a setting"):
        parse_setting(setting)


def test_settings_lie_over_the_recipe_and_later_ones_over_earlier(tables: dict[str, Any], registry: Registry) -> None:
    found = load_recipe(tables, registry, ("seed=3", "train.rounds=9", "seed=4"))
    assert (found.recipe.seed, found.recipe.train.rounds, found.recipe.train.batch_size) == (4, 9, 8)
    assert found.layered.origins["seed"] == "--set seed=4"
    assert found.layered.origins["train.batch_size"] == "the given tables"


def test_a_setting_that_uses_another_part_replaces_the_table(tables: dict[str, Any], registry: Registry) -> None:
    found = load_recipe(tables, registry, ("prior={use='uniform', clusters=4}",))
    assert found.recipe.prior.options == {"clusters": 4}


# The resolved text


def loaded_again(found: LoadedRecipe, registry: Registry) -> LoadedRecipe:
    return load_recipe(tomllib.loads(found.text), registry)


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_the_resolved_text_is_the_same_recipe(name: str, registry: Registry) -> None:
    found = load_recipe(name, registry, ("seed=5",))
    again = loaded_again(found, registry)
    assert again.recipe == found.recipe
    assert again.text == found.text
    assert again.digest == found.digest


def test_the_digest_is_that_of_the_text_and_changes_with_any_value(registry: Registry) -> None:
    found = load_recipe("digits", registry)
    assert found.digest == hashlib.sha256(found.text.encode()).hexdigest()
    assert load_recipe("digits", registry).digest == found.digest
    assert load_recipe("digits", registry, ("prior.sigma=0.2",)).digest != found.digest


def test_the_variant_is_the_recipe_but_for_its_seed(registry: Registry) -> None:
    first, second = (load_recipe("digits", registry, (f"seed={seed}",)) for seed in (1, 2))
    assert first.digest != second.digest
    assert first.variant == second.variant
    assert load_recipe("digits", registry, ("prior.sigma=0.2",)).variant != first.variant


def test_the_variant_does_not_depend_on_the_text_about_empty_clusters(registry: Registry) -> None:
    plain = load_recipe("digits", registry)
    reworded = load_recipe("digits", registry, {"losses.critic.if_empty": "Try another seed."})
    assert reworded.variant == plain.variant
    assert reworded.digest != plain.digest


def test_recipes_of_a_plugin_are_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text('schema = 1\nextends = "digits"\nname = "small"\n')
    (tmp_path / "other.toml").write_text('schema = 1\nextends = "small-digits"\nname = "other"\n')
    recipes = {"small-digits": tmp_path / "small.toml", "digits": tmp_path / "small.toml", "bad": tmp_path / "none"}
    provision = ProvidedParts(Provider("plugin", "1", "parts"), "provide_recipes", recipes)
    registry = Registry(Discovery((*discover().provisions, provision), ()))
    assert load_recipe("small-digits", registry).recipe.name == "small"
    assert load_recipe("plugin:small-digits", registry).recipe.name == "small"
    assert load_recipe("digits", registry).recipe.name == "digits"
    assert load_recipe("plugin:digits", registry).recipe.name == "small"
    assert load_recipe(tmp_path / "other.toml", registry).recipe.data.use == "digits"
    assert {"small-digits", "plugin:digits"} <= {item.name for item in list_shipped(registry)}
    with pytest.raises(LatentclustError, match=r"recipe 'bad' is not a readable TOML file"):
        load_recipe("bad", registry)
    with pytest.raises(LatentclustError, match="Did you mean 'small-digits'"):
        load_recipe("small-digit", registry)
