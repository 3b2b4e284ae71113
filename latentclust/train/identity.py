"""The identity of a training: the recipe and the data that a checkpoint belongs to."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from latentclust.assemble.experiment import Experiment
from latentclust.data.fingerprint import Fingerprint
from latentclust.errors import LatentclustError

ROUNDS = "train.rounds"

FREE = ("name", "description", "schema", "extends", "evaluate.", "train.log_every", "train.checkpoint_")
"""Keys of a recipe, or their beginnings, that do not change the weights. They may differ from the checkpoint's."""

FREE_OPTIONS = (
    "data.resident",
    "data.memory_limit",
    "data.workers",
    "data.path",
    "data.display",
    "features.folder_limit",
)
"""Keys of the data set that do not change its samples; another folder is found by its files."""

SHOWN = 3
"""Maximum number of differences that a message names."""


class Identity(BaseModel):
    """The recipe and the data of a training.

    Attributes:
        recipe: Values of the recipe that decide the weights, by dotted key.
        data: Fingerprint of the training set.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    recipe: dict[str, Any]
    data: Fingerprint

    @classmethod
    def of(cls, experiment: Experiment, data: Fingerprint | None = None) -> "Identity":
        """Return the identity of an experiment. The fingerprint of its data is computed if it is not given."""
        tree = dict(_flat(experiment.resolved.loaded.layered.tree))
        starts = {stage.name: stage.start.fingerprint() for stage in experiment.resolved.stages if stage.start}
        files = {f"stages.{name}.start (files)": found for name, found in starts.items() if found}
        files |= {f"plugins.{one.plugin.name} (SHA-256)": one.plugin.sha256 for one in experiment.resolved.plugins}
        return cls(
            recipe={key: value for key, value in tree.items() if not _is_free(key)} | files,
            data=data or fingerprint(experiment),
        )

    def check(self, now: "Identity", where: str) -> None:
        """Raise LatentclustError if the recipe or the data have changed. More rounds than before are accepted.

        Args:
            now: Identity of the training that would continue.
            where: File of the checkpoint, for the message.
        """
        missing = object()
        keys = [*self.recipe, *(key for key in now.recipe if key not in self.recipe)]
        values = {key: (self.recipe.get(key, missing), now.recipe.get(key, missing)) for key in keys}
        changes = [
            f"{key} {_change(before, after, missing)}"
            for key, (before, after) in values.items()
            if before != after and not (key == ROUNDS and _is_more(before, after))
        ]
        if changes:
            more = f"; {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
            what = f"the recipe has changed since the checkpoint: {'; '.join(changes[:SHOWN])}{more}"
            raise LatentclustError.at(where, what, "Restore recipe.toml, or start a new run with the other recipe")
        if difference := self.data.change(now.data):
            what = f"the training data have changed since the checkpoint: they {difference}"
            raise LatentclustError.at(where, what, "Restore the data, or start a new run")


def fingerprint(experiment: Experiment) -> Fingerprint:
    """Return the fingerprint of an experiment's data, with the contents of files if its recipe compares those."""
    return Fingerprint.of(experiment.data, experiment.resolved.recipe.data.compare_files_by == "contents")


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a recipe that are no tables, by dotted key. Tuples become lists, as JSON stores them."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", list(value) if isinstance(value, tuple) else value


def _is_free(key: str) -> bool:
    return key.startswith(FREE) or key in FREE_OPTIONS or key.endswith(".if_empty")


def _change(before: Any, after: Any, missing: object) -> str:
    if before is missing:
        return f"is new ({after!r})"
    return f"was {before!r} and is missing" if after is missing else f"was {before!r} and is {after!r}"


def _is_more(before: Any, after: Any) -> bool:
    return isinstance(before, int) and isinstance(after, int) and after > before
