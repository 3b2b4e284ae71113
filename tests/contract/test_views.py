"""Views: shape, range and type kept, and every draw decided by the generator or the seed."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentclust.errors import LatentclustError
from latentclust.registry import Part
from latentclust.specs import DeviceViewSpec, HostViewSpec
from latentclust.tensors import Images, Shape

SHAPES: tuple[Shape, ...] = ((3, 16, 16), (1, 16, 16), (16,))
BATCH = 8


def accepted(spec: DeviceViewSpec) -> list[Shape]:
    """The shapes that a view can take; the others it must refuse in words."""
    taken = []
    for shape in SHAPES:
        try:
            spec.output_shape(shape)
        except LatentclustError:
            continue
        taken.append(shape)
    return taken


def images(shape: Shape) -> Images:
    return Images(torch.rand(BATCH, *shape, generator=torch.Generator().manual_seed(9)))


def seen(spec: DeviceViewSpec, shape: Shape, seed: int) -> Tensor:
    return spec.apply(images(shape), torch.Generator().manual_seed(seed))


def test_a_view_runs_on_the_device_or_in_the_workers(view: Part, make: Any) -> None:
    spec = make(view)
    assert isinstance(spec, DeviceViewSpec) != isinstance(spec, HostViewSpec)


def test_a_device_view_makes_images_of_the_shape_that_it_says(device_view: Part, make: Any) -> None:
    spec: DeviceViewSpec = make(device_view)
    shapes = accepted(spec)
    assert shapes, "it takes no shape at all"
    for shape in shapes:
        given = images(shape)
        before = given.clone()
        out = spec.apply(given, torch.Generator().manual_seed(0))
        assert tuple(out.shape) == (BATCH, *spec.output_shape(shape))
        assert out.dtype == torch.float32
        assert torch.isfinite(out).all()
        if type(spec).random:
            assert out.min() >= 0
            assert out.max() <= 1
        assert torch.equal(given, before), "it changed what it was given"


def test_a_device_view_is_decided_by_its_generator_alone(device_view: Part, make: Any) -> None:
    spec: DeviceViewSpec = make(device_view)
    shape = accepted(spec)[0]
    torch.manual_seed(1)
    first = seen(spec, shape, 4)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(seen(spec, shape, 4), first)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_device_view_draws_if_and_only_if_it_says_so(device_view: Part, make: Any) -> None:
    spec: DeviceViewSpec = make(device_view)
    shape = accepted(spec)[0]
    draws = {tuple(seen(spec, shape, seed).flatten().tolist()) for seed in range(4)}
    assert (len(draws) > 1) == type(spec).random


def test_a_host_view_keeps_shape_and_type_and_is_decided_by_the_seed_alone(host_view: Part, make: Any) -> None:
    spec: HostViewSpec = make(host_view)
    image = np.random.default_rng(0).integers(0, 256, (16, 12, 3), dtype=np.uint8)
    before = image.copy()
    np.random.seed(1)
    first = spec.apply_one(image, 4)
    np.random.seed(2)
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    assert np.array_equal(spec.apply_one(image, 4), first)
    assert np.array_equal(image, before), "it changed what it was given"
    assert any(not np.array_equal(spec.apply_one(image, seed), first) for seed in range(5, 12))
