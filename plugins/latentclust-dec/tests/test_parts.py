"""The parts: the encoder's code, the table of all samples, the first centroids, and the decoded embedding."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from latentclust.api import Code, Images, Latent, LatentclustError, Model
from latentclust.testing import build_encoder, build_networks, build_part, load_resolved_recipe
from torch import nn

import latentclust_dec
from latentclust_dec.assignment import target_distribution
from latentclust_dec.encoder import StudentT
from latentclust_dec.step import TargetDivergence, decoded_embedding
from latentclust_dec.whole_set import KMeansCentroids, Target, TargetDistribution

CLUSTERS, WIDTH = 3, 2


def encoder(alpha: float = 1.0) -> nn.Module:
    torch.manual_seed(0)
    spec = StudentT(hidden=(8, 5), alpha=alpha)
    return build_encoder(spec, (1, 4, 4), CLUSTERS, WIDTH)


def images(count: int = 12) -> Images:
    return Images(torch.rand(count, 1, 4, 4, generator=torch.Generator().manual_seed(1)))


class Batches:
    """Images in batches of a size, as often as they are asked for."""

    def __init__(self, images: Images, size: int) -> None:
        self.images, self.size = images, size

    def __iter__(self) -> Iterator[Images]:
        return map(Images, self.images.split(self.size))


class Embedding(nn.Module):
    """The code whose style is the images themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.head = StudentT(hidden=(1,)).head(1, CLUSTERS, WIDTH)

    def forward(self, images: Images) -> Code:
        return Code(logits=torch.zeros(len(images), CLUSTERS), style=images, features=images)


def model(network: nn.Module) -> Model:
    prior = build_part("prior", "gaussian", clusters=CLUSTERS, style_dim=WIDTH)
    return Model({"encoder": network}, prior)  # type: ignore[arg-type]


def test_the_codes_probabilities_are_the_soft_assignments_of_its_style() -> None:
    network = encoder(alpha=2.0)
    code = network(images())
    squares = torch.cdist(code.style, network.head.centroids).square()
    kernel = (1 + squares / 2.0) ** -1.5
    torch.testing.assert_close(code.probabilities, kernel / kernel.sum(dim=1, keepdim=True))
    assert code.features.shape == (12, 8)
    assert network.represent(images()).shape == (12, 5)


def test_the_layers_are_relu_and_the_embedding_is_linear() -> None:
    network = encoder()
    x = images()
    first = (x.flatten(1) @ network.body.first[0].weight.T + network.body.first[0].bias).relu()
    second = (first @ network.body.rest[0][0].weight.T + network.body.rest[0][0].bias).relu()
    embedded = second @ network.head.embed.weight.T + network.head.embed.bias
    torch.testing.assert_close(network(x).style, embedded)
    torch.testing.assert_close(network(x).features, first)


def test_it_computes_the_kernel_in_float32_under_autocast() -> None:
    network = encoder()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        code = network(images())
    assert code.logits.dtype == code.style.dtype == torch.float32
    kernel = (1 + torch.cdist(code.style, network.head.centroids).square()).reciprocal()
    torch.testing.assert_close(code.logits, kernel.log())


def test_the_networks_of_the_paper_are_the_default() -> None:
    body = StudentT().extractor((1, 28, 28))
    shapes = [tuple(layer.weight.shape) for layer in body.modules() if isinstance(layer, nn.Linear)]
    assert shapes == [(500, 784), (500, 500), (2000, 500)]


@pytest.mark.parametrize("size", [1, 5, 12])
def test_the_table_is_the_target_distribution_of_all_samples_for_any_batches(size: int) -> None:
    network = encoder()
    with torch.no_grad():
        found = TargetDistribution().compute(model(network), Batches(images(), size), torch.Generator())
        expected = target_distribution(network(images()).probabilities)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(12))


def test_the_first_centroids_are_those_of_k_means_on_all_embedded_samples() -> None:
    corners = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    points = corners.repeat_interleave(4, 0) + torch.tensor([[0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1]]).repeat(
        3, 1
    )
    rng = torch.Generator().manual_seed(0)
    found = KMeansCentroids().weights(model(Embedding()), Batches(Images(points), 5), rng)
    (centroids,) = found.values()
    assert set(found) == {"encoder.head.centroids"}
    nearest = torch.cdist(corners, centroids)
    torch.testing.assert_close(nearest.amin(dim=1), torch.zeros(3), rtol=0, atol=1e-5)
    assert len(set(nearest.argmin(dim=1).tolist())) == 3


def test_the_loss_is_zero_at_its_target_and_moves_no_target() -> None:
    code = encoder()(images())
    target = Target(code.probabilities.detach())
    loss = TargetDivergence()(code, target)
    assert float(loss.detach()) == pytest.approx(0.0, abs=1e-6)
    assert not target.requires_grad


def test_the_embedding_is_decoded_alone() -> None:
    seen: list[Latent] = []

    def generator(latent: Latent) -> Images:
        seen.append(latent)
        return images()

    code = encoder()(images())
    gaussian = build_part("prior", "gaussian", clusters=3, style_dim=2)
    one_hot = build_part("prior", "one-hot-gaussian", clusters=3, style_dim=2)
    for prior, columns in ((gaussian, 0), (one_hot, 3)):
        decoded_embedding(generator, code, prior)  # type: ignore[arg-type]
        assert torch.equal(seen[-1].category, torch.zeros(12, columns))
        assert torch.equal(seen[-1].style, code.style)


def test_a_network_that_is_not_an_encoder_is_refused() -> None:
    with pytest.raises(LatentclustError, match=r"'encoder' does not return a code\. Use an encoder"):
        TargetDistribution().compute(model(nn.Flatten()), Batches(images(), 5), torch.Generator())


def test_an_encoder_without_centroids_is_refused() -> None:
    with pytest.raises(LatentclustError, match=r"'encoder' has no centroids\. Use a `student-t` encoder"):
        KMeansCentroids().weights(model(nn.Flatten()), Batches(images(), 5), torch.Generator())


def test_dec_moves_the_encoder_alone_and_idec_the_decoder_too() -> None:
    plans = {}
    for system in ("dec@1", "idec@1"):
        resolved = load_resolved_recipe({"schema": 1, "extends": system, "name": "d", "data": {"use": "digits"}}, ())
        pretraining, clustering = resolved.stages
        assert list(pretraining.plans) == ["autoencoder"]
        plans[system] = clustering.plans["clustering"]
        assert set(resolved.tables) == {"target"}
    assert plans["dec@1"].networks == ("encoder",)
    assert [term.name for term in plans["dec@1"].terms] == ["clustering"]
    assert plans["idec@1"].networks == ("encoder", "generator")
    assert [term.name for term in plans["idec@1"].terms] == ["clustering", "preservation"]


def test_the_decoder_mirrors_the_encoder() -> None:
    tables = {"schema": 1, "extends": "dec@1", "name": "d", "data": {"use": "digits"}}
    networks = build_networks(tables)
    widths = {
        name: [layer.in_features for layer in network.modules() if isinstance(layer, nn.Linear)]
        for name, network in networks.items()
    }
    assert widths == {"encoder": [64, 500, 500, 2000], "generator": [10, 2000, 500, 500]}


def test_the_plugin_imports_latentclust_by_its_api_alone() -> None:
    sources = Path(latentclust_dec.__file__).parent.glob("*.py")
    trees = [ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for path in sources]
    imported = {node.module for tree in trees for node in tree if isinstance(node, ast.ImportFrom) and node.module}
    assert {name for name in imported if name.partition(".")[0] == "latentclust"} == {"latentclust.api"}
