"""DEC (Xie, Girshick and Farhadi, ICML 2016) and IDEC (Guo et al., IJCAI 2017) as a plugin."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from latentclust.api import BackboneSpec, LossSpec, StartSpec, TableSpec, hookimpl

from latentclust_dec.encoder import StudentT
from latentclust_dec.step import TargetDivergence, decoded_embedding
from latentclust_dec.whole_set import KMeansCentroids, TargetDistribution


@hookimpl
def provide_backbones() -> Mapping[str, type[BackboneSpec]]:
    """DEC's encoder."""
    return {"student-t": StudentT}


@hookimpl
def provide_losses() -> Mapping[str, type[LossSpec]]:
    """DEC's clustering loss."""
    return {"target-divergence": TargetDivergence}


@hookimpl
def provide_quantities() -> Mapping[str, Callable[..., Any]]:
    """The autoencoder's output."""
    return {"decoded_embedding": decoded_embedding}


@hookimpl
def provide_tables() -> Mapping[str, type[TableSpec]]:
    """DEC's target distribution."""
    return {"target-distribution": TargetDistribution}


@hookimpl
def provide_starts() -> Mapping[str, type[StartSpec]]:
    """DEC's first centroids."""
    return {"kmeans-centroids": KMeansCentroids}


@hookimpl
def provide_systems() -> Mapping[str, Traversable]:
    """Both systems."""
    folder = files("latentclust_dec") / "systems"
    return {f"{name}@1": folder / f"{name}.toml" for name in ("dec", "idec")}
