"""Names in a model file: read without tensors, changed under a lock, and refused if they changed meanwhile."""

import fcntl
import json
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from latentclust.errors import LatentclustError
from latentclust.model import stored_names
from latentclust.model.stored_names import NamesChangedError, StoredNames, change_names, name_changes, read_names

HEADER = {"format": 1, "recipe": "name = 'one'", "names": {"2": "ice"}, "colours": {"ice": "#ffffff"}}


def write(path: Path, header: dict[str, object]) -> Path:
    save_file({"networks/w": torch.arange(3.0)}, path, {"latentclust": json.dumps(header)})
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "model.safetensors", HEADER)


def test_names_are_read_and_changed_and_the_rest_stays(file: Path) -> None:
    before = read_names(file, 3)
    assert (before.names, before.colours) == ({2: "ice"}, {"ice": "#ffffff"})
    after = change_names(file, 3, lambda found: ({**found.names, 1: "Wälder"}, found.colours), before)
    assert after == read_names(file, 3)
    assert (after.names, after.model) == ({1: "Wälder", 2: "ice"}, before.model)
    assert after.version != before.version
    assert load_file(file)["networks/w"].tolist() == [0, 1, 2]
    assert list(file.parent.iterdir()) == [file]
    stamp = file.stat().st_ino
    assert change_names(file, 3, lambda found: (found.names, found.colours)) == after
    assert file.stat().st_ino == stamp


def test_a_change_of_an_old_state_is_refused_and_says_what_changed(file: Path) -> None:
    old = read_names(file, 3)
    new = change_names(file, 3, lambda _: ({1: "rock", 2: "snow"}, {"snow": "#eeeeff"}))
    with pytest.raises(NamesChangedError, match="cluster 2, 'ice', is now 'snow'") as error:
        change_names(file, 3, lambda found: ({3: "lost"}, {}), old)
    assert error.value.found == new == read_names(file, 3)
    assert list(name_changes(old, new)) == [
        "'cluster 1' is now 'rock'",
        "cluster 2, 'ice', is now 'snow'",
        "the colour of 'ice' was #ffffff and is the default",
        "the colour of 'snow' was the default and is #eeeeff",
    ]


def test_a_file_that_is_gone_or_another_model_is_refused(file: Path) -> None:
    before = read_names(file, 3)
    write(file, HEADER | {"recipe": "name = 'two'"})
    with pytest.raises(LatentclustError, match="holds another model"):
        change_names(file, 3, lambda found: ({}, {}), before)
    file.unlink()
    for call in (lambda: read_names(file, 3), lambda: change_names(file, 3, lambda found: ({}, {}), before)):
        with pytest.raises(LatentclustError, match="the model file does not exist"):
            call()
    assert not list(file.parent.iterdir())


def test_writers_at_the_same_time_all_count(file: Path) -> None:
    def name(cluster: int) -> None:
        change_names(file, 40, lambda found: ({**found.names, cluster: f"class {cluster}"}, found.colours))

    threads = [threading.Thread(target=name, args=(cluster,)) for cluster in range(3, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_names(file, 40).names == {2: "ice", **{cluster: f"class {cluster}" for cluster in range(3, 11)}}


def test_a_writer_that_does_not_finish_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_names, "LONGEST_WAIT", 0.05)
    lock = file.with_name(".model.safetensors.lock")
    with lock.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(LatentclustError, match="another process is writing names"):
            change_names(file, 3, lambda found: ({1: "late"}, {}))
    assert read_names(file, 3).names == {2: "ice"}


def test_versions_are_equal_for_equal_states_alone() -> None:
    state = StoredNames(3, {1: "a", 2: "b"}, {"a": "#000000"}, "m")
    assert state.version == StoredNames(3, {2: "b", 1: "a"}, {"a": "#000000"}, "m").version
    others = [StoredNames(3, {1: "a"}, {}, "m"), StoredNames(3, state.names, state.colours, "n")]
    assert state.version not in {other.version for other in others}
