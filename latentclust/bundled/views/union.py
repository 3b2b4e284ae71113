"""A preprocessing step that stacks the channels of several steps."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, final

import torch
from pydantic import Field, model_validator
from torch import Tensor

from latentclust.api import DeviceViewSpec, FittedViewSpec, Images, LatentclustError, Mask, Shape, Spec, installed
from latentclust.bundled.views.pca import FLAT, along_channels, moments, valid_points

EXAMPLE = ({"use": "local-statistics", "window": 9}, {"use": "gabor"})


@final
class Union(FittedViewSpec):
    """Stacks the channels that several steps compute from the same images.

    With `balance` each channel is standardised over the training images, and divided by the square root of the number
    of channels of its part: all parts then contribute equally to the distance of two pixels, whatever their units and
    their numbers of channels.

    Example:
        ```toml
        [data]
        use = "dubai"
        preprocess = [{ use = "union", parts = [{ use = "local-statistics" }, { use = "gabor" }] }]
        ```
    """

    parts: Annotated[tuple[dict[str, Any], ...], Field(min_length=2, examples=[EXAMPLE])]
    """Steps as in `data.preprocess`: `use` and options. Random and fitted ones are refused."""

    balance: bool = True
    """Whether all parts contribute equally."""

    @model_validator(mode="after")
    def _valid_parts(self) -> "Union":
        _ = self.steps  # raises LatentclustError
        return self

    @cached_property
    def steps(self) -> tuple[DeviceViewSpec, ...]:
        """The steps."""
        return tuple(_step(table, f"parts.{position}") for position, table in enumerate(self.parts))

    def nested(self) -> tuple[tuple[str, str, Spec], ...]:
        """Return the steps."""
        return tuple(("view", table["use"], step) for table, step in zip(self.parts, self.steps, strict=True))

    def weights_origin(self) -> str:
        """Return the pretrained weights that the parts read."""
        return "; ".join(origin for part in self.steps if (origin := part.weights_origin()))

    def fit(self, batches: Iterable[tuple[Images, Mask]]) -> Mapping[str, Tensor]:
        """Return `centre` and `factor` of the stacked channels, `(c,)`; nothing without `balance`.

        Raises:
            LatentclustError: If no pixel is valid.
        """
        if not self.balance:
            return {}
        widths: list[int] = []
        mean, covariance = moments(valid_points(self._stacked(batches, widths), "union"))
        deviation = covariance.diagonal().clamp_min(0).sqrt()
        width = torch.tensor(widths).repeat_interleave(torch.tensor(widths))
        factor = 1 / (torch.where(deviation > FLAT, deviation, 1.0) * width.sqrt())
        return {"centre": mean.float(), "factor": factor.float()}

    def apply(self, images: Images, fitted: Mapping[str, Tensor]) -> Images:
        """Return the stacked channels `(b, c, h, w)` of images, or `(b, c)` of vectors."""
        stacked = torch.cat(self._channels(images), dim=1)
        if not self.balance:
            return Images(stacked)
        return Images((stacked - along_channels(fitted["centre"], stacked)) * along_channels(fitted["factor"], stacked))

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape with the channels of all parts.

        Raises:
            LatentclustError: If a part cannot be applied to this shape, or two parts return different sizes.
        """
        shapes = [part.output_shape(shape) for part in self.steps]
        if len({each[1:] for each in shapes}) > 1:
            what = f"the parts return samples of different sizes: {', '.join(map(str, shapes))}"
            raise LatentclustError.at("parts", what, "Use steps that keep the size")
        return (sum(each[0] for each in shapes), *shapes[0][1:])

    def _channels(self, images: Images) -> list[Tensor]:
        """Return what each part computes. No part draws random numbers."""
        unread = torch.Generator(images.device)
        return [part.apply(images, unread) for part in self.steps]

    def _stacked(self, batches: Iterable[tuple[Images, Mask]], widths: list[int]) -> Iterator[tuple[Images, Mask]]:
        """Yield the stacked channels, and write the number of channels of each part to `widths`."""
        for images, mask in batches:
            found = self._channels(images)
            widths[:] = [each.shape[1] for each in found]
            yield Images(torch.cat(found, dim=1)), mask


def _step(table: Mapping[str, Any], where: str) -> DeviceViewSpec:
    """Return the step of a table with `use` and options."""
    options = {name: value for name, value in table.items() if name != "use"}
    if not isinstance(table.get("use"), str):
        raise LatentclustError.at(f"{where}.use", "is missing", "Name a step")
    step = installed().build("view", table["use"], options, where)
    if not isinstance(step, DeviceViewSpec) or step.random:
        what = f"{table['use']!r} is random, fitted to images, or runs on the data workers"
        raise LatentclustError.at(f"{where}.use", what, "Use a deterministic step on the device")
    return step
