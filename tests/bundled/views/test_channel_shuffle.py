import torch

from latentclust.api import Images
from latentclust.bundled.views.channel_shuffle import ChannelShuffle, draw_orders, reorder


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_channel_i_is_the_one_that_the_order_names() -> None:
    images = torch.tensor([10.0, 20.0, 30.0])[None, :, None, None].repeat(2, 1, 2, 2)

    shuffled = reorder(images, torch.tensor([[2, 0, 1], [0, 1, 2]]))

    assert shuffled[:, :, 0, 0].tolist() == [[30, 10, 20], [10, 20, 30]]


def test_channels_are_kept_whole() -> None:
    images = Images(torch.rand(16, 4, 5, 5))

    shuffled = ChannelShuffle().apply(images, rng())

    def channels(batch: torch.Tensor) -> list[set[tuple[float, ...]]]:
        return [{tuple(channel) for channel in image} for image in batch.flatten(2).tolist()]

    assert channels(shuffled) == channels(images)


def test_all_orders_are_equally_likely() -> None:
    orders, counts = torch.unique(draw_orders(12_000, 3, rng()), dim=0, return_counts=True)

    assert len(orders) == 6
    torch.testing.assert_close(counts / 12_000, torch.full((6,), 1 / 6), rtol=0, atol=0.015)
