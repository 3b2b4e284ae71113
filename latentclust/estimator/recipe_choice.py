"""From the parameters of an estimator to the resolved recipe that it trains."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.assemble.resolve import Resolved
from latentclust.data.array_reading import BYTE_RANGE
from latentclust.data.in_memory import GivenSamples
from latentclust.errors import InvalidArgumentError, Issue
from latentclust.estimator.auto_recipe import recipe_for
from latentclust.estimator.system_recipe import known_systems, system_for
from latentclust.plugins.registry import installed
from latentclust.recipe.overrides import Overrides
from latentclust.recipe.show import inline
from latentclust.runs.run import load_resolved_recipe
from latentclust.specs.data import ImageSet
from latentclust.tensors import Shape

AUTO = "auto"

CLUSTERS, SEED, RANGE, LAYOUT = "prior.clusters", "seed", "data.range", "data.layout_of_images"
"""Keys of a recipe that an estimator sets."""

Source = str | Path | Mapping[str, Any]
"""A recipe: `auto`, a system, the name of a shipped recipe, a path or its tables."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The parameters of an estimator that choose what it trains.

    Attributes:
        recipe: The recipe.
        n_clusters: Number of clusters. None: the recipe's.
        seed: Seed. None: the recipe's.
        overrides: Changed values of the recipe. None: no changes.
    """

    recipe: Source
    n_clusters: int | None
    seed: int | None
    overrides: Overrides | None

    def resolve(self, given: GivenSamples, shape: Shape, needed: Mapping[str, Any]) -> Resolved:
        """Return the recipe, resolved on given samples.

        Args:
            given: The samples.
            shape: Shape of one sample.
            needed: Values of the recipe, by dotted key, by which the samples are read.

        Raises:
            LatentclustError: If the recipe is invalid, or the overrides contradict a parameter.
        """
        images = given.images
        count = len(images.source if isinstance(images, ImageSet) else images)
        source = self._tables(shape, count)
        resolved = load_resolved_recipe(source, self.all_overrides(needed), given=given)
        if _are_bytes(images) and resolved.dataset.model_dump().get("range") is None:
            # So that floats from 0 to 255 are read alike by the model.
            needed = {**needed, RANGE: list(BYTE_RANGE)}
            resolved = load_resolved_recipe(source, self.all_overrides(needed), given=given)
        self.check_kept(resolved)
        _check_layout(resolved, needed)
        return resolved

    def all_overrides(self, needed: Mapping[str, Any]) -> Overrides:
        """Return the values that the parameters and the samples set, and then those of the user."""
        own = {key: value for key, value in ((CLUSTERS, self.n_clusters), (SEED, self.seed)) if value is not None}
        own |= needed
        if self.overrides is None or isinstance(self.overrides, Mapping):
            return own | dict(self.overrides or {})
        return [*(f"{key}={inline(value)}" for key, value in own.items()), *self.overrides]

    def _tables(self, shape: Shape, count: int) -> Source:
        """Return the recipe, or the tables that a word stands for."""
        if not isinstance(self.recipe, str):
            return self.recipe
        if self.recipe == AUTO:
            return recipe_for(shape, count)
        if self.recipe.partition("@")[0] in known_systems(installed()):
            return system_for(self.recipe, shape, count)
        return self.recipe

    def check_kept(self, resolved: Resolved) -> None:
        """Raise InvalidArgumentError if the overrides set what a parameter sets to something else."""
        found = {
            "n_clusters": (self.n_clusters, resolved.prior.clusters, CLUSTERS),
            "random_state": (self.seed, resolved.recipe.seed, SEED),
        }
        for parameter, (wanted, value, key) in found.items():
            if wanted is not None and value != wanted:
                what = f"set {key} = {value}, but {parameter} sets it to {wanted}"
                raise InvalidArgumentError(Issue("overrides", what, f"Pass {parameter} alone, or {parameter}=None"))


def _check_layout(resolved: Resolved, needed: Mapping[str, Any]) -> None:
    """Raise InvalidArgumentError if the overrides set another position of the channels than `channels`."""
    found = resolved.dataset.model_dump().get("layout_of_images")
    if found != needed.get(LAYOUT, found):
        what = f"set {LAYOUT} = {found!r}, but channels sets it to {needed[LAYOUT]!r}"
        raise InvalidArgumentError(Issue("overrides", what, "Pass channels alone"))


def _are_bytes(images: NDArray[Any] | ImageSet) -> bool:
    return not isinstance(images, ImageSet) and images.dtype == np.uint8
