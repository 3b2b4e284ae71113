import pytest
import torch
from torchvision.transforms.v2 import functional as torchvision

from latentclust.bundled.views.colour_jitter import adjust_hue

RED, YELLOW, GREEN, BLUE = (1.0, 0, 0), (1.0, 1.0, 0), (0, 1.0, 0), (0, 0, 1.0)


def colours(*rgb: tuple[float, float, float]) -> torch.Tensor:
    return torch.tensor(rgb)[:, :, None, None]


@pytest.mark.parametrize(
    ("turn", "start", "end"),
    [(1 / 3, RED, GREEN), (1 / 3, GREEN, BLUE), (1 / 3, BLUE, RED), (-1 / 3, RED, BLUE), (1 / 6, RED, YELLOW)],
)
def test_turns_around_the_circle(
    turn: float, start: tuple[float, float, float], end: tuple[float, float, float]
) -> None:
    torch.testing.assert_close(adjust_hue(colours(start), torch.tensor([turn])), colours(end), rtol=0, atol=1e-6)


@pytest.mark.parametrize("turn", [-0.5, -0.125, -0.01, 0.0, 0.07, 0.3, 0.5])
def test_as_torchvision_turns(turn: float) -> None:
    images = torch.rand(4, 3, 9, 9)

    turned = adjust_hue(images, torch.full((4,), turn))

    torch.testing.assert_close(turned, torchvision.adjust_hue(images, turn), rtol=0, atol=1e-5)


def test_there_and_back() -> None:
    images, turn = torch.rand(8, 3, 9, 9), torch.linspace(-0.5, 0.5, 8)

    torch.testing.assert_close(adjust_hue(adjust_hue(images, turn), -turn), images, rtol=0, atol=1e-5)


def test_value_and_chroma_stay() -> None:
    images, turn = torch.rand(8, 3, 9, 9), torch.linspace(-0.5, 0.5, 8)

    turned = adjust_hue(images, turn)

    torch.testing.assert_close(turned.amax(dim=1), images.amax(dim=1))
    torch.testing.assert_close(turned.amin(dim=1), images.amin(dim=1), rtol=0, atol=1e-6)


def test_grey_has_no_hue_to_turn() -> None:
    grey = torch.rand(2, 1, 4, 4).repeat(1, 3, 1, 1)

    assert torch.equal(adjust_hue(grey, torch.tensor([0.2, -0.4])), grey)
