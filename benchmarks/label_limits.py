"""Scenes far larger than memory, and runs that are killed: `python benchmarks/label_limits.py sparse|dense|kills`.

sparse: 60,000 x 60,000 pixels, all but a few islands no data; dense: 20,000 x 20,000 labelled in full; both tell the
curve of anonymous resident memory. kills: a run that is killed at random moments and taken up again, compared byte by
byte with one that was not.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from provenance import write
from scenes_for_label import anonymous_memory, convolutional, write_scene

import latentclust
from latentclust.model import save_model

POINTS = 60
"""Of a curve, at most."""


def main() -> None:
    """Runs one of them and writes benchmarks/results/label-NAME.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("sparse", "dense", "kills"))
    parser.add_argument("--side", type=int)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        if options.what == "kills":
            found = kills(folder, options.side or 1500, options.times)
        else:
            side = options.side or (60_000 if options.what == "sparse" else 20_000)
            found = large(folder, side, 40 if options.what == "sparse" else None)
        print({name: value for name, value in found.items() if name != "curve"}, write(f"label-{options.what}", found))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def large(folder: Path, side: int, islands: int | None) -> dict[str, Any]:
    """Labels one scene, with its confidence."""
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


def kills(folder: Path, side: int, times: int) -> dict[str, Any]:
    """Labels three scenes, killed at random moments until so many kills have come."""
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
        if process.poll() is not None:  # it was faster: begin anew, so that there is something to be killed
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


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but the account, temporary ones too."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "labelling.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


if __name__ == "__main__":
    main()
