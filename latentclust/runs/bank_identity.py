"""The identity of a feature bank: a key that depends on all that decides the values of the features."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentclust.assemble.experiment import Experiment
from latentclust.assemble.resolve import Resolved
from latentclust.data.feature_bank import BankHeader
from latentclust.data.fingerprint import Fingerprint
from latentclust.recipe.schema import FeaturesTable
from latentclust.specs.data import ImageSet
from latentclust.specs.parts import Spec

DECODED = 64
"""Number of images that are decoded to notice another decoder."""

OTHER_PLACE = ("path",)
"""Options of data sets that do not change their samples; files are found by their fingerprint."""


def describe_bank(experiment: Experiment, data: ImageSet, views: int) -> BankHeader:
    """Return the header of a bank before it is written. Its key depends on all that decides the values."""
    (header,) = describe_banks(experiment, data, (views,))
    return header


def describe_banks(experiment: Experiment, data: ImageSet, numbers: Iterable[int]) -> list[BankHeader]:
    """Return the header of a bank for each number of views. The weights and the data are read once for all."""
    resolved, network = experiment.resolved, experiment.features
    table = resolved.recipe.features
    by_contents = resolved.recipe.data.compare_files_by == "contents"
    assert network is not None
    assert table is not None
    assert resolved.features is not None
    common = {
        "weights": _digest_of(network.state_dict()),
        "backbone": [table.use, resolved.features.bare().model_dump(mode="json"), table.precision],
        "preprocess": _options(resolved.recipe.data.preprocess, resolved.preprocess),
        "fitted": {position: _digest_of(tensors) for position, tensors in experiment.fitted.items()},
        "data": [resolved.recipe.data.use, _without_place(resolved), data.protocol and str(data.protocol)],
        "samples": Fingerprint.of(data, by_contents, complete=True).model_dump(mode="json"),
        "seen": _digest_of_samples(data),
        "version": version("latentclust"),
    }
    return [
        BankHeader(
            key=_key_of({**common, "views": [views, _view_options(resolved, table) if views else []]}),
            network=resolved.features.weights_origin() or f"{table.use} with random weights",
            data=resolved.recipe.data.use,
            samples=len(data.source),
            rows=1 + views,
            width=network.width,
        )
        for views in numbers
    ]


def _key_of(identity: Mapping[str, Any]) -> str:
    text = json.dumps(identity, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _view_options(resolved: Resolved, table: FeaturesTable) -> list[Any]:
    """Return the options of the view that is stored. A view without steps has none."""
    steps = () if table.view is None else resolved.views[table.view]
    return _options(resolved.recipe.views[table.view].parts(), steps) if steps and table.view else []


def _digest_of(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _digest_of_samples(data: ImageSet) -> str:
    """Return a hash of a few samples as they are decoded now, which notices another decoder."""
    indices = np.unique(np.linspace(0, len(data.source) - 1, DECODED).astype(np.int64))
    return hashlib.sha256(data.source.read(indices).tobytes()).hexdigest()


def _options(tables: Any, steps: tuple[Spec, ...]) -> list[Any]:
    return [[table.use, step.model_dump(mode="json")] for table, step in zip(tables, steps, strict=True)]


def _without_place(resolved: Resolved) -> Mapping[str, Any]:
    options = resolved.dataset.model_dump(mode="json")
    return {key: value for key, value in options.items() if key not in OTHER_PLACE}
