"""A view of each batch, drawn once a step, with where its pixels came from."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from latentclust.assemble.experiment import Preprocess
from latentclust.data.feed import Batch, to_float
from latentclust.specs.parts import DeviceViewSpec, MovingViewSpec
from latentclust.tensors import Alignment, Images


@dataclass(slots=True)
class DrawnView:
    """The images of one view and their alignment, which a step may ask for in either order but draws once.

    Attributes:
        name: The view's.
        steps: On the device, in order.
        on_host: Whether the data workers have made a first form of the view.
    """

    name: str
    steps: tuple[DeviceViewSpec, ...]
    on_host: bool
    preprocess: Preprocess
    rng: torch.Generator
    _drawn: tuple[Batch, Tensor, Tensor] | None = field(default=None, init=False)

    def images(self, batch: Batch) -> Tensor:
        """The view, preprocessed; it is drawn anew whenever it is asked for."""
        seen = Images(to_float(batch.views[self.name] if self.on_host else batch.raw))
        places = torch.eye(2, 3, device=seen.device).expand(len(seen), -1, -1)
        for step in self.steps:
            if isinstance(step, MovingViewSpec):
                seen, came_from = step.move(seen, self.rng)
                places = composed(Alignment(places), came_from)
            else:
                seen = step.apply(seen, self.rng)
        view = self.preprocess(seen, self.rng)
        self._drawn = (batch, view, places)
        return view

    def alignment(self, batch: Batch) -> Tensor:
        """Where in the image each place of the view last drawn of this batch came from, `(b, 2, 3)`."""
        assert self._drawn is not None, "a plan reads a view before its alignment"
        assert self._drawn[0] is batch, "a plan reads a view before its alignment"
        return self._drawn[2]


def composed(first: Alignment, second: Alignment) -> Alignment:
    """Where places come from after a first and then a second map: out(p) = in(first(second(p)))."""
    bottom = torch.tensor((0.0, 0.0, 1.0), device=second.device).expand(len(second), 1, 3)
    return Alignment(first @ torch.cat((second, bottom), dim=1))
