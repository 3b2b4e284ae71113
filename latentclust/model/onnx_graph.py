"""The graph of a model: from images as stored to posterior and code, recorded as an ONNX model."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from latentclust.errors import LatentclustError, first_problem
from latentclust.model.model import ClusteringModel
from latentclust.tensors import Images, Shape

if TYPE_CHECKING:
    import onnx

SIDES = ("height", "width")

IMAGES = "images"
"""Name of the input."""

TRACED, TRACED_SIDE = 3, 48
"""Number and least side in pixels of the images that the operations are recorded with."""


class PosteriorGraph(nn.Module):
    """The preprocessing, the networks and the inference of a model as one module.

    Args:
        model: The model, on the CPU.
    """

    def __init__(self, model: ClusteringModel) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({name: model.networks[name] for name in _read_networks(model)})
        self.features = model.features
        self._preprocess, self._rng = model.preprocess, torch.Generator()
        self._posterior = model.inference.as_function(model.model, model.state)
        self._per_pixel = model.per_pixel
        self.eval()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return ("probabilities", "labels") if self._per_pixel else ("probabilities", "labels", "code")

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return probabilities, 0-based labels and, of whole images, the code: probabilities and style."""
        found = self._posterior(self._preprocess(Images(images), self._rng))
        probabilities = found.probabilities.float()
        labels = probabilities.argmax(dim=1)
        if self._per_pixel:
            return probabilities, labels
        return probabilities, labels, torch.cat((probabilities, found.style.float()), dim=1)


def sample_shape(model: ClusteringModel, steps: tuple[int, int]) -> Shape:
    """Return the shape of one image; of a model of label maps, with sides of so many steps of its stride."""
    if not model.per_pixel:
        return model.raw_shape
    height, width = (model.stride * -(-TRACED_SIDE // model.stride) + model.stride * step for step in steps)
    return model.raw_shape[0], height, width


@torch.no_grad()
def record(model: ClusteringModel, graph: PosteriorGraph) -> "onnx.ModelProto":
    """Return the graph as an ONNX model with batches, and images of label maps, of any size.

    Raises:
        LatentclustError: If an operation of a part of the model cannot be recorded.
    """
    images = torch.rand(TRACED, *sample_shape(model, (0, 1)), generator=torch.Generator().manual_seed(0))
    dynamic = {0: torch.export.Dim.DYNAMIC}
    if model.per_pixel:
        dynamic |= dict.fromkeys((2, 3), torch.export.Dim.DYNAMIC)
    try:
        with _quiet():
            program = torch.onnx.export(
                graph,
                (images,),
                dynamo=True,
                verbose=False,
                input_names=[IMAGES],
                output_names=list(graph.outputs),
                dynamic_shapes={IMAGES: dynamic},
            )
    except Exception as error:  # torch raises errors of many kinds for operations that it cannot record
        raise LatentclustError.at("model", _cause(model, error), "Use latentclust predict or embed") from error
    assert program is not None, "the exporter with dynamo=True returns a program"
    recorded: onnx.ModelProto = program.model_proto
    _name_sizes(recorded)
    _remove_traces(recorded)
    return recorded


def _read_networks(model: ClusteringModel) -> list[str]:
    """Return the networks that the inference reads, and those whose output they read."""
    names = list(model.inference.needs)
    read = model.model
    for name in names:  # grows
        further = read.features_of.get(name) or read.codes_of.get(name)
        if further is not None and further not in names:
            names.append(further)
    return names


def _cause(model: ClusteringModel, error: Exception) -> str:
    """Return which parts cannot be recorded, and torch's reason."""
    steps = "".join(f", preprocessing {type(step).__name__}" for step in model.resolved.preprocess)
    reason: BaseException = error
    while reason.__cause__ is not None:
        reason = reason.__cause__
    used = model.resolved.recipe.inference.use
    what = f"{type(reason).__name__}: {first_problem(reason)}" if isinstance(reason, Exception) else str(reason)
    return f"cannot be recorded as an ONNX graph with its inference {used!r}{steps} ({what})"


def _name_sizes(recorded: "onnx.ModelProto") -> None:
    """Name the sizes that vary `batch`, `height` and `width`, instead of the symbols of the recording."""
    (read,) = recorded.graph.input
    dims = read.type.tensor_type.shape.dim
    names = {
        dim.dim_param: name for dim, name in zip(dims, ("batch", "", *SIDES), strict=False) if dim.dim_param and name
    }
    for value in (*recorded.graph.input, *recorded.graph.output):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in names:
                dim.dim_param = names[dim.dim_param]
    del recorded.graph.value_info[:]  # inferred again by whoever needs them


def _remove_traces(recorded: "onnx.ModelProto") -> None:
    """Remove the stack traces of the recording, which name files of this machine."""
    for part in (recorded.graph, *recorded.functions):
        del part.metadata_props[:]
        for node in part.node:
            del node.metadata_props[:]
            node.doc_string = ""
    for tensor in (*recorded.graph.initializer, *recorded.graph.input, *recorded.graph.output):
        del tensor.metadata_props[:]
    del recorded.metadata_props[:]


@contextmanager
def _quiet() -> Iterator[None]:
    """Ignore warnings: the exporter warns about itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
