"""Scores of what a model generates: FID, modes, reconstructions and cycles. ClusterGAN 2019, sections 2.6 and 4.2."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentclust.assemble.features import feature_source, reads_features
from latentclust.data.feed import to_float
from latentclust.errors import LatentclustError
from latentclust.evaluate.contingency import class_counts, contingency
from latentclust.evaluate.frechet import feature_statistics, frechet_distance
from latentclust.evaluate.supervised import SupervisedClassifier, share_of_class, train_classifier
from latentclust.infer.posteriors import preprocessed
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Count, Phases
from latentclust.plugins.registry import installed
from latentclust.runs.feature_network import FeatureNetwork
from latentclust.specs.data import ImageSet, SealedLabels
from latentclust.specs.inference import InferenceSpec
from latentclust.tensors import Images, Latent

FEWEST = 2
"""Fewest samples that a covariance can be computed from."""


@dataclass(frozen=True, slots=True)
class GeneratorScores:
    """The scores of a generator. Those that need labels, categories or features are None without them.

    Attributes:
        generated: Number of generated samples.
        images: Number of samples of the data set.
        frechet_distance: Fréchet distance of generated and real samples in the feature space, FID if that is Inception.
        features: Network and size that the distance is computed with.
        image_distance: Mean square of x - G(E(x)) per value, ClusterGAN, Fig. 7.
        latent_distance: Mean square of z - E(G(z)) per value of category and style, Fig. 7.
        category_recovery: Share of generated samples whose recovered category is the one that was drawn.
        classifier_accuracy: Accuracy on held-out samples of the supervised classifier that judges generated samples.
        mode_accuracy: Share of generated samples in the most frequent class of their category, section 2.6.
        modes: Number of classes that are the most frequent one of a category.
        reconstruction_accuracy: Share of samples whose reconstruction G(E(x)) is of their class, section 2.6.
        cluster_accuracy: Share of samples in the most frequent class of their recovered category: purity, section 2.6.
        mode_table: Generated samples by category and class.
    """

    generated: int
    images: int
    features: str = ""
    frechet_distance: float | None = None
    image_distance: float | None = None
    latent_distance: float | None = None
    category_recovery: float | None = None
    classifier_accuracy: float | None = None
    mode_accuracy: float | None = None
    modes: int | None = None
    reconstruction_accuracy: float | None = None
    cluster_accuracy: float | None = None
    mode_table: tuple[tuple[int, ...], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the scores as a JSON object."""
        return asdict(self)


def score_generator(
    model: ClusteringModel,
    trained_on: ImageSet,
    tested: ImageSet,
    features: FeatureNetwork | None,
    samples: int,
    *,
    phases: Phases = SILENT,
) -> GeneratorScores:
    """Score what a model generates and reconstructs.

    Images are compared as the networks read them, after the preprocessing of the recipe. Codes are those of the
    encoder: a model without one has no scores of reconstructions and cycles.

    Args:
        model: Trained model with a generator.
        trained_on: Data set that the classifier is trained on, if it has labels.
        tested: Data set that is reconstructed and compared with generated samples.
        features: Network of the Fréchet distance. None omits it.
        samples: Number of samples to generate, at least two.
        phases: Tells the progress.

    Raises:
        LatentclustError: If the model has no generator, is one of label maps, or `samples` is below two.
    """
    _check(model, samples)
    scorer = _Scorer(model, tested)
    phases.begin("drawing samples")
    latent, generated = scorer.draw(samples)
    found: dict[str, Any] = {"generated": samples, "images": len(tested.source)}
    if features is not None:
        count = phases.begin("features", len(tested.source) + samples, "images")
        real = feature_statistics(features(images) for images in count.each(scorer.images()))
        drawn = feature_statistics(features(images) for images in count.each(scorer.split(generated)))
        phases.begin("Fréchet distance")
        distance = frechet_distance(real, drawn)
        found |= {"frechet_distance": distance, "features": features.name}
    encoder = _encoder(model)
    count = phases.begin("encoding", 2 * len(tested.source) + samples, "images")
    codes = None if encoder is None else scorer.encode(encoder, count.each(scorer.images()))
    if encoder is not None and codes is not None:
        recovered = scorer.encode(encoder, count.each(scorer.split(generated)))
        found["image_distance"] = scorer.distance(codes, count)
        found["latent_distance"] = float((recovered.vector() - latent.vector()).square().mean())
        found["category_recovery"] = float((_category(recovered) == _category(latent)).float().mean())
    if isinstance(trained_on.labels, SealedLabels) and model.resolved.prior.categories:
        classes = len(trained_on.classes) or len(class_counts(trained_on.labels))
        phases.begin("training a classifier on the labels")
        judge = _judge(model, trained_on, classes)
        phases.begin("classifying samples")
        found |= {"classifier_accuracy": judge.accuracy, **_modes(judge, scorer, latent, generated, classes)}
        if codes is not None and isinstance(tested.labels, SealedLabels):
            found |= _reconstructions(judge, scorer, codes, tested.labels)
    return GeneratorScores(**found)


def _check(model: ClusteringModel, samples: int) -> None:
    name = model.resolved.recipe.name
    if model.per_pixel:
        what = f"{name!r} is a system of label maps, whose samples have no category of their own"
        raise LatentclustError.at("model", what, "Use a model of whole images")
    if samples < FEWEST:
        raise LatentclustError.at("--samples", f"{samples} is too few", f"Use at least {FEWEST}")
    if "generator" not in model.networks:
        raise LatentclustError.at("model", f"{name!r} has no generator", "Use a generative system, such as clustergan")


