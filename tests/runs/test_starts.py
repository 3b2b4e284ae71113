"""Runs with several starts: killed anywhere they resume to the same bits, and the report says which start went on."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import latentclust
from latentclust.assemble.experiment import Experiment, assemble
from latentclust.data.subset import subset
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.runs.run import load_resolved_recipe, resume
from latentclust.runs.start_figures import chain_agreement, posterior_sums, recovery_error, start_figures
from latentclust.specs.data import SealedLabels
from latentclust.train.events import NullListener, Record

STARTS = ("train.starts=4", "train.rounds=32", "train.checkpoint_every=3", "evaluate.every=16")

KILLS = (2, 11, 21, 30)
"""Numbers of records: before any checkpoint, within the third start, within the second decision and after it."""


class CopyAfter(NullListener):
    """Copy the folder of the run after some records: what a kill at that time would leave of it."""

    def __init__(self, folder: Path, *records: int) -> None:
        self.folder, self.records, self.seen = folder, records, 0

    def on_record(self, record: Record) -> None:
        self.seen += 1
        if self.seen in self.records:
            shutil.copytree(self.folder, self.folder.with_name(f"left-{self.seen}"))


class StopAfter(NullListener):
    """Send SIGTERM to this process after some records."""

    def __init__(self, records: int) -> None:
        self.left = records

    def on_record(self, record: Record) -> None:
        self.left -= 1
        if not self.left:
            signal.raise_signal(signal.SIGTERM)


def log(folder: Path) -> list[dict[str, Any]]:
    """Return the records without times."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: line.get(key) for key in ("start", "round", "losses", "chains", "oracle")} for line in lines]


def assert_same_run(found: Path, expected: Path) -> None:
    for name in ("model.safetensors", "assignments.csv", "recipe.toml", "starts.json"):
        assert (found / name).read_bytes() == (expected / name).read_bytes(), name
    assert log(found) == log(expected)
    assert not (found / "starts").exists()


