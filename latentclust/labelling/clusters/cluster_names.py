"""Names of clusters given by an analyst, and kept in the model's file."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from latentclust.model.class_names import classes_of, names_to_header, recolour_classes, rename_clusters
from latentclust.model.model import ClusteringModel, load, model_file
from latentclust.model.tensor_files import replace_metadata


def name_clusters(path: str | Path, names: Iterable[str] = (), colours: Iterable[str] = ()) -> ClusteringModel:
    """Changes what a saved model calls its clusters, in one step; its tensors stay as they are, to the bit.

    Args:
        path: A model file, or the folder of a run.
        names: `NUMBER=NAME`; several clusters may bear one name, and `NUMBER=` takes a name away.
        colours: `NAME=#rrggbb`; `NAME=` takes a colour away. A class that is no more loses its colour.

    Returns:
        The model under its new names, on the CPU.

    Raises:
        LatentclustError: No model, names or colours that will not do, or a file that cannot be written.
    """
    file = model_file(path)
    before = load(file)
    called = rename_clusters(before.names, names, before.clusters)
    painted = recolour_classes(before.colours, colours, classes_of(before.clusters, called))
    if (called, painted) == (before.names, before.colours):
        return before
    kept = {key: value for key, value in before.header.items() if key not in {"names", "colours"}}
    header = kept | names_to_header(called, painted)
    replace_metadata(file, {"latentclust": json.dumps(header)})
    return replace(before, names=called, colours=painted, header=header)
