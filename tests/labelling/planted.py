"""A planted model of label maps with a finite view, and small rasters to be labelled."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from numpy.typing import NDArray
from rasterio.transform import Affine
from torch import nn

from latentclust.assemble.build import build_networks
from latentclust.assemble.resolve import resolve
from latentclust.data.rasters import BandReading
from latentclust.model.model import ClusteringModel
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe

CLUSTERS = 4
TRANSFORM = Affine(10.0, 0.0, 500000 + 1 / 3, 0.0, -10.0, 4000000 + 1 / 7)


def planted_model(strides: tuple[int, ...] = (1, 1), clusters: int = CLUSTERS, tile: int = 64) -> ClusteringModel:
    """Random 3x3 convolutions, whose clusters are evened out on noise; each stride-1 layer sees one pixel further."""
    tables = {
        "schema": 1,
        "name": "planted",
        "extends": "iic-pixel@1",
        "data": {"use": "raster", "path": "nowhere.tif", "window": tile},
        "prior": {"use": "categorical-map", "clusters": clusters, "style_dim": 0, "style_stride": 1},
        "networks": {
            "trunk": {
                "use": "map-conv",
                "channels": [8] * len(strides),
                "strides": list(strides),
                "dilations": [1] * len(strides),
                "norm": "none",
            },
        },
    }
    registry = installed()
    resolved = resolve(load_recipe(tables, registry), registry)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        networks = build_networks(resolved, (3, tile, tile))
        noise = torch.rand(8, 3, tile, tile)
    _even_out(networks, noise)
    reading = BandReading((1, 2, 3), (), (3,), ("uint8",))
    return ClusteringModel(resolved, (3, tile, tile), networks, {"head": torch.tensor(0)}, bands=reading)


@torch.no_grad()
def _even_out(networks: Mapping[str, nn.Module], noise: torch.Tensor) -> None:
    """Standardises the logits over noise, so that no cluster takes all."""
    head: Any = networks["heads"].head  # type: ignore[union-attr]
    logits = head(networks["trunk"](noise))
    spread = logits.std(dim=(0, 2, 3))
    head.weight /= spread[:, None, None, None] / 3
    head.bias.copy_((head.bias - logits.mean(dim=(0, 2, 3))) / spread * 3)


def noise_scene(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Blobs a few pixels wide, `(3, h, w)`; never 0."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(1, 256, (3, -(-height // 3), -(-width // 3)), np.uint8)
    return coarse.repeat(3, axis=1).repeat(3, axis=2)[:, :height, :width]


def write_scene(path: Path, values: NDArray[Any], **profile: Any) -> Path:
    """A GeoTIFF of values `(c, h, w)`, in UTM unless said otherwise."""
    count, height, width = values.shape
    settings = {"driver": "GTiff", "crs": "EPSG:32613", "transform": TRANSFORM, **profile}
    shape = {"count": count, "height": height, "width": width, "dtype": values.dtype}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **{k: v for k, v in settings.items() if v is not None}, **shape) as file:
        file.write(values)
    return path


def read_band(path: Path) -> NDArray[Any]:
    """The one band of a raster."""
    with rasterio.open(path) as file:
        band: NDArray[Any] = file.read(1)
    return band
