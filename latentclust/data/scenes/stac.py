"""STAC items, and the selection of the assets that form a scene."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from latentclust.data.band_names import common_names, fold
from latentclust.data.scenes.addresses import exists, is_address, local_path
from latentclust.data.scenes.folders import require_regular
from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError, first_problem

JSON = ".json"

ITEM_BYTES = 16 << 20
"""Maximum size of an item in bytes. Larger files are not items."""

RASTERS = ("image/jp2", "image/tiff", "image/vnd.stac.geotiff")
"""Prefixes of the media types of GeoTIFFs, Cloud-Optimized GeoTIFFs and JPEG 2000."""

SUFFIXES = frozenset({".jp2", ".tif", ".tiff"})
"""Suffixes of raster assets that have neither roles nor media type."""

PICTURES = frozenset({"overview", "thumbnail"})
"""Roles or keys of assets that are previews."""

STAC_FIX = "Give the .json of a STAC item"


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset of an item.

    Attributes:
        key: Key of the asset in the item.
        href: Path or URL of the asset.
        bands: Names of its bands.
        common: Common names of its bands, such as `red`.
        count: Number of its bands according to the item.
        data: Whether its role is `data`.
        scales: Scale and offset of each band. Empty if the item states none.
    """

    key: str
    href: str
    bands: tuple[str, ...]
    common: tuple[str, ...]
    count: int
    data: bool
    scales: tuple[tuple[float, float], ...] = ()

    def __str__(self) -> str:
        """Return the key and the other names of the asset."""
        others = dict.fromkeys(name for name in (*self.bands, *self.common) if name != self.key)
        return f"{self.key} ({', '.join(others)})" if others else self.key


@dataclass(frozen=True, slots=True)
class Item:
    """A STAC item.

    Attributes:
        path: File of the item.
        name: Id of the item.
        rasters: Assets that are rasters.
    """

    path: Path
    name: str
    rasters: tuple[Asset, ...]


def _plain(text: str) -> str:
    """Return text that can be a path or a name. Raise ValueError for other text."""
    if not text.strip() or b"\0" in text.encode():
        raise ValueError("it is empty or contains a null byte")
    return text


Text = Annotated[str, AfterValidator(_plain)]
Table = dict[str, Any]


class AssetFile(BaseModel):
    """What is read of an asset of an item; see `Asset`."""

    model_config = ConfigDict(strict=True)

    href: Text
    roles: list[str] | None = None
    type: str | None = None
    eo_bands: list[Any] | None = Field(None, alias="eo:bands")
    bands: list[Any] | None = None
    raster_bands: list[Any] | None = Field(None, alias="raster:bands")
    scale: Any = Field(None, alias="raster:scale")
    offset: Any = Field(None, alias="raster:offset")


class ItemFile(BaseModel):
    """What is read of an item; see `Item`."""

    model_config = ConfigDict(strict=True)

    id: Text
    assets: dict[Text, AssetFile]
    properties: Table | None = None


def read_json(path: Path) -> Any:
    """Return the content of a file. Raise LatentclustError if it is not JSON, or too large for an item."""
    with decode_errors(path, STAC_FIX):
        require_regular(path)
        if is_too_large(path):
            raise ValueError(f"more than {ITEM_BYTES:,} bytes exceed the size of a STAC item")
        return json.loads(path.read_bytes())


def is_too_large(path: Path) -> bool:
    """Return whether a file is larger than an item. Raise OSError if it does not exist."""
    return path.stat().st_size > ITEM_BYTES


def is_item(content: Any) -> bool:
    """Return whether JSON content is a STAC item."""
    return isinstance(content, dict) and content.get("type") == "Feature" and "stac_version" in content


def read_item(path: Path) -> Item:
    """Read an item. Raise LatentclustError if the file is damaged or not a STAC item."""
    content = read_json(path)
    if not is_item(content):
        kind = content.get("type") if isinstance(content, dict) else type(content).__name__
        found = f"its type is {kind!r}" if kind else "it has no type"
        raise LatentclustError.at(str(path), f"is not a STAC item: {found}; the type of an item is 'Feature'", STAC_FIX)
    with decode_errors(path, STAC_FIX):
        file = _validated(content)
        assets = [(key, asset, address(path, asset.href)) for key, asset in file.assets.items()]
        rasters = tuple(_asset(key, asset, href) for key, asset, href in assets if _is_raster(key, asset, href))
        return Item(path, file.id, rasters)


