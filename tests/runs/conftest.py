"""One finished run and the recipes of tests/train, at a size that takes seconds; and a model of label maps."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import latentclust
from latentclust.assemble.resolve import Resolved
from latentclust.bundled.map_baselines import LocalStatisticsKMeans, PixelKMeans
from latentclust.bundled.metrics import (
    Accuracy,
    MacroAccuracy,
    MeanIntersectionOverUnion,
    NormalizedMutualInformation,
)
from latentclust.data.scenes.inputs import scene_from_file
from latentclust.data.sources import ArraySource
from latentclust.model.model import ClusteringModel
from latentclust.runs.run import FinishedRun
from latentclust.specs.data import VOID, DataProtocol, ImageSet, MapSource, MaskSource, SealedMaps
from latentclust.specs.inference import Advance, ChainSpec, InferenceSpec, Model
from latentclust.specs.parts import PriorSpec, SceneDatasetSpec
from latentclust.specs.scenes import Scene
from latentclust.tensors import Images, Latent, Posterior

RECIPES = Path(__file__).parents[1] / "train"


@pytest.fixture(scope="session")
def recipe() -> Callable[[str], Path]:
    """The file of a tiny recipe."""
    return lambda name: RECIPES / f"{name}.toml"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """DCCS on the digits, with a baseline and a learning curve; do not change its folder."""
    settings = ["evaluate.baselines=['kmeans']", "evaluate.every=4", "train.select_by='losses.critic'"]
    folder = tmp_path_factory.mktemp("finished") / "run"
    return latentclust.run(RECIPES / "dccs.toml", [*settings, "train.select_every=2"], out=folder, device="cpu")


COLOURS = ((0.9, 0.1, 0.1), (0.1, 0.9, 0.1), (0.1, 0.1, 0.9), (0.5, 0.5, 0.5))
SIDE, IMAGES = 24, 12


class PixelPrior(PriorSpec):
    """A label a pixel, and no style."""

    per_pixel: ClassVar[bool] = True
    clusters: int = len(COLOURS)
    style_dim: int = 0

    @property
    def categories(self) -> int:
        return self.clusters

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        raise NotImplementedError


class ByColour(InferenceSpec):
    """Softmax of the distances of pixels to fixed colours, in an order of one's own; draws where it is noisy."""

    order: tuple[int, ...] = (0, 1, 2, 3)
    noise: float = 0.0

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        colours = torch.tensor([COLOURS[number] for number in self.order])
        noisy = images + self.noise * torch.rand(images.shape, generator=rng)
        distance = (noisy[:, None] - colours[None, :, :, None, None]).square().sum(dim=2)
        return Posterior((-20 * distance).softmax(dim=1), images.new_zeros((len(images), 0, 1, 1)))


class ChainsByColour(ByColour, ChainSpec):
    """The same, as an inference with chains of some length."""

    provides: ClassVar[Mapping[str, Any]] = {}

    def begin(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        raise NotImplementedError

    def advance(
        self, model: Model, images: Images, chains: Mapping[str, Tensor], progress: float, rng: torch.Generator
    ) -> Advance:
        raise NotImplementedError

    def lengths(self) -> Mapping[int, ChainSpec]:
        return {1: self, 2: ChainsByColour(order=self.order)}


class Maps(MapSource):
    def __init__(self, maps: NDArray[np.int16]) -> None:
        self.maps = maps

    def __len__(self) -> int:
        return len(self.maps)

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        return self.maps[indices]


class Border(MaskSource):
    """The first column of each image is no data."""

    reads_labels = True

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.broadcast_to(np.arange(SIDE) > 0, (len(indices), SIDE, SIDE))


class Mosaic(SceneDatasetSpec):
    """Images of squares in four colours, three of them classes; the grey ones have no ground truth."""

    summary: ClassVar[str] = "squares"
    licence: ClassVar[str] = "none"
    layout: ClassVar[str] = "nothing"
    origin: ClassVar[str] = "generated"
    labelled: bool = True
    scene: tuple[int, int] = (600, 700)

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        return None

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        images, kinds = squares(IMAGES, SIDE, SIDE)
        truth = np.where(kinds == 3, VOID, kinds).astype(np.int16)
        return ImageSet(
            ArraySource(images),
            SealedMaps(Maps(truth)) if self.labelled else None,
            ("roof", "grass", "water", "road") if self.labelled else (),
            valid=Border(),
            protocol=DataProtocol("squares3", 2, "squares of 6 pixels", "abc123"),
            scenes=(scene_from_file(Path("scene.tif")),),
        )

    def scene_size(self, scene: Scene) -> tuple[int, int]:
        return self.scene

    def read_scene(self, scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        images, _ = squares(1, *self.scene)
        valid = np.ones(self.scene, np.bool_)
        valid[:, : self.scene[1] * 2 // 7] = False
        return images[0], valid


def squares(count: int, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noisy images of squares of 6 pixels, and the kind of each pixel."""
    rng = np.random.default_rng(0)
    coarse = rng.choice(4, (count, -(-height // 6), -(-width // 6)), p=[0.1, 0.2, 0.4, 0.3])
    kinds = coarse.repeat(6, axis=1).repeat(6, axis=2)[:, :height, :width]
    noisy = np.array(COLOURS)[kinds] + rng.normal(0, 0.03, (*kinds.shape, 3))
    return (255 * noisy.clip(0, 1)).astype(np.uint8).transpose(0, 3, 1, 2), kinds


@pytest.fixture
def map_model(tables: dict[str, Any], resolved: Callable[..., Resolved]) -> Callable[..., ClusteringModel]:
    """A model of label maps that needs no networks, given its inference and data set."""

    def make(
        inference: InferenceSpec | None = None, dataset: Mosaic | None = None, readouts: Mapping[str, Any] | None = None
    ) -> ClusteringModel:
        found = resolved(tables, "evaluate.batch_size=5", "evaluate.baselines=[]")
        changed = replace(
            found,
            prior=PixelPrior(),
            inference=inference or ByColour(order=(2, 1, 3, 0)),
            dataset=dataset or Mosaic(),
            readouts=readouts or {},
            metrics={
                "accuracy": Accuracy(),
                "macro-accuracy": MacroAccuracy(),
                "miou": MeanIntersectionOverUnion(),
                "nmi": NormalizedMutualInformation(),
            },
            baselines={"pixel-kmeans": PixelKMeans(sample=2000), "local-statistics-kmeans": LocalStatisticsKMeans()},
        )
        return ClusteringModel(changed, (3, SIDE, SIDE), {}, {})

    return make


@pytest.fixture
def by_colour() -> Callable[..., InferenceSpec]:
    """An inference of pixels, with chains or without."""
    return lambda chains=False, **options: (ChainsByColour if chains else ByColour)(**options)


@pytest.fixture
def mosaic() -> Callable[..., Mosaic]:
    """The data set of squares."""
    return Mosaic
