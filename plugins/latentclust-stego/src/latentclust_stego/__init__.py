"""A plugin with STEGO, unsupervised segmentation by distilling feature correspondences (Hamilton et al., ICLR 2022)."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from latentclust.api import BackboneSpec, InferenceSpec, LossSpec, TableSpec, hookimpl

from latentclust_stego.centroids import CosineCentroids, CosineKMeans
from latentclust_stego.cluster_probe import ClusterProbe
from latentclust_stego.correspondence import FeatureCorrespondence
from latentclust_stego.neighbours import FeatureNeighbours
from latentclust_stego.quantities import QUANTITIES
from latentclust_stego.segmentation_head import SegmentationHead
from latentclust_stego.vit_maps import VitMaps


@hookimpl
def provide_backbones() -> Mapping[str, type[BackboneSpec]]:
    """Provide the frozen transformer, the trained head and the centroids of the probe."""
    return {"cosine-centroids": CosineCentroids, "segmentation-head": SegmentationHead, "vit-maps": VitMaps}


@hookimpl
def provide_tables() -> Mapping[str, type[TableSpec]]:
    """Provide the nearest neighbours of each image."""
    return {"feature-neighbours": FeatureNeighbours}


@hookimpl
def provide_quantities() -> Mapping[str, Callable[..., Any]]:
    """Provide features and codes at random points."""
    return QUANTITIES


@hookimpl
def provide_losses() -> Mapping[str, type[LossSpec]]:
    """Provide the correspondence loss and the loss of the centroids."""
    return {"cosine-kmeans": CosineKMeans, "feature-correspondence": FeatureCorrespondence}


@hookimpl
def provide_inferences() -> Mapping[str, type[InferenceSpec]]:
    """Provide the cluster probe."""
    return {"cluster-probe": ClusterProbe}


@hookimpl
def provide_systems() -> Mapping[str, Traversable]:
    """Provide the system."""
    return {"stego@1": files("latentclust_stego") / "stego.toml"}
