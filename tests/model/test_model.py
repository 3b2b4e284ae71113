"""The model and its file: equal results after a round trip, and an error for every invalid file and input."""

import builtins
import hashlib
import io
import json
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

import latentclust
from latentclust.assemble.experiment import assemble
from latentclust.errors import LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load, save_model
from latentclust.plugins.registry import discovered
from latentclust.runs.fitted_model import trained_model
from latentclust.runs.run import load_resolved_recipe
from latentclust.tensors import Latent, Posterior

RECIPES = Path(__file__).parents[1] / "train"
CPU = torch.device("cpu")


def untrained(name: str, *settings: str) -> ClusteringModel:
    """A model as a run would leave it, at its first weights."""
    return trained_model(assemble(load_resolved_recipe(RECIPES / f"{name}.toml", settings), ()), CPU)


@pytest.fixture(scope="module")
def digits() -> ClusteringModel:
    """DCCS on images of one channel."""
    return untrained("dccs")


@pytest.fixture(scope="module")
def vectors() -> ClusteringModel:
    """ClusterGAN on vectors."""
    return untrained("clustergan")


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> ClusteringModel:
    """DCCS on images of three channels, 6 x 5."""
    path = tmp_path_factory.mktemp("coloured") / "images.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (40, 3, 6, 5), dtype=np.uint8))
    return untrained("dccs", f"data={{use='array', path='{path}', layout_of_images='chw'}}", "prior.clusters=4")


@pytest.fixture
def images() -> NDArray[np.uint8]:
    """Seven images of 8 x 8, `(n, h, w)`."""
    return np.random.default_rng(1).integers(0, 256, (7, 8, 8), dtype=np.uint8)


def assert_same(found: Posterior, expected: Posterior) -> None:
    assert torch.equal(found.probabilities, expected.probabilities)
    assert torch.equal(found.style, expected.style)


# The file


@pytest.mark.parametrize("inference", ["amortized", "kmeans-on-code", "kmeans-on-features", "backprop-decoding"])
def test_a_loaded_model_gives_the_same_answers_to_the_bit(tmp_path: Path, inference: str) -> None:
    few = {"backprop-decoding": "{use='backprop-decoding', iterations=3}"}.get(inference, f"{{use='{inference}'}}")
    model = untrained("clustergan", f"inference={few}")
    points = np.random.default_rng(2).random((9, 100), dtype=np.float32)
    save_model(tmp_path / "model.safetensors", model)
    again = load(tmp_path / "model.safetensors")
    assert_same(again.predict(points, seed=4), model.predict(points, seed=4))
    assert again.raw_shape == model.raw_shape
    assert again.state.keys() == model.state.keys()
    assert again.resolved.loaded.digest == model.resolved.loaded.digest
    latent = model.resolved.prior.sample(5, torch.Generator().manual_seed(0))
    assert torch.equal(again.generate(latent), model.generate(latent))


def test_a_folder_stands_for_the_model_in_it(tmp_path: Path, digits: ClusteringModel) -> None:
    save_model(tmp_path / "model.safetensors", digits)
    assert latentclust.load(tmp_path).clusters == latentclust.load(str(tmp_path)).clusters == 10


def test_the_header_tells_recipe_versions_and_distributions(tmp_path: Path, digits: ClusteringModel) -> None:
    save_model(tmp_path / "model.safetensors", digits)
    header = load(tmp_path).header
    assert header["recipe"] == digits.resolved.loaded.text
    assert header["recipe_sha256"] == digits.resolved.loaded.digest
    assert header["raw_shape"] == [1, 8, 8]
    assert header["seed"] == 3
    assert header["distributions"] == {"latentclust": latentclust.__version__}
    assert header["versions"].keys() == {"latentclust", "torch", "numpy"}


