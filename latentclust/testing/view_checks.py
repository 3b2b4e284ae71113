"""Checks of views: shape, range, type, alignment, and reproducible randomness."""

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentclust.specs.views import DeviceViewSpec, FittedViewSpec, HostViewSpec, MovingViewSpec
from latentclust.tensors import Images, Mask, Shape, View
from latentclust.testing.alignment import displacement
from latentclust.testing.randomness import bitwise_equal, repeats
from latentclust.testing.subject import CheckedPart, NotApplicable, require, taken, unless_refused

SHAPES: tuple[Shape, ...] = ((3, 16, 16), (1, 16, 16), (16,))
BATCH = 8
SEEDS = range(4, 12)

WIDE_SHAPES: tuple[Shape, ...] = ((3, 32, 48), (1, 32, 48), *SHAPES[:-1])
"""Shapes of images in which a pixel is followed. Oblong ones reveal swapped height and width."""

FITTED_SHAPES: tuple[Shape, ...] = ((8, 32, 32), *SHAPES)
"""Shapes of samples that a fitted step is tried on; the first one has as many channels as components are usual."""

HOST_SHAPES: tuple[Shape, ...] = ((16, 12, 3), (16, 12, 1))
"""Shapes of colour and grey images, `(h, w, c)`."""


def runs_in_one_place(subject: CheckedPart) -> None:
    """It is a step on the device or on the workers, but not both."""
    spec = subject.build()
    kinds = sum(isinstance(spec, kind) for kind in (DeviceViewSpec, FittedViewSpec, HostViewSpec))
    require(kinds == 1, "it must be one of DeviceViewSpec, FittedViewSpec and HostViewSpec")


def makes_images_of_its_shape(subject: CheckedPart) -> None:
    """For every accepted shape it returns finite float32 images of `output_shape`, and does not change the input."""
    spec: DeviceViewSpec = subject.build()
    for shape in taken(spec.output_shape, SHAPES, len(SHAPES)):
        given = _images(shape)
        before = given.clone()
        out = spec.apply(given, torch.Generator().manual_seed(0))
        _require_images(out, (BATCH, *spec.output_shape(shape)))
        inside = not type(spec).random or (out.min() >= 0 and out.max() <= 1)
        require(inside, "its images have values outside [0, 1]")
        require(bitwise_equal(given, before), "it changes the images that it is given")


def is_deterministic_for_a_generator(subject: CheckedPart) -> None:
    """The same generator state gives the same images bit for bit, and no other generator is used."""
    spec: DeviceViewSpec = subject.build()
    shape = taken(spec.output_shape, SHAPES)[0]
    repeats(lambda: [_seen(spec, shape, 4)])


def matches_its_random_flag(subject: CheckedPart) -> None:
    """With `random = True` different generator states give different images, otherwise the same images."""
    spec: DeviceViewSpec = subject.build()
    shape = taken(spec.output_shape, SHAPES)[0]
    first = _seen(spec, shape, SEEDS[0])
    draws = any(not bitwise_equal(_seen(spec, shape, seed), first) for seed in SEEDS[1:])
    said = type(spec).random
    require(
        draws == said,
        f"it declares random = {said}, but its images {'vary' if draws else 'do not vary'} with the generator",
    )


def matches_its_in_place_flag(subject: CheckedPart) -> None:
    """A step with `in_place = True` responds to a changed pixel at the position of that pixel."""
    spec: DeviceViewSpec = subject.build()
    if not spec.in_place:
        raise NotApplicable("it moves pixels")
    shape = _wide_shape(spec)
    if shape is None:
        raise NotApplicable("it accepts no images")

    def see(images: Images, rng: torch.Generator) -> View:
        return View.in_place(spec.apply(images, rng))

    far = displacement(see, shape)
    require(far == 0, f"it declares in_place = True, but moves a pixel by {far:.1f} pixels")


def returns_correct_alignment(subject: CheckedPart) -> None:
    """A step that moves pixels returns the images of `apply` with the correct alignment."""
    spec: MovingViewSpec = subject.build()
    shape = _wide_shape(spec)
    require(shape is not None, "it moves pixels but accepts no images")
    assert shape is not None, "required above"
    view = spec.move(_images(shape), torch.Generator().manual_seed(4))
    require(bitwise_equal(view.images, _seen(spec, shape, 4)), "`apply` and `move` return different images")
    require(
        tuple(view.alignment.shape) == (BATCH, 2, 3),
        f"its alignment has shape {tuple(view.alignment.shape)}, expected {(BATCH, 2, 3)}",
    )
    require(torch.isfinite(view.alignment).all(), "its alignment is not finite")
    far = displacement(spec.move, shape)
    require(far == 0, f"a pixel lies {far:.1f} pixels from the position that the alignment gives")


