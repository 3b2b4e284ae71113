"""`latentclust label` of two commits: `python benchmarks/label_commits.py OLD NEW [--side 768] [--repeats 3]`.

OLD and NEW are source trees. Both read the same model file and the same scene, which scenes_for_label.py of OLD makes,
and run alternately, each run in a process of its own. OLD and NEW take turns in running first. The first pair warms up
the file cache and does not count. On a shared machine CPU seconds and memory are the figures to compare.

"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from provenance import write

POLL_SECONDS = 0.05

MAKE = """
import sys
from pathlib import Path
sys.path.insert(0, "benchmarks")
from scenes_for_label import convolutional, write_scene
try:
    from latentclust.model.model import save_model
except ImportError:  # trees of 0.1.0 before packages
    from latentclust.model import save_model
folder, side, layers, channels, tile = Path(sys.argv[1]), *map(int, sys.argv[2:])
save_model(folder / "model.safetensors", convolutional((channels,) * layers, tile=tile))
write_scene(folder / "scene.tif", side)
"""


def main() -> None:
    """Run both trees alternately and write benchmarks/results/label-engine.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--commits", nargs=2, default=["", ""], help="names of the two commits")
    for name, default in (("side", 768), ("tile", 256), ("batch", 8), ("layers", 3), ("channels", 16)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    trees = {"old": options.old.resolve(), "new": options.new.resolve()}
    rows: dict[str, list[dict[str, float]]] = {"old": [], "new": []}
    labels: dict[str, set[str]] = {"old": set(), "new": set()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = [str(options.side), str(options.layers), str(options.channels), str(options.tile)]
        make = [sys.executable, "-c", MAKE, name, *sizes]
        subprocess.run(make, check=True, cwd=trees["old"], env=environment(trees["old"]))
        for repeat in range(options.repeats + 1):
            for tree in ("old", "new") if repeat % 2 else ("new", "old"):
                out = folder / f"{tree}-{repeat}"
                row = labelled(trees[tree], folder, out, options)
                labels[tree].add(sha256((out / "scene.tif").read_bytes()).hexdigest())
                print(repeat, tree, {key: round(value, 3) for key, value in row.items()}, flush=True)
                if repeat:
                    rows[tree].append(row)
    medians = {
        tree: {key: round(statistics.median(row[key] for row in found), 4) for key in found[0]}
        for tree, found in rows.items()
    }
    findings = {
        "commits": dict(zip(("old", "new"), options.commits, strict=True)),
        "sizes": {key: getattr(options, key) for key in ("side", "tile", "batch", "layers", "channels")},
        "medians": medians,
        "new / old": {key: round(medians["new"][key] / medians["old"][key], 4) for key in medians["old"]},
        "same label raster, byte for byte": labels["old"] == labels["new"],
        "runs": rows,
    }
    sizes_given = " ".join(f"--{key} {getattr(options, key)}" for key in ("side", "tile", "layers", "channels"))
    command = f"python benchmarks/label_commits.py OLD NEW {sizes_given} --repeats {options.repeats}"
    print(json.dumps({key: value for key, value in findings.items() if key != "runs"}, indent=2))
    print(write("label-engine", findings, command))


def environment(root: Path) -> dict[str, str]:
    """Return an environment in which the package is that of a tree, on one thread."""
    return {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


def labelled(root: Path, folder: Path, out: Path, options: argparse.Namespace) -> dict[str, float]:
    """Label the scene once. Return speed, CPU time and memory."""
    words = ["label", "model.safetensors", "scene.tif", "--out", str(out), "--device", "cpu", "--json"]
    words += ["--tile", str(options.tile), "--batch", str(options.batch), "--confidence"]
    printed = folder / "printed.json"
    start = time.perf_counter()
    with printed.open("w") as file:
        command = [sys.executable, "-m", "latentclust", *words]
        process = subprocess.Popen(command, cwd=folder, env=environment(root), stdout=file, stderr=subprocess.DEVNULL)
        anonymous = 0.0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            anonymous = max(anonymous, anonymous_megabytes(process.pid))
            time.sleep(POLL_SECONDS)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(printed.read_text())
    report = json.loads(printed.read_text())
    (scene,) = report["scenes"]
    return {
        "window megapixels/s": report["windows"] * options.tile**2 / 1e6 / (scene["seconds"] - scene["finishing"]),
        "process s": time.perf_counter() - start,
        "CPU s": usage.ru_utime + usage.ru_stime,
        "peak resident MB": usage.ru_maxrss / 1000,
        "peak anonymous MB": anonymous,
    }


def anonymous_megabytes(pid: int) -> float:
    """Return the anonymous resident memory of a process in megabytes."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("RssAnon")), 0.0)


if __name__ == "__main__":
    main()
