"""Recipes that `recipe new --data raster --from SCENE` writes fit the scene, and their models label it."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

import latentclust
from latentclust.evaluate.component_count import count_components
from tests.labelling.planted import read_band, write_scene

COLOURS = np.array([[60, 60, 60], [200, 80, 60], [70, 190, 90], [180, 180, 220]])


def quarters(height: int, width: int) -> NDArray[np.int64]:
    """Four rectangles `(h, w)`, counted from 0."""
    rows, columns = np.indices((height, width))
    return 2 * (rows >= height // 2) + (columns >= width // 2)


def coloured(classes: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Noisy colours of classes `(3, h, w)`."""
    noise = np.random.default_rng(0).normal(0, 4, (3, *classes.shape))
    return np.rint(np.moveaxis(COLOURS[classes], -1, 0) + noise).clip(1, 255).astype(np.uint8)


def written(cli: Any, scene: Path, out: Path) -> dict[str, Any]:
    """The tables of the recipe that the command writes."""
    outcome = cli("recipe", "new", "--data", "raster", "--from", scene, "--out", out)
    assert outcome.code == 0, outcome.err
    return tomllib.loads(out.read_text())


def test_a_recipe_fits_its_scene_and_its_model_labels_it(cli: Any, tmp_path: Path) -> None:
    classes = quarters(80, 100)
    scene = write_scene(tmp_path / "in" / "scene.tif", coloured(classes))
    tables = written(cli, scene, tmp_path / "mine.toml")
    assert (tables["data"]["window"], tables["data"]["windows"], tables["data"]["max_nodata"]) == (32, 15, 0.0)
    assert not {"bands", "nodata"} & tables["data"].keys()
    assert tables["prior"]["clusters"] == 4
    assert "Labelling 8,000 pixels takes about" in (tmp_path / "mine.toml").read_text()
    checked = cli("recipe", "check", tmp_path / "mine.toml", "--with-data")
    assert (checked.code, checked.out[:15]) == (0, "ok: 15 samples,")
    run = latentclust.run(tmp_path / "mine.toml", out=tmp_path / "run", device="cpu")
    assert latentclust.label(run.folder, scene, tmp_path / "out", device="cpu").failed == ()
    labels = read_band(tmp_path / "out" / "scene.tif")
    pairs = {(int(a), int(b)) for a, b in zip(classes.ravel(), labels.ravel(), strict=True)}
    assert len(pairs) == 4
    assert len(np.unique(labels)) == 4


def test_names_fill_and_ranges_of_a_scene_are_in_the_recipe(cli: Any, tmp_path: Path) -> None:
    values = coloured(quarters(150, 140)).astype(np.uint16) * 40
    values[:, :, :50] = 0
    scene = write_scene(tmp_path / "scene.tif", values)
    with rasterio.open(scene, "r+") as file:
        file.descriptions = ("red", "green", "blue")
    tables = written(cli, scene, tmp_path / "mine.toml")
    assert tables["data"]["bands"] == ["red", "green", "blue"]
    assert tables["data"]["nodata"] == 0
    assert tables["prior"]["clusters"] == 4
    low, high = np.percentile(values[0, :, 50:], (2, 98))
    assert f"#   {low:.6g} to {high:.6g}, " in (tmp_path / "mine.toml").read_text()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--data", "raster", "--from", "absent.tif"), "absent.tif"),
        (("--data", "raster", "--from", "text.tif"), "text.tif"),
        (("--data", "raster", "--from", "empty.tif"), "has no valid pixels"),
        (("--data", "raster", "--from", "small.tif"), "is 20x10 pixels (w x h), smaller than 16x16"),
        (("--from", "small.tif"), "Add --data raster"),
        (("--data", "raster", "--from", "small.tif", "--path", "x.tif"), "--path: x.tif is given beside --from"),
        (("--data", "raster", "--from", "small.tif", "--system", "cgm-pixel"), "--system: cgm-pixel is given beside"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_and_nothing_is_written(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.tif").write_text("no raster")
    write_scene(Path("empty.tif"), np.zeros((3, 40, 40), np.uint8), nodata=0)
    write_scene(Path("small.tif"), np.ones((3, 10, 20), np.uint8))
    outcome = cli("recipe", "new", *words, "--out", "mine.toml")
    assert outcome.code == 2
    assert what in " ".join(outcome.err.split())
    assert not Path("mine.toml").exists()


@pytest.mark.parametrize("count", [3, 5, 9])
def test_the_number_of_distinct_groups_is_found(count: int) -> None:
    rng = np.random.default_rng(1)
    centres = np.array([(20.0 * (k % 3), 20.0 * (k // 3)) for k in range(count)])
    assert count_components(np.repeat(centres, 100, axis=0) + rng.normal(0, 1, (100 * count, 2))) == count


def test_as_many_components_as_distinct_points_are_the_most() -> None:
    assert count_components(np.repeat([[0.0], [1.0]], 50, axis=0)) == 2
