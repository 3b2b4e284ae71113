"""What a run leaves in its folder, and that nothing is written where something is at fault."""

import csv
import json
import operator
import re
import statistics
import tomllib
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import latentclust
from latentclust.data.sources import ArraySource
from latentclust.errors import LatentclustError, RunFailedError
from latentclust.infer.image_inputs import Reading, open_inputs
from latentclust.recipe.overrides import override_layers
from latentclust.report.comparison import compare_markdown, compare_runs
from latentclust.report.results import read_results
from latentclust.runs.report_facts import loss_advice
from latentclust.runs.run import FinishedRun, load_resolved_recipe, resume
from latentclust.runs.seeds import run_seeds
from latentclust.train.events import NullListener

RecipeFile = Callable[[str], Path]


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """40 vectors of 6 values without labels."""
    path = tmp_path / "vectors.npz"
    np.savez(path, x=np.random.default_rng(0).random((40, 6)))
    return path


def on(path: Path) -> tuple[str, ...]:
    """The settings that put the tiny ClusterGAN on an array file."""
    return (f"data={{use='array', path='{path}'}}", "train.rounds=2")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "assignments.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_report_names_keys_that_another_backbone_dropped(recipe: RecipeFile, vectors: Path, tmp_path: Path) -> None:
    settings = (*on(vectors), "networks.encoder.init=default", "networks.generator.init=default")
    finished = latentclust.run(recipe("clustergan"), settings, out=tmp_path / "run", device="cpu")
    text = (finished.folder / "report.md").read_text("utf-8")
    assert 'networks.critic.init: `init = "normal"` of clustergan@1 does not hold any more' in text
    assert "networks.encoder.init" not in text


def test_a_run_leaves_what_the_readme_names(finished: FinishedRun) -> None:
    found = {str(path.relative_to(finished.folder)) for path in finished.folder.rglob("*") if path.is_file()}
    assert found == {
        "recipe.toml",
        "metrics.jsonl",
        "checkpoint.safetensors",
        "model.safetensors",
        "assignments.csv",
        "results.json",
        "report.html",
        "report.md",
        "figures/samples.png",
        "figures/contingency.png",
        "figures/losses.png",
    }
    report = (finished.folder / "report.md").read_text()
    for picture in re.findall(r"\]\((\S+\.png)\)", report):
        assert (finished.folder / picture).read_bytes().startswith(b"\x89PNG")
    assert report.count(".png") >= 3


def test_results_hold_the_keys_that_other_programs_read(finished: FinishedRun) -> None:
    results = json.loads((finished.folder / "results.json").read_text())
    assert results.keys() >= {"recipe", "protocol", "seed", "device", "seconds", "metrics", "baselines"}
    assert (results["recipe"], results["seed"]) == ("tiny-dccs", 3)
    assert results["device"].startswith("cpu")
    assert results["metrics"].keys() == {"accuracy", "purity", "nmi", "ari"}
    assert results["baselines"].keys() == {"kmeans"}
    assert results["baselines"]["kmeans"].keys() == results["metrics"].keys()
    assert read_results(finished.folder) == finished.result


def test_the_resolved_recipe_is_the_recipe(finished: FinishedRun) -> None:
    again = load_resolved_recipe(finished.folder / "recipe.toml", ())
    assert again.loaded.digest == finished_digest(finished)
    assert "extends" not in tomllib.loads((finished.folder / "recipe.toml").read_text())


def finished_digest(finished: FinishedRun) -> str:
    digest = latentclust.load(finished.folder).header["recipe_sha256"]
    assert isinstance(digest, str)
    return digest


def test_assignments_count_clusters_from_one_and_are_those_of_the_model_file(finished: FinishedRun) -> None:
    table = rows(finished.folder)
    assert [row["index"] for row in table] == [str(index) for index in range(1797)]
    model = latentclust.load(finished.folder)
    digits = model.resolved.dataset.open(()).source
    posterior = model.predict(digits)
    assert [int(row["cluster"]) for row in table] == (posterior.labels + 1).tolist()
    assert [float(row["confidence"]) for row in table] == pytest.approx(posterior.confidence.tolist(), abs=1e-6)
    occupancy = np.bincount(posterior.labels.numpy(), minlength=10)
    assert finished.result.occupancy == occupancy.tolist()


