"""Names and colours that an analyst gives to clusters, stored in the model file."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from latentclust.model.class_names import classes_of, names_to_header, recolour_classes, rename_clusters
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.model.tensor_files import replace_metadata
from latentclust.networks.stored_model import model_file


def name_clusters(path: str | Path, names: Iterable[str] = (), colours: Iterable[str] = ()) -> ClusteringModel:
    """Change the names and colours of a saved model's clusters atomically. The tensors stay bit for bit the same.

    Args:
        path: A model file, or the folder of a run.
        names: Items `NUMBER=NAME`. Several clusters may share a name; `NUMBER=` removes a name.
        colours: Items `NAME=#rrggbb`; `NAME=` removes a colour. A class that no longer exists loses its colour.

    Returns:
        The model with its new names, on the CPU.

    Raises:
        LatentclustError: If there is no model, a name or colour is invalid, or the file cannot be written.
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
