"""Label rasters of known and of random regions, as the functions under test read them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.vector.uncompressed import UncompressedRaster

SHAPES = {
    "rings": """
        1111111
        1222221
        1233321
        1230321
        1233321
        1222221
        1111111""",
    "spiral": """
        111111111
        000000001
        111111101
        100000101
        101110101
        101000101
        101111101
        100000001
        111111111""",
    "checkerboard": """
        1212121
        2121212
        1212121
        2121212""",
    "touching holes": """
        111111
        120111
        102111
        111201
        111021
        111111""",
    "touching itself": """
        0011100
        0110110
        1100011
        1012101
        1100111
        0111110""",
    "joined late": """
        1010101
        1010101
        1110111
        2222222
        1011101
        1110111""",
}


def drawn(name: str, kind: str = "uint8") -> NDArray[Any]:
    """One of `SHAPES`."""
    return np.array([[int(digit) for digit in line] for line in SHAPES[name].split()], kind)


def random_mosaics(count: int, kind: str = "uint16") -> Iterator[NDArray[Any]]:
    """Small rasters of two to four labels, single pixels or blocks with specks; every other one has no data."""
    rng = np.random.default_rng(0)
    for number in range(count):
        extent = rng.integers(1, 24, 2)
        low, labels = number % 2, int(rng.integers(3, 6))
        mosaic = rng.integers(low, labels, extent)
        if number % 3 == 0:
            coarse = mosaic.repeat(2, axis=0).repeat(3, axis=1)[: extent[0], : extent[1]]
            mosaic = np.where(rng.random(extent) < 0.2, mosaic, coarse)
        # Labels beyond a byte, where the type allows them.
        yield (mosaic * (251 if kind == "uint16" else 1)).astype(kind)


def uncompressed(folder: Path, mosaic: NDArray[Any]) -> UncompressedRaster:
    """A raster as the functions under test read it."""
    path = folder / "labels"
    mosaic.tofile(path)
    return UncompressedRaster(path, mosaic.shape, mosaic.dtype)


def as_array(labels: UncompressedRaster) -> NDArray[Any]:
    """The raster again."""
    return np.fromfile(labels.path, labels.dtype).reshape(labels.extent)
