"""Plugins that are given by a file, a module or a class."""

import linecache
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from textwrap import dedent

import pytest

from latentclust.errors import LatentclustError
from latentclust.plugins.class_parts import part_name
from latentclust.plugins.class_source import class_source
from latentclust.plugins.given import UNKNOWN_SOURCE, load_given
from latentclust.plugins.registry import installed, use_plugins
from latentclust.specs.parts import LossSpec
from latentclust.tensors import Scalar, Scores

LOSS = '''
from latentclust.api import LossSpec, Scalar, Scores


class EvenScores(LossSpec):
    """Mean score."""

    def __call__(self, score_of_fake: Scores) -> Scalar:
        return Scalar(score_of_fake.mean())
'''


class OwnLoss(LossSpec):
    """A loss of this module."""

    def __call__(self, score_of_fake: Scores) -> Scalar:
        return Scalar(score_of_fake.mean())


@pytest.fixture
def file(tmp_path: Path):
    """Writes a plugin file; its path."""

    def write(source: str = LOSS, name: str = "my_loss.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(source), encoding="utf-8")
        return path

    yield write
    for name in [name for name in sys.modules if name.startswith("latentclust_plugin_")]:
        del sys.modules[name]


def refused(*sources: object) -> str:
    """The message about plugins that are refused."""
    with pytest.raises(LatentclustError) as caught, use_plugins(sources):
        pass
    return str(caught.value)


def test_a_class_of_a_file_is_a_part_named_after_it_until_the_end_of_the_block(file) -> None:
    path = file()
    with use_plugins([path]) as registry:
        part = installed().find("loss", "even-scores", "")
        assert installed() is registry
        assert part.qualified == "my_loss.py:even-scores"
        assert registry.find("loss", "my_loss.py:even-scores", "") is part
        assert part.provider.version == f"sha256 {sha256(path.read_bytes()).hexdigest()[:12]}"
    with pytest.raises(LatentclustError, match="unknown loss 'even-scores'"):
        installed().find("loss", "even-scores", "")


def test_a_file_is_run_once_for_each_text_and_its_classes_can_be_pickled_and_inspected(file) -> None:
    path = file()
    first, again = load_given(path), load_given(str(path))
    loss = first.parts[0].parts["even-scores"]
    assert again.parts[0].parts["even-scores"] is loss
    assert first.equals(again)
    assert getattr(sys.modules[loss.__module__], loss.__name__) is loss
    assert class_source(loss) == LOSS.strip().split("\n\n\n")[1] + "\n"
    changed = load_given(file(LOSS + "\n# changed\n"))
    assert changed.parts[0].parts["even-scores"] is not loss
    assert not first.equals(changed)


def test_threads_do_not_see_the_plugins_of_each_other(file) -> None:
    with use_plugins([file()]), ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: installed().get("loss", "even-scores")).result() is None
        assert installed().get("loss", "even-scores") is not None


def test_plugins_add_up_and_one_that_is_given_twice_counts_once(file) -> None:
    path = file()
    with use_plugins([path, OwnLoss]), use_plugins([path]) as registry:
        assert [one.name for one in registry.given] == ["my_loss.py", "OwnLoss"]
        assert registry.find("loss", "own-loss", "").value is OwnLoss


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("ConfidencePenalty", "loss", "confidence-penalty"),
        ("MMDLoss", "loss", "mmd-loss"),
        ("ResNet18", "backbone", "res-net18"),
        ("Mine_Own", "view", "mine-own"),
        ("CodeOfNoisy", "quantity", "code_of_noisy"),
    ],
)
def test_names_of_classes_become_names_of_parts(name: str, kind: str, expected: str) -> None:
    assert part_name(type(name, (), {}), kind) == expected


def test_private_classes_imported_classes_and_incomplete_base_classes_are_no_parts(file) -> None:
    source = """
    from latentclust.api import LossSpec, Scalar, Scores
    from latentclust.bundled.losses.mmd import Mmd

    class Base(LossSpec):
        pass

    class _Hidden(Base):
        def __call__(self, score_of_fake: Scores) -> Scalar:
            return Scalar(score_of_fake.mean())

    class Shown(_Hidden):
        pass
    """
    (parts,) = load_given(file(source)).parts
    assert list(parts.parts) == ["shown"]


def test_hooks_decide_the_parts_and_their_names(file) -> None:
    source = f"""{LOSS}
from latentclust.api import hookimpl

@hookimpl
def provide_losses():
    return {{"other-name": EvenScores}}

@hookimpl
def provide_quantities():
    return {{"half_of_scores": lambda score_of_fake: score_of_fake / 2}}
"""
    with use_plugins([file(source)]) as registry:
        assert registry.get("loss", "even-scores") is None
        assert registry.get("loss", "other-name") is not None
        assert registry.get("quantity", "half_of_scores") is not None


def test_a_module_is_given_by_its_name_or_itself(file, monkeypatch) -> None:
    monkeypatch.syspath_prepend(file(name="given_losses.py").parent)
    by_name = load_given("given_losses")
    module = sys.modules["given_losses"]
    assert by_name.equals(load_given(module))
    assert (by_name.name, by_name.form, by_name.copy) == ("given_losses", "module", "plugin-sources/given_losses.py")
    assert by_name.sha256 == sha256(LOSS.encode()).hexdigest()
    del sys.modules["given_losses"]


