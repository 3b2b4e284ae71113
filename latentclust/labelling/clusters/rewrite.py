"""A finished scene drawn anew from its label raster: under other names and colours, or as its legends are gone."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath

from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.labelling.clusters.recolour import (
    ANEW,
    classes_raster,
    count_clusters,
    merge_classes,
    merged_counts,
    recolour,
)
from latentclust.labelling.label_report import UNKNOWN_SIZE, SceneResult
from latentclust.labelling.output_options import POLYGON_SUFFIX, STAC_SUFFIX, OutputOptions
from latentclust.labelling.outputs.publish import publish_outputs
from latentclust.labelling.outputs.sidecars import sidecar_paths, write_sidecars
from latentclust.labelling.outputs.stac_item import rename_classes
from latentclust.labelling.run_log import DRAFT_FOLDER, RUN_LOG, RunLog
from latentclust.labelling.vector.polygons import write_polygons

AGAIN = "Run the same command again"

Stopping = Callable[[], bool]


@contextmanager
def drafting(partial: Path) -> Iterator[Path]:
    """A folder of drafts within that of temporary files; it is removed in the end."""
    folder = partial / DRAFT_FOLDER
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def restored(
    manifest: RunLog, kept: frozenset[str], products: OutputOptions, partial: Path, stopping: Stopping
) -> frozenset[str]:
    """Draws finished scenes anew whose legends are gone; those that cannot be are left out, to be labelled anew.

    Args:
        manifest: The folder's account.
        kept: The outputs that are there.
        products: Their names and colours.
        partial: The folder of temporary files.
        stopping: Whether the user wants to stop.

    Raises:
        InterruptedRunError: A stop was asked for.
    """
    lost = set()
    with drafting(partial) as drafts:
        for name in sorted(name for name in kept if not _has_legends(manifest, manifest.scenes[name])):
            if stopping():
                raise InterruptedRunError.at(name, "stopped before its legend was written", AGAIN)
            try:
                redraw(manifest, manifest.scenes[name], products, drafts, stopping)
            except InterruptedRunError:
                raise
            except LatentclustError:
                lost.add(name)
                manifest.mark_replaced(manifest.scenes[name])
    return kept - lost


def _has_legends(manifest: RunLog, scene: SceneResult) -> bool:
    output = PurePath(scene.output)
    rasters = {str(output), str(classes_raster(output))} & (scene.files or {}).keys()
    return all(path.exists() for name in rasters for path in sidecar_paths(manifest.folder / name))


def redraw(
    manifest: RunLog, scene: SceneResult, products: OutputOptions, drafts: Path, stopping: Stopping
) -> tuple[str, ...]:
    """Draws all of a scene's outputs that bear names or colours, then gives them their names and enters them.

    Args:
        manifest: The folder's account.
        scene: One that is done.
        products: Names, colours, and how polygons are drawn.
        drafts: A folder for temporary files; what it holds is removed.
        stopping: Whether the user wants to stop.

    Returns:
        The rasters, relative to the output folder.

    Raises:
        LatentclustError: An output that is damaged or is not what was written, or a file that cannot be written.
        InterruptedRunError: A stop was asked for; nothing has changed.
    """
    output, files = PurePath(scene.output), scene.files or {scene.output: UNKNOWN_SIZE}
    made = drafts / "made"
    shutil.rmtree(drafts, ignore_errors=True)
    made.mkdir(parents=True)
    rasters = _draw_rasters(manifest, scene, products, made)
    _draw_rest(manifest, scene, products, made, stopping)
    # A run that is killed in between leaves files of either size.
    changing = {name: UNKNOWN_SIZE for name in files if (made / PurePath(name).name).exists()}
    manifest.add_and_save(replace(scene, files={**files, **changing}))
    manifest.add_and_save(replace(scene, files={**files, **publish_outputs(manifest.folder, output, made, None)}))
    return rasters


def _draw_rasters(manifest: RunLog, scene: SceneResult, products: OutputOptions, made: Path) -> tuple[str, ...]:
    """Draws the clusters, the classes where a run wrote them, and their legends; which rasters that are."""
    output, legend = PurePath(scene.output), products.clusters
    labels = manifest.folder / output
    counts = count_clusters(labels, len(legend.entries) - 1)
    labelled = sum(counts.values()) - counts[0]
    if labelled != scene.pixels:
        what = f"holds {labelled:,} pixels of data, and {RUN_LOG} says {scene.pixels:,}"
        raise LatentclustError.at(str(labels), what, ANEW)
    recolour(labels, made.parent / "labels.vrt", made / output.name, legend, labelled)
    write_sidecars(made / output.name, legend, counts)
    classes = classes_raster(output)
    if products.classes is None or str(classes) not in (scene.files or {}):
        return (scene.output,)
    merge_classes(labels, made.parent / "classes-draft.tif", made / classes.name, products.classes)
    write_sidecars(made / classes.name, products.classes, merged_counts(counts, products.classes))
    return str(classes), scene.output


def _draw_rest(manifest: RunLog, scene: SceneResult, products: OutputOptions, made: Path, stopping: Stopping) -> None:
    """Draws polygons, and changes the classes of STAC items, where a run wrote them."""
    output, files, legend = PurePath(scene.output), scene.files or {}, products.clusters
    vector, item = output.with_suffix(POLYGON_SUFFIX), output.with_suffix(STAC_SUFFIX)
    if products.vector and str(vector) in files:
        how = products.vector
        labels, target = manifest.folder / output, made / vector.name
        write_polygons(labels, target, legend.names, how.min_area, how.max_polygons, stopping)
    if str(item) in files:
        rename_classes(manifest.folder / item, made / item.name, legend.names, legend.palette)
