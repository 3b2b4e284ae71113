"""`latentclust recipe`."""

import json
import re
import tomllib

import pytest
import tomli_w

from latentclust.assemble.resolve import resolve
from latentclust.cli.new_recipe import write_new_recipe
from latentclust.cli.shipped_recipes import list_shipped
from latentclust.plugins.discovery import Discovery, ProvidedParts, Provider, discover
from latentclust.plugins.registry import Registry, installed
from latentclust.recipe.load import load_recipe, shipped_recipes
from latentclust.runs.run import load_resolved_recipe


def test_a_sound_recipe_is_ok(cli, recipe):
    assert cli("recipe", "check", recipe).out == "ok\n"
    found = cli("recipe", "check", recipe, "--with-data").out
    assert re.fullmatch(r"ok: [\d,]+ samples, [\d,]+ parameters, \S+ GiB in training without activations\n", found)


def test_keys_that_another_backbone_drops_are_named(cli, tmp_path):
    tables = {"schema": 1, "extends": "clustergan@1", "name": "dropped", "data": {"use": "digits"}}
    tables["networks"] = {"critic": {"use": "mlp"}}
    (tmp_path / "dropped.toml").write_text(tomli_w.dumps(tables))
    outcome = cli("recipe", "check", tmp_path / "dropped.toml")

    assert (outcome.code, outcome.out) == (0, "ok\n")
    assert 'networks.critic.init: `init = "normal"` of clustergan@1 does not hold any more' in outcome.err
    assert "Set init in this table too" in outcome.err
    assert cli("recipe", "check", tmp_path / "dropped.toml", "--set", "networks.critic.init=default").err == ""


def test_every_problem_is_numbered(cli, recipe):
    outcome = cli("recipe", "check", recipe, "--set", "train.rounds=0", "--set", "prior.clusters=1")

    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("error: 2 problems\n  1. ")
    assert "\n  2. " in outcome.err


def test_data_are_looked_at_on_demand_only(cli, recipe):
    settings = ["--set", "prior.clusters=100"]

    assert cli("recipe", "check", recipe, *settings).code == 0
    assert "100 clusters exceed the 36 samples" in cli("recipe", "check", recipe, *settings, "--with-data").err


def test_what_is_shown_is_the_recipe_and_says_where_each_value_came_from(cli):
    outcome = cli("recipe", "show", "digits", "--set", "train.rounds=3")

    assert tomllib.loads(outcome.out) == load_recipe("digits", installed(), ("train.rounds=3",)).layered.tree
    lines = outcome.out.splitlines()
    assert all("  # " in line for line in lines if " = " in line)
    assert [line.partition("# ")[2] for line in lines if line.startswith("rounds")] == ["--set train.rounds=3"]
    assert [line.partition("# ")[2] for line in lines if line.startswith('use = "wasserstein-critic"')] == ["dccs@1"]


def test_a_recipe_shown_with_its_defaults_means_the_same(cli, recipe, tmp_path):
    (tmp_path / "full.toml").write_text(cli("recipe", "show", recipe, "--defaults").out)

    assert "slope" in (tmp_path / "full.toml").read_text()  # an option that only the backbone knows
    assert load_resolved_recipe(tmp_path / "full.toml", ()).plans == load_resolved_recipe(recipe, ()).plans
    again = cli("recipe", "show", tmp_path / "full.toml", "--defaults").out
    assert tomllib.loads(again) == tomllib.loads((tmp_path / "full.toml").read_text())


def test_the_graph_goes_from_losses_down_to_networks(cli, recipe):
    text = cli("recipe", "show", recipe, "--graph").out

    assert text.splitlines()[0] == "player critic: 1 step a round, moves critic, holds generator"
    assert "score_of_fake = f(critic, fake)" in text
    assert "fake = f(generator, prior_sample)" in text
    assert "category-recovery (loss, weight 1)" in text


