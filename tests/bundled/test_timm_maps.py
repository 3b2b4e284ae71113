"""The maps of timm models as a body of label maps, and as what takes the place of images."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

import latentclust
from latentclust.api import Images, LatentclustError, MapExtractor
from latentclust.bundled.backbones.timm_maps import TimmMaps, frozen_maps
from latentclust.bundled.views.timm_features import TimmFeatures

RESNET, EFFICIENTNET, CONVNEXT = "test_resnet", "test_efficientnet", "test_convnext"
WIDTHS = {RESNET: (32, 32, 48, 192, 96), EFFICIENTNET: (16, 24, 32, 48, 64), CONVNEXT: (24, 32, 48, 64)}
FINEST = {RESNET: 2, EFFICIENTNET: 2, CONVNEXT: 4}
"""Channels of each level of timm's, and the stride of the first."""


def batch(*shape: int) -> Images:
    return Images(torch.rand(shape, generator=torch.Generator().manual_seed(0)))


def body_of(channels: int = 3, side: int = 32, **options: object) -> MapExtractor:
    return TimmMaps.model_validate({"model": RESNET, "pretrained": "none", **options}).map_extractor(
        (channels, side, side)
    )


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of weights of the small residual network, whose statistics are no fresh ones."""
    torch.manual_seed(1)
    state = timm.create_model(RESNET).state_dict()
    state = {key: torch.rand_like(t) + 0.5 if key.endswith("running_var") else t for key, t in state.items()}
    path = tmp_path / "weights.safetensors"
    save_file(state, path)
    return path


@pytest.fixture
def features(weights: Path) -> Iterator[TimmFeatures]:
    """The preprocessing step with those weights; models are kept a process, and here by the test's own file."""
    frozen_maps.cache_clear()
    yield TimmFeatures(model=RESNET, pretrained=str(weights), levels=(1, 2))
    frozen_maps.cache_clear()


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    ("model", "levels"),
    [(RESNET, (0,)), (RESNET, (1, 2)), (RESNET, (2, 4)), (EFFICIENTNET, (1, 3)), (CONVNEXT, (0, 2)), (CONVNEXT, (3,))],
)
def test_maps_have_the_stride_of_the_finest_level_and_the_channels_of_all(
    model: str, levels: tuple[int, ...], channels: int
) -> None:
    body = body_of(channels, 64, model=model, levels=levels)
    stride = FINEST[model] * 2 ** levels[0]
    assert (body.stride, body.width) == (stride, sum(WIDTHS[model][level] for level in levels))
    assert body(batch(2, channels, 64, 96)).shape == (2, body.width, 64 // stride, 96 // stride)


@pytest.mark.parametrize(("enlarge", "stride"), [(1, 4), (2, 2), (4, 1)])
def test_enlarged_images_have_maps_that_are_as_much_finer(enlarge: int, stride: int) -> None:
    body = body_of(levels=(1,), enlarge=enlarge).eval()
    images = batch(1, 3, 32, 48)
    assert body.stride == stride
    large = functional.interpolate(images, scale_factor=float(enlarge), mode="bilinear")
    torch.testing.assert_close(body(images), body.body(body.standardise(large))[0])


def test_weights_from_a_file_give_timms_own_maps_of_standardised_images(weights: Path) -> None:
    body = body_of(pretrained=str(weights), levels=(1, 2)).eval()
    theirs = timm.create_model(RESNET, checkpoint_path=str(weights)).eval()
    images = batch(2, 3, 32, 32)
    mean, deviation = (torch.tensor(theirs.pretrained_cfg[name])[:, None, None] for name in ("mean", "std"))
    with torch.no_grad():
        read = (images - mean) / deviation
        fine, coarse = theirs.forward_intermediates(read, indices=[1, 2], intermediates_only=True)
        found = body(images)
    torch.testing.assert_close(found[:, : fine.shape[1]], fine)
    torch.testing.assert_close(found[:, fine.shape[1] :], functional.interpolate(coarse, size=(8, 8), mode="bilinear"))


def test_a_grey_image_is_seen_as_rgb_and_a_fourth_channel_as_red_again(weights: Path) -> None:
    grey, rgb, four = (body_of(c, pretrained=str(weights), normalise=False).eval() for c in (1, 3, 4))
    images = batch(2, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(grey(images), rgb(images.expand(-1, 3, -1, -1)))
    (ours, theirs) = (body.body.state_dict()["conv1.0.weight"] for body in (four, rgb))
    torch.testing.assert_close(ours, theirs[:, [0, 1, 2, 0]] * 3 / 4)


def test_a_frozen_body_has_nothing_to_train_and_stays_in_evaluation_mode() -> None:
    body = body_of(frozen_body=True, levels=(1, 2)).train()
    assert list(body.parameters()) == []
    assert not any(module.training for module in body.body.modules())
    before = {key: value.clone() for key, value in body.state_dict().items()}
    images = batch(4, 3, 32, 32).requires_grad_()
    body(images).sum().backward()
    assert images.grad is not None
    assert all(torch.equal(value, before[key]) for key, value in body.state_dict().items())


def test_a_body_that_is_not_frozen_is_trained_with_its_statistics() -> None:
    body = body_of(levels=(1,)).train()
    before = {key: value.clone() for key, value in body.state_dict().items()}
    body(batch(4, 3, 32, 32)).sum().backward()
    assert all(parameter.grad is not None for parameter in body.parameters())
    assert any(not torch.equal(value, before[key]) for key, value in body.state_dict().items() if "running" in key)


def test_bare_has_fresh_weights_and_preset_names_loaded_ones(weights: Path) -> None:
    spec = TimmMaps(model=RESNET, pretrained=str(weights), levels=(2,), enlarge=2, frozen_body=True)
    loaded = spec.map_extractor((3, 32, 32))
    assert loaded.preset() == (loaded.body,)
    weights.unlink()
    bare = spec.bare().map_extractor((3, 32, 32))
    assert bare.preset() == ()
    assert (bare.stride, bare.width) == (loaded.stride, loaded.width)
    bare.load_state_dict(loaded.state_dict())
    images = batch(1, 3, 32, 32)
    assert torch.equal(bare(images), loaded(images))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": (9,)}, r"timm\.levels: test_resnet has no levels \(9,\)"),
        ({"levels": (0, 7)}, r"timm\.levels: test_resnet has no levels \(0, 7\)"),
        ({"enlarge": 3}, r"timm\.enlarge: 3 does not divide the stride 4 of the maps. Use a divisor of 4"),
        ({"model": "test_resnat"}, "timm has no model 'test_resnat'. Did you mean test_resnet"),
        ({"model": "vgg11", "levels": (8,)}, r"timm\.levels: vgg11 has no levels \(8,\)"),
        ({"pretrained": "installed"}, "'installed' weights are those of tf_efficientnet_lite0, not of test_resnet"),
        ({"pretrained": "model.pth"}, "they may run code"),
    ],
)
def test_a_missing_property_of_a_model_is_reported_once(options: dict[str, object], message: str) -> None:
    with pytest.raises(LatentclustError, match=message) as caught:
        body_of(**options)
    assert len(caught.value.issues) == 1


