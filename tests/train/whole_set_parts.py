"""A third party's tables, the losses that read them, and a start; the fixture `whole_set` lays them down."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NewType

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from latentclust.api import Code, Encoder, Images, LossSpec, Model, Scalar, StartSpec, TableSpec, hookimpl

Targets = NewType("Targets", Tensor)
Neighbours = NewType("Neighbours", Tensor)


class Sharpened(TableSpec):
    """The squared posteriors of all samples, each cluster divided by its size, as DEC's target distribution."""

    provides: ClassVar[Any] = Targets

    network: str = "encoder"
    spoilt: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.network,)

    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        q = torch.cat([model.networks[self.network](images).probabilities for images in batches])
        weight = q.square() / q.sum(dim=0)
        return weight / weight.sum(dim=1, keepdim=True) / (0.0 if self.spoilt else 1.0)


class Nearest(TableSpec):
    """The indices of the nearest other samples, in the space of the images; with `drawn`, of any."""

    provides: ClassVar[Any] = Neighbours
    of_samples: ClassVar[bool] = True

    count: int = 3
    shift: int = 0
    rows: int | None = None
    drawn: bool = False

    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        points = torch.cat([images.flatten(1) for images in batches])
        if self.drawn:
            return torch.randint(len(points), (len(points), self.count), generator=rng)
        distances = torch.cdist(points, points).fill_diagonal_(torch.inf)
        return distances.topk(self.count, largest=False).indices[: self.rows] + self.shift


class Centred(StartSpec):
    """The bias of the encoder's head that centres the outputs over all samples; `noise` adds a draw of ten times it."""

    network: str = "encoder"
    noise: float = 0.0
    weight: str = "head.bias"
    size: int | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.network,)

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        encoder = model.networks[self.network]
        codes = [encoder(images) for images in batches]
        outputs = torch.cat([torch.cat((code.logits, code.style), dim=1) for code in codes])
        bias = encoder.head.bias - outputs.mean(dim=0)
        drawn = 10 * self.noise * torch.randn(len(bias), generator=rng)
        return {f"{self.network}.{self.weight}": (bias + drawn)[: self.size]}


class Towards(LossSpec):
    """Cross-entropy of a code with targets."""

    def __call__(self, code_of_real: Code, target: Targets) -> Scalar:
        return Scalar(-(target * code_of_real.log_probabilities).sum(dim=1).mean())


class Alike(LossSpec):
    """The squared distance of two codes."""

    def __call__(self, code_of_real: Code, code_of_neighbours: Code) -> Scalar:
        return Scalar(mse_loss(code_of_real.style, code_of_neighbours.style))


def code_of_neighbours(encoder: Encoder, neighbours_images: Images) -> Code:
    """E of a neighbour of each image."""
    return encoder(neighbours_images)


@hookimpl
def provide_tables() -> Mapping[str, type[TableSpec]]:
    return {"sharpened": Sharpened, "nearest": Nearest}


@hookimpl
def provide_starts() -> Mapping[str, type[StartSpec]]:
    return {"centred": Centred}


@hookimpl
def provide_losses() -> Mapping[str, type[LossSpec]]:
    return {"towards": Towards, "alike": Alike}


@hookimpl
def provide_quantities() -> Mapping[str, Callable[..., Any]]:
    return {"code_of_neighbours": code_of_neighbours}
