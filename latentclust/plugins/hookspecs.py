"""All hooks. A plugin implements them in a module that its entry point in the group `latentclust` names.

docs/reference/hooks.md is generated from this file. To add an argument, add it to the hook and pass its value where
`discovery` calls the hooks; plugins that do not name it continue to work. To remove one, deprecate it first with
`@hookspec(warn_on_impl_args={"argument": DeprecationWarning("what to do instead")})`, and a whole hook with
`@hookspec(warn_on_impl=DeprecationWarning(...))`. Every command then prints one line for each plugin that uses it.
"""

from collections.abc import Callable, Mapping
from importlib.resources.abc import Traversable
from typing import Any

import pluggy

from latentclust.plugins.distributions import PARTS_GROUP
from latentclust.specs.backbones import BackboneSpec
from latentclust.specs.evaluation import Baseline, MetricSpec
from latentclust.specs.inference import InferenceSpec
from latentclust.specs.parts import DatasetSpec, LossSpec, PriorSpec
from latentclust.specs.quantities import QuantitySpec
from latentclust.specs.sample_tables import StartSpec, TableSpec
from latentclust.specs.views import ViewSpec

hookspec = pluggy.HookspecMarker(PARTS_GROUP)
hookimpl = pluggy.HookimplMarker(PARTS_GROUP)


@hookspec
def provide_backbones() -> Mapping[str, type[BackboneSpec]]:  # type: ignore[empty-body]
    """Backbones by name. An `ExtractorSpec` or `MapExtractorSpec` reads images, a decoder spec generates them."""


@hookspec
def provide_priors() -> Mapping[str, type[PriorSpec]]:  # type: ignore[empty-body]
    """Latent distributions by name: a `PriorSpec` for whole images, a `MapPriorSpec` for label maps."""


@hookspec
def provide_losses() -> Mapping[str, type[LossSpec]]:  # type: ignore[empty-body]
    """Losses by name. The parameters of `__call__` name the quantities, networks and values that a loss reads."""


@hookspec
def provide_quantities() -> Mapping[str, Callable[..., Any] | type[QuantitySpec]]:  # type: ignore[empty-body]
    """Values of a training step by name: functions, or classes with options. Their parameters name their inputs.

    A name must be a Python identifier, because parameters refer to it.
    """


@hookspec
def provide_views() -> Mapping[str, type[ViewSpec]]:  # type: ignore[empty-body]
    """Augmentations and preprocessing steps by name: on the device, with or without moving pixels, or on the host."""


@hookspec
def provide_tables() -> Mapping[str, type[TableSpec]]:  # type: ignore[empty-body]
    """Sample tables by name, with one row per training sample."""


@hookspec
def provide_starts() -> Mapping[str, type[StartSpec]]:  # type: ignore[empty-body]
    """Starts by name. A start computes the weights that a stage begins with."""


@hookspec
def provide_inferences() -> Mapping[str, type[InferenceSpec]]:  # type: ignore[empty-body]
    """Inference methods by name. A `ChainSpec` also samples during training."""


@hookspec
def provide_datasets() -> Mapping[str, type[DatasetSpec]]:  # type: ignore[empty-body]
    """Data sets by name. Labels are sealed when a data set is opened."""


@hookspec
def provide_metrics() -> Mapping[str, type[MetricSpec]]:  # type: ignore[empty-body]
    """Metrics by name. A metric is a number computed from a contingency table of clusters and classes."""


@hookspec
def provide_baselines() -> Mapping[str, type[Baseline]]:  # type: ignore[empty-body]
    """Classical clusterings by name: a `BaselineSpec` for whole images, a `MapBaselineSpec` for pixels."""


@hookspec
def provide_systems() -> Mapping[str, Traversable]:  # type: ignore[empty-body]
    """Base recipes by `NAME@VERSION`, as TOML files inside the distribution."""


@hookspec
def provide_recipes() -> Mapping[str, Traversable]:  # type: ignore[empty-body]
    """Recipes by name, as TOML files inside the distribution. `latentclust run NAME` runs them."""
