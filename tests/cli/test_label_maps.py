"""Label maps from files as they are published to a report, by the command line and the shipped recipes."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.bundled.datasets.isprs import drawn, write_image, write_labels

SHORT = ("--set", "evaluate.baselines=['pixel-kmeans']", "--set", "train.checkpoint_every=1", "--device", "cpu")
CHAINS = tuple(word for key in ("steps", "burn_in", "sweeps") for word in ("--set", f"inference.{key}=1"))
SMALL = ("--set", "networks.trunk.channels=[8,8,8]")


def real(folder: str) -> Path:
    """A real data set's folder."""
    roots = (Path(part) / folder for part in os.environ.get("LATENTCLUST_DATA", "").split(os.pathsep) if part)
    found = next((root for root in roots if root.is_dir()), None)
    if found is None:
        pytest.skip(f"{folder} is not among the real data")
    return found


def results(run: Path) -> dict:
    return json.loads((run / "results.json").read_text())


def size_of(picture: Path) -> tuple[int, int]:
    with Image.open(picture, formats=["PNG"]) as image:
        return image.size


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes of RGBIR in the ISPRS layout, two of them labelled; each gives one tile."""
    raw = tmp_path_factory.mktemp("isprs")
    for seed, name in enumerate(("2_10", "2_11", "2_13")):
        image, labels = drawn(seed, 400, 420)
        write_image(raw, name, image)
        if name != "2_13":
            write_labels(raw, name, labels)
    return raw


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["potsdam3", "potsdam3-iic"])
def test_every_command_takes_a_model_of_potsdams_four_channels(cli, scenes, tmp_path, recipe):
    tiles, run = tmp_path / "tiles", tmp_path / "run"
    assert cli("data", "prepare", "potsdam", "--from", scenes, "--to", tiles).code == 0
    assert "4 x 200 x 200" in cli("data", "inspect", "potsdam", "--set", f"path={tiles}", "--verify").out
    own = SMALL if recipe.endswith("iic") else CHAINS
    short = ("--set", f"data.path={tiles}", "--set", "train.rounds=3", "--set", "train.batch_size=2", *SHORT, *own)

    assert cli("run", recipe, *short, "--out", run).code == 0
    assert "iic-potsdam3@1" in (run / "report.md").read_text()
    assert sum(results(run)["occupancy"]) == 3 * 200 * 200
    assert size_of(run / "figures" / "label-maps.png")[0] > 0

    evaluated = cli("evaluate", run, "--json", "--device", "cpu")
    assert evaluated.code == 0
    assert json.loads(evaluated.out)["metrics"] == pytest.approx(results(run)["metrics"])
    assert cli("compare", run, run).code == 0

    refused = cli("predict", run, tiles, "--out", tmp_path / "clusters.csv")
    assert (refused.code, "is a per-pixel model" in refused.err) == (2, True)
    other = cli("evaluate", run, "--set", "inference.use=kmeans-on-code", "--device", "cpu")
    assert (other.code, "internal error" in other.err) == (2, False)
    sampled = cli("sample", run, "--out", tmp_path / "modes.png", "--per-cluster", 2)
    if recipe == "potsdam3":
        assert sampled.code == 0
        assert size_of(tmp_path / "modes.png")[0] > 0
        for words in (["--interpolate", 1, 3], ["--traverse", 8]):
            assert cli("sample", run, "--out", tmp_path / "other.png", *words).code == 0
        assert "no style dimension 9" in cli("sample", run, "--out", tmp_path / "x.png", "--traverse", 9).err
    else:
        assert sampled.code == 2
        assert "has no generator. Use a generative system, such as cgm-pixel" in sampled.err


@pytest.mark.slow
def test_the_real_crop_is_one_tile_and_enough_for_potsdam3(cli, tmp_path):
    folder = real("isprs_potsdam")
    image = np.asarray(Image.open(folder / "full_512.png")).transpose(2, 0, 1)
    stored = np.asarray(Image.open(folder / "full_512_label.png")).astype(int)
    write_image(tmp_path / "raw", "2_10", image)
    write_labels(tmp_path / "raw", "2_10", np.where(stored == 0, 6, stored - 1))  # 0 is ignored there
    tiles, rgb = tmp_path / "tiles", ("--set", "protocol=iic-potsdam3", "--set", "bands=rgb")
    assert cli("data", "prepare", "potsdam", *rgb, "--from", tmp_path / "raw", "--to", tiles).code == 0

    short = ("--set", "train.rounds=3", "--set", "train.batch_size=1", *SHORT, *CHAINS)
    data = ("--set", f"data.path={tiles}", "--set", "data.bands=rgb")
    assert cli("run", "potsdam3", *data, *short, "--out", tmp_path / "run").code == 0
    assert "iic-potsdam3-rgb@1" in (tmp_path / "run" / "report.md").read_text()
    assert sum(results(tmp_path / "run")["occupancy"]) == 200 * 200


@pytest.mark.slow
def test_real_pairs_of_coco_stuff_are_the_same_prepared_and_in_memory(cli, tmp_path):
    folder, tiles = real("cocostuff"), tmp_path / "tiles"
    prepared = cli("data", "prepare", "coco-stuff", "--from", folder, "--to", tiles)
    assert prepared.code == 0
    assert "8 tiles" in prepared.out
    too_large = cli("recipe", "check", "cocostuff15", "--with-data", "--set", f"data.path={folder}")
    assert "train.batch_size is lowered from 64 to 8: there are 8 samples" in too_large.err

    short = ("--set", "train.rounds=2", "--set", "train.batch_size=4", *SHORT, *CHAINS)
    for name, path in (("prepared", tiles), ("memory", folder)):
        run = tmp_path / name
        assert cli("run", "cocostuff15", "--set", f"data.path={path}", *short, "--out", run).code == 0
        assert "Ground truth decided which pixels count, in training too" in (run / "report.md").read_text()
    one, other = results(tmp_path / "prepared"), results(tmp_path / "memory")
    different = {key for key in one if one[key] != other[key]}
    assert different <= {"seconds", "variant"}
