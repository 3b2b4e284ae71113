"""`latentclust choose-k`."""

import json
from pathlib import Path

import numpy as np
import pytest

RECIPE = """
schema = 1
name = "three"

[data]
use = "array"
path = "points.npy"

[prior]
use = "one-hot-gaussian"
clusters = 2
style_dim = 0

[train]
rounds = 0

[inference]
use = "gaussian-mixture"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a recipe of three Gaussians."""
    rng = np.random.default_rng(0)
    points = np.array([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9]]).repeat(20, axis=0) + 0.02 * rng.standard_normal((60, 2))
    np.save(tmp_path / "points.npy", points.clip(0, 1).astype(np.float32))
    (tmp_path / "three.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_suggestion_the_table_and_the_files_are_shown(cli, here):
    outcome = cli("choose-k", "three.toml", "--clusters", "2..4", "--seeds", "3", "--device", "cpu")
    assert outcome.code == 0
    assert "Suggestion: 3 clusters: stability chooses 3" in outcome.out
    assert "  runs/three-choose-k/\n" in outcome.out
    assert "  latentclust run three.toml --set prior.clusters=3\n" in outcome.out
    shown = cli("choose-k", "three.toml", "--clusters", "2..4", "--seeds", "3", "--device", "cpu", "--json")
    assert json.loads(shown.out) == json.loads((here / "runs/three-choose-k/choose_k.json").read_text())


HALVED = '''
from latentclust.api import DeviceViewSpec, Images


class Halved(DeviceViewSpec):
    """Halves all values."""

    random = False

    def apply(self, images: Images, rng) -> Images:
        return Images(images / 2)
'''


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_recipe_may_have_a_part_from_a_file(cli, here, workers):
    (here / "halved.py").write_text(HALVED)
    (here / "halved.toml").write_text(RECIPE.replace("[prior]", 'preprocess = [{ use = "halved" }]\n\n[prior]'))
    words = ["choose-k", "halved.toml", "--clusters", "2..4", "--seeds", "3", "--device", "cpu", "--workers", workers]
    assert "unknown view 'halved'" in cli(*words).err
    outcome = cli(*words, "--plugin", "halved.py")
    assert outcome.code == 0, outcome.err
    assert "Suggestion: 3 clusters" in outcome.out


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--clusters", "4..2"], "the range '4..2' is reversed. Write 2..4"),
        (["--clusters", "2..4", "--quick", "--rounds-fraction", "0.5"], "cannot be combined with --rounds-fraction"),
        (["--clusters", "2..4", "--subsample", "0.3"], "--subsample: 0.3 is not in (0.5, 1]"),
    ],
)
def test_bad_options_end_with_exit_code_2(cli, here, options, what):
    outcome = cli("choose-k", "three.toml", *options)
    assert outcome.code == 2
    assert what in outcome.err
    assert not (here / "runs").exists()
