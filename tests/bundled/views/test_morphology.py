import pytest
import torch

from latentclust.api import Images, LatentclustError
from latentclust.bundled.views.morphology import Morphology


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def square(side: int = 3) -> Images:
    """Return one image of 9 x 9 pixels with a bright square in its middle."""
    images = torch.zeros(1, 1, 9, 9)
    low = (9 - side) // 2
    images[..., low : low + side, low : low + side] = 1.0
    return Images(images)


def extreme(view: Morphology, images: Images) -> tuple[Images, Images]:
    """Return the thickest and the thinnest of many draws."""
    drawn = view.apply(Images(images.expand(5000, -1, -1, -1)), rng())
    total = drawn.sum(dim=(1, 2, 3))
    return Images(drawn[total.argmax()]), Images(drawn[total.argmin()])


def test_a_square_grows_to_the_next_ring_and_shrinks_to_its_middle() -> None:
    thick, thin = extreme(Morphology(), square(3))

    assert torch.allclose(thick, square(5)[0], atol=1e-2)
    assert torch.allclose(thin, square(1)[0], atol=1e-2)


def test_the_radius_is_that_of_the_window() -> None:
    thick, _ = extreme(Morphology(radius=2), square(3))

    assert torch.allclose(thick, square(7)[0], atol=1e-2)


def test_values_stay_between_the_smallest_and_the_largest_of_the_window() -> None:
    images = Images(torch.rand(200, 3, 8, 8, generator=rng()))
    drawn = Morphology().apply(images, rng())
    low = -torch.nn.functional.max_pool2d(-images, 3, stride=1, padding=1)
    high = torch.nn.functional.max_pool2d(images, 3, stride=1, padding=1)

    assert (drawn >= low - 1e-6).all()
    assert (drawn <= high + 1e-6).all()
    assert (drawn != images).any(dim=(1, 2, 3)).all()


def test_constant_images_do_not_change() -> None:
    images = Images(torch.full((20, 2, 5, 7), 0.3))

    assert torch.allclose(Morphology().apply(images, rng()), images)


def test_only_what_has_a_weight_happens() -> None:
    images = Images(square(3).expand(300, -1, -1, -1))

    assert (Morphology(erosion=0).apply(images, rng()) >= images).all()
    assert (Morphology(dilation=0).apply(images, rng()) <= images).all()
    assert torch.equal(Morphology(dilation=0, erosion=0).apply(images, rng()), images)


@pytest.mark.parametrize(("probability", "low", "high"), [(0, 0, 0), (0.5, 0.4, 0.6), (1, 1, 1)])
def test_as_many_images_change_as_asked_for(probability: float, low: float, high: float) -> None:
    images = Images(square(3).expand(1000, -1, -1, -1))
    changed = (Morphology(probability=probability).apply(images, rng()) != images).any(dim=(1, 2, 3))

    assert low <= changed.float().mean() <= high


def test_vectors_are_refused() -> None:
    with pytest.raises(LatentclustError, match="not \\(channels, height, width\\)"):
        Morphology().apply(torch.rand(4, 5), rng())  # type: ignore[arg-type]
