"""The parts that ship with latentclust, provided through the same hooks as those of plugins."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from latentclust.api import (
    BackboneSpec,
    Baseline,
    DatasetSpec,
    InferenceSpec,
    LossSpec,
    Memory,
    MetricSpec,
    PriorSpec,
    StartSpec,
    TableSpec,
    ViewSpec,
    hookimpl,
)
from latentclust.bundled import baselines, map_baselines, metrics, priors
from latentclust.bundled.backbones.centroids import Centroids
from latentclust.bundled.backbones.layered import LayeredDecoderNetwork
from latentclust.bundled.backbones.map_layers import MapConv, PixelMlp, UNet
from latentclust.bundled.backbones.mlp import Mlp
from latentclust.bundled.backbones.resnet import ResNet32, ResNet96
from latentclust.bundled.backbones.strided import Conv28, Conv32
from latentclust.bundled.backbones.timm_extractor import Timm
from latentclust.bundled.backbones.timm_maps import TimmMaps
from latentclust.bundled.backbones.unit_sphere import UnitSphere
from latentclust.bundled.backbones.warped import Warped
from latentclust.bundled.best_head_start import BestHeadStart
from latentclust.bundled.categorical_map import CategoricalMap
from latentclust.bundled.centroid_start import KMeansStart
from latentclust.bundled.datasets.array import Array
from latentclust.bundled.datasets.cifar10 import Cifar10
from latentclust.bundled.datasets.coco_stuff import CocoStuff
from latentclust.bundled.datasets.coil import Coil20, Coil100
from latentclust.bundled.datasets.digits import Digits
from latentclust.bundled.datasets.dubai import Dubai
from latentclust.bundled.datasets.facades import Facades
from latentclust.bundled.datasets.image_folder import ImageFolder
from latentclust.bundled.datasets.image_mask_folder import ImageMaskFolder
from latentclust.bundled.datasets.imagenet10 import ImageNet10
from latentclust.bundled.datasets.mnist import FashionMnist, Mnist
from latentclust.bundled.datasets.pendigits import Pendigits
from latentclust.bundled.datasets.potsdam import Potsdam
from latentclust.bundled.datasets.raster import Raster
from latentclust.bundled.datasets.stl10 import Stl10
from latentclust.bundled.datasets.svhn import Svhn
from latentclust.bundled.datasets.synthetic import Synthetic
from latentclust.bundled.datasets.tenx import TenX73k
from latentclust.bundled.datasets.usps import Usps
from latentclust.bundled.datasets.youtube_faces import YouTubeFaces
from latentclust.bundled.hdbscan import Hdbscan
from latentclust.bundled.inference.amortized import Amortized
from latentclust.bundled.inference.backprop_decoding import BackpropDecoding
from latentclust.bundled.inference.best_head import BestHead
from latentclust.bundled.inference.gaussian_mixture import GaussianMixture
from latentclust.bundled.inference.kmeans import KMeansOnCode, KMeansOnFeatures
from latentclust.bundled.inference.langevin_gibbs import LangevinGibbs
from latentclust.bundled.inference.langevin_gibbs_maps import LangevinGibbsMaps
from latentclust.bundled.inference.nearest_centroid import NearestCentroid
from latentclust.bundled.losses.adaptive_wasserstein_critic import AdaptiveWassersteinCritic
from latentclust.bundled.losses.adversarial import Adversarial
from latentclust.bundled.losses.augmentation_invariance import AugmentationInvariance
from latentclust.bundled.losses.category_balance import CategoryBalance
from latentclust.bundled.losses.category_divergence import CategoryDivergence
from latentclust.bundled.losses.category_recovery import CategoryRecovery
from latentclust.bundled.losses.cluster_entropy import ClusterEntropy
from latentclust.bundled.losses.cluster_likelihood import ClusterLikelihood
from latentclust.bundled.losses.contrastive import Contrastive
from latentclust.bundled.losses.dense_contrastive import DenseContrastive
from latentclust.bundled.losses.gan_critic import GanCritic
from latentclust.bundled.losses.gan_generator import GanGenerator
from latentclust.bundled.losses.gaussian_likelihood import GaussianLikelihood
from latentclust.bundled.losses.gradient_penalty import GradientPenalty
from latentclust.bundled.losses.invariant_information import InvariantInformation
from latentclust.bundled.losses.mmd import Mmd
from latentclust.bundled.losses.mutual_information import MutualInformation
from latentclust.bundled.losses.neighbour_consistency import NeighbourConsistency
from latentclust.bundled.losses.pixel_information import PixelInvariantInformation
from latentclust.bundled.losses.pointwise_information import PointwiseInformation
from latentclust.bundled.losses.reconstruction import Reconstruction
from latentclust.bundled.losses.self_labelling import SelfLabelling
from latentclust.bundled.losses.sinkhorn_labelling import SinkhornLabelling
from latentclust.bundled.losses.style_divergence import StyleDivergence
from latentclust.bundled.losses.style_recovery import StyleRecovery
from latentclust.bundled.losses.wasserstein_critic import WassersteinCritic
from latentclust.bundled.map_quantities import MAP_QUANTITIES
from latentclust.bundled.mixture_heads import MixtureHeads
from latentclust.bundled.nearest_neighbours import NearestNeighbours
from latentclust.bundled.quantities import QUANTITIES
from latentclust.bundled.run_weights import WeightsFromRun
from latentclust.bundled.spectral_heads import SpectralHeads
from latentclust.bundled.spherical_kmeans import SphericalKMeans
from latentclust.bundled.views.affine import Affine
from latentclust.bundled.views.albumentations_pipeline import Albumentations
from latentclust.bundled.views.channel_shuffle import ChannelShuffle
from latentclust.bundled.views.colour_jitter import ColourJitter
from latentclust.bundled.views.erase import Erase
from latentclust.bundled.views.flip import Flip
from latentclust.bundled.views.grayscale import Grayscale
from latentclust.bundled.views.local_statistics import LocalStatistics
from latentclust.bundled.views.logarithm import Logarithm
from latentclust.bundled.views.morphology import Morphology
from latentclust.bundled.views.pca import PrincipalComponents, Standardise
from latentclust.bundled.views.point_affine import PointAffine
from latentclust.bundled.views.resized_crop import ResizedCrop
from latentclust.bundled.views.sobel import Sobel
from latentclust.bundled.views.spectral_indices import SpectralIndices
from latentclust.bundled.views.texture import Gabor, LocalBinaryPatterns
from latentclust.bundled.views.timm_features import TimmFeatures
from latentclust.bundled.views.union import Union
from latentclust.bundled.views.within_whitening import WithinWhitening

SYSTEMS = (
    "cgm",
    "cgm-pixel",
    "clustergan",
    "cvae",
    "cvae-pixel",
    "dccs",
    "dccs-frozen",
    "dense-contrastive",
    "dls",
    "gan",
    "iic",
    "iic-pixel",
    "infogan",
    "mixture-pixel",
    "scan",
    "scan-vectors",
    "temi",
)

SECOND_VERSIONS = ("dccs", "infogan")
"""Systems with a second version, in which runs of the first would have other results."""


@hookimpl
def provide_backbones() -> Mapping[str, type[BackboneSpec]]:
    """Provide the networks of the papers, and timm models."""
    return {
        "centroids": Centroids,
        "conv28": Conv28,
        "conv32": Conv32,
        "layered-decoder": LayeredDecoderNetwork,
        "map-conv": MapConv,
        "mlp": Mlp,
        "pixel-mlp": PixelMlp,
        "resnet32": ResNet32,
        "resnet96": ResNet96,
        "timm": Timm,
        "timm-maps": TimmMaps,
        "unet": UNet,
        "unit-sphere": UnitSphere,
        "warped": Warped,
    }


@hookimpl
def provide_priors() -> Mapping[str, type[PriorSpec]]:
    """Provide the prior of ClusterGAN, those that it is compared with, and that of label maps."""
    return {
        "categorical-map": CategoricalMap,
        "gaussian": priors.Gaussian,
        "gaussian-mixture": priors.GaussianMixturePrior,
        "one-hot-gaussian": priors.OneHotGaussian,
        "uniform": priors.Uniform,
    }


@hookimpl
def provide_losses() -> Mapping[str, type[LossSpec]]:
    """Provide the losses of ClusterGAN, DLS-Clustering, DCCS, InfoGAN, IIC, CGM and the conditional VAE."""
    return {
        "adaptive-wasserstein-critic": AdaptiveWassersteinCritic,
        "adversarial": Adversarial,
        "augmentation-invariance": AugmentationInvariance,
        "category-balance": CategoryBalance,
        "category-divergence": CategoryDivergence,
        "category-recovery": CategoryRecovery,
        "cluster-entropy": ClusterEntropy,
        "cluster-likelihood": ClusterLikelihood,
        "contrastive": Contrastive,
        "dense-contrastive": DenseContrastive,
        "gan-critic": GanCritic,
        "gan-generator": GanGenerator,
        "gaussian-likelihood": GaussianLikelihood,
        "gradient-penalty": GradientPenalty,
        "invariant-information": InvariantInformation,
        "mmd": Mmd,
        "mutual-information": MutualInformation,
        "neighbour-consistency": NeighbourConsistency,
        "pixel-invariant-information": PixelInvariantInformation,
        "pointwise-information": PointwiseInformation,
        "reconstruction": Reconstruction,
        "self-labelling": SelfLabelling,
        "sinkhorn-labelling": SinkhornLabelling,
        "style-divergence": StyleDivergence,
        "style-recovery": StyleRecovery,
        "wasserstein-critic": WassersteinCritic,
    }


@hookimpl
def provide_quantities() -> Mapping[str, Callable[..., Any]]:
    """Provide the quantities of a training step."""
    return QUANTITIES | MAP_QUANTITIES


@hookimpl
def provide_tables() -> Mapping[str, type[TableSpec]]:
    """Provide the sample table of nearest neighbours."""
    return {"nearest-neighbours": NearestNeighbours}


@hookimpl
def provide_starts() -> Mapping[str, type[StartSpec]]:
    """Provide clusters of k-means, of graphs and of mixtures, the best sub-head, and the weights of another run."""
    return {
        "best-head": BestHeadStart,
        "kmeans": KMeansStart,
        "mixture-heads": MixtureHeads,
        "spectral-heads": SpectralHeads,
        "weights-from-run": WeightsFromRun,
    }


@hookimpl
def provide_views() -> Mapping[str, type[ViewSpec]]:
    """Provide augmentations and preprocessing steps."""
    return {
        "affine": Affine,
        "albumentations": Albumentations,
        "channel-shuffle": ChannelShuffle,
        "colour-jitter": ColourJitter,
        "erase": Erase,
        "flip": Flip,
        "gabor": Gabor,
        "grayscale": Grayscale,
        "local-binary-patterns": LocalBinaryPatterns,
        "local-statistics": LocalStatistics,
        "logarithm": Logarithm,
        "morphology": Morphology,
        "pca": PrincipalComponents,
        "point-affine": PointAffine,
        "resized-crop": ResizedCrop,
        "sobel": Sobel,
        "spectral-indices": SpectralIndices,
        "standardise": Standardise,
        "timm-features": TimmFeatures,
        "union": Union,
        "within-whitening": WithinWhitening,
    }


@hookimpl
def provide_inferences() -> Mapping[str, type[InferenceSpec]]:
    """Provide the inference methods."""
    return {
        "amortized": Amortized,
        "langevin-gibbs": LangevinGibbs,
        "langevin-gibbs-maps": LangevinGibbsMaps,
        "backprop-decoding": BackpropDecoding,
        "best-head": BestHead,
        "gaussian-mixture": GaussianMixture,
        "kmeans-on-code": KMeansOnCode,
        "kmeans-on-features": KMeansOnFeatures,
        "nearest-centroid": NearestCentroid,
    }


@hookimpl
def provide_datasets() -> Mapping[str, type[DatasetSpec]]:
    """Provide published data sets, and readers of the user's folders, arrays and rasters."""
    return {
        "10x-73k": TenX73k,
        "array": Array,
        "cifar10": Cifar10,
        "coco-stuff": CocoStuff,
        "coil100": Coil100,
        "coil20": Coil20,
        "digits": Digits,
        "dubai": Dubai,
        "facades": Facades,
        "fashion-mnist": FashionMnist,
        "image-folder": ImageFolder,
        "image-mask-folder": ImageMaskFolder,
        "imagenet10": ImageNet10,
        "memory": Memory,
        "mnist": Mnist,
        "pendigits": Pendigits,
        "potsdam": Potsdam,
        "raster": Raster,
        "stl10": Stl10,
        "svhn": Svhn,
        "synthetic": Synthetic,
        "usps": Usps,
        "ytf": YouTubeFaces,
    }


