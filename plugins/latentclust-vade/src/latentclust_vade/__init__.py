"""A plugin with VaDE, variational deep embedding (Jiang et al., IJCAI 2017)."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from latentclust.api import BackboneSpec, LossSpec, PriorSpec, StartSpec, hookimpl

from latentclust_vade.bound import BernoulliLikelihood, MixtureDivergence, mixture_of_sample
from latentclust_vade.mixture import GaussianComponents, LearnedMixture
from latentclust_vade.mixture_start import MixtureStart

RECIPES = ("digits-vade", "usps-vade")


@hookimpl
def provide_priors() -> Mapping[str, type[PriorSpec]]:
    """Provide the prior."""
    return {"learned-mixture": LearnedMixture}


@hookimpl
def provide_backbones() -> Mapping[str, type[BackboneSpec]]:
    """Provide the parameters of the prior."""
    return {"gaussian-components": GaussianComponents}


@hookimpl
def provide_quantities() -> Mapping[str, Callable[..., Any]]:
    """Provide the prior's density at draws of the posterior."""
    return {"mixture_of_sample": mixture_of_sample}


@hookimpl
def provide_losses() -> Mapping[str, type[LossSpec]]:
    """Provide the terms of the evidence lower bound."""
    return {"bernoulli-likelihood": BernoulliLikelihood, "mixture-divergence": MixtureDivergence}


@hookimpl
def provide_starts() -> Mapping[str, type[StartSpec]]:
    """Provide the initial parameters of the prior."""
    return {"gaussian-mixture": MixtureStart}


@hookimpl
def provide_systems() -> Mapping[str, Traversable]:
    """Provide the system."""
    return {"vade@1": files("latentclust_vade") / "systems" / "vade.toml"}


@hookimpl
def provide_recipes() -> Mapping[str, Traversable]:
    """Provide the recipes."""
    folder = files("latentclust_vade") / "recipes"
    return {name: folder / f"{name}.toml" for name in RECIPES}
