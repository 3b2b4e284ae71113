"""Matching of the bands of a scene with those of the training data: by name or index, type, scale and range."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from latentclust.data.rasters import PERCENTILES, BandReading, bands_of, descriptions, read_window, scales_of
from latentclust.data.scenes.opening import decoding_errors
from latentclust.errors import LatentclustError

SAMPLE_WINDOW = 256
"""Size in pixels of the windows that the value range is estimated from."""

SAMPLE_GRID = 4
"""Maximum number of rows and of columns of such windows."""


@dataclass(frozen=True, slots=True)
class BandMatch:
    """The bands of a scene that the model reads.

    Attributes:
        bands: Band reading of the model, with the positions of the bands in this scene.
        warnings: Warnings about the bands.
    """

    bands: BandReading
    warnings: tuple[str, ...]


def match_bands(file: DatasetReader, wanted: BandReading, name: str) -> BandMatch:
    """Match the bands of a scene with those that the model reads. Some values are read, mostly of a single window.

    Bands are matched by name if the scene's descriptions contain each of the model's names once, and else by index.

    Args:
        file: Raster from `open_raster`.
        wanted: Band reading of the model.
        name: Name of the scene, for messages.

    Raises:
        LatentclustError: If the number of bands or the data type differs, or no value is in the model's range.
    """
    bands, odd = _places(file, wanted, name)
    fitted = replace(wanted, bands=bands)
    kinds = sorted({file.dtypes[band - 1] for band in bands} - set(wanted.types))
    if kinds:
        what = f"holds values of type {kinds[0]}, and the model was trained on {' and '.join(wanted.types)}"
        raise LatentclustError.at(name, what, "Convert it to the type and the scale of the training data")
    return BandMatch(fitted, (*odd, *_scales(file, fitted), *_ranges(file, fitted, name)))


def _places(file: DatasetReader, wanted: BandReading, name: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the bands to read, counted from 1, and a warning if their names are not those of the model."""
    present = bands_of(file)
    labels = descriptions(file, present)
    if wanted.names and all(labels.count(each) == 1 for each in wanted.names):
        return tuple(present[labels.index(each)] for each in wanted.names), ()
    described = f" ({', '.join(each or 'no name' for each in labels)})" if any(labels) else ""
    if len(present) not in wanted.counts:
        trained = " or ".join(str(each) for each in wanted.counts)
        reads = f" and reads {', '.join(wanted.names)}" if wanted.names else ""
        what = f"has {len(present)} band(s){described}, and the model was trained on {trained}{reads}"
        raise LatentclustError.at(name, what, "Bring it to the bands of the training data, in their order")
    if not (wanted.names and described):
        return wanted.bands, ()
    numbers = ", ".join(str(band) for band in wanted.bands)
    odd = f"bands{described} do not have the model's names, {', '.join(wanted.names)}; reading bands {numbers}"
    return wanted.bands, (odd,)


def _scales(file: DatasetReader, bands: BandReading) -> Iterator[str]:
    """Yield a warning for each band whose scale differs from the training data; scales are never applied."""
    pairs = zip(bands.bands, scales_of(file, bands.bands), bands.scales, strict=False)
    for band, found, trained in pairs:
        if found != trained:
            said, before = (f"scale {scale:g} and offset {offset:g}" for scale, offset in (found, trained))
            yield f"{_band_label(file, band)} has {said}, and the training data had {before}; values are read unscaled"


def _ranges(file: DatasetReader, bands: BandReading, name: str) -> tuple[str, ...]:
    """Return a warning if no sampled value is in the range of a band. Raise LatentclustError if so for every band."""
    if not bands.ranges:
        return ()
    with decoding_errors(name):
        outside = _outside(file, bands)
        if not outside:
            return ()
        values = np.concatenate(list(_sample_windows(file, bands.bands)), axis=1)
    said = "; ".join(_range_text(file, bands, values, at) for at in outside)
    if len(outside) < len(bands.bands):
        return (f"no sampled value is in the range of the training data: {said}",)
    what = f"no sampled value is in the range of the training data in any band: {said}"
    raise LatentclustError.at(name, what, "Bring it to the scale of the training data")


def _range_text(file: DatasetReader, bands: BandReading, values: NDArray[np.generic], at: int) -> str:
    low, high = np.percentile(values[at].astype(np.float64), PERCENTILES)
    trained = " to ".join(f"{value:g}" for value in bands.ranges[at])
    shares = " to ".join(f"{share:g}" for share in PERCENTILES)
    return f"{_band_label(file, bands.bands[at])} has {low:.4g} to {high:.4g} (percentiles {shares}), not {trained}"


def _outside(file: DatasetReader, bands: BandReading) -> tuple[int, ...]:
    """Return the bands, counted from 0, that have values but none within their range."""
    low, high = np.array(bands.ranges, np.float64).T[:, :, np.newaxis]
    inside = np.zeros(len(bands.bands), np.bool_)
    seen = False
    for values in _sample_windows(file, bands.bands):
        inside |= ((values >= low) & (values <= high)).any(axis=1)
        seen = seen or values.size > 0
        if inside.all():
            break
    return tuple(int(at) for at in np.flatnonzero(~inside)) if seen else ()


def _sample_windows(file: DatasetReader, bands: Sequence[int]) -> Iterator[NDArray[np.generic]]:
    """Yield the valid values `(c, n)` of windows spread over a scene."""
    blocks = file.block_shapes[bands[0] - 1]
    for top, height in _spans(file.height, blocks[0]):
        for left, width in _spans(file.width, blocks[1]):
            values, valid = read_window(file, bands, Window(left, top, width, height))
            yield values[:, valid]


def _spans(whole: int, block: int) -> list[tuple[int, int]]:
    """Return first pixel and length of windows spread over an axis, each in the middle of its share.

    They start at blocks, unless blocks are longer than a share, so that few blocks are decoded.
    """
    count = min(SAMPLE_GRID, -(-whole // SAMPLE_WINDOW))
    share = whole / count
    starts = [max(0, int((each + 0.5) * share - SAMPLE_WINDOW / 2)) for each in range(count)]
    begun = [start - start % block if block <= share else start for start in starts]
    return [(start, min(SAMPLE_WINDOW, whole - start)) for start in dict.fromkeys(begun)]


def _band_label(file: DatasetReader, band: int) -> str:
    said = descriptions(file, [band])[0]
    return f"band {band} ({said})" if said else f"band {band}"
