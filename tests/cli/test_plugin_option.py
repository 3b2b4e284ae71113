"""`--plugin`: parts of a file in a run, its resumption, and the commands that read its model."""

import json
from hashlib import sha256
from pathlib import Path
from shutil import copytree

import pytest
from safetensors import safe_open

import latentclust
from latentclust.errors import LatentclustError
from latentclust.plugins.given import load_given
from latentclust.plugins.registry import installed
from latentclust.runs.plugin_sources import check_plugin_sources
from latentclust.runs.run_folder import new_folder

SOURCE = '''"""A loss (Nobody 1999)."""

from latentclust.api import Code, LossSpec, Scalar


class EvenClusters(LossSpec):
    """Mean square of the mean logits."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar(code.logits.mean(0).square().mean())
'''

LOSS = """
[losses.even]
use = "even-clusters"
player = "generator"
on = { code = "code_of_fake" }
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory) -> Path:
    """The file of a loss."""
    path = tmp_path_factory.mktemp("plugin") / "my_loss.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture(scope="module")
def even(recipe: Path, tmp_path_factory) -> Path:
    """The file of a recipe with that loss."""
    path = tmp_path_factory.mktemp("recipe") / "even.toml"
    path.write_text(recipe.read_text() + LOSS)
    return path


@pytest.fixture(scope="module")
def trained(plugin: Path, even: Path, tmp_path_factory) -> Path:
    """The folder of a run with it; do not change it."""
    return latentclust.run(even, out=tmp_path_factory.mktemp("run") / "run", device="cpu", plugins=[plugin]).folder


def test_the_source_is_in_the_run_folder_the_results_the_report_and_the_model(trained: Path) -> None:
    digest = sha256(SOURCE.encode()).hexdigest()
    results = json.loads((trained / "results.json").read_text())
    assert (trained / "plugin-sources/my_loss.py").read_text() == SOURCE
    assert results["versions"]["my_loss.py"] == f"sha256 {digest[:12]}"
    assert results["plugins"] == [
        {"name": "my_loss.py", "sha256": digest, "parts": ["loss even-clusters"], "copy": "plugin-sources/my_loss.py"}
    ]
    for page in ("report.md", "report.html"):
        assert f"loss even-clusters of my_loss.py (SHA-256 {digest}" in (trained / page).read_text()
    with safe_open(trained / "model.safetensors", framework="pt") as model:
        header = json.loads(model.metadata()["latentclust"])
    assert header["plugins"] == [
        {"name": "my_loss.py", "form": "file", "sha256": digest, "source": SOURCE, "parts": ["loss even-clusters"]}
    ]


def test_a_model_is_read_with_its_plugin_and_says_what_is_missing_without(trained: Path, plugin: Path, cli) -> None:
    model = trained / "model.safetensors"
    assert latentclust.load(trained, plugins=[plugin]).resolved.plugins[0].plugin.name == "my_loss.py"
    assert cli("evaluate", trained, "--plugin", plugin, "--json").code == 0
    refused = cli("evaluate", trained)
    digest = sha256(SOURCE.encode()).hexdigest()[:12]
    what = f"it was trained with the loss even-clusters of my_loss.py (sha256 {digest}), which is not given"
    fix = f"Pass --plugin my_loss.py; the run's copy is {trained}/plugin-sources/my_loss.py"
    assert refused.code == 2
    assert " ".join(refused.err.split()) == f"error: {model}: {what}. {fix}."


def test_a_changed_source_or_another_provider_is_reported(trained: Path, tmp_path: Path, caplog) -> None:
    changed = tmp_path / "my_loss.py"
    changed.write_text(SOURCE + "# changed\n")
    latentclust.load(trained, plugins=[changed])
    assert "it was trained with my_loss.py (sha256 " in caplog.text
    assert f"my_loss.py sha256 {sha256(changed.read_bytes()).hexdigest()[:12]} is used now" in caplog.text
    other = changed.rename(tmp_path / "other.py")
    caplog.clear()
    latentclust.load(trained, plugins=[other])
    assert "other.py sha256 " in caplog.text


def test_the_source_in_a_model_is_not_run(trained: Path) -> None:
    with pytest.raises(LatentclustError, match="which is not given"):
        latentclust.load(trained)
    assert installed().get("loss", "even-clusters") is None


def test_seeds_and_resumption_need_the_same_source(even: Path, plugin: Path, tmp_path: Path, cli) -> None:
    out = tmp_path / "seeds"
    assert cli("run", even, "--seeds", 1, "--out", out, "--plugin", plugin, "--set", "train.rounds=1").code == 0
    changed = tmp_path / "my_loss.py"
    changed.write_text(SOURCE + "# changed\n")
    for folder in (out, out / "seed-0"):
        refused = cli("run", "--resume", folder)
        assert refused.code == 2
        assert "error: plugin my_loss.py: the run was started with it (sha256 " in " ".join(refused.err.split())
        refused = cli("run", "--resume", folder, "--plugin", changed)
        assert refused.code == 2
        assert "my_loss.py: has changed since the run was started" in " ".join(refused.err.split())
    copy = out / "plugin-sources/my_loss.py"
    check_plugin_sources(out, installed().with_plugin(load_given(copy)))


def test_a_run_that_replaces_another_leaves_no_source_of_it(trained: Path, tmp_path: Path) -> None:
    out = copytree(trained, tmp_path / "run")
    new_folder(out, "small", 0, overwrite=True)
    assert list(out.iterdir()) == []


def test_recipes_and_plugins_commands_take_the_file(even: Path, plugin: Path, cli) -> None:
    assert cli("recipe", "check", even).code == 2
    assert cli("recipe", "check", even, "--plugin", plugin).code == 0
    assert "even-clusters" in cli("recipe", "show", even, "--graph", "--plugin", plugin).out
    (listed,) = [
        part
        for part in json.loads(cli("plugins", "list", "loss", "--plugin", plugin, "--json").out)["parts"]
        if part["name"] == "even-clusters"
    ]
    assert listed["provider"] == "my_loss.py"
    (shown,) = json.loads(cli("plugins", "show", "even-clusters", "--plugin", plugin, "--json").out)
    assert shown["source"] == f"{plugin}:6"
    assert "loss         even-clusters" in cli("plugins", "show", "my_loss.py", "--plugin", plugin).out
    checked = cli("plugins", "validate", plugin)
    assert checked.code == 0, checked.out
    assert checked.out.splitlines()[-1].endswith(": ok")
    assert checked.out.splitlines()[-1].startswith("my_loss.py sha256 ")


def test_a_file_that_cannot_be_used_is_one_message(even: Path, tmp_path: Path, cli) -> None:
    spoilt = tmp_path / "spoilt.py"
    spoilt.write_text("x = (1,\n")
    told = cli("run", even, "--plugin", spoilt)
    assert told.code == 2
    message = f"error: plugin spoilt.py: line 1: SyntaxError: '(' was never closed. Correct {spoilt}."
    assert " ".join(told.err.split()) == message


def test_a_class_is_given_in_python_and_its_model_says_so(even: Path, plugin: Path, tmp_path: Path) -> None:
    scope: dict[str, type] = {"__name__": "notebook"}
    exec(SOURCE, scope)
    given = scope["EvenClusters"]
    found = latentclust.run(even, {"train.rounds": 1}, out=tmp_path / "run", device="cpu", plugins=[given])
    assert "loss even-clusters of EvenClusters (its source is unknown)" in (tmp_path / "run/report.md").read_text()
    assert found.result.plugins[0].sha256 == ""
    assert not (tmp_path / "run/plugin-sources").exists()
    with pytest.raises(
        LatentclustError, match=r"\(source unknown\), which is not given. Pass plugins=\[EvenClusters\]"
    ):
        latentclust.load(tmp_path / "run")
    assert latentclust.load(tmp_path / "run", plugins=[given]).clusters == 3


def test_an_error_in_the_code_of_a_file_names_its_line(even: Path, tmp_path: Path, cli) -> None:
    spoilt = tmp_path / "my_loss.py"
    spoilt.write_text(SOURCE.replace("code.logits.mean", "code.no_such_thing.mean"))
    told = cli("run", even, "--plugin", spoilt, "--out", tmp_path / "run", "--device", "cpu")
    assert told.code == 1
    message = "error: plugin my_loss.py: line 10: AttributeError: 'Code' object has no attribute 'no_such_thing'. "
    assert " ".join(told.err.split()).endswith(f"{message}Correct {spoilt}; --debug shows how it was called.")
