import pytest
import torch
from jaxtyping import Bool
from torch import Tensor

from latentclust.api import Images, LatentclustError
from latentclust.bundled.views.erase import Erase, span


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def holes(view: Erase, count: int = 400, height: int = 20, width: int = 40) -> Bool[Tensor, "b h w"]:
    return view.apply(Images(torch.ones(count, 2, height, width)), rng())[:, 0] == 0


def test_a_span_at_each_end_and_in_the_middle() -> None:
    inside = span(5, torch.full((3,), 0.4), torch.tensor([0.0, 0.5, 1.0]))

    expected = [[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]]
    assert inside.int().tolist() == expected


def test_a_span_of_nothing_and_of_everything() -> None:
    inside = span(3, torch.tensor([0.0, 1.0, 7.0]), torch.tensor([0.3, 0.3, 1.0]))

    assert inside.int().tolist() == [[0, 0, 0], [1, 1, 1], [1, 1, 1]]


def test_a_hole_is_a_rectangle_black_in_every_channel() -> None:
    images = Erase(area=(0.1, 0.3), probability=1).apply(Images(torch.ones(50, 3, 16, 16)), rng())

    black = images == 0
    assert (black == black[:, :1]).all()
    rows, columns = black[:, 0].any(dim=2), black[:, 0].any(dim=1)
    assert (black[:, 0] == rows[:, :, None] & columns[:, None, :]).all()
    assert (rows.diff(dim=1) != 0).sum(dim=1).max() <= 2


def test_areas_and_aspects_are_as_asked_for() -> None:
    black = holes(Erase(area=(0.2, 0.2), aspect=(1, 1), probability=1))

    assert black.any(dim=2).sum(dim=1).unique().tolist() == [9]  # sqrt(0.2) of 20
    assert black.any(dim=1).sum(dim=1).unique().tolist() == [18]  # and of 40


def test_every_pixel_may_be_erased() -> None:
    assert holes(Erase(probability=1), count=4000).any(dim=0).all()


@pytest.mark.parametrize(("probability", "low", "high"), [(0, 0, 0), (0.5, 0.4, 0.6), (1, 1, 1)])
def test_as_many_images_are_erased_as_asked_for(probability: float, low: float, high: float) -> None:
    share = holes(Erase(area=(0.1, 0.2), probability=probability)).any(dim=(1, 2)).float().mean()

    assert low <= share <= high


def test_vectors_are_refused() -> None:
    with pytest.raises(LatentclustError, match="not \\(channels, height, width\\)"):
        Erase().output_shape((16,))
