"""Label-free selection of weights: those at which a loss term, averaged over a window of rounds, is nearest to zero."""

import math
from dataclasses import dataclass, field

from torch import Tensor, nn

from latentclust.assemble.stages import Stage, selected_by
from latentclust.recipe.schema import Recipe
from latentclust.recipe.training_tables import TrainTable

Weights = dict[str, Tensor]


@dataclass(slots=True)
class Selection:
    """The best weights of a stage so far.

    In the Wasserstein systems the term is the critic's. Once the critic has converged, its negative estimates the
    distance between the two distributions (DCCS, section 4.2), so the smallest magnitude is the best.

    Attributes:
        table: Term, window and first round of the selection; `rounds` is the last round of the stage.
        rounds_before: Number of rounds before the stage.
        score: Least magnitude of a window's mean so far.
        round: Last round of that window; the weights are those after it.
        weights: Selected weights; empty until the first window ends.
        total: Sum of the term over the rounds of the current window.
        last_round: Last round that is included in `total`.
        stage: Name of the stage; empty for a training without stages.
        before: Which weights earlier stages ended with, for the report; empty if those were the last ones.
    """

    table: TrainTable
    rounds_before: int = 0
    score: float = math.inf
    round: int = 0
    weights: Weights = field(default_factory=dict)
    total: float = 0.0
    last_round: int = 0
    stage: str = ""
    before: str = ""

    def __post_init__(self) -> None:
        """Begin the first window with the stage."""
        self.last_round = max(self.last_round, self.rounds_before)

    @classmethod
    def of_stage(cls, recipe: Recipe, stage: Stage) -> "Selection":
        """Return the selection of a stage. That of `[train]` is for the last stage."""
        by, _ = selected_by(recipe, stage.name)
        table = recipe.train.model_copy(update={"select_by": by, "rounds": stage.last})
        return cls(table, stage.first, stage=stage.name)

    def is_due(self, round_: int) -> bool:
        """Return whether a window ends with this round."""
        return self.table.select_by != "last" and round_ % self.table.select_every == 0

    def update(self, losses: dict[str, float], round_: int, networks: nn.ModuleDict) -> None:
        """Add the mean losses since the last call; at the end of a window, keep the weights if they are the best.

        A window counts only if it begins after the fraction `select_since` of the rounds of the stage.
        """
        if self.table.select_by == "last":
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

    def follow(self, earlier: "Selection") -> None:
        """Take the history of the stage before."""
        own = (
            f"stage {earlier.stage!r} ended with {earlier._describe(earlier.table.rounds)}"
            if earlier.table.select_by != "last"
            else ""
        )
        self.before = "; ".join(text for text in (earlier.before, own) if text)

    def describe(self, rounds: int) -> str:
        """Return how the weights in the model file were selected, as a phrase for the report.

        Args:
            rounds: Number of rounds of the training.
        """
        text = self._describe(rounds)
        return f"{text}; {self.before}" if self.before else text

    def _describe(self, rounds: int) -> str:
        if not rounds:
            return "no weights are trained"
        if not self.weights:
            short = f" (no window of {self.table.select_every} rounds fits the part that is selected from)"
            return f"the last weights, after round {rounds}" + (short if self.table.select_by != "last" else "")
        return (
            f"the weights of round {self.round} of {rounds}, where |{self.table.select_by}| averaged over "
            f"{self.table.select_every} rounds was least ({self.score:.4g}); no label was read"
        )
