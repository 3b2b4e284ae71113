"""A data set that is read from a prepared folder, and what such a folder must be to be read."""

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
"""The folder, below a data root, of prepared sets, each under its protocol's name."""


class PreparedDatasetSpec(TiledDatasetSpec, ABC):
    """A data set too large to be cut at each start: `latentclust data prepare` cuts it once."""

    origin: ClassVar[str]
    """Who publishes the raw files."""

    path: Path | None = None
    """The prepared folder, relative to the working folder or to a data folder; `prepared/PROTOCOL` unless said."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """The prepared folder, if it has its manifest."""
        pattern = f"{PREPARED}/{self.facts().name}/{MANIFEST}"
        found = resolve_path(self.path / MANIFEST, roots) if self.path else find_first(roots, (pattern,))
        return found.parent if found else None

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Opens the prepared folder; pixels are left for later."""
        folder = self.located(roots)
        if folder is None:
            raise self._absent(roots)
        return open_prepared(self, folder)

    def fetch(self, root: Path) -> None:
        """Says who publishes the raw files, and how they are prepared."""
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
    """The options that decide what tiles are, as a command line sets them; of the defaults, the protocol's only."""
    fields, options = type(spec).model_fields, spec.model_dump(mode="json", exclude={"path"})
    said = {key: value for key, value in options.items() if key == "protocol" or value != fields[key].default}
    words = {key: value if isinstance(value, str) else json.dumps(value) for key, value in said.items()}
    return "".join(f" --set {key}={word}" for key, word in words.items())


def blank(spec: PreparedDatasetSpec) -> Manifest:
    """The manifest of a folder in which no unit is made yet."""
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
    """How the preparation of a folder differs from the one wanted, or None."""

    def told(manifest: Manifest) -> str:
        options = ", ".join(f"{key}={value}" for key, value in manifest.options.items() if key != "protocol")
        return f"{manifest.data_set} by {manifest.protocol}@{manifest.version}" + (f" ({options})" if options else "")

    same = told(found) == told(wanted) and found.classes == wanted.classes
    return None if same else f"it was made as {told(found)}, and {told(wanted)} is asked for"


def open_prepared(spec: PreparedDatasetSpec, folder: Path) -> ImageSet:
    """The data set in a prepared folder, the size of every file checked.

    Raises:
        LatentclustError: No manifest, one of another preparation, files absent or of another size, tiles all the same.
    """
    manifest = read_manifest(folder / MANIFEST)
    other = mismatch(manifest, blank(spec))
    if other:
        raise LatentclustError.at(str(folder), other, "Change the options, or name another folder with data.path")
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
    """Refuses a prepared folder whose files are not there in full; compares their hashes too where asked.

    Raises:
        LatentclustError: Naming the first such file, and how many there are.
    """
    found = ((file.name, damage(folder, file, hashed)) for shard in manifest.shards for file in shard.files)
    wrong = [(name, what) for name, what in found if what]
    if wrong:
        name, what = wrong[0]
        more = f", and {len(wrong) - 1} more files" if len(wrong) > 1 else ""
        fix = "Run the same `latentclust data prepare` again: it mends what is damaged"
        raise LatentclustError.at(str(folder / name), f"{what}{more}", fix)
