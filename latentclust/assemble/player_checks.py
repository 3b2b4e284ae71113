"""Checks of the players of a recipe: which networks they train, skip or leave to follow others."""

from collections.abc import Mapping, Sequence

from latentclust.assemble.lookup import Lookup
from latentclust.assemble.step_plan import StepPlan, has_after_step
from latentclust.errors import did_you_mean
from latentclust.recipe.partial_validation import UNKNOWN_NAME
from latentclust.recipe.schema import Recipe
from latentclust.specs.inference import InferenceSpec
from latentclust.specs.parts import LossSpec


def check_players(lookup: Lookup, recipe: Recipe) -> None:
    """Add issues for players without losses or with unknown networks, unknown players, and untrained networks."""
    _check_rounds(lookup, recipe)
    players = {loss.player for loss in recipe.losses.values()}  # one whose losses are all disabled takes no steps
    for name, player in recipe.players.items():
        if name not in players and UNKNOWN_NAME not in players:
            fix = f"Set player = {name!r} in a loss, or remove the player"
            lookup.add_issue(f"players.{name}", "no loss has this player", fix)
        for network in player.networks:
            _check_moved(lookup, recipe, f"players.{name}.networks", network)
    for name, loss in recipe.losses.items():
        if loss.player not in recipe.players and loss.player != UNKNOWN_NAME:
            fix = did_you_mean(loss.player, recipe.players)
            lookup.add_issue(f"losses.{name}.player", f"unknown player {loss.player!r}", fix)
    moved = {network for player in recipe.players.values() for network in player.networks}
    for name, network_table in recipe.networks.items():
        if name not in moved and not network_table.frozen and network_table.follows is None:
            fix = f"Add {name!r} to a player's networks, or set frozen = true"
            lookup.add_issue(
                f"networks.{name}", "no player trains this network, so it would keep its random initial weights", fix
            )


def _check_rounds(lookup: Lookup, recipe: Recipe) -> None:
    """Add issues for losses without rounds, and for a training without losses, which would change nothing."""
    where, rounds = "train.rounds", recipe.train.rounds
    if recipe.losses and not rounds:
        lookup.add_issue(where, "is 0, but the recipe has losses", "Set at least 1, or remove the losses")
    if recipe.losses or any(issue.where == "losses" for issue in lookup.issues):
        return
    if rounds:
        what = f"is {rounds}, but the recipe has no losses"
        lookup.add_issue(where, what, "Add [losses.NAME], or set it to 0 to only fit the inference")
    for key, field in type(recipe.train).model_fields.items():
        if not field.is_required() and getattr(recipe.train, key) != field.default:
            lookup.add_issue(f"train.{key}", "has no effect without losses", "Remove the key")
    for name in recipe.views if recipe.features is None else ():
        lookup.add_issue(f"views.{name}", "has no effect without losses", "Remove the view")


def _check_moved(lookup: Lookup, recipe: Recipe, where: str, network: str) -> None:
    if network not in recipe.networks:
        lookup.add_issue(where, f"unknown network {network!r}", did_you_mean(network, recipe.networks))
    elif recipe.networks[network].frozen:
        lookup.add_issue(where, f"{network!r} is frozen", "Remove it, or set frozen = false")
    elif recipe.networks[network].follows is not None:
        lookup.add_issue(where, f"{network!r} follows {recipe.networks[network].follows!r}", "Remove it, or `follows`")


def check_after_steps(lookup: Lookup, recipe: Recipe, losses: Mapping[str, LossSpec | None]) -> None:
    """Add an issue for each loss that changes networks after a step of a data-parallel training, which shares none."""
    for name, loss in losses.items():
        if recipe.train.devices > 1 and loss is not None and has_after_step(type(loss)):
            what = "changes networks after a step, which processes of a data-parallel training do not share"
            lookup.add_issue(f"losses.{name}", what, "Set train.devices = 1")


def check_skipped(
    lookup: Lookup, recipe: Recipe, plans: Mapping[str, StepPlan], inferences: Sequence[InferenceSpec | None]
) -> None:
    """Add an issue for each network that something reads although the losses of its players are all disabled."""
    if recipe.losses and all(not loss.enabled for loss in recipe.losses.values()):
        lookup.add_issue("losses", "all losses are disabled", "Set enabled = true in one of them")
    read = {name for plan in plans.values() for name in plan.given}
    read |= {name for each in inferences if each is not None for name in each.needs}
    read |= {table.follows for name, table in recipe.networks.items() if name in read and table.follows}
    moved = {network for player in plans for network in recipe.players[player].networks}
    disabled = {loss.player for loss in recipe.losses.values() if not loss.enabled}
    for player in disabled & recipe.players.keys() - plans.keys():
        for network in recipe.players[player].networks:
            if network in read and network not in moved:
                what = f"is read, but not trained, because the losses of the player {player!r} are all disabled"
                fix = "Enable one of them, or disable what reads the network"
                lookup.add_issue(f"networks.{network}", what, fix)


def check_followers(lookup: Lookup, recipe: Recipe, roles: Mapping[str, str]) -> None:
    """Add an issue for each network that follows one that is missing, of another role, or not trained by a player."""
    for name, table in recipe.networks.items():
        if table.follows is None:
            if table.decay != type(table).model_fields["decay"].default:
                lookup.add_issue(f"networks.{name}.decay", "has no effect without `follows`", "Add it, or remove decay")
            continue
        where, followed = f"networks.{name}.follows", recipe.networks.get(table.follows)
        fix = did_you_mean(table.follows, [other for other in recipe.networks if other != name])
        if followed is None or table.follows == name:
            lookup.add_issue(where, f"{table.follows!r} is not another network of this recipe", fix)
        elif followed.frozen or followed.follows is not None:
            lookup.add_issue(where, f"no player trains {table.follows!r}", "Follow a network that a player trains")
        elif roles.get(name) != roles.get(table.follows):
            what = f"{table.follows!r} has the role {roles.get(table.follows)!r}, and {name!r} {roles.get(name)!r}"
            lookup.add_issue(where, what, f"Set networks.{name}.role")
