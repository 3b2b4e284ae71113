"""Accuracy assessment of a label raster against reference points or polygons, in bounded memory."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from latentclust.data.scenes.opening import open_raster
from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.evaluate.stratified_accuracy import stratified_accuracy
from latentclust.labelling.accuracy.accuracy_result import (
    CLASSES,
    COUNTS,
    FILES,
    PROPORTIONS,
    SAMPLES,
    SUMMARY,
    LeftOut,
    MapAccuracy,
)
from latentclust.labelling.accuracy.accuracy_summary import accuracy_markdown
from latentclust.labelling.accuracy.class_match import MapClasses, classes_from_names, match_classes
from latentclust.labelling.accuracy.naming_samples import naming_warnings
from latentclust.labelling.accuracy.reference_units import SampleUnits, UnitReader, check_placed
from latentclust.labelling.measure.area_tally import AreaTally
from latentclust.labelling.measure.zone_file import FeatureLayer, open_features
from latentclust.labelling.outputs.cog import write_errors
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.result_folder import result_folder
from latentclust.labelling.outputs.sidecars import read_legend
from latentclust.labelling.reference.blocks import split_into_blocks
from latentclust.labelling.vector.ground_area import GroundArea


def assess_map(
    labels: Path, reference: Path, class_field: str, out: Path, match: bool = False, overwrite: bool = False
) -> MapAccuracy:
    """Estimate the accuracy of a label raster and the areas of its classes, and write them into a folder.

    The strata are the classes of the map. See `stratified_accuracy` for the estimators.

    Args:
        labels: Raster of clusters or classes, with its legend next to it. Values with the same name are one class.
        reference: Vector file of points and polygons in any CRS. Without one they are in that of the map.
        class_field: Attribute with the classes.
        out: Folder of the results.
        match: Whether each cluster gets the class of most of its samples, in place of its name.
        overwrite: Whether results of an earlier call are replaced.

    Raises:
        LatentclustError: If a file is missing or damaged, no class of the reference is one of the map, no sample lies
            on the map, or a file cannot be written.
    """
    if not labels.is_file():
        raise LatentclustError.at(str(labels), "is not a file", "Give a raster that latentclust label wrote")
    legend = read_legend(labels)
    layer = open_features(reference, class_field, "--class-field", "vector")
    with result_folder(out, FILES, overwrite, (labels, reference)) as folder:
        with open_raster(labels) as file:
            check_placed(file, labels, layer)
            tally = _measure(file, labels, len(legend.entries))  # It checks the values, which `_sample` looks up.
            units, classes = _sample(file, labels, layer, legend, match)
        found = _assess(units, classes, tally, (labels, reference, out), match)
        if not match:
            found = replace(found, naming=naming_warnings(labels, reference, classes.names))
        _write(found, units, classes, folder)
    return found


def _sample(
    file: DatasetReader, labels: Path, layer: FeatureLayer, legend: Legend, match: bool
) -> tuple[SampleUnits, MapClasses]:
    """Read the units, and return them with the class of the map at each, and the classes."""
    if not match:
        classes = classes_from_names([entry.name for entry in legend.entries[1:]])
        units = UnitReader(file, labels, classes.groups).read(layer)
        _check_samples(units, layer)
        given = sorted(set(units.classes))
        if not set(given) & set(classes.names):
            what = f"no class of the reference ({_listed(given)}) is one of the map ({_listed(classes.names)})"
            fix = "Name the clusters with latentclust clusters name and apply, or pass --match"
            raise LatentclustError.at(str(layer.path), what, fix)
        return units, classes
    units = UnitReader(file, labels, np.arange(len(legend.entries))).read(layer)
    _check_samples(units, layer)
    on_map = [at for at, value in enumerate(units.mapped) if value > 0]
    classes = match_classes(legend, [units.mapped[at] for at in on_map], [units.classes[at] for at in on_map])
    units.mapped = [int(classes.groups[value]) if value > 0 else value for value in units.mapped]
    return units, classes


def _check_samples(units: SampleUnits, layer: FeatureLayer) -> None:
    """Raise LatentclustError if no unit lies on the map."""
    if not any(value > 0 for value in units.mapped):
        what = (
            f"has no sample on the map: {units.outside:,} outside, {units.nodata:,} on no data, {units.unclassed:,} "
            f"without a class, {units.other:,} neither points nor polygons"
        )
        raise LatentclustError.at(str(layer.path), what, "Check the two coordinate systems, and --class-field")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")


def _measure(file: DatasetReader, path: Path, values: int) -> AreaTally:
    """Return the pixels and areas of the values of an open map."""
    tally = AreaTally(values, GroundArea.from_dataset(file))
    for block in split_into_blocks(file.height, file.width):
        with decode_errors(path):
            labels: NDArray[Any] = file.read(1, window=block.window)
        if labels.max() >= values:
            what = f"contains the value {labels.max()}, but its legend has {values - 1} values"
            raise LatentclustError.at(str(path), what, "Label the scene again")
        tally.add(labels, block.window.row_off, block.window.col_off)
    return tally


def _assess(
    units: SampleUnits, classes: MapClasses, tally: AreaTally, paths: tuple[Path, Path, Path], match: bool
) -> MapAccuracy:
    known = bool(np.isfinite(tally.areas).all())
    weights = tally.areas if known else tally.counts.astype(np.float64)
    samples = [(at - 1, name) for at, name in zip(units.mapped, units.classes, strict=True) if at > 0]
    mapped = len(classes.names)
    names = (*classes.names, *sorted({name for _, name in samples} - set(classes.names)))
    sizes = np.zeros(len(names), np.float64)
    sizes[:mapped] = np.bincount(classes.groups, weights, minlength=mapped + 1)[1:]
    counts = np.zeros((len(names), len(names)), np.int64)
    column = {name: at for at, name in enumerate(names)}
    np.add.at(counts, ([row for row, _ in samples], [column[name] for _, name in samples]), 1)
    labels, reference, out = paths
    return MapAccuracy(
        folder=out,
        map=labels,
        reference=reference,
        names=names,
        on_map=np.arange(len(names)) < mapped,
        sizes=sizes,
        known=known,
        found=stratified_accuracy(counts, sizes),
        points=units.points,
        polygons=units.polygons,
        left_out=LeftOut(units.nodata, units.outside, units.unclassed, units.other),
        matched=match,
    )


def _write(found: MapAccuracy, units: SampleUnits, classes: MapClasses, folder: Path) -> None:
    rows = found.class_rows()
    _write_csv(
        folder / CLASSES, list(rows[0]), (["" if cell is None else cell for cell in row.values()] for row in rows)
    )
    for name, matrix in ((COUNTS, found.found.counts), (PROPORTIONS, found.found.proportions)):
        cells = ([title, *row] for title, row in zip(found.names, matrix.tolist(), strict=True))
        _write_csv(folder / name, ["map", *found.names], cells)
    places = zip(units.features, units.mapped, units.classes, strict=True)
    shown = ((feature, classes.names[at - 1] if at > 0 else PLACES[at], name) for feature, at, name in places)
    _write_csv(folder / SAMPLES, ["feature", "map", "reference"], shown)
    with write_errors(folder / SUMMARY):
        (folder / SUMMARY).write_text(accuracy_markdown(found), encoding="utf-8")


PLACES = {0: "(no data)", -1: "(outside)"}
"""Texts in place of a class of the map."""


def _write_csv(target: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with write_errors(target), target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
