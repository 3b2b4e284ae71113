"""Names of clusters from labelled images: rules, records, and mistakes that leave the model file as it was."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from latentclust.errors import LatentclustError
from latentclust.few_labels.label_naming import naming_notes, naming_table
from latentclust.few_labels.name_from_labels import name_from_labels
from latentclust.labelling.clusters.cluster_names import name_clusters
from latentclust.model.model_file import load, save_model
from tests.few_labels.conftest import WriteLabels

PAIRS = [(1, "a"), (1, "a"), (1, "b"), (2, "a"), (3, "b"), (3, "c")]


def test_clusters_get_the_class_of_most_labels(image_model: Path, write_labels: WriteLabels) -> None:
    found = name_from_labels(image_model, write_labels(PAIRS, separator=";"), device="cpu")
    assert found.written
    assert found.given == found.after == {1: "a", 2: "a"}
    assert (found.unlabelled, found.tied, found.left_over, found.absent) == ([4], [3], [], ["b", "c"])
    assert found.purity.overall == pytest.approx(4 / 6)
    assert found.agreement.overall == pytest.approx(3 / 6)
    assert load(image_model).names == {1: "a", 2: "a"}
    rows = [list(row) for row in naming_table(found).rows]
    assert rows[0][:5] == ["1", "a", "3", "a 2, b 1", "0.67"]
    assert rows[1] == ["2", "a", "1", "a 1", "1.00", "–"]
    assert rows[3] == ["4", "cluster 4", "0", "", "–", "–"]
    notes = "\n".join(map(str, naming_notes(found)))
    assert "no label speaks for cluster 4" in notes
    assert "the labels do not decide for cluster 3" in notes


def test_one_to_one_gives_each_class_to_one_cluster(image_model: Path, write_labels: WriteLabels) -> None:
    pairs = [(1, "a"), (1, "a"), (2, "a"), (2, "a"), (2, "a"), (3, "b")]
    found = name_from_labels(image_model, write_labels(pairs), one_to_one=True, device="cpu")
    assert found.given == {2: "a", 3: "b"}
    assert (found.left_over, found.unlabelled, found.tied) == ([1], [4], [])
    assert found.rule == "one-to-one"
    assert found.agreement.overall == pytest.approx(4 / 6)


def test_one_to_one_removes_kept_names_that_are_classes_of_the_labels(
    image_model: Path, write_labels: WriteLabels
) -> None:
    name_clusters(image_model, ["1=a", "3=kept", "4=a"])
    pairs = [(1, "a"), (2, "a"), (2, "a"), (3, "kept2")]
    labels = write_labels(pairs)
    tried = name_from_labels(image_model, labels, one_to_one=True, dry_run=True, device="cpu")
    found = name_from_labels(image_model, labels, one_to_one=True, device="cpu")
    assert found.after == tried.after == load(image_model).names == {2: "a", 3: "kept2"}
    assert (found.removed, found.replaced) == ({1: "a", 4: "a"}, {3: "kept"})
    assert found.agreement.overall == pytest.approx(3 / 4)
    assert found.as_json()["removed"] == {"1": "a", "4": "a"}
    assert "cluster 4: 'a' is removed, since it is a class of this one-to-one naming" in naming_notes(found)
    assert naming_table(found).rows[3][1] == "cluster 4"


def test_the_agreement_counts_names_that_are_kept(image_model: Path, write_labels: WriteLabels) -> None:
    name_clusters(image_model, ["2=b"])
    pairs = [(1, "a"), (2, "a"), (2, "b")]
    found = name_from_labels(image_model, write_labels(pairs), device="cpu")
    assert (found.after, found.tied, found.removed) == ({1: "a", 2: "b"}, [2], {})
    assert found.agreement.overall == pytest.approx(2 / 3)


def test_names_are_replaced_where_labels_decide_and_kept_elsewhere(
    image_model: Path, write_labels: WriteLabels
) -> None:
    name_clusters(image_model, ["1=old", "3=kept", "4=mine"], ["old=#010203", "mine=#040506"])
    found = name_from_labels(image_model, write_labels(PAIRS), device="cpu")
    assert found.replaced == {1: "old"}
    assert found.after == {1: "a", 2: "a", 3: "kept", 4: "mine"}
    model = load(image_model)
    assert model.colours == {"mine": "#040506"}
    assert naming_table(found).rows[2][1] == "kept (kept)"
    assert "cluster 1: 'a' replaces 'old'" in naming_notes(found)


def test_the_model_says_that_labels_named_it_until_names_are_given_by_hand(
    image_model: Path, write_labels: WriteLabels, tmp_path: Path
) -> None:
    name_from_labels(image_model, write_labels(PAIRS), device="cpu")
    model = load(image_model)
    (sentence,) = model.naming
    assert sentence.startswith("The names of clusters 1, 2 are from 6 labels of images (labels.csv, majority, 20")
    assert sentence in model._repr_html_()
    (record,) = model.named_from
    digest = subprocess.run(["sha256sum", tmp_path / "labels.csv"], capture_output=True, text=True, check=True).stdout
    assert record.sha256 == digest.split()[0]
    assert len(set(record.digests)) == 6
    save_model(tmp_path / "again.safetensors", model)
    assert load(tmp_path / "again.safetensors").named_from == model.named_from
    assert name_clusters(image_model, ["1=by hand"]).naming[0].startswith("The name of cluster 2 is from")
    assert name_clusters(image_model, ["2="]).naming == ()


def test_a_dry_run_says_the_same_and_writes_nothing(image_model: Path, write_labels: WriteLabels) -> None:
    before, labels = image_model.read_bytes(), write_labels(PAIRS)
    tried = name_from_labels(image_model, labels, dry_run=True, device="cpu").as_json()
    assert image_model.read_bytes() == before
    done = json.loads(json.dumps(name_from_labels(image_model, labels, device="cpu").as_json()))
    assert (tried.pop("written"), done.pop("written")) == (False, True)
    assert tried == done
    assert done["clusters"][0] == {
        "cluster": 1, "labels": 3.0, "classes": {"a": 2.0, "b": 1.0}, "purity": pytest.approx(2 / 3),
        "purity_interval": [0.0, 1.0], "class": "a", "name": "a",
    }  # fmt: skip
    assert (done["unlabelled"], done["tied"], done["classes_without_cluster"]) == ([4], [3], ["b", "c"])


def test_labels_that_decide_nothing_write_nothing(image_model: Path, write_labels: WriteLabels) -> None:
    before = image_model.read_bytes()
    found = name_from_labels(image_model, write_labels([(1, "a"), (1, "b")]), device="cpu")
    assert (found.given, found.written) == ({}, False)
    assert image_model.read_bytes() == before


def test_rows_of_an_array_are_named_as_images_are(image_model: Path, tmp_path: Path) -> None:
    images = np.eye(4, dtype=np.uint8).reshape(4, 2, 2) * 255
    np.save(tmp_path / "images.npy", images)
    labels = tmp_path / "labels.csv"
    labels.write_text("path,index,class\nimages.npy,3,d\nimages.npy,0,a\n")
    assert name_from_labels(image_model, labels, device="cpu").given == {1: "a", 4: "d"}
    labels.write_text("path,index,class\nimages.npy,4,d\n")
    with pytest.raises(LatentclustError, match=r"line 2: names the row 4 of images\.npy, which has 4 rows"):
        name_from_labels(image_model, labels, device="cpu")


def test_mistakes_leave_the_model_as_it_was(
    image_model: Path, write_labels: WriteLabels, tmp_path: Path, fresh_map_model: bytes
) -> None:
    before, labels = image_model.read_bytes(), write_labels(PAIRS)
    other = tmp_path / "map.safetensors"
    other.write_bytes(fresh_map_model)
    (tmp_path / "bad.png").write_bytes(b"no image")
    (tmp_path / "bad.csv").write_text("path,class\nbad.png,x\n")
    (tmp_path / "areas.gpkg").touch()
    cases = [
        ((other, labels), {}, "labels pixels, but labels.csv has classes of whole images"),
        ((image_model, tmp_path / "bad.csv"), {}, "bad.png: cannot be read"),
        ((image_model, labels), {"scenes": ["a.tif"]}, "--scenes: has no effect on labels.csv"),
        ((image_model, labels), {"images": [tmp_path / "none"]}, "none is not a folder"),
        ((image_model, tmp_path / "areas.gpkg"), {}, "--scenes: is missing"),
        ((image_model, tmp_path / "areas.gpkg"), {"scenes": ["a.tif"]}, "areas.gpkg: cannot be read"),
        ((image_model, tmp_path / "bad.png"), {"scenes": ["a.tif"]}, "bad.png: cannot be read"),
        ((image_model, tmp_path / "none.csv"), {}, "is not a file"),
    ]
    for paths, options, said in cases:
        with pytest.raises(LatentclustError, match=said):
            name_from_labels(*paths, **options, device="cpu")
    assert image_model.read_bytes() == before
    assert other.read_bytes() == fresh_map_model
