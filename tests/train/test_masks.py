"""Pixels that do not count: in every kind of feed, and nowhere in what is learned."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from latentclust.assemble.experiment import Experiment
from latentclust.data.sources import ArraySource
from latentclust.specs.data import MaskSource
from latentclust.train.fabric import make_fabric
from latentclust.train.loop import Training
from latentclust.train.setup import prepare_training
from latentclust.train.step_inputs import valid_pixels

MakeExperiment = Callable[..., Experiment]
# Python 3.12 and later warn of a fork beside threads, which torch always has.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


class Masks(MaskSource):
    """Masks in memory."""

    def __init__(self, masks: NDArray[np.bool_]) -> None:
        self.masks = masks

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        return self.masks[indices]


@pytest.fixture
def masks() -> NDArray[np.bool_]:
    """Of each image another left part, and a few single pixels, do not count."""
    rng = np.random.default_rng(1)
    columns = np.arange(16) >= rng.integers(0, 12, 32)[:, None]
    return columns[:, None] & (rng.random((32, 16, 16)) > 0.1)


@pytest.fixture
def masked(experiment: MakeExperiment, masks: NDArray[np.bool_], tmp_path: Path) -> Callable[..., Training]:
    """Makes a training on masked data, whose images may be spoilt."""

    def make(
        name: str, *settings: str, folder: str = "", spoil: Callable[[Any], Any] = lambda images: images
    ) -> Training:
        made = experiment(name, *settings)
        images = spoil(made.data.source.read(np.arange(len(made.data.source))))
        made = replace(made, data=replace(made.data, source=ArraySource(images), valid=Masks(masks)))
        (tmp_path / folder).mkdir(exist_ok=True)
        return prepare_training(made, make_fabric("cpu", 1), tmp_path / folder)

    return make


FEEDS = {"streamed here": ("data.resident=false", "data.workers=0"), "by workers": ("data.resident=false",)}


@pytest.mark.parametrize("how", FEEDS)
def test_a_streamed_set_gives_the_batches_and_masks_of_a_resident_one(
    masked: Callable[..., Training], masks: NDArray[np.bool_], how: str
) -> None:
    resident = masked("cvae-pixel", "data.resident=true", folder="a").state.feed
    streamed = masked("cvae-pixel", *FEEDS[how], folder="b").state.feed
    assert type(resident) is not type(streamed)
    for _ in range(5):  # two batches an epoch
        one, other = resident.next(), streamed.next()
        assert torch.equal(one.index, other.index)
        assert torch.equal(one.raw, other.raw)
        assert one.valid is not None
        assert other.valid is not None
        assert torch.equal(one.valid, other.valid)
        assert np.array_equal(one.valid.numpy(), masks[one.index.numpy()])


@pytest.mark.parametrize("name", ["cgm-pixel", "iic-pixel", "cvae-pixel"])
def test_streamed_data_train_the_weights_of_resident_ones(masked: Callable[..., Training], name: str) -> None:
    trained = []
    for folder, settings in (("a", ("data.resident=true",)), ("b", FEEDS["streamed here"])):
        made = masked(name, *settings, "train.rounds=4", folder=folder)
        made.run()
        trained.append(made)
    first, second = (made.state.networks.state_dict() for made in trained)
    assert all(torch.equal(first[key], second[key]) for key in first)
    if trained[0].state.chains is not None:
        assert all(
            torch.equal(trained[1].state.chains.state[key], held) for key, held in trained[0].state.chains.state.items()
        )


def test_what_lies_in_pixels_that_do_not_count_teaches_a_generator_nothing(
    masked: Callable[..., Training], masks: NDArray[np.bool_]
) -> None:
    """With the layers' likelihood, the chains' and the masks: the same bits, whatever those pixels hold."""

    def spoil(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.where(masks[:, None], images, 255 - images)

    plain = masked("cgm-pixel", "train.rounds=4", folder="a")
    spoilt = masked("cgm-pixel", "train.rounds=4", folder="b", spoil=spoil)
    plain.run()
    spoilt.run()
    first, second = plain.state.networks.state_dict(), spoilt.state.networks.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert plain.state.chains is not None
    assert spoilt.state.chains is not None
    assert all(torch.equal(spoilt.state.chains.state[key], held) for key, held in plain.state.chains.state.items())


def test_a_mask_changes_what_is_learned(masked: Callable[..., Training], experiment: MakeExperiment) -> None:
    for name in ("cgm-pixel", "iic-pixel", "cvae-pixel"):
        losses = {}
        for folder, made in (("mask", masked(name, folder=f"{name}-mask")), ("all", unmasked(experiment(name)))):
            player = next(iter(made.state.players.values()))
            batch = made.state.feed.next()
            if made.state.chains is not None:
                made.state.chains.begin(made.recipe.seed)
                made.state.chains.advance(batch, 0.0)
            made.rng.manual_seed(0)
            losses[folder] = player.terms(batch)[0].item()
        assert losses["mask"] != losses["all"], name


def unmasked(made: Experiment) -> Training:
    return prepare_training(made, make_fabric("cpu", 1), Path())


def test_without_a_mask_all_pixels_count(experiment: MakeExperiment) -> None:
    batch = unmasked(experiment("cvae-pixel")).state.feed.next()
    assert batch.valid is None
    valid = valid_pixels(batch)
    assert valid.shape == (16, 16, 16)
    assert valid.dtype == torch.bool
    assert valid.all()
