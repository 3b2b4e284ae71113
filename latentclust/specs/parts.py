"""Specs of priors, losses, data sets and views."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, field_validator
from torch import nn

from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSet, SplitProtocol
from latentclust.specs.scenes import Scene
from latentclust.tensors import Latent, Scalar, Shape

FEATURES = "features"
"""Name of the recipe's table of a feature bank, and of the vectors in it, which a baseline can cluster."""


class Spec(BaseModel):
    """A part with its options. The fields are the keys of the part's recipe table.

    A spec is immutable. Types are strict, and unknown keys, NaN and infinities are rejected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @field_validator("*", mode="after")
    @classmethod
    def _expand_home(cls, value: Any) -> Any:
        """Return a path with `~` replaced by the home folder."""
        return value.expanduser() if isinstance(value, Path) else value

    def weights_origin(self) -> str:
        """Return the pretrained weights that the part reads, and how they were trained. Empty, by default, for none.

        Every report names them, and says whether they were trained with labels.
        """
        return ""

    def nested(self) -> tuple[tuple[str, str, "Spec"], ...]:
        """Return the parts that the options of this part name, each with its kind and name. By default there are none.

        What holds for the parts of a recipe holds for them: their distributions are recorded, and a model file whose
        preprocessing reads weights from elsewhere is refused.
        """
        return ()


# Priors


class PriorSpec(Spec, ABC):
    """The distribution that latent variables are drawn from or matched to."""

    clusters: int
    """Number of clusters K; at least 2."""

    style_dim: int

    per_pixel: ClassVar[bool] = False
    """Whether every pixel has its own category, so that images get a label map instead of a label."""

    @property
    @abstractmethod
    def categories(self) -> int:
        """Number of columns of `Latent.category`: `clusters`, or 0 for a prior without a categorical part."""

    @abstractmethod
    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """Return `count` independent draws, float32, on the generator's device."""

    @property
    def width(self) -> int:
        """Size of a latent vector."""
        return self.categories + self.style_dim

    @property
    def noise_width(self) -> int:
        """Number of values of `Latent.noise`, which the generator reads after the latent vector."""
        return 0

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the networks that hold learned parameters of the distribution. By default there are none.

        A recipe without one of them is invalid. `sample` then draws from the initial distribution.
        """
        return ()

    def draw_modes(self, networks: Mapping[str, nn.Module], per_cluster: int, rng: torch.Generator) -> Latent:
        """Return `per_cluster` draws of each cluster under the learned parameters, cluster by cluster.

        Only a prior with learned parameters is asked. By default it has no such draws, and LatentclustError is raised.
        """
        raise self._undefined("draw_modes")

    def draw(self, networks: Mapping[str, nn.Module], count: int, rng: torch.Generator) -> Latent:
        """Return `count` independent draws under the learned parameters; those of `sample` if none are learned.

        They are on any device. A prior with learned parameters defines it, or LatentclustError is raised.
        """
        if self.needs:
            raise self._undefined("draw")
        return self.sample(count, rng)

    def _undefined(self, method: str) -> LatentclustError:
        what = f"the parameters of {type(self).__name__} are learned, and it does not define `{method}`"
        return LatentclustError.at("prior", what, "Update the plugin that provides it, or draw latents yourself")


class MapPriorSpec(PriorSpec, ABC):
    """A distribution of label maps and grids of styles."""

    per_pixel: ClassVar[bool] = True

    style_stride: int
    """Pixels of the image per position of the style's grid, in each axis."""

    sigma: float
    """Standard deviation of each style value."""


# Losses


class LossSpec(Spec):
    """One term of an objective, as a function of quantities.

    A subclass defines `__call__`. The names of its parameters are the quantities, views, networks or sample tables that
    the loss reads, and `on` in its recipe table may bind them to others. It returns a 0-d float32 tensor.
    """

    reads_style: ClassVar[bool] = True
    """Whether the term depends on the style of the codes that it reads, and so can train it."""

    def chance(self, clusters: int) -> float | None:
        """Return the value of the term if the clusters say nothing about the images. None, by default, if unknown.

        Args:
            clusters: Number of clusters K.
        """
        return None

    if TYPE_CHECKING:
        __call__: ClassVar[Callable[..., Scalar]]
        after_step: ClassVar[Callable[..., None]]
    else:

        def after_step(self) -> None:
            """Change networks in place after a step of the player, without gradients. By default nothing changes.

            A subclass names in its parameters what it reads, as those of `__call__`: the values of the step, computed
            before it, and the networks after it. A queue of MoCo and prototypes of unit length are examples. What
            must last is a parameter or a buffer of a network. It must not be random, and is called on one device only.
            """


# Data


class DatasetSpec(Spec, ABC):
    """A data set: it finds, reads and optionally downloads samples."""

    summary: ClassVar[str]
    """Number of samples, their size and the classes, in one line."""

    licence: ClassVar[str]

    layout: ClassVar[str]
    """Files that the data set reads, relative to a data root, as a phrase for users who do not have them."""

    @abstractmethod
    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Open the data set from the first data root that contains it.

        Raises:
            LatentclustError: If the files are missing or damaged. If they are missing, it states what to get.
        """

    @abstractmethod
    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return the file or folder that `open` would read, or None if it is missing. No sample is read."""

    def split_protocol(self) -> SplitProtocol | None:
        """Return the named protocol that decides which samples are trained on and scored. By default there is none."""
        return None

    def open_scored(self, roots: tuple[Path, ...]) -> ImageSet:
        """Open the samples that the protocol scores. By default these are the samples of `open`.

        Raises:
            LatentclustError: As `open`.
        """
        return self.open(roots)

    def read_array(self, path: Path, shape: Shape) -> NDArray[Any] | None:
        """Read the samples of a file of new data as the data set reads its own, unscaled and without labels.

        Args:
            path: An array file: .npy, .npz, .csv, .mat or .h5ad.
            shape: Shape of one sample as the data set returns it.

        Returns:
            Vectors `(n, d)` or images `(n, c, h, w)`. None, by default, if the data set has no way of its own.

        Raises:
            LatentclustError: If the file is damaged.
        """
        return None

    def fetch(self, root: Path) -> None:
        """Download the data set with checksums into its layout below `root`. By default, the data set has none.

        Raises:
            LatentclustError: If the data set has no download, or the download fails.
        """
        fix = f"Provide the files yourself: {self.layout}"
        raise LatentclustError.at("data fetch", f"{type(self).__name__} has no download", fix)


class SceneDatasetSpec(DatasetSpec, ABC):
    """A data set whose samples are windows of rasters. It can also read a whole raster in the form of its samples."""

    @abstractmethod
    def scene_size(self, scene: Scene) -> tuple[int, int]:
        """Return height and width in pixels of a scene of `ImageSet.scenes`. No pixel is read."""

    @abstractmethod
    def read_scene(self, scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return a scene of `ImageSet.scenes` as an image `(c, h, w)`, and its valid pixels `(h, w)`.

        Raises:
            LatentclustError: If the file is damaged, or has other bands.
        """
