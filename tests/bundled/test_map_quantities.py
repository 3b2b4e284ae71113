"""Views moved back into place, what they show, and pictures of layers."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from latentclust.api import Alignment, ClusterImages, DeviceViewSpec, Images, Latent, Mask, MovingViewSpec
from latentclust.bundled.map_quantities import (
    affine_grid,
    align_to_images,
    aligned_heads_of_view,
    inside_view,
    invert,
    layers,
    shown_sample,
    visible,
)
from latentclust.bundled.views.affine import Affine, warp
from latentclust.bundled.views.colour_jitter import ColourJitter
from latentclust.bundled.views.flip import Flip
from latentclust.bundled.views.resized_crop import CropBoxes, ResizedCrop, alignment_of_boxes, crop
from latentclust.train.step_inputs import compose_alignments

BATCH, HEIGHT, WIDTH, BLOCK = 16, 40, 56, 8
IDENTITY = torch.eye(2, 3)
MARGIN = 2.5
"""Pixels from the border of image and view within which bilinear sampling has all of its neighbours."""

STEPS: dict[str, tuple[DeviceViewSpec, ...]] = {
    "flip": (Flip(probability=0.5),),
    "affine": (Affine(rotation=40, scale=(0.8, 1.3), shear=10, shift=0.1),),
    "affine-border": (Affine(rotation=180, padding="border"),),
    "resized-crop": (ResizedCrop(scale=(0.4, 0.8)),),
    "sometimes": (Affine(probability=0.5), ResizedCrop(probability=0.5)),
    "crop-flip": (ResizedCrop(scale=(0.5, 0.9)), Flip()),
    "flip-affine-crop": (Flip(), Affine(rotation=25, scale=(0.9, 1.2)), ResizedCrop(scale=(0.5, 0.9))),
}
"""Views and compositions of them."""


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(params=STEPS)
def steps(request: pytest.FixtureRequest) -> tuple[DeviceViewSpec, ...]:
    return STEPS[request.param]


def view_of(pattern: Tensor, steps: tuple[DeviceViewSpec, ...], rng: torch.Generator) -> tuple[Tensor, Alignment]:
    """A view of a pattern, and where it came from."""
    came_from = Alignment(IDENTITY.repeat(len(pattern), 1, 1))
    for step in steps:
        assert isinstance(step, MovingViewSpec)
        view = step.move(Images(pattern), rng)
        pattern, came_from = view.images, compose_alignments(came_from, view.alignment)
    return pattern, came_from


def back(maps: Tensor, alignment: Alignment) -> Tensor:
    """`(b, c, y, x)` moved back."""
    return align_to_images(maps.unsqueeze(1), alignment).squeeze(1)


def well_inside(alignment: Alignment) -> Tensor:
    """Pixels that lie far from the border of the image and of the view, by an inverse in numpy's float64."""
    square = np.concatenate((alignment.double().numpy(), np.tile([[[0.0, 0.0, 1.0]]], (len(alignment), 1, 1))), axis=1)
    rows, columns = (2 * np.arange(HEIGHT) + 1) / HEIGHT - 1, (2 * np.arange(WIDTH) + 1) / WIDTH - 1
    points = np.stack((*np.meshgrid(columns, rows), np.ones((HEIGHT, WIDTH))))
    found = np.einsum("bij,jyx->biyx", np.linalg.inv(square), points)
    bound = 1 - 2 * MARGIN / np.array((WIDTH, HEIGHT))
    inside = np.abs(found[:, :2]) < bound[:, None, None]
    # What lies near a pixel in the view must be of the image too: a view's pixel is at most two of the image's wide.
    own = np.abs(points[:2]) < (1 - 4 * MARGIN / np.array((WIDTH, HEIGHT)))[:, None, None]
    return torch.from_numpy(inside.all(axis=1) & own.all(axis=0))


def ramps() -> Tensor:
    """Two slopes, across and down, which bilinear sampling reproduces exactly."""
    rows, columns = torch.linspace(0, 1, HEIGHT), torch.linspace(0, 1, WIDTH)
    pattern = torch.stack((columns.expand(HEIGHT, -1), rows[:, None].expand(-1, WIDTH)))
    return pattern.expand(BATCH, -1, -1, -1).clone()


