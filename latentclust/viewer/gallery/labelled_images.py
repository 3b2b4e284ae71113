"""A gallery of image files that a model labels first."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentclust.data.image_files import read_image
from latentclust.infer.image_inputs import Inputs, Reading, is_array_file, open_inputs
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.specs.data import ImageSource
from latentclust.viewer.gallery.codes import read_codes
from latentclust.viewer.gallery.gallery import Gallery, OpenImages
from latentclust.viewer.gallery.pictures import LockedSource, Pictures
from latentclust.viewer.gallery.table import ImageTable


@final
class OriginalImages(ImageSource):
    """Image files as they are, of any size, and the rows of array files as the model reads them.

    Args:
        inputs: The samples with their files.
        reading: How the model reads them.
    """

    def __init__(self, inputs: Inputs, reading: Reading) -> None:
        self.shape, self.dtype = inputs.source.shape, inputs.source.dtype
        self._inputs, self._ground = inputs, reading.ground

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._inputs.paths)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return samples, which must be of one size. Raise LatentclustError if a file is missing or damaged."""
        paths = [Path(self._inputs.paths[index]) for index in indices]
        if any(is_array_file(path) for path in paths):
            return self._inputs.source.read(indices)
        return np.stack([read_image(path, self._ground) for path in paths])


def label_images(
    model: ClusteringModel,
    paths: Sequence[Path],
    resize: bool,
    skip_bad: bool,
    range_: tuple[float, float] | None = None,
    phases: Phases = SILENT,
) -> tuple[Gallery, tuple[str, ...]]:
    """Assign images to the clusters of a model, batch by batch.

    Return their gallery, and sentences about files that are not read.

    Args:
        model: Model of whole images.
        paths: Files and folders.
        resize: Whether images of another size are resized, even if those of the training were not.
        skip_bad: Whether image files that cannot be read are left out.
        range_: Values of arrays that are scaled to 0 and 1. None: as in the training.
        phases: Tells the progress.

    Raises:
        LatentclustError: If an image is missing, damaged or of another size than the model reads.
    """
    phases.begin("opening the images")
    trained = Reading.of(model.resolved.dataset)
    reading = replace(trained, resize=resize or trained.resize, range=range_ or trained.range, skip_bad=skip_bad)
    inputs = open_inputs(paths, model.raw_shape, reading)
    source = LockedSource(inputs.source)
    codes = read_codes(model, source, phases=phases)
    table = ImageTable(codes.clusters[:, 0], codes.probabilities[:, 0].astype(np.float64), _names(inputs))
    pictures = Pictures(LockedSource(OriginalImages(inputs, reading)), model.shown)
    skipped = inputs.skipped
    left_out = [f"Files left out: {len(skipped):,}, the first: {each.where}: {each.what}" for each in skipped[:1]]
    return Gallery(model, table, OpenImages(pictures, source), codes), (*inputs.notes, *left_out)


def _names(inputs: Inputs) -> tuple[str, ...]:
    """Return the file of each sample, with its row if the file has several."""
    pairs = zip(inputs.paths, inputs.rows.tolist(), strict=True)
    return tuple(f"{path}[{row}]" if is_array_file(Path(path)) else path for path, row in pairs)
