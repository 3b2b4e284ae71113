"""Discovery of scenes in paths, URLs, glob patterns, folders and lists."""

import glob
import os
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from latentclust.data.roots import in_package
from latentclust.data.scenes.addresses import (
    exists,
    is_address,
    local_path,
    printable_path,
    resolve_links,
    strip_credentials,
)
from latentclust.data.scenes.folders import (
    find_files_below,
    glob_files,
    is_folder,
    is_inside,
    literal_prefix,
    require_regular,
)
from latentclust.data.scenes.inputs import (
    scene_from_file,
    scene_from_stac_item,
    scene_from_url,
    scenes_from_band_files,
    unreadable_folder,
)
from latentclust.data.scenes.masks import MaskChoice, add_masks
from latentclust.data.scenes.stac import JSON, files_of, is_item, is_too_large, read_json
from latentclust.data.scenes.stacks import stack_scenes
from latentclust.data.sources import decode_errors
from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.specs.scenes import RASTERS, Scene

SUFFIXES = frozenset({".img", ".jp2", ".tif", ".tiff", ".vrt"})
"""Suffixes of rasters in a folder, in addition to STAC items. A file given by name may have any suffix."""

FOUND = SUFFIXES | {JSON}
"""Suffixes of files in a folder that may be scenes."""

LIST = ".txt"
"""Suffix of lists of paths and URLs, one per line. Empty lines and lines that start with # are ignored."""

LIST_FIX = "Give a UTF-8 text file with one path per line"


def find_scenes(
    given: Iterable[str | Path],
    out: Path | None = None,
    bands: Sequence[str] = (),
    names: Sequence[str] = (),
    roots: Sequence[Path] = (),
    where: tuple[str, str] = ("SCENES", "--bands"),
    masks: MaskChoice | None = None,
    stack: str = "",
) -> tuple[Scene, ...]:
    """Return the scenes, each once, in the order given. No raster is opened: a missing file is a scene that fails.

    Args:
        given: Rasters, URLs and other addresses that GDAL reads, STAC items, folders that are searched at any depth,
            glob patterns, and text files that list the first three. `~` is the user's folder.
        out: Output folder, which is never searched. None if nothing is written.
        bands: Words of file names. Files whose names differ only in them form one scene, its bands in this order;
            other files are left out. If no file name has such a word, names of bands in each file. For STAC items,
            names of assets or bands.
        names: Names of the bands that the model reads, which select those of a STAC item if `bands` is empty.
        roots: Folders that relative paths and patterns are also searched in, in order, after the working folder.
        where: Names of `given` and `bands` in messages: options or recipe keys.
        masks: Masks of the scenes. Of files that are joined, a mask that is a band is joined, too.
        stack: Option or recipe key by which scenes of several dates become one. Empty to keep them apart.

    Raises:
        LatentclustError: With every issue at once, if nothing is found, an input is below `out`, or two inputs would
            have the same output.
    """
    check_words(bands, where[1])
    extra = _mask_words(masks, (*bands, *names))
    wanted = (*(bands or names), *extra) if bands or names else ()
    scenes: dict[tuple[str, PurePath], Scene] = {}
    issues: list[Issue] = []
    out = resolve_links(out) if out else None
    for argument in given:
        try:
            for scene in _scenes_of_argument(_rooted(argument, roots), out, wanted, where[0]):
                scenes.setdefault((scene.name, scene.output), scene)
        except LatentclustError as error:
            issues += error.issues
    found = tuple(scenes.values())
    if not found and not issues:
        issues.append(Issue(where[0], "is empty", "Name rasters, folders or a text file of paths"))
    if bands:
        joined = scenes_from_band_files(found, (*bands, *extra))
        found = tuple(replace(scene, requested=tuple(bands) if scene.requested else ()) for scene in joined)
    if not issues:
        found = add_masks(found, masks, roots) if masks else found
        found = stack_scenes(found, stack) if stack else found
    raise_all([*issues, *_inside(found, out), *_collisions(found)] if out else issues)
    return found


def _mask_words(masks: MaskChoice | None, others: Sequence[str]) -> tuple[str, ...]:
    """Return the band that is the mask, unless it is one of the others. Raise LatentclustError for an invalid mask."""
    if masks is None:
        return ()
    masks.check()
    return (masks.band,) if masks.band and masks.band not in others else ()


def _rooted(argument: str | Path, roots: Sequence[Path]) -> str:
    """Return a path or pattern below the first of the working folder and the roots that has it, or unchanged."""
    text = str(argument)
    if is_address(text) or "\0" in text:
        return text
    text = os.path.expanduser(text)  # noqa: PTH111 (a pattern)
    places = (str(root / text) for root in (Path(), *roots))
    return next((place for place in places if os.path.lexists(place) or _matches(place)), text) if text else text


def _matches(place: str) -> bool:
    path = Path(place)
    return glob.has_magic(place) and any(True for _ in glob_files(path, literal_prefix(path), FOUND, None))


