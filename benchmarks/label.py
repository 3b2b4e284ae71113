"""Measure the speed of labelling: `python benchmarks/label.py [--side 2048] [--tile 256] [--batch 8] [--device cpu]`.

In one run, repeated and taken in turn: the bare network on windows that lie in memory, `latentclust label`, and a plain
script that reads, infers and writes one after the other. The result is the ratio of window pixels per second: pixels
that the network read, with overlaps counted as often as they are read. The time for writing Cloud-Optimized GeoTIFFs is
measured separately.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from provenance import write
from rasterio.windows import Window
from scenes_for_label import convolutional, write_scene

import latentclust
from latentclust.infer.posteriors import posterior_of
from latentclust.labelling.windows.grid import Grid, make_grid
from latentclust.model.model import ClusteringModel
from latentclust.tensors import Images
from latentclust.train.precision import Precision


def main() -> None:
    """Time all three and write benchmarks/results/label.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--tile", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="auto")
    options = parser.parse_args()
    model = convolutional((options.channels,) * options.layers, tile=options.tile, device=options.device)
    precision = Precision(options.precision, model.device)
    grid = make_grid(model, options.tile, None, "hann")
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        scene = write_scene(Path(folder) / "scene.tif", options.side)
        reading = read_only(scene, grid)
        for repeat in range(options.repeats + 1):  # the first warms up
            row = {
                "bare": bare(model, precision, options.tile, options.batch),
                **labelled(model, scene, Path(folder) / str(repeat), options),
                "plain": plain(model, precision, scene, grid, options.batch, Path(folder) / f"plain-{repeat}.tif"),
            }
            rows.append(
                {**row, "label / bare": row["label"] / row["bare"], "label / plain": row["label"] / row["plain"]}
            )
            print(repeat, {name: round(value, 3) for name, value in rows[-1].items()}, flush=True)
    medians = {name: statistics.median(row[name] for row in rows[1:]) for name in rows[0]}
    findings: dict[str, Any] = {
        "what": "window megapixels/s; finishing in seconds, for the whole scene",
        "options": vars(options),
        "reading alone": reading,
        "windows": {"tile": grid.tile, "overlap": grid.overlap, "radius": grid.radius},
        "medians": medians,
        "runs": rows[1:],
    }
    print(medians, write(f"label-{model.device.type}", findings))


def windows_of(grid: Grid, side: int) -> list[tuple[Any, Any]]:
    """Return the rows and columns of every window."""
    return [(row, column) for row in grid.rows(side) for column in grid.columns(side)]


def read_only(scene: Path, grid: Grid) -> float:
    """Return the megapixels/s of reading every window without using it."""
    began, pixels = time.perf_counter(), 0
    with rasterio.open(scene) as file:
        for row, column in windows_of(grid, file.height):
            pixels += file.read(
                window=Window(column.start, row.start, column.stop - column.start, row.stop - row.start)
            )[0].size
    return pixels / 1e6 / (time.perf_counter() - began)


def bare(model: ClusteringModel, precision: Precision, tile: int, batch: int, rounds: int = 6) -> float:
    """Return the megapixels/s of the network alone."""
    images = Images(torch.rand(batch, 3, tile, tile, device=model.device))
    rng = torch.Generator(model.device)
    began = time.perf_counter()
    for _ in range(rounds):
        with precision.forward():
            posterior_of(model.inference, model.model, images, model.state, rng, model.stride)
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    return rounds * batch * tile * tile / 1e6 / (time.perf_counter() - began)


def labelled(model: ClusteringModel, scene: Path, out: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return the megapixels/s of `latentclust label` up to the last strip, and the seconds after it."""
    watch = {"tile": options.tile, "batch": options.batch, "precision": options.precision}
    report = latentclust.label(model, scene, out, **watch)
    [found] = report.scenes
    pixels = report.windows * options.tile**2
    return {"label": pixels / 1e6 / (found.seconds - found.finishing), "finishing": found.finishing}


def plain(model: ClusteringModel, precision: Precision, scene: Path, grid: Grid, batch: int, out: Path) -> float:
    """Return the megapixels/s of a loop over the same windows: read a batch, infer, write the centres."""
    began, pixels = time.perf_counter(), 0
    rng = torch.Generator(model.device)
    with rasterio.open(scene) as file:
        profile = {**file.profile, "count": 1}
        windows = windows_of(grid, file.height)
        with rasterio.open(out, "w", **profile) as target:
            for start in range(0, len(windows), batch):
                part = windows[start : start + batch]
                read = [file.read(window=Window.from_slices((r.start, r.stop), (c.start, c.stop))) for r, c in part]
                images = Images(torch.from_numpy(np.stack(read)).to(model.device).float() / 255)
                with precision.forward():
                    found = posterior_of(model.inference, model.model, images, model.state, rng, model.stride)
                labels = (found.labels + 1).to(torch.uint8).cpu().numpy()
                for (row, column), label in zip(part, labels, strict=True):
                    kept = label[row.kept, column.kept]
                    target.write(kept, 1, window=Window.from_slices((row.first, row.last), (column.first, column.last)))
                pixels += labels.size
    return pixels / 1e6 / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
