import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as torchvision

from latentclust.bundled.views.resized_crop import CropBoxes, crop, draw_boxes

COUNT = 20_000
SCALE, RATIO = (0.4, 1.0), (3 / 4, 4 / 3)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def boxes(*corners_and_sizes: tuple[float, float, float, float]) -> CropBoxes:
    return CropBoxes(*torch.tensor(corners_and_sizes, dtype=torch.float32).unbind(dim=1))


def test_the_whole_image_is_itself() -> None:
    images = torch.rand(2, 3, 12, 9)

    torch.testing.assert_close(crop(images, boxes(*[(0, 0, 9, 12)] * 2)), images, rtol=0, atol=1e-5)


def test_half_of_the_image_in_known_values() -> None:
    images = torch.tensor([[[[0.0, 1.0, 5.0, 5.0]]]])

    # The box holds pixels 0 and 1; four pixels read it at -1/4 (held at 0), 1/4, 3/4, and 5/4 (held at 1).
    cropped = crop(images, boxes((0, 0, 2, 1)))

    torch.testing.assert_close(cropped, torch.tensor([[[[0.0, 0.25, 0.75, 1.0]]]]))


def test_as_torchvision_crops() -> None:
    images = torch.rand(4, 3, 28, 20)
    rectangles = ((0, 0, 20, 28), (3, 5, 11, 17), (9, 12, 11, 16), (1, 0, 15, 20))

    expected = [
        torchvision.resized_crop(image, top, left, height, width, [28, 20])
        for image, (left, top, width, height) in zip(images, rectangles, strict=True)
    ]

    torch.testing.assert_close(crop(images, boxes(*rectangles)), torch.stack(expected), rtol=0, atol=1e-5)


def test_areas_are_uniform_and_aspects_in_range() -> None:
    drawn = draw_boxes(COUNT, (28, 28), SCALE, RATIO, rng())

    area, aspect = drawn.width * drawn.height / 28**2, drawn.width / drawn.height
    shares = torch.histc(area, bins=3, min=SCALE[0], max=SCALE[1] + 1e-6) / COUNT
    torch.testing.assert_close(shares, torch.full((3,), 1 / 3), rtol=0, atol=0.015)
    assert aspect.min().item() == pytest.approx(RATIO[0], abs=0.01)
    assert aspect.max().item() == pytest.approx(RATIO[1], abs=0.01)
    assert aspect.log().mean().item() == pytest.approx(0, abs=0.005)


@pytest.mark.parametrize("size", [(28, 28), (8, 8), (20, 100), (100, 20)])
def test_boxes_lie_inside_the_image(size: tuple[int, int]) -> None:
    height, width = size

    drawn = draw_boxes(COUNT, size, SCALE, RATIO, rng())

    tolerance = 1e-3
    assert drawn.left.min() >= -tolerance
    assert drawn.top.min() >= -tolerance
    assert (drawn.left + drawn.width).max() <= width + tolerance
    assert (drawn.top + drawn.height).max() <= height + tolerance
    torch.testing.assert_close((drawn.width * drawn.height).mean().item() / (height * width), 0.7, rtol=0, atol=0.005)


def test_positions_fill_the_room_that_is_left() -> None:
    drawn = draw_boxes(COUNT, (28, 28), (0.25, 0.25), (1.0, 1.0), rng())

    assert drawn.width.unique().numel() == 1
    for start in (drawn.left, drawn.top):
        assert start.mean().item() == pytest.approx(7, abs=0.1)
        assert start.std().item() == pytest.approx(14 / 12**0.5, abs=0.1)


def test_the_same_ranges_as_albumentations() -> None:
    from latentclust.bundled.views.albumentations_pipeline import pipeline

    theirs = pipeline('[{"name": "RandomResizedCrop", "size": [96, 96], "scale": [0.4, 1.0]}]')[0]
    theirs.set_random_seed(0)
    sides = [theirs.get_params_dependent_on_data({"shape": (96, 96, 3)}, {})["crop_coords"] for _ in range(2000)]
    left, top, right, bottom = np.array(sides).T
    ours = draw_boxes(2000, (96, 96), SCALE, RATIO, rng())

    for mine, reference in (
        (ours.width * ours.height, (right - left) * (bottom - top)),
        (10_000 * (ours.width / ours.height).log(), 10_000 * np.log((right - left) / (bottom - top))),
    ):
        spread = reference.max() - reference.min()
        assert mine.min().item() == pytest.approx(reference.min(), abs=0.03 * spread)
        assert mine.max().item() == pytest.approx(reference.max(), abs=0.03 * spread)
