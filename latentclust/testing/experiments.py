"""Recipes, networks and trainings for the tests of a plugin."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from latentclust.assemble.experiment import assemble
from latentclust.plugins.registry import installed
from latentclust.runs.run import load_resolved_recipe
from latentclust.specs.parts import Spec
from latentclust.train.callbacks import Callbacks
from latentclust.train.events import NullListener, Record
from latentclust.train.fabric import make_fabric
from latentclust.train.loop import Training
from latentclust.train.setup import prepare_training

RecipeSource = str | Path | Mapping[str, Any]
"""A recipe: the name of a shipped one, a TOML file, or its tables."""


def build_part(kind: str, name: str, **options: Any) -> Spec:
    """Build an installed part from its options.

    Raises:
        LatentclustError: If no such part is installed, or an option is invalid.
    """
    return installed().build(kind, name, options, kind)


def build_networks(recipe: RecipeSource, settings: tuple[str, ...] = ()) -> Mapping[str, nn.Module]:
    """Build the networks of a recipe with their initial weights, by name. Data sets without files are opened.

    Args:
        recipe: The recipe.
        settings: Changed values, as for `--set`.
    """
    return assemble(load_resolved_recipe(recipe, settings), ()).networks


def start_training(
    recipe: RecipeSource,
    folder: Path,
    settings: tuple[str, ...] = (),
    on_record: Callable[[Record], None] | None = None,
) -> Training:
    """Prepare the training of a recipe on the CPU. Its `run` trains.

    Args:
        recipe: The recipe. It must use a data set that needs no files.
        folder: Folder for checkpoints.
        settings: Changed values, as for `--set`, such as `train.rounds=5`.
        on_record: Function that receives each record of the training log.
    """
    experiment = assemble(load_resolved_recipe(recipe, settings), ())
    return prepare_training(experiment, make_fabric("cpu", 1), folder, Callbacks(_RecordListener(on_record)))


class _RecordListener(NullListener):
    """A listener that passes the records of the training log on."""

    def __init__(self, on_record: Callable[[Record], None] | None) -> None:
        self._on_record = on_record

    def on_record(self, record: Record) -> None:
        """Pass a record on."""
        if self._on_record is not None:
            self._on_record(record)
