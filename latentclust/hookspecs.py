"""Every extension point; a plugin implements these hooks in a module named under entry-point group `latentclust`."""

from collections.abc import Callable, Mapping
from importlib.resources.abc import Traversable
from typing import Any

import pluggy

from latentclust.bodies import BackboneSpec
from latentclust.inferences import InferenceSpec
from latentclust.specs import Baseline, DatasetSpec, LossSpec, MetricSpec, PriorSpec, ViewSpec
from latentclust.whole_set import StartSpec, TableSpec

GROUP = "latentclust"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def provide_backbones() -> Mapping[str, type[BackboneSpec]]:  # type: ignore[empty-body]
    """Network bodies, by name."""


@hookspec
def provide_priors() -> Mapping[str, type[PriorSpec]]:  # type: ignore[empty-body]
    """Latent distributions, by name."""


@hookspec
def provide_losses() -> Mapping[str, type[LossSpec]]:  # type: ignore[empty-body]
    """Loss terms, by name."""


@hookspec
def provide_quantities() -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]
    """Named values of a training step, by name; parameters are what they are computed from."""


@hookspec
def provide_views() -> Mapping[str, type[ViewSpec]]:  # type: ignore[empty-body]
    """Augmentations and preprocessing steps, by name."""


@hookspec
def provide_tables() -> Mapping[str, type[TableSpec]]:  # type: ignore[empty-body]
    """Tables with a row for each training sample, by name."""


@hookspec
def provide_starts() -> Mapping[str, type[StartSpec]]:  # type: ignore[empty-body]
    """Weights that a stage of the training begins with, by name."""


@hookspec
def provide_inferences() -> Mapping[str, type[InferenceSpec]]:  # type: ignore[empty-body]
    """Ways to cluster labels, by name."""


@hookspec
def provide_datasets() -> Mapping[str, type[DatasetSpec]]:  # type: ignore[empty-body]
    """Data sets, by name."""


@hookspec
def provide_metrics() -> Mapping[str, type[MetricSpec]]:  # type: ignore[empty-body]
    """Metrics of a contingency table, by name."""


@hookspec
def provide_baselines() -> Mapping[str, type[Baseline]]:  # type: ignore[empty-body]
    """Plain clusterings of images or of pixels, by name."""


@hookspec
def provide_systems() -> Mapping[str, Traversable]:  # type: ignore[empty-body]
    """Base recipes: `NAME@VERSION` to a TOML file."""
