"""Scores of runs without labels, of images and of pixels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import latentclust
from latentclust.assemble.experiment import Experiment
from latentclust.model.model import ClusteringModel
from latentclust.report.facts import OWN, RunFacts
from latentclust.report.results import read_results
from latentclust.runs import label_free_scores
from latentclust.runs.finish import TrainingResult, finish_run
from latentclust.runs.label_free_scores import score_label_free
from latentclust.runs.seeds import run_seeds

IMAGES, SIDE = 12, 24


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 vectors without labels in three groups, which k-means finds."""
    rng = np.random.default_rng(0)
    points = rng.normal(0, 0.02, (90, 4)) + np.eye(4)[np.arange(90) % 3] * 0.6 + 0.2
    path = tmp_path_factory.mktemp("data") / "blobs.npy"
    np.save(path, points.clip(0, 1).astype(np.float32))
    return path


def settings(blobs: Path, *more: str) -> list[str]:
    return [
        "data.use=array",
        f"data.path={blobs}",
        "views.view.steps=[{use='point-affine'}]",
        "prior.clusters=3",
        "train.rounds=4",
        "train.batch_size=30",
        "evaluate.baselines=['kmeans']",
        *more,
    ]


def test_seeds_without_labels_are_compared_with_kmeans_and_with_each_other(
    recipe: Callable[[str], Path], blobs: Path, tmp_path: Path
) -> None:
    folder, summary, runs = run_seeds(recipe("dccs"), 2, settings(blobs), out=tmp_path / "out", device="cpu")
    for finished in runs:
        found = read_results(finished.folder).label_free
        assert set(found) == {OWN, "kmeans"}
        used = np.count_nonzero(finished.result.occupancy)
        assert found["kmeans"]["clusters-in-use"] == 3
        assert found["kmeans"]["silhouette-pixels"] > 0.9
        assert {"ari", "nmi"} <= set(found["kmeans"])
        spaces = {name for name in found[OWN] if name.startswith("silhouette-")}
        assert spaces == ({"silhouette-code", "silhouette-features", "silhouette-pixels"} if used > 1 else set())
        assert found[OWN]["clusters-in-use"] == used
        report = (finished.folder / "report.md").read_text()
        assert "| ARI with the run | – |" in report
        assert "another seed" not in report
    assert [row[at] for at, row in enumerate(summary.agreement)] == [1, 1]
    assert summary.agreement[0][1] == summary.agreement[1][0]
    assert summary.folders == ["seed-3", "seed-4"]
    assert '"agreement": [' in (folder / "summary.json").read_text()


def test_with_labels_nothing_is_added(finished: object) -> None:
    facts = finished.facts  # type: ignore[attr-defined]
    assert isinstance(facts, RunFacts)
    assert facts.label_free is None


def test_a_baseline_that_fails_is_a_warning(recipe: Callable[[str], Path], blobs: Path, tmp_path: Path) -> None:
    baselines = "evaluate.baselines=[{use='spectral', max_samples=10}]"
    finished = latentclust.run(recipe("dccs"), settings(blobs, baselines), out=tmp_path / "out", device="cpu")
    assert set(finished.result.label_free) == {OWN}
    assert any("The baseline spectral was not run" in warning for warning in finished.facts.warnings)


def test_large_images_are_compared_on_a_part(
    recipe: Callable[[str], Path], blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_free_scores, "MAX_VALUES", 4 * 40)
    finished = latentclust.run(recipe("dccs"), settings(blobs), out=tmp_path / "out", device="cpu")
    assert finished.facts.label_free is not None
    assert finished.facts.label_free.count == 40
    assert "On 40 samples." in (finished.folder / "report.md").read_text()


def test_pixels_without_labels_are_compared_with_kmeans_of_pixels(
    map_model: Callable[..., ClusteringModel], mosaic: Callable[..., object], tmp_path: Path
) -> None:
    model = map_model(dataset=mosaic(labelled=False))
    data = model.resolved.dataset.open(())
    trained = TrainingResult(
        Experiment(model.resolved, data, model.raw_shape, {}), torch.device("cpu"), "cpu", 1.0, "x"
    )
    _, result = finish_run(trained, data, tmp_path)
    assert result.label_free["pixel-kmeans"]["ari"] > 0.99, "the colours are the clusters"
    assert result.label_free["pixel-kmeans"]["clusters-in-use"] == 4
    assert result.label_free["local-statistics-kmeans"]["ari"] < 0.9
    assert result.label_free[OWN]["silhouette-pixels"] > 0.8
    table = pd.read_csv(tmp_path / "assignments.csv")
    assert list(table.columns) == ["index", "row", "column", "cluster", "confidence"]
    assert len(table) == IMAGES * SIDE * (SIDE - 1), "all valid pixels of few images"
    assert table["column"].min() == 1, "the first column is no data"


def test_the_same_pixels_are_drawn_whatever_the_seed(
    map_model: Callable[..., ClusteringModel], mosaic: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_free_scores, "MAX_SAMPLES", 100)
    monkeypatch.setattr(label_free_scores, "MAX_MAPS", 5)
    pixels = []
    for _ in range(2):
        model = map_model(dataset=mosaic(labelled=False))
        found = score_label_free(model, model.resolved.dataset.open(()), None)
        assert found.scores.count == 100
        assert found.pixels is not None
        assert len(np.unique(found.pixels["index"])) == 5
        pixels.append(np.stack([found.pixels[name] for name in ("index", "row", "column")]))
    np.testing.assert_array_equal(*pixels)
