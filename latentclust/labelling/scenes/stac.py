"""STAC items: which of their assets are the scene."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.labelling.scenes.addresses import is_address, local_path

JSON = ".json"

ITEM_BYTES = 16 << 20
"""The most bytes that an item has; larger files are something else."""

RASTERS = ("image/jp2", "image/tiff", "image/vnd.stac.geotiff")
"""How media types of GeoTIFFs, Cloud-Optimized GeoTIFFs and JPEG 2000 begin."""

SUFFIXES = frozenset({".jp2", ".tif", ".tiff"})
"""What tells of an asset without roles and media type."""

PICTURES = frozenset({"overview", "thumbnail"})
"""Roles, or keys, of assets that are to be looked at."""

GIVE = "Give the .json of a STAC item"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of an item.

    Attributes:
        key: What the item calls it.
        href: Its path, or its URL.
        bands: The names of its bands.
        common: Their common names, as `red`.
        count: How many bands the item says it has.
        data: Whether its role is `data`.
    """

    key: str
    href: str
    bands: tuple[str, ...]
    common: tuple[str, ...]
    count: int
    data: bool

    def __str__(self) -> str:
        """Its key, and what else it may be called."""
        others = dict.fromkeys(name for name in (*self.bands, *self.common) if name != self.key)
        return f"{self.key} ({', '.join(others)})" if others else self.key


@dataclass(frozen=True, slots=True)
class Item:
    """A STAC item.

    Attributes:
        path: Its file.
        name: Its id.
        rasters: Those of its assets that are data.
    """

    path: Path
    name: str
    rasters: tuple[Asset, ...]


def read_json(path: Path) -> Any:
    """What a file holds; raises LatentclustError where it is no JSON, or too large for an item."""
    with decode_errors(path, GIVE):
        size = path.stat().st_size
        if size > ITEM_BYTES:
            raise ValueError(f"{size:,} bytes are too many for a STAC item")
        return json.loads(path.read_bytes())


def is_item(content: Any) -> bool:
    """Whether JSON says that it is a STAC item."""
    return isinstance(content, dict) and content.get("type") == "Feature" and "stac_version" in content


def read_item(path: Path) -> Item:
    """Reads an item; raises LatentclustError for a damaged file and for other JSON."""
    content = read_json(path)
    if not is_item(content):
        kind = content.get("type") if isinstance(content, dict) else type(content).__name__
        said = f"its type is {kind!r}" if kind else "it has no type"
        raise LatentclustError.at(str(path), f"is no STAC item: {said}, and an item's is 'Feature'", GIVE)
    with decode_errors(path, GIVE):
        if not isinstance(content["assets"], dict):
            raise TypeError("its assets are no table")
        assets = [(key, asset, address(path, asset["href"])) for key, asset in content["assets"].items()]
        rasters = tuple(_asset(key, asset, href) for key, asset, href in assets if _is_raster(key, asset, href))
        return Item(path, str(content["id"]), rasters)


def files_of(path: Path) -> tuple[Path, ...]:
    """The local files of all assets of an item, of those that are no data too; none where it is damaged."""
    try:
        with decode_errors(path, GIVE):
            assets = read_json(path)["assets"]
            hrefs = [address(path, asset["href"]) for asset in assets.values()] if isinstance(assets, dict) else []
    except LatentclustError:
        return ()
    return tuple(Path(href) for href in hrefs if not is_address(href))


def address(item: Path, href: str) -> str:
    """Where an asset is: a URL, or the absolute path of a file, which items may write as URLs are written."""
    named = local_path(href) or (None if is_address(href) else item.parent / href)
    if named is None:
        return href
    decoded = item.parent / unquote(href)
    return str((decoded if decoded.exists() and not named.exists() else named).absolute())


def chosen(item: Item, wanted: Sequence[str]) -> tuple[tuple[str, Asset], ...]:
    """The assets that are the scene, each with the band it stands for.

    Those of one band that are called as the wanted bands are, by key, by the band's name, or by its common name, in
    this order; where some band is not found so, the only asset, or the only one whose role is `data`.

    Raises:
        LatentclustError: No asset, or several that it could be.
    """
    found = [_called(item, name) for name in wanted]
    named = [(name, asset) for name, asset in zip(wanted, found, strict=True) if asset]
    if named and len(named) == len(wanted) and len({asset.key for _, asset in named}) == len(named):
        return tuple(named)
    data = [asset for asset in item.rasters if asset.data]
    for group in (item.rasters, data):
        if len(group) == 1:
            return ((group[0].key, group[0]),)
    if not item.rasters:
        raise LatentclustError.at(str(item.path), "has no asset that is raster data", "Name the rasters themselves")
    listed = ", ".join(str(asset) for asset in item.rasters)
    bands = f"; the bands looked for are {', '.join(wanted)}" if wanted else ""
    fix = "Say which are its bands, as in --bands B04,B03,B02, in the order that the model was trained on"
    raise LatentclustError.at(str(item.path), f"each of several assets could be the scene: {listed}{bands}", fix)


def _called(item: Item, name: str) -> Asset | None:
    """The only asset of one band that is called so; raises LatentclustError where several are."""
    single = [asset for asset in item.rasters if asset.count <= 1]
    for rank in range(3):
        found = [asset for asset in single if name in ((asset.key,), asset.bands, asset.common)[rank]]
        if len(found) > 1:
            what = f"several assets are called {name}: {', '.join(str(asset) for asset in found)}"
            raise LatentclustError.at(str(item.path), what, "Name the keys of assets with --bands")
        if found:
            return found[0]
    return None


def _is_raster(key: str, asset: Mapping[str, Any], href: str) -> bool:
    """Whether an asset is data: by its role, or its media type, or by its suffix where it says neither."""
    roles, kind = set(asset.get("roles") or ()), str(asset.get("type") or "").lower()
    if (roles | {key}) & PICTURES:
        return False
    if not roles and not kind:
        return Path(href.partition("?")[0]).suffix.lower() in SUFFIXES
    return "data" in roles or kind.startswith(RASTERS)


def _asset(key: str, asset: Mapping[str, Any], href: str) -> Asset:
    """Of STAC 1.0, where bands are `eo:bands`, and of 1.1, where they are `bands`."""
    bands = [band for band in asset.get("eo:bands") or asset.get("bands") or () if isinstance(band, dict)]
    names = tuple(str(band["name"]) for band in bands if "name" in band)
    common = (band.get("common_name", band.get("eo:common_name")) for band in bands)
    said = tuple(str(name) for name in common if name)
    return Asset(key, href, names, said, len(bands), "data" in (asset.get("roles") or ()))