@hookimpl
def provide_metrics() -> Mapping[str, type[MetricSpec]]:
    """Provide metrics of a contingency table."""
    return {
        "accuracy": metrics.Accuracy,
        "ari": metrics.AdjustedRandIndex,
        "completeness": metrics.Completeness,
        "homogeneity": metrics.Homogeneity,
        "macro-accuracy": metrics.MacroAccuracy,
        "miou": metrics.MeanIntersectionOverUnion,
        "nmi": metrics.NormalizedMutualInformation,
        "purity": metrics.Purity,
    }


@hookimpl
def provide_baselines() -> Mapping[str, type[Baseline]]:
    """Provide classical clusterings of images and of pixels."""
    return {
        "agglomerative": baselines.Agglomerative,
        "features-kmeans": map_baselines.FeaturesKMeans,
        "gmm": baselines.GaussianMixtureBaseline,
        "hdbscan": Hdbscan,
        "kmeans": baselines.KMeans,
        "local-statistics-kmeans": map_baselines.LocalStatisticsKMeans,
        "minibatch-kmeans": baselines.MiniBatchKMeans,
        "nmf": baselines.NonNegativeFactorization,
        "pixel-kmeans": map_baselines.PixelKMeans,
        "spectral": baselines.Spectral,
        "spherical-kmeans": SphericalKMeans,
    }


@hookimpl
def provide_systems() -> Mapping[str, Traversable]:
    """Provide the published systems as base recipes."""
    folder = files("latentclust.bundled") / "systems"
    second = {f"{name}@2": folder / f"{name}-2.toml" for name in SECOND_VERSIONS}
    return {f"{name}@1": folder / f"{name}.toml" for name in SYSTEMS} | second
