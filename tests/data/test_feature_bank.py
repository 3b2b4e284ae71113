"""Files of feature banks: chunks survive a stop, and nothing but a complete, intact file is read."""

import errno
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from latentclust.data import feature_bank
from latentclust.data.feature_bank import (
    BankHeader,
    BankSource,
    BankWriter,
    drop_bank,
    find_banks,
    lock_bank,
    read_bank,
)
from latentclust.errors import LatentclustError

VALUES = np.arange(5 * 3 * 4).reshape(5, 3, 4).astype(np.float16)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_bank, "CHUNK", 2)


def header() -> BankHeader:
    return BankHeader(key="a" * 64, network="n", data="d", samples=5, rows=3, width=4)


def written(path: Path) -> BankHeader:
    writer = BankWriter(path, header())
    for start in range(0, 5, 2):
        writer.append(VALUES[start : start + 2], seconds=1.0)
    return writer.finish()


def test_a_bank_is_a_safetensors_file_with_the_values(tmp_path: Path) -> None:
    written(tmp_path / "bank.safetensors")
    with safe_open(tmp_path / "bank.safetensors", "np") as file:
        assert np.array_equal(file.get_tensor("features"), VALUES)


def test_rows_are_read_with_and_without_views_also_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    found = written(path)
    assert (found.complete, found.seconds) == (True, 3.0)
    own, rows = BankSource(path, read_bank(path)), BankSource(path, found, views=True)
    at = np.array([4, 0])
    assert np.array_equal(own.read(at), VALUES[[4, 0], 0])
    assert np.array_equal(pickle.loads(pickle.dumps(rows)).read(at), VALUES[[4, 0]])
    assert (own.shape, rows.shape, own.preprocessed) == ((4,), (3, 4), True)


def test_a_stopped_bank_is_resumed_behind_its_last_intact_chunk(tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    stopped = BankWriter(path, header())
    stopped.append(VALUES[:2], 1.0)
    stopped.append(VALUES[2:4], 1.0)
    assert not path.exists()
    assert BankWriter(path, header()).header.done == 4

    with path.with_suffix(".unfinished").open("r+b") as file:  # a chunk that did not reach the disk
        file.seek(header().begin + 2 * header().stride)
        file.write(bytes(8))
    resumed = BankWriter(path, header())
    assert resumed.header.done == 2
    resumed.append(VALUES[2:4], 1.0)
    resumed.append(VALUES[4:], 1.0)
    resumed.finish()
    assert np.array_equal(BankSource(path, read_bank(path), views=True).read(np.arange(5)), VALUES)
    assert [each.name for each in tmp_path.iterdir()] == ["bank.safetensors"]


def test_chunks_of_another_bank_are_not_resumed(tmp_path: Path) -> None:
    BankWriter(tmp_path / "bank.safetensors", header()).append(VALUES[:2], 1.0)
    other = header().model_copy(update={"key": "b" * 64})
    assert BankWriter(tmp_path / "bank.safetensors", other).header.done == 0


@pytest.mark.parametrize("spoil", ["cut", "longer", "other-values", "unfinished", "empty", "text"])
def test_a_truncated_or_damaged_bank_is_refused(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "bank.safetensors"
    found = written(path)
    content = path.read_bytes()
    spoilt = {
        "cut": content[:-1],
        "longer": content + b"0",
        "other-values": content[:-8] + bytes(8),
        "unfinished": found.model_copy(update={"complete": False}).encoded() + content[found.begin :],
        "empty": b"",
        "text": b"not a bank, but some text",
    }
    path.write_bytes(spoilt[spoil])
    with pytest.raises(LatentclustError) as error:
        read_bank(path)
    (issue,) = error.value.issues
    assert issue.where == str(path)
    assert "feature bank" in issue.what
    assert issue.fix == "Delete it; it is then computed again"


def test_a_full_disk_is_told_before_anything_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(LatentclustError, match="No space left on device") as error:
        BankWriter(tmp_path / "bank.safetensors", header())
    assert "LATENTCLUST_FEATURES" in error.value.issues[0].fix
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_while_a_bank_is_written_keeps_what_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "bank.safetensors"
    writer = BankWriter(path, header())
    writer.append(VALUES[:2], 1.0)
    with monkeypatch.context() as filled:
        filled.setattr(os, "fsync", full)
        for step in (lambda: writer.append(VALUES[2:4], 1.0), writer.finish):
            with pytest.raises(LatentclustError, match="No space left on device"):
                step()
    assert not path.exists()
    assert BankWriter(path, header()).header.done == 2


def test_banks_are_found_and_dropped_but_not_while_one_is_written(tmp_path: Path) -> None:
    written(tmp_path / "whole.safetensors")
    BankWriter(tmp_path / "part.safetensors", header()).append(VALUES[:2], 1.0)
    (tmp_path / "foreign.safetensors").write_bytes(b"x")
    found = {path.name: header and header.complete for path, header in find_banks(tmp_path)}
    assert found == {"whole.safetensors": True, "part.unfinished": False, "foreign.safetensors": None}

    part = tmp_path / "part.unfinished"
    with lock_bank(part), pytest.raises(LatentclustError, match="another process is writing the feature bank part"):
        drop_bank(part)
    assert [drop_bank(path) > 0 for path, _ in list(find_banks(tmp_path))] == [True] * 3
    assert not list(tmp_path.iterdir())
