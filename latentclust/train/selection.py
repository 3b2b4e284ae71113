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

    Attributes:
        table: Which term, from when on, and the rounds of a window.
        score: The least magnitude of a window's mean so far.
        round: The round in which that window ended; the weights are those of its end.
        weights: Empty until a window was selected.
        total: The term summed over the rounds of the present window.
        watched: The last round that was watched.
        before: Rounds before the last stage, from which alone weights are selected.
    """

    table: TrainTable
    score: float = math.inf
    round: int = 0
    weights: Weights = field(default_factory=dict)
    total: float = 0.0
    last_round: int = 0
    rounds_before: int = 0

    def is_due(self, round_: int) -> bool:
        """Whether a window ends with this round."""
        return self.table.select_by != "last" and round_ % self.table.select_every == 0

    def update(self, losses: dict[str, float], round_: int, networks: nn.ModuleDict) -> None:
        """Takes the means since the last call; at the end of a window, keeps the weights if they are the best.

        A window counts only where it begins after `select_since`.
        """
        if self.table.select_by == "last":
            return
        if round_ <= self.rounds_before:
            self.last_round = round_
            return
        self.total += losses[self.table.select_by.removeprefix("losses.")] * (round_ - self.last_round)
        self.last_round = round_
        if not self.is_due(round_):
            return
        score, self.total = abs(self.total) / self.table.select_every, 0.0
        begin, rounds = round_ - self.table.select_every - self.rounds_before, self.table.rounds - self.rounds_before
        if begin >= self.table.select_since * rounds and score < self.score:
            self.score, self.round = score, round_
            self.weights = {name: tensor.detach().clone() for name, tensor in networks.state_dict().items()}

    def describe(self, rounds: int) -> str:
        """How the weights in the model file were chosen."""
        if not self.weights:
            short = f" (no window of {self.table.select_every} rounds fits the part that is selected from)"
            return f"the last weights, after round {rounds}" + (short if self.table.select_by != "last" else "")
        return (
            f"the weights of round {self.round} of {rounds}, where |{self.table.select_by}| averaged over "
            f"{self.table.select_every} rounds was least ({self.score:.4g}); no label was read"
        )