def test_the_mermaid_text_is_what_github_draws(cli, recipe):
    lines = cli("recipe", "show", recipe, "--graph", "--mermaid").out.splitlines()

    assert lines[0] == "flowchart LR"
    assert lines[1] == '  subgraph p0["player critic, 1 step a round"]'
    assert lines[2] == '    p0v0(["critic"]):::moved'
    assert '    p1l1[["category-recovery, weight 1"]]:::loss' in lines


def test_a_system_is_shown_and_drawn_by_its_name(cli):
    shown = cli("recipe", "show", "dls@1").out
    drawn = cli("recipe", "show", "dls@1", "--graph").out

    assert tomllib.loads(shown)["losses"]["mmd"] == {"use": "mmd", "player": "generator"}
    assert "├── mmd (loss, weight 1)" in drawn
    assert "spectral" in cli("recipe", "show", "dls@1", "--set", "evaluate.baselines=['spectral']").out


def test_a_system_that_is_not_there(cli):
    outcome = cli("recipe", "show", "dls@9", "--graph")

    assert outcome.code == 2
    assert "unknown system 'dls@9'" in outcome.err


def test_the_graphviz_text_joins_what_reads_to_what_is_read(cli, recipe):
    text = cli("recipe", "show", recipe, "--dot").out

    assert text.count("{") == text.count("}") == 3
    assert '"critic/fake" -> "critic/score_of_fake";' in text
    assert '"generator/code_of_fake" -> "generator/losses.category-recovery";' in text


def test_every_shipped_recipe_is_listed(cli):
    found = {item["name"]: item for item in json.loads(cli("recipe", "list", "--json").out)}

    assert set(found) == {*shipped_recipes(), *(part.name for part in installed().parts("recipe"))}
    assert found["digits"]["system"] == "dccs@1"
    assert found["digits"]["data"] == "digits"
    assert "digits-dls" in cli("recipe", "list").out


def test_a_new_recipe_of_a_system_in_stages_has_their_rounds(tables, tmp_path):
    tables["stages"] = {"first": {"rounds": 30}, "second": {"rounds": 20}}
    del tables["train"]["rounds"], tables["data"]
    (tmp_path / "staged.toml").write_text(tomli_w.dumps(tables))
    provision = ProvidedParts(
        Provider("plugin", "1", "parts"), "provide_systems", {"staged@1": tmp_path / "staged.toml"}
    )
    registry = Registry(Discovery((*discover().provisions, provision), ()))
    text = write_new_recipe(registry, "staged", "synthetic", tmp_path / "new.toml")
    assert "[stages.first]\nrounds = 30 # the system's default" in text
    assert "[train]\nbatch_size = 8\n" in text
    resolved = resolve(load_recipe(tmp_path / "new.toml", registry), registry)
    assert [(stage.name, stage.last) for stage in resolved.stages] == [("first", 30), ("second", 50)]


@pytest.mark.parametrize(
    "system", ["clustergan", "dccs", "dls@1", "gan", "infogan", "cgm-pixel", "iic-pixel", "cvae-pixel"]
)
def test_a_new_recipe_passes_its_check_for_any_data(system, tmp_path):
    registry = installed()
    for part in registry.parts("dataset"):
        write_new_recipe(registry, system, part.name, tmp_path / f"{part.name}.toml")
        resolved = load_resolved_recipe(tmp_path / f"{part.name}.toml", ())
        assert resolved.recipe.data.use == part.name
        assert resolved.recipe.name == part.name


@pytest.mark.parametrize(
    ("system", "base"),
    [(None, "rmnp"), ("mixture-pixel", "rmnp"), ("cgm-pixel", "rmnp-cgm"), ("cgm-pixel@1", "rmnp-cgm")],
)
def test_a_new_recipe_of_rasters_begins_from_the_settings_of_a_shipped_one(system, base, tmp_path):
    write_new_recipe(installed(), system, "raster", tmp_path / "mine.toml")
    made, shipped = (load_resolved_recipe(name, ()).recipe for name in (tmp_path / "mine.toml", base))
    assert load_resolved_recipe(tmp_path / "mine.toml", ()).prior.per_pixel  # so that its model labels scenes
    for table in ("prior", "train", "inference", "networks", "players"):
        assert getattr(made, table) == getattr(shipped, table), table
    assert made.data.options == {**shipped.data.options, "path": "path/to/your/data"}
    text = (tmp_path / "mine.toml").read_text()
    assert "# windows = 128 # int > 0\n" in text
    assert ("rounds = 200 #" in text) == (base == "rmnp-cgm")


