"""A finished label raster and what is known about it: the model that labelled it, its names and its colours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latentclust.data.scenes.folders import RUN_LOG
from latentclust.errors import LatentclustError
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import read_legend
from latentclust.labelling.run_log import find_run_log

FIX = "Give a raster of clusters in the folder that latentclust label wrote"


@dataclass(frozen=True, slots=True)
class LabelledRaster:
    """A raster of clusters that `latentclust label` wrote.

    Attributes:
        path: Path of the raster.
        model: Fingerprint of the model, as in labelling.json.
        legend: Names and colours of the clusters.
        options: Options that it was labelled with, as in labelling.json.
    """

    path: Path
    model: str
    legend: Legend
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def clusters(self) -> int:
        """Number of clusters of the model."""
        return len(self.legend.entries) - 1


def find_labelled_raster(path: Path) -> LabelledRaster:
    """Return what the files next to a label raster and the labelling.json above it tell.

    Raises:
        LatentclustError: If the raster does not exist, no labelling.json lists it as a raster of clusters, or it has no
            legend.
    """
    if not path.is_file():
        raise LatentclustError.at(str(path), "is not a file", FIX)
    found = find_run_log(path, "Label the scenes again")
    if found is None:
        what = f"has no {RUN_LOG} in a folder above it, so that its model is unknown"
        raise LatentclustError.at(str(path), what, FIX)
    folder, log, scene = found
    if scene is None or folder / scene.output != path.resolve():
        what = f"is not listed as a raster of clusters in {folder / RUN_LOG}"
        raise LatentclustError.at(str(path), what, FIX)
    return LabelledRaster(path, log.model, read_legend(path), log.options)


def check_comparable(before: LabelledRaster, after: LabelledRaster) -> None:
    """Raise LatentclustError if two label rasters are of different models, or their clusters have different names."""
    if before.model != after.model:
        what = f"was labelled by another model ({after.model[:12]}) than {before.path} ({before.model[:12]})"
        raise LatentclustError.at(str(after.path), what, "Label both dates with one model")
    for value, name in before.legend.names.items():
        other = after.legend.names.get(value)
        if name != other:
            what = f"calls cluster {value} {other!r}, but {before.path} calls it {name!r}"
            raise LatentclustError.at(str(after.path), what, "Run latentclust clusters apply on both folders")
