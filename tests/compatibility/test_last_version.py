"""A model file, a run folder and a label folder of 0.1.0 open and resume, and give the labels that they gave.

data/README.md says what the files are and how they were made. The tests use public entry points alone: the package's
functions and the command line.
"""

import gzip
import hashlib
import json
import os
import runpy
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from numpy.typing import NDArray

import latentclust

DATA = Path(__file__).parent / "data"

FOLDER = "@FOLDER@"
"""Stands for the folder in which the files were made."""

SCENES = ("first", "second", "third")
MOMENT = 1_600_000_000_000_000_000
"""When every scene was changed last, in nanoseconds; labelling.json records it."""

ITEM_BYTES = {"float32": 4, "int64": 8}
TYPES = {"F32": "float32", "I64": "int64"}
"""The types of tensors, as safetensors and NumPy call them."""

MODELS: dict[str, Any] = json.loads(gzip.decompress((DATA / "models.json.gz").read_bytes()))
COMMANDS: dict[str, list[str]] = json.loads((DATA / "commands.json").read_text(encoding="utf-8"))

Arrays = Mapping[str, NDArray[Any]]
Command = Callable[..., str]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums are added up in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def expected() -> Arrays:
    """What 0.1.0 found."""
    with np.load(DATA / "expected.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files in a folder of their own, which is the working folder, as if they had been made there."""
    for name in ("scenes", "runs", "labels", "products"):
        shutil.copytree(DATA / name, tmp_path / name)
    for path in tmp_path.rglob("*.json"):
        path.write_text(path.read_text("utf-8").replace(FOLDER, str(tmp_path)), "utf-8")
    for path in tmp_path.rglob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    for name in SCENES:
        os.utime(tmp_path / f"scenes/{name}.tif", ns=(MOMENT, MOMENT))
    enter_size(tmp_path / "products", "first.stac.json")
    partial = tmp_path / "labels/.partial"
    (partial / "KEY").rename(partial / key_of(tmp_path / "labels", "second.tif"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def enter_size(outputs: Path, name: str) -> None:
    """Enters the size of an output that holds the folder's path into labelling.json."""
    account = json.loads((outputs / "labelling.json").read_text("utf-8"))
    for scene in account["scenes"]:
        scene["files"][name] = (outputs / name).stat().st_size
    (outputs / "labelling.json").write_text(json.dumps(account), "utf-8")


def key_of(outputs: Path, output: str) -> str:
    """The name that 0.1.0 gives to the folder of a scene's strips."""
    account = json.loads((outputs / "labelling.json").read_text("utf-8"))
    [scene] = [scene for scene in account["scenes"] if scene["output"] == output]
    facts = [account["model"], account["options"], *(scene[name] for name in ("input", "output", "size", "mtime"))]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `python -m latentclust` with words in this process, and returns what it prints."""

    def call(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["latentclust", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("latentclust", run_name="__main__")
        printed = capsys.readouterr()
        assert not ended.value.code, printed.err
        return printed.out

    return call


def read_band(path: Path) -> NDArray[Any]:
    """The one band of a raster."""
    with rasterio.open(path) as file:
        band: NDArray[Any] = file.read(1)
    return band


def read_table(path: Path) -> NDArray[Any]:
    """A CSV file with a header, by columns."""
    table: NDArray[Any] = np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8")
    return table


def read_log(folder: Path) -> list[str]:
    """The lines of metrics.jsonl."""
    return (folder / "metrics.jsonl").read_text("utf-8").splitlines()


# Model files


@pytest.mark.parametrize("name", MODELS)
def test_a_model_file_of_a_shipped_recipe_opens(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, types and shapes of all tensors are those of the networks; the values of these files are 0.

    The models were never trained, so that they have no tensors of an inference, which are checked elsewhere.
    """
    monkeypatch.setattr("latentclust.model.model_file._check_state", lambda *_: None)
    path = tmp_path / "model.safetensors"
    write_zeros(path, MODELS[name]["header"], MODELS[name]["tensors"])
    model = latentclust.load(path)
    assert model.header == MODELS[name]["header"]
    stored = {key.removeprefix("networks/"): shape for key, (_, shape) in MODELS[name]["tensors"].items()}
    found = torch.nn.ModuleDict(dict(model.networks)).state_dict()
    assert {key: list(tensor.shape) for key, tensor in found.items()} == stored
    assert not any(tensor.any() for tensor in found.values())


def write_zeros(path: Path, header: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
    """A safetensors file of zeros, which take no room on the disk."""
    entries: dict[str, Any] = {"__metadata__": {"latentclust": json.dumps(header)}}
    end = 0
    for name, (kind, shape) in tensors.items():
        start, end = end, end + int(np.prod(shape, dtype=np.int64)) * ITEM_BYTES[TYPES[kind]]
        entries[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    os.truncate(path, 8 + len(text) + end)


def test_a_model_of_images_gives_its_clusters(folder: Path, expected: Arrays, command: Command) -> None:
    model = latentclust.load("runs/vectors/seed-3")
    np.testing.assert_array_equal(model.predict(expected["vectors"]).labels.numpy(), expected["vectors/labels"])
    np.save("vectors.npy", expected["vectors"].astype(np.float32))
    command("predict", "runs/vectors/seed-3", "vectors.npy", "--out", "clusters.csv", "--device", "cpu")
    predicted, assigned = (
        read_table(folder / name) for name in ("clusters.csv", "runs/vectors/seed-3/assignments.csv")
    )
    np.testing.assert_array_equal(predicted["cluster"], expected["vectors/labels"] + 1)
    np.testing.assert_array_equal(predicted["cluster"], assigned["cluster"])


@pytest.mark.usefixtures("folder")
def test_a_model_of_label_maps_gives_its_labels(expected: Arrays) -> None:
    assert_label_maps("runs/pixels", "pixels", expected)


def assert_label_maps(run: str, name: str, expected: Arrays) -> None:
    with rasterio.open("scenes/third.tif") as file:
        posterior = latentclust.load(run).predict(file.read()[None])
    np.testing.assert_array_equal(posterior.labels.numpy(), expected[f"{name}/labels"])
    np.testing.assert_allclose(posterior.confidence.numpy(), expected[f"{name}/confidence"], atol=2e-3)


# Run folders


@pytest.mark.parametrize(("name", "checkpoint"), [("chains", 20), ("stages", 36), ("maps", 26)])
@pytest.mark.usefixtures("whole_set")
def test_a_stopped_run_resumes(name: str, checkpoint: int, folder: Path, expected: Arrays, command: Command) -> None:
    run = folder / "runs" / name
    begun = [line for line in read_log(run) if line.endswith("}") and json.loads(line)["round"] <= checkpoint]
    command("run", "--resume", run, "--device", "cpu")
    lines = read_log(run)
    assert lines[: len(begun)] == begun
    losses = json.loads(lines[-1])["losses"]
    np.testing.assert_allclose([losses[key] for key in sorted(losses)], expected[f"{name}/losses"], rtol=0.01)
    if name == "maps":
        assert_label_maps(f"runs/{name}", name, expected)
    else:
        table = read_table(run / "assignments.csv")
        np.testing.assert_array_equal(table["cluster"], expected[f"{name}/cluster"])
        np.testing.assert_allclose(table["confidence"], expected[f"{name}/confidence"], atol=1e-3)


def test_a_finished_run_resumes_to_the_same_assignments(folder: Path, command: Command) -> None:
    run = folder / "runs/vectors/seed-3"
    before, records = read_table(run / "assignments.csv"), read_log(run)
    command("run", "--resume", run, "--device", "cpu")
    np.testing.assert_array_equal(read_table(run / "assignments.csv")["cluster"], before["cluster"])
    assert read_log(run) == records


@pytest.mark.usefixtures("folder")
def test_a_run_is_evaluated(command: Command) -> None:
    run = Path("runs/vectors/seed-3")
    before = json.loads((run / "results.json").read_text("utf-8"))
    found = json.loads(command("evaluate", run, "--device", "cpu", "--json"))
    for name in ("recipe", "protocol", "seed", "variant", "clusters", "occupancy"):
        assert found[name] == before[name], name
    assert found["metrics"] == pytest.approx(before["metrics"])
    assert found["baselines"]["kmeans"] == pytest.approx(before["baselines"]["kmeans"])
    assert found["readouts"]["amortized"] == pytest.approx(before["readouts"]["amortized"])
    amortized = json.loads(command("evaluate", run, "--set", "inference.use=amortized", "--device", "cpu", "--json"))
    assert amortized["metrics"] == pytest.approx(
        {name: before["readouts"]["amortized"][name] for name in before["metrics"]}
    )


@pytest.mark.usefixtures("folder")
def test_runs_are_compared(command: Command) -> None:
    summary = json.loads(Path("runs/vectors/summary.json").read_text("utf-8"))
    seeds, pixels = json.loads(command("compare", "runs/vectors", "runs/pixels", "--json"))
    for name in ("recipe", "protocol", "seeds", "collapsed", "failed", "mean", "std", "metrics", "baselines"):
        assert seeds[name] == summary[name], name
    assert pixels["recipe"] == "pixels"


# Label folders


def state(path: Path) -> tuple[int, int, int]:
    """What changes if a file is written again. It may be read."""
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def test_a_label_folder_resumes_to_the_same_bits(folder: Path, expected: Arrays, command: Command) -> None:
    """The first scene is finished; of the second one strip is; the third had failed, for it was absent."""
    assert scenes_of(folder / "labels") == {"first.tif": "done", "third.tif": "failed", "second.tif": "started"}
    first = state(folder / "labels/first.tif")
    report = json.loads(command(*COMMANDS["labels"]))
    kept = {scene["output"]: (scene["status"], scene["kept"]) for scene in report["scenes"]}
    assert kept == {"first.tif": ("done", True), "second.tif": ("done", False), "third.tif": ("done", False)}
    assert state(folder / "labels/first.tif") == first
    assert (folder / "labels/first-areas.csv").exists()  # the folder was written before there were such tables
    assert report["windows"] == expected["labels/windows"]
    for name in SCENES:
        np.testing.assert_array_equal(read_band(folder / f"labels/{name}.tif"), expected[f"labels/{name}"])
        confidence = read_band(folder / f"labels/{name}-confidence.tif").astype(int)
        np.testing.assert_allclose(confidence, expected[f"labels/{name}-confidence"], rtol=0, atol=1)
    assert scenes_of(folder / "labels") == dict.fromkeys(("first.tif", "second.tif", "third.tif"), "done")
    assert not (folder / "labels/.partial").exists()


def test_the_function_label_keeps_what_the_command_of_the_last_version_made(folder: Path) -> None:
    report = latentclust.label(
        "runs/pixels", "scenes/first.tif", "labels", tile=8, overlap=4, batch=32, confidence=True, device="cpu"
    )
    assert (report.kept, report.windows, report.failed) == (frozenset({"first.tif"}), 0, ())


def test_names_reach_the_products_of_a_label_folder(folder: Path, expected: Arrays, command: Command) -> None:
    """The model was named before: cluster 1 is water, cluster 2 forest."""
    outputs = folder / "products"
    report = json.loads(command(*COMMANDS["products"]))
    assert [scene["kept"] for scene in report["scenes"]] == [True]
    assert report["windows"] == 0
    named = json.loads(command("clusters", "name", "runs/pixels", "3=water", "--json"))
    assert [(entry["name"], entry["clusters"]) for entry in named["classes"]] == [("water", [1, 3]), ("forest", [2])]
    applied = json.loads(command("clusters", "apply", outputs, "--json"))
    assert applied["rasters"] == ["first-classes.tif", "first.tif"]

    labels = read_band(outputs / "first.tif")
    np.testing.assert_array_equal(labels, expected["labels/first"])
    np.testing.assert_array_equal(read_band(outputs / "first-classes.tif"), np.array([0, 1, 2, 1])[labels])
    with rasterio.open(outputs / "first.tif") as file:
        assert file.colormap(1)[3] == file.colormap(1)[1] == (0x2B, 0x6C, 0xB0, 255)
    with sqlite3.connect(outputs / "first.gpkg") as polygons:
        found = set(polygons.execute("select class, name from clusters"))
    polygons.close()
    assert found == {(1, "water"), (2, "forest"), (3, "water")}
    item = json.loads((outputs / "first.stac.json").read_text("utf-8"))
    classes = {entry["value"]: entry["description"] for entry in item["assets"]["labels"]["classification:classes"]}
    assert classes == {0: "no data", 1: "water", 2: "forest", 3: "water"}
    assert (outputs / "first.qml").read_text("utf-8").count('label="water"') == 2
    assert [scene["kept"] for scene in json.loads(command(*COMMANDS["products"]))["scenes"]] == [True]


def scenes_of(outputs: Path) -> dict[str, str]:
    """The state of each scene in labelling.json."""
    account = json.loads((outputs / "labelling.json").read_text("utf-8"))
    return {scene["output"]: scene["status"] for scene in account["scenes"]}
