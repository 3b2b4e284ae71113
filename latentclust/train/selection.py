"""Label-free selection of weights: where a watched term came nearest to zero over a window."""

import math
from dataclasses import dataclass, field

from torch import Tensor, nn

from latentclust.recipe.schema import TrainTable

Weights = dict[str, Tensor]


@dataclass(slots=True)
class Selection:
    """Keeps a copy of the best weights so far.

    For the Wasserstein systems the watched term is the critic's: once the critic has converged its negative
    estimates the distance between the two distributions (DCCS, section 4.2), so the smallest magnitude wins.
    """

    table: TrainTable
    score: float = math.inf
    round: int = 0
    weights: Weights = field(default_factory=dict)
    total: float = 0.0
    windows: int = 0

    @property
    def active(self) -> bool:
        """Whether the recipe selects at all."""
        return self.table.select_by != "last"

    def watch(self, losses: dict[str, float], round_: int, networks: nn.ModuleDict) -> None:
        """Takes the means of one log interval; at the end of a window, keeps the weights if they are the best."""
        if not self.active or round_ <= self.table.select_since * self.table.rounds:
            return
        self.total += losses[self.table.select_by.removeprefix("losses.")]
        self.windows += 1
        if round_ % self.table.select_every:
            return
        score, self.total, self.windows = abs(self.total / self.windows), 0.0, 0
        if score < self.score:
            self.score, self.round = score, round_
            self.weights = {name: tensor.detach().clone() for name, tensor in networks.state_dict().items()}

    def describe(self, rounds: int) -> str:
        """How the weights in the model file were chosen."""
        if not self.weights:
            return f"the last weights, after round {rounds}"
        return (
            f"the weights of round {self.round} of {rounds}, where |{self.table.select_by}| averaged over "
            f"{self.table.select_every} rounds was least ({self.score:.4g}); no label was read"
        )
