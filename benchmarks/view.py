"""Measure `latentclust view` beside bare rio-tiler: `python benchmarks/view.py [--side 10000] [--pans 8] [--record]`.

Writes a scene of four bands and its labels as Cloud-Optimized GeoTIFFs, starts the command, and requests what the page
requests, six at a time as browsers do: first page, facts, legends and the tiles of the whole scene, then the new tiles
after each pan at full resolution. The same tiles are then made by rio-tiler alone, which opens the files for each tile,
in as many threads. Prints JSON; --record also writes it to benchmarks/results/view.json.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import rasterio
from rasterio.shutil import copy
from rasterio.windows import Window
from rio_tiler.io import Reader

from latentclust.labelling.label_report import SceneResult
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import write_sidecars
from latentclust.labelling.run_log import RunLogFile
from latentclust.model.stored_names import StoredNames

CONNECTIONS = 6
"""Number of connections that a browser opens to a server."""

TILE = 512
VIEW = (912, 860)
"""Width and height in pixels of the map in a window of 1280 x 900."""

CLUSTERS, BLOCK = 8, 1000

Tile = tuple[int, int, int]


def main() -> None:
    """Time both and print the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--pans", type=int, default=8)
    parser.add_argument("--folder", type=Path, help="keep the rasters here, and use them again")
    parser.add_argument("--record", action="store_true", help="write benchmarks/results/view.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        scene, labels = write_rasters(folder, options.side)
        with server(labels.parent) as (url, seconds):
            findings = {"side": options.side, "start_seconds": seconds, **measure(url, scene, labels, options.pans)}
    # Other processes slow both: more running processes than cores make the figures upper bounds.
    findings |= {"cores": os.cpu_count(), "load_average": os.getloadavg()[0]}
    print(json.dumps(findings, indent=2))
    if options.record:
        from provenance import write

        write("view", findings)


def measure(url: str, scene: Path, labels: Path, pans: int) -> dict[str, Any]:
    """Return the times of the first view and of pans, of the viewer and of bare rio-tiler."""
    with httpx.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(CONNECTIONS) as pool:
        start = time.perf_counter()
        client.get("").raise_for_status()
        facts = client.get("api/scenes/0").raise_for_status().json()
        client.get("api/scenes/0/legends").raise_for_status()
        bounds = facts["layers"]["scene"]["bounds"]
        first = tiles_of_view(centre(bounds), fitting_zoom(bounds))
        queries = {"scene": f"bands={','.join(map(str, facts['shown']))}", "labels": ""}

        def viewer(kind: str, tile: Tile) -> None:
            client.get(f"tiles/0/{kind}/{tile[0]}/{tile[1]}/{tile[2]}?{queries[kind]}").raise_for_status()

        list(pool.map(lambda each: viewer(*each), both(first)))
        whole = time.perf_counter() - start
        ranges = [(band["low"], band["high"]) for band in facts["bands"] if band["number"] in facts["shown"]]
        plain = bare(scene, labels, facts["shown"], ranges)
        start = time.perf_counter()
        list(pool.map(lambda each: plain(*each), both(first)))
        bare_whole = time.perf_counter() - start
        steps = list(pan_tiles(bounds, fitting_zoom(bounds), pans))
        ours, theirs = ([each for step in steps for each in timed(pool, do, step)] for do in (viewer, plain))
    return {
        "first_view_tiles": 2 * len(first),
        "first_map_seconds": whole,
        "bare_rio_tiler_first_tiles_seconds": bare_whole,
        "pan_tiles": len(ours),
        "pan_tile_median_seconds": statistics.median(ours),
        "bare_rio_tiler_pan_tile_median_seconds": statistics.median(theirs),
        "pan_tile_largest_seconds": max(ours),
    }


def both(tiles: list[Tile]) -> list[tuple[str, Tile]]:
    """Return each tile of the scene and of the labels."""
    return [(kind, tile) for tile in tiles for kind in ("scene", "labels")]


def timed(pool: ThreadPoolExecutor, do: Callable[[str, Tile], None], tiles: list[Tile]) -> list[float]:
    """Return the seconds that each tile takes from its request, of as many at a time as there are threads."""

    def once(each: tuple[str, Tile]) -> float:
        start = time.perf_counter()
        do(*each)
        return time.perf_counter() - start

    return list(pool.map(once, both(tiles)))


def bare(scene: Path, labels: Path, bands: list[int], ranges: list[tuple[float, float]]) -> Callable[[str, Tile], None]:
    """Return a function that makes a tile with rio-tiler alone."""

    def draw(kind: str, tile: Tile) -> None:
        zoom, x, y = tile
        with Reader(str(scene if kind == "scene" else labels)) as file:
            indexes = bands if kind == "scene" else [1]
            image = file.tile(x, y, zoom, tilesize=TILE, indexes=indexes)
            if kind == "scene":
                image.rescale(in_range=ranges)
            image.render(img_format="PNG", colormap=None if kind == "scene" else file.colormap)

    return draw


def centre(bounds: list[float]) -> tuple[float, float]:
    """Return the middle of bounds in degrees as shares of the world, from the left and from the top."""
    west, south, east, north = bounds
    return ((west + east) / 2 + 180) / 360, (_down(south) + _down(north)) / 2


def _down(latitude: float) -> float:
    return (1 - math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2)) / math.pi) / 2


