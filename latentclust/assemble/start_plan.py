"""The plan of a training with several starts: when starts are compared, and the label-free criteria of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log2
from typing import Literal

from latentclust.assemble.lookup import Lookup
from latentclust.assemble.stages import Stage, bounds, is_active, selected_by, stage_at
from latentclust.errors import did_you_mean
from latentclust.recipe.schema import Recipe
from latentclust.recipe.training_tables import StartsTable
from latentclust.specs.inference import ChainSpec, InferenceSpec

FIGURES: Mapping[str, Literal[1, -1]] = {
    "empty-clusters": 1,
    "information": -1,
    "recovery-error": 1,
    "agreement": -1,
}
"""Figures that are computed from the posterior of training images: 1 if the least value is best, -1 if the greatest."""

LOSSES, CHAINS = "losses.", "chains."

QUARTER, WHOLE_STAGE = 0.25, 1.0
"""Default fraction of the rounds after which one start is left: of a training, and of a stage."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A label-free criterion, as `train.score_starts_by` names it.

    Attributes:
        name: Name in the recipe, such as `|losses.critic|`.
        key: Key of the value that it reads, such as `losses.critic` or `empty-clusters`.
        magnitude: Whether the value nearest to zero is best.
    """

    name: str
    key: str
    magnitude: bool

    @classmethod
    def parse(cls, name: str) -> "Criterion":
        """Return the criterion of a name. Bars around it, as in `|losses.critic|`, stand for the magnitude."""
        magnitude = len(name) > 2 and name[0] == name[-1] == "|"
        return cls(name, name[1:-1] if magnitude else name, magnitude)

    @property
    def is_figure(self) -> bool:
        """Whether the value is computed from the posterior of training images, not averaged over rounds."""
        return not self.key.startswith((LOSSES, CHAINS))

    def badness(self, values: Mapping[str, float]) -> float:
        """Return a number that is least for the best start."""
        value = values[self.key]
        return abs(value) if self.magnitude else FIGURES.get(self.key, 1) * value


@dataclass(frozen=True, slots=True)
class StartPlan:
    """When the starts of a training are compared, and by what.

    Attributes:
        count: Number of starts.
        fraction: Fraction of the rounds after which one start is left.
        stage: Stage that the starts are of. Empty for starts of the whole training.
        first: Number of rounds before the starts, which they share.
        decisions: Rounds after which the better half of the starts goes on, ascending. The last one leaves one start.
        criteria: Criteria in order of importance.
    """

    count: int
    fraction: float
    decisions: tuple[int, ...]
    criteria: tuple[Criterion, ...]
    stage: str = ""
    first: int = 0

    @property
    def key(self) -> str:
        """Key of the recipe that sets the number of starts."""
        return f"stages.{self.stage}.starts" if self.stage else "train.starts"

    @property
    def diagnostics(self) -> tuple[str, ...]:
        """Keys `chains.NAME` of the criteria."""
        return tuple(criterion.key for criterion in self.criteria if criterion.key.startswith(CHAINS))

    def kept(self, decision: int) -> int:
        """Return the number of starts that go on after a decision, counted from 0."""
        return -(-self.count // (1 << (decision + 1)))

    def window(self, decision: int, stages: tuple[Stage, ...]) -> int:
        """Return the round after which losses are averaged for a decision.

        The average is over the second half of the rounds since the starts began, or over the part of it that belongs
        to the stage of the decision.
        """
        round_ = self.decisions[decision]
        earlier = self.decisions[decision - 1] if decision else 0
        first = next(stage.first for stage in stages if round_ <= stage.last)
        return max(self.first + (round_ - self.first) // 2, earlier, first)


def start_plan(recipe: Recipe) -> StartPlan:
    """Return the plan of a recipe: that of the first stage with several starts, or else of the whole training.

    With one start, there are no decisions.
    """
    stage = next(iter(_stages_with_starts(recipe)), "")
    table = _starts_table(recipe.stages[stage].starts if stage else recipe.train.starts)
    fraction = table.fraction or (WHOLE_STAGE if stage else QUARTER)
    first, end = bounds(recipe, stage)
    halvings = ceil(log2(table.count))
    last = fraction * (end - first)
    decisions = tuple(first + round(last / 2 ** (halvings - 1 - number)) for number in range(halvings))
    criteria = tuple(map(Criterion.parse, recipe.train.score_starts_by))
    return StartPlan(table.count, fraction, decisions, criteria, stage, first)


def _starts_table(starts: int | StartsTable) -> StartsTable:
    return starts if isinstance(starts, StartsTable) else StartsTable(count=starts)


def _stages_with_starts(recipe: Recipe) -> list[str]:
    """Return the stages with several starts."""
    return [name for name, table in recipe.stages.items() if _starts_table(table.starts).count > 1]


def _check_single(lookup: Lookup, recipe: Recipe) -> None:
    """Add an issue if a training would compare starts more than once."""
    keys = [f"stages.{name}.starts" for name in _stages_with_starts(recipe)]
    keys += ["train.starts"] if _starts_table(recipe.train.starts).count > 1 else []
    if len(keys) > 1:
        fix = f"Keep one of {', '.join(keys)}; `weights-from-run` lets another run begin with a chosen start"
        lookup.add_issue(keys[0], "a training can have several starts in one place only", fix)


def _check_unselected(lookup: Lookup, recipe: Recipe, plan: StartPlan) -> None:
    """Add an issue if a stage with starts would compare them by other weights than those that it ends with."""
    by, key = selected_by(recipe, plan.stage)
    if plan.stage and by != "last":
        what = f"{by!r} cannot select weights of a stage with {plan.count} starts, whose last weights are compared"
        lookup.add_issue(key, what, f"Set {key} = 'last', or {plan.key} = 1")


def check_starts(lookup: Lookup, recipe: Recipe, roles: Mapping[str, str], inference: InferenceSpec | None) -> None:
    """Add issues for starts that cannot be trained or compared. A single start is never compared."""
    plan = start_plan(recipe)
    if plan.count == 1 or not recipe.losses:
        return
    _check_single(lookup, recipe)
    _check_unselected(lookup, recipe, plan)
    if recipe.train.devices > 1:
        what = f"{plan.count} starts cannot be combined with data-parallel training on {recipe.train.devices} devices"
        lookup.add_issue(plan.key, what, f"Set train.devices = 1, or {plan.key} = 1")
    if min(plan.decisions) <= plan.first or len(set(plan.decisions)) < len(plan.decisions):
        _add_too_few_rounds(lookup, recipe, plan)
    for position, criterion in enumerate(plan.criteria):
        where = f"train.score_starts_by.{position}"
        if criterion.key.startswith(LOSSES):
            _check_loss(lookup, recipe, where, criterion)
        elif criterion.key.startswith(CHAINS) or criterion.key == "agreement":
            _check_chains(lookup, where, criterion, inference)
        else:
            _check_figure(lookup, where, criterion, recipe, roles)


def _add_too_few_rounds(lookup: Lookup, recipe: Recipe, plan: StartPlan) -> None:
    """Add an issue that names a number of rounds at which all decisions are after different rounds."""
    enough = ceil((1 << (len(plan.decisions) - 1)) / plan.fraction)
    times = "once" if len(plan.decisions) == 1 else f"{len(plan.decisions)} times"
    first, end = bounds(recipe, plan.stage)
    few = f"{plan.fraction:g} of {end - first} rounds"
    what = f"{plan.count} starts cannot be compared {times} within {few}"
    rounds = f"stages.{plan.stage}.rounds" if plan.stage else "train.rounds"
    fix = f"Set {rounds} to at least {enough}, or {plan.key} = 1 for a single start"
    lookup.add_issue(plan.key, what, fix)


def _check_loss(lookup: Lookup, recipe: Recipe, where: str, criterion: Criterion) -> None:
    """Add an issue if a loss does not exist, or is not active in a stage in which starts are compared."""
    names = [f"{LOSSES}{name}" for name, table in recipe.losses.items() if table.enabled]
    if criterion.key not in names:
        lookup.add_issue(where, f"{criterion.key!r} is not a loss of this recipe", did_you_mean(criterion.key, names))
        return
    table = recipe.losses[criterion.key.removeprefix(LOSSES)]
    for stage in dict.fromkeys(stage_at(recipe, round_) for round_ in start_plan(recipe).decisions):
        if not is_active(table, stage):
            what = f"{criterion.key!r} is not active in the stage {stage!r}, in which starts are compared"
            lookup.add_issue(where, what, f"Name another criterion, or set {start_plan(recipe).key}.fraction")


def _check_chains(lookup: Lookup, where: str, criterion: Criterion, inference: InferenceSpec | None) -> None:
    if inference is not None and not isinstance(inference, ChainSpec):
        what = f"{criterion.key!r} requires an inference with chains"
        lookup.add_issue(where, what, f"Use losses.NAME, or one of: {', '.join(FIGURES)}")


def _check_figure(lookup: Lookup, where: str, criterion: Criterion, recipe: Recipe, roles: Mapping[str, str]) -> None:
    """Add an issue if a figure does not exist, or requires networks that the recipe does not have."""
    if criterion.key not in FIGURES:
        what = f"{criterion.key!r} is not a label-free criterion"
        choices = (*FIGURES, *(f"{LOSSES}{name}" for name in recipe.losses))
        lookup.add_issue(where, what, did_you_mean(criterion.key, choices))
    if criterion.key != "recovery-error":
        return
    encoder = recipe.networks.get("encoder")
    if roles.get("encoder") != "encoder" or roles.get("generator") != "generator" or encoder is None:
        what = "'recovery-error' requires the networks 'encoder' and 'generator'"
        lookup.add_issue(where, what, "Name another criterion")
    elif encoder.reads != "images":
        lookup.add_issue(where, "'recovery-error' requires an encoder that reads images", "Name another criterion")
