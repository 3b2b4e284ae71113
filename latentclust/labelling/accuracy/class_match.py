"""The classes of a map: from the names of its values, or matched with the samples of a reference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.outputs.legend import Legend


@dataclass(frozen=True, slots=True)
class MapClasses:
    """The class of every value of a map.

    Attributes:
        names: Names of the classes.
        groups: Number of each value's class, counted from 1, `(values,)`; 0 for nodata.
    """

    names: tuple[str, ...]
    groups: NDArray[np.int64]


def classes_from_names(names: Sequence[str]) -> MapClasses:
    """Return the classes of values 1 to n with these names. Values with the same name are one class."""
    known = tuple(dict.fromkeys(names))
    return MapClasses(known, np.array([0, *(known.index(name) + 1 for name in names)], np.int64))


def match_classes(legend: Legend, mapped: Sequence[int], classes: Sequence[str]) -> MapClasses:
    """Give each value of a map the class of most of its samples; of equally frequent classes the first by name.

    A value without samples keeps its own name.

    Args:
        legend: Legend of the map.
        mapped: Value of the map at each sample, at least 1.
        classes: Class of each sample.
    """
    found = dict(legend.names)
    known = sorted(set(classes))
    column = {name: at for at, name in enumerate(known)}
    counts = np.zeros((len(legend.entries), len(known)), np.int64)
    np.add.at(counts, (np.array(mapped, np.int64), np.array([column[name] for name in classes], np.int64)), 1)
    for value in np.flatnonzero(counts.any(axis=1)).tolist():
        found[value] = known[int(counts[value].argmax())]
    return classes_from_names([found[value] for value in sorted(found)])
