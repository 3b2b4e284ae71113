"""Construction of a training from an experiment and a device."""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from latentclust.assemble.experiment import Experiment
from latentclust.assemble.stages import player_table
from latentclust.assemble.table_checks import IMAGES, view_tables
from latentclust.data.feed import Feed
from latentclust.data.open_feed import map_batch, open_feed
from latentclust.specs.inference import ChainSpec
from latentclust.train.allocator import keep_freed_memory
from latentclust.train.callbacks import Callbacks
from latentclust.train.chains import Chains
from latentclust.train.checkpoint import TrainingState
from latentclust.train.cluster_watch import ClusterWatch, find_watched
from latentclust.train.full_dataset import FullDatasetReader, TrainingImages
from latentclust.train.identity import Identity
from latentclust.train.loop import Training
from latentclust.train.memory_bank import MemoryBank
from latentclust.train.precision import Precision
from latentclust.train.selection import Selection
from latentclust.train.step import Player, Reduce
from latentclust.train.step_inputs import Input, host_steps, make_inputs, of_drawn, read_images
from latentclust.train.training_precision import TrainingPrecision


def prepare_training(
    experiment: Experiment,
    fabric: Fabric,
    folder: Path,
    callbacks: Callbacks | None = None,
    identity: Identity | None = None,
) -> Training:
    """Move the networks to the device, and compile every player's step for it.

    Args:
        experiment: Resolved recipe with its data and networks.
        fabric: A launched Fabric.
        folder: Folder of the checkpoint.
        callbacks: Functions that the training calls, if any.
        identity: Recipe and data that a checkpoint must have. Computed if it is not given.
    """
    if fabric.device.type == "cpu":
        keep_freed_memory()
    resolved = experiment.resolved
    networks = nn.ModuleDict(experiment.networks).to(fabric.device)
    rng = torch.Generator(fabric.device)
    precision = TrainingPrecision(resolved.recipe.train.precision, fabric, networks.values())
    chains = _make_chains(experiment, networks, precision, rng)
    feed = _open_feed(experiment, fabric, fixed=chains is not None)
    memory_bank = _make_memory_bank(experiment, networks, feed, fabric, rng)
    inputs = make_inputs(experiment, rng) | _provided_inputs(chains, memory_bank)
    for view, table in memory_bank.views.items():
        inputs[view] = partial(of_drawn, partial(memory_bank.sampled_batch, table), inputs[view])
    players = _make_players(experiment, networks, inputs, precision, fabric, rng)
    state = TrainingState(
        networks=networks,
        players_by_stage=players,
        feed=feed,
        selections=tuple(Selection.of_stage(resolved.recipe, stage) for stage in resolved.stages),
        batch_sizes=tuple(resolved.recipe.batch_size(stage.name) for stage in resolved.stages),
        chains=chains,
        memory_bank=memory_bank,
        precision=precision,
        watch=_watch(experiment, networks, players),
        identity=identity or Identity.of(experiment),
    )
    return Training(resolved.recipe, fabric, folder, resolved.stages, state, rng, callbacks or Callbacks())


def _make_players(
    experiment: Experiment,
    networks: nn.ModuleDict,
    inputs: dict[str, Input],
    precision: Precision,
    fabric: Fabric,
    rng: torch.Generator,
) -> tuple[dict[str, Player], ...]:
    """Return the players of each stage."""
    recipe = experiment.resolved.recipe
    weights = {name: table.weight for name, table in recipe.losses.items()}
    reduce = _make_reduce(fabric)
    fixed: dict[str, Any] = {**networks, "prior": experiment.resolved.prior, "rng": rng}
    players = []
    for stage in experiment.resolved.stages:
        given = fixed | {"batch_size": recipe.batch_size(stage.name)}
        tables = {name: player_table(recipe, name, stage.name) for name in stage.plans}
        players.append(
            {
                name: Player(plan, tables[name], weights, given, inputs, precision, reduce)
                for name, plan in stage.plans.items()
            }
        )
    return tuple(players)


def _watch(
    experiment: Experiment, networks: nn.ModuleDict, players_by_stage: tuple[dict[str, Player], ...]
) -> ClusterWatch | None:
    """Let the first player of each stage that has the watched value count its clusters. None if none has it."""
    resolved = experiment.resolved
    watched = find_watched(resolved, resolved.plans.values(), networks)
    if watched is None:
        return None
    device = next(networks.parameters()).device
    watch = ClusterWatch(watched.read, resolved.prior.clusters, device)
    for players in players_by_stage:
        names = [name for name, player in players.items() if player.has(watched.name)]
        if names:
            players[names[0]].watch = (watch, watched.name)
    return watch


def _provided_inputs(chains: Chains | None, memory_bank: MemoryBank) -> dict[str, Input]:
    """Return the inputs that chains and sample tables provide."""
    inputs: dict[str, Input] = {}
    if chains is not None:
        inputs |= {name: _chain_value(chains, name) for name in chains.spec.provides}
    for name in memory_bank.specs:
        inputs[name] = partial(memory_bank.batch_rows, name)
        inputs[name + IMAGES] = partial(memory_bank.sampled_images, name)
    return inputs


def _chain_value(chains: Chains, name: str) -> Input:
    return lambda batch: chains.values[name]


def _open_feed(experiment: Experiment, fabric: Fabric, fixed: bool) -> Feed:
    """Return the batches of this process."""
    recipe, source = experiment.resolved.recipe, experiment.fed[0]
    return open_feed(
        source,
        {} if source.preprocessed else {name: host_steps(view) for name, view in experiment.resolved.views.items()},
        recipe.batch_size(experiment.resolved.stages[0].name),
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


def _make_memory_bank(
    experiment: Experiment, networks: nn.ModuleDict, feed: Feed, fabric: Fabric, rng: torch.Generator
) -> MemoryBank:
    """Return the memory bank of the recipe's tables; none is computed yet."""
    resolved, (source, preprocess) = experiment.resolved, experiment.fed
    recipe, size = resolved.recipe, resolved.recipe.evaluate.batch_size
    if resolved.prior.per_pixel:
        size = map_batch(size, *source.shape[1:])
    training_images = TrainingImages(source, preprocess, size, rng)
    return MemoryBank(
        resolved.tables,
        recipe.tables,
        FullDatasetReader(resolved.model(dict(networks.items())), training_images, recipe.seed, fabric),
        len(source),
        feed.read,
        partial(read_images, preprocess=preprocess, rng=rng),
        rng,
        recipe.data.memory_limit,
        view_tables(recipe),
    )


def _make_chains(
    experiment: Experiment, networks: nn.ModuleDict, precision: Precision, rng: torch.Generator
) -> Chains | None:
    """Return the chains of the inference before they begin, or None if it has none."""
    resolved, (source, preprocess) = experiment.resolved, experiment.fed
    if not isinstance(resolved.inference, ChainSpec):
        return None
    training_images = TrainingImages(source, preprocess, resolved.recipe.evaluate.batch_size, rng)
    model = resolved.model(dict(networks.items()))
    read = partial(read_images, preprocess=preprocess, rng=rng)
    limit = resolved.recipe.data.memory_limit
    return Chains(resolved.inference, model, read, training_images, precision, rng, limit)


def _make_reduce(fabric: Fabric) -> Reduce | None:
    """Return the mean over processes, or None for a single process."""
    if fabric.world_size == 1:
        return None

    def mean(flat: Tensor) -> Tensor:
        return fabric.all_reduce(flat, reduce_op="mean")  # type: ignore[return-value]

    return mean
