"""Scenes in the ISPRS layout for Potsdam, drawn, or of the real crop: this is all that a conversion to it takes."""

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

COLOURS = np.array(
    [[255, 255, 255], [0, 0, 255], [0, 255, 255], [0, 255, 0], [255, 255, 0], [255, 0, 0], [0, 0, 0]], np.uint8
)
"""White impervious, blue building, cyan low vegetation, green tree, yellow car, red clutter, and black for none."""


def write(path: Path, bands: NDArray[np.uint8]) -> Path:
    """A GeoTIFF of bands `(c, h, w)`, in strips, georeferenced as the ISPRS's are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    transform = rasterio.Affine(0.05, 0, 366_000, 0, -0.05, 5_807_000)
    profile = {"driver": "GTiff", "dtype": "uint8", "crs": "EPSG:32633", "transform": transform}
    with rasterio.open(path, "w", count=count, height=height, width=width, **profile) as file:
        file.write(bands)
    return path


def write_image(root: Path, name: str, image: NDArray[np.uint8]) -> Path:
    """A scene `(3 or 4, h, w)`."""
    kind = {3: "RGB", 4: "RGBIR"}[len(image)]
    folder = {3: "2_Ortho_RGB", 4: "4_Ortho_RGBIR"}[len(image)]
    return write(root / folder / f"top_potsdam_{name}_{kind}.tif", image)


def write_labels(root: Path, name: str, classes: NDArray[np.integer], folder: str = "5_Labels_all") -> Path:
    """Labels `(h, w)`: the six classes from 0, or 6 for none."""
    return write(root / folder / f"top_potsdam_{name}_label.tif", COLOURS[classes].transpose(2, 0, 1))


def drawn(seed: int, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """An RGBIR scene and its labels, pixel by pixel at random, void here and there."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (4, height, width), np.uint8), rng.integers(0, 7, (height, width))