def test_a_view_moved_back_is_the_pattern_where_it_was_seen(steps, rng):
    pattern = ramps()
    view, came_from = view_of(pattern, steps, rng)
    inside = well_inside(came_from)
    assert inside.float().mean() > 0.1
    assert not torch.equal(view, pattern)
    found = back(view, came_from)
    assert (found - pattern).abs().amax(dim=1)[inside].max() < 1e-4
    assert inside_view(came_from, pattern.shape[2:])[inside].all()


def test_labels_moved_back_are_the_labels_away_from_edges(steps, rng):
    """Blocks of random labels; each view's and each return's sampling may move an edge by a pixel or two."""
    clusters = 4
    label = torch.randint(clusters, (BATCH, HEIGHT // BLOCK, WIDTH // BLOCK), generator=rng)
    label = label.repeat_interleave(BLOCK, dim=1).repeat_interleave(BLOCK, dim=2)
    category = functional.one_hot(label, clusters).permute(0, 3, 1, 2).float()
    view, came_from = view_of(category, steps, rng)
    found = back(view, came_from).argmax(dim=1)
    middle = torch.zeros(BLOCK, dtype=torch.bool)
    middle[3:-3] = True
    amid = middle.repeat(HEIGHT // BLOCK)[:, None] & middle.repeat(WIDTH // BLOCK)
    counted = well_inside(came_from) & amid
    assert counted.any()
    assert torch.equal(found[counted], label[counted])


def test_a_mirrored_map_comes_back_exactly_and_is_seen_whole(rng):
    maps = torch.randn(BATCH, 3, 9, 7, generator=rng)
    moved = Flip().move(Images(maps), rng)
    view, came_from = moved.images, moved.alignment
    assert 0 < (view != maps).flatten(1).any(dim=1).sum() < BATCH
    torch.testing.assert_close(back(view, came_from), maps, atol=1e-5, rtol=1e-5)
    assert inside_view(came_from, maps.shape[2:]).all()


def test_without_a_move_everything_stays(rng):
    maps = torch.randn(2, 3, 4, 6, 9, generator=rng)
    torch.testing.assert_close(align_to_images(maps, Alignment(IDENTITY.repeat(2, 1, 1))), maps)


def test_sub_heads_are_moved_equally(rng):
    maps = torch.randn(2, 3, 4, 8, 8, generator=rng)
    came_from = Affine().move(Images(torch.zeros(2, 1, 8, 8)), rng).alignment
    whole = aligned_heads_of_view(maps, came_from)
    each = [back(maps[:, head], came_from) for head in range(3)]
    torch.testing.assert_close(whole, torch.stack(each, dim=1))


def test_a_crop_shows_the_pixels_of_its_box_and_no_other():
    box = CropBoxes(*(torch.tensor([number]) for number in (2.0, 1.0, 4.0, 3.0)))  # left, top, width, height
    seen = inside_view(alignment_of_boxes(box, (6, 8)), torch.Size((6, 8)))
    expected = torch.zeros(1, 6, 8, dtype=torch.bool)
    expected[:, 1:4, 2:6] = True
    assert torch.equal(seen, expected)
    valid = torch.ones(1, 6, 8, dtype=torch.bool)
    valid[:, 2] = False
    assert torch.equal(visible(Mask(valid), alignment_of_boxes(box, (6, 8))), expected & valid)


def test_the_places_of_a_crop_are_those_that_it_read(rng):
    images = torch.rand(1, 2, 12, 16, generator=rng)
    box = CropBoxes(*(torch.tensor([number]) for number in (3.0, 2.0, 8.0, 6.0)))
    inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))  # within the box no edge pixel is repeated
    torch.testing.assert_close(
        crop(images, box)[inner], warp(images, alignment_of_boxes(box, (12, 16)), "border")[inner]
    )


def test_composed_maps_are_one_after_the_other(rng):
    first, second = (
        Affine(rotation=60, shear=20).move(Images(torch.zeros(5, 1, 6, 9)), rng).alignment for _ in range(2)
    )
    point = torch.cat((torch.randn(5, 2, 1, generator=rng), torch.ones(5, 1, 1)), dim=1)
    through_second = torch.cat((second @ point, torch.ones(5, 1, 1)), dim=1)
    torch.testing.assert_close(compose_alignments(first, second) @ point, first @ through_second)
    pattern = ramps()[:5]
    twice = warp(warp(pattern, first, "zeros"), second, "zeros")
    once = warp(pattern, compose_alignments(first, second), "zeros")
    # What the first map put out of sight, or at an edge, the second cannot bring back.
    size = pattern.shape[2:]
    kept = (affine_grid(second, size).abs() < 0.85).all(dim=3)
    kept &= (affine_grid(compose_alignments(first, second), size).abs() < 0.85).all(dim=3)
    assert kept.float().mean() > 0.3
    assert (twice - once).abs().amax(dim=1)[kept].max() < 1e-4


def test_the_inverse_of_a_map_undoes_it(rng):
    came_from = Affine(rotation=180, shear=30, scale=(0.3, 3)).move(Images(torch.zeros(50, 1, 5, 8)), rng).alignment
    torch.testing.assert_close(
        compose_alignments(came_from, invert(came_from)), IDENTITY.expand(50, 2, 3), atol=1e-5, rtol=0
    )
    expected = np.linalg.inv(came_from[:, :, :2].double().numpy())
    np.testing.assert_allclose(invert(came_from)[:, :, :2].double().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_the_places_of_pixels_are_affine_grids(rng):
    came_from = Affine().move(Images(torch.zeros(4, 1, 5, 8)), rng).alignment
    grid = functional.affine_grid(came_from, [4, 1, 5, 8], align_corners=False)
    torch.testing.assert_close(affine_grid(came_from, torch.Size((5, 8))), grid)


def test_autocast_does_not_round_where_pixels_come_from(rng):
    came_from = Affine().move(Images(torch.zeros(3, 1, 50, 50)), rng).alignment
    maps = torch.randn(3, 1, 2, 50, 50, generator=rng)
    expected, seen = align_to_images(maps, came_from), inside_view(came_from, maps.shape[3:])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(align_to_images(maps, came_from), expected)
        assert torch.equal(inside_view(came_from, maps.shape[3:]), seen)


def test_a_gradient_comes_back_to_the_view(rng):
    maps = torch.randn(2, 1, 3, 8, 8, generator=rng).requires_grad_()
    moved = ResizedCrop().move(Images(torch.zeros(2, 1, 8, 8)), rng)
    view, came_from = moved.images, moved.alignment
    align_to_images(maps, came_from).sum().backward()
    torch.testing.assert_close(maps.grad.sum(), torch.tensor(2 * 3 * 64.0))
    assert view.shape == (2, 1, 8, 8)


def test_a_colour_step_says_nothing_of_places():
    assert ColourJitter.in_place
    assert not Flip.in_place


def half_valid() -> Mask:
    valid = torch.ones(2, 4, 6, dtype=torch.bool)
    valid[:, :, 3:] = False
    return Mask(valid)


def test_pixels_that_do_not_count_are_shown_as_they_are(rng):
    drawn, images = torch.rand(2, 3, 4, 6, generator=rng), torch.rand(2, 3, 4, 6, generator=rng)
    shown = shown_sample(Images(drawn), Images(images), half_valid())
    assert torch.equal(shown[..., :3], drawn[..., :3])
    assert torch.equal(shown[..., 3:], images[..., 3:])


def test_layers_are_the_generators_at_the_sampled_style(rng):
    drawn, images = torch.rand(2, 5, 3, 4, 6, generator=rng), torch.rand(2, 3, 4, 6, generator=rng)
    styles = []

    class Generator:
        def per_cluster(self, style: Tensor) -> ClusterImages:
            styles.append(style)
            return ClusterImages(drawn)

        def __call__(self, latent: Latent) -> Images:
            raise AssertionError

    latent = Latent(category=torch.zeros(2, 5, 4, 6), style=torch.randn(2, 2, 1, 1, generator=rng))
    found = layers(Generator(), latent, Images(images), half_valid())
    assert styles == [latent.style]
    assert torch.equal(found[..., :3], drawn[..., :3])
    assert torch.equal(found[..., 3:], images[:, None, ..., 3:].expand(-1, 5, -1, -1, -1))