def test_a_new_recipe_is_printed_or_written_but_never_over_another(cli, tmp_path):
    printed = cli("recipe", "new").out
    assert cli("recipe", "new", "--out", tmp_path / "mine.toml").code == 0

    written = (tmp_path / "mine.toml").read_text()
    assert written.replace('"mine"', '"image-folder"') == printed
    assert cli("recipe", "new", "--out", tmp_path / "mine.toml").code == 2
    assert (tmp_path / "mine.toml").read_text() == written


def test_a_system_that_is_not_there_is_asked_after(cli):
    assert "Did you mean 'dccs@1'?" in cli("recipe", "new", "--system", "dcs").err


@pytest.mark.parametrize("data", ["image-folder", "array", "raster"])
def test_a_placeholder_is_named_by_the_check_and_by_new(cli, tmp_path, data):
    path = tmp_path / "mine.toml"
    made = cli("recipe", "new", "--data", data, "--out", path, *(["--system", "cgm-pixel"] if data == "raster" else []))
    assert "Replace path/to/your/data in it by the path of your data, then run:" in made.out
    assert f"latentclust recipe check {path} --with-data" in made.out
    said = "data.path: path/to/your/data is a placeholder. Write the path of your data"
    checked = cli("recipe", "check", path)
    assert (checked.code, checked.out) == (0, "ok\n")
    assert said in checked.err
    with_data = cli("recipe", "check", path, "--with-data")
    assert with_data.code == 2
    assert said in with_data.err


def test_a_path_that_does_not_exist_is_a_warning_of_the_check(cli, tmp_path):
    path = tmp_path / "mine.toml"
    cli("recipe", "new", "--out", path)
    checked = cli("recipe", "check", path, "--set", f"data.path={tmp_path}/absent")
    assert (checked.code, checked.out) == (0, "ok\n")
    assert f"data.path: {tmp_path}/absent does not exist. Check the path" in checked.err
    (tmp_path / "absent").mkdir()
    assert cli("recipe", "check", path, "--set", f"data.path={tmp_path}/absent").err == ""


def test_descriptions_of_shipped_recipes_are_whole():
    for item in list_shipped(installed()):
        assert not item.description.endswith((",", " is", " at", " of", " and")), item
    (dubai,) = [item for item in list_shipped(installed()) if item.name == "dubai5"]
    assert dubai.description.endswith("pretrained on ImageNet with labels of other images.")


def test_a_recipe_and_its_base_are_found_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "base.toml").write_text('schema = 1\nextends = "digits"\n')
    (tmp_path / "mine.toml").write_text('schema = 1\nextends = "~/base"\n[data]\nuse = "image-folder"\npath = "~/x"\n')
    (tmp_path / "x").mkdir()
    resolved = load_resolved_recipe("~/mine.toml")
    assert resolved.dataset.path == tmp_path / "x"
    assert resolved.dataset.located(()) == tmp_path / "x"


def test_a_recipe_that_trains_nothing_has_no_graph_and_its_file_no_training(cli, tmp_path):
    assert "no step: the recipe trains nothing" in cli("recipe", "show", "mixture-pixel@1", "--graph").out
    made = tmp_path / "mine.toml"
    assert cli("recipe", "new", "--system", "mixture-pixel", "--data", "facades", "--out", made).code == 0
    text = made.read_text()
    assert not any(f"[{table}" in text for table in ("train", "losses", "networks"))
    assert cli("recipe", "check", made).code == 0
