from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from latentclust.api import Images, LatentclustError, Model
from latentclust.testing import build_part
from safetensors.torch import save_file
from torch import Tensor, nn

from latentclust_stego import provide_systems
from latentclust_stego.centroids import CosineCentroids
from latentclust_stego.cluster_probe import ClusterProbe
from latentclust_stego.neighbours import BLOCK, FeatureNeighbours, nearest
from latentclust_stego.segmentation_head import SegmentationHead
from latentclust_stego.vit_maps import VitMaps, transformer

TINY = "test_vit"
"""timm's smallest vision transformer: patches of 16 pixels, 64 channels."""


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def images(*shape: int) -> Images:
    return Images(torch.rand(*shape, generator=rng()))


def model(networks: Mapping[str, nn.Module]) -> Model:
    return Model(networks, build_part("prior", "one-hot-gaussian", clusters=3, style_dim=1))


def test_the_head_is_the_sum_of_a_linear_and_of_a_nonlinear_map():
    head = SegmentationHead(dim=5).map_extractor((3, 4, 4)).eval()
    assert (head.width, head.stride) == (5, 1)
    maps = images(2, 3, 4, 4)
    _, linear = head.linear
    _, first, _, second = head.nonlinear
    torch.testing.assert_close(head(maps), linear(maps) + second(first(maps).relu()))


def test_training_drops_whole_channels_of_the_features():
    torch.manual_seed(0)
    head = SegmentationHead(dim=4, dropout=0.5).map_extractor((64, 3, 3)).train()
    seen = head.linear[0](torch.ones(8, 64, 3, 3)).flatten(2)
    assert seen.eq(seen[..., :1]).all()
    assert set(seen.unique().tolist()) == {0.0, 2.0}


def test_the_head_reads_maps_alone():
    with pytest.raises(LatentclustError, match=r"samples have shape \(7,\), but it reads images or maps"):
        SegmentationHead().map_extractor((7,))


def test_patches_become_places_of_the_map():
    body = VitMaps(model=TINY, pretrained="none").map_extractor((3, 32, 48)).eval()
    assert (body.width, body.stride) == (64, 16)
    assert body(images(2, 3, 32, 48)).shape == (2, 64, 2, 3)


@pytest.mark.parametrize(("stride", "size"), [(8, (4, 6)), (32, (1, 2))])
def test_images_are_resized_for_another_stride(stride: int, size: tuple[int, int]):
    body = VitMaps(model=TINY, pretrained="none", stride=stride).map_extractor((3, 32, 64)).eval()
    assert body.stride == stride
    assert body(images(1, 3, size[0] * stride, size[1] * stride)).shape == (1, 64, *size)


def test_pixels_are_standardised_and_tokens_normalised_as_the_model_was_trained():
    torch.manual_seed(0)
    body = VitMaps(model=TINY, pretrained="none").map_extractor((3, 32, 32)).eval()
    read = images(1, 3, 32, 32)
    tokens = body.model.forward_features((read - 0.5) / 0.5)[:, body.model.num_prefix_tokens :]
    torch.testing.assert_close(body(read), tokens.mT.reshape(1, 64, 2, 2))


def test_weights_are_read_from_a_file_and_left_alone_by_a_recipes_init(tmp_path: Path):
    saved = transformer(TINY, "none")
    path = tmp_path / "weights.safetensors"
    save_file(saved.state_dict(), path)
    body = VitMaps(model=TINY, pretrained=str(path)).map_extractor((3, 32, 32))
    assert body.preset() == (body.model,)
    assert all(tensor.equal(saved.state_dict()[name]) for name, tensor in body.model.state_dict().items())
    assert VitMaps(model=TINY, pretrained="none").map_extractor((3, 32, 32)).preset() == ()


def test_a_model_file_needs_no_weights_of_the_hub():
    assert VitMaps().bare() == VitMaps(pretrained="none")


def test_weights_that_cannot_be_had_are_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch):
    def offline(*_: Any, **__: Any) -> nn.Module:
        raise OSError("Name or service not known.\nRetrying")

    monkeypatch.setattr("timm.create_model", offline)
    with pytest.raises(LatentclustError) as caught:
        VitMaps().map_extractor((3, 64, 64))
    (issue,) = caught.value.issues
    assert issue.where == "vit-maps.pretrained"
    assert issue.what == "vit_small_patch8_224.dino could not be had from the hub (Name or service not known)"
    assert "ImageNet features, which were learnt from labels" in issue.fix


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"model": "resnet18"}, "timm has no plain vision transformer 'resnet18'"),
        ({"model": "vit_absent"}, "timm has no plain vision transformer 'vit_absent'"),
        ({"model": TINY, "pretrained": "absent.safetensors"}, "file absent.safetensors does not exist"),
        ({"model": TINY, "pretrained": "dino.pth"}, "'dino.pth' is neither 'hub', 'none' nor a .safetensors file"),
    ],
)
def test_invalid_transformers_and_weights_are_refused(options: dict[str, str], what: str):
    with pytest.raises(LatentclustError) as caught:
        VitMaps(**options).map_extractor((3, 64, 64))
    assert what in str(caught.value)


