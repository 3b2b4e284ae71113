"""A run's folder: nothing of the user's is ever removed or written over."""

from pathlib import Path

import pytest

from latentclust.errors import LatentclustError
from latentclust.runs.run_folder import METRICS, WRITTEN, new_folder


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_default_folder_tells_recipe_and_seed_and_is_new_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [new_folder(None, "digits", 7, overwrite=False) for _ in range(3)]
    for folder in folders:
        fill(folder, METRICS)
        assert folder.parent == Path("runs/digits")
        assert folder.name.split("-")[2] == "7"
    assert len(set(folders)) == 3


def test_an_empty_folder_is_taken_and_left_empty(tmp_path: Path) -> None:
    assert new_folder(tmp_path / "a" / "b", "digits", 0, overwrite=False) == tmp_path / "a" / "b"
    assert new_folder(tmp_path / "a" / "b", "digits", 0, overwrite=False) == tmp_path / "a" / "b"
    assert names(tmp_path) == set()


def test_a_folder_that_holds_anything_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "notes.txt")
    with pytest.raises(LatentclustError, match=r"is not empty.*--overwrite"):
        new_folder(tmp_path, "digits", 0, overwrite=False)
    assert names(tmp_path) == {"notes.txt"}


def test_overwriting_removes_a_runs_own_files_and_no_other(tmp_path: Path) -> None:
    own = (METRICS, *WRITTEN)
    kept = {"notes.txt", "figures/mine.png", "seed-1/notes.txt", "seed-x/data.csv", "seed-9/recipe.toml"}
    fill(tmp_path, "summary.json", *own, *(f"seed-{seed}/{name}" for seed in (1, 2) for name in own), *kept)
    assert new_folder(tmp_path, "digits", 0, overwrite=True) == tmp_path
    assert names(tmp_path) == kept
    assert not (tmp_path / "seed-2").exists()
    assert not (tmp_path / "seed-1" / "figures").exists()


@pytest.mark.parametrize("name", ["recipe.toml", "report.md", "figures/losses.png", "model.safetensors"])
def test_a_file_that_no_run_wrote_is_not_written_over(tmp_path: Path, name: str) -> None:
    fill(tmp_path, name, "notes.txt")
    with pytest.raises(LatentclustError, match=f"{name}: would be overwritten"):
        new_folder(tmp_path, "digits", 0, overwrite=True)
    assert names(tmp_path) == {name, "notes.txt"}


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    fill(tmp_path, "file")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(LatentclustError, match=rf"{out}: cannot be written"):
            new_folder(out, "digits", 0, overwrite=False)


@pytest.mark.parametrize("call", ["mkdir", "touch"])
@pytest.mark.parametrize("out", ["out", None])
def test_a_read_only_place_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, out: str | None
) -> None:
    monkeypatch.chdir(tmp_path)

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, call, refuse)
    with pytest.raises(LatentclustError, match=r"cannot be written \(Permission denied\). Choose another folder"):
        new_folder(Path(out) if out else None, "digits", 0, overwrite=False)
