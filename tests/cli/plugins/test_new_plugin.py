"""`latentclust plugins new`: what it writes works as it stands, for every kind."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from latentclust.cli.plugins.new_part import write_part
from latentclust.cli.plugins.new_plugin import COMMAND, NewPlugin, write_plugin
from latentclust.plugins.checks import PROVIDED
from latentclust.plugins.registry import discovered, installed
from latentclust.testing import validate_distribution
from latentclust.testing.validation_report import distribution_parts
from tests.new_plugins import lay_down

EVERY = (*PROVIDED, COMMAND)

WHOLE = "latentclust-whole"
"""A distribution to which a part of every kind is added."""


@dataclass(frozen=True)
class Written:
    """The distributions of all kinds, and a folder of packages in which they are installed."""

    sources: Path
    site: Path

    def folder(self, kind: str) -> Path:
        return self.sources / f"latentclust-my-{kind}"

    def run(self, *words: str) -> str:
        """Runs a Python module beside them; gives what it printed where it fails, and otherwise nothing."""
        path = os.pathsep.join([str(Path(__file__).parents[3]), str(self.site)])
        environment = os.environ | {"PYTHONPATH": path}
        words = (sys.executable, "-m", *words)
        done = subprocess.run(words, cwd=self.sources, env=environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr if done.returncode else ""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Every kind, written by the command."""
    sources, site = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("site")
    for kind in EVERY:
        write_plugin(kind, f"my-{kind}", sources, installed(), ())
    write_plugin("loss", "whole", sources, installed(), ())
    for kind in EVERY:
        write_part(kind, f"whole-{kind}", sources / WHOLE, installed(), ())
    lay_down(sources.iterdir(), site)
    return Written(sources, site)


