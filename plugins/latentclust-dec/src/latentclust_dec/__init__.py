"""A plugin with DEC (Xie, Girshick and Farhadi, ICML 2016) and IDEC (Guo et al., IJCAI 2017)."""

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
    """Provide the encoder of DEC."""
    return {"student-t": StudentT}


@hookimpl
def provide_losses() -> Mapping[str, type[LossSpec]]:
    """Provide the clustering loss of DEC."""
    return {"target-divergence": TargetDivergence}


@hookimpl
def provide_quantities() -> Mapping[str, Callable[..., Any]]:
    """Provide the output of the autoencoder."""
    return {"decoded_embedding": decoded_embedding}


@hookimpl
def provide_tables() -> Mapping[str, type[TableSpec]]:
    """Provide the target distribution of DEC."""
    return {"target-distribution": TargetDistribution}


@hookimpl
def provide_starts() -> Mapping[str, type[StartSpec]]:
    """Provide the initial centroids of DEC."""
    return {"kmeans-centroids": KMeansCentroids}


@hookimpl
def provide_systems() -> Mapping[str, Traversable]:
    """Provide both systems."""
    folder = files("latentclust_dec") / "systems"
    return {f"{name}@1": folder / f"{name}.toml" for name in ("dec", "idec")}
