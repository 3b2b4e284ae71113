"""What the indices or colours of one's own masks stand for."""

from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentclust.api import VOID
from latentclust.bundled.datasets.label_files import Colour, read_colours, read_ids, to_labels

_BYTES = range(256)


@dataclass(frozen=True, slots=True)
class MaskKey:
    """The key to masks.

    Attributes:
        classes: Class names, of the ids that are not void, in ascending order from 0.
        palette: The colours whose places are the ids; empty where masks hold ids.
        void: The ids that have no class.
    """

    classes: tuple[str, ...]
    palette: tuple[Colour, ...]
    void: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Class names, in label order; a colour without one is called by its hexadecimal digits."""
        colours = (colour for place, colour in enumerate(self.palette) if place not in self.void)
        return self.classes or tuple("#{:02x}{:02x}{:02x}".format(*colour) for colour in colours)

    @property
    def labels(self) -> dict[int, int]:
        """The label of every id that may occur."""
        ids = (id_ for id_ in count() if id_ not in self.void)
        classes = {id_: label for label, id_ in enumerate(islice(ids, len(self.names)))}
        return classes | dict.fromkeys(self.void, VOID)

    def objection(self) -> str | None:
        """What does not fit together, or None."""
        if not self.palette:
            return None
        wrong = [colour for colour in self.palette if not all(value in _BYTES for value in colour)]
        twice = [colour for colour in self.palette if self.palette.count(colour) > 1]
        beyond = [id_ for id_ in self.void if id_ >= len(self.palette)]
        scored = len(set(range(len(self.palette))) - set(self.void))
        if wrong:
            return f"palette: {wrong[0]} is no colour of three values from 0 to 255"
        if twice:
            return f"palette: {twice[0]} is there twice"
        if beyond:
            return f"void: {beyond[0]} is no place in the palette, which ends at {len(self.palette) - 1}"
        if self.classes and len(self.classes) != scored:
            return f"classes: {len(self.classes)} names for {scored} colours that are not void"
        return None

    def read(self, path: Path) -> NDArray[np.int16]:
        """The labels `(h, w)` of a mask; raises LatentclustError on a damaged file, or an id or colour of no class."""
        ids = read_colours(path, self.palette) if self.palette else read_ids(path)
        return to_labels(ids, self.labels, path)
