import ast
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import latentclust
import numpy as np
import pytest
import torch
from latentclust.api import LatentclustError
from latentclust.testing import build_networks, load_resolved_recipe
from PIL import Image
from safetensors.torch import load_file

from latentclust_stego import provide_backbones, provide_inferences, provide_losses, provide_tables

RECIPES = Path(__file__).parents[1] / "recipes"

SCENES, SIDE, PERIOD = 12, 48, 4
"""Images, their sides in pixels, and the period of both textures, which is the trunk's stride."""

SHIFT = 0.92
"""Between the correspondences of a texture with itself and with the other: 0.98 and 0.86 of this random trunk."""


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Images of two textures of the same colours, side by side: stripes across and stripes down."""
    rng = np.random.default_rng(0)
    across = np.arange(SIDE)[:, None] // (PERIOD // 2) % 2 * np.ones((1, SIDE), int)
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for scene in range(SCENES):
        down = np.tile(np.arange(SIDE) >= PERIOD * rng.integers(4, 9), (SIDE, 1))
        grey = np.where(down, across.T, across) * 155 + 50
        noisy = np.clip(grey[..., None] + rng.normal(0, 5, (SIDE, SIDE, 3)), 0, 255)
        Image.fromarray(noisy.astype(np.uint8)).save(tmp_path / "images" / f"{scene}.png")
        Image.fromarray(down.astype(np.uint8)).save(tmp_path / "masks" / f"{scene}.png")
    return tmp_path


@pytest.fixture
def tables(scenes: Path) -> dict[str, Any]:
    """STEGO on a random trunk, small enough for seconds."""
    return {
        "schema": 1,
        "extends": "stego@1",
        "name": "planted",
        "data": {"use": "image-mask-folder", "path": str(scenes), "classes": ["across", "down"]},
        "prior": {"clusters": 2},
        "networks": {
            "trunk": {
                "use": "map-conv",
                "channels": [16, 16],
                "strides": [2, 2],
                "dilations": [1, 1],
                "norm": "none",
                "frozen": True,
            },
            "segmenter": {"dim": 8},
        },
        "losses": {name: {"shift": SHIFT} for name in ("self", "neighbour", "others")},
        "tables": {"neighbour": {"count": 3}},
        "players": {
            "segmenter": {"optimizer": {"lr": 1e-2}},
            "centroids": {"optimizer": {"lr": 1e-2}},
        },
        "train": {"rounds": 60, "batch_size": 6, "precision": "fp32"},
        "evaluate": {"metrics": ["accuracy", "miou"], "baselines": ["pixel-kmeans"], "tsne": False},
    }


def test_two_textures_of_the_same_colours_are_distinguished(tables: dict[str, Any], tmp_path: Path):
    result = latentclust.run(tables, out=tmp_path / "run", device="cpu").result
    assert result.metrics is not None
    assert result.metrics["accuracy"] > 0.95
    assert result.baselines is not None
    assert result.baselines["pixel-kmeans"]["accuracy"] < 0.8


def test_only_the_head_and_the_centroids_move(tables: dict[str, Any], tmp_path: Path):
    before = build_networks(tables)
    finished = latentclust.run(tables, {"train.rounds": 2}, out=tmp_path / "run", device="cpu")
    after = load_file(finished.folder / "model.safetensors")
    moved = {}
    for name, network in before.items():
        for key, tensor in network.state_dict().items():
            stored = next(value for stored, value in after.items() if stored.endswith(f"{name}.{key}"))
            moved.setdefault(name, []).append(not torch.equal(stored, tensor))
    assert not any(moved["trunk"])
    assert all(moved["segmenter"])
    assert all(moved["centroids"])


def test_the_head_learns_from_the_correspondences_alone(tables: dict[str, Any]):
    plans = load_resolved_recipe(tables, ()).plans
    assert plans["segmenter"].networks == ("segmenter",)
    assert {term.name: term.reads for term in plans["segmenter"].terms} == {
        "self": ("sampled", "sampled"),
        "neighbour": ("sampled", "sampled_neighbour"),
        "others": ("sampled", "sampled_others"),
    }
    assert {term.name: term.reads for term in plans["centroids"].terms} == {"centroids": ("similarities",)}


@pytest.mark.parametrize("name", ["dubai5-stego", "potsdam3-stego", "cocostuff27-stego"])
def test_recipes_resolve_and_name_the_weights_that_they_read(name: str):
    recipe = load_resolved_recipe(RECIPES / f"{name}.toml", ())
    assert recipe.recipe.name == name
    assert recipe.recipe.networks["trunk"].frozen
    supervised = recipe.backbones["trunk"].model == "tf_efficientnet_lite0"
    assert supervised == ("supervised by" in recipe.recipe.description)


def test_the_probe_refuses_a_prior_of_whole_images(tables: dict[str, Any]):
    tables["prior"] = {"use": "one-hot-gaussian", "clusters": 2}
    what = "'cluster-probe' cannot be used with the prior 'one-hot-gaussian': it gives every pixel a cluster"
    with pytest.raises(LatentclustError, match=what):
        load_resolved_recipe(tables, ())


def test_a_recipe_without_its_table_is_refused(tables: dict[str, Any]):
    tables["tables"] = {"other": {"use": "feature-neighbours"}}
    with pytest.raises(LatentclustError):
        load_resolved_recipe(tables, ())


def test_the_contract_of_imports_is_that_of_the_api_and_of_the_declared_dependencies():
    project = tomllib.loads((RECIPES.parent / "pyproject.toml").read_text())["project"]
    declared = {line.split(">")[0].strip() for line in project["dependencies"]}
    sources = sorted((RECIPES.parent / "src/latentclust_stego").glob("*.py"))
    assert len(sources) > 1
    imported = set()
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
    ours = {name for name in imported if name.partition(".")[0] == "latentclust"}
    assert ours == {"latentclust.api"}
    roots = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert roots - {"latentclust_stego"} <= declared


def test_the_readme_names_every_option():
    page = (RECIPES.parent / "README.md").read_text()
    parts = {**provide_backbones(), **provide_tables(), **provide_losses(), **provide_inferences()}
    fields = {f"| `{field}` | `{name}` |" for name, part in parts.items() for field in part.model_fields}
    assert fields == set(re.findall(r"\| `\w+` \| `[\w-]+` \|(?= )", page))


@pytest.mark.parametrize("block", [0, 1])
def test_the_readmes_recipes_resolve(block: int, tmp_path: Path):
    found = re.findall(r"```toml\n(.*?)```", (RECIPES.parent / "README.md").read_text(), re.DOTALL)
    assert len(found) == 2
    for path in RECIPES.glob("*.toml"):
        shutil.copy(path, tmp_path)
    (tmp_path / "own.toml").write_text(found[block])
    assert load_resolved_recipe(tmp_path / "own.toml", ()).recipe.name in found[block]