class _Scorer:
    """Reads, generates, encodes and reconstructs batches of one model and data set. All tensors are on the CPU."""

    def __init__(self, model: ClusteringModel, tested: ImageSet) -> None:
        self.model, self._tested = model, tested
        self._size = model.resolved.recipe.evaluate.batch_size
        self._networks = model.model

    def draw(self, count: int) -> tuple[Latent, Images]:
        """Return latents of the prior and the samples generated from them."""
        rng = torch.Generator().manual_seed(self.model.resolved.recipe.seed)
        drawn = self.model.resolved.prior.draw(self.model.networks, count, rng)
        noise = None if drawn.noise is None else drawn.noise.cpu()
        latent = Latent(category=drawn.category.cpu(), style=drawn.style.cpu(), noise=noise)
        return latent, self.generate(latent)

    def generate(self, latent: Latent) -> Images:
        """Return the samples of latents."""
        rows = range(0, len(latent.category), self._size)
        return Images(torch.cat([self.model.generate(_part(latent, start, self._size)) for start in rows]))

    def images(self) -> Iterator[Images]:
        """Yield the preprocessed samples of the data set, on the device."""
        return preprocessed(self._tested.inputs, self.model.preprocess, self._size, self._rng())

    def split(self, images: Images) -> Iterator[Images]:
        """Yield samples in batches, on the device."""
        return (Images(batch.to(self.model.device)) for batch in torch.split(images, self._size))

    def distance(self, codes: Latent, count: Count) -> float:
        """Return the mean square of the difference of the samples, which are counted, and their reconstructions."""
        start, total, values = 0, 0.0, 0
        for images in count.each(self.images()):
            drawn = self.generate(_part(codes, start, len(images)))
            total += float((drawn - images.cpu()).double().square().sum())
            start, values = start + len(images), values + images.numel()
        return total / values

    @torch.no_grad()
    def encode(self, encoder: InferenceSpec, batches: Iterator[Images]) -> Latent:
        """Return the codes of samples: probabilities of the categories, and styles."""
        rng = self._rng()
        found = [encoder.posterior(self._networks, images, {}, rng) for images in batches]
        category = torch.cat([one.probabilities.float().cpu() for one in found])
        return Latent(category, torch.cat([one.style.float().cpu() for one in found]))

    def _rng(self) -> torch.Generator:
        return torch.Generator(self.model.device).manual_seed(self.model.resolved.recipe.seed)


def _part(latent: Latent, start: int, count: int) -> Latent:
    """Return `count` rows of latents, with their noise if they have any."""
    rows = slice(start, start + count)
    return Latent(latent.category[rows], latent.style[rows], None if latent.noise is None else latent.noise[rows])


def _encoder(model: ClusteringModel) -> InferenceSpec | None:
    """Return the inference by the encoder alone. None without an encoder, or without categories to encode."""
    resolved = model.resolved
    encoders = [name for name, role in resolved.roles.items() if role == "encoder"]
    if not encoders or not resolved.prior.categories:
        return None
    table = resolved.recipe.networks[encoders[0]]
    trunk = feature_source(resolved.recipe, table) if reads_features(table, "encoder") else None
    built = installed().build("inference", "amortized", {"network": encoders[0], "trunk": trunk}, "inference")
    assert isinstance(built, InferenceSpec), "the registry checks the kind"
    return built


def _modes(
    judge: SupervisedClassifier, scorer: _Scorer, latent: Latent, generated: Images, classes: int
) -> dict[str, Any]:
    """Return the table of generated samples by category and class, and its scores."""
    table = np.zeros((latent.category.shape[1], classes), dtype=np.int64)
    np.add.at(table, (_category(latent).numpy(), _classified(judge, scorer, generated)), 1)
    return {
        "mode_table": tuple(map(tuple, table.tolist())),
        "mode_accuracy": float(table.max(axis=1).sum() / table.sum()),
        "modes": len(set(table[table.sum(axis=1) > 0].argmax(axis=1).tolist())),
    }


def _reconstructions(
    judge: SupervisedClassifier, scorer: _Scorer, codes: Latent, labels: SealedLabels
) -> dict[str, float]:
    """Return the scores of the codes and reconstructions of the data set against its labels."""
    by_category = contingency(_category(codes).numpy(), labels, codes.category.shape[1])
    return {
        "reconstruction_accuracy": share_of_class(_classified(judge, scorer, scorer.generate(codes)), labels),
        "cluster_accuracy": float(by_category.max(axis=1).sum() / by_category.sum()),
    }


def _judge(model: ClusteringModel, data: ImageSet, classes: int) -> SupervisedClassifier:
    """Return a classifier of preprocessed samples that is trained on the labels of a data set."""
    rng = torch.Generator(model.device).manual_seed(model.resolved.recipe.seed)

    def read(indices: NDArray[np.int64]) -> Images:
        return model.preprocess(to_float(torch.from_numpy(data.source.read(indices)).to(model.device)), rng)

    assert isinstance(data.labels, SealedLabels), "the caller checks it"
    shape = model.preprocess.shape(data.source.shape)
    return train_classifier(read, data.labels, classes, shape, model.resolved.recipe.seed, model.device)


def _classified(judge: SupervisedClassifier, scorer: _Scorer, images: Images) -> NDArray[np.int64]:
    return torch.cat([judge.classify(batch).cpu() for batch in scorer.split(images)]).numpy()


def _category(latent: Latent) -> Tensor:
    return latent.category.argmax(dim=1)
