"""Vectors of several layers of timm models."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from latentclust.bundled.backbones.timm_extractor import Timm
from latentclust.errors import LatentclustError

VIT = "test_vit"
SHAPE = (3, 32, 32)


def vectors(images: Tensor, weights: Path, model: str = VIT, **options: object) -> Tensor:
    spec = Timm(model=model, pretrained=str(weights), normalise=False, frozen_body=True, size=160, **options)  # type: ignore[arg-type]
    body = spec.extractor(SHAPE).eval()
    found, features = body(images)
    assert found.shape == (len(images), body.width)
    assert torch.equal(found, features)
    return found


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the transformer, since random ones differ from body to body."""
    path = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    save_file(timm.create_model(VIT).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand((2, *SHAPE), generator=torch.Generator().manual_seed(0))


def test_the_token_of_the_last_layer_is_what_the_model_reads(images: Tensor, weights: Path) -> None:
    own = vectors(images, weights)  # test_vit pools its class token
    torch.testing.assert_close(vectors(images, weights, output="token"), own)
    torch.testing.assert_close(vectors(images, weights, output="token", layers=(-1,)), own)


def test_layers_are_concatenated_from_the_first_to_the_last(images: Tensor, weights: Path) -> None:
    first, last = (vectors(images, weights, layers=(layer,)) for layer in (0, -1))
    assert not torch.allclose(first, last, atol=0.1)
    for layers in ((0, -1), (-1, 0)):
        torch.testing.assert_close(vectors(images, weights, layers=layers), torch.cat((first, last), dim=1))


def test_a_token_and_the_mean_stand_next_to_each_other(images: Tensor, weights: Path) -> None:
    parts = [vectors(images, weights, output=output, layers=(0,)) for output in ("token", "pooled")]
    both = vectors(images, weights, output="token-and-pooled", layers=(0,))
    torch.testing.assert_close(both, torch.cat(parts, dim=1))


def test_stages_of_a_convolutional_network_are_averaged(images: Tensor, tmp_path: Path) -> None:
    model = timm.create_model("test_resnet", num_classes=0).eval()
    save_file(model.state_dict(), tmp_path / "resnet.safetensors")
    larger = torch.nn.functional.interpolate(images, size=(160, 160), mode="bilinear")
    with torch.no_grad():
        maps = model.forward_intermediates(larger, intermediates_only=True)
    found = vectors(images, tmp_path / "resnet.safetensors", "test_resnet", layers=(1, -1))
    torch.testing.assert_close(found, torch.cat([maps[1].mean((2, 3)), maps[-1].mean((2, 3))], dim=1))


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (VIT, {"layers": (99,)}, r"timm.layers: test_vit has no layer 99: it has \d+ layers"),
        ("test_resnet", {"output": "token"}, "timm.output: test_resnet has no class token"),
    ],
)
def test_what_a_model_has_not_is_named(model: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(LatentclustError, match=message):
        Timm(model=model, size=160, **options).extractor(SHAPE)  # type: ignore[arg-type]
