"""Scenes to be labelled: a file, an address that GDAL opens, a STAC item, or files with one band each."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from latentclust.data.scenes.addresses import (
    address_stem,
    display_address,
    gdal_name,
    is_address,
    local_files,
    printable_path,
    resolve_links,
    safe_filename,
    safe_path,
)
from latentclust.data.scenes.band_files import BandFilePattern, group_band_files
from latentclust.data.scenes.containers import is_container
from latentclust.data.scenes.sentinel import nearby_metadata
from latentclust.data.scenes.stac import chosen, read_item
from latentclust.errors import Issue, LatentclustError
from latentclust.specs.scenes import OUTPUT, BandFile, Scene


def scene_from_file(path: Path, root: Path | None = None, bands: Sequence[str] = ()) -> Scene:
    """Return a file as a scene. Its output keeps the path below `root`, or the name alone."""
    place = resolve_links(path.parent) / path.name
    name = printable_path(place)
    relative = safe_path(printable_path(path.relative_to(root or path.parent).with_suffix("")))
    error = None
    if name != str(place):
        error = Issue(name, "its path is not valid UTF-8, and GDAL cannot open it", "Rename it, or give a link to it")
    output = relative.with_name(f"{relative.name}{OUTPUT}")
    return Scene(str(place), name, output, (place,), bands=tuple(bands), error=error)


def scene_from_url(address: str, bands: Sequence[str] = ()) -> Scene:
    """Return a URL, a virtual path or a raster within a file as a scene. The last component names its output."""
    return Scene(
        gdal_name(address),
        display_address(address),
        PurePath(f"{address_stem(address)}{OUTPUT}"),
        local_files(address),
        bands=tuple(bands),
    )


def unreadable_folder(folder: Path, root: Path) -> Scene:
    """Return a folder that cannot be searched as a scene that fails."""
    name = printable_path(resolve_links(folder))
    error = Issue(name, "this folder cannot be searched for scenes", "Make it readable, or pass other folders")
    return Scene("", name, PurePath(printable_path(folder.relative_to(root)), f"*{OUTPUT}"), error=error)


def scene_from_stac_item(path: Path, folder: PurePath, wanted: Sequence[str]) -> Scene:
    """Return a STAC item as a scene: its only raster, or several with one band each, joined in the requested order.

    An unsuitable item is a scene that fails.

    Args:
        path: File of the item.
        folder: Folder of the output, which is named after the id of the item.
        wanted: Names of the requested bands.
    """
    place = resolve_links(path.parent) / path.name
    name = printable_path(place)
    output = safe_path(printable_path(folder)) / f"{safe_filename(printable_path(path.stem))}{OUTPUT}"
    try:
        item = read_item(place)
        output = output.with_name(f"{safe_filename(item.name)}{OUTPUT}")
        assets = chosen(item, wanted)
    except LatentclustError as error:
        return Scene("", name, output, (place,), place, error=error.issues[0])
    files = tuple(Path(asset.href) for _, asset in assets if not is_address(asset.href))
    parts = tuple(
        BandFile(band, gdal_name(asset.href), display_address(asset.href), next(iter(asset.scales), None))
        for band, asset in assets
    )
    if len(parts) == 1:
        return Scene(parts[0].source, name, output, (place, *files), place, scales=assets[0][1].scales)
    return Scene("", name, output, (place, *files), place, parts)


def scenes_from_band_files(scenes: Sequence[Scene], bands: Sequence[str]) -> tuple[Scene, ...]:
    """Join files whose names differ only in one of the words `bands` into one scene, which fails if a band is missing.

    Other files are left out. If no file has such a word in its name, the words name bands, or rasters, in each file;
    files that may contain several rasters are read so anyway, unless one of their names has such a word. STAC items and
    folders that cannot be searched are unchanged.
    """
    others = [scene for scene in scenes if scene.item or not scene.source]
    files = [scene for scene in scenes if scene.source and not scene.item]
    places = [(f"{scene.output.parent}\0{_folder(scene.name)}", scene.name.rpartition("/")[2]) for scene in files]
    sets = group_band_files(places, bands)
    joined = {at for _, members in sets for at in members.values()}
    containers = {at for at, each in enumerate(files) if is_container(each.name)}
    whole = range(len(files)) if not sets else sorted(containers if not containers & joined else ())
    others += [replace(files[at], requested=tuple(bands)) for at in whole]
    return (*others, *(_joined(pattern, {band: files[at] for band, at in m.items()}, bands) for pattern, m in sets))


def _joined(pattern: BandFilePattern, members: dict[str, Scene], bands: Sequence[str]) -> Scene:
    one = next(iter(members.values()))
    folder = _folder(one.name)
    kept = one.output.parent
    if len({scene.output.parent for scene in members.values()}) > 1:  # folders of one pixel size each
        folder, kept = _folder(folder), kept.parent
    name = f"{folder}/{pattern.name('{' + ','.join(bands) + '}')}"
    if pattern.common or not kept.name:
        output = kept / f"{pattern.common or safe_filename(folder.rpartition('/')[2])}{OUTPUT}"
    else:
        output = kept.with_name(f"{kept.name}{OUTPUT}")
    present = [members[band] for band in bands if band in members]
    files = tuple(file for scene in present for file in scene.files)
    files += tuple(dict.fromkeys(path for file in files for path in nearby_metadata(file)))
    error = next((scene.error for scene in present if scene.error), None)
    if missing := [pattern.name(band) for band in bands if band not in members]:
        error = Issue(name, f"is missing {' and '.join(missing)}", "Add the file, or leave the word out of --bands")
    parts = tuple(BandFile(band, members[band].source, members[band].name) for band in bands if band in members)
    return Scene("", name, output, files, parts=parts, error=error)


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
