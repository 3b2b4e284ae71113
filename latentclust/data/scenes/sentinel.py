"""Scale and offset of Sentinel-2 bands, which the metadata of a product hold and the files of its bands do not."""

import re
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree as ET

from latentclust.data.sources import decode_errors

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""Bands in the order of `band_id` in the metadata."""

METADATA = "MTD_MSIL*.xml"
"""Name of the metadata of a product."""

LEVELS = 5
"""Number of folders above a file in which the metadata are looked for: PRODUCT.SAFE/GRANULE/TILE/IMG_DATA/R10m."""

METADATA_BYTES = 16 << 20
"""Maximum size of the metadata in bytes."""

QUANTIFICATION = ("BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE")
OFFSET = ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET")
"""Elements of level 2A and of level 1C."""

_BAND = re.compile(r"^T\d{2}[A-Z]{3}_\d{8}T\d{6}_(B\d\d|B8A)(_\d\dm)?$")


def sentinel_scale(source: str) -> tuple[float, float] | None:
    """Return scale and offset of a local file of one band, or None if it is not one of a product with metadata.

    Reflectance is `(DN + ADD_OFFSET) / QUANTIFICATION_VALUE`. Products before baseline 04.00 have no offset: 0.

    Raises:
        LatentclustError: If the metadata cannot be read.
    """
    band, metadata = _BAND.match(Path(source).stem), product_metadata(Path(source))
    if band is None or metadata is None:
        return None
    stat = metadata.stat()
    return _scales(metadata, stat.st_size, stat.st_mtime_ns).get(band[1])


def product_metadata(file: Path) -> Path | None:
    """Return the metadata of the product that a file of one band belongs to, or None."""
    if not _BAND.match(file.stem):
        return None
    found = (path for folder in file.parents[:LEVELS] for path in sorted(folder.glob(METADATA)))
    return next(found, None)


@lru_cache(64)
def _scales(path: Path, size: int, mtime: int) -> dict[str, tuple[float, float]]:
    """Return scale and offset by band. `size` and `mtime` tell versions of the file apart."""
    with decode_errors(path, "Fetch or copy the metadata of the product again"):
        if size > METADATA_BYTES:
            raise ValueError(f"more than {METADATA_BYTES:,} bytes exceed the size of the metadata of a product")
        values = list(ET.parse(path).getroot().iter())
        quantities = [float(each.text or "") for each in values if each.tag in QUANTIFICATION]
        if not quantities:
            return {}
        if quantities[0] <= 0:
            raise ValueError(f"its quantification value is {quantities[0]:g}")
        offsets = {int(each.get("band_id", "-1")): float(each.text or "") for each in values if each.tag in OFFSET}
    return {band: (1 / quantities[0], offsets.get(at, 0.0) / quantities[0]) for at, band in enumerate(BANDS)}