def test_only_rgb_images_are_read():
    with pytest.raises(LatentclustError, match=r"shape \(4, 64, 64\), and it reads RGB images"):
        VitMaps(model=TINY, pretrained="none").map_extractor((4, 64, 64))


def test_neighbours_are_the_others_of_greatest_cosine():
    angles = torch.tensor([0.0, 0.1, 0.3, 3.0])
    vectors = torch.stack((angles.cos(), angles.sin()), dim=1) * torch.tensor([1.0, 9.0, 0.1, 4.0])[:, None]
    assert nearest(vectors, 2).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]


def test_blocks_are_compared_with_all():
    vectors = torch.randn(BLOCK + 3, 4, generator=rng())
    found = nearest(vectors, 1)[:, 0]
    alike = torch.nn.functional.normalize(vectors, dim=1) @ torch.nn.functional.normalize(vectors, dim=1).T
    assert found.equal(alike.fill_diagonal_(-2).argmax(dim=1))


def test_images_are_compared_by_the_mean_of_their_features():
    batches = [images(3, 2, 4, 4), Images(images(2, 2, 4, 4) + 1)]
    means = torch.cat(batches).mean(dim=(2, 3))
    spec = FeatureNeighbours(count=2)
    assert spec.needs == ("trunk",)
    assert spec.compute(model({"trunk": nn.Identity()}), batches, rng()).equal(nearest(means, 2))


def test_features_of_whole_images_are_compared_as_they_are():
    vectors = torch.randn(5, 4, generator=rng())
    found = FeatureNeighbours(count=2).compute(model({"trunk": nn.Identity()}), [Images(vectors)], rng())
    assert found.equal(nearest(vectors, 2))


def test_more_neighbours_than_other_images_are_refused():
    with pytest.raises(LatentclustError, match="3 neighbours in a set of 3 images"):
        FeatureNeighbours(count=3).compute(model({"trunk": nn.Identity()}), [images(3, 2, 4, 4)], rng())


class Halved(nn.Module):
    def forward(self, sample: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(sample, 2)


@pytest.fixture
def planted() -> Model:
    """Codes are the images' own two channels at half size; the centroids are its axes."""
    centroids = CosineCentroids().centroids(2, 2)
    with torch.no_grad():
        centroids.centroids.copy_(torch.eye(2))
    return model({"trunk": Halved(), "segmenter": nn.Identity(), "centroids": centroids})


def test_each_pixel_goes_to_the_centroid_nearest_to_its_interpolated_code(planted: Model):
    first = torch.zeros(1, 2, 4, 8)
    first[:, 0, :, :4], first[:, 1, :, 4:] = 5.0, 1.0
    found = ClusterProbe().posterior(planted, Images(first), {}, rng())
    assert found.probabilities.shape == (1, 2, 4, 8)
    # The codes (5, 0) and (0, 1) of two places are equal in length 5/6 of the way from the first.
    assert found.labels[0, 0].tolist() == [0, 0, 0, 0, 0, 1, 1, 1]


def test_probabilities_are_the_softmax_of_cosines_at_a_temperature(planted: Model):
    same = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    found = ClusterProbe(temperature=0.1).posterior(planted, Images(same), {}, rng()).probabilities
    torch.testing.assert_close(found[0, :, 0, 0], torch.tensor([6.0, 8.0]).softmax(dim=0))


def test_mirrored_images_have_mirrored_labels(planted: Model):
    planted.networks["trunk"].register_forward_hook(lambda _, __, maps: maps.roll(1, dims=3))  # no longer symmetric
    read = images(2, 2, 8, 8)
    one, other = (
        ClusterProbe().posterior(planted, Images(sample), {}, rng()).probabilities for sample in (read, read.flip(3))
    )
    torch.testing.assert_close(one, other.flip(3))
    one, other = (
        ClusterProbe(flip=False).posterior(planted, Images(sample), {}, rng()).probabilities
        for sample in (read, read.flip(3))
    )
    assert not torch.allclose(one, other.flip(3))


def test_the_system_is_a_file_of_the_distribution():
    assert provide_systems()["stego@1"].read_text().startswith("# STEGO")
