import torch

from latentclust.bundled.views.flip import flip


def test_only_the_chosen_are_mirrored() -> None:
    images = torch.arange(12.0).reshape(2, 1, 2, 3)

    flipped = flip(images, torch.tensor([True, False]))

    assert flipped[0, 0].tolist() == [[2, 1, 0], [5, 4, 3]]
    assert torch.equal(flipped[1], images[1])


def test_two_flips_are_none() -> None:
    images = torch.rand(5, 3, 4, 7)
    mirrored = torch.tensor([True, False, True, True, False])

    assert torch.equal(flip(flip(images, mirrored), mirrored), images)