def test_the_log_has_a_record_a_round_and_the_learning_curve_where_asked(finished: FinishedRun) -> None:
    lines = [json.loads(line) for line in (finished.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["round"] for line in lines] == list(range(1, 9))
    assert [line["round"] for line in lines if "oracle" in line] == [4, 8]
    losses = {"critic", "gradient-penalty", "adversarial", "mutual-information", "augmentation"}
    assert all(line["losses"].keys() == losses for line in lines)
    assert finished.facts.oracle is not None
    assert finished.facts.oracle["accuracy"] == max(line["oracle"]["accuracy"] for line in lines if "oracle" in line)


def test_the_result_has_the_probability_of_each_cluster(finished: FinishedRun) -> None:
    model = latentclust.load(finished.folder)
    posterior = model.predict(model.resolved.dataset.open(()).source)
    assert finished.facts.by_cluster is not None
    assert finished.result.mean_posterior == pytest.approx(posterior.probabilities.mean(dim=0).tolist(), abs=1e-5)
    assert sum(finished.result.mean_posterior) == pytest.approx(1.0, abs=1e-4)


def test_the_losses_of_the_recipe_say_why_a_cluster_is_empty() -> None:
    recipe = load_resolved_recipe("digits").recipe
    (advice,) = loss_advice(recipe, [{"round": 20.0, "critic": -0.5}, {"round": 40.0, "critic": -0.191}])
    assert advice.startswith("The critic's |loss| is 0.19; a category")
    assert loss_advice(recipe, []) == (), "without a log the value is unknown"


def test_a_trial_says_everywhere_that_it_is_one(
    recipe: RecipeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trial = latentclust.run(recipe("dccs"), {"train.rounds": 20}, quick=True, device="cpu")
    assert trial.folder.name.endswith("-3-trial")
    assert tomllib.loads((trial.folder / "recipe.toml").read_text())["train"]["rounds"] == 2
    report = (trial.folder / "report.md").read_text()
    assert report.startswith("# tiny-dccs (trial)")
    assert "It is not a result." in report
    assert json.loads((trial.folder / "results.json").read_text())["trial"] is True
    (summary,) = compare_runs([trial.folder])
    assert "| tiny-dccs (trial) | 1 " in compare_markdown([summary])
    whole = latentclust.run(recipe("dccs"), {"train.rounds": 2}, out="whole", device="cpu")
    assert [one.trial for one in compare_runs([trial.folder, whole.folder])] == [True, False]


def test_a_style_that_no_loss_trains_is_told_before_and_after_the_training(recipe: RecipeFile, tmp_path: Path) -> None:
    told: list[str] = []

    class Told(NullListener):
        def on_warning(self, text: str) -> None:
            told.append(text)

    settings = ("losses.style-recovery.enabled=false", "inference.use=kmeans-on-code", "train.rounds=2")
    run = latentclust.run(recipe("clustergan"), settings, out=tmp_path / "run", device="cpu", listener=Told())
    (untrained,) = [text for text in told if "which no loss trains" in text]
    assert untrained in run.facts.warnings
    assert f"- Warning: {untrained}" in (run.folder / "report.md").read_text()


def test_a_trial_resumes_as_a_trial(recipe: RecipeFile, tmp_path: Path) -> None:
    trial = latentclust.run(recipe("dccs"), {"train.rounds": 20}, quick=True, out=tmp_path / "trial", device="cpu")
    again = resume(trial.folder, device="cpu")
    assert again.result.trial
    assert again.facts.recipe_text == trial.facts.recipe_text


def test_the_report_says_how_the_weights_were_chosen(finished: FinishedRun) -> None:
    report = (finished.folder / "report.md").read_text()
    assert re.search(r"the weights of round [68] of 8, where \|losses.critic\|.*no label was read", report)


def test_several_seeds_have_a_summary(recipe: RecipeFile, tmp_path: Path) -> None:
    folder, summary, runs = run_seeds(recipe("clustergan"), 2, ("train.rounds=2",), out=tmp_path / "out", device="cpu")
    assert sorted(path.name for path in folder.iterdir()) == [
        "recipe.toml",
        "report.html",
        "seed-3",
        "seed-4",
        "seeds.json",
        "summary.json",
    ]
    accuracies = [read_results(folder / f"seed-{seed}").metrics["accuracy"] for seed in (3, 4)]
    written = json.loads((folder / "summary.json").read_text())
    assert written.keys() >= {"mean", "std", "seeds", "collapsed"}
    assert written["seeds"] == [3, 4]
    assert written["mean"]["accuracy"] == pytest.approx(statistics.mean(a for a in accuracies if a is not None))
    assert written["std"]["accuracy"] == pytest.approx(statistics.stdev(a for a in accuracies if a is not None))
    assert written["collapsed"] == [run.result.seed for run in runs if run.result.collapsed]
    assert summary.model_dump(mode="json") == written
    # A seed of several is the same run as one by itself.
    alone = latentclust.run(recipe("clustergan"), {"train.rounds": 2, "seed": 4}, out=tmp_path / "alone", device="cpu")
    assert (alone.folder / "model.safetensors").read_bytes() == (folder / "seed-4/model.safetensors").read_bytes()


def test_a_seed_that_fails_does_not_stop_the_others(
    recipe: RecipeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = latentclust.run

    def failing(*args: Any, out: Path, **keys: Any) -> FinishedRun:
        if out.name == "seed-3":
            raise RunFailedError.at("losses.critic", "it is nan in round 1", "Lower a learning rate")
        return alone(*args, out=out, **keys)

    monkeypatch.setattr("latentclust.runs.seeds.run", failing)
    folder, summary, runs = run_seeds(recipe("clustergan"), 2, ("train.rounds=2",), out=tmp_path / "out", device="cpu")
    assert (summary.seeds, [run.result.seed for run in runs]) == ([4], [4])
    assert json.loads((folder / "summary.json").read_text())["failed"] == {
        "3": "losses.critic: it is nan in round 1. Lower a learning rate"
    }
    with pytest.raises(RunFailedError, match=r"losses\.critic"):
        run_seeds(recipe("clustergan"), 1, ("train.rounds=2",), out=tmp_path / "all", device="cpu")


def test_without_labels_nothing_is_scored_and_nothing_invented(
    recipe: RecipeFile, vectors: Path, tmp_path: Path
) -> None:
    settings = (*on(vectors), "evaluate.baselines=['kmeans']", "evaluate.every=1")
    run = latentclust.run(recipe("clustergan"), settings, out=tmp_path / "out", device="cpu")
    results = json.loads((run.folder / "results.json").read_text())
    assert (results["metrics"], results["baselines"]) == ({}, {})
    assert "no labels" in results["note"]
    assert sorted(path.name for path in (run.folder / "figures").iterdir()) == ["losses.png", "samples.png"]
    assert len(rows(run.folder)) == 40
    assert "oracle" not in (run.folder / "metrics.jsonl").read_text()
    assert "Accuracy" not in (run.folder / "report.md").read_text()


def test_assignments_of_files_have_their_paths_in_the_order_of_the_samples(recipe: RecipeFile, tmp_path: Path) -> None:
    """Paths are compared part by part: `a/x` is before `a-1/x`, which sorts first as text."""
    names = [f"{folder}/{number}.png" for folder in ("a", "a b", "a-1") for number in range(8)]
    for value, name in enumerate(names):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 10 * value, np.uint8)).save(tmp_path / "in" / name)
    data = f"data={{use='image-folder', path='{tmp_path / 'in'}', labels='none'}}"
    settings = (data, "prior.clusters=3", "train.batch_size=8", "train.rounds=1", "evaluate.tsne=false")
    run = latentclust.run(recipe("dccs"), settings, out=tmp_path / "out", device="cpu")
    found = rows(run.folder)
    assert [row["path"] for row in found] == names
    again = open_inputs([tmp_path / "in"], (1, 8, 8), Reading.of(latentclust.load(run.folder).resolved.dataset))
    assert [Path(path).relative_to(tmp_path / "in").as_posix() for path in again.paths] == names


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        (("prior.clusters=65", "train.batch_size=64"), "prior.clusters"),
        (("evaluate.split='test'",), "evaluate.split"),
        (("train.roundss=3",), "train.roundss"),
        (("data={use='array', path='absent.npz'}",), "data.path"),
        (("views.view={use='flip'}",), "views.view"),
    ],
)
def test_mistakes_are_reported_before_anything_is_written(
    recipe: RecipeFile, tmp_path: Path, settings: tuple[str, ...], where: str
) -> None:
    for start in (latentclust.run, lambda *args, **keys: run_seeds(args[0], 2, *args[1:], **keys)):
        with pytest.raises(LatentclustError) as caught:
            start(recipe("clustergan"), settings, out=tmp_path / "out", device="cpu")
        assert any(issue.where.startswith(where) for issue in caught.value.issues)
        assert caught.value.exit_code == 2
        assert not (tmp_path / "out").exists()


