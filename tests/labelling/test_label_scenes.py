"""A run over scenes: failures, resuming, refusals, stops."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import save_file

import latentclust
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.labelling.label_report import NullLabelListener, SceneResult
from latentclust.labelling.outputs.publish import SIDECAR_SUFFIXES
from latentclust.labelling.run_log import model_fingerprint
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load, save_model
from tests.data.scenes.test_stac import write_item
from tests.labelling.planted import noise_scene, planted_model, read_band, write_scene


def files(folder: Path) -> dict[str, bytes]:
    """Every raster below a folder; nothing else is there but its account, legends, and what is kept of open scenes."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name != "labelling.json")
    rasters = (path for path in found if path.parts[0] != ".partial" and not path.name.endswith(SIDECAR_SUFFIXES))
    return {str(path): (folder / path).read_bytes() for path in rasters}


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "in" / "scene.tif", noise_scene(90, 100))


def test_bad_scenes_stop_no_good_one(planted: ClusteringModel, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    good = noise_scene(70, 80)
    write_scene(folder / "gute Szene é 1.tif", good)
    (folder / "empty.tif").touch()
    (folder / "text.tif").write_text("no raster")
    whole = write_scene(tmp_path / "whole.tif", noise_scene(300, 300)).read_bytes()
    (folder / "truncated.tif").write_bytes(whole[: len(whole) // 2])
    write_scene(folder / "four.tif", noise_scene(70, 80)[[0, 1, 2, 0]], photometric="MINISBLACK", alpha="NO")
    write_scene(folder / "wide.tif", noise_scene(70, 80).astype(np.uint16))
    write_scene(folder / "blocked" / "scene.tif", good)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "blocked").touch()  # a file where a folder is wanted
    report = latentclust.label(planted, [folder, tmp_path / "missing.tif"], tmp_path / "out")
    reasons = {scene.output: scene.reason for scene in report.failed}
    assert reasons.keys() == {
        "empty.tif", "text.tif", "truncated.tif", "four.tif", "wide.tif", "missing.tif", "blocked/scene.tif",
    }  # fmt: skip
    for name in ("empty.tif", "text.tif", "truncated.tif", "missing.tif"):
        assert "cannot be read" in reasons[name]
    assert "has 4 band(s), and the model was trained on 3" in reasons["four.tif"]
    assert "type uint16, unlike the training data (uint8)" in reasons["wide.tif"]
    assert "cannot be written" in reasons["blocked/scene.tif"]
    expected = planted.predict(good[None]).labels[0].numpy() + 1
    assert np.mean(read_band(tmp_path / "out" / "gute Szene é 1.tif") == expected) > 0.9995
    assert files(tmp_path / "out").keys() == {"gute Szene é 1.tif", "blocked"}
    told = json.loads((tmp_path / "out" / "labelling.json").read_text())
    assert {row["output"]: row["status"] for row in told["scenes"]} == {
        **dict.fromkeys(reasons, "failed"), "gute Szene é 1.tif": "done",
    }  # fmt: skip
    done = next(row for row in told["scenes"] if row["status"] == "done")
    assert (done["pixels"], done["nodata"]) == (5600, 0)
    assert told["model"] == model_fingerprint(planted) == report.model


def test_strict_stops_at_the_first_failure(planted: ClusteringModel, scene: Path, tmp_path: Path) -> None:
    report = latentclust.label(planted, [tmp_path / "missing.tif", scene], tmp_path / "out", strict=True)
    assert [each.status for each in report.scenes] == ["failed"]
    assert not (tmp_path / "out" / "scene.tif").exists()


def test_finished_scenes_are_kept_and_missing_ones_made_again(
    planted: ClusteringModel, scene: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scene, out, confidence=True)
    first = files(out)
    again = latentclust.label(planted, scene.parent, out, confidence=True)
    assert (again.kept, again.pixels, again.windows) == ({"scene.tif"}, 0, 0)
    write_scene(scene.with_name("later.tif"), noise_scene(70, 70, seed=1))
    (out / "scene-confidence.tif").unlink()
    more = latentclust.label(planted, scene.parent, out, confidence=True)
    assert more.kept == frozenset()
    assert files(out).items() >= first.items()
    assert files(out).keys() == {"scene.tif", "scene-confidence.tif", "later.tif", "later-confidence.tif"}


def test_another_model_other_options_or_a_changed_scene_are_refused(
    planted: ClusteringModel, scene: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scene, out)
    first = files(out)
    with pytest.raises(LatentclustError, match=r"other options: .*blend was hann and is crop"):
        latentclust.label(planted, scene, out, blend="crop")
    with pytest.raises(LatentclustError, match="by another model"):
        latentclust.label(planted_model((2, 1)), scene, out)
    os.utime(scene, (0, 0))
    with pytest.raises(LatentclustError, match="has changed since it was labelled"):
        latentclust.label(planted, scene, out)
    assert files(out) == first
    report = latentclust.label(planted_model((2, 1)), scene, out, overwrite=True)
    assert report.failed == ()
    assert files(out) != first


def test_other_options_are_no_conflict_where_no_scene_is_done(planted: ClusteringModel, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    scene, out = tmp_path / "in" / "scene.tif", tmp_path / "out"
    scene.write_text("no raster")
    assert len(latentclust.label(planted, scene, out).failed) == 1
    assert len(latentclust.label(planted_model((2, 1)), scene, out, blend="crop").failed) == 1
    write_scene(scene, noise_scene(70, 70))
    assert latentclust.label(planted, scene.parent, out, confidence=True).failed == ()
    with pytest.raises(LatentclustError, match=r"other options: rasters was"):
        latentclust.label(planted, scene, out)


def test_one_bad_scene_stops_no_other(planted: ClusteringModel, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_scene(folder / "good.tif", noise_scene(70, 70))
    write_scene(folder / f"{'x' * 240}.tif", noise_scene(70, 70, seed=1))
    for name, asset in {"number": {"href": 5}, "null": {"href": "a\0"}, "far": {"href": f"{'y' * 5000}.tif"}}.items():
        write_item(folder / f"{name}.json", {"a": {"roles": ["data"], **asset}}, id=name)
    (folder / "deep.json").write_text("[" * 100_000)
    os.mkfifo(folder / "pipe.tif")
    report = latentclust.label(planted, folder, tmp_path / "out", confidence=True)
    assert {scene.output for scene in report.failed} == {
        f"{name}.tif" for name in ("number", "null", "far", "deep", "pipe")
    }
    done = {scene.output for scene in report.scenes if scene.status == "done"}
    assert len(done) == 2
    assert all((tmp_path / "out" / name).is_file() for name in done)
    assert all("cannot be read" in scene.reason and len(scene.reason.splitlines()) == 1 for scene in report.failed)


def test_files_of_others_are_never_replaced(planted: ClusteringModel, scene: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "scene.tif").write_text("mine")
    with pytest.raises(LatentclustError, match="already exists, and was not written by a run in this folder"):
        latentclust.label(planted, scene, tmp_path / "out")
    assert files(tmp_path / "out") == {"scene.tif": b"mine"}


def test_a_second_run_is_kept_out(planted: ClusteringModel, scene: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".labelling.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LatentclustError, match="another run is labelling into this folder"):
            latentclust.label(planted, scene, tmp_path / "out")
    assert latentclust.label(planted, scene, tmp_path / "out").failed == ()


def test_a_model_file_says_how_its_bands_were_read(with_bands: Callable[..., ClusteringModel], tmp_path: Path) -> None:
    said = {"names": ("red", "green", "blue"), "scales": ((0.5, 0.0),) * 3}
    model = with_bands(ranges=((0.1, 2.0),) * 3, types=("float32", "uint16"), counts=(3, 7), **said)
    save_model(tmp_path / "model.safetensors", model)
    read = load(tmp_path / "model.safetensors")
    assert read.bands == model.bands
    assert model_fingerprint(read) == model_fingerprint(model)
    assert model_fingerprint(read) != model_fingerprint(with_bands())


def test_a_model_file_without_names_and_scales_of_bands_is_read(planted: ClusteringModel, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, planted)
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["latentclust"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    del header["bands"]["names"], header["bands"]["scales"]
    save_file(tensors, path, {"latentclust": json.dumps(header)})
    assert load(path).bands == planted.bands


def test_a_model_that_does_not_say_how_it_reads_bands_is_refused(
    planted: ClusteringModel, scene: Path, tmp_path: Path
) -> None:
    with pytest.raises(LatentclustError, match="does not contain the bands that it reads"):
        latentclust.label(replace(planted, bands=None), scene, tmp_path / "out")


class Stopper(NullLabelListener):
    """Asks for a stop in the middle of a scene, as Ctrl-C does."""

    def __init__(self) -> None:
        self.count = 0
        self.outcomes: list[SceneResult] = []

    def on_windows(self, count: int, pixels: int) -> None:
        self.count += count
        if self.count == 6:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_stop_leaves_nothing_half_done_and_the_run_resumes(planted: ClusteringModel, tmp_path: Path) -> None:
    scenes = [write_scene(tmp_path / f"{name}.tif", noise_scene(100, 90, name)) for name in range(3)]
    with pytest.raises(InterruptedRunError):
        latentclust.label(planted, scenes, tmp_path / "out", batch=1, listener=Stopper())
    assert files(tmp_path / "out").keys() == {"0.tif"}
    report = latentclust.label(planted, scenes, tmp_path / "out", batch=1)
    assert report.kept == {"0.tif"}
    latentclust.label(planted, scenes, tmp_path / "whole", batch=1)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_a_killed_run_resumes_to_the_same_bytes(planted: ClusteringModel, model_file: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for number in range(3):
        write_scene(folder / f"{number}.tif", noise_scene(400, 700, number))
    program = "import sys; from latentclust.cli.main import main; main(sys.argv[1:])"
    words = ["label", str(model_file), str(folder), "--out", str(out), "--confidence", "--device", "cpu"]
    process = subprocess.Popen([sys.executable, "-c", program, *words], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 600
    while not list((out / ".partial").glob("*/strip-*")) and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.005)
    time.sleep(0.1)
    process.kill()
    process.wait()
    report = latentclust.label(load(model_file), folder, out, confidence=True)
    assert report.failed == ()
    latentclust.label(planted, folder, tmp_path / "whole", confidence=True)
    assert files(out) == files(tmp_path / "whole")


def test_a_full_disk_fails_the_scene_and_leaves_no_file(
    planted: ClusteringModel, model_file: Path, tmp_path: Path
) -> None:
    write_scene(tmp_path / "in" / "large.tif", noise_scene(600, 600))
    small = write_scene(tmp_path / "in" / "small.tif", noise_scene(30, 30))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        report = latentclust.label(load(model_file), tmp_path / "in", tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [scene.output for scene in report.failed] == ["large.tif"]
    assert files(tmp_path / "out").keys() == {"small.tif"}
    expected = planted.predict(noise_scene(30, 30)[None]).labels[0].numpy() + 1
    np.testing.assert_array_equal(read_band(tmp_path / "out" / small.name), expected)


class LateStopper(NullLabelListener):
    """Asks for a stop when the last window is read."""

    def __init__(self, windows: int) -> None:
        self.left = windows

    def on_windows(self, count: int, pixels: int) -> None:
        self.left -= count
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_stop_while_scenes_are_put_together_loses_none(planted: ClusteringModel, tmp_path: Path) -> None:
    scenes = [write_scene(tmp_path / f"{name}.tif", noise_scene(300, 290, name)) for name in range(3)]
    total = latentclust.label(planted, scenes, tmp_path / "dry", dry_run=True).windows
    try:
        report = latentclust.label(planted, scenes, tmp_path / "out", listener=LateStopper(total))
        assert [scene.status for scene in report.scenes] == ["done"] * 3  # all were put together before it was seen
    except InterruptedRunError:
        assert latentclust.label(planted, scenes, tmp_path / "out").failed == ()
    latentclust.label(planted, scenes, tmp_path / "whole")
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_a_stop_while_a_scene_is_assembled_is_not_a_failure(
    planted: ClusteringModel, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise InterruptedRunError.at("polygons", "stopped", "Run it again")

    with monkeypatch.context() as patch:
        patch.setattr("latentclust.labelling.output_options.write_sidecars", stopped)
        with pytest.raises(InterruptedRunError, match="Run the same command again to resume"):
            latentclust.label(planted, scene, tmp_path / "out")
    assert list((tmp_path / "out" / ".partial").glob("*/strip-00000"))
    assert latentclust.label(planted, scene, tmp_path / "out").windows == 0  # of the strips that were kept


def test_a_failure_while_a_scene_is_put_together_keeps_its_strips(
    planted: ClusteringModel, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr("latentclust.labelling.output_options.write_sidecars", full)
        failed = latentclust.label(planted, scene, tmp_path / "out").failed[0]
    assert "no room" in failed.reason
    assert failed.files is None
    again = latentclust.label(planted, scene, tmp_path / "out")
    assert (again.failed, again.windows) == ((), 0)
    assert not (tmp_path / "out" / ".partial").exists()


def test_probabilities_that_are_no_numbers_fail_the_scene(
    planted: ClusteringModel, scene: Path, tmp_path: Path
) -> None:
    broken = planted_model()
    broken.networks["heads"].head.bias.data.fill_(float("nan"))  # type: ignore[union-attr]
    report = latentclust.label(broken, scene, tmp_path / "out")
    assert "probabilities that are not finite, in fp32" in report.failed[0].reason


def test_what_was_replaced_twice_leaves_no_file_of_the_first(
    planted: ClusteringModel, scene: Path, tmp_path: Path
) -> None:
    latentclust.label(planted, scene, tmp_path / "out", confidence=True)
    with pytest.raises(InterruptedRunError):
        latentclust.label(planted, scene, tmp_path / "out", batch=1, overwrite=True, listener=LateStopper(3))
    latentclust.label(planted, scene, tmp_path / "out", batch=2, overwrite=True)
    assert files(tmp_path / "out").keys() == {"scene.tif"}


def test_the_words_of_bands_are_an_option_of_the_run(planted: ClusteringModel, tmp_path: Path) -> None:
    for name in ("B1", "B2", "B3"):
        write_scene(tmp_path / "in" / f"a_{name}.tif", noise_scene(40, 50)[:1])
    latentclust.label(planted, tmp_path / "in", tmp_path / "out", bands=["B1", "B2", "B3"])
    with pytest.raises(LatentclustError, match="bands was"):
        latentclust.label(planted, tmp_path / "in", tmp_path / "out", bands=["B3", "B2", "B1"])
