"""Every extension point; a plugin implements these hooks in a module named under entry-point group `latentclust`.

docs/reference/hooks.md is made from this file. An argument would be added to the hook and its value to `ARGUMENTS`: a
plugin that does not name it goes on working. To take one away again, deprecate it first, with
`@hookspec(warn_on_impl_args={"argument": DeprecationWarning("what to do instead")})`, and a whole hook with
`@hookspec(warn_on_impl=DeprecationWarning(...))`: whoever runs a command with such a plugin is told in a line.
"""

from collections.abc import Callable, Mapping
from importlib.resources.abc import Traversable
from typing import Any

import pluggy

from latentclust.plugins.distributions import PARTS_GROUP
from latentclust.specs.backbones import BackboneSpec
from latentclust.specs.inference import InferenceSpec
from latentclust.specs.parts import Baseline, DatasetSpec, LossSpec, MetricSpec, PriorSpec, ViewSpec
from latentclust.specs.sample_tables import StartSpec, TableSpec

hookspec = pluggy.HookspecMarker(PARTS_GROUP)
hookimpl = pluggy.HookimplMarker(PARTS_GROUP)

ARGUMENTS: Mapping[str, Any] = {}
"""What hooks may ask for, by the name of the argument: nothing as yet."""


@hookspec
def provide_backbones() -> Mapping[str, type[BackboneSpec]]:  # type: ignore[empty-body]
    """Network bodies, by name: an `ExtractorSpec` or `MapExtractorSpec` reads, a decoder's spec generates."""


@hookspec
def provide_priors() -> Mapping[str, type[PriorSpec]]:  # type: ignore[empty-body]
    """Latent distributions, by name: a `PriorSpec` of whole images, a `MapPriorSpec` of label maps."""


@hookspec
def provide_losses() -> Mapping[str, type[LossSpec]]:  # type: ignore[empty-body]
    """Loss terms, by name; the parameters of `__call__` are the quantities, networks and values that it asks for."""


@hookspec
def provide_quantities() -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]
    """Named values of a training step, by name; a function's parameters are what it is computed from.

    The name is a Python identifier, for parameters ask for it.
    """


@hookspec
def provide_views() -> Mapping[str, type[ViewSpec]]:  # type: ignore[empty-body]
    """Augmentations and preprocessing steps, by name: on the device, moving pixels or not, or on the host."""


@hookspec
def provide_tables() -> Mapping[str, type[TableSpec]]:  # type: ignore[empty-body]
    """Tables with a row for each training sample, by name."""


@hookspec
def provide_starts() -> Mapping[str, type[StartSpec]]:  # type: ignore[empty-body]
    """Weights that a stage of the training begins with, by name."""


@hookspec
def provide_inferences() -> Mapping[str, type[InferenceSpec]]:  # type: ignore[empty-body]
    """Ways to cluster labels, by name; a `ChainSpec` also samples while networks are trained."""


@hookspec
def provide_datasets() -> Mapping[str, type[DatasetSpec]]:  # type: ignore[empty-body]
    """Data sets, by name; labels are sealed when a set is opened."""


@hookspec
def provide_metrics() -> Mapping[str, type[MetricSpec]]:  # type: ignore[empty-body]
    """Metrics, by name: a number of a contingency table of clusters and classes."""


@hookspec
def provide_baselines() -> Mapping[str, type[Baseline]]:  # type: ignore[empty-body]
    """Plain clusterings, by name: a `BaselineSpec` of whole images, a `MapBaselineSpec` of pixels."""


@hookspec
def provide_systems() -> Mapping[str, Traversable]:  # type: ignore[empty-body]
    """Base recipes, by `NAME@VERSION`: TOML files inside the distribution."""
