"""Naming from a page: saved, undone, merged, and refused after another writer."""

import shutil
from pathlib import Path

import pytest

from latentclust.errors import LatentclustError
from latentclust.labelling.clusters.cluster_names import name_clusters
from latentclust.model.model_file import load, save_model
from latentclust.model.stored_names import NamesChangedError, StoredNames
from latentclust.viewer.naming import ClusterEdit, Naming, edited
from tests.labelling.planted import planted_model


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("planted") / "model.safetensors"
    save_model(path, planted_model())
    return path


@pytest.fixture
def file(fresh: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(fresh, tmp_path / "model.safetensors"))


@pytest.fixture
def naming(file: Path) -> Naming:
    return Naming(file, 4)


def names_of(naming: Naming) -> dict[int, str]:
    return {row["cluster"]: row["name"] for row in naming.as_json()["clusters"] if row["name"]}


def test_names_are_saved_undone_and_redone(naming: Naming, file: Path) -> None:
    first = naming.as_json()
    assert [row["label"] for row in first["clusters"]] == ["cluster 1", "cluster 2", "cluster 3", "cluster 4"]
    assert (first["undo"], first["redo"]) == (False, False)
    naming.save(first["version"], {1: ClusterEdit("water", "#2b6cb0"), 3: ClusterEdit("water")})
    saved = naming.as_json()
    assert load(file).names == {1: "water", 3: "water"}
    assert {row["name"]: (row["colour"], row["clusters"]) for row in saved["classes"]}["water"] == ("#2b6cb0", [1, 3])
    assert [row["colour"] for row in saved["clusters"]][::2] == ["#2b6cb0", "#2b6cb0"]
    assert (saved["undo"], saved["redo"]) == (True, False)
    naming.undo(saved["version"])
    undone = naming.as_json()
    assert {**undone, "redo": False} == first
    assert undone["redo"]
    naming.redo(undone["version"])
    assert naming.as_json() == saved
    naming.undo(saved["version"])
    naming.save(first["version"], {2: ClusterEdit("ice")})
    with pytest.raises(LatentclustError, match="there is nothing to redo"):
        naming.redo(naming.as_json()["version"])
    naming.undo(naming.as_json()["version"])
    with pytest.raises(LatentclustError, match="there is nothing to undo"):
        naming.undo(first["version"])


def test_a_change_of_another_writer_is_never_lost(naming: Naming, file: Path) -> None:
    naming.save(naming.as_json()["version"], {1: ClusterEdit("water")})
    shown = naming.as_json()
    name_clusters(file, ["1=lake", "2=ice"])
    for change in (lambda version: naming.save(version, {1: ClusterEdit("sea")}), naming.undo):
        with pytest.raises(NamesChangedError, match="cluster 1, 'water', is now 'lake'; 'cluster 2' is now 'ice'"):
            change(shown["version"])
    assert naming.changes_since(shown["version"]) == ["cluster 1, 'water', is now 'lake'", "'cluster 2' is now 'ice'"]
    assert names_of(naming) == {1: "lake", 2: "ice"}
    assert not naming.as_json()["undo"]
    naming.save(naming.as_json()["version"], {1: ClusterEdit("sea")})
    assert load(file).names == {1: "sea", 2: "ice"}
    with pytest.raises(NamesChangedError, match="the page shows outdated names"):
        naming.save("of an earlier server", {})


def test_a_file_that_is_gone_or_replaced_is_an_error(naming: Naming, file: Path) -> None:
    version = naming.as_json()["version"]
    kept = file.rename(file.with_name("kept"))
    for call in (naming.as_json, lambda: naming.save(version, {1: ClusterEdit("a")})):
        with pytest.raises(LatentclustError, match="the model file does not exist"):
            call()
    save_model(file, planted_model((2, 1)))
    with pytest.raises(LatentclustError, match="holds another model"):
        naming.as_json()
    kept.replace(file)
    assert naming.as_json()["version"] == version


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ({9: ClusterEdit("a")}, "unknown cluster 9"),
        ({1: ClusterEdit("no data")}, "is reserved"),
        ({1: ClusterEdit("a\nb")}, "control or unassigned character"),
        ({1: ClusterEdit(colour="red")}, "is not a colour"),
        ({1: ClusterEdit("a", "#000000"), 2: ClusterEdit("a", "#ffffff")}, "has two colours"),
    ],
)
def test_an_invalid_change_leaves_the_file(
    naming: Naming, file: Path, edits: dict[int, ClusterEdit], said: str
) -> None:
    before = file.read_bytes()
    with pytest.raises(LatentclustError, match=said):
        naming.save(naming.as_json()["version"], edits)
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\"'=&\\", "مرحبا \u202e", "n" * 300, "a=b"])
def test_any_text_is_a_name_as_it_is(naming: Naming, name: str) -> None:
    naming.save(naming.as_json()["version"], {2: ClusterEdit(name, "#010203")})
    row = naming.as_json()["clusters"][1]
    assert (row["name"], row["label"], row["colour"]) == (name.strip(), name.strip(), "#010203")


def test_a_renamed_class_keeps_its_colour_and_a_merged_one_takes_the_other() -> None:
    state = StoredNames(4, {1: "a", 2: "a", 3: "b"}, {"a": "#00000a", "b": "#00000b", "cluster 4": "#00000d"}, "")
    renamed = edited(state, {1: ClusterEdit("c"), 2: ClusterEdit("c"), 4: ClusterEdit("d")})
    assert renamed[1] == {"c": "#00000a", "b": "#00000b", "d": "#00000d"}
    assert edited(state, {3: ClusterEdit("a")})[1] == {"a": "#00000a", "cluster 4": "#00000d"}
    assert edited(state, {1: ClusterEdit("c")})[1] == state.colours
    assert edited(state, {4: ClusterEdit("d", "#ffffff")})[1]["d"] == "#ffffff"
    assert "b" not in edited(state, {3: ClusterEdit(colour="")})[1]