def preserves_shape_and_type(subject: CheckedPart) -> None:
    """A step on the workers preserves shape and type, does not change its input, and depends only on the seed."""
    spec: HostViewSpec = subject.build()
    for shape in taken(lambda shape: spec.apply_one(_image(shape), 4), HOST_SHAPES, len(HOST_SHAPES)):
        image = _image(shape)
        before = image.copy()
        out = spec.apply_one(image, 4)
        require(out.shape == image.shape, f"it changes the shape of an image from {image.shape} to {out.shape}")
        require(out.dtype == np.uint8, f"it makes an image of {out.dtype}, and not uint8")
        require(np.array_equal(image, before), "it changes the image that it is given")
        repeats(partial(_applied, spec, shape))


def fits_and_applies(subject: CheckedPart) -> None:
    """Its tensors are finite and depend only on the images. An image yields the same alone and in a batch."""
    spec: FittedViewSpec = subject.build()
    for shape in taken(spec.output_shape, FITTED_SHAPES):
        images = _images(shape)
        before = images.clone()
        fitted = spec.fit(_with_masks(images))
        repeats(partial(_fitted_values, spec, images))
        require(all(torch.isfinite(each).all() for each in fitted.values()), "`fit` returns values that are not finite")
        out = spec.apply(images, fitted)
        _require_images(out, (BATCH, *spec.output_shape(shape)))
        alone = spec.apply(Images(images[:1]), fitted)
        same = torch.allclose(alone, out[:1], rtol=1e-4, atol=1e-5)
        require(same, "an image yields other values in a batch than alone")
        require(bitwise_equal(images, before), "it changes the images that it is given")


def ignores_invalid_pixels(subject: CheckedPart) -> None:
    """Images whose mask excludes all of their pixels do not change its tensors."""
    spec: FittedViewSpec = subject.build()
    shape = taken(spec.output_shape, FITTED_SHAPES)[0]
    images = _images(shape)
    bright = Images(torch.full_like(images, 100.0))
    masked = [*_with_masks(images), (bright, Mask(torch.zeros(BATCH, *shape[1:], dtype=torch.bool)))]
    before, after = spec.fit(_with_masks(images)), spec.fit(masked)
    same = all(torch.allclose(before[name], after[name], rtol=1e-4, atol=1e-5) for name in before)
    require(same, "values of pixels that are not valid change its tensors")


def _require_images(out: Tensor, said: tuple[int, ...]) -> None:
    """Raise CheckFailed unless images are finite float32 of the shape that `output_shape` declares."""
    found = tuple(out.shape)
    require(found == said, f"it returns images of shape {found}, but output_shape declares {said}")
    require(out.dtype == torch.float32, f"it returns {out.dtype} images, expected float32")
    require(torch.isfinite(out).all(), "it makes images that are not finite")


def _fitted_values(spec: FittedViewSpec, images: Images) -> list[Tensor]:
    return list(spec.fit(_with_masks(images)).values())


def _with_masks(images: Images) -> list[tuple[Images, Mask]]:
    """Return images in two batches, all of whose pixels are valid."""
    every = Mask(torch.ones(len(images), *images.shape[2:], dtype=torch.bool))
    half = len(images) // 2
    return [(Images(images[part]), Mask(every[part])) for part in (slice(half), slice(half, None))]


def _wide_shape(spec: DeviceViewSpec) -> Shape | None:
    """Return the first accepted shape of images, or None."""
    return next((shape for shape in WIDE_SHAPES if unless_refused(spec.output_shape, shape) is not None), None)


def _images(shape: Shape) -> Images:
    return Images(torch.rand(BATCH, *shape, generator=torch.Generator().manual_seed(9)))


def _image(shape: Shape) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _seen(spec: DeviceViewSpec, shape: Shape, seed: int) -> Tensor:
    return spec.apply(_images(shape), torch.Generator().manual_seed(seed))


def _applied(spec: HostViewSpec, shape: Shape) -> list[Any]:
    return [spec.apply_one(_image(shape), 4)]