def test_saving_twice_gives_the_same_bytes(tmp_path: Path, digits: ClusteringModel) -> None:
    for name in ("a", "b"):
        save_model(tmp_path / name, digits)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_loading_reads_neither_the_network_nor_the_data(
    tmp_path: Path, coloured: ClusteringModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(tmp_path / "model.safetensors", coloured)
    text = coloured.resolved.recipe.data.options["path"]
    Path(text).rename(tmp_path / "moved.npy")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    assert load(tmp_path).raw_shape == (3, 6, 5)
    (tmp_path / "moved.npy").rename(text)


def test_pretrained_weights_are_not_read_again(tmp_path: Path, images: NDArray[np.uint8]) -> None:
    import timm

    weights = tmp_path / "weights.safetensors"
    save_file(timm.create_model("test_resnet", num_classes=0, in_chans=1).state_dict(), weights)
    model = untrained("dccs", f"networks.encoder={{use='timm', model='test_resnet', pretrained='{weights}'}}")
    save_model(tmp_path / "model.safetensors", model)
    weights.unlink()
    assert_same(load(tmp_path).predict(images), model.predict(images))


def test_a_distribution_that_is_absent_is_named(tmp_path: Path, digits: ClusteringModel) -> None:
    resolved = replace(digits.resolved, distributions={"latentclust": "0.1.0", "some-plugin": "2.3"})
    save_model(tmp_path / "model.safetensors", replace(digits, resolved=resolved))
    with pytest.raises(LatentclustError, match=r"some-plugin 2\.3, which is not installed. Install some-plugin 2\.3"):
        load(tmp_path)


def test_an_excluded_distribution_and_a_broken_one_are_reported_differently(
    tmp_path: Path, digits: ClusteringModel, distribution: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution("Some_Plugin", "raise RuntimeError('no licence')")
    resolved = replace(digits.resolved, distributions={"latentclust": "0.1.0", "some-plugin": "1.2"})
    save_model(tmp_path / "model.safetensors", replace(digits, resolved=resolved))
    with pytest.raises(LatentclustError, match=r"some-plugin 1\.2, which is broken \(RuntimeError: no licence\)"):
        load(tmp_path)
    monkeypatch.setenv("LATENTCLUST_PLUGINS", "off")
    discovered.cache_clear()
    with pytest.raises(LatentclustError) as caught:
        load(tmp_path)
    (issue,) = caught.value.issues
    assert issue.what == "it was trained with parts of some-plugin 1.2, which is excluded by LATENTCLUST_PLUGINS"
    assert issue.fix == "Unset LATENTCLUST_PLUGINS, or set it to a list with some-plugin"


def rewrite(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """The file with another header."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["latentclust"])
    change(header)
    save_file(load_file(path), path, {"latentclust": json.dumps(header)})


def rewrite_recipe(path: Path, change: Callable[[str], str]) -> None:
    """The file with another recipe, and its SHA-256."""

    def apply(header: dict[str, Any]) -> None:
        header["recipe"] = change(header["recipe"])
        header["recipe_sha256"] = hashlib.sha256(header["recipe"].encode()).hexdigest()

    rewrite(path, apply)


@pytest.mark.parametrize("key", ["format", "recipe", "raw_shape", "distributions"])
def test_a_header_with_a_missing_key_is_refused(tmp_path: Path, digits: ClusteringModel, key: str) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, digits)
    rewrite(path, lambda header: header.pop(key))
    with pytest.raises(LatentclustError, match=rf"is not a latentclust model \(.*{key}"):
        load(path)


def test_a_file_of_a_later_format_is_refused(tmp_path: Path, digits: ClusteringModel) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, digits)
    rewrite(path, lambda header: header.update(format=2))
    with pytest.raises(LatentclustError, match="expected format 1, got 2"):
        load(path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_file_cut_short_is_refused(tmp_path: Path, digits: ClusteringModel, share: float) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, digits)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(LatentclustError, match=r"model\.safetensors: is not a latentclust model"):
        load(path)


def test_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "bare.safetensors")
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors", {"format": "pt"})
    save_file({"weight": torch.zeros(2)}, tmp_path / "json.safetensors", {"latentclust": "[1]"})
    (tmp_path / "text.safetensors").write_text("no tensors at all, though it is long enough to hold a header")
    for name in ("bare", "other", "json", "text"):
        with pytest.raises(LatentclustError, match=rf"{name}\.safetensors: is not a latentclust model"):
            load(tmp_path / f"{name}.safetensors")
    for absent in (tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(LatentclustError, match=r"the model file does not exist"):
            load(absent)


def test_weights_that_do_not_fit_the_recipe_are_refused(tmp_path: Path, digits: ClusteringModel) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, digits)
    rewrite_recipe(path, lambda recipe: recipe.replace("clusters = 10", "clusters = 9"))
    with pytest.raises(LatentclustError, match=r"the weights do not match the recipe \(critic\.body.* is torch"):
        load(path)


HOSTILE: dict[str, tuple[Callable[[str], str], str]] = {
    "another recipe": (lambda text: 'extends = "SECRET"\n' + text, r"its recipe extends '.*secret\.toml'"),
    "a path": (
        lambda text: text.replace("[data]", '[data]\npreprocess = [{use = "timm-features", pretrained = "SECRET"}]'),
        r"its preprocessing reads weights from '.*secret\.toml', which the model file does not contain\. If you trust",
    ),
    "the hub": (
        lambda text: text.replace("[data]", '[data]\npreprocess = [{use = "timm-features", pretrained = "hub"}]'),
        "its preprocessing reads weights from 'hub'",
    ),
    "no TOML": (lambda text: "= [", "its recipe is not TOML"),
    "deep lists": (lambda text: "x = " + "[" * 3000 + "]" * 3000, r"its recipe (is not TOML|cannot)|nest|deep"),
    "huge layers": (lambda text: text.replace("16,", "60000000,"), "the weights do not match the recipe"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_model_of_a_stranger_reads_no_other_file_and_no_network(
    tmp_path: Path, digits: ClusteringModel, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    change, said = HOSTILE[kind]
    secret, path = tmp_path / "secret.toml", tmp_path / "model.safetensors"
    secret.write_text("[secret]\nkey = 1")
    save_model(path, digits)
    rewrite_recipe(path, lambda text: change(text).replace("SECRET", str(secret)))
    opened: list[str] = []
    for module in (builtins, io):
        original = module.open

        def watch(file: Any, *rest: Any, original: Any = original, **named: Any) -> Any:
            opened.append(str(file))
            return original(file, *rest, **named)

        monkeypatch.setattr(module, "open", watch)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("connects"))
    with pytest.raises(LatentclustError, match=said) as caught:
        load(path)
    assert "key" not in str(caught.value).replace("SECRET", "")
    assert str(secret) not in opened


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"inference/variance": None}, "KeyError: 'variance'"),
        ({"inference/centroids": None, "inference/variance": None}, "KeyError: 'centroids'"),
        ({"inference/centroids": torch.zeros(10, 3)}, "RuntimeError: "),
        ({"inference/centroids": torch.zeros(7, 6)}, "7 clusters instead of 4"),
    ],
)
def test_tensors_of_an_inference_that_do_not_fit_the_recipe_are_refused(
    tmp_path: Path, changes: dict[str, Tensor | None], what: str
) -> None:
    path = tmp_path / "model.safetensors"
    model = untrained("clustergan", "inference={use='kmeans-on-code'}")
    save_model(path, model)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = {**load_file(path), **changes}
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, path, metadata)
    with pytest.raises(LatentclustError, match="the tensors of its inference do not match the recipe") as caught:
        load(path)
    assert what in str(caught.value)


def test_a_recipe_that_was_changed_is_noticed(tmp_path: Path, digits: ClusteringModel) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, digits)
    rewrite(path, lambda header: header.update(recipe=header["recipe"] + "\n"))
    with pytest.raises(LatentclustError, match="its recipe was changed after the model was written"):
        load(path)


def test_a_recipe_that_is_no_unicode_is_refused(tmp_path: Path, digits: ClusteringModel) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, digits)
    rewrite(path, lambda header: header.update(recipe=header["recipe"] + "# \ud800"))
    with pytest.raises(LatentclustError, match="is not a latentclust model"):
        load(path)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, digits: ClusteringModel, value: float) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, digits)
    tensors = load_file(path)
    tensors["networks/critic.head.bias"].fill_(value)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file(tensors, path, metadata)
    with pytest.raises(LatentclustError, match=r"networks/critic\.head\.bias has values that are NaN or infinite"):
        load(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("recipe", 3),
        ("raw_shape", []),
        ("raw_shape", [1, 8]),
        ("raw_shape", [1, 2**40, 8]),
        ("raw_shape", [1, -8, 8]),
        ("raw_shape", "188"),
        ("raw_shape", ["1", 8, 8]),
        ("raw_shape", [True, 8, 8]),
        ("seed", -1),
        ("seed", 2**70),
        ("seed", "0"),
        ("recipe", "x = 1\n" + "#" * 2**20),
        ("recipe", "x = '\ud800'"),
        ("distributions", []),
        ("distributions", {"latentclust": 1}),
        ("bands", {"bands": "x"}),
        ("bands", {"bands": [1], "ranges": [[0, float("nan")]], "counts": [1], "types": ["u1"]}),
        ("versions", [1]),
    ],
)
def test_header_values_of_a_wrong_kind_are_refused(
    tmp_path: Path, digits: ClusteringModel, key: str, value: object
) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, digits)
    rewrite(path, lambda header: header.update({key: value}))
    with pytest.raises(LatentclustError):
        load(path)


def test_a_checkpoint_is_not_accepted_as_a_model(tmp_path: Path) -> None:
    latentclust.run(RECIPES / "autoencoder.toml", ["train.rounds=1"], out=tmp_path / "run", device="cpu")
    with pytest.raises(LatentclustError, match="is not a latentclust model"):
        load(tmp_path / "run" / "checkpoint.safetensors")


# Inputs


def test_every_form_of_the_same_images_has_the_same_answer(digits: ClusteringModel, images: NDArray[np.uint8]) -> None:
    expected = digits.predict(images[:, None])
    unit = images / 255
    forms: list[Any] = [
        images,
        torch.from_numpy(images),
        torch.from_numpy(images[:, None]),
        unit,
        unit.astype(np.float32)[:, None],
        torch.from_numpy(unit).float().requires_grad_(),
        np.asfortranarray(images),
    ]
    for form in forms:
        assert_same(digits.predict(form), expected)
    halves = digits.predict(torch.from_numpy(unit).bfloat16())
    torch.testing.assert_close(halves.probabilities, expected.probabilities, rtol=0, atol=0.02)


def test_vectors_are_read_as_floats(vectors: ClusteringModel) -> None:
    points = np.random.default_rng(0).random((5, 100))
    assert_same(vectors.predict(points), vectors.predict(torch.from_numpy(points)))
    assert_same(vectors.predict(points), vectors.predict(points.astype(np.float32)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((2, 8, 9), np.uint8), r"expected images of shape \(1, 8, 8\), got \(1, 8, 9\)"),
        (np.zeros((2, 3, 8, 8), np.uint8), r"expected images of shape \(1, 8, 8\), got \(3, 8, 8\)"),
        (np.zeros((8, 8), np.uint8), r"an array of shape \(8, 8\) and type uint8"),
        (np.zeros((2, 64), np.float32), r"an array of shape \(2, 64\)"),
        (np.zeros((0, 8, 8), np.uint8), "no samples"),
        (np.zeros((2, 8, 8), np.int64), "type int64"),
        (np.zeros((2, 8, 8), bool), "type bool"),
        (np.full((2, 8, 8), "x"), "type <U1"),
        (np.full((2, 8, 8), np.nan), r"128 values are NaN or outside \[0, 1\], the first nan at \(0, 0, 0, 0\)"),
        (np.full((2, 8, 8), 1e300), r"outside \[0, 1\], the first inf"),
        (np.full((2, 8, 8), 255.0), r"outside \[0, 1\], the first 255"),
        (np.full((2, 8, 8), -0.5), r"outside \[0, 1\], the first -0.5"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.int32), "type int32"),
        (torch.full((2, 1, 8, 8), float("nan")), "NaN"),
    ],
)
def test_unsuitable_images_are_reported(digits: ClusteringModel, wrong: Any, message: str) -> None:
    with pytest.raises(LatentclustError, match=message) as caught:
        digits.predict(wrong)
    assert caught.value.issues[0].where == "images"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((2, 99), np.float32), r"expected images of shape \(100,\), got \(99,\)"),
        (np.zeros((2, 100), np.uint8), "type uint8"),
        (np.zeros(100, np.float32), r"shape \(100,\)"),
        (np.full((2, 100), np.inf), "outside"),
        (np.full((2, 100), 1.5), "outside"),
        (np.zeros((2, 1, 10, 10), np.uint8), r"got \(1, 10, 10\)"),
    ],
)
def test_unsuitable_vectors_are_reported(vectors: ClusteringModel, wrong: Any, message: str) -> None:
    with pytest.raises(LatentclustError, match=message):
        vectors.predict(wrong)


def test_channels_are_not_invented(coloured: ClusteringModel) -> None:
    with pytest.raises(LatentclustError, match="images"):
        coloured.predict(np.zeros((2, 6, 5), np.uint8))
    with pytest.raises(LatentclustError, match=r"got \(6, 5, 3\)"):
        coloured.predict(np.zeros((2, 6, 5, 3), np.uint8))


# Answers


@pytest.mark.parametrize("name", ["dccs", "infogan"])
def test_an_answer_does_not_depend_on_the_batch_that_it_is_in(name: str) -> None:
    model = untrained(name)
    rng = np.random.default_rng(3)
    shape = (11, *model.raw_shape)
    samples = rng.random(shape, np.float32) if name == "infogan" else rng.integers(0, 256, shape, dtype=np.uint8)
    whole = model.predict(samples)
    for size in (1, 4, 11, 500):
        parts = model.predict(samples, batch_size=size)
        torch.testing.assert_close(parts.probabilities, whole.probabilities)
        torch.testing.assert_close(parts.style, whole.style)
    order = rng.permutation(11)
    torch.testing.assert_close(model.predict(samples[order]).probabilities, whole.probabilities[order])


def test_a_posterior_is_one_row_a_sample_that_sums_to_one(digits: ClusteringModel, images: NDArray[np.uint8]) -> None:
    posterior = digits.predict(images)
    assert posterior.probabilities.shape == (7, 10)
    assert posterior.style.shape == (7, 2)
    torch.testing.assert_close(posterior.probabilities.sum(1), torch.ones(7))
    assert torch.equal(posterior.labels, posterior.probabilities.argmax(1))
    assert not posterior.probabilities.requires_grad


def test_predicting_changes_nothing_in_the_model(images: NDArray[np.uint8]) -> None:
    model = untrained("dccs")
    for network in model.networks.values():
        network.train()
    before = {name: [t.clone() for t in network.state_dict().values()] for name, network in model.networks.items()}
    first = model.predict(images)
    assert_same(model.predict(images), first)
    for name, network in model.networks.items():
        assert all(torch.equal(*pair) for pair in zip(network.state_dict().values(), before[name], strict=True))


def test_generated_images_are_those_of_the_generator(vectors: ClusteringModel) -> None:
    latent = vectors.resolved.prior.sample(6, torch.Generator().manual_seed(0))
    images: Tensor = vectors.generate(latent)
    assert images.shape == (6, 100)
    assert ((images >= 0) & (images <= 1)).all()
    assert not images.requires_grad
    with torch.no_grad():
        assert torch.equal(images, vectors.model.networks["generator"](latent))


def test_samples_that_cannot_be_generated_are_reported(digits: ClusteringModel, vectors: ClusteringModel) -> None:
    with pytest.raises(LatentclustError, match="'tiny-dccs' has no generator"):
        digits.generate(digits.resolved.prior.sample(1, torch.Generator()))
    wrong = Latent(category=torch.zeros(2, 4), style=torch.zeros(2, 3))
    with pytest.raises(LatentclustError, match="expected 4 categories and 2 style values, got 4 and 3"):
        vectors.generate(wrong)