@pytest.fixture
def beside(written: Written, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All of them, installed in this process."""
    monkeypatch.syspath_prepend(written.site)
    discovered.cache_clear()
    yield
    discovered.cache_clear()
    for name in [name for name in sys.modules if name.startswith(("latentclust_my_", "latentclust_whole"))]:
        del sys.modules[name]


@pytest.mark.slow
def test_their_own_tests_pass(written: Written):
    flags = ("-q", "-W", "error", "--strict-markers", "--import-mode=importlib", "-p", "no:cacheprovider")
    own = (written.sources / WHOLE).glob("tests/test_whole_*.py")
    assert written.run("pytest", *flags, *(str(written.folder(kind)) for kind in EVERY), *map(str, own)) == ""


def test_their_style_is_clean(written: Written):
    assert written.run("ruff", "check", "--no-cache", ".") == ""
    assert written.run("ruff", "format", "--no-cache", "--check", ".") == ""


@pytest.mark.slow
def test_their_types_are_whole(written: Written):
    sources = [str(written.folder(kind) / "src") for kind in EVERY]
    tests = [str(file) for kind in EVERY for file in written.folder(kind).glob("tests/test_my_*.py")]
    sources.append(str(written.sources / WHOLE / "src"))
    tests += [str(file) for file in (written.sources / WHOLE).glob("tests/test_whole_*.py")]
    one = str(written.folder("loss") / "tests" / "test_conformance.py")
    assert written.run("mypy", "--strict", "--config-file=", "--cache-dir=.mypy", *sources, *tests, one) == ""


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("kind", EVERY)
def test_it_is_valid(kind: str):
    found = validate_distribution(f"latentclust-my-{kind}", installed())
    assert found.findings == ()
    assert found.passed > 2


@pytest.mark.usefixtures("beside")
def test_the_parts_that_are_added_load():
    found = distribution_parts(WHOLE, installed())
    assert found.broken == ()
    names = {(part.kind, part.name.partition("@")[0]) for part in found.parts}
    expected = {(kind, f"whole-{kind}".replace("-", "_" if kind == "quantity" else "-")) for kind in EVERY}
    assert names - expected == {("loss", "whole"), ("quantity", "code_of_whole_table")}  # a table has a quantity too
    assert expected <= names


@pytest.mark.parametrize("kind", EVERY)
def test_it_needs_this_version_and_what_it_imports(kind: str, written: Written):
    project = tomllib.loads((written.folder(kind) / "pyproject.toml").read_text())["project"]
    required = {one.name: one for one in map(Requirement, project["dependencies"])}
    assert required["latentclust"].specifier.contains(version("latentclust"))
    assert not required["latentclust"].specifier.contains("99")
    source = (written.folder(kind) / "src" / f"latentclust_my_{kind}" / "__init__.py").read_text()
    imported = set(re.findall(r"^(?:from|import) (torch|pydantic|numpy|typer)\b", source, re.MULTILINE))
    assert set(required) == imported | {"latentclust"}
    assert project["description"] in (written.folder(kind) / "README.md").read_text()


def test_the_command_says_what_to_do_next(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    outcome = cli("plugins", "new", "loss", "my-loss")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "wrote latentclust-my-loss; then:",
        "  pip install -e 'latentclust-my-loss[test]'",
        "  latentclust plugins validate latentclust-my-loss",
        "  pytest latentclust-my-loss",
    ]
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()) == [
        "latentclust-my-loss/README.md",
        "latentclust-my-loss/pyproject.toml",
        "latentclust-my-loss/src/latentclust_my_loss/__init__.py",
        "latentclust-my-loss/src/latentclust_my_loss/py.typed",
        "latentclust-my-loss/tests/test_conformance.py",
        "latentclust-my-loss/tests/test_my_loss.py",
    ]


def test_a_name_that_begins_as_distributions_do_is_taken_as_it_is(cli, tmp_path: Path):
    assert cli("plugins", "new", "metric", "latentclust-evenness", "--out", tmp_path).code == 0
    assert (tmp_path / "latentclust-evenness" / "src" / "latentclust_evenness" / "__init__.py").is_file()
    assert NewPlugin("metric", "evenness").distribution == "latentclust-evenness"


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("los", "my-loss", "KIND: unknown kind 'los'. Did you mean 'loss'?"),
        ("loss", "My_Loss", "NAME: 'My_Loss' is not a valid name. Use lower-case words and hyphens, such as my-loss."),
        ("loss", "", "NAME: '' is not a valid name."),
        ("loss", "../loss", "NAME: '../loss' is not a valid name."),
        ("quantity", "lambda", "NAME: 'lambda' is a Python keyword."),
        ("loss", "none", "NAME: 'none' is a Python keyword."),
        ("loss", "scalar", "NAME: 'scalar' is already used in the code of a new loss."),
        ("prior", "latent", "NAME: 'latent' is already used in the code of a new prior."),
        ("quantity", "noise", "NAME: 'noise' is already used in the code of a new quantity."),
        ("quantity", "batch-size", "NAME: 'batch-size' is already used in the code of a new quantity."),
        ("metric", "conformance", "NAME: 'conformance' is already used in the code of a new metric."),
        ("loss", "mmd", "NAME: latentclust already has a loss named 'mmd'. Choose another."),
        ("quantity", "code-of-real", "NAME: latentclust already has a quantity named 'code-of-real'"),
        ("system", "dls", "NAME: latentclust already has a system named 'dls'"),
        ("command", "run", "NAME: latentclust already has a command named 'run'"),
    ],
)
def test_a_kind_or_a_name_that_cannot_be(cli, tmp_path: Path, kind: str, name: str, told: str):
    outcome = cli("plugins", "new", kind, name, "--out", tmp_path)
    assert outcome.code == 2
    assert told in " ".join(outcome.err.split())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_stays_as_it_is(cli, tmp_path: Path):
    (tmp_path / "latentclust-my-loss").mkdir()
    outcome = cli("plugins", "new", "loss", "my-loss", "--out", tmp_path)
    assert outcome.code == 2
    assert "already exists" in outcome.err
    assert list((tmp_path / "latentclust-my-loss").iterdir()) == []


def test_a_parent_that_is_not_there(cli, tmp_path: Path):
    outcome = cli("plugins", "new", "loss", "my-loss", "--out", tmp_path / "absent")
    assert outcome.code == 2
    assert re.search("--out: folder .* does not exist", " ".join(outcome.err.split()))


@pytest.mark.parametrize(
    ("installed_version", "bound"),
    [
        ("0.1.0", "latentclust>=0.1.0,<0.2"),
        ("1.4.2", "latentclust>=1.4.2,<2"),
        ("0.2rc1", "latentclust>=0.2rc1,<0.3"),
        ("1.0a1", "latentclust>=1.0a1,<2"),
        ("0.3.dev3+g12", "latentclust>=0.3.dev3,<0.4"),
    ],
)
def test_a_new_plugin_suits_the_version_that_wrote_it(
    monkeypatch: pytest.MonkeyPatch, installed_version: str, bound: str
) -> None:
    monkeypatch.setattr("latentclust.cli.plugins.new_plugin.version", lambda name: installed_version)
    project = tomllib.loads(NewPlugin("loss", "my-loss").files()["pyproject.toml"])["project"]
    assert bound in project["dependencies"]
    assert Requirement(bound).specifier.contains(installed_version, prereleases=True)


@pytest.fixture
def loss(cli, tmp_path: Path) -> Path:
    """The folder of a new loss."""
    assert cli("plugins", "new", "loss", "my-loss", "--out", tmp_path).code == 0
    return tmp_path / "latentclust-my-loss"


def contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_a_part_is_added_to_a_distribution(cli, loss: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(loss.parent)
    before = contents(loss)
    outcome = cli("plugins", "new", "metric", "my-metric", "--into", "latentclust-my-loss")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "wrote src/latentclust_my_loss/my_metric.py, tests/test_my_metric.py and changed pyproject.toml in "
        "latentclust-my-loss; then:",
        "  pip install -e 'latentclust-my-loss[test]'",
        "  latentclust plugins validate latentclust-my-loss",
        "  pytest latentclust-my-loss",
    ]
    after = contents(loss)
    assert set(after) - set(before) == {"src/latentclust_my_loss/my_metric.py", "tests/test_my_metric.py"}
    assert {path for path in before if before[path] != after[path]} == {"pyproject.toml"}
    project = tomllib.loads(after["pyproject.toml"])["project"]
    assert project["entry-points"]["latentclust"] == {
        "my-loss": "latentclust_my_loss",
        "my-metric": "latentclust_my_loss.my_metric",
    }
    assert {Requirement(line).name for line in project["dependencies"]} == {"latentclust", "pydantic", "numpy"}
    assert "from latentclust_my_loss.my_metric import MyMetric" in after["tests/test_my_metric.py"]


def test_a_command_is_added_in_its_own_group(cli, loss: Path):
    assert cli("plugins", "new", "command", "my-command", "--into", loss).code == 0
    project = tomllib.loads((loss / "pyproject.toml").read_text())["project"]
    target = "latentclust_my_loss.my_command:my_command"
    assert project["entry-points"]["latentclust.commands"] == {"my-command": target}
    assert any(line.startswith("typer") for line in project["dependencies"])


TAKEN = """[project]
name = "latentclust-my-loss"

[project.entry-points.latentclust]
even = "latentclust_my_loss"
"""

NAMED = "[project]\nname = 'latentclust-my-loss'\n"

INLINE = """[project]
name = "latentclust-my-loss"
dependencies = []
entry-points = { latentclust = { my-loss = "latentclust_my_loss" } }
"""


@pytest.mark.parametrize(
    ("kind", "name", "change", "told"),
    [
        ("loss", "my-loss", None, "test_my_loss.py: already exists. Choose another name."),
        ("metric", "even", ("pyproject.toml", TAKEN), "has an entry point 'even' already. Choose another name."),
        ("loss", "mmd", None, "latentclust already has a loss named 'mmd'"),
        ("los", "other", None, "KIND: unknown kind 'los'"),
        ("metric", "even", ("tests/test_even.py", ""), "test_even.py: already exists. Choose another name."),
        ("metric", "even", ("pyproject.toml", "[project"), "pyproject.toml cannot be read"),
        ("metric", "even", ("pyproject.toml", "[tool]"), "pyproject.toml has no [project] with a name"),
        ("metric", "even", ("pyproject.toml", "project = 3"), "pyproject.toml has no [project] with a name"),
        (
            "metric",
            "even",
            ("pyproject.toml", f"{NAMED}dependencies = ['a b']"),
            "dependencies.0: 'a b' is no requirement",
        ),
        ("metric", "even", ("pyproject.toml", f"{NAMED}entry-points = 3"), "is invalid (entry-points: "),
        ("metric", "even", ("pyproject.toml", "[project]\nname = 'other'\n"), "there is no import package"),
        ("metric", "even", ("pyproject.toml", INLINE), "is written in a form that cannot be changed safely. Add even"),
    ],
)
def test_a_distribution_that_cannot_get_a_part_stays_as_it_is(
    cli, loss: Path, kind: str, name: str, change: tuple[str, str] | None, told: str
):
    if change is not None:
        (loss / change[0]).write_text(change[1])
    before = contents(loss)
    outcome = cli("plugins", "new", kind, name, "--into", loss)
    assert outcome.code == 2
    assert told in " ".join(outcome.err.split())
    assert contents(loss) == before


def test_the_style_of_a_new_plugin_allows_what_its_pages_advise(written: Written):
    """Heavy libraries are imported where they are used, shapes are in annotations, and a loss reads many values."""
    text = '''"""A module."""

from jaxtyping import Float
from torch import Tensor


def follow(one: int, two: int, three: int, four: int, five: int, six: int) -> Float[Tensor, "b k"]:
    """Import a heavy library where it is used."""
    import torch

    return torch.zeros(one + two + three, four + five + six)
'''
    file = written.folder("loss") / "src" / "latentclust_my_loss" / "heavy.py"
    file.write_text(text)
    try:
        assert written.run("ruff", "check", "--no-cache", str(file)) == ""
    finally:
        file.unlink()
