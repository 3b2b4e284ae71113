"""A convolutional model of label maps with random weights, and large scenes, for benchmarks of `latentclust label`."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from rasterio.transform import from_origin
from rasterio.windows import Window

from latentclust.assemble.build import build_networks
from latentclust.assemble.resolve import resolve
from latentclust.data.rasters import BandReading
from latentclust.model.model import ClusteringModel
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe

BLOCK = 512
POLL_SECONDS = 0.2


def convolutional(
    channels: tuple[int, ...], clusters: int = 6, tile: int = 256, device: str = "cpu"
) -> ClusteringModel:
    """3x3 convolutions of stride 1 and a 1x1 head; three bands of bytes."""
    layers = len(channels)
    body = {"use": "map-conv", "channels": list(channels), "strides": [1] * layers, "dilations": [1] * layers}
    tables = {
        "schema": 1,
        "name": "convolutional",
        "extends": "iic-pixel@1",
        "data": {"use": "raster", "path": "nowhere.tif", "window": tile},
        "prior": {"use": "categorical-map", "clusters": clusters, "style_dim": 0, "style_stride": 1},
        "networks": {"trunk": {**body, "norm": "none"}},
    }
    registry = installed()
    resolved = resolve(load_recipe(tables, registry), registry)
    torch.manual_seed(0)
    networks = build_networks(resolved, (3, tile, tile))
    _even_out(networks)
    for network in networks.values():
        network.to(device)
    state = {"head": torch.tensor(0, device=device)}
    bands = BandReading((1, 2, 3), (), (3,), ("uint8",))
    return ClusteringModel(resolved, (3, tile, tile), networks, state, torch.device(device), bands=bands)


@torch.no_grad()
def _even_out(networks: dict[str, Any]) -> None:
    """Standardise the logits over noise, so that every cluster occurs."""
    head = networks["heads"].head
    logits = head(networks["trunk"](torch.rand(4, 3, 64, 64)))
    spread = logits.std(dim=(0, 2, 3))
    head.weight /= spread[:, None, None, None] / 3
    head.bias.copy_((head.bias - logits.mean(dim=(0, 2, 3))) / spread * 3)


def write_scene(path: Path, side: int, islands: int | None = None, block: int = BLOCK) -> Path:
    """Write a tiled, compressed raster of blobs with three uint8 bands. Only `islands` blocks are valid, if given."""
    rng = np.random.default_rng(0)
    layout: dict[str, Any] = {
        "tiled": True,
        "blockxsize": block,
        "blockysize": block,
        "compress": "zstd",
        "SPARSE_OK": True,
    }
    shape: dict[str, Any] = {"height": side, "width": side, "count": 3, "dtype": "uint8", "nodata": 0}
    place = {"crs": "EPSG:32613", "transform": from_origin(5e5, 4e6, 10, 10)}
    blocks = (
        [(row, column) for row in range(0, side, BLOCK) for column in range(0, side, BLOCK)] if islands != 0 else []
    )
    chosen = blocks if islands is None else [blocks[index] for index in rng.choice(len(blocks), islands, replace=False)]
    with rasterio.open(path, "w", driver="GTiff", BIGTIFF="YES", **layout, **shape, **place) as file:
        for row, column in chosen:
            window = Window(column, row, min(BLOCK, side - column), min(BLOCK, side - row))
            coarse = rng.integers(1, 256, (3, BLOCK // 8, BLOCK // 8), np.uint8).repeat(8, 1).repeat(8, 2)
            noisy = np.clip(coarse.astype(np.int16) + rng.integers(-12, 13, coarse.shape, np.int16), 1, 255)
            file.write(noisy.astype(np.uint8)[:, : window.height, : window.width], window=window)
    return path


@contextmanager
def anonymous_memory() -> Iterator[list[tuple[float, float]]]:
    """Record the seconds and the anonymous resident memory of this process in MB while the block runs."""
    curve: list[tuple[float, float]] = []
    ended, began = threading.Event(), time.monotonic()

    def watch() -> None:
        while not ended.wait(POLL_SECONDS):
            lines = Path("/proc/self/status").read_text().splitlines()
            kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
            curve.append((round(time.monotonic() - began, 1), kilobytes / 1000))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield curve
    finally:
        ended.set()
        thread.join()
