"""The current legend of a label raster: from the model file, whose names may be newer than those in the raster."""

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import final

from latentclust.errors import LatentclustError
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import read_legend, sidecar_paths
from latentclust.model.stored_names import read_names
from latentclust.viewer.session import Session

LEGEND_KINDS = ("labels", "classes")
"""Kinds of rasters that have a legend."""


@dataclass(frozen=True, slots=True)
class CurrentLegend:
    """A legend with its origin.

    Attributes:
        legend: Legend.
        version: Text that changes with the legend.
        from_model: Whether names and colours are those of the model file, which are the newest.
    """

    legend: Legend
    version: str
    from_model: bool


@final
class Legends:
    """The legends of the rasters of a session, read again after their file changed."""

    def __init__(self, session: Session) -> None:
        """Read which model the file holds now. Names of another one that replaces it are not shown."""
        self._session = session
        self._model = read_names(session.model, session.clusters).model if session.model else ""
        self._kept: dict[tuple[int, str], tuple[object, CurrentLegend]] = {}
        self._lock = threading.Lock()

    def get(self, index: int, kind: str) -> CurrentLegend:
        """Return the legend of a raster.

        The values of a raster of classes are numbered anew when clusters are merged. Until the names are applied, its
        legend is therefore the one that is stored with it.

        Args:
            index: Position of the scene.
            kind: One of `LEGEND_KINDS`.

        Raises:
            LatentclustError: If neither the model file nor the raster has a legend.
        """
        model, raster = self._session.model, self._session.scenes[index].rasters.get(kind)
        stored = None if raster is None else sidecar_paths(raster)[0]
        state = (_state(model), _state(stored))
        with self._lock:
            kept = self._kept.get((index, kind))
        if kept and kept[0] == state:
            return kept[1]
        found = self._read(kind, raster)
        with self._lock:
            self._kept[index, kind] = (state, found)
        return found

    def _read(self, kind: str, raster: Path | None) -> CurrentLegend:
        model = self._session.model
        if model is not None and (kind == "labels" or raster is None):
            try:
                names = read_names(model, self._session.clusters)
                if names.model != self._model:
                    raise LatentclustError.at(model.name, "holds another model than before", "Open the model again")
                return _current(Legend.from_clusters(names) if kind == "labels" else Legend.from_classes(names), True)
            except LatentclustError:
                if raster is None:
                    raise
        if raster is None:
            raise LatentclustError.at("legend", "there is no model and no label raster", "Label the scene")
        if not self._session.has_file(sidecar_paths(raster)[0]):
            what = f"has no legend: {sidecar_paths(raster)[0].name} is missing, or is a link out of the folder"
            raise LatentclustError.at(raster.name, what, "Update the rasters, or label the scene again")
        return _current(read_legend(raster), False)


def _current(legend: Legend, from_model: bool) -> CurrentLegend:
    return CurrentLegend(legend, hashlib.sha256(repr(legend).encode()).hexdigest()[:12], from_model)


def _state(path: Path | None) -> tuple[int, int] | None:
    """Return what changes when a file is written, or None without it."""
    try:
        stat = path.stat() if path else None
    except OSError:
        return None
    return None if stat is None else (stat.st_mtime_ns, stat.st_ino)