@pytest.fixture(scope="module")
def whole(recipe: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an undisturbed run: four starts of 4 rounds, two of them of 8, one of 32."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    latentclust.run(recipe("dccs"), STARTS, out=folder, device="cpu", listener=CopyAfter(folder, *KILLS))
    return folder


@pytest.mark.parametrize("records", KILLS)
def test_a_run_killed_during_or_after_its_starts_resumes_to_the_same_bits(whole: Path, records: int) -> None:
    folder = whole.with_name(f"left-{records}")
    assert not (folder / "model.safetensors").exists()
    resume(folder, device="cpu")
    assert_same_run(folder, whole)


def test_starts_with_chains_resume_to_the_same_bits(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    settings = ("train.starts=2", "train.score_starts_by=['chains.energy', 'agreement']", "train.rounds=16")
    whole = tmp_path / "whole"
    latentclust.run(recipe("cgm"), settings, out=whole, device="cpu", listener=CopyAfter(whole, 6))
    resume(tmp_path / "left-6", device="cpu")
    assert_same_run(tmp_path / "left-6", whole)
    scores = json.loads((whole / "starts.json").read_text())["decisions"][0]["scores"]
    energies = [[line["chains"]["energy"] for line in log(whole) if line["start"] == start][2:4] for start in (1, 2)]
    assert [score["values"]["chains.energy"] for score in scores] == pytest.approx(np.mean(energies, axis=1))


@pytest.mark.usefixtures("whole_set")
def test_starts_with_stages_and_tables_resume_to_the_same_bits(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    """The decision is after round 9, in the second stage; the stop is after the fifth round, the last of the first."""
    settings = (
        "train.starts={count=2, fraction=0.75}",
        "train.score_starts_by=['losses.towards']",
        "train.log_every=1",
    )
    whole = latentclust.run(recipe("stages"), settings, out=tmp_path / "whole", device="cpu").folder
    with pytest.raises(InterruptedRunError, match=r"stopped after round 5 of 12 of start 2"):
        latentclust.run(recipe("stages"), settings, out=tmp_path / "run", device="cpu", listener=StopAfter(13))
    resume(tmp_path / "run", device="cpu")
    assert_same_run(tmp_path / "run", whole)


def test_a_stop_at_a_decision_resumes_there(recipe: Callable[[str], Path], whole: Path, tmp_path: Path) -> None:
    with pytest.raises(InterruptedRunError, match=r"stopped after round 4 of 32 of start 4"):
        latentclust.run(recipe("dccs"), STARTS, out=tmp_path / "run", device="cpu", listener=StopAfter(15))
    assert len(json.loads((tmp_path / "run" / "starts.json").read_text())["decisions"][0]["scores"]) == 3
    resume(tmp_path / "run", device="cpu")
    assert_same_run(tmp_path / "run", whole)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("starts = 4", "starts = 3", "4 starts, by .* decided after round 4; the recipe has 3 starts"),
        ('"empty-clusters",', '"information",', ".* by empty-clusters, .* the recipe has 4 starts, by information,"),
        ("rounds = 32", "rounds = 64", ".* decided after round 4; .* decided after round 8, 16"),
    ],
)
def test_a_recipe_that_was_edited_is_refused(
    recipe: Callable[[str], Path], tmp_path: Path, old: str, new: str, what: str
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(InterruptedRunError):
        latentclust.run(recipe("dccs"), STARTS, out=folder, device="cpu", listener=StopAfter(11))
    text = (folder / "recipe.toml").read_text()
    assert old in text
    (folder / "recipe.toml").write_text(text.replace(old, new))
    with pytest.raises(LatentclustError, match=f"starts.json: is of another training: {what}"):
        resume(folder, device="cpu")


def test_resuming_a_finished_run_writes_the_same_results(whole: Path) -> None:
    before = {name: (whole / name).read_bytes() for name in ("model.safetensors", "starts.json", "metrics.jsonl")}
    resume(whole, device="cpu")
    assert {name: (whole / name).read_bytes() for name in before} == before


def test_report_and_results_tell_the_scores_of_all_starts_and_which_went_on(whole: Path) -> None:
    starts = json.loads((whole / "starts.json").read_text())
    result = json.loads((whole / "results.json").read_text())
    assert result["starts"] == starts
    assert result["seed"] == 3
    (chosen,) = starts["decisions"][-1]["kept"]
    report = (whole / "report.md").read_text()
    assert f"by `empty-clusters`, `|losses.critic|`, in this order of importance. Start {chosen} went on" in report
    assert report.count("| went on |") == 3
    assert report.count("| dropped |") == 3
    assert [line["round"] for line in log(whole) if line["start"] == chosen] == list(range(1, 33))
    assert [line["round"] for line in log(whole) if line["oracle"]] == [16, 32]


def test_overwriting_removes_starts(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(InterruptedRunError):
        latentclust.run(recipe("dccs"), STARTS, out=folder, device="cpu", listener=StopAfter(6))
    assert sorted(path.name for path in (folder / "starts").iterdir()) == [f"start-{n}.safetensors" for n in (1, 2)]
    (folder / "starts" / "mine.txt").touch()
    latentclust.run(recipe("dccs"), out=folder, overwrite=True, device="cpu")
    assert [path.name for path in (folder / "starts").iterdir()] == ["mine.txt"]
    assert not (folder / "starts.json").exists()


@pytest.fixture
def digits(recipe: Callable[[str], Path]) -> Experiment:
    """Return an experiment of the digits that is not trained."""
    return assemble(load_resolved_recipe(recipe("clustergan")), ())


def test_figures_of_a_posterior_that_is_known(map_model: Callable[..., ClusteringModel]) -> None:
    """Pixels of four colours: all clusters are there, and posteriors that are nearly certain inform as sizes do."""
    model = map_model()
    sums = posterior_sums(model, model.resolved.dataset.open(()))
    assert sums.sizes.sum() == 12 * 24 * 23  # the first column is no data
    shares = sums.sizes / sums.sizes.sum()
    assert sums.empty == 0
    assert sums.information == pytest.approx(-(shares * np.log(shares)).sum(), abs=0.02)
    uniform = posterior_sums(model, model.resolved.dataset.open(()))
    uniform.sizes, uniform.probabilities, uniform.entropy = np.array([9, 0]), np.array([4.5, 4.5]), 9 * np.log(2)
    assert uniform.empty == 1
    assert uniform.information == pytest.approx(0.0)


def test_agreement_of_chains_is_the_share_of_equal_pixels(
    map_model: Callable[..., ClusteringModel], by_colour: Callable[..., Any]
) -> None:
    certain, noisy = (map_model(by_colour(chains=True, noise=noise)) for noise in (0.0, 2.0))
    assert chain_agreement(certain, certain.resolved.dataset.open(())) == 1.0
    assert 0.25 < chain_agreement(noisy, noisy.resolved.dataset.open(())) < 0.95


def test_recovery_is_the_mean_squared_error_of_what_the_codes_draw(digits: Experiment) -> None:
    images = torch.from_numpy(digits.data.source.read(np.arange(50))).float()
    images = images / 255 if digits.data.source.dtype == np.uint8 else images
    with torch.no_grad():
        drawn = digits.networks["generator"].eval()(digits.networks["encoder"].eval()(images).latent())
    found = recovery_error(digits, subset(digits.data, np.arange(50)), torch.device("cpu"))
    assert found == pytest.approx(float((drawn - images).square().mean()), rel=1e-5)


def test_only_figures_that_are_named_are_computed_and_labels_stay_sealed(
    digits: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(labels: SealedLabels) -> np.ndarray:
        raise AssertionError("the labels were opened")

    monkeypatch.setattr(SealedLabels, "unseal", opened)
    found = start_figures(digits, torch.device("cpu"), ["information", "recovery-error"])
    assert list(found) == ["information", "recovery-error"]
    assert found["information"] >= 0
    assert list(start_figures(digits, torch.device("cpu"), ["recovery-error"])) == ["recovery-error"]
