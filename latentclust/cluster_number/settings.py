"""Settings of a choice of the number of clusters, and the trainings that they need."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.assemble.resolve import Resolved, resolve
from latentclust.data.in_memory import GivenSamples
from latentclust.errors import Issue, LatentclustError
from latentclust.plugins.given import PluginSource
from latentclust.plugins.registry import installed
from latentclust.recipe.load import LoadedRecipe, load_recipe
from latentclust.recipe.overrides import Overrides, override_layers
from latentclust.runs.given_samples import hold, with_samples

CLUSTERS_KEY = "prior.clusters"

PART_TAG = 0x6B
"""Distinguishes the random draws of subsamples from others with the same seed."""

SEEDS_PER_PART = 2
"""Number of seeds that are trained on each subsample."""

LEAST_SEEDS = 3
"""Least number of seeds: two on one subsample, and one on another."""

LEAST_SUBSAMPLE = 0.5

SEED_LIMIT = 2**63
"""Seeds of a recipe are below this; the one after the last is 0."""

Recipe = str | Path | Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class BriefTraining:
    """One brief training.

    Attributes:
        clusters: Number of clusters K.
        seed: Number of the seed, counted from 1; the first one is the recipe's own.
        part: Number of the subsample, counted from 1.
    """

    clusters: int
    seed: int
    part: int

    @property
    def name(self) -> str:
        """Name of the file of its result."""
        return f"clusters-{self.clusters}-seed-{self.seed}-subsample-{self.part}.safetensors"

    def __str__(self) -> str:
        """Return the training in words."""
        return f"{self.clusters} clusters, seed {self.seed}, subsample {self.part}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a choice.

    Attributes:
        recipe: Path of a recipe, name of a shipped recipe, or the tables themselves.
        overrides: Changed values.
        clusters: Numbers of clusters, ascending.
        seeds: Number of seeds, each of which is trained once for each number of clusters.
        subsample: Part of the images in each subsample, in (0.5, 1].
        rounds: Part of the recipe's rounds that is trained, in (0, 1].
        device: Device: `auto`, `cpu`, `cuda` or `cuda:N`.
        given: Samples that replace the data set of the recipe. None: its own.
        plugins: Plugins that need not be installed, as for `run`.
    """

    recipe: Recipe
    overrides: Overrides
    clusters: tuple[int, ...]
    seeds: int
    subsample: float
    rounds: Fraction
    device: str
    given: GivenSamples | None = None
    plugins: tuple[PluginSource, ...] = ()

    def trainings(self) -> Iterator[BriefTraining]:
        """Yield the trainings: for each number of clusters every seed, the first two of them on subsample 1, and so on.

        Two seeds on the same subsample differ by the training alone; two on different ones by the images too.
        """
        for clusters in self.clusters:
            for seed in range(1, self.seeds + 1):
                yield BriefTraining(clusters, seed, part_of(seed))

    def resolved(self, clusters: int, seed: int = 1) -> Resolved:
        """Return the recipe with a number of clusters, the seed of a training, one start and a part of the rounds.

        Raises:
            LatentclustError: If the recipe is invalid with this number of clusters.
        """
        own = self._loaded({})
        changed = (
            {CLUSTERS_KEY: clusters, "seed": (own.tables.recipe.seed + seed - 1) % SEED_LIMIT}
            if not own.tables.issues
            else {}
        )
        try:
            resolved = resolve(self._loaded(changed), installed())
        except LatentclustError as error:
            issues = (Issue(f"{clusters} clusters: {i.where}", i.what, i.fix) for i in error.issues)
            raise LatentclustError(*issues) from error
        return resolved if self.given is None else hold(resolved, self.given)

    def _loaded(self, values: Mapping[str, Any]) -> LoadedRecipe:
        loaded = load_recipe(self.recipe, installed(), self._changed(values), part=self.rounds)
        return loaded if self.given is None else with_samples(loaded, self.given)

    def _changed(self, values: Mapping[str, Any]) -> Overrides:
        """Return the overrides with one start before them, which they may change, and other values after them."""
        first, last = {"train.starts": 1, "train.devices": 1}, dict(values)
        if isinstance(self.overrides, Mapping):
            return {**first, **self.overrides, **last}
        return [*_as_settings(first), *self.overrides, *_as_settings(last)]


def _as_settings(values: Mapping[str, Any]) -> list[str]:
    return [f"{key}={value}" for key, value in values.items()]


def part_of(seed: int) -> int:
    """Return the number of the subsample that a seed is trained on: two seeds share one."""
    return (seed + SEEDS_PER_PART - 1) // SEEDS_PER_PART


def check_settings(settings: Settings, workers: int) -> None:
    """Raise LatentclustError if a number is out of its range, or an override sets the number of clusters."""
    if settings.seeds < LEAST_SEEDS:
        what = f"{settings.seeds} is too few to compare two seeds on the same images and on different ones"
        raise LatentclustError.at("--seeds", what, f"Use {LEAST_SEEDS} or more")
    if not LEAST_SUBSAMPLE < settings.subsample <= 1:
        what = f"{settings.subsample:g} is not in (0.5, 1]: two subsamples must share images"
        raise LatentclustError.at("--subsample", what, "Use a part such as 0.8")
    if workers < 1:
        raise LatentclustError.at("--workers", f"{workers} is not a number of processes", "Use 1 or more")
    for tables, origin in override_layers(settings.overrides):
        prior = tables.get("prior", {})
        if isinstance(prior, Mapping) and "clusters" in prior:
            raise LatentclustError.at(origin, "is set by the numbers that are compared", "Use --clusters alone")


def subsample_indices(count: int, part: float, seed: int, number: int) -> NDArray[np.int64]:
    """Return the images of a subsample, ascending. They do not depend on the number of clusters.

    Args:
        count: Number of images.
        part: Part of the images.
        seed: Seed of the recipe.
        number: Number of the subsample, counted from 1.
    """
    rng = np.random.default_rng((PART_TAG, seed, number))
    return np.sort(rng.permutation(count)[: round(part * count)]).astype(np.int64)
