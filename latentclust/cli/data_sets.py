"""What is known of the data sets, opened and unopened."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.markup import escape
from rich.table import Table

from latentclust.data.prepared.manifest import MANIFEST, read_manifest
from latentclust.data.prepared.prepared_dataset import PreparedDatasetSpec, check
from latentclust.errors import LatentclustError
from latentclust.evaluate.contingency import class_counts, pixel_counts
from latentclust.plugins.registry import Registry
from latentclust.recipe.overrides import parse_setting
from latentclust.report.display_names import class_names
from latentclust.specs.data import ImageSet, SealedMaps
from latentclust.specs.parts import DatasetSpec

MAX_INSPECTED = 10_000
"""Samples, spread over the set, by which the range of values is told."""

CHUNK = 500


@dataclass(frozen=True, slots=True)
class DatasetLine:
    """A data set in a line.

    Attributes:
        found: The file or folder that tells its place; None where it is absent or one's own.
        own: Whether it is the user's: which files, its options say.
    """

    name: str
    summary: str
    found: Path | None
    own: bool
    layout: str


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """An opened data set.

    Attributes:
        range: Least and greatest value of the samples looked at.
        looked_at: How many those are.
        classes: Samples, or pixels, of each class, by name; None without labels.
        per_pixel: Whether a sample has a map of classes instead of one class.
        protocol: By which the samples were made, in one line, or None.
        rasters: How many scenes the samples are windows of.
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
    rasters: int


def build_dataset(registry: Registry, name: str, settings: tuple[str, ...]) -> DatasetSpec:
    """A data set with its options; raises LatentclustError where there is none or they do not suit it."""
    options: dict[str, Any] = {}
    for setting in settings:
        options |= parse_setting(setting)
    spec = registry.build("dataset", name, options, "data")
    assert isinstance(spec, DatasetSpec), "the registry checked it"
    return spec


def list_datasets(registry: Registry, roots: tuple[Path, ...]) -> list[DatasetLine]:
    """Every data set, by name."""
    lines = []
    for part in registry.parts("dataset"):
        name, kind = registry.recipe_name(part), part.value
        own = any(field.is_required() for field in kind.model_fields.values())
        found = None if own else build_dataset(registry, name, ()).located(roots)
        lines.append(DatasetLine(name, kind.summary, found, own, kind.layout))
    return lines


def datasets_table(lines: list[DatasetLine]) -> Table:
    """For the terminal; an absent set says which files it would need."""
    table = Table()
    table.add_column("data set", no_wrap=True)
    table.add_column("holds")
    table.add_column("where", overflow="fold")
    for line in lines:
        where = str(line.found) if line.found else f"[dim]absent; lay out[/] {escape(line.layout)}"
        table.add_row(line.name, escape(line.summary), f"[dim]{escape(line.layout)}[/]" if line.own else where)
    return table


def inspect_dataset(
    registry: Registry, name: str, settings: tuple[str, ...], roots: tuple[Path, ...], verify: bool = False
) -> DatasetFacts:
    """A data set opened and looked through; `verify` compares a prepared one with its hashes first."""
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
        rasters=len(opened.scenes),
    )


def facts_table(facts: DatasetFacts) -> Table:
    """For the terminal."""
    table = Table(title=facts.name, show_header=False)
    low, high = facts.range
    spread = "" if facts.looked_at == facts.samples else f" in {facts.looked_at:,} samples looked at"
    axes = "channels x height x width" if len(facts.shape) == 3 else "values"
    rows = {
        "holds": facts.summary,
        "found": str(facts.found or "–"),
        "licence": facts.licence,
        "samples": f"{facts.samples:,}",
        "shape": f"{' x '.join(map(str, facts.shape))} ({axes})",
        "values": f"{facts.dtype}, {low:g} to {high:g}{spread}",
        **({"protocol": facts.protocol} if facts.protocol else {}),
        **({"windows of": f"{facts.rasters:,} raster{'s' * (facts.rasters > 1)}"} if facts.rasters else {}),
        "labels": _labels_in_words(facts),
    }
    for name, value in rows.items():
        table.add_row(name, escape(value))
    for name, count in (facts.classes or {}).items():
        table.add_row("", escape(f"{name}: {count:,}"))
    return table


def _labels_in_words(facts: DatasetFacts) -> str:
    if facts.classes is None:
        return "none"
    return f"{len(facts.classes)} classes" + (", a map an image; pixels of each:" if facts.per_pixel else "")


def _verify(spec: DatasetSpec, name: str, roots: tuple[Path, ...]) -> None:
    if not isinstance(spec, PreparedDatasetSpec):
        raise LatentclustError.at("--verify", f"{name} is no prepared set and has no hashes", "Leave --verify out")
    folder = spec.located(roots)
    if folder is not None and not (folder / MANIFEST).is_file():
        what = f"{name} is read from raw files in {folder}, which have no recorded hashes"
        raise LatentclustError.at("--verify", what, "Leave --verify out, or prepare the set")
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