def _validated(content: Any) -> ItemFile:
    """Return the content of an item. Raise ValueError with its first mistake."""
    try:
        return ItemFile.model_validate(content)
    except ValidationError as error:
        raise ValueError(first_problem(error)) from None


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the local files of all assets of an item, including previews; nothing if the item is damaged."""
    try:
        with decode_errors(path, STAC_FIX):
            hrefs = [address(path, asset.href) for asset in _validated(read_json(path)).assets.values()]
    except LatentclustError:
        return ()
    return tuple(Path(href) for href in hrefs if not is_address(href))


def address(item: Path, href: str) -> str:
    """Return the URL of an asset, or the absolute path of its file, which may be percent-encoded in the item."""
    named = local_path(href) or (None if is_address(href) else item.parent / href)
    if named is None:
        return href
    decoded = item.parent / unquote(href)
    return str((decoded if exists(decoded) and not exists(named) else named).absolute())


def chosen(item: Item, wanted: Sequence[str]) -> tuple[tuple[str, Asset], ...]:
    """Return the assets that form the scene, each with its band.

    These are the assets with one band whose key, band name or common name is one of the wanted names, in this order: as
    written, without case, or by the common name of the wanted one. If a name has no such asset, the only asset is
    returned, or the only one with the role `data`.

    Raises:
        LatentclustError: If the item has no raster, or several could be the scene.
    """
    found = [_called(item, name, common) for name, common in zip(wanted, common_names(wanted), strict=True)]
    named = [(name, asset) for name, asset in zip(wanted, found, strict=True) if asset]
    if named and len(named) == len(wanted) and len({asset.key for _, asset in named}) == len(named):
        return tuple(named)
    data = [asset for asset in item.rasters if asset.data]
    for group in (item.rasters, data):
        if len(group) == 1:
            return ((group[0].key, group[0]),)
    if not item.rasters:
        raise LatentclustError.at(str(item.path), "has no raster asset", "Pass the rasters instead of the item")
    listed = ", ".join(str(asset) for asset in item.rasters)
    bands = f"; the requested bands are {', '.join(wanted)}" if wanted else ""
    fix = "Specify its bands, as in --bands B04,B03,B02, in the order of the training data"
    raise LatentclustError.at(str(item.path), f"each of several assets could be the scene: {listed}{bands}", fix)


def _called(item: Item, name: str, common: str) -> Asset | None:
    """Return the only asset with one band of a name. Raise LatentclustError if there are several."""
    single = [asset for asset in item.rasters if asset.count <= 1]
    codes = common_names([asset.key for asset in single])
    commons = [asset.common or (code,) for asset, code in zip(single, codes, strict=True)]
    ranks = ([(asset.key,) for asset in single], [asset.bands for asset in single], commons)
    folded = [[tuple(map(fold, names)) for names in rank] for rank in ranks]
    ways = [*((name, rank) for rank in ranks), *((fold(name), rank) for rank in folded), (common, folded[-1])]
    for wanted, rank in ways:
        found = [asset for asset, names in zip(single, rank, strict=True) if wanted and wanted in names]
        if len(found) > 1:
            what = f"several assets are named {name}: {', '.join(str(asset) for asset in found)}"
            raise LatentclustError.at(str(item.path), what, "Give the keys of assets with --bands")
        if found:
            return found[0]
    return None


def _is_raster(key: str, asset: AssetFile, href: str) -> bool:
    """Return whether an asset is a raster: by role or media type, or else by suffix."""
    roles, kind = set(asset.roles or ()), (asset.type or "").lower()
    if (roles | {key}) & PICTURES:
        return False
    if not roles and not kind:
        return Path(href.partition("?")[0]).suffix.lower() in SUFFIXES
    return "data" in roles or kind.startswith(RASTERS)


def _asset(key: str, asset: AssetFile, href: str) -> Asset:
    """Return an asset of STAC 1.0, with `eo:bands`, or of 1.1, with `bands`."""
    bands = [band for band in asset.eo_bands or asset.bands or () if isinstance(band, dict)]
    names = tuple(str(band["name"]) for band in bands if "name" in band)
    common = (band.get("common_name", band.get("eo:common_name")) for band in bands)
    said = tuple(str(name) for name in common if name)
    scales = _scales(asset, key)
    return Asset(key, href, names, said, len(bands) or len(scales), "data" in (asset.roles or ()), scales)


def _scales(asset: AssetFile, key: str) -> tuple[tuple[float, float], ...]:
    """Return scale and offset of each band: `raster:bands` of STAC 1.0, `raster:scale` and `raster:offset` of 1.1.

    Raises:
        ValueError: If one of them is not a number that can be one.
    """
    own = {"raster:scale": asset.scale, "raster:offset": asset.offset}
    rows = asset.raster_bands if asset.raster_bands is not None else asset.bands or [{}]
    tables = [{name: value for name, value in own.items() if value is not None} | _table(row) for row in rows]
    stated = [any(name.removeprefix("raster:") in ("scale", "offset") for name in table) for table in tables]
    return tuple(_scale(table, key) for table in tables) if any(stated) else ()


def _table(row: Any) -> Table:
    return {name: value for name, value in row.items() if value is not None} if isinstance(row, dict) else {}


def _scale(table: Table, key: str) -> tuple[float, float]:
    scale: Any = table.get("raster:scale", table.get("scale", 1.0))
    offset: Any = table.get("raster:offset", table.get("offset", 0.0))
    if not all(type(value) in (int, float) and isfinite(value) for value in (scale, offset)) or scale == 0:
        raise ValueError(f"the asset {key!r} has the scale {scale!r} and the offset {offset!r}")
    return float(scale), float(offset)
