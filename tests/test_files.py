"""Atomic writes: whole files, no leftovers, and errors that name the file."""

from pathlib import Path

import pytest

from latentclust.errors import LatentclustError
from latentclust.files import open_atomic, write_atomic


def test_text_and_bytes_replace_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_atomic(path, "é\n")
    assert path.read_bytes() == b"\xc3\xa9\n"
    write_atomic(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.txt"
    write_atomic(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("latentclust.files.os.fsync", full)
    with pytest.raises(LatentclustError, match=r"file\.txt: cannot be written \(No space left on device\)"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match="cannot be written"):
        write_atomic(tmp_path, "text")
    blocked = tmp_path / "file"
    blocked.write_text("text")
    with pytest.raises(LatentclustError, match="cannot be written"):
        write_atomic(blocked / "inner.txt", "text")


def test_a_file_written_piece_by_piece_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.bin"
    with open_atomic(path) as file:
        file.write(b"one")
        assert not path.exists()
        file.write(b"two")
    assert path.read_bytes() == b"onetwo"
    with pytest.raises(TypeError), open_atomic(path) as file:
        file.writelines([b"other", "no bytes"])
    assert path.read_bytes() == b"onetwo"
    assert list(path.parent.iterdir()) == [path]


def test_what_to_do_on_a_full_disk_is_the_callers_to_say(tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match="Use --to"), open_atomic(tmp_path / "file", "Use --to"):
        raise OSError(28, "No space left on device")
