"""The header of a safetensors file changed, its tensors left alone."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from latentclust.errors import LatentclustError
from latentclust.model.tensor_files import read_metadata, replace_metadata


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    tensors = {"b": torch.randn(3, 5), "a": torch.arange(7, dtype=torch.uint8), "n": torch.tensor([float("nan")])}
    save_file(tensors, path, {"one": "1", "two": "é"})
    return path


def data(path: Path) -> bytes:
    content = path.read_bytes()
    return content[8 + int.from_bytes(content[:8], "little") :]


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as opened:
        found: dict[str, str] = opened.metadata()
    return found


@pytest.mark.parametrize("text", ["", "longer than it was before", "Wälder"])
def test_metadata_change_and_tensors_stay_to_the_bit(file: Path, text: str) -> None:
    before, tensors = data(file), load_file(file)
    replace_metadata(file, lambda found: {"one": text, "three": found["one"] + "3"})
    assert metadata(file) == read_metadata(file) == {"one": text, "two": "é", "three": "13"}
    assert data(file) == before
    assert int.from_bytes(file.read_bytes()[:8], "little") % 8 == 0
    after = load_file(file)
    assert after.keys() == tensors.keys()
    assert all(after[name].numpy().tobytes() == tensors[name].numpy().tobytes() for name in tensors)
    assert list(file.parent.iterdir()) == [file]


def test_a_link_stays_one_and_permissions_are_kept(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.safetensors"
    link.symlink_to(file)
    file.chmod(0o640)
    replace_metadata(link, lambda _: {"one": "2"})
    assert link.is_symlink()
    assert metadata(file)["one"] == "2"
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\xff" * 100, b"\x02" + bytes(7) + b"[]", b"\x02" + bytes(7) + b"xx"]
)
def test_other_files_are_left_unchanged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(LatentclustError, match="is not a safetensors file"):
        replace_metadata(path, lambda _: {"one": "1"})
    assert path.read_bytes() == content
    with pytest.raises(LatentclustError, match="No such file"):
        replace_metadata(tmp_path / "missing", lambda _: {"one": "1"})


def test_a_file_that_is_replaced_meanwhile_is_left_alone(file: Path) -> None:
    def change(found: Mapping[str, str]) -> Mapping[str, str]:
        save_file({"new": torch.zeros(2)}, file.with_name("new"), {"one": "new"})
        file.with_name("new").replace(file)
        return {"one": "old"}

    with pytest.raises(LatentclustError, match="was replaced by another process"):
        replace_metadata(file, change)
    assert read_metadata(file) == {"one": "new"}
    assert list(file.parent.iterdir()) == [file]


def test_a_full_disk_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LatentclustError, match="cannot be written"):
        replace_metadata(file, lambda _: {"one": "1"})
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]
