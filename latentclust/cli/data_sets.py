"""Listing and description of data sets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from latentclust.data.prepared.manifest import MANIFEST, read_manifest
from latentclust.data.prepared.prepared_dataset import PreparedDatasetSpec, check
from latentclust.data.raster_windows import WindowSource
from latentclust.data.rasters import BYTES
from latentclust.errors import LatentclustError
from latentclust.evaluate.contingency import class_counts, pixel_counts
from latentclust.plugins.registry import Registry
from latentclust.recipe.overrides import parse_setting
from latentclust.report.display_names import class_names
from latentclust.specs.data import ImageSet, ImageSource, SealedMaps
from latentclust.specs.parts import DatasetSpec

MAX_INSPECTED = 10_000
"""Maximum number of samples, spread over the data set, that the range of values is computed from."""

CHUNK = 500

MAX_LISTED = 100
"""Maximum number of rasters that the table names."""


@dataclass(frozen=True, slots=True)
class DatasetLine:
    """A data set in the list.

    Attributes:
        name: Name that a recipe uses.
        summary: One-line description.
        found: File or folder of the data set. None if it is missing or made of the user's own files.
        own: Whether it is made of the user's own files, which its options name.
        layout: Files that it consists of.
    """

    name: str
    summary: str
    found: Path | None
    own: bool
    layout: str


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """The description of an opened data set.

    Attributes:
        range: Smallest and largest value of the inspected samples.
        looked_at: Number of inspected samples.
        classes: Number of samples or pixels of each class, by name. None without labels.
        per_pixel: Whether a sample has a label map instead of one class.
        protocol: Protocol by which the samples were made, in one line. None without one.
        rasters: Scenes that the samples are windows of.
        stretch: Values that become 0 and 255, by band of the scenes. None for other sets.
        notes: What the user may not expect, such as files that were passed over.
    """

    name: str
    summary: str
    found: Path | None
    licence: str
    samples: int
    shape: tuple[int, ...]
    dtype: str
    range: tuple[float, float]
    looked_at: int
    classes: dict[str, int] | None
    per_pixel: bool
    protocol: str | None
    rasters: tuple[str, ...]
    stretch: dict[str, tuple[float, float]] | None
    notes: tuple[str, ...]


def build_dataset(registry: Registry, name: str, settings: tuple[str, ...]) -> DatasetSpec:
    """Return a data set with its options. Raise LatentclustError if it does not exist or the options are invalid."""
    options: dict[str, Any] = {}
    for setting in settings:
        options |= parse_setting(setting)
    spec = registry.build("dataset", name, options, "data")
    assert isinstance(spec, DatasetSpec), "the registry checked it"
    return spec


def list_datasets(registry: Registry, roots: tuple[Path, ...]) -> list[DatasetLine]:
    """Return all data sets in order of name."""
    lines = []
    for part in registry.parts("dataset"):
        name, kind = registry.recipe_name(part), part.value
        own = any(field.is_required() for field in kind.model_fields.values())
        found = None if own else build_dataset(registry, name, ()).located(roots)
        lines.append(DatasetLine(name, kind.summary, found, own, kind.layout))
    return lines


def datasets_table(lines: list[DatasetLine]) -> Table:
    """Return the list as a table for the terminal. For a missing data set it shows the files that are needed."""
    table = Table()
    table.add_column("data set", no_wrap=True)
    table.add_column("contents")
    table.add_column("location", overflow="fold")
    for line in lines:
        missing = Text.assemble(("missing; expected files:", "italic"), f" {line.layout}")
        where = Text(str(line.found)) if line.found else missing
        table.add_row(line.name, line.summary, Text(line.layout, "italic") if line.own else where)
    return table


def inspect_dataset(
    registry: Registry, name: str, settings: tuple[str, ...], roots: tuple[Path, ...], verify: bool = False
) -> DatasetFacts:
    """Open and describe a data set. With `verify`, check a prepared one against its hashes first."""
    spec = build_dataset(registry, name, settings)
    if verify:
        _verify(spec, name, roots)
    opened = spec.open(roots)
    source = opened.source
    low, high, looked_at = _range(opened)
    return DatasetFacts(
        name=name,
        summary=spec.summary,
        found=spec.located(roots),
        licence=spec.licence,
        samples=len(source),
        shape=source.shape,
        dtype=str(source.dtype),
        range=(low, high),
        looked_at=looked_at,
        classes=_classes(opened),
        per_pixel=isinstance(opened.labels, SealedMaps),
        protocol=str(opened.protocol) if opened.protocol else None,
        rasters=tuple(scene.name for scene in opened.scenes),
        stretch=_stretch(source),
        notes=opened.notes,
    )


def facts_table(facts: DatasetFacts) -> Table:
    """Return the description as a table for the terminal."""
    table = Table(title=facts.name, show_header=False)
    low, high = facts.range
    spread = "" if facts.looked_at == facts.samples else f" in {facts.looked_at:,} inspected samples"
    axes = "channels x height x width" if len(facts.shape) == 3 else "values"
    rows = {
        "contents": facts.summary,
        "location": str(facts.found or "–"),
        "licence": facts.licence,
        "samples": f"{facts.samples:,}",
        "shape": f"{' x '.join(map(str, facts.shape))} ({axes})",
        "values": f"{facts.dtype}, {low:g} to {high:g}{spread}",
        **({"protocol": facts.protocol} if facts.protocol else {}),
        **_raster_rows(facts),
        "labels": _labels_text(facts),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    for name, count in (facts.classes or {}).items():
        table.add_row("", f"{name}: {count:,}")
    for note in facts.notes:
        table.add_row("note", note)
    return table


def _stretch(source: ImageSource) -> dict[str, tuple[float, float]] | None:
    if not isinstance(source, WindowSource):
        return None
    reading = source.windows.reading
    names = reading.names or ("",) * len(reading.bands)
    pairs = zip(reading.bands, names, strict=True)
    labels = [f"band {band} ({name})" if name else f"band {band}" for band, name in pairs]
    return dict(zip(labels, reading.ranges or (BYTES,) * len(labels), strict=True))


def _raster_rows(facts: DatasetFacts) -> dict[str, str]:
    if facts.stretch is None:
        return {}
    more = len(facts.rasters) - MAX_LISTED
    names = [*facts.rasters[:MAX_LISTED], *([f"and {more:,} more"] if more > 0 else [])]
    ranges = [f"{band}: {low:g} to {high:g}" for band, (low, high) in facts.stretch.items()]
    rasters = f"{len(facts.rasters):,} raster{'s' * (len(facts.rasters) > 1)}"
    return {"windows of": "\n".join([rasters, *names]), "become 0 to 255": "\n".join(ranges)}


def _labels_text(facts: DatasetFacts) -> str:
    if facts.classes is None:
        return "none"
    return f"{len(facts.classes)} classes" + (", one label map per image; pixels of each:" if facts.per_pixel else "")


def _verify(spec: DatasetSpec, name: str, roots: tuple[Path, ...]) -> None:
    if not isinstance(spec, PreparedDatasetSpec):
        raise LatentclustError.at("--verify", f"{name} is not a prepared data set and has no hashes", "Remove --verify")
    folder = spec.located(roots)
    if folder is not None and not (folder / MANIFEST).is_file():
        what = f"{name} is read from raw files in {folder}, which have no recorded hashes"
        raise LatentclustError.at("--verify", what, "Remove --verify, or prepare the data set")
    if folder is not None:
        check(folder, read_manifest(folder / MANIFEST), hashed=True)


def _range(opened: ImageSet) -> tuple[float, float, int]:
    indices = np.unique(np.linspace(0, len(opened.source) - 1, MAX_INSPECTED).astype(np.int64))
    low, high = np.inf, -np.inf
    for start in range(0, len(indices), CHUNK):
        samples = opened.source.read(indices[start : start + CHUNK])
        low, high = min(low, float(samples.min())), max(high, float(samples.max()))
    return low, high, len(indices)


def _classes(opened: ImageSet) -> dict[str, int] | None:
    if opened.labels is None:
        return None
    if isinstance(opened.labels, SealedMaps):
        counts = pixel_counts(opened.labels, len(opened.source), len(opened.classes))
    else:
        counts = class_counts(opened.labels, len(opened.classes) or None)
    return dict(zip(class_names(opened.classes, len(counts)), counts.tolist(), strict=True))