def _scenes_of_argument(text: str, out: Path | None, wanted: Sequence[str], origin: str) -> list[Scene]:
    """Return the scenes of one argument. Raise LatentclustError if there are none."""
    where = strip_credentials(printable_path(text))
    if not text.strip() or "\0" in text:
        what = f"the path {text!r} is empty or contains a null byte"
        raise LatentclustError.at(origin, what, "Pass rasters, or a folder of rasters")
    with decode_errors(where, "Check the path"):
        found = list(_expand(text, out, wanted))
    if not found:
        what = f"contains no raster ({', '.join(sorted(SUFFIXES))} or a STAC item; label rasters do not count)"
        raise LatentclustError.at(where, what, "Pass rasters, or a folder of rasters")
    return found


def _expand(text: str, out: Path | None, wanted: Sequence[str]) -> Iterator[Scene]:
    path = Path(text)
    if is_folder(path):
        yield from _scenes_in_files(find_files_below(path, FOUND, out), path, wanted)
    elif glob.has_magic(text) and not is_address(text) and not exists(path):
        root = literal_prefix(path)
        yield from _scenes_in_files(glob_files(path, root, FOUND, out), root, wanted)
    elif path.suffix.lower() == LIST and not is_address(text):
        folder = path.parent
        yield from (_named_scene(name, folder, wanted) for name in _list_lines(path))
    else:
        yield _named_scene(text, None, wanted)


def _named_scene(text: str, folder: Path | None, wanted: Sequence[str]) -> Scene:
    """Return a file or an address, given alone or in a list in `folder`, as a scene. A file need not exist."""
    if local := local_path(text) or (None if exists(text) else in_package(text)):
        text = str(local)
    elif is_address(text):
        return scene_from_url(text, wanted)
    path = (folder or Path()) / text
    above = Path(text).is_absolute() or ".." in Path(text).parts
    root = path.parent if folder is None or above else folder
    if path.suffix.lower() == JSON:
        return scene_from_stac_item(path, path.parent.relative_to(root), wanted)
    return scene_from_file(path, root, wanted)


def _scenes_in_files(paths: Iterable[Path], root: Path, wanted: Sequence[str]) -> Iterator[Scene]:
    """Yield files and STAC items that were found. A file that belongs to an item is not a scene of its own."""
    found = list(paths)
    items = {path for path in found if path.suffix.lower() == JSON and _is_item(path)}
    owned = {resolve_links(file) for item in items for file in files_of(item)}
    for path in found:
        if is_folder(path):
            yield unreadable_folder(path, root)
        elif path in items:
            yield scene_from_stac_item(path, path.parent.relative_to(root), wanted)
        elif path.suffix.lower() != JSON and not (owned and resolve_links(path) in owned):
            yield scene_from_file(path, root, wanted)


def _is_item(path: Path) -> bool:
    """Return whether a file is a STAC item, or damaged, so that it could have been one."""
    try:
        return is_item(read_json(path))
    except LatentclustError:
        return not (path.is_file() and is_too_large(path))


def _list_lines(path: Path) -> list[str]:
    """Return the lines of a list, without comments. Bytes that are not UTF-8 stay those of a file name."""
    with decode_errors(printable_path(path), LIST_FIX):
        require_regular(path)
        content = path.read_bytes()
        if b"\0" in content:
            raise ValueError("it contains null bytes")
    text = content.removeprefix(BOM_UTF8).decode("utf-8", "surrogateescape")
    lines = (line.strip() for line in text.replace("\r", "\n").split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def _inside(scenes: Iterable[Scene], out: Path) -> Iterator[Issue]:
    for scene in scenes:
        if any(is_inside(file, out) for file in scene.files):
            yield Issue(scene.name, f"is in the output folder {out}", "Choose another --out")


def _collisions(scenes: Iterable[Scene]) -> Iterator[Issue]:
    """Yield issues for outputs of the same name, compared without case as some file systems do."""
    owners: dict[str, str] = {}
    for scene in scenes:
        for output in map(scene.raster, RASTERS):
            owner = owners.setdefault(str(output).casefold(), scene.name)
            if owner != scene.name:
                what = f"has the same output as {owner}, {output}"
                yield Issue(scene.name, what, "Pass a folder that contains both, or label them into two output folders")
                break


def check_given(given: object) -> list[str | Path]:
    """Return one path or several as a list. Raise LatentclustError for anything else."""
    if isinstance(given, (str, Path)):
        return [given]
    if isinstance(given, Iterable):
        paths = list(given)
        if all(isinstance(path, (str, Path)) for path in paths):
            return paths
    raise LatentclustError.at(
        "scenes", f"must be a path or a list of paths, got {given!r}", "Give a path, or a list of paths"
    )


def check_words(bands: Sequence[str], where: str = "--bands") -> None:
    """Raise LatentclustError if a word is empty or repeated."""
    if not all(bands) or len(set(bands)) < len(bands):
        what = f"{','.join(bands)!r} contains an empty or repeated word"
        raise LatentclustError.at(where, what, "Give one word per band, as in B04,B03,B02")
