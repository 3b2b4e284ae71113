"""A scene to be labelled: a file, an address that GDAL opens, a STAC item, or files of one band each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from latentclust.errors import Issue, LatentclustError
from latentclust.labelling.scenes.addresses import (
    address_stem,
    archive_path,
    display_address,
    gdal_name,
    is_address,
    printable_path,
    resolve_links,
    safe_filename,
)
from latentclust.labelling.scenes.band_files import BandFilePattern, group_band_files
from latentclust.labelling.scenes.stac import chosen, read_item
from latentclust.labelling.scenes.vrt import BandFile

OUTPUT = ".tif"

RASTERS = ("labels", "confidence", "probabilities", "classes")
"""What a scene may become."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A raster to be labelled.

    Attributes:
        source: What GDAL opens; empty where parts are joined.
        name: What messages and labelling.json call it: its absolute path, or its URL without secrets.
        output: Its label raster, relative to the output folder.
        files: The local files that it is read from; none of those that are elsewhere.
        item: The STAC item that it is of.
        parts: The files of one band each that are joined.
        fault: Why it cannot be opened, where that is known beforehand.
    """

    source: str = field(repr=False)
    name: str
    output: PurePath
    files: tuple[Path, ...] = ()
    item: Path | None = None
    parts: tuple[BandFile, ...] = ()
    error: Issue | None = None

    def raster(self, name: str) -> PurePath:
        """One of its `RASTERS`, relative to the output folder."""
        return self.output if name == "labels" else self.output.with_name(f"{self.output.stem}-{name}{OUTPUT}")


def scene_from_file(path: Path, root: Path | None = None) -> Scene:
    """A file, whose output keeps its path from `root`, or its name alone."""
    place = resolve_links(path.parent) / path.name
    name = printable_path(place)
    relative = PurePath(printable_path(path.relative_to(root or path.parent)))
    error = None
    if name != str(place):
        error = Issue(name, "its path is not UTF-8, and GDAL cannot open it", "Rename it, or give a link to it")
    return Scene(str(place), name, relative.with_suffix(OUTPUT), (place,), error=error)


def scene_from_url(address: str) -> Scene:
    """A URL, a path of a virtual file system or a raster within a file; its output is called as the last part of it."""
    return Scene(
        gdal_name(address),
        display_address(address),
        PurePath(f"{address_stem(address)}{OUTPUT}"),
        archive_path(address),
    )


def unreadable_folder(folder: Path, root: Path) -> Scene:
    """A folder that cannot be searched, as a scene that fails."""
    name = printable_path(resolve_links(folder))
    error = Issue(name, "this folder cannot be searched for scenes", "Make it readable, or name others")
    return Scene("", name, PurePath(printable_path(folder.relative_to(root)), f"*{OUTPUT}"), error=error)


def scene_from_stac_item(path: Path, folder: PurePath, wanted: Sequence[str]) -> Scene:
    """A STAC item: its one raster, or several of one band, joined in the order wanted; one that will not do fails.

    Args:
        path: Its file.
        folder: Of its output, which is called as its id.
        wanted: What its bands may be called.
    """
    place = resolve_links(path.parent) / path.name
    name = printable_path(place)
    output = PurePath(printable_path(folder), f"{printable_path(path.stem)}{OUTPUT}")
    try:
        item = read_item(place)
        output = output.with_name(f"{safe_filename(item.name)}{OUTPUT}")
        assets = chosen(item, wanted)
    except LatentclustError as error:
        return Scene("", name, output, (place,), place, error=error.issues[0])
    files = tuple(Path(asset.href) for _, asset in assets if not is_address(asset.href))
    parts = tuple(BandFile(band, gdal_name(asset.href), display_address(asset.href)) for band, asset in assets)
    if len(parts) == 1:
        return Scene(parts[0].source, name, output, (place, *files), place)
    return Scene("", name, output, (place, *files), place, parts)


def scenes_from_band_files(scenes: Sequence[Scene], bands: Sequence[str]) -> tuple[Scene, ...]:
    """Files whose names are alike but for one of the words `bands`, as one scene; one that lacks a band fails.

    Files without such a word are left out. STAC items, and folders that cannot be searched, stay as they are.
    """
    others = [scene for scene in scenes if scene.item or not scene.source]
    files = [scene for scene in scenes if scene.source and not scene.item]
    places = [(f"{scene.output.parent}\0{_folder(scene.name)}", scene.name.rpartition("/")[2]) for scene in files]
    sets = group_band_files(places, bands)
    return (*others, *(_joined(pattern, {band: files[at] for band, at in m.items()}, bands) for pattern, m in sets))


def _joined(pattern: BandFilePattern, members: dict[str, Scene], bands: Sequence[str]) -> Scene:
    one = next(iter(members.values()))
    folder = _folder(one.name)
    name = f"{folder}/{pattern.name('{' + ','.join(bands) + '}')}"
    kept = one.output.parent
    if pattern.common or not kept.name:
        output = kept / f"{pattern.common or safe_filename(folder.rpartition('/')[2])}{OUTPUT}"
    else:
        output = kept.with_name(f"{kept.name}{OUTPUT}")
    present = [members[band] for band in bands if band in members]
    files = tuple(file for scene in present for file in scene.files)
    error = next((scene.error for scene in present if scene.error), None)
    if lacking := [pattern.name(band) for band in bands if band not in members]:
        error = Issue(name, f"it lacks {' and '.join(lacking)}", "Add the file, or leave the word out of --bands")
    parts = tuple(BandFile(band, members[band].source, members[band].name) for band in bands if band in members)
    return Scene("", name, output, files, parts=parts, error=error)


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
