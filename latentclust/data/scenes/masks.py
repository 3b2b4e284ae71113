"""Masks of scenes: which raster, or which band of its own, masks the pixels of each scene."""

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latentclust.data.scenes.addresses import display_address, gdal_name, is_address, printable_path, resolve_links
from latentclust.errors import Issue, LatentclustError
from latentclust.specs.scenes import Scene, SceneMask

BAND = "band:"
"""Prefix of a mask that is a band of each scene."""

NAME, FOLDER = "{name}", "{folder}"
"""Parts of a pattern that stand for the name and the folder of a scene."""

MAX_BIT = 15
"""Highest bit of a value that can be tested."""

WAYS = f"Give a file, a pattern with {NAME} or {FOLDER}, or {BAND}NAME"


@dataclass(frozen=True, slots=True)
class MaskChoice:
    """The masks that a user chooses for scenes.

    Attributes:
        mask: A raster for all scenes; a pattern, of which each scene takes the match whose name begins with its own; a
            pattern with `{name}` or `{folder}`, those of a scene, of which it takes the only match; or `band:NAME`.
        values: Values of masked pixels.
        bits: Bits, counted from 0: a pixel is masked if one of them is set in its value.
        where: Name of `mask` in messages: an option or a recipe key.
    """

    mask: str
    values: tuple[int, ...] = ()
    bits: tuple[int, ...] = ()
    where: str = "--mask"

    @property
    def band(self) -> str:
        """Name of the band that is the mask. Empty if the mask is another raster."""
        return self.mask.removeprefix(BAND).strip() if self.mask.startswith(BAND) else ""

    def to_json(self) -> dict[str, Any]:
        """Return what decides which pixels are masked, besides the files, as JSON-serializable dict."""
        return {"mask": self.mask, "values": list(self.values), "bits": list(self.bits)}

    def check(self) -> None:
        """Raise LatentclustError if nothing is masked, a bit is out of range, or the name of a band is empty."""
        if not (self.values or self.bits):
            what = f"{self.mask!r} has no values that are masked"
            fix = "Give values, such as 3,8,9,10 of Sentinel-2's SCL, or bits, such as 3,4 of Landsat's QA_PIXEL"
            raise LatentclustError.at(self.where, what, fix)
        if odd := [bit for bit in self.bits if not 0 <= bit <= MAX_BIT]:
            what = f"bit {odd[0]} is not from 0 to {MAX_BIT}"
            raise LatentclustError.at(self.where, what, "Count bits from 0, the lowest one")
        if (self.mask.startswith(BAND) and not self.band) or not self.mask.strip() or "\0" in self.mask:
            raise LatentclustError.at(self.where, f"{self.mask!r} names no mask", WAYS)


def add_masks(scenes: Sequence[Scene], choice: MaskChoice, roots: Sequence[Path] = ()) -> tuple[Scene, ...]:
    """Return scenes with their masks. Files that mask a scene are no scenes. One without a mask is a scene that fails.

    Args:
        scenes: Scenes.
        choice: Masks that the user chooses.
        roots: Folders that relative paths and patterns are also searched in, after the working folder.

    Raises:
        LatentclustError: If the choice is invalid, or the one file for all scenes does not exist.
    """
    choice.check()
    if choice.band:
        own = SceneMask("", choice.band, choice.mask, choice.values, choice.bits)
        return tuple(replace(scene, mask=own) for scene in scenes)
    if _is_pattern(choice.mask):
        found = [(scene, _matches(choice.mask, scene, roots)) for scene in scenes]
        masks = {file for _, files in found for file in files}
        others = [(scene, files) for scene, files in found if not masks & set(scene.files)]
        return tuple(_with_match(scene, files, choice) for scene, files in others)
    mask = choice.mask if is_address(choice.mask) else _existing(choice, roots)
    return tuple(_masked(scene, mask, choice) for scene in scenes if mask not in scene.files)


def _is_pattern(mask: str) -> bool:
    placed = NAME in mask or FOLDER in mask
    return placed or (glob.has_magic(mask) and not is_address(mask) and not Path(mask).expanduser().exists())


def _existing(choice: MaskChoice, roots: Sequence[Path]) -> Path:
    path = Path(choice.mask).expanduser()
    found = next((place for root in (Path(), *roots) if (place := root / path).is_file()), None)
    if found is None:
        raise LatentclustError.at(choice.where, f"no file {printable_path(path)}", WAYS)
    return _resolved(found)


def _resolved(path: Path) -> Path:
    return resolve_links(path.parent) / path.name


def _matches(pattern: str, scene: Scene, roots: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files that could be the mask of a scene."""
    folder = str(scene.files[0].parent) if scene.files else scene.name.rpartition("/")[0]
    filled = pattern.replace(NAME, glob.escape(scene.output.stem)).replace(FOLDER, glob.escape(folder))
    place = str(Path(filled).expanduser())
    for root in (Path(), *roots):
        found = tuple(_resolved(Path(each)) for each in sorted(glob.glob(str(root / place), recursive=True)))  # noqa: PTH207 (a pattern with ..)
        if found:
            named = tuple(each for each in found if _begins(each.stem, scene.output.stem))
            return found if len(found) == 1 and filled != pattern else named
    return ()


def _begins(name: str, start: str) -> bool:
    """Return whether a name is another one, or continues it after a separator."""
    return name.startswith(start) and not re.match(r"[^\W_]", name[len(start) :])


def _with_match(scene: Scene, found: tuple[Path, ...], choice: MaskChoice) -> Scene:
    """Return a scene with its mask, or with an error unless there is exactly one."""
    if len(found) == 1:
        return _masked(scene, found[0], choice)
    several = f"has {len(found)} masks, {found[0]} and {found[1].name}," if found else "has no mask"
    error = Issue(scene.name, f"{several} that match {choice.mask}", f"Change {choice.where}, or leave the scene out")
    return replace(scene, error=scene.error or error)


def _masked(scene: Scene, mask: Path | str, choice: MaskChoice) -> Scene:
    """Return a scene with another raster as its mask."""
    if isinstance(mask, Path):
        local = SceneMask(str(mask), "", printable_path(mask), choice.values, choice.bits)
        return replace(scene, mask=local, files=(*scene.files, mask))
    remote = SceneMask(gdal_name(mask), "", display_address(mask), choice.values, choice.bits)
    return replace(scene, mask=remote)
