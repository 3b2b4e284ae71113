"""Deep unsupervised clustering of images, with systems composed from plugins by recipes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latentclust.cluster_number.choose import choose_k as choose_k
    from latentclust.estimator.deep_clusterer import DeepClusterer as DeepClusterer
    from latentclust.estimator.pixel_clusterer import PixelClusterer as PixelClusterer
    from latentclust.labelling.label_options import LabelOptions as LabelOptions
    from latentclust.labelling.label_report import LabelReport as LabelReport
    from latentclust.labelling.label_scenes import label as label
    from latentclust.labelling.windows.dataarray import predict_dataarray as predict_dataarray
    from latentclust.model.model import ClusteringModel as ClusteringModel
    from latentclust.model.model_file import load as load
    from latentclust.runs.run import FinishedRun as FinishedRun
    from latentclust.runs.run import resume as resume
    from latentclust.runs.run import run as run

    __version__: str

__all__ = [
    "ClusteringModel",
    "DeepClusterer",
    "FinishedRun",
    "LabelOptions",
    "LabelReport",
    "PixelClusterer",
    "__version__",
    "choose_k",
    "label",
    "load",
    "predict_dataarray",
    "resume",
    "run",
]

_HOMES = {
    "ClusteringModel": "model.model",
    "DeepClusterer": "estimator.deep_clusterer",
    "FinishedRun": "runs.run",
    "LabelOptions": "labelling.label_options",
    "LabelReport": "labelling.label_report",
    "PixelClusterer": "estimator.pixel_clusterer",
    "choose_k": "cluster_number.choose",
    "label": "labelling.label_scenes",
    "load": "model.model_file",
    "predict_dataarray": "labelling.windows.dataarray",
    "resume": "runs.run",
    "run": "runs.run",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `import latentclust` does not import torch."""
    if name == "__version__":
        from importlib.metadata import version

        return version("latentclust")
    if name not in _HOMES:
        raise AttributeError(f"module 'latentclust' has no attribute {name!r}")
    return getattr(import_module(f"latentclust.{_HOMES[name]}"), name)
