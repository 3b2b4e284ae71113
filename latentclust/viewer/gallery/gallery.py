"""Images with their clusters, pictures and similar images, whether or not the data of a run can be read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from latentclust.data.roots import data_roots
from latentclust.errors import LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.runs.reevaluate import ModelEvaluation, open_splits
from latentclust.specs.data import ImageSource
from latentclust.viewer.background_task import BackgroundTask, ShouldStop, Tell
from latentclust.viewer.gallery.codes import Codes, read_codes
from latentclust.viewer.gallery.pictures import LockedSource, Pictures
from latentclust.viewer.gallery.table import ImageTable, read_table

MOVED = "Put the data set back, or set LATENTCLUST_DATA to the folder that holds it, and start latentclust view again"


@dataclass(frozen=True, slots=True)
class OpenImages:
    """The images that a gallery shows.

    Attributes:
        pictures: The images as PNG.
        inputs: What the networks read: the images, or stored features.
    """

    pictures: Pictures
    inputs: ImageSource


@final
class Gallery:
    """Images by cluster. Its methods may be called by several threads.

    Args:
        model: Model of whole images.
        table: Their clusters.
        opened: The images, or why they cannot be shown.
        codes: Results of their read-out. None if it is made when it is first needed.
    """

    def __init__(
        self,
        model: ClusteringModel,
        table: ImageTable,
        opened: OpenImages | LatentclustError,
        codes: Codes | None = None,
    ) -> None:
        self.model, self.table, self.codes = model, table, codes
        self._opened = opened
        self.reading = BackgroundTask("read-out of all images", self._read_codes)

    @property
    def problem(self) -> str:
        """Why the images cannot be shown. Empty if they can."""
        return _advice(self._opened) if isinstance(self._opened, LatentclustError) else ""

    @property
    def images(self) -> OpenImages:
        """The images. Raise LatentclustError if the data are missing, or are not those of the run."""
        if isinstance(self._opened, LatentclustError):
            raise self._opened
        return self._opened

    def _read_codes(self, tell: Tell, should_stop: ShouldStop) -> dict[str, Any]:
        self.codes = read_codes(self.model, self.images.inputs, tell, should_stop)
        return {"space": self.codes.space}


def open_run_gallery(folder: Path) -> Gallery:
    """Return the gallery of a run folder of a model of whole images.

    Raises:
        LatentclustError: If the model or assignments.csv is missing or damaged.
    """
    model = load(folder)
    table = read_table(folder, model.clusters)
    try:
        return Gallery(model, table, _open(model, len(table)))
    except LatentclustError as error:
        return Gallery(model, table, error)


def _open(model: ClusteringModel, rows: int) -> OpenImages:
    """Open the scored images of a run. Raise LatentclustError if they are missing or their number has changed."""
    _, tested = open_splits(ModelEvaluation(model, model.resolved), data_roots())
    if len(tested.source) != rows:
        what = f"has {len(tested.source):,} images, but the run assigned {rows:,}"
        raise LatentclustError.at(model.resolved.recipe.data.use, what, MOVED)
    source = LockedSource(tested.source)
    inputs = source if tested.features is None else LockedSource(tested.features)
    return OpenImages(Pictures(source, model.shown), inputs)


def _advice(error: LatentclustError) -> str:
    """Return an error with the advice to name the folder of the data, unless it says so."""
    text = str(error)
    return text if "LATENTCLUST_DATA" in text else f"{text.rstrip('.')}. {MOVED}."
