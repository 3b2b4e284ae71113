"""Names and colours that an analyst gives to clusters, stored in the model file."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from latentclust.errors import LatentclustError
from latentclust.model.class_names import classes_of, recolour_classes, rename_clusters
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.model.stored_names import NAMING, StoredNames, change_names, model_identity, naming_to_header
from latentclust.networks.stored_model import model_file


def name_clusters(path: str | Path, names: Iterable[str] = (), colours: Iterable[str] = ()) -> ClusteringModel:
    """Change the names and colours of a saved model's clusters atomically. The tensors stay bit for bit the same.

    Several processes may name clusters of the same file: each changes what the others left.

    Args:
        path: A model file, or the folder of a run.
        names: Items `NUMBER=NAME`. Several clusters may share a name; `NUMBER=` removes a name.
        colours: Items `NAME=#rrggbb`; `NAME=` removes a colour. A class that no longer exists loses its colour.

    Returns:
        The model with its new names, on the CPU.

    Raises:
        LatentclustError: If there is no model, a name or colour is invalid, or the file cannot be written.
    """
    file, names, colours = model_file(path), tuple(names), tuple(colours)
    before = load(file)
    if not names and not colours:
        return before

    def change(found: StoredNames) -> tuple[Mapping[int, str], Mapping[str, str]]:
        if found.model != model_identity(before.header):
            raise LatentclustError.at(str(file), "was replaced by another model meanwhile", "Run the command again")
        called = rename_clusters(found.names, names, found.clusters)
        return called, recolour_classes(found.colours, colours, classes_of(found.clusters, called))

    return named_model(before, change_names(file, before.clusters, change))


def named_model(model: ClusteringModel, stored: StoredNames) -> ClusteringModel:
    """Return a model with the names of its file."""
    kept = {key: value for key, value in model.header.items() if key not in NAMING}
    header = kept | naming_to_header(stored)
    return replace(model, names=stored.names, colours=stored.colours, header=header, named_from=stored.records)
