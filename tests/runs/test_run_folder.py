"""A run's folder: nothing of the user's is ever removed or written over."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import latentclust
from latentclust.errors import LatentclustError
from latentclust.runs.run import resume
from latentclust.runs.run_folder import LOCK, METRICS, WRITTEN, lock_run, new_folder


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


HOLDER = """
import sys, time
from pathlib import Path
from latentclust.files import lock_file
with lock_file(Path(sys.argv[1]), "", ""):
    print("locked", flush=True)
    time.sleep(3600)
"""


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A run folder that another process is writing."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "metrics.jsonl").write_text("{}")
    (folder / "recipe.toml").write_text("schema = 1")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder / LOCK)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield folder
        process.kill()


def test_a_run_that_another_process_is_writing_is_refused(locked: Path, recipe: Callable[[str], Path]) -> None:
    for start in (
        lambda: latentclust.run(recipe("dccs"), out=locked, overwrite=True, device="cpu"),
        lambda: resume(locked, device="cpu"),
    ):
        with pytest.raises(LatentclustError, match=r"run: another process is writing this run\. Wait for it"):
            start()
    assert (locked / "recipe.toml").read_text() == "schema = 1"
    assert (locked / "metrics.jsonl").read_text() == "{}"


def test_a_killed_run_leaves_no_lock_and_no_temporary_files(tmp_path: Path) -> None:
    (tmp_path / "starts").mkdir()
    for name in (".run.lock", ".checkpoint.safetensors.0123abcd.partial", "starts/.start-1.safetensors.1.partial"):
        (tmp_path / name).touch()
    (tmp_path / ".notes.partial.txt").touch()
    with lock_run(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {"starts", ".run.lock", ".notes.partial.txt"}
        assert not list((tmp_path / "starts").iterdir())
    assert not (tmp_path / ".run.lock").exists()
