"""An experiment on a device, ready for the loop."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from latentclust.assemble.experiment import Experiment, Preprocess
from latentclust.assemble.table_checks import IMAGES
from latentclust.data.feed import Feed, to_float
from latentclust.data.open_feed import map_batch, open_feed, sequential
from latentclust.specs.data import ImageSource
from latentclust.specs.inference import ChainSpec, Model
from latentclust.tensors import Images
from latentclust.train.chains import Chains
from latentclust.train.events import Listener
from latentclust.train.full_dataset import FullDatasetReader
from latentclust.train.loop import Training
from latentclust.train.memory_bank import MemoryBank
from latentclust.train.precision import Precision
from latentclust.train.step import Player, Reduce
from latentclust.train.step_inputs import Input, host_steps, make_inputs, read_images


def prepare_training(experiment: Experiment, fabric: Fabric, folder: Path, listener: Listener) -> Training:
    """Moves the networks to Fabric's device and compiles every player's step for it."""
    recipe = experiment.resolved.recipe
    networks = nn.ModuleDict(experiment.networks).to(fabric.device)
    rng = torch.Generator(fabric.device)
    given: dict[str, Any] = {**networks, "prior": experiment.resolved.prior, "rng": rng}
    given["batch_size"] = recipe.train.batch_size
    weights = {name: table.weight for name, table in recipe.losses.items()}
    precision = Precision(recipe.train.precision, fabric.device)
    inputs = make_inputs(experiment, rng)
    chains = _chains(experiment, networks, precision, rng)
    if chains is not None:
        inputs |= {name: _provided(chains, name) for name in chains.spec.provides}
    feed = _feed(experiment, fabric, fixed=chains is not None)
    tables = _tables(experiment, networks, feed, fabric, rng)
    inputs |= {name: partial(tables.batch_rows, name) for name in tables.specs}
    inputs |= {name + IMAGES: partial(tables.sampled_images, name) for name in tables.specs}
    stages = experiment.resolved.stages
    players_by_stage = tuple(
        {
            name: Player(plan, recipe.players[name], weights, given, inputs, precision, _reduce(fabric))
            for name, plan in stage.plans.items()
        }
        for stage in stages
    )
    frozen = tuple(name for name, table in recipe.networks.items() if table.frozen)
    training = Training(
        recipe.train, recipe.seed, fabric, networks, frozen, stages, players_by_stage, feed, rng, listener, folder
    )
    training.chains, training.memory_bank = chains, tables
    return training


def _feed(experiment: Experiment, fabric: Fabric, fixed: bool) -> Feed:
    """The batches of this process."""
    recipe = experiment.resolved.recipe
    return open_feed(
        experiment.data.source,
        {name: host_steps(view) for name, view in experiment.resolved.views.items()},
        recipe.train.batch_size,
        recipe.seed,
        fabric.device,
        resident=recipe.data.resident,
        memory_limit=recipe.data.memory_limit,
        workers=recipe.data.workers,
        rank=fabric.global_rank,
        world=fabric.world_size,
        fixed=fixed,
        valid=experiment.data.valid,
    )


def _tables(
    experiment: Experiment, networks: nn.ModuleDict, feed: Feed, fabric: Fabric, rng: torch.Generator
) -> MemoryBank:
    """The recipe's tables, none computed yet."""
    resolved, source, preprocess = experiment.resolved, experiment.data.source, experiment.preprocess
    recipe, size = resolved.recipe, resolved.recipe.evaluate.batch_size
    if resolved.prior.per_pixel:
        size = map_batch(size, *source.shape[1:])
    return MemoryBank(
        resolved.tables,
        recipe.tables,
        FullDatasetReader(
            Model(dict(networks.items()), resolved.prior),
            TrainingImages(source, preprocess, size, rng),
            recipe.seed,
            fabric,
        ),
        len(source),
        lambda index: preprocess(to_float(feed.read(index)), rng),
        rng,
        recipe.data.memory_limit,
    )


def _chains(
    experiment: Experiment, networks: nn.ModuleDict, precision: Precision, rng: torch.Generator
) -> Chains | None:
    """The chains of an inference that has any, not yet begun."""
    resolved, source = experiment.resolved, experiment.data.source
    if not isinstance(resolved.inference, ChainSpec):
        return None

    training_images = TrainingImages(source, experiment.preprocess, resolved.recipe.evaluate.batch_size, rng)
    model = Model(dict(networks.items()), resolved.prior)
    limit = resolved.recipe.data.memory_limit
    read = partial(read_images, preprocess=experiment.preprocess, rng=rng)
    return Chains(resolved.inference, model, read, training_images, precision, rng, limit)


def _provided(chains: Chains, name: str) -> Input:
    """What the chains of the round's batch provide."""
    return lambda batch: chains.values[name]


@dataclass(frozen=True, slots=True)
class TrainingImages:
    """All preprocessed images of a set, in order, as often as they are asked for."""

    source: ImageSource
    preprocess: Preprocess
    batch_size: int
    rng: torch.Generator

    def __iter__(self) -> Iterator[Images]:
        """From the first image on."""
        for batch, _ in sequential(self.source, self.batch_size, self.rng.device):
            yield self.preprocess(batch, self.rng)


def _reduce(fabric: Fabric) -> Reduce | None:
    """The mean over processes, or None where there is one."""
    if fabric.world_size == 1:
        return None

    def mean(flat: Tensor) -> Tensor:
        return fabric.all_reduce(flat, reduce_op="mean")  # type: ignore[return-value]

    return mean
