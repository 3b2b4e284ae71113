"""Tests of folded batch norms: the outputs stay, the norms go, and a fold that would change them is not made."""

import timm
import torch
from torch import Tensor, nn

from latentclust.networks.folding import fold_batch_norms


def images() -> Tensor:
    return torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def drawn(network: nn.Module) -> nn.Module:
    """Return a network in evaluation mode whose norms have drawn statistics, scales and shifts."""
    rng = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value in (module.running_var, module.running_mean, module.weight.data, module.bias.data):
                assert value is not None
                value.copy_(torch.rand(value.shape, generator=rng) + 0.5)
    return network.eval()


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_outputs_stay_and_the_norms_are_gone() -> None:
    network = drawn(nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 2, 3)))

    folded = fold_batch_norms(network, images())

    assert norms(folded) == 0
    assert norms(network) == 1
    torch.testing.assert_close(folded(images()), network(images()))


def test_norms_of_timm_that_contain_an_activation_are_folded() -> None:
    network = drawn(timm.create_model("test_efficientnet", num_classes=0))
    samples = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))

    folded = fold_batch_norms(network, samples)

    assert norms(network) > norms(folded) == 0
    torch.testing.assert_close(folded(samples), network(samples), rtol=1e-4, atol=1e-4)


def test_a_network_without_norms_after_convolutions_is_returned() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 2, 3)).eval()

    assert fold_batch_norms(network, images()) is network


def test_norms_without_running_statistics_stay() -> None:
    network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, track_running_stats=False)).eval()

    assert fold_batch_norms(network, images()) is network


def test_a_network_that_uses_a_layer_twice_is_returned() -> None:
    first, second, norm, other = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)
    shared_norm = drawn(nn.Sequential(first, norm, second, norm))
    shared_convolution = drawn(nn.Sequential(first, norm, first, other))

    assert fold_batch_norms(shared_norm, images()) is shared_norm
    assert fold_batch_norms(shared_convolution, images()) is shared_convolution


class ReadTwice(nn.Module):
    """A network in which a sum reads the output of the convolution too."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, sample: Tensor) -> Tensor:
        out = self.convolution(sample)
        normed: Tensor = out + self.norm(out)
        return normed


def test_a_fold_that_would_change_the_outputs_is_not_made() -> None:
    network = drawn(ReadTwice())

    assert fold_batch_norms(network, images()) is network
