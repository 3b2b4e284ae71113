"""A trial of every player's step on a few samples, which finds what a recipe's tables alone do not show."""

from dataclasses import replace
from pathlib import Path

from latentclust.assemble.experiment import Experiment, with_recipe, with_smaller_batches
from latentclust.data.subset import spread_indices, subset
from latentclust.errors import LatentclustError, first_problem, is_out_of_memory
from latentclust.generators import fork_generators
from latentclust.train.fabric import make_fabric
from latentclust.train.loop import Training
from latentclust.train.setup import prepare_training
from latentclust.train.step import NOTE

SAMPLES = 256
"""Number of samples, evenly spread, that tables and chains are computed for."""

BATCH = 16
"""Largest number of samples in a step."""


def try_steps(experiment: Experiment) -> None:
    """Compute the losses of every player in every stage once, on the CPU. The networks keep their weights.

    Raises:
        LatentclustError: If a quantity or a loss cannot be computed, with its name and the reason.
    """
    if not experiment.resolved.recipe.losses:
        return
    count = len(experiment.data.source)
    few = subset(experiment.data, spread_indices(count, max(SAMPLES, experiment.resolved.prior.clusters)))
    recipe = experiment.resolved.recipe
    resolved = with_smaller_batches(experiment.resolved, min(BATCH, len(few.source)))
    train = resolved.recipe.train.model_copy(update={"precision": "fp32", "devices": 1})
    data = recipe.data.model_copy(update={"workers": 0})
    small = replace(experiment, data=few, resolved=with_recipe(resolved, train=train, data=data))
    fabric = make_fabric("cpu", 1)
    with fork_generators(fabric.device):
        _compute_losses(prepare_training(small, fabric, Path()))


def _compute_losses(training: Training) -> None:
    state = training.state
    if state.chains is not None:
        state.chains.begin(training.recipe.seed)
    for position, stage in enumerate(training.stages):
        state.enter_stage(position)
        state.memory_bank.refresh(stage.first + 1, stage)
        for player in state.players.values():
            batch = state.feed.next()
            if state.chains is not None:
                state.chains.advance(batch, 0.0)
            try:
                player.terms(batch)
            except LatentclustError:
                raise
            except Exception as error:  # of torch or of a plugin, whose class says little
                if is_out_of_memory(error):
                    raise
                place = next((n.removeprefix(NOTE) for n in getattr(error, "__notes__", ()) if n.startswith(NOTE)), "")
                what = f"{place} cannot be computed: {type(error).__name__}: {first_problem(error)}"
                fix = "`latentclust recipe show RECIPE --graph` shows what it is computed from"
                raise LatentclustError.at(f"players.{player.plan.player}", what, fix) from error
