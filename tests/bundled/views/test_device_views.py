"""Properties of all device views."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from latentclust.api import DeviceViewSpec, Images, LatentclustError
from latentclust.bundled.views.affine import Affine
from latentclust.bundled.views.channel_shuffle import ChannelShuffle
from latentclust.bundled.views.colour_jitter import ColourJitter
from latentclust.bundled.views.flip import Flip
from latentclust.bundled.views.grayscale import Grayscale
from latentclust.bundled.views.resized_crop import ResizedCrop
from latentclust.bundled.views.sobel import Sobel

RANDOM = (Affine, ChannelShuffle, ColourJitter, Flip, ResizedCrop)
DETERMINISTIC = (Grayscale, Sobel)

FORBIDDEN_IN_CAPTURE = ("_local_scalar_dense", "nonzero", "masked_select", "lift_fresh")
"""What reads a value back, makes a shape depend on one, or copies a constant from the host."""

every_view = pytest.mark.parametrize("view", RANDOM + DETERMINISTIC)
every_random_view = pytest.mark.parametrize("view", RANDOM)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photographs(count: int = 64, channels: int = 3, height: int = 12, width: int = 10) -> Images:
    return Images(torch.rand(count, channels, height, width, generator=rng(7)))


class Capture(TorchDispatchMode):
    """Stands for a CUDA graph's capture where there is no GPU."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        assert function.overloadpacket.__name__ not in FORBIDDEN_IN_CAPTURE, function
        indices = args[1] if function.overloadpacket.__name__ == "index" else ()
        assert all(index is None or index.dtype != torch.bool for index in indices), "a boolean index"
        return function(*args, **(kwargs or {}))


@every_random_view
def test_seed_decides_the_draw(view: type[DeviceViewSpec]) -> None:
    images = photographs()

    assert torch.equal(view().apply(images, rng(1)), view().apply(images, rng(1)))
    assert not torch.equal(view().apply(images, rng(1)), view().apply(images, rng(2)))


@every_random_view
def test_each_sample_has_its_own_draw(view: type[DeviceViewSpec]) -> None:
    same = Images(photographs(1).repeat(64, 1, 1, 1))

    seen = view().apply(same, rng())

    distinct = 2 if view is Flip else 6 if view is ChannelShuffle else 64
    assert len(torch.unique(seen, dim=0)) == distinct


@every_random_view
def test_a_sample_does_not_see_its_neighbours(view: type[DeviceViewSpec]) -> None:
    images = photographs()
    others = Images(torch.cat((images[:1], 1 - images[1:])))

    assert torch.equal(view().apply(images, rng())[0], view().apply(others, rng())[0])


@every_random_view
def test_probability_zero_changes_nothing(view: type[DeviceViewSpec]) -> None:
    images = photographs()

    torch.testing.assert_close(view(probability=0.0).apply(images, rng()), images, rtol=0, atol=1e-5)


@every_random_view
def test_probability_is_the_share_of_changed_samples(view: type[DeviceViewSpec]) -> None:
    images = photographs(4000)

    change = (view(probability=0.3).apply(images, rng()) - images).abs().amax(dim=(1, 2, 3))

    # A shuffle of three channels leaves one in six as it is.
    expected = 0.3 * 5 / 6 if view is ChannelShuffle else 0.3
    assert (change > 1e-4).float().mean().item() == pytest.approx(expected, abs=0.03)


@every_random_view
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_images_stay_images(view: type[DeviceViewSpec], channels: int) -> None:
    images = photographs(channels=channels)

    seen = view().apply(images, rng())

    assert seen.shape == images.shape
    assert seen.dtype == torch.float32
    assert seen.min() >= 0
    assert seen.max() <= 1


@every_view
def test_the_shape_is_the_promised_one(view: type[DeviceViewSpec]) -> None:
    images = photographs()

    assert view().apply(images, rng()).shape[1:] == view().output_shape(tuple(images.shape[1:]))


@every_view
@pytest.mark.parametrize("shape", [(16,), (28, 28), (2, 3, 8, 8)])
def test_other_samples_than_images_are_refused(view: type[DeviceViewSpec], shape: tuple[int, ...]) -> None:
    with pytest.raises(LatentclustError, match=r"not \(channels, height, width\)"):
        view().output_shape(shape)


@every_view
def test_vectors_are_refused_when_applied(view: type[DeviceViewSpec]) -> None:
    with pytest.raises(LatentclustError, match="not \\(channels, height, width\\)"):
        view().apply(Images(torch.rand(4, 16)), rng())


@every_view
def test_nothing_in_it_forbids_capture(view: type[DeviceViewSpec]) -> None:
    images, generator = photographs(), rng()

    with Capture():
        view().apply(images, generator)


def test_the_stand_in_for_capture_catches_what_it_should() -> None:
    images = photographs()
    offences = (
        lambda: images.sum().item(),
        lambda: images[images > 0.5],
        lambda: torch.tensor([1.0]),
    )

    for offence in offences:
        with Capture(), pytest.raises(AssertionError):
            offence()


@pytest.mark.parametrize("view", DETERMINISTIC)
def test_preprocessing_draws_nothing(view: type[DeviceViewSpec]) -> None:
    generator = rng()
    before = generator.get_state()

    view().apply(photographs(), generator)

    assert not view.random
    assert torch.equal(generator.get_state(), before)


@pytest.mark.gpu
@every_view
def test_a_captured_view_replays_the_same_images(view: type[DeviceViewSpec]) -> None:
    images = Images(photographs().cuda())
    generator = torch.Generator("cuda").manual_seed(0)
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        view().apply(images, generator)
    torch.cuda.current_stream().wait_stream(side)
    with torch.cuda.graph(graph):
        seen = view().apply(images, generator)

    generator.manual_seed(3)
    graph.replay()

    expected = view().apply(images, torch.Generator("cuda").manual_seed(3))
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-5)
