"""`latentclust run`."""

import json
import signal

import pytest

from latentclust.cli.progress import LineProgress
from latentclust.train.events import Record
from tests.labelling.planted import noise_scene, write_scene

LABEL_MAPS = """
schema = 1
name = "tiny"
extends = "iic-pixel@1"

[data]
use = "raster"
path = "scene.tif"
window = 16
windows = 8

[prior]
clusters = 3

[networks.trunk]
channels = [4]
strides = [1]
dilations = [1]

[train]
rounds = 2
batch_size = 4
"""


def test_a_run_ends_with_its_numbers_its_files_and_what_to_try(cli, recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = cli("run", recipe, "--out", "here", "--device", "cpu")

    results = json.loads((tmp_path / "here" / "results.json").read_text())
    assert outcome.code == 0
    assert f"{results['metrics']['accuracy']:.4f}" in outcome.out
    assert f"{results['baselines']['kmeans']['nmi']:.4f}" in outcome.out
    assert "  here/\n" in outcome.out
    assert "  latentclust predict here IMAGES --out clusters.csv\n" in outcome.out
    assert "  latentclust sample here --out modes.png\n" in outcome.out
    assert "round 6/6" in outcome.err


def test_a_model_of_label_maps_is_suggested_for_scenes(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_scene(tmp_path / "scene.tif", noise_scene(48, 48))
    (tmp_path / "tiny.toml").write_text(LABEL_MAPS)
    outcome = cli("run", "tiny.toml", "--out", "here", "--device", "cpu")
    assert outcome.code == 0
    assert "  latentclust label here SCENES --out labels\n" in outcome.out
    assert "latentclust predict" not in outcome.out


def test_settings_reach_the_recipe_and_the_suggestions(cli, recipe, tmp_path):
    outcome = cli("run", recipe, "--out", tmp_path / "a", "--set", "train.rounds=2", "--set", "name=two words")

    assert outcome.code == 2  # a name with a space is refused
    assert "name: invalid value 'two words'" in outcome.err
    assert not (tmp_path / "a").exists()

    outcome = cli("run", recipe, "--out", tmp_path / "a", "--set", "train.rounds=2", "--set", "evaluate.baselines=[]")
    assert f"latentclust run {recipe} --set train.rounds=2 --set 'evaluate.baselines=[]' --seeds 5" in outcome.out


def test_several_seeds_come_as_mean_and_deviation(cli, recipe, tmp_path):
    outcome = cli("run", recipe, "--seeds", 2, "--out", tmp_path / "seeds", "--set", "train.rounds=2")

    summary = json.loads((tmp_path / "seeds" / "summary.json").read_text())
    assert outcome.code == 0
    assert f"{summary['mean']['accuracy']:.3f}±{summary['std']['accuracy']:.3f}" in outcome.out
    assert f"Collapsed runs: {len(summary['collapsed'])} of 2" in outcome.out
    assert "seed 0: round 2/2" in outcome.err
    assert "seed 1: round 2/2" in outcome.err


def test_a_stopped_run_exits_with_130_and_resumes_to_the_same_numbers(cli, recipe, trained, tmp_path, monkeypatch):
    said = LineProgress.on_record

    def interrupt(self: LineProgress, record: Record) -> None:
        said(self, record)
        if record.round == 2:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(LineProgress, "on_record", interrupt)
    outcome = cli("run", recipe, "--out", tmp_path / "stopped", "--device", "cpu")
    assert outcome.code == 130
    assert outcome.err.splitlines()[-1].startswith("stopped: ")
    assert f"latentclust run --resume {tmp_path / 'stopped'}" in outcome.err
    assert not (tmp_path / "stopped" / "results.json").exists()

    monkeypatch.setattr(LineProgress, "on_record", said)
    assert cli("run", "--resume", tmp_path / "stopped", "--device", "cpu").code == 0
    resumed, whole = (json.loads((folder / "results.json").read_text()) for folder in (tmp_path / "stopped", trained))
    assert resumed["metrics"] == whole["metrics"]


def test_a_diverged_run_fails_with_1(cli, recipe, tmp_path):
    settings = ["--set", "players.critic.optimizer.lr=1e38", "--set", "players.critic.optimizer.use=sgd"]
    outcome = cli("run", recipe, "--out", tmp_path / "diverged", *settings)

    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith("error: losses.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "error: run: neither a recipe nor a run to resume was given"),
        (["run", "digits", "--resume", "x"], "error: --resume: cannot be combined with RECIPE"),
        (["run", "--resume", "x", "--set", "seed=1"], "error: --resume: cannot be combined with --set"),
        (["run", "--resume", "x", "--quick"], "error: --resume: cannot be combined with --quick"),
        (["run", "--resume", "absent"], "error: absent: is not a run folder"),
        (["run", "digitz"], "error: digitz: unknown recipe. Did you mean 'digits'?"),
    ],
)
def test_mistakes(cli, words, said):
    outcome = cli(*words)

    assert outcome.code == 2
    assert outcome.err.startswith(said)


def test_an_earlier_run_is_not_overwritten_unasked(cli, recipe, trained):
    before = (trained / "results.json").read_bytes()
    outcome = cli("run", recipe, "--out", trained)

    assert outcome.code == 2
    assert "--overwrite" in outcome.err
    assert (trained / "results.json").read_bytes() == before