def test_a_sample_that_is_nan_is_reported_before_anything_is_written(recipe: RecipeFile, tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((40, 6))
    values[7, 2] = np.nan
    np.savez(tmp_path / "broken.npz", x=values)
    with pytest.raises(LatentclustError, match="nan"):
        latentclust.run(recipe("clustergan"), on(tmp_path / "broken.npz"), out=tmp_path / "out", device="cpu")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "tpu"])
def test_an_absent_device_is_reported_before_anything_is_written(
    recipe: RecipeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(LatentclustError, match=device):
        latentclust.run(recipe("clustergan"), out=tmp_path / "out", device=device)
    assert not (tmp_path / "out").exists()


def test_a_folder_is_written_over_only_on_request(recipe: RecipeFile, tmp_path: Path) -> None:
    settings = ("train.rounds=1",)
    first = latentclust.run(recipe("clustergan"), settings, out=tmp_path / "out", device="cpu")
    (first.folder / "notes.txt").write_text("mine")
    before = (first.folder / "results.json").read_bytes()
    with pytest.raises(LatentclustError, match="is not empty"):
        latentclust.run(recipe("clustergan"), settings, out=tmp_path / "out", device="cpu")
    assert (first.folder / "results.json").read_bytes() == before
    second = latentclust.run(
        recipe("clustergan"), ("train.rounds=2",), out=tmp_path / "out", overwrite=True, device="cpu"
    )
    assert len((second.folder / "metrics.jsonl").read_text().splitlines()) == 2
    assert (second.folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("full", ["recipe.toml", "checkpoint.safetensors", "model.safetensors", "results.json"])
def test_a_full_disk_is_reported_and_leaves_no_partial_file(
    recipe: RecipeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    def half(path: Path, data: bytes) -> None:
        if full in path.name:
            path.write_bytes(data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr("latentclust.files._write_through", half)
    out = tmp_path / "out"
    with pytest.raises(LatentclustError, match=rf"{full}: cannot be written \(No space left on device\). Free some"):
        latentclust.run(recipe("clustergan"), ("train.rounds=2",), out=out, device="cpu")
    assert full not in {path.name for path in out.iterdir()}
    assert not [path for path in out.rglob("*") if path.name.endswith(".partial")]
    if full in ("model.safetensors", "results.json"):  # trained, so nothing but the end is left to do
        monkeypatch.undo()
        assert resume(out, device="cpu").result.metrics


def test_a_divergence_names_the_loss_and_keeps_no_model(recipe: RecipeFile, tmp_path: Path) -> None:
    settings = ("players.critic.optimizer.lr=1e30",)
    with pytest.raises(RunFailedError, match=r"losses\.critic: ") as caught:
        latentclust.run(recipe("clustergan"), settings, out=tmp_path / "out", device="cpu")
    assert caught.value.exit_code == 1
    assert not (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
@pytest.mark.parametrize("where", ["latentclust.data.feed.Feed.next", "latentclust.data.sources.ArraySource.read"])
def test_out_of_memory_names_the_knob(
    recipe: RecipeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, where: str
) -> None:
    read = ArraySource.read

    def exhausted(*arguments: Any) -> Any:
        if where.endswith("read") and len(arguments[1]) < 128:  # but not the whole set, as a resident feed does
            return read(*arguments)
        raise error

    monkeypatch.setattr(where, exhausted)
    with pytest.raises(RunFailedError, match=r"train\.batch_size = 16\. Lower it, or set data\.resident"):
        latentclust.run(recipe("clustergan"), ("data.per_cluster=32",), out=tmp_path / "out", device="cpu")


def test_overrides_are_settings(tmp_path: Path) -> None:
    overrides = {
        "train.rounds": 3,
        "data.use": "digits",
        "networks.critic.hidden": [8, 4],
        "losses.mmd.enabled": False,
        "players.critic.optimizer": {"lr": 1e-3, "betas": [0.5, 0.9]},
        "views.view.steps": [{"use": "flip", "probability": 0.25}],
        "data.path": tmp_path / "x.npz",
    }
    layers = override_layers(overrides)
    for (key, value), (tables, origin) in zip(overrides.items(), layers, strict=True):
        name, _, text = origin.removeprefix("--set ").partition("=")
        written = str(value) if isinstance(value, Path) else value
        assert name == key
        assert tomllib.loads(f"value = {text}")["value"] == written
        assert reduce(operator.getitem, key.split("."), tables) == written
        assert override_layers([origin.removeprefix("--set ")]) == [(tables, origin)]
    assert override_layers(["a.b=1", "c=2"]) == [({"a": {"b": 1}}, "--set a.b=1"), ({"c": 2}, "--set c=2")]


def test_an_override_that_no_recipe_can_hold_is_reported() -> None:
    with pytest.raises(LatentclustError, match=r"train\.rounds: None cannot be written in a recipe"):
        override_layers({"train.rounds": None})
