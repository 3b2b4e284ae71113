"""Names kept in the model file: what changes with them, and what does not."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from latentclust.errors import LatentclustError
from latentclust.labelling.clusters.cluster_names import name_clusters
from latentclust.labelling.run_log import model_fingerprint
from latentclust.model.model_file import load, save_model
from tests.labelling.planted import noise_scene


@pytest.fixture
def file(model_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(model_file, tmp_path / "model.safetensors"))


def test_names_are_kept_and_the_model_stays_the_same(file: Path) -> None:
    before = load(file)
    named = name_clusters(file, ["3=water", "1=water", "2=ice"], ["water=#2b6cb0", "cluster 4=#000000"])
    after = load(file)
    for model in (named, after):
        assert model.names == {1: "water", 2: "ice", 3: "water"}
        assert model.colours == {"water": "#2b6cb0", "cluster 4": "#000000"}
        assert model_fingerprint(model) == model_fingerprint(before)
    image = noise_scene(64, 64)[np.newaxis]
    assert torch.equal(after.predict(image).probabilities, before.predict(image).probabilities)
    kept = {key: value for key, value in after.header.items() if key not in {"names", "colours"}}
    assert kept == before.header


def test_names_taken_away_leave_the_file_as_it_was(file: Path) -> None:
    before = file.read_bytes()
    name_clusters(file, ["3=water"], ["water=#2b6cb0"])
    assert name_clusters(file, ["3=lake"]).colours == {}
    name_clusters(file, ["3="])
    assert load(file).names == {}
    save_model(file.with_name("fresh"), load(file))
    assert file.with_name("fresh").read_bytes() == before


def test_a_model_saved_again_keeps_its_names(file: Path) -> None:
    named = name_clusters(file, ["3=water"], ["water=#2b6cb0"])
    save_model(file.with_name("again.safetensors"), named)
    again = load(file.with_name("again.safetensors"))
    assert (again.names, again.colours) == (named.names, named.colours)


def test_a_folder_of_a_run_will_do_and_no_change_writes_nothing(file: Path) -> None:
    name_clusters(file.parent, ["3=water"])
    stamp = file.stat()
    assert name_clusters(file.parent).names == {3: "water"}
    assert name_clusters(file.parent, ["3=water"]).names == {3: "water"}
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (stamp.st_ino, stamp.st_mtime_ns)


@pytest.mark.parametrize(("names", "colours"), [(["3=water", "9=ice"], []), (["3=water"], ["ice=#000000"])])
def test_one_mistake_leaves_the_file_untouched(file: Path, names: list[str], colours: list[str]) -> None:
    before = file.read_bytes()
    with pytest.raises(LatentclustError):
        name_clusters(file, names, colours)
    assert file.read_bytes() == before
