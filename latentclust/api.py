"""The names that plugins use. A plugin imports no other module of latentclust, except `testing` in its tests."""

from latentclust.data.array_reading import ArrayReading
from latentclust.data.image_files import (
    IMAGE_SUFFIXES,
    FileSource,
    find_images,
    image_to_array,
    open_image,
)
from latentclust.data.image_headers import depth_problem, displayed_size
from latentclust.data.in_memory import Memory
from latentclust.data.prepared.prepared_dataset import PreparedDatasetSpec
from latentclust.data.raster_windows import WindowMasks, Windows, WindowSource, draw_windows, read_scene
from latentclust.data.rasters import BandReading, read_window
from latentclust.data.roots import IN_PACKAGE, files_under, find_first, in_package, resolve_path
from latentclust.data.scaling import to_uint8, to_unit
from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.inputs import scene_from_file
from latentclust.data.scenes.masks import MaskChoice
from latentclust.data.scenes.opening import raster
from latentclust.data.scenes.readings import Readings, read_alike
from latentclust.data.sources import ArraySource, decode_errors, encode_labels, image_set, resized
from latentclust.data.table_text import TABLE_ENCODING, find_separator
from latentclust.data.tiled import in_memory
from latentclust.data.tiling import TiledDatasetSpec, Tiles, Unit
from latentclust.errors import Issue, LatentclustError
from latentclust.generators import fork_generators
from latentclust.networks.stored_model import StoredModel, model_file, read_stored_model
from latentclust.plugins.hookspecs import hookimpl
from latentclust.plugins.registry import installed
from latentclust.specs.backbones import (
    BackboneSpec,
    CentroidsSpec,
    DecoderSpec,
    EncoderHeadSpec,
    Extractor,
    ExtractorSpec,
    LayeredDecoder,
    LayeredDecoderSpec,
    MapExtractor,
    MapExtractorSpec,
    Weights,
)
from latentclust.specs.data import (
    VOID,
    DataProtocol,
    ImageSet,
    ImageSource,
    MapSource,
    MaskSource,
    Rows,
    SealedLabels,
    SealedMaps,
    SplitProtocol,
)
from latentclust.specs.evaluation import NOISE, Baseline, BaselineSpec, MapBaselineSpec, Mapped, MetricSpec
from latentclust.specs.inference import Advance, ChainSpec, InferenceSpec, Model
from latentclust.specs.parts import DatasetSpec, LossSpec, MapPriorSpec, PriorSpec, SceneDatasetSpec, Spec
from latentclust.specs.quantities import QuantitySpec
from latentclust.specs.roles import (
    Centroids,
    Critic,
    Discriminator,
    Encoder,
    Generator,
    Heads,
    InterpolatedGenerator,
    LayeredGenerator,
    Represents,
    Trunk,
)
from latentclust.specs.sample_tables import StartSpec, TableSpec
from latentclust.specs.scenes import Scene
from latentclust.specs.schedule import Ramp, Schedule, value_at
from latentclust.specs.views import DeviceViewSpec, FittedViewSpec, HostViewSpec, MovingViewSpec, ViewSpec
from latentclust.tensors import (
    Alignment,
    ClusterImages,
    Code,
    Features,
    HeadLogits,
    Images,
    Latent,
    Mask,
    Permutation,
    Posterior,
    Sample,
    Scalar,
    Scale,
    Scores,
    Shape,
    Similarities,
    Vectors,
    View,
)

__all__ = [
    "IMAGE_SUFFIXES",
    "IN_PACKAGE",
    "NOISE",
    "TABLE_ENCODING",
    "VOID",
    "Advance",
    "Alignment",
    "ArrayReading",
    "ArraySource",
    "BackboneSpec",
    "BandReading",
    "Baseline",
    "BaselineSpec",
    "Centroids",
    "CentroidsSpec",
    "ChainSpec",
    "ClusterImages",
    "Code",
    "Critic",
    "DataProtocol",
    "DatasetSpec",
    "DecoderSpec",
    "DeviceViewSpec",
    "Discriminator",
    "Encoder",
    "EncoderHeadSpec",
    "Extractor",
    "ExtractorSpec",
    "Features",
    "FileSource",
    "FittedViewSpec",
    "Generator",
    "HeadLogits",
    "Heads",
    "HostViewSpec",
    "ImageSet",
    "ImageSource",
    "Images",
    "InferenceSpec",
    "InterpolatedGenerator",
    "Issue",
    "Latent",
    "LatentclustError",
    "LayeredDecoder",
    "LayeredDecoderSpec",
    "LayeredGenerator",
    "LossSpec",
    "MapBaselineSpec",
    "MapExtractor",
    "MapExtractorSpec",
    "MapPriorSpec",
    "MapSource",
    "Mapped",
    "Mask",
    "MaskChoice",
    "MaskSource",
    "Memory",
    "MetricSpec",
    "Model",
    "MovingViewSpec",
    "Permutation",
    "Posterior",
    "PreparedDatasetSpec",
    "PriorSpec",
    "QuantitySpec",
    "Ramp",
    "Readings",
    "Represents",
    "Rows",
    "Sample",
    "Scalar",
    "Scale",
    "Scene",
    "SceneDatasetSpec",
    "Schedule",
    "Scores",
    "SealedLabels",
    "SealedMaps",
    "Shape",
    "Similarities",
    "Spec",
    "SplitProtocol",
    "StartSpec",
    "StoredModel",
    "TableSpec",
    "TiledDatasetSpec",
    "Tiles",
    "Trunk",
    "Unit",
    "Vectors",
    "View",
    "ViewSpec",
    "Weights",
    "WindowMasks",
    "WindowSource",
    "Windows",
    "decode_errors",
    "depth_problem",
    "displayed_size",
    "draw_windows",
    "encode_labels",
    "files_under",
    "find_first",
    "find_images",
    "find_scenes",
    "find_separator",
    "fork_generators",
    "hookimpl",
    "image_set",
    "image_to_array",
    "in_memory",
    "in_package",
    "installed",
    "model_file",
    "open_image",
    "raster",
    "read_alike",
    "read_scene",
    "read_stored_model",
    "read_window",
    "resized",
    "resolve_path",
    "scene_from_file",
    "to_uint8",
    "to_unit",
    "value_at",
]