def test_a_class_has_its_source_also_from_a_notebook_cell() -> None:
    assert load_given(OwnLoss).source.startswith("class OwnLoss(LossSpec):")
    cell, name = "X = 1\n" + LOSS, "<ipython-input-1>"
    linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
    module = types.ModuleType("__main__")
    exec(compile(cell, name, "exec"), vars(module))
    assert load_given(module.EvenScores).source == LOSS.strip().split("\n\n\n")[1] + "\n"
    del linecache.cache[name]
    unknown = load_given(module.EvenScores)
    assert (unknown.source, unknown.sha256, unknown.copy) == ("", "", "")
    assert unknown.provider.version == UNKNOWN_SOURCE


def test_output_and_changes_of_a_file_are_kept_from_the_command(file, capsys) -> None:
    plugin = load_given(file("print('hello')\n" + LOSS))
    assert capsys.readouterr().out == ""
    assert "standard output" in plugin.remarks[0].text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = (1,\ny = 2\n", "line 1: SyntaxError: '(' was never closed. Correct "),
        ("x = 1\n1 / 0\n", "line 2: ZeroDivisionError: division by zero. Correct "),
        ("import nothing_of_the_kind\n", "line 1: ModuleNotFoundError: No module named 'nothing_of_the_kind'"),
        ("import sys\nsys.exit(3)\n", "line 2: it calls sys.exit(3)"),
        ("x = 1\n", "defines no part: no class derived from LossSpec"),
        (LOSS.replace("__call__", "call"), "loss 'even-scores' does not define __call__. Correct it"),
        (LOSS.replace("EvenScores", "Mmd"), "its loss 'mmd' has the name of a loss of latentclust. Rename it"),
        (LOSS + LOSS.replace("EvenScores", "Even_Scores"), "EvenScores and Even_Scores would both be the loss"),
        ("from latentclust.api import hookimpl\n@hookimpl\ndef provide_losses():\n    return {}\n", "return no part"),
        ("from latentclust.api import hookimpl\n@hookimpl\ndef provide_losses():\n    return 3\n", "returns int"),
        ("from latentclust.api import hookimpl\n@hookimpl\ndef provide_nothing():\n    return 3\n", "provide_nothing"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_name_and_line(file, source: str, message: str) -> None:
    told = refused(file(source))
    assert told.startswith("plugin my_loss.py: ")
    assert message in told
    assert not [name for name, one in sys.modules.items() if name.startswith("latentclust_plugin_") and one is None]


def test_what_is_no_plugin_is_refused(file, tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "missing.py")
    (tmp_path / "loss.txt").write_text(LOSS)
    assert "is no Python file" in refused(tmp_path / "loss.txt")
    assert "is no Python file" in refused(tmp_path)
    (tmp_path / "latin.py").write_bytes(b"# \xe9")
    assert "cannot be read ('utf-8' codec" in refused(tmp_path / "latin.py")
    assert "is no file and cannot be imported as a module" in refused("no.such_module")
    assert "plugin int: is not the class of a part" in refused(int)
    assert "is an object of type OwnLoss" in refused(OwnLoss())
    assert "Pass the class OwnLoss itself" in refused(OwnLoss())


def test_two_plugins_with_one_name_or_one_part_are_refused(file) -> None:
    first = file()
    assert "was given twice, with different contents" in refused(first, file(LOSS + "# other", "other/my_loss.py"))
    other = file(LOSS, "other.py")
    assert "its loss 'even-scores' has the name of a loss of my_loss.py" in refused(first, other)


def test_threads_that_load_one_file_get_the_same_finished_module(file) -> None:
    path = file("import time\ntime.sleep(0.2)\n" + LOSS)
    with ThreadPoolExecutor(4) as pool:
        first, *others = [one.parts[0].parts["even-scores"] for one in pool.map(load_given, [path] * 4)]
    assert all(other is first for other in others)


def test_one_source_need_not_be_in_a_list(file) -> None:
    path = file()
    for source, name in ((OwnLoss, "own-loss"), (path, "even-scores"), (str(path), "even-scores")):
        with use_plugins(source) as registry:
            assert registry.get("loss", name) is not None
    with use_plugins(load_given(path).parts[0].parts["even-scores"]) as registry:
        assert registry.given[0].form == "class"
    for wrong in (OwnLoss(), 3):
        with pytest.raises(LatentclustError, match=f"is an object of type {type(wrong).__name__}"), use_plugins(wrong):
            pass


def test_two_plugins_whose_copies_would_have_one_name_are_refused(file, monkeypatch) -> None:
    monkeypatch.syspath_prepend(file(name="clash.py").parent)
    other = file(LOSS.replace("EvenScores", "Others"), "o/clash.py")
    assert "its copy in a run folder would replace that of clash: both are clash.py" in refused("clash", other)
    del sys.modules["clash"]


def test_a_folder_beside_it_does_not_hide_a_module(file, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(file(name="given_beside.py").parent)
    (tmp_path / "work/given_beside").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    assert load_given("given_beside").form == "module"
    del sys.modules["given_beside"]


def test_a_name_or_a_source_that_no_model_file_can_hold_is_refused_before_it_is_run(file) -> None:
    assert f"its source has {2**22 + 7} characters" in refused(file("1 / 0\n#" + "x" * 2**22))
    assert "contains a separator or a control character" in refused(file(LOSS, "my\x1bloss.py"))
    assert load_given(file(LOSS, "mein Verlust ä.py")).name == "mein Verlust ä.py"
