"""Whether the tables of a recipe fit together: roles, players, names, inference and selection."""

from collections.abc import Mapping, Sequence

from torch import nn

from latentclust.assemble.lookup import Lookup
from latentclust.assemble.stages import is_active
from latentclust.assemble.step_plan import ALIGNMENT, ENGINE_VALUES, StepPlan
from latentclust.errors import did_you_mean
from latentclust.recipe.partial_validation import UNKNOWN_NAME
from latentclust.recipe.schema import Recipe
from latentclust.specs.backbones import (
    BackboneSpec,
    CentroidsSpec,
    DecoderSpec,
    EncoderHeadSpec,
    ExtractorSpec,
    LayeredDecoderSpec,
    MapExtractorSpec,
)
from latentclust.specs.inference import ChainSpec, InferenceSpec
from latentclust.specs.parts import (
    Baseline,
    DeviceViewSpec,
    HostViewSpec,
    MapBaselineSpec,
    MovingViewSpec,
    PriorSpec,
    ViewSpec,
)
from latentclust.specs.roles import Centroids, Critic, Discriminator, Encoder, Generator, Heads, LayeredGenerator, Trunk

ROLES: Mapping[str, type] = {
    "encoder": Encoder,
    "generator": Generator,
    "critic": Critic,
    "discriminator": Discriminator,
    "trunk": Trunk,
    "heads": Heads,
    "centroids": Centroids,
}

MAP_ROLES: Mapping[str, type] = {
    "encoder": Encoder,
    "generator": LayeredGenerator,
    "trunk": Trunk,
    "heads": Heads,
    "centroids": Centroids,
}
"""The roles under a prior of label maps, whose networks read and draw every pixel."""


def role_types(prior: PriorSpec | None) -> Mapping[str, type]:
    """What a network in each role can do under a prior; under one that is an issue itself, all that one might."""
    if prior is None:
        return {**ROLES, **MAP_ROLES}
    return MAP_ROLES if prior.per_pixel else ROLES


def _backbones(prior: PriorSpec | None, role: str) -> tuple[type, ...]:
    """What a backbone must be to play a role."""
    if role == "centroids":
        return (CentroidsSpec,)
    of_images, of_maps = (DecoderSpec, LayeredDecoderSpec) if role == "generator" else (ExtractorSpec, MapExtractorSpec)
    if prior is None:
        return of_images, of_maps
    return (of_maps if prior.per_pixel else of_images,)


def check_preprocess(lookup: Lookup, steps: Sequence[DeviceViewSpec | None]) -> None:
    """Refuses a step that draws."""
    for position, step in enumerate(steps):
        if step is not None and step.random:
            where = f"data.preprocess.{position}"
            lookup.add_issue(where, "a random view cannot be preprocessing", "Move it to a table under [views]")


def check_names(lookup: Lookup, recipe: Recipe) -> None:
    """Refuses a network or a view that goes by the name of something else that losses and quantities ask for."""
    for name in recipe.networks:
        if name in ENGINE_VALUES:
            lookup.add_issue(f"networks.{name}", f"every step has its own {name!r}", "Give the network another name")
        elif not name or "." in name or hasattr(nn.ModuleDict(), name):
            lookup.add_issue(f"networks.{name}", f"torch cannot hold a network named {name!r}", "Give it a plain name")
    for name in recipe.views:
        if name in ENGINE_VALUES or name in recipe.networks:
            taken = "every step has its own" if name in ENGINE_VALUES else "there is a network named"
            lookup.add_issue(f"views.{name}", f"{taken} {name!r}", "Give the view another name")


def check_roles(
    lookup: Lookup, recipe: Recipe, backbones: Mapping[str, BackboneSpec | None], prior: PriorSpec | None
) -> dict[str, str]:
    """The role of each network, after checking what its backbone can be."""
    roles: dict[str, str] = {}
    known, per_pixel = role_types(prior), prior is not None and prior.per_pixel
    for name, table in recipe.networks.items():
        role = table.role or name
        if role not in known:
            what = f"{role!r} is not a role" + (" of label maps" if role in ROLES else "")
            lookup.add_issue(f"networks.{name}.role", what, did_you_mean(role, known))
            continue
        roles[name] = role
        if not isinstance(backbones[name], (*_backbones(prior, role), type(None))):
            fix = "Choose another backbone; `latentclust plugins list backbone` says what each can be"
            maps = " of label maps" if per_pixel else ""
            lookup.add_issue(f"networks.{name}.use", f"{table.use!r} cannot be a {role}{maps}", fix)
    return roles


def check_own_heads(lookup: Lookup, recipe: Recipe, backbones: Mapping[str, BackboneSpec | None]) -> None:
    """Refuses to ask a head that a backbone brings with it for a log variance."""
    for name, table in recipe.networks.items():
        if table.log_variance and isinstance(backbones[name], EncoderHeadSpec):
            what = f"{table.use!r} brings a head of its own, which gives none"
            lookup.add_issue(f"networks.{name}.log_variance", what, "Take it out, or choose another backbone")


def check_heads(
    lookup: Lookup, recipe: Recipe, roles: Mapping[str, str], prior: PriorSpec | None, inference: InferenceSpec | None
) -> None:
    """Refuses keys of another role, and an inference that reads heads of another number of clusters than the prior."""
    for name, table in recipe.networks.items():
        said = {"heads": table.heads is not None, "clusters": table.clusters is not None}
        wrong = {key: "heads" for key, is_said in said.items() if is_said and roles.get(name) != "heads"}
        if table.log_variance and roles.get(name) != "encoder":
            wrong["log_variance"] = "encoder"
        for key, role in wrong.items() if name in roles else ():
            what = f"{key} is a key of the role {role!r}, and {name!r} has the role {roles[name]!r}"
            lookup.add_issue(f"networks.{name}.{key}", what, "Take it out, or give the network that role")
        read = inference is not None and name in inference.needs and roles.get(name) == "heads"
        if read and prior is not None and table.clusters not in (None, prior.clusters):
            what = f"the inference reads {table.clusters} clusters here, and the prior has {prior.clusters}"
            lookup.add_issue(
                f"networks.{name}.clusters", what, "Take it out, or let the inference read another network"
            )


