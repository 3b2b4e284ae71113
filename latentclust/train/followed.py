"""Networks that follow others: exponential moving averages of their weights (He et al. 2020; Grill et al. 2020)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from latentclust.recipe.schema import NetworkTable
from latentclust.specs.schedule import Schedule, value_at


@dataclass(frozen=True, slots=True)
class Follower:
    """A network that averages the weights of another one.

    Attributes:
        network: The network.
        followed: The network that it follows.
        decay: Share of its own weights that it keeps in a step.
        copies_buffers: Whether statistics such as those of batch norm are copied, because its own mode is evaluation.
    """

    network: nn.Module
    followed: nn.Module
    decay: Schedule
    copies_buffers: bool

    @torch.no_grad()
    def move(self, progress: float) -> None:
        """Move the weights towards those of the other network; `progress` of the stage is in [0, 1)."""
        share = 1 - value_at(self.decay, progress)
        for weight, target in zip(self.network.parameters(), self.followed.parameters(), strict=True):
            weight.lerp_(target, share)
        if self.copies_buffers:
            for buffer, other in zip(self.network.buffers(), self.followed.buffers(), strict=True):
                buffer.copy_(other)

    def copy(self) -> None:
        """Take all weights of the other network."""
        self.network.load_state_dict(self.followed.state_dict())


def copy_changed(networks: nn.ModuleDict, tables: Mapping[str, NetworkTable], changed: Collection[str]) -> None:
    """Let networks that follow one of those that a start has changed begin as its copy, unless it has set them too."""
    own = {name: table for name, table in tables.items() if name not in changed}
    for follower in followers_of(networks, own, changed):
        follower.copy()


def followers_of(
    networks: nn.ModuleDict, tables: Mapping[str, NetworkTable], moved: Collection[str]
) -> tuple[Follower, ...]:
    """Return the networks that follow one of those that are moved."""
    return tuple(
        Follower(networks[name], networks[table.follows], table.decay, table.frozen)
        for name, table in tables.items()
        if table.follows is not None and table.follows in moved
    )
