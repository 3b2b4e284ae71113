"""Preparation of data sets: written files, files kept by a resumed run, and incomplete folders."""

import json

import numpy as np
import pytest

from latentclust.data.prepared.manifest import JOURNAL, MANIFEST, read_manifest, sha256
from latentclust.data.tiled import in_memory
from latentclust.errors import LatentclustError


@pytest.fixture
def tiles(tmp_path):
    return tmp_path / "tiles"


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_manifest_says_what_lies_there(numbers, prepared, raw, tiles):
    steps = prepared()
    manifest = read_manifest(tiles / MANIFEST)

    assert [(step.key, step.tiles, step.kept) for step in steps] == [
        ("a", 3, False),
        ("b", 0, False),
        ("c", 2, False),
        ("unlabelled", 2, False),
    ]
    assert (manifest.tiles, manifest.labelled, manifest.shape) == (7, 4, (1, 2, 3))
    assert dict(manifest.skipped) == {"empty": 1}
    assert manifest.digest == in_memory(numbers(), raw).protocol.digest
    assert names(tiles) == {MANIFEST, *(file.name for shard in manifest.shards for file in shard.files)}
    for file in (file for shard in manifest.shards for file in shard.files):
        assert sha256(tiles / file.name) == file.sha256
        assert (tiles / file.name).stat().st_size == file.size
    assert np.load(tiles / "c.labels.npy")[:, 0, 0].tolist() == [1, 0]


@pytest.mark.parametrize(("word", "error"), [("stop", KeyboardInterrupt), ("bad", LatentclustError)])
def test_an_interrupted_preparation_is_not_a_data_set_and_resumes(word, error, numbers, prepared, raw, tiles):
    (raw / "c.txt").write_text(word)
    with pytest.raises(error):
        prepared()
    assert not (tiles / MANIFEST).exists()
    with pytest.raises(LatentclustError, match=r"numbers is not prepared"):
        numbers(path=tiles).open(())
    stamp = (tiles / "a.images.npy").stat().st_mtime_ns

    (raw / "c.txt").write_text("5 6")
    assert [step.kept for step in prepared()] == [True, True, False, False]
    assert (tiles / "a.images.npy").stat().st_mtime_ns == stamp
    assert numbers(path=tiles).open(()).source.read(np.arange(7))[:, 0, 0, 0].tolist() == [1, 2, 3, 5, 6, 7, 8]
    assert JOURNAL not in names(tiles)


def test_a_finished_folder_is_verified_and_nothing_is_done_again(prepared, tiles):
    prepared()
    before = {path.name: path.stat().st_mtime_ns for path in tiles.iterdir()}
    assert all(step.kept for step in prepared())
    assert {path.name: path.stat().st_mtime_ns for path in tiles.iterdir()} == before


def test_a_damaged_shard_is_made_again_and_the_others_are_kept(prepared, tiles):
    prepared()
    whole = (tiles / "c.images.npy").read_bytes()
    (tiles / "c.images.npy").write_bytes(whole[:-1] + b"\xff")
    assert [step.kept for step in prepared()] == [True, True, False, True]
    assert (tiles / "c.images.npy").read_bytes() == whole
    assert (tiles / MANIFEST).exists()


def test_mending_that_is_stopped_leaves_no_data_set(numbers, prepared, raw, tiles, monkeypatch):
    prepared()
    (tiles / "c.images.npy").unlink()

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(np.lib.format, "write_array", stopped)
    with pytest.raises(KeyboardInterrupt):
        prepared()
    assert names(tiles) & {MANIFEST, JOURNAL} == {JOURNAL}
    assert not [name for name in names(tiles) if name.endswith(".partial")]


def test_a_file_changed_between_two_goes_is_read_again(prepared, raw, tiles, numbers):
    (raw / "c.txt").write_text("bad")
    with pytest.raises(LatentclustError, match=r"c\.txt: is damaged"):
        prepared()
    (raw / "a.txt").write_text("9")
    (raw / "c.txt").unlink()
    assert [(step.key, step.kept) for step in prepared()] == [("a", False), ("b", True), ("unlabelled", False)]
    assert len(numbers(path=tiles).open(()).source) == 3


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"protocol": "other"}, "was prepared as numbers by parity@1 (masked=False), expected numbers by other@1"),
        ({"masked": True}, "expected numbers by parity@1 (masked=True)"),
    ],
)
def test_a_folder_of_another_preparation_is_refused(options, what, numbers, prepared, raw, tiles):
    prepared()
    with pytest.raises(LatentclustError) as caught:
        prepared(numbers(**options))
    assert what in str(caught.value)
    assert (tiles / MANIFEST).exists()


def test_a_finished_folder_is_not_made_of_other_files(prepared, raw):
    prepared()
    (raw / "a.txt").write_text("1 2")
    (raw / "d.txt").write_text("1")
    with pytest.raises(LatentclustError, match=r"from other files than .*raw contains: a, d changed"):
        prepared()


def test_a_folder_of_ones_own_is_left_alone(prepared, tiles):
    tiles.mkdir()
    np.save(tiles / "own.images.npy", np.zeros(3))
    with pytest.raises(LatentclustError, match="already exists and is not a prepared data set"):
        prepared()
    assert names(tiles) == {"own.images.npy"}


def test_a_set_without_a_tile_is_not_finished(prepared, raw, tiles):
    for path in raw.iterdir():
        path.write_text("")
    with pytest.raises(LatentclustError, match=r"contains no tile of parity \(4 x empty\)"):
        prepared()
    assert not (tiles / MANIFEST).exists()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("{", "is not the manifest of a prepared data set"),
        ("[]", "expected format 1, got None"),
        (json.dumps({"format": 2}), "expected format 1, got 2"),
        (json.dumps({"format": 1}), "is not the manifest of a prepared data set"),
    ],
)
def test_a_manifest_that_is_none_is_refused(content, what, prepared, numbers, tiles):
    prepared()
    (tiles / MANIFEST).write_text(content)
    for attempt in (prepared, lambda: numbers(path=tiles).open(())):
        with pytest.raises(LatentclustError) as caught:
            attempt()
        assert what in str(caught.value)
