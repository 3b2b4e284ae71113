"""A prepared folder opened: what is read, and what is refused."""

import pickle

import numpy as np
import pytest

from latentclust.data.prepared import shard_sources
from latentclust.data.prepared.manifest import MANIFEST, read_manifest
from latentclust.data.prepared.prepared_dataset import check
from latentclust.errors import LatentclustError
from latentclust.specs.data import VOID

VALUES = [1, 2, 3, 5, 6, 7, 8]
LABELS = [1, 0, VOID, 1, 0, VOID, VOID]
ORDER = np.array([6, 0, 4, 0, 2])


@pytest.fixture
def tiles(tmp_path):
    return tmp_path / "tiles"


def test_tiles_come_in_the_order_asked_for(numbers, prepared, tiles):
    prepared()
    opened = numbers(path=tiles).open(())

    assert opened.source.read(ORDER)[:, 0, 1, 2].tolist() == [VALUES[i] for i in ORDER]
    assert opened.labels.unseal(ORDER)[:, 1, 2].tolist() == [LABELS[i] for i in ORDER]
    assert opened.labels.part(ORDER).unseal(np.array([2]))[0, 0, 0] == LABELS[4]
    assert opened.valid is None
    assert opened.source.read(np.array([], np.int64)).shape == (0, 1, 2, 3)
    assert str(opened.protocol).startswith("parity@1 (a tile a number; left out 1: empty, tiles ")
    with pytest.raises(IndexError):
        opened.source.read(np.array([7]))


def test_masks_are_read_where_there_are_some(numbers, prepared, tiles):
    prepared(numbers(masked=True))
    opened = numbers(masked=True, path=tiles).open(())
    assert opened.valid.read(np.arange(7))[:, 0, 0].tolist() == [True, True, False, True, True, True, True]
    assert opened.valid.reads_labels


def test_sources_go_to_workers_without_what_they_hold_open(numbers, prepared, tiles):
    prepared()
    opened = numbers(path=tiles).open(())
    opened.source.read(np.arange(7))
    sent = pickle.dumps(opened.source)
    assert b"memmap" not in sent
    assert np.array_equal(pickle.loads(sent).read(ORDER), opened.source.read(ORDER))


def test_only_so_many_files_are_open_at_once(numbers, prepared, tiles, monkeypatch):
    monkeypatch.setattr(shard_sources, "OPEN_FILES", 1)
    prepared()
    opened = numbers(path=tiles).open(())
    assert opened.source.read(ORDER)[:, 0, 1, 2].tolist() == [VALUES[i] for i in ORDER]
    assert len(opened.source._arrays._open) == 1


def test_it_is_found_below_a_root_under_its_protocols_name(numbers, prepared, tiles, tmp_path):
    prepared()
    (tmp_path / "root" / "prepared").mkdir(parents=True)
    tiles.rename(tmp_path / "root" / "prepared" / "parity")
    roots = (tmp_path / "absent", tmp_path / "root")
    assert numbers().located(roots) == tmp_path / "root" / "prepared" / "parity"
    assert len(numbers().open(roots).source) == 7
    assert numbers(protocol="other").located(roots) is None


def test_what_is_absent_says_what_to_get_and_to_run(numbers, tmp_path):
    with pytest.raises(LatentclustError) as caught:
        numbers(masked=True).open((tmp_path,))
    assert str(caught.value) == (
        f"data.use: numbers is not prepared: no prepared/parity/manifest.json in {tmp_path}. Get it from a test "
        "(licence: none), lay out *.txt below DIR, and run `latentclust data prepare numbers --set protocol=parity "
        "--set masked=true --from DIR --to data/prepared/parity`"
    )


def test_it_is_not_fetched(numbers, tmp_path):
    with pytest.raises(LatentclustError, match=r"no download with a known .* Get it from a test .* --to .*parity"):
        numbers().fetch(tmp_path)


def test_other_options_than_those_it_was_made_with_are_refused(numbers, prepared, tiles):
    prepared()
    with pytest.raises(LatentclustError, match=r"was prepared as .*masked=False\), expected .*masked=True\)"):
        numbers(path=tiles, masked=True).open(())


@pytest.mark.parametrize("size", [None, 100])
def test_a_file_that_is_not_whole_is_named(size, numbers, prepared, tiles):
    prepared()
    path = tiles / "c.images.npy"
    whole = path.read_bytes()
    path.unlink()
    if size:
        path.write_bytes(whole[:size])
    (tiles / "unlabelled.images.npy").unlink()
    with pytest.raises(
        LatentclustError, match=r"c\.images\.npy: (is missing|expected 140 bytes, got 100), and 1 more files"
    ):
        numbers(path=tiles).open(())


def test_hashes_are_compared_on_request(prepared, tiles):
    prepared()
    manifest = read_manifest(tiles / MANIFEST)
    check(tiles, manifest, hashed=True)
    path = tiles / "a.labels.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    check(tiles, manifest, hashed=False)
    with pytest.raises(LatentclustError, match=r"a\.labels\.npy: is damaged: its SHA-256 differs from the manifest"):
        check(tiles, manifest, hashed=True)


def test_an_array_that_is_none_is_named_when_it_is_read(numbers, prepared, tiles):
    prepared()
    source = numbers(path=tiles).open(()).source
    path = tiles / "c.images.npy"
    path.write_bytes(b"\0" * path.stat().st_size)
    fresh = pickle.loads(pickle.dumps(source))
    with pytest.raises(LatentclustError, match=r"c\.images\.npy: cannot be read"):
        fresh.read(np.array([3]))
