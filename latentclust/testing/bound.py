"""A plan of one loss in one form of batches, computed by the code of a training step."""

from dataclasses import dataclass, replace
from typing import Any

import torch

from latentclust.assemble.step_plan import StepPlan
from latentclust.data.feed import Batch
from latentclust.recipe.schema import PlayerTable
from latentclust.testing.variants import Form
from latentclust.train.precision import Precision
from latentclust.train.step import Player

NOTHING = Batch(raw=torch.zeros(0, 0), index=torch.zeros(0, dtype=torch.int64), views={})
"""A batch of which nothing is read: a form's values are given from the start."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A plan of one loss in one form.

    Attributes:
        plan: Its player's plan.
        values: What the plan is given, by name.
        networks: The names of those among them that are networks.
    """

    form: Form
    plan: StepPlan
    values: dict[str, Any]
    networks: tuple[str, ...]

    def player(self, moving: str, precision: str = "fp32") -> Player:
        """The player that moves one of the networks; the code of its step is that of training."""
        plan = replace(self.plan, networks=(moving,))
        table, weights = PlayerTable(networks=(moving,)), {term.name: 1.0 for term in plan.terms}
        return Player(plan, table, weights, self.values, {}, Precision(precision, torch.device("cpu")), None)

    def computed(self, precision: str = "fp32") -> dict[str, Any]:
        """Every value of the plan, by name, from a generator in its first state."""
        self.values["rng"].manual_seed(0)
        values = dict(self.values)
        with Precision(precision, torch.device("cpu")).forward():
            for node in self.plan.nodes:
                values[node.name] = node.function(*[values[name] for name in node.reads])
        return values
