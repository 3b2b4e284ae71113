"""The values that a training step reads from a batch: images, valid pixels and views."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from latentclust.assemble.experiment import Experiment
from latentclust.assemble.preprocess import Preprocess
from latentclust.data.feed import Batch, to_float
from latentclust.specs.views import DeviceViewSpec, HostViewSpec, MovingViewSpec
from latentclust.tensors import Alignment, Images, View

Input = Callable[[Batch], Tensor | View]
"""Reads a value from a batch. A view provides its images under its own name, and its alignment under another."""


def make_inputs(experiment: Experiment, rng: torch.Generator) -> dict[str, Input]:
    """Return the inputs of an experiment by name: `images`, `valid` and each view."""
    preprocess, table = experiment.fed[1], experiment.resolved.recipe.features
    inputs: dict[str, Input] = {"images": partial(read_images, preprocess=preprocess, rng=rng), "valid": valid_pixels}
    for name, steps in experiment.resolved.views.items():
        stored = table is not None and table.view in (name, experiment.resolved.recipe.views[name].like or name)
        if stored and experiment.bank is not None:
            inputs[name] = partial(stored_view, rng=rng)
            continue
        # A view that the bank does not hold is drawn of the features, whether these are stored or not.
        before, after = (preprocess, Preprocess()) if table and not stored else (None, preprocess)
        inputs[name] = partial(draw_view, name=name, steps=steps, preprocess=after, rng=rng, before=before)
    return inputs


def of_drawn(draw: Callable[[Batch], Batch], view: Input, batch: Batch) -> Tensor | View:
    """Return a view of other samples than those of a batch, which are drawn for it."""
    return view(draw(batch))


def read_images(batch: Batch, preprocess: Preprocess, rng: torch.Generator) -> Images:
    """Return the images of a batch, preprocessed."""
    return preprocess(to_float(batch.raw), rng)


def stored_view(batch: Batch, rng: torch.Generator) -> View:
    """Return the features of one stored view of each image of a batch, drawn anew by every call."""
    rows, views = batch.raw, batch.raw.shape[1] - 1
    drawn = torch.randint(1, 1 + views, (len(rows),), generator=rng, device=rows.device)
    return View.in_place(Images(rows[torch.arange(len(rows), device=rows.device), drawn]))


def draw_view(
    batch: Batch,
    name: str,
    steps: tuple[Any, ...],
    preprocess: Preprocess,
    rng: torch.Generator,
    before: Preprocess | None = None,
) -> View:
    """Return a view of a batch, preprocessed. Every call draws again.

    Args:
        batch: The batch. If the view has steps on the host, the data workers have applied them.
        name: Name of the view.
        steps: Steps of the view, in order; those on the host come first.
        preprocess: Preprocessing of the experiment, which comes last.
        rng: Generator on the device of the batch.
        before: Preprocessing that comes first, if any.
    """
    images = to_float(batch.views[name] if host_steps(steps) else batch.raw)
    view = View.in_place(images if before is None else before(images, rng))
    for step in steps:
        if isinstance(step, MovingViewSpec):
            moved = step.move(view.images, rng)
            view = View(moved.images, compose_alignments(view.alignment, moved.alignment))
        elif isinstance(step, DeviceViewSpec):
            view = View(step.apply(view.images, rng), view.alignment)
    return View(preprocess(view.images, rng), view.alignment)


def host_steps(steps: tuple[Any, ...]) -> tuple[HostViewSpec, ...]:
    """Return the steps of a view that the data workers apply. They come first."""
    return tuple(step for step in steps if isinstance(step, HostViewSpec))


def compose_alignments(first: Alignment, second: Alignment) -> Alignment:
    """Return the alignment after two moves: `out(p) = in(first(second(p)))`."""
    bottom = torch.tensor((0.0, 0.0, 1.0), device=second.device).expand(len(second), 1, 3)
    return Alignment(first @ torch.cat((second, bottom), dim=1))


def valid_pixels(batch: Batch) -> Tensor:
    """Return the valid pixels of a batch of images, `(b, h, w)` bool: all of them if the data set has no masks."""
    if batch.valid is not None:
        return batch.valid
    return torch.ones((len(batch.raw), *batch.raw.shape[2:]), dtype=torch.bool, device=batch.raw.device)
