"""Bands of a raster that the user names."""

from collections.abc import Sequence

from rasterio.io import DatasetReader

from latentclust.data.band_names import find_bands
from latentclust.data.rasters import descriptions
from latentclust.errors import LatentclustError


def requested_bands(file: DatasetReader, requested: Sequence[str], name: str) -> tuple[int, ...]:
    """Return the positions, counted from 1, of bands that the user names. Raise LatentclustError if one is missing."""
    labels = descriptions(file, range(1, file.count + 1))
    found = find_bands(requested, labels)
    for band, at in zip(requested, found, strict=True):
        if at is None:
            listed = ", ".join(label or "no name" for label in labels)
            what = f"has no band, or several, named {band} (its bands: {listed}), and no file name has it as a word"
            raise LatentclustError.at(name, what, "Name the bands as the raster does, or give their files")
    return tuple(at + 1 for at in found if at is not None)
