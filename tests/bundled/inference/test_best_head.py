"""The most informative sub-head."""

import math

import pytest
import torch
from torch import Tensor, nn

from latentclust.api import LatentclustError, Model
from latentclust.bundled.categorical_map import CategoricalMap
from latentclust.bundled.inference.best_head import BestHead, head_information, neighbour_information
from latentclust.bundled.priors import OneHotGaussian
from latentclust.bundled.thinning import thinned

PRIOR = OneHotGaussian(clusters=2, style_dim=0)


class Stacked(nn.Module):
    """Reads a vector of `h k` values as logits `(b, h, k)`."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, sample: Tensor) -> Tensor:
        return sample.view(len(sample), self.heads, -1)


class Doubled(nn.Module):
    """A trunk."""

    def forward(self, images: Tensor) -> Tensor:
        return 2 * images


def three_heads(count: int) -> Tensor:
    """Of `count` samples, half in each cluster: an undecided head, a sure one, and one that puts all in one cluster."""
    sign = torch.tensor([1.0, -1.0]).repeat(count // 2)[:, None]
    undecided = torch.zeros(count, 2)
    sure = 50 * torch.cat((sign, -sign), dim=1)
    same = torch.tensor([50.0, -50.0]).repeat(count, 1)
    return torch.cat((undecided, sure, same), dim=1)


def test_information_is_that_of_the_mean_less_the_mean_of_each(normal_logits):
    p = normal_logits.double().softmax(dim=2)
    mean = p.mean(dim=0)
    expected = -(mean * mean.log()).sum(dim=1) + (p * p.log()).sum(dim=2).mean(dim=0)
    torch.testing.assert_close(
        head_information([normal_logits[:4], normal_logits[4:]]).double(), expected, rtol=1e-4, atol=1e-6
    )


@pytest.fixture
def normal_logits(rng) -> Tensor:
    return 2 * torch.randn(11, 3, 4, generator=rng)


def test_information_at_its_limits():
    found = head_information([three_heads(6).view(6, 3, 2)])
    torch.testing.assert_close(found, torch.tensor([0.0, math.log(2), 0.0]))


def test_keeps_the_most_informative_head_over_all_batches(rng):
    model, images = Model({"heads": Stacked(3)}, PRIOR), three_heads(8)
    state = BestHead().fit(model, [images[:3], images[3:]], rng)
    assert state["head"].item() == 1
    assert state["head"].dtype == torch.int64
    posterior = BestHead().posterior(model, images, state, rng)
    torch.testing.assert_close(posterior.probabilities, images[:, 2:4].softmax(dim=1))
    assert posterior.style.shape == (8, 0)


def test_a_head_that_is_sure_within_each_batch_but_not_over_all_is_no_better(rng):
    """What counts is the mean over the training images, not over batches."""
    same = torch.tensor([[50.0, -50.0]])
    images = torch.cat((torch.cat((same, 0.1 * same), dim=1), torch.cat((-same, 0.1 * same), dim=1)))
    state = BestHead().fit(Model({"heads": Stacked(2)}, PRIOR), [images[:1], images[1:]], rng)
    torch.testing.assert_close(state["information"], torch.tensor([math.log(2), 0.0]))


def test_reads_heads_through_a_trunk(rng):
    inference, images = BestHead(trunk="trunk"), three_heads(4) / 100
    assert inference.needs == ("heads", "trunk")
    model = Model({"heads": Stacked(3), "trunk": Doubled()}, PRIOR)
    posterior = inference.posterior(model, images, {"head": torch.tensor(1)}, rng)
    torch.testing.assert_close(posterior.probabilities, (2 * images[:, 2:4]).softmax(dim=1))


def test_refuses_a_network_without_sub_heads(encoder, rng):
    model = Model({"encoder": encoder(2)}, PRIOR)
    with pytest.raises(LatentclustError, match=r"inference\.network: 'encoder' has no sub-heads"):
        BestHead(network="encoder").fit(model, [torch.zeros(4, 4)], rng)


def test_information_of_label_maps_is_that_of_all_their_pixels(rng):
    maps = 2 * torch.randn(7, 3, 4, 5, 6, generator=rng)
    p = maps.double().softmax(dim=2)
    mean = p.mean(dim=(0, 3, 4))
    expected = -(mean * mean.log()).sum(dim=1) + (p * p.log()).sum(dim=2).mean(dim=(0, 2, 3))
    torch.testing.assert_close(head_information([maps]).double(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("sizes", [[7], [3, 4], [1, 5, 1], [1] * 7])
def test_information_streamed_over_batches_is_that_of_the_whole(rng, sizes):
    maps = 3 * torch.randn(7, 2, 3, 4, 5, generator=rng)
    torch.testing.assert_close(head_information(maps.split(sizes)), head_information([maps]), rtol=1e-5, atol=1e-7)


def test_images_of_one_pixel_are_images_with_one_cluster(normal_logits):
    torch.testing.assert_close(head_information([normal_logits[..., None, None]]), head_information([normal_logits]))


def test_the_chosen_head_labels_every_pixel(rng):
    maps = torch.randn(2, 3, 2, 4, 5, generator=rng)

    class Given(nn.Module):
        def forward(self, sample: Tensor) -> Tensor:
            return maps[: len(sample)]

    posterior = BestHead().posterior(
        Model({"heads": Given()}, PRIOR), maps[:, 0, 0, :1], {"head": torch.tensor(2)}, rng
    )
    torch.testing.assert_close(posterior.probabilities, maps[:, 2].softmax(dim=1))
    assert torch.equal(posterior.labels, maps[:, 2].argmax(dim=1))


def grouped(count: int) -> tuple[Tensor, Tensor]:
    """Return logits of three heads and points in two directions: a head that follows them, one that is as sure but
    alternates, and one that puts all in one cluster."""
    points = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat_interleave(count // 2, dim=0)
    points = points + 0.01 * torch.rand(count, 2, generator=torch.Generator().manual_seed(0))
    follows = 50 * (2 * points - 1).sign()
    alternates = torch.tensor([[50.0, -50.0], [-50.0, 50.0]]).repeat(count // 2, 1)
    same = torch.tensor([50.0, -50.0]).repeat(count, 1)
    return torch.stack((follows, alternates, same), dim=1), points


def test_neighbours_prefer_the_head_that_they_share():
    logits, points = grouped(200)
    information = neighbour_information((logits, points), 20)
    assert information[0].item() == pytest.approx(math.log(2), abs=1e-3)
    assert information[1].item() == pytest.approx(0, abs=0.05)
    assert information[2].item() == pytest.approx(0, abs=1e-3)
    assert head_information([logits])[1].item() == pytest.approx(math.log(2))  # which without neighbours is as good


@pytest.mark.parametrize("most", [1, 3, 100])
def test_thinning_keeps_every_nth_sample_of_all_batches(most):
    samples = torch.arange(50.0)[:, None, None]
    batches = [(part, part.flatten(1)) for part in samples.split(7)]
    logits, points = thinned(batches, most)
    kept = logits.flatten().long().tolist()
    step = kept[1] if len(kept) > 1 else 64
    assert kept == list(range(0, 50, step))
    assert len(kept) <= most
    assert math.log2(step).is_integer()
    assert torch.equal(points.flatten(), logits.flatten())


def test_neighbours_of_label_maps_are_refused_before_the_training() -> None:
    assert BestHead(neighbours=5).objection(CategoricalMap(clusters=3)) is not None
    assert BestHead(neighbours=5).objection(OneHotGaussian(clusters=3)) is None
    assert BestHead().objection(CategoricalMap(clusters=3)) is None
