"""Data sets that are read from a prepared folder, and the checks of such a folder."""

import json
from abc import ABC
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from latentclust.data.prepared.manifest import MANIFEST, Manifest, Shard, StoredFile, damage, read_manifest
from latentclust.data.prepared.shard_sources import Arrays, ShardImages, ShardMaps, ShardMasks
from latentclust.data.roots import find_first, resolve_path
from latentclust.data.sources import image_set
from latentclust.data.tiling import TiledDatasetSpec, with_skipped
from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSet, SealedMaps

PREPARED = "prepared"
"""Folder of prepared data sets below a data root, with one folder per protocol."""


class PreparedDatasetSpec(TiledDatasetSpec, ABC):
    """A data set that is too large to be cut at each start. `latentclust data prepare` cuts it once."""

    origin: ClassVar[str]
    """Publisher of the raw files."""

    path: Path | None = None
    """Prepared folder, relative to the working folder or to a data root. Defaults to `prepared/PROTOCOL`."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return the prepared folder if it has a manifest, otherwise None."""
        pattern = f"{PREPARED}/{self.facts().name}/{MANIFEST}"
        found = resolve_path(self.path / MANIFEST, roots) if self.path else find_first(roots, (pattern,))
        return found.parent if found else None

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Open the prepared folder. Pixels are read on demand."""
        folder = self.located(roots)
        if folder is None:
            raise self._absent(roots)
        return open_prepared(self, folder)

    def fetch(self, root: Path) -> None:
        """Raise LatentclustError with the publisher of the raw files and the command that prepares them."""
        what = f"{self.name} has no download with a known checksum"
        raise LatentclustError.at("data fetch", what, self._advice(root / PREPARED / self.facts().name))

    def _absent(self, roots: tuple[Path, ...]) -> LatentclustError:
        wanted = self.path or Path(PREPARED, self.facts().name)
        searched = ", ".join(map(str, (roots if self.path is None else (Path(), *roots)))) or "no folder"
        what = f"{self.name} is not prepared: no {wanted / MANIFEST} in {searched}"
        target = wanted if self.path else Path("data", wanted)
        return LatentclustError.at("data.path" if self.path else "data.use", what, self._advice(target))

    def _advice(self, target: Path) -> str:
        command = f"latentclust data prepare {self.name}{_settings(self)} --from DIR --to {target}"
        get = f"Get it from {self.origin} (licence: {self.licence}), lay out {self.layout} below DIR"
        return f"{get}, and run `{command}`"


def _settings(spec: PreparedDatasetSpec) -> str:
    """Return the options that decide the tiles, as `--set` settings, without defaults other than the protocol."""
    fields, options = type(spec).model_fields, spec.model_dump(mode="json", exclude={"path"})
    said = {key: value for key, value in options.items() if key == "protocol" or value != fields[key].default}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in said.items()}
    return "".join(f" --set {key}={text}" for key, text in texts.items())


def blank(spec: PreparedDatasetSpec) -> Manifest:
    """Return the manifest of a folder without units."""
    facts = spec.facts()
    return Manifest(
        data_set=spec.name,
        protocol=facts.name,
        version=facts.version,
        options=spec.model_dump(mode="json", exclude={"path"}),
        classes=spec.class_names,
        mask_reads_labels=spec.masks_by_labels,
    )


def mismatch(found: Manifest, wanted: Manifest) -> str | None:
    """Return the difference between the preparation of a folder and the expected one, or None."""

    def describe(manifest: Manifest) -> str:
        options = ", ".join(f"{key}={value}" for key, value in manifest.options.items() if key != "protocol")
        return f"{manifest.data_set} by {manifest.protocol}@{manifest.version}" + (f" ({options})" if options else "")

    same = describe(found) == describe(wanted) and found.classes == wanted.classes
    return None if same else f"was prepared as {describe(found)}, expected {describe(wanted)}"


def open_prepared(spec: PreparedDatasetSpec, folder: Path) -> ImageSet:
    """Return the data set in a prepared folder after checking the size of every file.

    Raises:
        LatentclustError: If the manifest is missing or belongs to another preparation, files are missing or have
            another size, or all tiles are equal.
    """
    manifest = read_manifest(folder / MANIFEST)
    other = mismatch(manifest, blank(spec))
    if other:
        raise LatentclustError.at(str(folder), other, "Change the options, or set another folder with data.path")
    check(folder, manifest, hashed=False)
    shards = [shard for shard in manifest.shards if shard.tiles]
    counts, shape = [shard.tiles for shard in shards], manifest.shape

    def paths(file: Callable[[Shard], StoredFile | None]) -> list[Path | None]:
        return [folder / found.name if found else None for found in map(file, shards)]

    images, labels, masks = paths(lambda s: s.images), paths(lambda s: s.labels), paths(lambda s: s.valid)
    source = ShardImages(Arrays(images, counts, shape, 0), shape)
    return replace(
        image_set(source, None, (), str(folder)),
        labels=SealedMaps(ShardMaps(labels, counts, shape[1:])) if any(labels) else None,
        classes=spec.class_names,
        valid=ShardMasks(masks, counts, shape[1:], manifest.mask_reads_labels) if any(masks) else None,
        protocol=with_skipped(spec.facts(), manifest.skipped, manifest.digest),
    )


def check(folder: Path, manifest: Manifest, hashed: bool) -> None:
    """Check that all files of a prepared folder exist with their size and, if `hashed`, their hash.

    Raises:
        LatentclustError: If files are missing or damaged, naming the first one and their number.
    """
    found = ((file.name, damage(folder, file, hashed)) for shard in manifest.shards for file in shard.files)
    wrong = [(name, what) for name, what in found if what]
    if wrong:
        name, what = wrong[0]
        more = f", and {len(wrong) - 1} more files" if len(wrong) > 1 else ""
        fix = "Run the same `latentclust data prepare` again to repair damaged files"
        raise LatentclustError.at(str(folder / name), f"{what}{more}", fix)
