"""Export of a model to ONNX: recorded, checked, compared with the model, and only then published."""

import json
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.data.sources import UINT8_MAX
from latentclust.errors import LatentclustError, first_problem
from latentclust.files import write_atomic
from latentclust.model.class_names import name_of
from latentclust.model.codes import draws_numbers
from latentclust.model.model import ClusteringModel
from latentclust.model.onnx_graph import IMAGES, PosteriorGraph, record, sample_shape
from latentclust.model.onnx_requirements import check_onnx
from latentclust.phases import SILENT, Phases
from latentclust.tensors import Images

if TYPE_CHECKING:
    import onnx

BAND_FACTS = ("bands", "names", "ranges", "types", "declared", "scales", "nodata")
"""Keys of the band reading that the metadata hold."""

COMPARED = 16
"""Number of random images that the graph is compared on."""

TOLERANCE = 1e-3
"""Largest difference of probabilities. Labels may differ where two clusters differ by less."""


@dataclass(frozen=True, slots=True)
class OnnxExport:
    """An exported model.

    Attributes:
        path: The ONNX file.
        largest_difference: Largest difference of the probabilities of onnxruntime from those of the model, on random
            images. None if onnxruntime is not installed.
        clusters_compared: Number of clusters that these images lie in. Random images may all lie in one. None if
            onnxruntime is not installed.
    """

    path: Path
    largest_difference: float | None
    clusters_compared: int | None = None


def export_onnx(model: ClusteringModel, path: str | Path, phases: Phases = SILENT) -> OnnxExport:
    """Write preprocessing, networks and inference of a model as one ONNX graph.

    The input `images` is float32 in [0, 1], `(batch, c, h, w)` or `(batch, d)`, as the model's images are stored. The
    outputs are `probabilities` `(batch, k)`, `labels` `(batch,)`, counted from 0, and `code`, the probabilities and the
    style. Of a model of label maps, they are `(batch, k, height, width)` and `(batch, height, width)`, for images whose
    sides are multiples of the stride in the file's metadata.

    Args:
        model: The model, on the CPU.
        path: File to be written. An existing file is replaced.
        phases: Tells the progress.

    Raises:
        LatentclustError: If a package is missing, the inference draws random numbers, a part cannot be recorded, or the
            graph computes other labels than the model. Nothing is written then.
    """
    out = Path(path)
    _check_possible(model, out)
    phases.begin("recording the graph")
    graph = PosteriorGraph(model)
    recorded = record(model, graph)
    _add_metadata(recorded, model)
    content = recorded.SerializeToString()
    phases.begin("checking the graph")
    _check(recorded)
    compared = _compare(content, model, graph) if find_spec("onnxruntime") else (None, None)
    write_atomic(out, content, "Free some space, or write to another folder with --onnx")
    return OnnxExport(out, *compared)


def _check_possible(model: ClusteringModel, out: Path) -> None:
    check_onnx(out)
    if model.device.type != "cpu":
        what = f"is on {model.device}, and a graph is recorded on the CPU"
        raise LatentclustError.at("model", what, "Load it with latentclust.load(path)")
    if draws_numbers(model):
        used = model.resolved.recipe.inference.use
        what = f"its inference {used!r} draws random numbers, which an ONNX graph cannot do as the model does"
        fix = "Use latentclust predict, or train with an inference that does not sample, such as amortized"
        raise LatentclustError.at("model", what, fix)


