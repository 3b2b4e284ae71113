"""Signs of nodata that a raster does not declare, and of measured bands that are declared as masks."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from rasterio.windows import Window

from latentclust.data.rasters import Opened, alpha_bands, read_window

LENGTH = 32
"""Length in pixels of the segments of the border that are read, and size of the windows of alpha channels."""

MIN_LENGTH = 16
"""Smallest number of valid pixels by which a segment shows fill."""

MIN_SEGMENTS = 2
"""Smallest number of segments that fill covers. A single one may be a saturated cloud."""

MAX_SOFT = 16
"""Largest number of sampled values of an alpha channel. A measured band has more."""


READ_AS_DATA = "and is read as data"
"""What the warning about fill says of it."""


def nodata_warnings(file: Opened, bands: Sequence[int], nodata: float | None = None) -> Iterator[str]:
    """Yield a warning about each sign that nodata pixels are declared wrongly. Few pixels are read.

    Args:
        file: Raster that `raster` opened.
        bands: Bands that are read, counted from 1.
        nodata: Value of nodata pixels in addition to the one that the raster declares.
    """
    fill = border_fill(file, bands, nodata)
    if fill is not None:
        yield (
            f"{fill:g} alone fills a part of the border in all bands, {READ_AS_DATA}; if it is fill, declare it: "
            f"data.nodata = {fill:g} in training, --nodata {fill:g} for label"
        )
    for band in alpha_bands(file, bands):
        if is_measured(file, band):
            yield (
                f"band {band} is flagged as alpha, but its values are those of a measured band, such as near infrared; "
                "it is left out and its zeros are nodata, unless data.bands names it"
            )


def border_fill(file: Opened, bands: Sequence[int], nodata: float | None = None) -> float | None:
    """Return the one value that segments of the outermost rows and columns have in all bands. None without such."""
    found: Counter[float] = Counter()
    for window in _border(file.height, file.width):
        values, valid = read_window(file, bands, window, nodata=nodata)
        pixels = values[:, valid]
        if pixels.shape[1] >= MIN_LENGTH and (pixels == pixels[0, 0]).all():
            found[float(pixels[0, 0])] += 1
    value, count = max(found.items(), key=lambda each: each[1], default=(0.0, 0))
    return value if count >= MIN_SEGMENTS else None


def _border(height: int, width: int) -> Iterator[Window]:
    """Yield segments at both ends and in the middle of the outermost rows and columns."""
    for left in _starts(width):
        yield from (Window(left, top, min(LENGTH, width), 1) for top in (0, height - 1))
    for top in _starts(height):
        yield from (Window(left, top, 1, min(LENGTH, height)) for left in (0, width - 1))


def _starts(size: int) -> tuple[int, ...]:
    last = max(size - LENGTH, 0)
    return tuple(dict.fromkeys((0, last // 2, last)))


def is_measured(file: Opened, band: int) -> bool:
    """Return whether an alpha channel has more values than a mask with soft edges, in windows spread over it."""
    windows = [
        Window(left, top, min(LENGTH, file.width), min(LENGTH, file.height))
        for top in _starts(file.height)
        for left in _starts(file.width)
    ]
    return len(np.unique(np.concatenate([file.read(band, window=each).ravel() for each in windows]))) > MAX_SOFT
