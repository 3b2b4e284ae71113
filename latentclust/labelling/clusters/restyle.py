"""The finished outputs of a folder under their model's present names and colours, without inference."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from latentclust.errors import InterruptedRunError, Issue, LatentclustError, raise_all
from latentclust.labelling.clusters.rewrite import AGAIN, drafting, redraw
from latentclust.labelling.label_report import SceneResult
from latentclust.labelling.output_options import STAC_SUFFIX, OutputOptions, PolygonOptions
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.stac_item import read_label_item
from latentclust.labelling.run_log import RUN_LOG, RunLog, lock_folder, model_fingerprint, read_run_log
from latentclust.model.model import ClusteringModel, load
from latentclust.stopping import stop_on_signals

ELSEWHERE = "Label into another folder"


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
        LatentclustError: No account of a run, another model, or outputs that are gone, damaged, changed or cannot be
            written.
        InterruptedRunError: Ctrl-C or SIGTERM; the same call does it all.
    """
    folder = Path(folder)
    if not (folder / RUN_LOG).is_file():
        raise LatentclustError.at(str(folder), f"holds no {RUN_LOG}", "Name a folder that latentclust label wrote")
    written: list[str] = []
    with lock_folder(folder) as partial, drafting(partial) as drafts, stop_on_signals() as stopping:
        manifest = read_run_log(folder, ELSEWHERE)
        loaded = _model(manifest, model)
        classes = Legend.from_classes(loaded)
        products = OutputOptions(Legend.from_clusters(loaded), classes, _vector(manifest))
        done = [scene for scene in manifest.scenes.values() if scene.status == "done"]
        _check_there(folder, done)
        for scene in done:
            if stopping():
                raise InterruptedRunError.at(str(folder), f"stopped before {scene.output}", AGAIN)
            written += redraw(manifest, scene, products, drafts, stopping)
    return Restyled(folder, tuple(written), classes)


def _model(manifest: RunLog, given: str | Path | ClusteringModel | None) -> ClusteringModel:
    """The model that labelled the folder; raises LatentclustError for any other."""
    where = str(manifest.folder / RUN_LOG)
    if given is None and not manifest.model_path:
        raise LatentclustError.at(where, "does not say where the model is", "Name it with --model")
    model = given if isinstance(given, ClusteringModel) else load(manifest.model_path if given is None else given)
    found = model_fingerprint(model)
    if found != manifest.model:
        what = f"the folder was labelled by another model ({manifest.model[:12]}; this one is {found[:12]})"
        raise LatentclustError.at(where, what, "Name the model that labelled it with --model")
    return model


def _vector(manifest: RunLog) -> PolygonOptions | None:
    """How polygons were drawn; raises LatentclustError where the account is damaged there."""
    try:
        return TypeAdapter(PolygonOptions | None).validate_python(manifest.options.get("vector"))
    except ValidationError as error:
        what = f"does not say how polygons are drawn (options.vector: {error.errors()[0]['msg']})"
        raise LatentclustError.at(str(manifest.folder / RUN_LOG), what, ELSEWHERE) from error


def _check_there(folder: Path, scenes: list[SceneResult]) -> None:
    """Raises LatentclustError with every output that is gone, or for an item that is damaged, before any is touched."""
    names = [name for scene in scenes for name in scene.files or {scene.output: 0}]
    fix = "Run the label command again: it makes what is missing and keeps the rest"
    raise_all(Issue(str(folder / name), "is gone", fix) for name in names if not (folder / name).is_file())
    for name in names:
        if name.endswith(STAC_SUFFIX):
            read_label_item(folder / name)