def _add_metadata(recorded: "onnx.ModelProto", model: ClusteringModel) -> None:
    """Write which model the file holds and what it reads into its metadata, as text or JSON."""
    import onnx

    loaded = model.resolved.loaded
    names = [name_of(cluster, model.names) for cluster in range(1, model.clusters + 1)]
    facts = {
        "latentclust": version("latentclust"),
        "recipe": loaded.recipe.name,
        "recipe_sha256": loaded.digest,
        "inference": loaded.recipe.inference.use,
        "cluster_names": json.dumps(names, ensure_ascii=False),
        "input": json.dumps(_input_facts(model)),
        "stride": str(model.stride),
    }
    if model.bands is not None:
        bands = {key: value for key, value in model.bands.to_dict().items() if key in BAND_FACTS}
        facts["bands"] = json.dumps(bands, ensure_ascii=False)
    onnx.helper.set_model_props(recorded, facts)
    recorded.producer_name, recorded.producer_version = "latentclust", version("latentclust")
    recorded.doc_string = f"{model.resolved.recipe.name}: {model.clusters} clusters. Labels count from 0."


def _input_facts(model: ClusteringModel) -> dict[str, Any]:
    """Return what the input is: its shape and range, and how it is computed from stored values and from files.

    `stored` is what stored values are divided by; null for rasters, each of whose bands has a range of its own.
    `file_range` holds the values in files that became 0 and 1, if the data set has this option. `resized_to` is the
    side in pixels that images were resized to, if they were.
    """
    options = model.resolved.dataset.model_dump()
    divisor = UINT8_MAX if len(model.raw_shape) == 3 else 1
    chosen, size = options.get("range"), options.get("size")
    facts = {
        "shape": list(model.raw_shape),
        "range": [0, 1],
        "stored": None if model.bands is not None else divisor,
        "file_range": None if chosen is None else [float(value) for value in chosen],
    }
    return facts | ({} if size is None else {"resized_to": int(size)})


def _check(recorded: "onnx.ModelProto") -> None:
    import onnx

    try:
        onnx.checker.check_model(recorded, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        what = f"its graph is not valid ({first_problem(error)})"
        raise LatentclustError.at("model", what, "Use latentclust predict or embed") from error


@torch.no_grad()
def _compare(content: bytes, model: ClusteringModel, graph: PosteriorGraph) -> tuple[float, int]:
    """Return the largest difference of probabilities on random images of two sizes, and the number of their clusters.

    Raises:
        LatentclustError: If onnxruntime cannot run the graph, or its labels differ where no two clusters are tied.
    """
    import onnxruntime

    largest, clusters = 0.0, set[int]()
    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        for count, steps in ((COMPARED, (1, 0)), (1, (2, 3))):
            images = _images(model, count, steps)
            found = dict(zip(graph.outputs, session.run(list(graph.outputs), {IMAGES: images.numpy()}), strict=True))
            expected = graph(images)[0].numpy()
            largest = max(largest, _difference(found, expected))
            clusters |= set(np.unique(expected.argmax(axis=1)).tolist())
    except LatentclustError:
        raise
    except Exception as error:  # onnxruntime raises errors of its own kinds, which are not importable by a stable name
        what = f"onnxruntime cannot run its graph ({first_problem(error)})"
        raise LatentclustError.at("model", what, "Use latentclust predict or embed") from error
    return largest, len(clusters)


def _difference(found: dict[str, NDArray[np.float32]], expected: NDArray[np.float32]) -> float:
    difference = float(np.abs(found["probabilities"] - expected).max())
    highest = np.sort(expected, axis=1)[:, -2:]
    clear = (highest[:, -1] - highest[:, 0] > TOLERANCE) | (expected.shape[1] == 1)
    other = (found["labels"] != expected.argmax(axis=1)) & clear
    if not difference <= TOLERANCE or other.any():  # a difference of NaN is no agreement
        what = f"its graph has other results in onnxruntime: {other.mean():.2%} other labels on random images,"
        what = f"{what} and probabilities that differ by up to {difference:.2g}"
        raise LatentclustError.at("model", what, "Use latentclust predict or embed")
    return difference


def _images(model: ClusteringModel, count: int, steps: tuple[int, int]) -> Images:
    shape = sample_shape(model, steps)
    return Images(torch.rand(count, *shape, generator=torch.Generator().manual_seed(1)))
