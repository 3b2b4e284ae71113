"""The finished outputs of a folder under their model's present names and colours, without inference."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

from latentclust.errors import InterruptedRunError, Issue, LatentclustError, raise_all
from latentclust.labelling.catalogue import rename_classes
from latentclust.labelling.legend import Legend
from latentclust.labelling.manifest import NAME, PARTIAL, Manifest, identity, locked, read_manifest
from latentclust.labelling.outcome import SceneOutcome
from latentclust.labelling.polygons import write_polygons
from latentclust.labelling.products import ITEM, VECTOR
from latentclust.labelling.redraw import ANEW, classes_raster, count_clusters, merge_classes, merged_counts, recolour
from latentclust.labelling.sidecars import write_sidecars
from latentclust.labelling.write import writing
from latentclust.model import ClusteringModel, load
from latentclust.stopping import stop_on_signals


@dataclass(frozen=True, slots=True)
class Restyled:
    """What was drawn anew.

    Attributes:
        folder: Of the outputs.
        rasters: Of clusters and of classes, relative to the folder.
        classes: The legend of the classes.
    """

    folder: Path
    rasters: tuple[str, ...]
    classes: Legend

    def as_json(self) -> dict[str, Any]:
        """What a machine reads."""
        return {"folder": str(self.folder), "rasters": list(self.rasters), "classes": self.classes.as_json()}


def restyle(folder: str | Path, model: str | Path | ClusteringModel | None = None) -> Restyled:
    """Gives every finished output of a folder its model's present names and colours.

    Label rasters keep their pixels and get another colour table; rasters of classes, where a run wrote them, are merged
    anew; the files beside both are written anew. A run that is repeated finds its outputs whole.

    Args:
        folder: Holds label rasters and labelling.json.
        model: The one that labelled them; unless given, the file that labelling.json names.

    Raises:
        LatentclustError: No account of a run, another model, or outputs that are gone, changed or cannot be written.
        InterruptedRunError: Ctrl-C or SIGTERM; the same call does it all.
    """
    folder = Path(folder)
    if not (folder / NAME).is_file():
        raise LatentclustError.at(str(folder), f"holds no {NAME}", "Name a folder that latentclust label wrote")
    written: list[str] = []
    with locked(folder) as partial, TemporaryDirectory(dir=partial) as drafts, stop_on_signals() as stopping:
        manifest = read_manifest(folder, "Label into another folder")
        loaded = _model(manifest, model)
        legends = _Legends(Legend.of_clusters(loaded), Legend.of_classes(loaded))
        done = [scene for scene in manifest.scenes.values() if scene.status == "done"]
        _check_there(folder, done)
        for scene in done:
            if stopping():
                raise InterruptedRunError.at(
                    str(folder), f"stopped before {scene.output}", "Run the same command again"
                )
            written += _restyle(manifest, scene, legends, Path(drafts))
    return Restyled(folder, tuple(written), legends.classes)


@dataclass(frozen=True, slots=True)
class _Legends:
    """Of the rasters of clusters, and of those of classes."""

    clusters: Legend
    classes: Legend


def _model(manifest: Manifest, given: str | Path | ClusteringModel | None) -> ClusteringModel:
    """The model that labelled the folder; raises LatentclustError for any other."""
    where = str(manifest.folder / NAME)
    if given is None and not manifest.model_path:
        raise LatentclustError.at(where, "does not say where the model is", "Name it with --model")
    model = given if isinstance(given, ClusteringModel) else load(manifest.model_path if given is None else given)
    found = identity(model)
    if found != manifest.model:
        what = f"the folder was labelled by another model ({manifest.model[:12]}; this one is {found[:12]})"
        raise LatentclustError.at(where, what, "Name the model that labelled it with --model")
    return model


def _check_there(folder: Path, scenes: list[SceneOutcome]) -> None:
    """Raises LatentclustError with every output that is gone, before any is touched."""
    names = [name for scene in scenes for name in scene.files or {scene.output: 0}]
    fix = "Run the label command again: it makes what is missing and keeps the rest"
    raise_all(Issue(str(folder / name), "is gone", fix) for name in names if not (folder / name).is_file())


def _restyle(manifest: Manifest, scene: SceneOutcome, legends: _Legends, partial: Path) -> list[str]:
    """Draws a scene's outputs under temporary names, then renames and enters them; the names of the rasters."""
    labels = manifest.folder / scene.output
    counts = count_clusters(labels, len(legends.clusters.entries) - 1)
    labelled = sum(counts.values()) - counts[0]
    if labelled != scene.pixels:
        what = f"holds {labelled:,} pixels of data, and {NAME} says {scene.pixels:,}"
        raise LatentclustError.at(str(labels), what, ANEW)
    recolour(labels, partial / "labels.vrt", partial / "labels.tif", legends.clusters, labelled)
    drawn = {scene.output: (partial / "labels.tif", legends.clusters)}
    classes = str(classes_raster(PurePath(scene.output)))
    if classes in (scene.files or {}):
        merge_classes(labels, partial / "classes-draft.tif", partial / "classes.tif", legends.classes)
        drawn = {classes: (partial / "classes.tif", legends.classes), **drawn}
    for name, (draft, legend) in drawn.items():
        target = manifest.folder / name
        with writing(target):
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(target)
        write_sidecars(target, legend, merged_counts(counts, legend))
    _rename(manifest, PurePath(scene.output), scene, legends.clusters)
    manifest.record(replace(scene, files=_sizes(manifest.folder, scene.files or {scene.output: 0})))
    return list(drawn)


def _rename(manifest: Manifest, output: PurePath, scene: SceneOutcome, legend: Legend) -> None:
    """Draws polygons anew, and changes the classes of STAC items, where a run wrote them."""
    files, labels = scene.files or {}, manifest.folder / output
    vector, item = output.with_suffix(VECTOR), output.with_suffix(ITEM)
    if str(vector) in files:
        facts = manifest.options["vector"]
        with TemporaryDirectory(dir=manifest.folder / PARTIAL) as drafts:
            draft = Path(drafts) / vector.name
            write_polygons(labels, draft, legend.names, facts["min_area"], facts["max_polygons"])
            draft.replace(manifest.folder / vector)
    if str(item) in files:
        rename_classes(manifest.folder / item, legend.names, legend.palette)


def _sizes(folder: Path, files: Mapping[str, int]) -> dict[str, int]:
    """The bytes that each file has now."""
    return {name: (folder / name).stat().st_size for name in files}