def check_players(lookup: Lookup, recipe: Recipe) -> None:
    """Refuses players without losses or of unknown networks, losses without players, and networks that none moves."""
    players = {loss.player for loss in recipe.losses.values() if loss.enabled}
    for name, player in recipe.players.items():
        if name not in players and UNKNOWN_NAME not in players:
            fix = f"Give a loss player = {name!r}, or take the player out"
            lookup.add_issue(f"players.{name}", "no enabled loss moves this player", fix)
        for network in player.networks:
            _check_moved(lookup, recipe, f"players.{name}.networks", network)
    for name, loss in recipe.losses.items():
        if loss.player not in recipe.players and loss.player != UNKNOWN_NAME:
            fix = did_you_mean(loss.player, recipe.players)
            lookup.add_issue(f"losses.{name}.player", f"there is no player {loss.player!r}", fix)
    moved = {network for player in recipe.players.values() for network in player.networks}
    for name, network_table in recipe.networks.items():
        if name not in moved and not network_table.frozen:
            fix = f"Add {name!r} to a player's networks, or set frozen = true"
            lookup.add_issue(
                f"networks.{name}", "no player moves this network, so it would stay at its random start", fix
            )


def _check_moved(lookup: Lookup, recipe: Recipe, where: str, network: str) -> None:
    if network not in recipe.networks:
        lookup.add_issue(where, f"there is no network {network!r}", did_you_mean(network, recipe.networks))
    elif recipe.networks[network].frozen:
        lookup.add_issue(where, f"{network!r} is frozen", "Take it out, or set frozen = false")


def check_inference(
    lookup: Lookup, recipe: Recipe, where: str, name: str, inference: InferenceSpec | None, prior: PriorSpec | None
) -> None:
    """Refuses an inference that reads a network which the recipe lacks, or that cannot work with its prior."""
    if inference and prior and (objection := inference.objection(prior)):
        what = f"{name!r} cannot work with {recipe.prior.use!r}: {objection}"
        lookup.add_issue(where, what, "Choose another prior or another inference")
    if inference and prior and prior.per_pixel and not inference.reads_maps:
        what = f"{name!r} gives each image one cluster, and {recipe.prior.use!r} has one for every pixel"
        lookup.add_issue(where, what, "Choose another inference, such as amortized, or another prior")
    for network in inference.needs if inference else ():
        if network not in recipe.networks:
            what = f"{name!r} reads the network {network!r}, which the recipe lacks"
            lookup.add_issue(where, what, f"Add [networks.{network}] or choose another inference")


def check_chains(
    lookup: Lookup, views: Mapping[str, Sequence[ViewSpec | None]], inference: InferenceSpec | None
) -> None:
    """Refuses random views beside chains, which keep what they know of one image and would be shown another."""
    if not isinstance(inference, ChainSpec):
        return
    for name, steps in views.items():
        if any(isinstance(step, HostViewSpec) or (isinstance(step, DeviceViewSpec) and step.random) for step in steps):
            what = "it draws, and the chains of the inference know each image in one form only"
            lookup.add_issue(f"views.{name}", what, "Remove the view, or choose an inference without chains")


def check_alignments(
    lookup: Lookup, views: Mapping[str, Sequence[ViewSpec | None]], plans: Mapping[str, StepPlan]
) -> None:
    """Refuses views whose pixels nobody can trace back, where a plan must."""
    wanted = {name for plan in plans.values() for name in plan.given}
    for name, steps in views.items():
        for step in steps if name + ALIGNMENT in wanted else ():
            lost = isinstance(step, HostViewSpec) or (isinstance(step, DeviceViewSpec) and not step.in_place)
            if lost and not isinstance(step, MovingViewSpec):
                what = f"{type(step).__name__} moves pixels and does not say where they came from"
                lookup.add_issue(
                    f"views.{name}", what, "Use affine, flip or resized-crop, or a plugin's MovingViewSpec"
                )


def check_baselines(lookup: Lookup, prior: PriorSpec | None, baselines: Mapping[str, Baseline]) -> None:
    """Refuses a baseline of whole images beside a prior of label maps, and the reverse."""
    for name, baseline in baselines.items():
        of_pixels = isinstance(baseline, MapBaselineSpec)
        if prior is None or of_pixels == prior.per_pixel:
            continue
        clustered, wanted = ("pixels", "images") if of_pixels else ("whole images", "pixels")
        what = f"{name!r} clusters {clustered}, and the prior is one of {wanted}"
        fix = f"Choose a baseline of {wanted}; `latentclust plugins list baseline` says what each clusters"
        lookup.add_issue("evaluate.baselines", what, fix)


def check_selection(lookup: Lookup, recipe: Recipe) -> None:
    """Refuses to select by what reads labels, and by what does not exist."""
    by = recipe.train.select_by
    last = next(reversed(list(recipe.stages)), "")
    choices = ["last", *(f"losses.{name}" for name, table in recipe.losses.items() if is_active(table, last))]
    if by in choices:
        return
    labels = "reads labels, and selecting by labels is not clustering"
    term = f"is no term of the last stage, {last!r}" if last else "is no term of this recipe"
    lookup.add_issue("train.select_by", f"{by!r} {term if '.' in by else labels}", did_you_mean(by, choices))
