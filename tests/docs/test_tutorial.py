"""docs/tutorials/write-a-loss.md, word for word, with latentclust installed from a wheel."""

import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "docs/tutorials/write-a-loss.md"


def test_its_recipe_uses_what_its_command_writes(page):
    commands = "\n".join(page(PAGE).blocks("sh")).splitlines()
    recipe = tomllib.loads(page(PAGE).blocks("toml")[-1])
    assert commands[0] == "latentclust plugins new loss my-loss"
    assert recipe["losses"]["my-loss"]["use"] == "my-loss"
    assert [line for line in commands if line.startswith("latentclust run")] != []
    assert commands[-2:] == ["latentclust plugins validate latentclust-my-loss", "pytest latentclust-my-loss"]


@pytest.mark.slow
def test_it_works_word_for_word(page, tmp_path: Path):
    """Builds a wheel, and installs it beside what this environment has; needs a package index for build backends."""
    bin_folder = new_environment(tmp_path / "venv")
    pip = str(bin_folder / "pip")
    shell([pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path / "dist"), str(ROOT)], tmp_path)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    # pytest too, for a program that is found by way of the other environment would run in that one
    shell([pip, "install", "--no-deps", "--ignore-installed", str(wheel), "pytest"], tmp_path)
    (tmp_path / "mine.toml").write_text(page(PAGE).blocks("toml")[-1])
    script = "set -e\n" + "".join(page(PAGE).blocks("sh"))
    told = shell(["bash", "-c", script], tmp_path, PATH=f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    assert "my-loss" in told
    assert "latentclust-my-loss 0.1.0: 1 part, " in told
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
