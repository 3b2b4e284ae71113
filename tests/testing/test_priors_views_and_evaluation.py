"""Checks of priors, views, metrics and baselines fail for parts that violate them."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate, unfold

from latentclust.api import (
    Alignment,
    BaselineSpec,
    DeviceViewSpec,
    FittedViewSpec,
    HostViewSpec,
    Images,
    Latent,
    MapBaselineSpec,
    Mapped,
    Mask,
    MetricSpec,
    MovingViewSpec,
    PriorSpec,
    View,
    ViewSpec,
)
from latentclust.testing import metric_checks, prior_checks, view_checks


class Uniform(PriorSpec):
    """A category and a style; a good prior, for others to spoil."""

    clusters: int = Field(ge=2)
    style_dim: int = 2

    @property
    def categories(self) -> int:
        return self.clusters

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        chosen = torch.randint(self.clusters, (count,), generator=rng)
        style = torch.randn(count, self.style_dim, generator=rng)
        return Latent(torch.eye(self.clusters)[chosen], style)


class Double(Uniform):
    def sample(self, count: int, rng: torch.Generator) -> Latent:
        drawn = super().sample(count, rng)
        return Latent(drawn.category, drawn.style.double())


class Narrow(Uniform):
    def sample(self, count: int, rng: torch.Generator) -> Latent:
        drawn = super().sample(count, rng)
        return Latent(drawn.category, drawn.style[:, :1])


class Soft(Uniform):
    def sample(self, count: int, rng: torch.Generator) -> Latent:
        drawn = super().sample(count, rng)
        return Latent(0.5 * drawn.category, drawn.style)


class One(Uniform):
    def sample(self, count: int, rng: torch.Generator) -> Latent:
        drawn = super().sample(count, rng)
        return Latent(torch.eye(self.clusters)[torch.zeros(count, dtype=torch.int64)], drawn.style)


class Global(Uniform):
    def sample(self, count: int, rng: torch.Generator) -> Latent:
        drawn = super().sample(count, rng)
        return Latent(drawn.category, torch.randn_like(drawn.style))


class Fixed(Uniform):
    def sample(self, count: int, rng: torch.Generator) -> Latent:
        return super().sample(count, torch.Generator().manual_seed(0))


class Twins(Uniform):
    def sample(self, count: int, rng: torch.Generator) -> Latent:
        drawn = super().sample(count // 2, rng)
        return Latent(drawn.category.repeat(2, 1), drawn.style.repeat(2, 1))


class Lonely(Uniform):
    clusters: int = 3


@pytest.mark.parametrize(
    ("check", "value", "reason"),
    [
        (prior_checks.draws_latents_of_its_shape, Double, "its style is torch.float64, and not float32"),
        (prior_checks.draws_latents_of_its_shape, Narrow, "which does not begin with (400, 2)"),
        (prior_checks.has_one_hot_categories, Soft, "its categories are not one-hot"),
        (prior_checks.has_one_hot_categories, One, "a category does not occur in 400 draws"),
        (prior_checks.is_deterministic_for_a_generator, Global, "it draws from the global generator of torch"),
        (prior_checks.is_deterministic_for_a_generator, Fixed, "different generators give the same samples"),
        (prior_checks.draws_independently, Twins, "two samples of a batch are equal"),
        (prior_checks.rejects_fewer_than_two_clusters, Lonely, "it accepts clusters = 1"),
    ],
)
def test_a_wrong_prior(check, value, reason: str, caught):
    assert reason in caught(check, "prior", value)


# Views


class Both(ViewSpec):
    """Neither of the device nor of the workers."""


class Same(DeviceViewSpec):
    """Leaves images as they are; a good view, for others to spoil."""

    random: ClassVar[bool] = False

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return images


class Cropping(Same):
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images(images[..., 1:])


class Beyond(Same):
    random: ClassVar[bool] = True

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images(images + 1)


class InPlace(Same):
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images(images.mul_(0.5))


class GlobalView(Same):
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images(images * torch.rand(()))


class Secret(Same):
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images(images * torch.rand((), generator=rng))


class Idle(Same):
    random: ClassVar[bool] = True


class Unaligned(MovingViewSpec):
    """Says of no image where it comes from."""

    random: ClassVar[bool] = False

    def move(self, images: Images, rng: torch.Generator) -> View:
        return View(images, Alignment(torch.zeros(2, 3)))


class Unfaithful(MovingViewSpec):
    """Mirrors images, and says of every pixel that it is where it was."""

    random: ClassVar[bool] = False

    def move(self, images: Images, rng: torch.Generator) -> View:
        return View(Images(images.flip(-1)), Alignment(torch.eye(2, 3).repeat(len(images), 1, 1)))


class Outside(Unfaithful):
    """Says of every pixel that it is from outside the image."""

    def move(self, images: Images, rng: torch.Generator) -> View:
        view = super().move(images, rng)
        return View(view.images, Alignment(view.alignment + torch.tensor((0.0, 0.0, 5.0))))


class Turning(MovingViewSpec):
    """Turns images by up to a quarter either way, and says so of another size, or of another direction."""

    random: ClassVar[bool] = True
    said: ClassVar[float] = 1.0
    oblong: ClassVar[bool] = True

    def move(self, images: Images, rng: torch.Generator) -> View:
        angles = torch.pi / 2 * (torch.rand(len(images), generator=rng) - 0.5)
        _, _, height, width = images.shape
        places = self.turned(angles, height / width)
        grid = affine_grid(places, list(images.shape), align_corners=False)
        moved = grid_sample(images, grid, padding_mode="reflection", align_corners=False)
        said = self.turned(self.said * angles, height / width if self.oblong else 1.0)
        return View(Images(1 - 0.9 * moved), Alignment(said))

    def turned(self, angles: torch.Tensor, ratio: float) -> torch.Tensor:
        cos, sin, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
        rows = ((cos, -sin * ratio, zero), (sin / ratio, cos, zero))
        return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


class TurnedBack(Turning):
    said: ClassVar[float] = -1.0


class Square(Turning):
    oblong: ClassVar[bool] = False


class Mirroring(Same):
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images(images.flip(-1)) if images.dim() > 2 else images


class AtTimes(Same):
    """Mirrors a tenth of all images."""

    random: ClassVar[bool] = True

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        mirrored = torch.rand(len(images), 1, 1, 1, generator=rng) < 0.1
        return Images(torch.where(mirrored, images.flip(-2), images))


class Shifting(Same):
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images(images.roll(2, dims=-1))


class Enlarging(Same):
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images(interpolate(images[..., 8:-8, 8:-8], images.shape[2:], mode="bilinear"))


class Shrinking(HostViewSpec):
    """Makes smaller images."""

    def apply_one(self, image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        return image[1:]


class Floating(HostViewSpec):
    """Makes images of another type."""

    def apply_one(self, image: NDArray[np.uint8], seed: int) -> Any:
        return image / 255


class GlobalHost(HostViewSpec):
    """Draws from numpy's global generator."""

    def apply_one(self, image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        return image[::-1].copy() if np.random.rand() < 0.5 else image


class Centred(FittedViewSpec):
    """Subtracts the mean of valid pixels; a good step, for others to spoil."""

    def fit(self, batches: Iterable[tuple[Images, Mask]]) -> Mapping[str, torch.Tensor]:
        return {"mean": torch.cat([images.movedim(1, -1)[mask] for images, mask in batches]).mean(dim=0)}

    def apply(self, images: Images, fitted: Mapping[str, torch.Tensor]) -> Images:
        return Images((images.movedim(1, -1) - fitted["mean"]).movedim(-1, 1))


class ByBatch(Centred):
    def apply(self, images: Images, fitted: Mapping[str, torch.Tensor]) -> Images:
        return Images(images - images.mean())


class Divided(Centred):
    def apply(self, images: Images, fitted: Mapping[str, torch.Tensor]) -> Images:
        return Images(images / 0)


class Infinite(Centred):
    def fit(self, batches: Iterable[tuple[Images, Mask]]) -> Mapping[str, torch.Tensor]:
        return {"mean": super().fit(batches)["mean"] / 0}


class OfAllPixels(Centred):
    def fit(self, batches: Iterable[tuple[Images, Mask]]) -> Mapping[str, torch.Tensor]:
        return super().fit((images, Mask(torch.ones_like(mask))) for images, mask in batches)


@pytest.mark.parametrize(
    ("check", "value", "reason"),
    [
        (view_checks.fits_and_applies, ByBatch, "an image yields other values in a batch than alone"),
        (view_checks.fits_and_applies, Divided, "it makes images that are not finite"),
        (view_checks.fits_and_applies, Infinite, "`fit` returns values that are not finite"),
        (view_checks.ignores_invalid_pixels, OfAllPixels, "values of pixels that are not valid change its tensors"),
        (view_checks.runs_in_one_place, Both, "it must be one of"),
        (
            view_checks.makes_images_of_its_shape,
            Cropping,
            "it returns images of shape (8, 3, 16, 15), but output_shape declares (8, 3, 16, 16)",
        ),
        (view_checks.makes_images_of_its_shape, Beyond, "its images have values outside [0, 1]"),
        (view_checks.makes_images_of_its_shape, InPlace, "it changes the images that it is given"),
        (view_checks.is_deterministic_for_a_generator, GlobalView, "it draws from the global generator of torch"),
        (
            view_checks.matches_its_random_flag,
            Secret,
            "it declares random = False, but its images vary with the generator",
        ),
        (
            view_checks.matches_its_random_flag,
            Idle,
            "it declares random = True, but its images do not vary with the generator",
        ),
        (
            view_checks.matches_its_in_place_flag,
            Mirroring,
            "it declares in_place = True, but moves a pixel by 33.0 pixels",
        ),
        (
            view_checks.matches_its_in_place_flag,
            AtTimes,
            "it declares in_place = True, but moves a pixel by 23.0 pixels",
        ),
        (
            view_checks.matches_its_in_place_flag,
            Shifting,
            "it declares in_place = True, but moves a pixel by 2.0 pixels",
        ),
        (view_checks.matches_its_in_place_flag, Enlarging, "it declares in_place = True, but moves a pixel by"),
        (view_checks.returns_correct_alignment, Unaligned, "its alignment has shape (2, 3), expected (8, 2, 3)"),
        (
            view_checks.returns_correct_alignment,
            Unfaithful,
            "a pixel lies 33.0 pixels from the position that the alignment gives",
        ),
        (view_checks.returns_correct_alignment, Outside, "pixels from the position that the alignment gives"),
        (view_checks.returns_correct_alignment, TurnedBack, "pixels from the position that the alignment gives"),
        (view_checks.returns_correct_alignment, Square, "pixels from the position that the alignment gives"),
        (
            view_checks.preserves_shape_and_type,
            Shrinking,
            "it changes the shape of an image from (16, 12, 3) to (15, 12, 3)",
        ),
        (view_checks.preserves_shape_and_type, Floating, "it makes an image of float64, and not uint8"),
        (view_checks.preserves_shape_and_type, GlobalHost, "it draws from the global generator of numpy"),
    ],
)
def test_a_wrong_view(check, value, reason: str, caught):
    assert reason in caught(check, "view", value)


class Smooth(Same):
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images(avg_pool2d(images, 5, stride=1, padding=2))


class Denoised(Same):
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        patches = unfold(images, 3, padding=1).unflatten(1, (images.shape[1], 9))
        return Images(patches.median(dim=2).values.view_as(images))


class Normalised(Same):
    """By each image's own mean and deviation."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images((images - images.mean(dim=(2, 3), keepdim=True)) / images.std(dim=(2, 3), keepdim=True))


class Equalised(Same):
    """Every value becomes its rank in its image."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        ranks = images.flatten(2).argsort(dim=2).argsort(dim=2).float()
        return Images((ranks / ranks.shape[2]).view_as(images))


class Coarse(Same):
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images(interpolate(avg_pool2d(images, 4), scale_factor=4.0))


class Halved(Same):
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images(avg_pool2d(images, 2))


class Holed(Same):
    """Drops three pixels of four, and adds noise to the others."""

    random: ClassVar[bool] = True

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        kept = torch.rand(images.shape, generator=rng) < 0.25
        return Images((images + 0.1 * torch.randn(images.shape, generator=rng)).clamp(0, 1) * kept)


class Mixed(Same):
    """Half of each image is the next one of its batch."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        return Images((images + images.roll(1, dims=0)) / 2)


@pytest.mark.parametrize("value", [Same, Smooth, Denoised, Normalised, Equalised, Coarse, Halved, Holed, Mixed])
def test_a_view_that_moves_no_pixel(value, subject):
    view_checks.matches_its_in_place_flag(subject("view", value))


def test_a_view_that_moves_pixels_as_it_says(subject):
    view_checks.returns_correct_alignment(subject("view", Turning))


def test_a_view_that_says_that_it_moves_pixels_is_not_asked_for_their_place(caught):
    assert caught(view_checks.matches_its_in_place_flag, "view", Unaligned).endswith("it moves pixels")


# Metrics and baselines


class Numpy(MetricSpec):
    """Gives numpy's float."""

    def __call__(self, table: NDArray[np.int64]) -> Any:
        return np.float64(0.5)


class NoNumber(MetricSpec):
    """Gives no number."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        return float("nan")


class ByCluster(MetricSpec):
    """Divides by the size of each cluster."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        with np.errstate(invalid="ignore"):
            return float((table.max(axis=1) / table.sum(axis=1)).mean())


class ByClass(MetricSpec):
    """Divides by the size of each class."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        with np.errstate(invalid="ignore"):
            return float((table.max(axis=0) / table.sum(axis=0)).mean())


class Overall(MetricSpec):
    """Divides by what is left to say of the clusters."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        return 1 / float(1 - table.sum(axis=1).max() / table.sum())


class Matched(MetricSpec):
    """Looks for a cluster of every class."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        return float(sum(table[index].max() for index in range(table.shape[1])) / table.sum())


class Spoiling(MetricSpec):
    """Changes its table."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        table[0] = 0
        return 0.5


class Numbered(MetricSpec):
    """Takes clusters for classes of the same number."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        return float(np.trace(table) / table.sum())


class Beyond3(BaselineSpec):
    """Numbers clusters from 1."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        return np.arange(len(points)) % clusters + 1


class Scaling(BaselineSpec):
    """Changes its points."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        points *= 2
        return np.arange(len(points)) % clusters


class Tossing(BaselineSpec):
    """Draws from numpy's global generator."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        return np.random.randint(clusters, size=len(points))


class Flat(MapBaselineSpec):
    """Labels images and not pixels."""

    def fit(self, batches: Iterable[tuple[Images, Mask]], count: int, clusters: int, seed: int) -> Mapped:
        return lambda images: torch.zeros(len(images), dtype=torch.int64)


class TossingPixels(MapBaselineSpec):
    """Draws from torch's global generator."""

    def fit(self, batches: Iterable[tuple[Images, Mask]], count: int, clusters: int, seed: int) -> Mapped:
        return lambda images: torch.randint(clusters, (len(images), *images.shape[2:]))


@pytest.mark.parametrize(
    ("check", "kind", "value", "reason"),
    [
        (metric_checks.is_a_number, "metric", Numpy, "it returns float64, expected float"),
        (metric_checks.is_a_number, "metric", NoNumber, "for four clusters and three classes it returns nan"),
        (metric_checks.is_a_number, "metric", ByCluster, "for a cluster without samples it returns nan"),
        (metric_checks.is_a_number, "metric", ByClass, "for a class without samples it returns nan"),
        (metric_checks.is_a_number, "metric", Overall, "it raised ZeroDivisionError: float division by zero"),
        (metric_checks.is_a_number, "metric", Matched, "it raised IndexError: index 3 is out of bounds"),
        (metric_checks.is_a_number, "metric", Spoiling, "it changes the table that it is given"),
        (
            metric_checks.ignores_cluster_numbering,
            "metric",
            Numbered,
            "its value changes if clusters or classes are renumbered",
        ),
        (metric_checks.labels_every_point, "baseline", Beyond3, "it returns labels from 1 to 3 for 3 clusters"),
        (metric_checks.labels_every_point, "baseline", Scaling, "it changes the points that it is given"),
        (metric_checks.is_deterministic_for_a_seed, "baseline", Tossing, "it draws from the global generator of numpy"),
        (metric_checks.labels_every_pixel, "baseline", Flat, "its labels have the shape (3,), and not (3, 32, 32)"),
        (metric_checks.pixels_are_deterministic_for_a_seed, "baseline", TossingPixels, "the global generator of torch"),
    ],
)
def test_a_wrong_metric_or_baseline(check, kind: str, value, reason: str, caught):
    assert reason in caught(check, kind, value)
