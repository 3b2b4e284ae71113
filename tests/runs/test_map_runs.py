"""A run on label maps, from the trained model to the report; the engine is stood in for by colours."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from latentclust.assemble.experiment import Experiment
from latentclust.data.scenes.inputs import scene_from_file
from latentclust.data.subset import spread_indices, subset
from latentclust.errors import Issue, LatentclustError, RunFailedError
from latentclust.evaluate.clustering import score_clustering
from latentclust.labelling.windows.array_labels import label_scene_array
from latentclust.model.model import ClusteringModel
from latentclust.runs.alternative_readouts import evaluate_chains, score_readouts
from latentclust.runs.baseline_scores import score_map_baselines
from latentclust.runs.dataset_scores import label_maps, score_dataset
from latentclust.runs.finish import TrainingResult, finish_run
from latentclust.runs.reevaluate import ModelEvaluation, evaluate_model
from latentclust.specs.data import VOID, ImageSet, SealedLabels, SealedMaps

MakeModel = Callable[..., ClusteringModel]
IMAGES, SIDE = 12, 24
COUNTED = IMAGES * SIDE * (SIDE - 1)


def data_of(model: ClusteringModel) -> ImageSet:
    return model.resolved.dataset.open(())


def finished(model: ClusteringModel, folder: Path) -> tuple[Any, Any]:
    data = data_of(model)
    experiment = Experiment(model.resolved, data, model.raw_shape, {})
    return finish_run(TrainingResult(experiment, torch.device("cpu"), "cpu", 1.0, "the last round"), data, folder)


@pytest.mark.drawn
def test_a_run_leaves_what_there_is_to_see(map_model: MakeModel, tmp_path: Path) -> None:
    facts, result = finished(map_model(), tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {
        "model.safetensors",
        "assignments.csv",
        "results.json",
        "report.html",
        "report.md",
        "label-map.png",
        *(f"figures/{name}.png" for name in ("label-maps", "scene", "contingency")),
    }
    report = (tmp_path / "report.md").read_text()
    assert [name in report for name in sorted(found) if name.startswith("figures")] == [True] * 3
    assert "squares3@2 (squares of 6 pixels, tiles abc123)" in report
    assert "Ground truth decided which pixels count" in report
    assert f"{COUNTED:,} pixels are valid" in report
    assert "| road | 0 | 0.0% | none | – | – |" in report  # a class without pixels
    assert facts.metrics["miou"] > 0.99
    assert 0 < facts.confidence <= 1
    written = json.loads((tmp_path / "results.json").read_text())
    assert sum(written["occupancy"]) == COUNTED
    assert written["class_iou"].keys() == {"roof", "grass", "water", "road"}
    assert written["class_iou"]["road"] is None
    assert written["class_iou"]["grass"] > 0.99
    assert list(written["baselines"]) == ["pixel-kmeans", "local-statistics-kmeans", "majority"]
    assert result.confidence == facts.confidence


def test_the_streamed_scores_are_those_of_all_pixels_at_once(map_model: MakeModel) -> None:
    model = map_model()
    data = data_of(model)
    every = np.arange(IMAGES)
    labels = model.predict(data.source).labels.numpy()
    assert data.valid is not None
    assert isinstance(data.labels, SealedMaps)
    valid, truth = data.valid.read(every), data.labels.unseal(every).astype(np.int64)
    whole = score_clustering(labels[valid], SealedLabels(truth[valid]), 4, model.resolved.metrics, 4)
    scores = score_dataset(model, data)
    found, probabilities = scores.clustering, model.predict(data.source).probabilities.numpy()
    assert scores.by_cluster is not None
    for cluster in range(4):
        of_valid = probabilities[:, cluster][valid]
        assert scores.by_cluster.largest[cluster] == of_valid.max()
        assert scores.by_cluster.mean[cluster] == pytest.approx(of_valid.mean(), rel=1e-5)
    np.testing.assert_array_equal(found.occupancy, whole.occupancy)
    np.testing.assert_array_equal(found.table, whole.table)
    assert found.metrics == whole.metrics


def test_label_maps_come_in_order_and_void_where_there_is_no_data(map_model: MakeModel) -> None:
    model = map_model()
    data = data_of(model)
    batches = list(label_maps(model, data))
    assert [batch.indices.tolist() for batch in batches] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]]
    labels = np.concatenate([batch.labels for batch in batches])
    assert (labels[:, :, 0] == VOID).all()
    np.testing.assert_array_equal(labels[:, :, 1:], model.predict(data.source).labels.numpy()[:, :, 1:])


def test_baselines_of_pixels_see_what_the_model_sees(map_model: MakeModel) -> None:
    model = map_model()
    data = data_of(model)
    table = score_dataset(model, data).clustering.table
    assert table is not None
    scores, warnings = score_map_baselines(model, data, table)
    assert warnings == ()
    assert scores["pixel-kmeans"]["miou"] > 0.99  # the four colours are far apart
    assert scores["majority"]["accuracy"] == pytest.approx(table.sum(axis=0).max() / table.sum())
    assert scores["majority"]["nmi"] == 0
    assert score_map_baselines(model, data, table)[0] == scores


def test_without_labels_there_are_maps_and_no_scores(map_model: MakeModel, mosaic: Any, tmp_path: Path) -> None:
    facts, result = finished(map_model(dataset=mosaic(labelled=False)), tmp_path)
    assert (facts.metrics, facts.baselines, facts.table) == (None, None, None)
    assert result.class_iou == {}
    assert sum(result.occupancy) == COUNTED
    assert (tmp_path / "figures" / "label-maps.png").exists()
    report = (tmp_path / "report.md").read_text()
    assert "Look at the label maps" in report
    assert "| cluster | pixels |" in report


def test_labels_of_whole_images_score_no_pixels(map_model: MakeModel, tmp_path: Path) -> None:
    model = map_model()
    data = replace(data_of(model), labels=SealedLabels(np.zeros(IMAGES, np.int64)))
    experiment = Experiment(model.resolved, data, model.raw_shape, {})
    facts, _ = finish_run(TrainingResult(experiment, torch.device("cpu"), "cpu", 1.0, "the last round"), data, tmp_path)
    assert facts.metrics is None
    assert any("one label per image" in warning for warning in facts.warnings)


def test_a_model_whose_inference_fails_is_saved_and_the_message_says_how_to_read_it(
    map_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_: object) -> None:
        raise LatentclustError.at("inference.step_size", "the chains diverged", "Lower it")

    model = map_model()
    monkeypatch.setattr(type(model.inference), "posterior", diverge)
    with pytest.raises(RunFailedError) as caught:
        finished(model, tmp_path)
    first, second = caught.value.issues
    assert first == Issue("inference.step_size", "the chains diverged", "Lower it")
    assert second.where == str(tmp_path / "model.safetensors")
    assert f"latentclust evaluate {tmp_path} --set inference.KEY=VALUE" in second.fix
    assert (tmp_path / "model.safetensors").exists()


def test_a_scene_is_one_map_for_any_windows(map_model: MakeModel, mosaic: Any) -> None:
    model = map_model()
    image, valid = mosaic().read_scene(scene_from_file(Path("scene.tif")))
    labels = label_scene_array(model, image, valid, seed=0)
    np.testing.assert_array_equal(labels[valid], model.predict(image[None]).labels[0].numpy()[valid])
    assert (labels[~valid] == VOID).all()


def test_the_scenes_png_counts_clusters_from_one(map_model: MakeModel, tmp_path: Path) -> None:
    model = map_model()
    finished(model, tmp_path)
    with Image.open(tmp_path / "label-map.png") as picture:
        assert picture.mode == "P"
        values = np.asarray(picture)
    image, valid = model.resolved.dataset.read_scene(scene_from_file(Path("scene.tif")))  # type: ignore[attr-defined]
    assert values.shape == (600, 700)
    assert (values[~valid] == 0).all()
    np.testing.assert_array_equal(values[valid], label_scene_array(model, image, valid, 0)[valid] + 1)


@pytest.mark.drawn
def test_three_hundred_clusters_are_reported(map_model: MakeModel, by_colour: Any, mosaic: Any, tmp_path: Path) -> None:
    model = map_model(by_colour(order=(2, 1, 3, 0) * 75), mosaic(scene=(60, 70)))
    prior = type(model.resolved.prior)(clusters=300)  # type: ignore[call-arg]
    finished(replace(model, resolved=replace(model.resolved, prior=prior, baselines={})), tmp_path)
    assert "figures/scene.png" in (tmp_path / "report.md").read_text()
    with Image.open(tmp_path / "label-map.png") as picture:
        assert picture.mode == "I;16"
        assert set(np.unique(np.asarray(picture)).tolist()) <= set(range(301))


def test_another_inference_agrees_for_any_numbering_of_its_clusters(map_model: MakeModel, by_colour: Any) -> None:
    model = map_model(readouts={"renamed": by_colour(order=(0, 1, 2, 3)), "blind": by_colour(noise=5.0)})
    data = data_of(model)
    found = score_readouts(model, data, data, score_dataset(model, data))
    assert found["renamed"].agreement == 1
    assert found["renamed"].metrics == pytest.approx(score_dataset(model, data).clustering.metrics)
    assert found["blind"].agreement < 0.9


def test_independent_chains_are_compared_pixel_by_pixel(map_model: MakeModel, by_colour: Any) -> None:
    sure, blind = (map_model(by_colour(chains=True, noise=noise)) for noise in (0.0, 1.0))
    data = data_of(sure)
    chains = evaluate_chains(sure, data, score_dataset(sure, data))
    assert chains is not None
    assert chains.agreement == 1
    assert [entry["steps"] for entry in chains.lengths] == [1, 2]
    assert chains.lengths[0]["miou"] > 0.99
    doubted = evaluate_chains(blind, data, score_dataset(blind, data))
    assert doubted is not None
    assert 0.2 < doubted.agreement < 0.9


def test_a_saved_model_is_evaluated_on_maps_of_another_size(map_model: MakeModel, mosaic: Any) -> None:
    model = map_model()
    facts = evaluate_model(ModelEvaluation(model, model.resolved), ())
    assert facts.metrics is not None
    assert facts.metrics["miou"] > 0.99
    larger = replace(model, raw_shape=(3, 48, 64))
    assert evaluate_model(ModelEvaluation(larger, larger.resolved), ()).metrics == facts.metrics
    with pytest.raises(LatentclustError, match="samples of shape"):
        evaluate_model(ModelEvaluation(replace(model, raw_shape=(4, SIDE, SIDE)), model.resolved), ())


def test_any_size_is_predicted_and_other_channels_are_refused(map_model: MakeModel) -> None:
    model = map_model()
    assert model.predict(np.zeros((2, 3, 7, 9), np.uint8)).labels.shape == (2, 7, 9)
    with pytest.raises(LatentclustError, match="images of 3 channels, of any size"):
        model.predict(np.zeros((2, 4, 24, 24), np.uint8))


def test_a_part_holds_its_images_labels_and_masks(map_model: MakeModel) -> None:
    data = data_of(map_model())
    part = subset(data, np.array([7, 2]))
    both = np.arange(2)
    assert isinstance(part.labels, SealedMaps)
    assert isinstance(data.labels, SealedMaps)
    assert part.valid is not None
    assert part.valid.reads_labels
    np.testing.assert_array_equal(part.source.read(both), data.source.read(np.array([7, 2])))
    np.testing.assert_array_equal(part.labels.unseal(both), data.labels.unseal(np.array([7, 2])))
    assert spread_indices(3, 10).tolist() == [0, 1, 2]
    assert spread_indices(101, 3).tolist() == [0, 50, 100]
