"""Write the missing legends and tables of finished scenes; what users edited stays as it is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from pathlib import Path, PurePath

from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.labelling.clusters.recolour import RERUN_FIX, ShouldStop, classes_raster, merged_counts
from latentclust.labelling.clusters.restyle import count_scene, draft_folder, rewrite_scene
from latentclust.labelling.label_report import SceneResult
from latentclust.labelling.measure.area_table import area_table_text, write_area_table
from latentclust.labelling.measure.zone_table import ZONE_TABLE_SUFFIX, rewrite_zone_table, zone_table_path
from latentclust.labelling.output_options import OutputOptions
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import read_legend, sidecar_paths, style_text, write_style
from latentclust.labelling.run_log import RunLog
from latentclust.model.class_names import classes_of

ROUNDING_UNITS = 20
"""Units of the last decimal that a sum of rounded areas of clusters may differ by from the rounded area of a class."""


@dataclass(frozen=True, slots=True)
class _LabelRaster:
    """A raster of clusters or of classes of a finished scene.

    Attributes:
        path: The raster.
        legend: Current legend.
    """

    path: Path
    legend: Legend

    @property
    def legends(self) -> tuple[Path, Path]:
        """Paths of the legends for GDAL and for QGIS."""
        return sidecar_paths(self.path)[:2]

    @property
    def areas(self) -> Path:
        """Path of the table of areas."""
        return sidecar_paths(self.path)[2]

    def legend_beside(self) -> Legend | None:
        """Return the legend next to the raster, or None if it is missing or damaged."""
        try:
            return read_legend(self.path)
        except LatentclustError:
            return None


def restore_missing(
    log: RunLog, kept: frozenset[str], options: OutputOptions, temporary: Path, should_stop: ShouldStop
) -> frozenset[str]:
    """Write missing legends and missing tables of areas and of zones of finished scenes.

    If the names or colours of a scene with a missing legend are not the current ones, or are unknown, all its outputs
    that contain them are rewritten, except edited styles and tables. Scenes that cannot be rewritten are dropped from
    the result, so that they are labelled again.

    Args:
        log: The run log of the folder.
        kept: Output names of the finished scenes.
        options: Names and colours of the outputs, and the other output options.
        temporary: The folder of temporary files.
        should_stop: Returns True once the user asks to stop.

    Returns:
        The names in `kept` whose outputs are complete.

    Raises:
        InterruptedRunError: If the user asks to stop.
    """
    lost = set()
    with draft_folder(temporary) as drafts:
        for name in sorted(kept):
            scene = log.scenes[name]
            if all(path.exists() for path in _wanted(log, scene, options)):
                continue
            if should_stop():
                raise InterruptedRunError.at(name, "stopped before its legend was written", RERUN_FIX)
            try:
                _restore(log, scene, options, drafts, should_stop)
            except InterruptedRunError:
                raise
            except LatentclustError:
                lost.add(name)
                log.mark_replaced(scene)
    return kept - lost


def _rasters(log: RunLog, scene: SceneResult, options: OutputOptions) -> list[_LabelRaster]:
    """Return the raster of clusters of a scene and the one of classes, as far as the run wrote them."""
    output = PurePath(scene.output)
    pairs = ((output, options.clusters), (classes_raster(output), options.classes))
    files = scene.files or {}
    return [_LabelRaster(log.folder / path, legend) for path, legend in pairs if legend and str(path) in files]


def _zone_tables(log: RunLog, scene: SceneResult) -> list[Path]:
    return [log.folder / name for name in scene.files or () if name.endswith(ZONE_TABLE_SUFFIX)]


def _wanted(log: RunLog, scene: SceneResult, options: OutputOptions) -> Iterator[Path]:
    """Yield the paths of the legends and tables that a finished scene has."""
    for raster in _rasters(log, scene, options):
        yield from sidecar_paths(raster.path)
    yield from _zone_tables(log, scene)


def _restore(log: RunLog, scene: SceneResult, options: OutputOptions, drafts: Path, should_stop: ShouldStop) -> None:
    """Write the legends and tables of a scene that are missing. Raise LatentclustError if its raster is damaged."""
    rasters = _rasters(log, scene, options)
    if not all(table.exists() for table in _zone_tables(log, scene)):
        options.write_zone_tables(scene.input, log.folder / scene.output, should_stop)
    if all(path.exists() for raster in rasters for path in sidecar_paths(raster.path)):
        return
    counts = count_scene(log, scene, options.clusters, should_stop)
    complete = all(path.exists() for raster in rasters for path in raster.legends)
    if not complete and not all(_is_current(raster) for raster in rasters):
        edited = frozenset(_edited_files(rasters, counts, drafts))
        rewrite_scene(log, scene, options, drafts, should_stop, edited)
    _write_styles_and_areas(rasters, counts)


def _write_styles_and_areas(rasters: list[_LabelRaster], counts: Mapping[int, int]) -> None:
    """Write the styles and tables of areas that are missing, with the current names and colours."""
    for raster in rasters:
        if not raster.legends[1].exists():
            write_style(raster.path, raster.legend)
        if not raster.areas.exists():
            write_area_table(raster.path, raster.legend, merged_counts(counts, raster.legend))


def _is_current(raster: _LabelRaster) -> bool:
    """Return whether a raster has a legend with the current names and colours."""
    beside = raster.legend_beside()
    return beside is not None and (beside.names, beside.palette) == (raster.legend.names, raster.legend.palette)


def _edited_files(rasters: list[_LabelRaster], counts: Mapping[int, int], drafts: Path) -> Iterator[str]:
    """Yield the names of styles and tables that differ from what a run writes with the legends next to the rasters.

    Where a legend is missing, the current one is compared.
    """
    clusters = rasters[0]
    names = (clusters.legend_beside() or clusters.legend).names
    drafts.mkdir(parents=True, exist_ok=True)
    for raster in rasters:
        legend = _with_clusters(raster, names)
        sums = merged_counts(counts, legend)
        texts: dict[Path, Callable[[], str]] = {
            raster.legends[1]: partial(style_text, legend),
            raster.areas: partial(area_table_text, raster.path, legend, sums),
            zone_table_path(raster.path): partial(_zone_table_text, clusters.path, legend, drafts),
        }
        yield from (path.name for path, text in texts.items() if path.exists() and _differs(path, text))


def _differs(path: Path, text: Callable[[], str]) -> bool:
    """Return whether a file differs from a text, or the text cannot be made."""
    try:
        wanted = text()
    except LatentclustError:
        return True
    found = path.read_bytes()
    if found == wanted.encode() or not path.name.endswith(ZONE_TABLE_SUFFIX):
        return found != wanted.encode()
    pairs = zip_longest(found.decode(errors="replace").splitlines(), wanted.splitlines(), fillvalue="")
    return not all(_same_row(*pair) for pair in pairs)


def _same_row(found: str, wanted: str) -> bool:
    """Return whether two lines of a table have the same cells, up to the rounding of numbers that were added up."""
    pairs = zip_longest(found.split(","), wanted.split(","), fillvalue="")
    return all(one == two or _rounded_alike(one, two) for one, two in pairs)


def _rounded_alike(found: str, wanted: str) -> bool:
    decimals = len(wanted.partition(".")[2])
    if len(found.partition(".")[2]) != decimals or not decimals:
        return False
    try:
        return abs(float(found) - float(wanted)) <= ROUNDING_UNITS * 10.0**-decimals
    except ValueError:
        return False


def _zone_table_text(labels: Path, legend: Legend, drafts: Path) -> str:
    target = drafts / "zones.csv"
    rewrite_zone_table(zone_table_path(labels), target, legend)
    return target.read_text(encoding="utf-8")


def _with_clusters(raster: _LabelRaster, names: Mapping[int, str]) -> Legend:
    """Return the legend next to a raster with the clusters of each value, or the current legend if that is unknown.

    Args:
        raster: Raster of clusters or of classes.
        names: Names of the clusters when the raster was written.
    """
    beside = raster.legend_beside()
    if beside is None:
        return raster.legend
    of = classes_of(len(names), names)
    if tuple(beside.names.values()) != tuple(of):
        return beside if len(beside.entries) == len(names) + 1 else raster.legend
    return Legend(tuple(replace(entry, clusters=of[entry.name]) if entry.value else entry for entry in beside.entries))
