"""Copies of the sources of given plugins in a run folder, and what is said when one is missing."""

import sys
from pathlib import Path

import pytest

from latentclust.errors import LatentclustError
from latentclust.model.plugin_records import check_plugins
from latentclust.networks.stored_model import PluginRecord
from latentclust.plugins.given import GivenPlugin, UsedPlugin, load_given
from latentclust.plugins.registry import installed
from latentclust.runs.plugin_sources import check_plugin_sources, write_plugin_sources
from latentclust.specs.parts import LossSpec
from latentclust.tensors import Scalar, Scores

SOURCE = '''
from latentclust.api import LossSpec, Scalar, Scores


class MeanOfScores(LossSpec):
    """Mean score."""

    def __call__(self, score_of_fake: Scores) -> Scalar:
        return Scalar(score_of_fake.mean())
'''


class HalfScores(LossSpec):
    """Half of the mean score."""

    def __call__(self, score_of_fake: Scores) -> Scalar:
        return Scalar(score_of_fake.mean() / 2)


def started(folder: Path, plugin: GivenPlugin) -> tuple[Path, str]:
    """The copy in the folder of a run with the plugin, and what is said when the run is resumed without it."""
    write_plugin_sources(folder, [UsedPlugin(plugin, ())])
    check_plugin_sources(folder, installed().with_plugin(plugin))
    with pytest.raises(LatentclustError) as caught:
        check_plugin_sources(folder, installed())
    return folder / plugin.copy, str(caught.value)


def fix_of_model(folder: Path, plugin: GivenPlugin) -> str:
    """The advice of a model file in that folder."""
    record = PluginRecord(name=plugin.name, form=plugin.form, sha256="", source="", parts=["loss none-such"])
    with pytest.raises(LatentclustError) as caught:
        check_plugins(folder / "model.safetensors", [record], installed())
    return caught.value.issues[0].fix


def test_a_missing_file_is_given_by_its_copy(tmp_path: Path) -> None:
    path = tmp_path / "scores.py"
    path.write_text(SOURCE)
    plugin = load_given(path)
    copy, told = started(tmp_path / "run", plugin)
    fix = f"Pass --plugin scores.py; the run's copy is {copy}"
    assert told.endswith(f"and it is not given. {fix}")
    assert fix_of_model(tmp_path / "run", plugin) == fix
    check_plugin_sources(tmp_path / "run", installed().with_plugin(load_given(copy)))


def test_a_missing_class_is_passed_in_python(tmp_path: Path) -> None:
    plugin = load_given(HalfScores)
    copy, told = started(tmp_path / "run", plugin)
    fix = f"Pass plugins=[HalfScores] in Python; its definition is in {copy}"
    assert told.startswith("plugin HalfScores: the run was started with it (sha256 ")
    assert told.endswith(f"{fix}")
    assert fix_of_model(tmp_path / "run", plugin) == fix
    copy.write_text(copy.read_text() + "# other\n")
    with pytest.raises(LatentclustError, match="Restore the class, whose text was that of"):
        check_plugin_sources(tmp_path / "run", installed().with_plugin(plugin))


def test_a_missing_module_is_named(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "scores_module.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    plugin = load_given("scores_module")
    copy, told = started(tmp_path / "run", plugin)
    fix = f"Pass --plugin scores_module, the name of an importable module; its text is in {copy}"
    assert told.endswith(f"{fix}")
    assert fix_of_model(tmp_path / "run", plugin) == fix
    del sys.modules["scores_module"]


def test_the_list_of_plugins_is_checked_and_earlier_runs_have_none(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    started(folder, load_given(HalfScores))
    listed = folder / "plugin-sources/plugins.json"
    assert listed.is_file()
    listed.write_text('[{"name": "../x", "form": "class"}]')
    with pytest.raises(LatentclustError, match=r"plugins\.json: cannot be read"):
        check_plugin_sources(folder, installed())
    listed.unlink()
    with pytest.raises(LatentclustError, match=r"plugin HalfScores\.py: the run was started with it"):
        check_plugin_sources(folder, installed())


@pytest.mark.parametrize("name", ["../loss.py", "a\\b", "my\x1bloss.py", "loss.py\n", "", "x" * 256])
def test_a_model_file_with_an_unsafe_name_of_a_plugin_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        PluginRecord(name=name, form="file", sha256="", source="", parts=[])
