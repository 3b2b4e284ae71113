"""A plugin with TURTLE (Gadetsky, Jiang and Brbic, "Let Go of Your Labels with Unsupervised Transfer", ICML 2024)."""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from latentclust.api import BackboneSpec, LossSpec, hookimpl

from latentclust_turtle.labelling import WeightNormed
from latentclust_turtle.losses import LabelEntropy, LabelPrediction


@hookimpl
def provide_backbones() -> Mapping[str, type[BackboneSpec]]:
    """Provide the linear labelling of features."""
    return {"weight-normed": WeightNormed}


@hookimpl
def provide_losses() -> Mapping[str, type[LossSpec]]:
    """Provide both terms of TURTLE."""
    return {"label-entropy": LabelEntropy, "label-prediction": LabelPrediction}


@hookimpl
def provide_systems() -> Mapping[str, Traversable]:
    """Provide the system."""
    return {"turtle@1": files("latentclust_turtle") / "systems" / "turtle.toml"}


@hookimpl
def provide_recipes() -> Mapping[str, Traversable]:
    """Provide the recipe of CIFAR-10."""
    return {"cifar10-turtle": files("latentclust_turtle") / "recipes" / "cifar10-turtle.toml"}
