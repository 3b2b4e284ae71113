"""Scale and offset of Sentinel-2 bands, which the metadata of a product hold and the files of its bands do not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree as ET

from latentclust.data.sources import decode_errors
from latentclust.specs.scenes import Scene

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""Bands in the order of `band_id` in the metadata."""

METADATA = "MTD_MSIL*.xml"
"""Name of the metadata of a product."""

LEVELS = 5
"""Number of folders above a file in which the metadata are looked for: PRODUCT.SAFE/GRANULE/TILE/IMG_DATA/R10m. None
is above the folder of the product."""

PRODUCT = ".SAFE"
"""Suffix of the folder of a product."""

METADATA_BYTES = 16 << 20
"""Maximum size of the metadata in bytes."""

QUANTIFICATION = ("BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE")
OFFSET = ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET")
"""Elements of level 2A and of level 1C."""

FILES, NAMES = ("IMAGE_FILE", "IMAGE_FILE_2A"), ("PRODUCT_URI", "PRODUCT_URI_2A", "PRODUCT_URI_1C")
"""Elements with the files of a product, without suffix, and with its name."""

_BAND = re.compile(r"^(T\d{2}[A-Z]{3})_(\d{8}T\d{6})_(B\d\d|B8A)(_\d\dm)?$")
"""Tile, sensing time and band in the name of a file."""


@dataclass(frozen=True, slots=True)
class _Product:
    """What the metadata of a product state.

    Attributes:
        scales: Scale and offset by band.
        files: Names of the files of its bands, without suffix.
        words: Words of the names of the product, such as `T13TDE`.
    """

    scales: Mapping[str, tuple[float, float]]
    files: frozenset[str]
    words: frozenset[str]


def sentinel_scale(source: str) -> tuple[float, float] | None:
    """Return scale and offset of a local file of one band, or None if it is not one of a product with metadata.

    Reflectance is `(DN + ADD_OFFSET) / QUANTIFICATION_VALUE`. Products before baseline 04.00 have no offset: 0.
    Metadata count if they list the file, or else if the name of the product has the tile and sensing time of the file.
    If several products match equally well, such as two baselines of one acquisition, none counts.

    Raises:
        LatentclustError: If the metadata cannot be read.
    """
    file = Path(source)
    band = _BAND.match(file.stem)
    if band is None:
        return None
    near = [_read(path) for path in nearby_metadata(file)]
    listing = [product for product in near if file.stem in product.files]
    named = [product for product in near if {band[1], band[2]} <= product.words]
    found = {product.scales.get(band[3]) for product in listing or named}
    return found.pop() if len(found) == 1 else None


def nearby_metadata(file: Path) -> tuple[Path, ...]:
    """Return the metadata of products in the folders of a file of one band. Its product may be none of these."""
    if not _BAND.match(file.stem):
        return ()
    folders = file.parents[:LEVELS]
    inside = next((at + 1 for at, folder in enumerate(folders) if folder.suffix == PRODUCT), LEVELS)
    return tuple(path for folder in folders[:inside] for path in sorted(folder.glob(METADATA)))


def sentinel_note(scene: Scene) -> str:
    """Return a warning if metadata are near a file of a scene and are not those of its product, or an empty text."""
    for part in scene.parts:
        near = () if part.scale else nearby_metadata(Path(part.source))
        if near and sentinel_scale(part.source) is None:
            return (
                f"{near[0].name} nearby is of another product than {Path(part.name).name}, not the only one of it, or "
                "without quantification value: the file is read without scale and offset"
            )
    return ""


def _read(path: Path) -> _Product:
    stat = path.stat()
    return _parsed(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(64)
def _parsed(path: Path, size: int, mtime: int) -> _Product:
    """Return what the metadata state. `size` and `mtime` tell versions of the file apart."""
    with decode_errors(path, "Fetch or copy the metadata of the product again"):
        if size > METADATA_BYTES:
            raise ValueError(f"more than {METADATA_BYTES:,} bytes exceed the size of the metadata of a product")
        values = list(ET.parse(path).getroot().iter())
        scales = _scales(values)
    files = frozenset((each.text or "").strip().rpartition("/")[2] for each in values if each.tag in FILES)
    words = frozenset(word for each in values if each.tag in NAMES for word in re.split(r"[_.\s]", each.text or ""))
    return _Product(scales, files, words)


def _scales(values: list[ET.Element]) -> dict[str, tuple[float, float]]:
    """Return scale and offset by band, none without a quantification value."""
    quantities = [float(each.text or "") for each in values if each.tag in QUANTIFICATION]
    if not quantities:
        return {}
    if quantities[0] <= 0:
        raise ValueError(f"its quantification value is {quantities[0]:g}")
    offsets = {int(each.get("band_id", "-1")): float(each.text or "") for each in values if each.tag in OFFSET}
    return {band: (1 / quantities[0], offsets.get(at, 0.0) / quantities[0]) for at, band in enumerate(BANDS)}