def fitting_zoom(bounds: list[float]) -> int:
    """Return the zoom level of the tiles when the whole scene is shown."""
    west, south, east, north = bounds
    span = max((east - west) / 360 / VIEW[0], (_down(south) - _down(north)) / VIEW[1])
    return round(math.log2(1 / (span * TILE)))


def tiles_of_view(middle: tuple[float, float], zoom: int, right: float = 0, down: float = 0) -> list[Tile]:
    """Return the tiles in a view around a place, moved by a number of pixels."""
    across, along = (share * 2**zoom * TILE + moved for share, moved in zip(middle, (right, down), strict=True))
    columns = range(int((across - VIEW[0] / 2) // TILE), int((across + VIEW[0] / 2) // TILE) + 1)
    rows = range(int((along - VIEW[1] / 2) // TILE), int((along + VIEW[1] / 2) // TILE) + 1)
    return [(zoom, x, y) for y in rows for x in columns]


def pan_tiles(bounds: list[float], zoom: int, pans: int) -> Iterator[list[Tile]]:
    """Yield the tiles that each pan by half a view adds, at about full resolution."""
    fine, seen = zoom + 3, set[Tile]()
    for step in range(pans):
        right, down = ((step - pans / 2) * side / 2 for side in VIEW)
        wanted = tiles_of_view(centre(bounds), fine, right, down)
        yield [tile for tile in wanted if tile not in seen]
        seen.update(wanted)


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, float]]:
    """Run `latentclust view` on a folder, and yield its address and the seconds until it answers."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "latentclust", "view", str(folder), "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), time.perf_counter() - start
        finally:
            process.terminate()


def write_rasters(folder: Path, side: int) -> tuple[Path, Path]:
    """Write a scene and its labels, unless they exist. Return both paths."""
    scene, labels = folder / f"scene-{side}.tif", folder / "labels" / "scene.tif"
    labels.parent.mkdir(parents=True, exist_ok=True)
    if labels.exists() and scene.exists():
        return scene, labels
    rng = np.random.default_rng(0)
    coarse = rng.normal(size=(4, BLOCK // 20, BLOCK // 20)).repeat(20, axis=1).repeat(20, axis=2)
    block = (1000 + 300 * coarse + 40 * rng.normal(size=coarse.shape)).clip(1, 5000).astype(np.uint16)
    clusters = (1 + (coarse[0] > 0) * 4 + (coarse[1] > 0) * 2 + (coarse[2] > 0)).astype(np.uint8)[None]
    legend = Legend.from_clusters(StoredNames(CLUSTERS, {}, {}, ""))
    _write_cog(scene, block, side, "AVERAGE", None)
    _write_cog(labels, clusters, side, "MODE", legend)
    write_sidecars(labels, legend)
    result = SceneResult(str(scene), labels.name, "done", files={labels.name: labels.stat().st_size})
    RunLogFile(format=1, model="0" * 64, options={}, scenes=[result]).write(labels.parent)
    return scene, labels


def _write_cog(path: Path, block: np.ndarray, side: int, overviews: str, legend: Legend | None) -> None:
    """Write a raster that repeats a block `(c, h, w)`."""
    draft = path.with_suffix(".draft.tif")
    # rasterio's from_origin warns with affine 3.
    place = {"crs": "EPSG:32613", "transform": rasterio.Affine(10, 0, 450_000, 0, -10, 4_500_000)}
    profile = {"height": side, "width": side, "count": len(block), "dtype": block.dtype.name, "nodata": 0, **place}
    with rasterio.open(draft, "w", driver="GTiff", tiled=True, BIGTIFF="IF_SAFER", **profile) as file:
        if legend:
            file.write_colormap(1, legend.palette)
        for top in range(0, side, BLOCK):
            for left in range(0, side, BLOCK):
                high, wide = min(BLOCK, side - top), min(BLOCK, side - left)
                file.write(block[:, :high, :wide], window=Window(left, top, wide, high))
    copy(draft, path, driver="COG", COMPRESS="DEFLATE", LEVEL=1, OVERVIEW_RESAMPLING=overviews, NUM_THREADS="ALL_CPUS")
    draft.unlink()


if __name__ == "__main__":
    main()
