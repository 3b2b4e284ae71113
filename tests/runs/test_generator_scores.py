"""Scores of generators whose behaviour is known."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latentclust.assemble.resolve import Resolved
from latentclust.bundled.priors import Gaussian, OneHotGaussian
from latentclust.data.sources import ArraySource
from latentclust.errors import LatentclustError
from latentclust.evaluate import supervised
from latentclust.model.model import ClusteringModel
from latentclust.runs.feature_network import timm_features, values_themselves
from latentclust.runs.generator_scores import score_generator
from latentclust.specs.data import ImageSet, SealedLabels
from latentclust.tensors import Code, Images, Latent

CLUSTERS, STYLE = 4, 3


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "STEPS", 80)


class Generator(nn.Module):
    """Samples are the category, halved and shifted into [0, 1], and the style; both can be read off them."""

    def __init__(self, order: tuple[int, ...] = (0, 1, 2, 3)) -> None:
        super().__init__()
        self.order = list(order)

    def forward(self, latent: Latent) -> Images:
        return Images(
            torch.cat((latent.category[:, self.order[: latent.category.shape[1]]], latent.style), dim=1) / 2 + 0.25
        )


class Encoder(nn.Module):
    """The inverse of a generator with the categories in order; with `noise`, a style that is off by as much."""

    def __init__(self, noise: float = 0.0) -> None:
        super().__init__()
        self.noise = noise

    def forward(self, images: Images) -> Code:
        values: Tensor = 2 * (images - 0.25)
        category, style = values.split((CLUSTERS, STYLE), dim=1)
        # Logits so sharp that the probabilities are one-hot.
        return Code(100 * category, style + self.noise, images.new_zeros(len(images), 0))


def data(count: int = 400, labelled: bool = True) -> ImageSet:
    """Samples of the generator itself; classes are the categories."""
    latent = OneHotGaussian(clusters=CLUSTERS, style_dim=STYLE).sample(count, torch.Generator().manual_seed(7))
    labels = SealedLabels(latent.category.argmax(dim=1).numpy()) if labelled else None
    return ImageSet(ArraySource(Generator()(latent).numpy().astype(np.float32)), labels, tuple("abcd"))


@pytest.fixture
def model(tables: dict[str, Any], resolved: Callable[..., Resolved]) -> Callable[..., ClusteringModel]:
    def make(*settings: str, **networks: nn.Module) -> ClusteringModel:
        return ClusteringModel(resolved(tables, *settings), (CLUSTERS + STYLE,), networks, {})

    return make


def test_a_perfect_pair_of_generator_and_encoder(model):
    found = score_generator(model(encoder=Encoder(), generator=Generator()), data(), data(), values_themselves(), 2000)

    assert found.image_distance == pytest.approx(0, abs=1e-12)
    assert found.latent_distance == pytest.approx(0, abs=1e-12)
    assert found.category_recovery == 1
    assert (found.mode_accuracy, found.modes) == (1, CLUSTERS)
    assert (found.reconstruction_accuracy, found.cluster_accuracy, found.classifier_accuracy) == (1, 1, 1)
    assert found.frechet_distance == pytest.approx(0, abs=0.01)
    assert found.features == "the values themselves"
    assert (found.generated, found.images) == (2000, 400)
    assert np.sum(found.mode_table) == 2000


def test_a_style_that_is_off_is_the_distance_of_the_cycle(model):
    found = score_generator(model(encoder=Encoder(0.6), generator=Generator()), data(), data(), None, 100)

    # The style is 3 of 7 values: 0.36 in the latent, a quarter of it in the image.
    assert found.latent_distance == pytest.approx(0.36 * 3 / 7, rel=1e-5)
    assert found.image_distance == pytest.approx(0.09 * 3 / 7, rel=1e-5)
    assert found.category_recovery == 1
    assert found.frechet_distance is None


def test_a_generator_that_swaps_two_categories_breaks_the_cycles_and_not_the_modes(model):
    swapped = score_generator(model(encoder=Encoder(), generator=Generator((1, 0, 2, 3))), data(), data(), None, 1000)

    assert (swapped.mode_accuracy, swapped.cluster_accuracy) == (1, 1)
    assert swapped.category_recovery == pytest.approx(0.5, abs=0.06)
    assert swapped.reconstruction_accuracy == pytest.approx(0.5, abs=0.06)


def test_a_generator_that_draws_one_class_twice_has_fewer_modes(model):
    found = score_generator(model(encoder=Encoder(), generator=Generator((0, 1, 1, 1))), data(), data(), None, 1000)

    assert found.modes < CLUSTERS


def test_without_labels_there_are_the_scores_that_need_none(model):
    unlabelled = data(labelled=False)
    found = score_generator(model(encoder=Encoder(), generator=Generator()), unlabelled, unlabelled, None, 10)

    assert (found.mode_accuracy, found.reconstruction_accuracy, found.classifier_accuracy) == (None, None, None)
    assert found.category_recovery == 1


def test_without_an_encoder_there_are_the_modes_and_the_distance(tables, resolved):
    tables["losses"].pop("category-recovery")
    tables["networks"].pop("encoder")
    tables["players"]["generator"]["networks"] = ["generator"]
    tables["inference"] = {"use": "backprop-decoding"}
    found = score_generator(
        ClusteringModel(resolved(tables), (CLUSTERS + STYLE,), {"generator": Generator()}, {}),
        data(),
        data(),
        values_themselves(),
        100,
    )

    assert (found.mode_accuracy, found.image_distance, found.reconstruction_accuracy) == (1, None, None)
    assert found.frechet_distance is not None


def test_a_prior_without_categories_has_the_distance_alone(model):
    gaussian = model(encoder=Encoder(), generator=Generator())
    found = score_generator(
        replace(gaussian, resolved=replace(gaussian.resolved, prior=Gaussian(clusters=4, style_dim=7))),
        data(),
        data(),
        values_themselves(),
        100,
    )

    assert found.frechet_distance is not None
    assert found.mode_table == ()


def test_samples_are_generated_with_the_noise_of_the_prior_and_reconstructed_without(model):
    class Noisy(Generator):
        seen: ClassVar[list[float | None]] = []

        def forward(self, latent: Latent) -> Images:
            self.seen.append(None if latent.noise is None else float(latent.noise.std()))
            return super().forward(latent)

    score_generator(model("prior.noise_dim=5", encoder=Encoder(), generator=Noisy()), data(), data(), None, 400)

    drawn, *reconstructed = Noisy.seen
    assert drawn == pytest.approx(3**-0.5, rel=0.05)  # uniform on [-1, 1]
    assert set(reconstructed) == {None}


def test_a_model_without_a_generator_is_refused(model):
    with pytest.raises(LatentclustError, match="has no generator"):
        score_generator(model(encoder=Encoder()), data(), data(), None, 10)


def test_too_few_samples_are_refused(model):
    with pytest.raises(LatentclustError, match="1 is too few"):
        score_generator(model(encoder=Encoder(), generator=Generator()), data(), data(), None, 1)


def test_a_model_of_label_maps_is_refused(map_model):
    with pytest.raises(LatentclustError, match="label maps"):
        score_generator(map_model(), data(), data(), None, 10)


def test_a_timm_model_gives_its_pooled_features_and_its_name():
    network = timm_features("test_resnet", "none", 32, (1, 8, 8), torch.device("cpu"))
    images = Images(torch.rand(5, 1, 8, 8))

    assert network.name == "test_resnet (none weights) at 32 px"
    assert network(images).shape == (5, 96)
    assert torch.equal(network(images[:2]), network(images)[:2])


def test_an_unknown_feature_network_is_refused():
    with pytest.raises(LatentclustError, match="timm has no model 'restnet'"):
        timm_features("restnet", "none", None, (3, 32, 32), torch.device("cpu"))
