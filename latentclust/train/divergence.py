"""Checks that a training is still finite."""

import math
from pathlib import Path

import torch
from torch import nn

from latentclust.errors import RunFailedError


def check_losses(losses: dict[str, float], round_: int, checkpoint: Path) -> None:
    """Raise RunFailedError naming the loss terms that are not finite.

    Args:
        losses: Mean of each term.
        round_: The current round.
        checkpoint: The checkpoint file, which the message names if it exists.
    """
    lost = [name for name, mean in losses.items() if not math.isfinite(mean)]
    if lost:
        state = "before the first checkpoint"
        if checkpoint.exists():
            state = f"the last finite checkpoint is {checkpoint}"
        what = f"{', '.join(lost)} became {losses[lost[0]]} by round {round_}; {state}"
        raise RunFailedError.at(f"losses.{lost[0]}", what, "Lower a learning rate or the weight of that loss")


def check_diagnostics(means: dict[str, float], round_: int) -> None:
    """Raise RunFailedError naming the first diagnostic of the chains that is not finite."""
    for name, mean in means.items():
        if not math.isfinite(mean):
            what = f"the chains diverged: their {name} became {mean} by round {round_}"
            raise RunFailedError.at("inference", what, "Lower inference.step_size, or raise inference.noise")


def check_weights(networks: nn.ModuleDict, round_: int) -> None:
    """Raise RunFailedError naming the first weight that is not finite."""
    for name, tensor in networks.state_dict().items():
        if not torch.isfinite(tensor).all():
            what = f"{name} is not finite after round {round_}"
            fix = "Lower the learning rate of the player that trains the network"
            raise RunFailedError.at(f"networks.{name}", what, fix)
