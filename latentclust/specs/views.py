"""Specs of views: steps of augmentations, and of the preprocessing."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentclust.specs.parts import Spec
from latentclust.tensors import Images, Mask, Shape, View


class ViewSpec(Spec):
    """A step of an augmentation or preprocessing: a DeviceViewSpec, MovingViewSpec, FittedViewSpec or HostViewSpec."""


class DeviceViewSpec(ViewSpec, ABC):
    """A step on a batch on the device. It must not wait for the device, so that CUDA graphs can capture it."""

    random: ClassVar[bool]
    """Whether the step draws random numbers. Only a step that does not may be used as preprocessing."""

    in_place: ClassVar[bool] = True
    """Whether all pixels stay in place. A step that moves pixels must be a MovingViewSpec in a system of label maps."""

    @abstractmethod
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the images after the step.

        Args:
            images: Images `(b, c, h, w)` in [0, 1], or vectors `(b, d)`, float32. They must not be changed.
            rng: The only source of randomness, on the images' device.

        Returns:
            Images of `output_shape`, float32. A random step keeps them in [0, 1].
        """

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a sample after the step. By default the shape does not change.

        Args:
            shape: Shape of one sample before the step, `(c, h, w)` or `(d,)`.

        Raises:
            LatentclustError: If the step cannot be applied to this shape.
        """
        return shape


class MovingViewSpec(DeviceViewSpec, ABC):
    """A step that moves pixels and returns their alignment, so that label maps of the view can be moved back."""

    in_place: ClassVar[bool] = False

    @abstractmethod
    def move(self, images: Images, rng: torch.Generator) -> View:
        """Return the images after the step with the affine maps by which they were sampled.

        Args:
            images: Images `(b, c, h, w)` in [0, 1], float32. They must not be changed.
            rng: The only source of randomness, on the images' device.

        Returns:
            Images in [0, 1] with their alignment `(b, 2, 3)`, which maps each of their pixels to its source.
        """

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the images of `move`."""
        return self.move(images, rng).images


class HostViewSpec(ViewSpec, ABC):
    """A step on one decoded image, which the data workers run. Host steps come before device steps."""

    @abstractmethod
    def apply_one(self, image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        """Return an image of the same shape.

        Args:
            image: Image `(h, w, c)` in [0, 255]. It must not be changed.
            seed: 32-bit seed, the only source of randomness.
        """


class FittedViewSpec(ViewSpec, ABC):
    """A preprocessing step with tensors that are computed from the training images, such as PCA.

    The tensors are computed once, before the training begins, and are part of the model file, so that new images are
    preprocessed as those of the training were. The step can be used in `data.preprocess` only.
    """

    random: ClassVar[bool] = False

    @abstractmethod
    def fit(self, batches: Iterable[tuple[Images, Mask]]) -> Mapping[str, Tensor]:
        """Return the tensors of the step by name: finite, float32, on the CPU.

        Args:
            batches: Images `(b, c, h, w)` with the mask of their valid pixels `(b, h, w)`, or vectors `(b, d)` with a
                mask `(b,)`, as the step before this one returns them. They are a sample of the training data.

        Raises:
            LatentclustError: If the images do not suffice, such as fewer valid pixels than components.
        """

    @abstractmethod
    def apply(self, images: Images, fitted: Mapping[str, Tensor]) -> Images:
        """Return the images after the step, float32, of `output_shape`.

        Args:
            images: Images `(b, c, h, w)` or vectors `(b, d)`, float32. They must not be changed.
            fitted: The tensors of `fit`, on the images' device.
        """

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a sample after the step. By default the shape does not change.

        Raises:
            LatentclustError: If the step cannot be applied to this shape.
        """
        return shape


@final
class FittedStep:
    """A step with its tensors, which is used as any other step of the preprocessing.

    Args:
        spec: The step.
        fitted: Its tensors by name. They are copied once to each device that they are used on.
    """

    def __init__(self, spec: FittedViewSpec, fitted: Mapping[str, Tensor]) -> None:
        self.spec = spec
        self._on: dict[torch.device, Mapping[str, Tensor]] = {torch.device("cpu"): fitted}

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the images after the step. A fitted step draws no random numbers."""
        if images.device not in self._on:
            fitted = next(iter(self._on.values()))
            self._on[images.device] = {name: tensor.to(images.device) for name, tensor in fitted.items()}
        return self.spec.apply(images, self._on[images.device])

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a sample after the step."""
        return self.spec.output_shape(shape)