def test_a_file_of_another_model_is_refused(weights: Path) -> None:
    with pytest.raises(LatentclustError, match=r"are not those of this model: .* is absent"):
        body_of(model=EFFICIENTNET, pretrained=str(weights))


def test_features_take_the_place_of_images_of_any_size(features: TimmFeatures) -> None:
    for channels, height, width in ((3, 32, 32), (3, 33, 47), (1, 16, 29), (4, 31, 8)):
        found = features.apply(batch(2, channels, height, width), torch.Generator())
        assert found.shape == (2, 80, height, width)
        assert features.output_shape((channels, height, width)) == (80, height, width)


def test_features_are_the_frozen_models_maps_scaled_about_a_half(features: TimmFeatures) -> None:
    images = batch(2, 3, 32, 32)
    model = frozen_maps(features._levels(), 3, torch.device("cpu"))
    with torch.no_grad():
        expected = functional.interpolate(model(images), size=(32, 32), mode="bilinear")
    torch.testing.assert_close(features.apply(images, torch.Generator()), Images(expected / 10 + 0.5))
    doubled = features.model_copy(update={"scale": 5.0})
    torch.testing.assert_close(doubled.apply(images, torch.Generator()), Images(expected / 5 + 0.5))


def test_pixels_beyond_the_border_repeat_and_are_cut_off(features: TimmFeatures) -> None:
    images = batch(1, 3, 30, 29)
    whole: Tensor = functional.pad(images, (0, 3, 0, 2), mode="replicate")
    found = features.apply(images, torch.Generator())
    torch.testing.assert_close(found, features.apply(Images(whole), torch.Generator())[..., :30, :29])


def test_centred_features_have_no_mean_and_kept_channels_come_first(features: TimmFeatures) -> None:
    images = batch(2, 3, 32, 32)
    centred = features.model_copy(update={"centre": True, "keep": 0.5})
    found = centred.apply(images, torch.Generator())
    assert centred.output_shape((3, 32, 32)) == (83, 32, 32)
    torch.testing.assert_close(found[:, :3], 0.5 * images)
    torch.testing.assert_close(found[:, 3:].mean(dim=(2, 3)), torch.full((2, 80), 0.5), atol=1e-4, rtol=0)


def test_features_of_vectors_are_refused(features: TimmFeatures) -> None:
    with pytest.raises(LatentclustError, match=r"timm-features: samples have shape \(5,\)"):
        features.output_shape((5,))


@pytest.mark.slow
@pytest.mark.parametrize("part", ["backbone", "view"])
def test_a_model_file_reads_back_to_equal_label_maps(part: str, weights: Path, tmp_path: Path) -> None:
    images = (255 * batch(6, 3, 32, 32).numpy()).astype(np.uint8)
    np.save(tmp_path / "images.npy", images.transpose(0, 2, 3, 1))
    chosen = f"model = '{RESNET}', pretrained = '{weights}', levels = [1, 2]"
    body = f"use = 'timm-maps', frozen_body = true, {chosen}" if part == "backbone" else "use = 'pixel-mlp'"
    steps = f"preprocess = [{{ use = 'timm-features', {chosen} }}]" if part == "view" else ""
    views = "[views.view]\nsteps = [{ use = 'flip' }]\n"
    (tmp_path / "recipe.toml").write_text(
        f"schema = 1\nextends = 'iic-pixel@1'\nname = 'small'\n{views}"
        f"[data]\nuse = 'array'\npath = '{tmp_path / 'images.npy'}'\n{steps}\n"
        f"[networks]\ntrunk = {{ {body} }}\n[train]\nrounds = 2\nbatch_size = 3\n"
        "[evaluate]\nbaselines = []\nbatch_size = 3\n"
    )
    finished = latentclust.run(tmp_path / "recipe.toml", out=tmp_path / "run", device="cpu")
    first = latentclust.load(finished.folder)
    if part == "backbone":
        weights.unlink()  # the model file holds them
    again = latentclust.load(finished.folder)
    found = again.predict(images)
    assert found.probabilities.shape == (6, 3, 32, 32)
    assert torch.equal(found.probabilities, first.predict(images).probabilities)
