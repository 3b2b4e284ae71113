"""The stages of a training: ranges of rounds with their active losses and starting weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from latentclust.assemble.lookup import Lookup
from latentclust.assemble.step_plan import StepPlan
from latentclust.errors import did_you_mean
from latentclust.recipe.schema import Recipe
from latentclust.recipe.training_tables import LossTable, PlayerTable
from latentclust.specs.sample_tables import StartSpec


@dataclass(frozen=True, slots=True)
class Stage:
    """A range of rounds with its own set of active losses.

    Attributes:
        name: Name in the recipe; empty for the single stage of a training without stages.
        first: Number of rounds before the stage.
        last: Last round of the stage, counted from 1.
        plans: Step plan of each player that has an active loss.
        start: Part that computes the starting weights. None if the weights do not change.
    """

    name: str
    first: int
    last: int
    plans: Mapping[str, StepPlan]
    start: StartSpec | None = None

    @property
    def rounds(self) -> int:
        """Number of rounds."""
        return self.last - self.first

    def progress(self, round_: int) -> float:
        """Return the fraction of the stage before a round, in [0, 1)."""
        return (round_ - 1 - self.first) / self.rounds


def is_active(table: LossTable, stage: str) -> bool:
    """Return whether a loss is active in a stage."""
    return table.enabled and (table.stages is None or stage in table.stages)


def player_table(recipe: Recipe, player: str, stage: str) -> PlayerTable:
    """Return the table of a player, with the optimizer that it has in a stage."""
    table = recipe.players[player]
    own = recipe.stages[stage].optimizers.get(player) if stage else None
    return table if own is None else table.model_copy(update={"optimizer": own})


def stages_of(
    recipe: Recipe, plans: Mapping[str, StepPlan], starts: Mapping[str, StartSpec | None]
) -> tuple[Stage, ...]:
    """Return the stages in order, each with its plans."""
    if not recipe.stages:
        return (Stage("", 0, recipe.train.rounds, plans),)
    ends = _ends([table.rounds for table in recipe.stages.values()], recipe.train.rounds)
    found = []
    for name, first, last in zip(recipe.stages, [0, *ends], ends, strict=False):
        counted = {loss for loss, table in recipe.losses.items() if is_active(table, name)}
        own = {player: plan.restricted(counted) for player, plan in plans.items()}
        found.append(Stage(name, first, last, {p: plan for p, plan in own.items() if plan.terms}, starts[name]))
    return tuple(found)


def bounds(recipe: Recipe, stage: str) -> tuple[int, int]:
    """Return the number of rounds before a stage and its last round; those of the training for an empty name."""
    if not stage:
        return 0, recipe.train.rounds
    ends = [0, *_ends([table.rounds for table in recipe.stages.values()], recipe.train.rounds)]
    position = list(recipe.stages).index(stage)
    return ends[position], ends[position + 1]


def selected_by(recipe: Recipe, stage: str) -> tuple[str, str]:
    """Return what selects the weights of a stage, and the key that says so. That of `[train]` is for the last stage."""
    own = recipe.stages[stage].select_by if stage else None
    if own is not None:
        return own, f"stages.{stage}.select_by"
    is_last = stage == next(reversed(list(recipe.stages)), "")
    return recipe.train.select_by if is_last else "last", "train.select_by"


def first_trained(recipe: Recipe, stages: Sequence[Stage], name: str) -> list[str]:
    """Return the networks that a stage is the first to train, and those that follow them."""
    position = next(at for at, stage in enumerate(stages) if stage.name == name)
    earlier = {network for stage in stages[:position] for network in _changed(stage)}
    trained = {network for plan in stages[position].plans.values() for network in plan.networks} - earlier
    return [network for network, table in recipe.networks.items() if network in trained or table.follows in trained]


def _changed(stage: Stage) -> set[str]:
    """Return the names of all networks that a stage trains, or may set at its beginning or after a step.

    There may be names of quantities among them, which an `after_step` reads.
    """
    stepped = {name for plan in stage.plans.values() for name in (*plan.networks, *plan.after)}
    return stepped | set(stage.start.needs if stage.start else ())


def stage_at(recipe: Recipe, round_: int) -> str:
    """Return the name of the stage of a round, counted from 1; empty for a training without stages."""
    ends = _ends([table.rounds for table in recipe.stages.values()], recipe.train.rounds) if recipe.stages else []
    return next((name for name, last in zip(recipe.stages, ends, strict=True) if round_ <= last), "")


def _ends(rounds: list[int], total: int) -> list[int]:
    """Return the last round of each stage: `total` is shared in proportion to their rounds, at least one each."""
    ends = [0]
    for position in range(1, len(rounds) + 1):
        share = round(total * sum(rounds[:position]) / sum(rounds))
        ends.append(min(max(share, ends[-1] + 1), total - len(rounds) + position))
    return ends[1:]


def find_starts(lookup: Lookup, recipe: Recipe) -> dict[str, StartSpec | None]:
    """Return the start of each stage: None if it has none, or after adding issues."""
    starts: dict[str, StartSpec | None] = dict.fromkeys(recipe.stages)
    for name, table in recipe.stages.items():
        where = f"stages.{name}.start"
        spec = None if table.start is None else lookup.spec("start", table.start, where, StartSpec)  # type: ignore[type-abstract]
        for network in spec.needs if spec else ():
            if network not in recipe.networks:
                lookup.add_issue(
                    where, f"requires the network {network!r}, which is missing", f"Add [networks.{network}]"
                )
        starts[name] = spec
    return starts


def check_stages(lookup: Lookup, recipe: Recipe) -> None:
    """Add issues for unknown stages of losses, stages without an active loss, and fewer rounds than stages."""
    unknown = False
    for name, table in recipe.losses.items():
        for stage in set(table.stages or ()) - set(recipe.stages) if table.enabled else ():
            fix = did_you_mean(stage, recipe.stages) if recipe.stages else f"Add [stages.{stage}], or remove the key"
            lookup.add_issue(f"losses.{name}.stages", f"unknown stage {stage!r}", fix)
            unknown = True
    for stage in recipe.stages if not unknown else ():
        if not any(is_active(table, stage) for table in recipe.losses.values()):
            fix = f"Add {stage!r} to the `stages` of a loss"
            lookup.add_issue(f"stages.{stage}", "no loss is active in this stage", fix)
    for stage in recipe.stages if not unknown else ():
        _check_optimizers(lookup, recipe, stage)
    if recipe.train.rounds < len(recipe.stages):
        what = f"must be at least the number of stages, {len(recipe.stages)}, got {recipe.train.rounds}"
        lookup.add_issue("train.rounds", what, f"Use at least {len(recipe.stages)}, or remove the key")


def _check_optimizers(lookup: Lookup, recipe: Recipe, stage: str) -> None:
    """Add an issue for each optimizer of a stage whose player does not exist, or takes no steps in the stage."""
    active = {table.player for table in recipe.losses.values() if is_active(table, stage)}
    for player in recipe.stages[stage].optimizers:
        where = f"stages.{stage}.optimizers.{player}"
        if player not in recipe.players:
            lookup.add_issue(where, f"unknown player {player!r}", did_you_mean(player, recipe.players))
        elif player not in active:
            what = f"{player!r} takes no steps in this stage, because none of its losses is active"
            lookup.add_issue(where, what, f"Add {stage!r} to the `stages` of a loss, or remove the table")
