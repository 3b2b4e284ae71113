"""Data of `rehearsals.py`: the real crop as a folder of tiles, and generated scenes in the layout of the ISPRS."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter, zoom

from latentclust.bundled.datasets.potsdam import Potsdam

CROP, CROP_LABELS = Path("isprs_potsdam/full_512.png"), Path("isprs_potsdam/full_512_label.png")

SIDE = 6000
"""Side of a scene of Potsdam in pixels."""

COLUMNS = {2: (10, 14), 3: (10, 14), 4: (10, 15), 5: (10, 15), 6: (7, 15), 7: (7, 13)}
"""First and last column of each row of the mosaic: 38 scenes."""

PALETTE = np.array(
    [[255, 255, 255], [0, 0, 255], [0, 255, 255], [0, 255, 0], [255, 255, 0], [255, 0, 0]],
    np.uint8,
)
"""Colours of the classes: impervious surface, building, low vegetation, tree, car, clutter."""

SPECTRA = np.array(
    [
        [95, 100, 105, 85],
        [150, 95, 80, 95],
        [85, 100, 75, 130],
        [55, 70, 55, 115],
        [120, 60, 70, 70],
        [110, 100, 85, 90],
    ],
    np.float32,
)
"""Mean of red, green, blue and infrared of the classes."""

ROUGHNESS = np.array([6, 10, 8, 18, 25, 20], np.float32)
"""Standard deviation of the pixels of a class, the same in all bands."""

CLASS_BIAS = np.array([0.5, 0.4, 0.3, 0.2, -1.2, -0.8], np.float32)
"""Larger values give a class a larger share."""

STRIP = 400
"""Rows that are drawn and written at once."""

CELL = 20
"""Side in pixels of the cells in which the classes of generated scenes are drawn."""


def write_crop(root: Path, folder: Path, protocol: str) -> tuple[str, ...]:
    """Write the real crop as a folder of one image and one mask with the classes of a protocol.

    Args:
        root: Data folder that has `isprs_potsdam/`.
        folder: Folder to write: `images/crop.png` and `masks/crop.png`, 255 for pixels without a class.
        protocol: `iic-potsdam3` or `iic-potsdam6`.

    Returns:
        Names of the classes that occur, in the order of the indices.
    """
    names = Potsdam(protocol=protocol).class_names
    six = np.array(Image.open(root / CROP_LABELS)).astype(np.int64) - 1  # 0 is ignored there
    merged = np.where(six < 0, -1, six if protocol == "iic-potsdam6" else np.array([0, 1, 2, 2, 0, 1])[six])
    present = np.unique(merged[merged >= 0])
    mask = np.full(merged.shape, 255, np.uint8)
    for place, label in enumerate(present):
        mask[merged == label] = place
    for part, array in (("images", np.array(Image.open(root / CROP))), ("masks", mask)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(folder / part / "crop.png")
    return tuple(names[label] for label in present)


def scene_names() -> tuple[str, ...]:
    """Return the names of the 38 scenes, such as `2_10`."""
    return tuple(f"{row}_{column}" for row, (first, last) in COLUMNS.items() for column in range(first, last + 1))


def write_scenes(folder: Path, count: int, side: int, seed: int = 0) -> None:
    """Write generated scenes of RGBIR and label rasters in colours, uncompressed and in strips, as delivered."""
    for number, name in enumerate(scene_names()[:count]):
        rng = np.random.default_rng((seed, number))
        cells = _classes(rng, -(-side // CELL))
        profile = {"driver": "GTiff", "dtype": "uint8", "height": side, "width": side, "crs": "EPSG:32633"}
        profile["transform"] = rasterio.Affine(0.05, 0, 366_000 + number * 300, 0, -0.05, 5_807_000)
        image, labels = folder / "4_Ortho_RGBIR", folder / "5_Labels_all"
        image.mkdir(parents=True, exist_ok=True)
        labels.mkdir(parents=True, exist_ok=True)
        with (
            rasterio.open(image / f"top_potsdam_{name}_RGBIR.tif", "w", count=4, **profile) as seen,
            rasterio.open(labels / f"top_potsdam_{name}_label.tif", "w", count=3, **profile) as known,
        ):
            for window, classes in _strips(cells, side):
                noise = rng.standard_normal(classes.shape, np.float32) * ROUGHNESS[classes]
                for band in range(4):
                    values = (SPECTRA[:, band][classes] + noise).clip(0, 255).astype(np.uint8)
                    seen.write(values, band + 1, window=window)
                known.write(PALETTE[classes].transpose(2, 0, 1), window=window)


def _classes(rng: np.random.Generator, cells: int) -> NDArray[np.int64]:
    """Return a map of classes with connected regions, one of each cell."""
    coarse = -(-cells // 4)
    fields = rng.standard_normal((len(SPECTRA), coarse, coarse)).astype(np.float32)
    smooth = np.stack([gaussian_filter(field, 1.0) for field in fields])
    smooth = smooth / smooth.std() + CLASS_BIAS[:, None, None]
    return np.stack([zoom(field, 4, order=1) for field in smooth]).argmax(axis=0)[:cells, :cells]


def _strips(cells: NDArray[np.int64], side: int) -> Iterator[tuple[Window, NDArray[np.int64]]]:
    """Yield windows of whole rows with their classes."""
    for top in range(0, side, STRIP):
        height = min(STRIP, side - top)
        rows = cells[np.arange(top, top + height) // CELL]
        yield Window(0, top, side, height), rows[:, np.arange(side) // CELL]
