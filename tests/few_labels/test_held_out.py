"""Scores of named clusters on labels of other images."""

from pathlib import Path

import pytest

from latentclust.errors import LatentclustError
from latentclust.few_labels.held_out import evaluate_names
from latentclust.few_labels.name_from_labels import name_from_labels
from latentclust.labelling.clusters.cluster_names import name_clusters
from tests.few_labels.conftest import WriteLabels

HELD = [(1, "a"), (1, "a"), (1, "b"), (2, "a"), (3, "b"), (4, "c"), (4, "a")]


def test_names_are_scored_as_classes_of_a_classifier(image_model: Path, write_labels: WriteLabels) -> None:
    name_clusters(image_model, ["1=a", "2=a", "3=b"])
    found = evaluate_names(image_model, write_labels(HELD), device="cpu")
    assert found.accuracy == pytest.approx(4 / 7)
    assert found.interval[0] < 4 / 7 < found.interval[1]
    assert (found.labels, found.unnamed, found.seen, found.naming) == (7, 2, 0, ())
    assert [(one.name, one.labels, one.assigned, one.right) for one in found.classes] == [
        ("a", 4, 4, 3), ("b", 2, 1, 1), ("c", 1, 0, 0),
    ]  # fmt: skip
    assert (found.classes[2].recall, found.classes[2].precision) == (0, None)
    # The clusters alone: 2 + 1 + 1 + 1 of 7 in the majority class; one to one, 1-a, 3-b and 4-c are matched.
    assert found.metrics["purity"] == pytest.approx(5 / 7)
    assert found.metrics["accuracy"] == pytest.approx(4 / 7)
    assert "accuracy of the names" in found._repr_html_()


def test_without_names_the_clusters_alone_are_scored(image_model: Path, write_labels: WriteLabels) -> None:
    found = evaluate_names(image_model, write_labels(HELD), device="cpu")
    assert found.accuracy is None
    assert found.metrics["purity"] == pytest.approx(5 / 7)
    assert "no cluster has a name" in found._repr_html_()


def test_images_that_named_the_clusters_do_not_count(image_model: Path, write_labels: WriteLabels) -> None:
    few = write_labels([(1, "a"), (2, "b")], "few.csv")
    name_from_labels(image_model, few, device="cpu")
    held = write_labels([(1, "a"), (1, "a"), (2, "a")], "held.csv", start=1)
    held.write_text(held.read_text() + "images/0.png,a\n")
    found = evaluate_names(image_model, held, device="cpu")
    assert (found.labels, found.seen) == (3, 1)
    assert found.accuracy == pytest.approx(2 / 3)
    assert "few.csv" in found.naming[0]
    held.write_text("path,class\nimages/0.png,a\n")
    with pytest.raises(LatentclustError, match="all of its 1 images named the clusters"):
        evaluate_names(image_model, held, device="cpu")
    # A name in other words does not make them held out.
    name_clusters(image_model, ["1=the a", "2="])
    with pytest.raises(LatentclustError, match="all of its 1 images named the clusters"):
        evaluate_names(image_model, held, device="cpu")


def test_classes_that_no_cluster_has_are_noted_with_the_nearest_name(
    image_model: Path, write_labels: WriteLabels
) -> None:
    name_clusters(image_model, ["1=Sparrow", "2=magpie"])
    found = evaluate_names(image_model, write_labels([(1, "sparrow"), (2, "magpie"), (3, "x")]), device="cpu")
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.notes == (
        "no cluster has the name of these classes, whose images count as wrong: sparrow (did you mean Sparrow?), x",
    )


def test_shapes_are_sent_to_another_command(image_model: Path, tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match="latentclust accuracy MAP REFERENCE"):
        evaluate_names(image_model, tmp_path / "areas.gpkg", device="cpu")
