"""Measure the limits of `latentclust label`: `python benchmarks/label_limits.py sparse|dense|plan|kills|tiles|workers`.

sparse: 60,000 x 60,000 pixels, nodata except for a few islands; dense: 20,000 x 20,000 valid pixels; both record the
curve of anonymous resident memory. plan: dry runs of rasters without data, up to 1,000,000 x 1,000,000 pixels in a file
of kilobytes, with the memory that they promise and the memory that they take. kills: a run that is killed at random
moments and resumed, compared byte by byte with an undisturbed one. tiles: labels with windows of several sizes, and of
halves by --bbox, compared with those of the whole scene in one pass. workers: 1, 2 and 4 processes of a local Dask
cluster, compared byte by byte with one.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from provenance import write
from scenes_for_label import anonymous_memory, convolutional, write_scene

import latentclust
from latentclust.model.model_file import save_model

PLANNED = ((1000, "400MB"), (10_000, "400MB"), (100_000, "400MB"), (300_000, "400MB"), (300_000, "2GB"), (10**6, "2GB"))
"""Side in pixels and limit on the memory of each scene of `plan`. The first one also imports what a plan needs."""

POINTS = 60
"""Maximum number of points of a curve."""


def main() -> None:
    """Run one measurement and write benchmarks/results/label-NAME.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("sparse", "dense", "plan", "kills", "tiles", "workers"))
    parser.add_argument("--side", type=int)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        found = {
            "kills": lambda: kills(folder, options.side or 1500, options.times),
            "plan": lambda: plan(folder),
            "tiles": lambda: tiles(folder, options.side or 2000),
            "workers": lambda: workers(folder, options.side or 3000),
            "sparse": lambda: large(folder, options.side or 60_000, 40),
            "dense": lambda: large(folder, options.side or 20_000, None),
        }[options.what]()
        print({name: value for name, value in found.items() if name != "curve"}, write(f"label-{options.what}", found))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def large(folder: Path, side: int, islands: int | None) -> dict[str, Any]:
    """Label one scene, with its confidence."""
    model = convolutional((8,), tile=512)
    scene = write_scene(folder / "scene.tif", side, islands)
    print("written", flush=True)
    with anonymous_memory() as curve:
        report = latentclust.label(model, scene, folder / "out", confidence=True)
    [found] = report.scenes
    assert found.status == "done", found.reason
    step = max(1, len(curve) // POINTS)
    return {
        "model": "one 3x3 convolution of 8 channels and a 1x1 head, K = 6, float32",
        "side": side,
        "islands": islands,
        "seconds": found.seconds,
        "finishing seconds": found.finishing,
        "pixels labelled": found.pixels,
        "nodata": found.nodata,
        "scene megapixels/s": side * side / 1e6 / found.seconds,
        "anonymous MB at most": max(megabytes for _, megabytes in curve),
        "curve": curve[::step],
    }


def plan(folder: Path) -> dict[str, Any]:
    """Plan scenes of growing size under a limit on memory."""
    model, found = convolutional((8,), tile=64), []
    for side, limit in PLANNED:
        scene = write_scene(folder / f"{side}.tif", side, 0, block=16384)
        began = time.monotonic()
        tracemalloc.start()
        report = latentclust.label(model, scene, folder / "out", max_memory=limit, dry_run=True)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        [outcome] = report.scenes
        row = {"side": side, "file bytes": scene.stat().st_size, "limit": limit, "windows": report.windows}
        told = outcome.reason or report.note.rpartition("; ")[2]
        found.append({**row, "seconds": time.monotonic() - began, "peak MB": peak / 1e6, "told": told})
    return {"model": "one 3x3 convolution of 8 channels and a 1x1 head, K = 6, windows of 72", "scenes": found[1:]}


def kills(folder: Path, side: int, times: int) -> dict[str, Any]:
    """Label three scenes, and kill the run at random moments the given number of times."""
    model = folder / "model.safetensors"
    save_model(model, convolutional((16, 16)))
    (folder / "in").mkdir()
    for number in range(3):
        write_scene(folder / "in" / f"{number}.tif", side + 100 * number)
    run = [
        sys.executable,
        "-c",
        "from latentclust.cli.main import main; main()",
        "label",
        str(model),
        str(folder / "in"),
    ]
    run += ["--confidence", "--device", "cpu", "--out"]
    began = time.monotonic()
    subprocess.run([*run, str(folder / "whole")], check=True, capture_output=True)
    whole = time.monotonic() - began
    moments, rng, done = [], random.Random(0), 0
    while done < times:
        process = subprocess.Popen([*run, str(folder / "killed")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        moment = rng.uniform(0.2, 1.0) * whole
        time.sleep(moment)
        if process.poll() is not None:  # it finished first: start again, so that there is a process to kill
            shutil.rmtree(folder / "killed")
            continue
        process.kill()
        process.wait()
        moments.append(round(moment, 2))
        done += 1
    subprocess.run([*run, str(folder / "killed")], check=True, capture_output=True)
    same = contents(folder / "killed") == contents(folder / "whole")
    assert same, "a resumed run differs from one that was not stopped"
    return {"side": side, "kills": done, "seconds of a whole run": whole, "moments": moments, "identical": same}


def tiles(folder: Path, side: int) -> dict[str, Any]:
    """Return the fraction of pixels with the same label as in one pass over the whole scene."""
    model = convolutional((16, 16, 16, 16))
    scene = write_scene(folder / "scene.tif", side)
    with rasterio.open(scene) as file:
        whole = model.predict(file.read()[np.newaxis]).labels[0].numpy() + 1
        west, south, east, north = file.bounds
    across, up = (west + east) / 2, (south + north) / 2
    same = {}
    for tile in (128, 256, 512, 1000):
        latentclust.label(model, scene, folder / str(tile), tile=tile)
        same[f"tile {tile}"] = float(np.mean(read(folder / str(tile)) == whole))
    half = side // 2
    halves = {
        "west": ((west, south, across, north), np.s_[:, :half]),
        "east": ((across, south, east, north), np.s_[:, half:]),
        "north": ((west, up, east, north), np.s_[:half]),
        "south": ((west, south, east, up), np.s_[half:]),
    }
    for name, (box, part) in halves.items():
        latentclust.label(model, scene, folder / name, tile=256, bbox=box)
        same[f"{name} half, beside tile 256"] = float(np.mean(read(folder / name) == read(folder / "256")[part]))
    facts = {"side": side, "model": "four 3x3 convolutions of 16 channels, K = 6"}
    shares = (np.bincount(whole.ravel())[1:] / whole.size).round(3).tolist()
    return {**facts, "shares of clusters": shares, "share of equal labels": same}


def read(folder: Path) -> NDArray[np.uint8]:
    """Return the label raster in a folder."""
    with rasterio.open(folder / "scene.tif") as file:
        found: NDArray[np.uint8] = file.read(1)
    return found


def workers(folder: Path, side: int) -> dict[str, Any]:
    """Return the seconds, and whether all bytes are equal."""
    model = convolutional((16, 16, 16, 16))
    scenes = [write_scene(folder / f"{size}.tif", size) for size in (side, side // 5)]
    seconds = {}
    for count in (None, 1, 2, 4):
        began = time.monotonic()
        latentclust.label(model, scenes, folder / f"by-{count}", confidence=True, workers=count)
        seconds[str(count or "this process")] = round(time.monotonic() - began, 1)
        assert contents(folder / f"by-{count}") == contents(folder / "by-None"), f"{count} workers differ"
    return {"side": side, "seconds": seconds, "identical": True}


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file except the run log, including temporary ones."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "labelling.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


if __name__ == "__main__":
    main()
