"""The vectors of `unit-sphere`: their length, and what they do not depend on."""

import torch
from torch import Tensor

from latentclust.bundled.backbones.unit_sphere import UnitSphere


def vectors() -> Tensor:
    return torch.randn(64, 6, generator=torch.Generator().manual_seed(0))


def test_all_vectors_have_the_length_of_the_reciprocal_temperature() -> None:
    body = UnitSphere(temperature=0.2).extractor((6,))
    representation, features = body(vectors())
    torch.testing.assert_close(representation.norm(dim=1), torch.full((64,), 5.0))
    assert torch.equal(representation, features)


def test_scale_and_mean_of_a_value_do_not_count() -> None:
    body = UnitSphere().extractor((6,))
    scale, mean = torch.tensor([1.0, 2, 3, 4, 5, 6]), torch.tensor([0.0, 9, 9, 9, 9, 9])
    torch.testing.assert_close(body(vectors() * scale + mean)[0], body(vectors())[0], atol=1e-3, rtol=1e-3)


def test_it_has_no_weights_and_running_statistics() -> None:
    body = UnitSphere().extractor((6,))
    assert not list(body.parameters())
    body(vectors() + 7)
    assert (body.eval().standardise.running_mean > 0.3).all()
