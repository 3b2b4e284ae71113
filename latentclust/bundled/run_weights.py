"""A start of a stage: weights of networks of another run, so that several runs share one pretraining."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, final

import torch
from pydantic import Field, PrivateAttr
from torch import Tensor, nn

from latentclust.api import Images, LatentclustError, Model, StartSpec, StoredModel, model_file, read_stored_model

RESULTS = "results.json"
"""File of a run folder that names the pretrained weights that the run read."""

SHOWN_DIGITS = 12
"""Number of digits of the SHA-256 in reports."""

SHOWN_NAMES = 3
"""Maximum number of weights in a message."""


@final
class WeightsFromRun(StartSpec):
    """All weights of some networks as another run has trained them. Reports name the run and the hash of its model.

    The networks must have the same names and shapes in both recipes. The file is read when the training is prepared,
    and its hash belongs to the checkpoint: a run resumes with the same weights only.

    Example:
        ```toml
        [stages.heads]
        rounds = 2000
        start = { use = "weights-from-run", run = "runs/pretext/seed-0", networks = ["trunk"] }
        ```
    """

    run: Path = Field(examples=["runs/pretext/seed-0"])
    """Run folder, or model file, relative to the working folder."""

    networks: Annotated[tuple[str, ...], Field(min_length=1)] = ("trunk",)
    """Names of the networks."""

    _read: tuple[StoredModel, str] | None = PrivateAttr(None)

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the networks."""
        return self.networks

    def check(self, networks: Mapping[str, nn.Module]) -> None:
        """Raise LatentclustError if the run has no readable recipe, no such networks, or they have other weights."""
        self._stored()[0].recipe()
        self._weights(networks)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the model file."""
        return self._stored()[1]

    def weights_origin(self) -> str:
        """Return the run, the hash of its model, and the pretrained weights that it read itself."""
        try:
            stored, digest = self._stored()
            tables = stored.recipe()
        except LatentclustError:
            return f"{', '.join(self.networks)} of {self.run}, which cannot be read any more"
        trial = " (a trial)" if tables.get("train", {}).get("trial") else ""
        named = f"{tables.get('name')}{trial}, seed {stored.header.get('seed', 0)}"
        earlier = "".join(f"; that run read {origin}" for origin in _weights_of_run(stored.file.parent / RESULTS))
        networks = ", ".join(self.networks)
        return f"{networks} of the run {named} in {self.run}, SHA-256 {digest[:SHOWN_DIGITS]}{earlier}"

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        """Return the weights of the networks. Neither images nor random numbers are used.

        Raises:
            LatentclustError: If the run cannot be read, or its networks do not match.
        """
        return self._weights(model.networks)

    def _stored(self) -> tuple[StoredModel, str]:
        """Return the model and the SHA-256 of its file, which is read once."""
        if self._read is None:
            file = model_file(self.run)
            stored = read_stored_model(file)
            self._read = stored, hashlib.sha256(file.read_bytes()).hexdigest()
        return self._read

    def _weights(self, networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        stored, _ = self._stored()
        found = stored.networks()
        weights: dict[str, Tensor] = {}
        for name in self.networks:
            if name not in found:
                what = f"{stored.file} has no network {name!r}; it has {', '.join(found)}"
                raise LatentclustError.at("networks", what, "Name networks of both recipes")
            if problems := _differences(found[name], networks[name].state_dict()):
                what = f"{name!r} of {stored.file} differs: {'; '.join(problems[:SHOWN_NAMES])}"
                raise LatentclustError.at("networks", what, f"Give [networks.{name}] the keys of that run's recipe")
            weights |= {f"{name}.{key}": tensor for key, tensor in found[name].items()}
        return weights


def _differences(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """Return in which names and shapes the weights of a run differ from those of a network."""
    return [
        *(f"{name} is missing" for name in wanted if name not in found),
        *(f"{name} is not a weight of this recipe" for name in found if name not in wanted),
        *(
            f"{name} has shape {tuple(tensor.shape)}, expected {tuple(wanted[name].shape)}"
            for name, tensor in found.items()
            if name in wanted and tensor.shape != wanted[name].shape
        ),
    ]


def _weights_of_run(results: Path) -> list[str]:
    """Return the pretrained weights that a run names in its results. Empty without readable results."""
    try:
        named: Any = json.loads(results.read_bytes()).get("weights", [])
    except (OSError, ValueError, AttributeError):
        return []
    return [str(origin) for origin in named] if isinstance(named, list) else []
