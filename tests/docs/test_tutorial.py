"""docs/tutorials/write-a-loss.md, word for word, with latentclust installed from a wheel."""

import json
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from latentclust.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = "docs/tutorials/write-a-loss.md"


@pytest.fixture
def lesson(page, tmp_path: Path, monkeypatch) -> list[str]:
    """The commands of the page, in a folder with its loss and its recipe."""
    monkeypatch.chdir(tmp_path)
    Path("my_loss.py").write_text(page(PAGE).blocks("python")[0])
    Path("mine.toml").write_text(page(PAGE).blocks("toml")[0])
    return "".join(page(PAGE).blocks("sh")).splitlines()


def test_its_recipe_uses_what_its_command_writes(lesson: list[str]):
    recipe = tomllib.loads(Path("mine.toml").read_text())
    assert "latentclust plugins new loss even-clusters" in lesson
    assert recipe["losses"]["even"]["use"] == "even-clusters"
    assert lesson[0].startswith("latentclust run mine.toml --plugin my_loss.py ")
    assert lesson[-2:] == ["latentclust plugins validate latentclust-even-clusters", "pytest latentclust-even-clusters"]


def test_the_loss_has_ten_lines_and_its_commands_train_and_check_it(lesson: list[str], capsys):
    assert len([line for line in Path("my_loss.py").read_text().splitlines() if line]) <= 10
    short = [
        "--set",
        "train.rounds=1",
        "--set",
        "train.starts=1",
        "--set",
        "evaluate.baselines=[]",
        "--set",
        "evaluate.tsne=false",
    ]
    for command in lesson[: lesson.index("latentclust plugins new loss even-clusters")]:
        words = command.split()[1:]
        with pytest.raises(SystemExit) as end:
            main(words + short * (words[0] == "run"))
        assert not end.value.code, command
    assert "even" in json.loads(Path("runs/mine/metrics.jsonl").read_text().splitlines()[0])["losses"]
    told = capsys.readouterr().out
    assert "latentclust predict runs/mine IMAGES --out clusters.csv --plugin my_loss.py" in told
    assert "checks passed: ok" in told


@pytest.mark.slow
def test_it_works_word_for_word(page, lesson: list[str], tmp_path: Path):
    """Builds a wheel, and installs it beside what this environment has; needs a package index for build backends."""
    bin_folder = new_environment(tmp_path / "venv")
    pip = str(bin_folder / "pip")
    shell([pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path / "dist"), str(ROOT)], tmp_path)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    # pytest too, for a program that is found by way of the other environment would run in that one
    shell([pip, "install", "--no-deps", "--ignore-installed", str(wheel), "pytest"], tmp_path)
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    package = lesson.index("latentclust plugins new loss even-clusters")
    told = shell(["bash", "-c", "\n".join(["set -e", *lesson[:package]])], tmp_path, PATH=path)
    assert "my_loss.py sha256 " in told
    assert "checks passed: ok" in told
    # before the package is installed: its loss would have the name of the one of the file
    shell([str(bin_folder / "python"), "-c", page(PAGE).blocks("python")[1]], tmp_path)
    told = shell(["bash", "-c", "\n".join(["set -e", *lesson[package:]])], tmp_path, PATH=path)
    assert "latentclust-even-clusters 0.1.0: 1 part, " in told
    assert "checks passed: ok" in told


def new_environment(folder: Path) -> Path:
    """A virtual environment that finds this one's packages after its own; its folder of programs."""
    venv.create(folder, with_pip=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "shared.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    return folder / "bin"


def shell(words: list[str], folder: Path, **environment: str) -> str:
    """What a command printed; it must succeed."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        words, cwd=folder, env=clean | environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
