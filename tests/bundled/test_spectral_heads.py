"""The start of heads at spectral clusters: groups that are apart are found, and linear heads predict them."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latentclust.api import LatentclustError, Model
from latentclust.bundled.backbones.unit_sphere import UnitSphere
from latentclust.bundled.priors import OneHotGaussian
from latentclust.bundled.spectral_heads import SpectralHeads, regressed, spectral_embedding
from latentclust.networks.images import HeadsNetwork

GROUPS, EACH = 3, 40


def samples() -> Tensor:
    """Return three groups of samples around three directions, one after the other."""
    centres = 4 * torch.eye(GROUPS, 6).repeat_interleave(EACH, dim=0)
    return centres + 0.3 * torch.randn(GROUPS * EACH, 6, generator=torch.Generator().manual_seed(0)) + 5


def model() -> Model:
    heads = HeadsNetwork(UnitSphere().extractor((6,)), 2, GROUPS).eval()
    return Model({"heads": heads}, OneHotGaussian(clusters=GROUPS, style_dim=0))


def test_every_head_tells_the_groups_apart() -> None:
    made = model()
    heads = made.networks["heads"]
    found = SpectralHeads(count=15).weights(made, samples().split(50), torch.Generator().manual_seed(0))
    heads.load_state_dict({**heads.state_dict(), **{name.partition(".")[2]: value for name, value in found.items()}})
    labels = heads(samples()).argmax(dim=2).view(GROUPS, EACH, 2)
    assert (labels == labels[:, :1]).all()
    assert all(len(labels[:, 0, head].unique()) == GROUPS for head in range(2))


def test_the_network_itself_does_not_change() -> None:
    made = model()
    before = {name: value.clone() for name, value in made.networks["heads"].state_dict().items()}
    SpectralHeads(count=15).weights(made, samples().split(50), torch.Generator().manual_seed(0))
    assert all(torch.equal(value, before[name]) for name, value in made.networks["heads"].state_dict().items())


def test_samples_of_two_separate_rings_have_two_embeddings() -> None:
    ring = torch.arange(10)
    near = torch.stack(((ring + 1) % 10, (ring - 1) % 10), dim=1)
    rows = spectral_embedding(torch.cat((near, near + 10)), 2)
    np.testing.assert_allclose(np.abs(rows @ rows.T), np.kron(np.eye(2), np.ones((10, 10))), atol=1e-6)


def test_regression_of_linear_labels_is_that_of_their_map() -> None:
    points = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    labels = (points @ torch.randn(3, 2, generator=torch.Generator().manual_seed(1)))[None]
    weight, bias = regressed(points, labels)
    torch.testing.assert_close(points @ weight.T + bias, 10 * labels[0], atol=0.6, rtol=0.1)


def test_heads_read_the_features_of_a_trunk() -> None:
    made = model()
    trunk = nn.Linear(2, 6)
    images, rng = torch.randn(60, 2, generator=torch.Generator().manual_seed(0)), torch.Generator()
    with_trunk = Model({**made.networks, "trunk": trunk}, made.prior, features_of={"heads": "trunk"})
    with torch.no_grad():
        found = SpectralHeads().weights(with_trunk, images.split(25), rng.manual_seed(0))
        expected = SpectralHeads().weights(made, [trunk(images)], rng.manual_seed(0))
    torch.testing.assert_close(found, expected)


def test_the_graph_has_a_bounded_number_of_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentclust.bundled.spectral_heads.SAMPLE", 60)
    found = SpectralHeads().weights(model(), samples().split(50), torch.Generator().manual_seed(0))
    expected = SpectralHeads().weights(model(), [samples()[::2]], torch.Generator().manual_seed(0))
    torch.testing.assert_close(found, expected)


def test_heads_of_label_maps_are_refused() -> None:
    made = Model({"heads": MapHeads()}, OneHotGaussian(clusters=GROUPS, style_dim=0))
    with pytest.raises(LatentclustError, match=r"'heads' computes label maps \(1, 3, 4, 4\)"):
        SpectralHeads().weights(made, [torch.rand(2, 3, 4, 4)], torch.Generator())


class MapHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, GROUPS, 1)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(images)
        return logits[:, None]


def test_too_few_samples_are_told() -> None:
    with pytest.raises(LatentclustError, match="3 samples are too few for 3 clusters"):
        SpectralHeads().weights(model(), [samples()[:3]], torch.Generator().manual_seed(0))
