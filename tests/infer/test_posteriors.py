"""Posteriors of a model: computed in evaluation mode, batch by batch, on the CPU."""

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from latentclust.assemble.preprocess import Preprocess
from latentclust.bundled.priors import OneHotGaussian
from latentclust.bundled.views.grayscale import Grayscale
from latentclust.data.open_feed import PIXELS_AT_ONCE, map_batch
from latentclust.data.sources import ArraySource
from latentclust.data.tiled import ArrayMasks
from latentclust.infer.posteriors import collect_posterior, fit_inference, posteriors, preprocessed
from latentclust.phases import Phase, Phases
from latentclust.specs.inference import InferenceSpec, Model
from latentclust.tensors import Images, Mask, Posterior


class Halves(InferenceSpec):
    """Two clusters by the mean brightness, in half precision; what it fits is how many images it saw."""

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        self._check(model)
        return {"seen": torch.tensor(sum(len(batch) for batch in batches))}

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        self._check(model)
        bright = images.flatten(1).mean(1).half()
        return Posterior(torch.stack((1 - bright, bright), 1), bright[:, None])

    def _check(self, model: Model) -> None:
        assert not torch.is_grad_enabled()
        assert not any(network.training for network in model.networks.values())


def model() -> Model:
    return Model({"encoder": nn.Dropout()}, OneHotGaussian(clusters=2, style_dim=1))


def test_batches_become_one_posterior_in_float32_and_in_order() -> None:
    rng = torch.Generator()
    batches = [Images(torch.full((2, 1, 2, 2), 0.25)), Images(torch.full((1, 1, 2, 2), 0.75))]
    read = model()
    read.networks["encoder"].train()
    posterior = collect_posterior(Halves(), read, {}, batches, rng)
    assert posterior.probabilities.dtype == posterior.style.dtype == torch.float32
    assert posterior.probabilities.tolist() == [[0.75, 0.25], [0.75, 0.25], [0.25, 0.75]]
    assert posterior.labels.tolist() == [0, 0, 1]
    valid = Mask(torch.ones(2, 2, 2, dtype=torch.bool))
    assert fit_inference(Halves(), read, [(images, valid[: len(images)]) for images in batches], rng)["seen"] == 3


class Slow(Halves):
    """The same clusters, in four steps a batch."""

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        for step in range(4):
            model.on_step(step, 4)
        return super().posterior(model, images, state, rng)


def test_every_step_of_a_slow_inference_is_told() -> None:
    told: list[Phase] = []
    batches = [Images(torch.full((count, 1, 2, 2), 0.25)) for count in (8, 4)]
    count = Phases(told.append).begin("reading out", 12, "images")
    collect_posterior(Slow(), model(), {}, batches, torch.Generator(), count=count)
    assert [phase.done for phase in told] == [0, 0, 2, 4, 6, 8, 8, 9, 10, 11, 12]
    assert collect_posterior(Slow(), model(), {}, batches, torch.Generator()).labels.tolist() == [0] * 12


def test_samples_come_in_order_preprocessed_none_left_out() -> None:
    array = np.arange(7 * 3 * 4, dtype=np.uint8).reshape(7, 3, 2, 2)
    steps = Preprocess((Grayscale(),))
    batches = list(preprocessed(ArraySource(array), steps, 3, torch.Generator()))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    expected = steps(Images(torch.from_numpy(array) / 255), torch.Generator())
    assert torch.equal(torch.cat(batches), expected)
    assert steps.shape((3, 2, 2)) == tuple(expected.shape[1:])


class Corner(InferenceSpec):
    """Two clusters of pixels by their brightness; refuses sides that are no multiple of 4."""

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        assert not torch.is_grad_enabled()
        assert all(side % 4 == 0 for side in images.shape[-2:])
        bright = images.mean(dim=1)
        return Posterior(torch.stack((1 - bright, bright), 1), images.new_zeros((len(images), 1, 1, 1)))


def test_label_maps_are_streamed_and_as_large_as_their_images() -> None:
    batches = [Images(torch.rand(2, 3, 5, 7)), Images(torch.rand(1, 3, 5, 7))]
    stream = posteriors(Corner(), model(), {}, iter(batches), torch.Generator(), stride=4)
    first = next(stream)
    assert torch.is_grad_enabled()  # between two batches gradients are as the reader has them
    torch.testing.assert_close(first.probabilities[:, 1], batches[0].mean(dim=1))
    assert next(stream).labels.shape == (1, 5, 7)
    whole = collect_posterior(Corner(), model(), {}, batches, torch.Generator(), stride=4)
    assert torch.equal(whole.probabilities[:2], first.probabilities)


def test_a_batch_of_label_maps_is_limited_by_its_pixels() -> None:
    assert map_batch(500, 200, 200) == PIXELS_AT_ONCE // 40_000 == 26
    assert map_batch(8, 200, 200) == 8
    assert map_batch(500, 6000, 6000) == 1


class Counting(InferenceSpec):
    """The share of the valid pixels of an image, or 1 if no mask is given, as the probability of cluster 0."""

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        return self._share(images, torch.ones(len(images)))

    def posterior_valid(
        self, model: Model, images: Images, valid: Mask, state: Mapping[str, Tensor], rng: torch.Generator
    ) -> Posterior:
        assert valid.shape == (len(images), *images.shape[2:])
        return self._share(images, valid.sum(dim=(1, 2)) / images[0, 0].numel())

    def _share(self, images: Images, share: Tensor) -> Posterior:
        first = share.view(-1, 1, 1, 1).expand(-1, 1, *images.shape[2:])
        return Posterior(torch.cat((first, 1 - first), dim=1), images.new_zeros(len(images), 0))


def test_an_inference_receives_the_masks_of_its_images_with_the_padding_as_not_valid() -> None:
    masks = np.ones((5, 3, 4), dtype=np.bool_)
    masks[3, 0] = False
    batches = [Images(torch.rand(count, 1, 3, 4)) for count in (2, 3)]
    read = partial(posteriors, Counting(), model(), {}, batches, torch.Generator(), 4)
    found = torch.cat([each.probabilities[:, 0, 0, 0] for each in read(masks=ArrayMasks(masks))])
    assert found.tolist() == [0.75, 0.75, 0.75, 0.5, 0.75]
    assert [float(each.probabilities[:, 0].min()) for each in read()] == [1.0, 1.0]


def test_by_default_an_inference_reads_no_masks() -> None:
    images, mask = Images(torch.rand(2, 1, 4, 4)), Mask(torch.zeros(2, 4, 4, dtype=torch.bool))
    with torch.no_grad():
        one = Corner().posterior(model(), images, {}, torch.Generator()).probabilities
        other = Corner().posterior_valid(model(), images, mask, {}, torch.Generator()).probabilities
    assert torch.equal(one, other)
