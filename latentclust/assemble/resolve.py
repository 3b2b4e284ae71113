"""Every part that a recipe names, found and validated; every issue gathered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from latentclust.assemble.plan import Binder, Plan
from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.recipe.load import LoadedRecipe
from latentclust.recipe.schema import NetworkTable, PartTable, Recipe
from latentclust.registry import Registry, did_you_mean
from latentclust.specs import (
    BackboneSpec,
    BaselineSpec,
    Critic,
    DatasetSpec,
    DecoderSpec,
    DeviceViewSpec,
    Discriminator,
    Encoder,
    ExtractorSpec,
    Generator,
    InferenceSpec,
    LossSpec,
    MetricSpec,
    PriorSpec,
    Spec,
    Trunk,
    ViewSpec,
)

ROLES: Mapping[str, type] = {
    "encoder": Encoder,
    "generator": Generator,
    "critic": Critic,
    "discriminator": Discriminator,
    "trunk": Trunk,
}

SpecT = TypeVar("SpecT", bound=Spec)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A recipe whose parts are all there and fit together; no data is opened and no network built.

    Attributes:
        loaded: The recipe and its text.
        plans: What each player computes in a step.
        distributions: Who provided what was used: distribution to version.
    """

    loaded: LoadedRecipe
    dataset: DatasetSpec
    preprocess: tuple[DeviceViewSpec, ...]
    views: Mapping[str, tuple[ViewSpec, ...]]
    prior: PriorSpec
    backbones: Mapping[str, BackboneSpec]
    roles: Mapping[str, str]
    plans: Mapping[str, Plan]
    inference: InferenceSpec
    metrics: Mapping[str, MetricSpec]
    baselines: Mapping[str, BaselineSpec]
    distributions: Mapping[str, str]

    @property
    def recipe(self) -> Recipe:
        """The validated tables."""
        return self.loaded.recipe


class Resolver:
    """Looks parts up, gathering issues and the distributions used."""

    def __init__(self, registry: Registry) -> None:
        """Starts with no issue."""
        self.registry = registry
        self.issues: list[Issue] = []
        self.distributions: dict[str, str] = {}

    def gather(self, action: Callable[[], Any]) -> Any:
        """The action's value, or None after noting what was wrong with it."""
        try:
            return action()
        except LatentclustError as error:
            self.issues.extend(error.issues)
            return None

    def spec(self, kind: str, table: PartTable | str, where: str, base: type[SpecT]) -> SpecT | None:
        """The part that a table names, with its options; None after noting issues."""
        use, options = (table, {}) if isinstance(table, str) else (table.use, table.options)
        built = self.gather(lambda: self.registry.build(kind, use, options, where))
        if built is None:
            return None
        provider = self.registry.find(kind, use, where).provider
        self.distributions[provider.distribution] = provider.version
        if not isinstance(built, base):
            fix = f"Use a part of type {base.__name__.removesuffix('Spec')}"
            self.issues.append(Issue(f"{where}.use", f"{use!r} does not fit here", fix))
            return None
        return built


def resolve(loaded: LoadedRecipe, registry: Registry) -> Resolved:
    """Resolves a recipe against a registry.

    Raises:
        LatentclustError: with every issue of every table at once.
    """
    recipe, find = loaded.recipe, Resolver(registry)
    dataset = find.spec("dataset", recipe.data, "data", DatasetSpec)  # type: ignore[type-abstract]
    preprocess = [
        find.spec("view", step, f"data.preprocess.{i}", DeviceViewSpec)  # type: ignore[type-abstract]
        for i, step in enumerate(recipe.data.preprocess)
    ]
    views = {
        name: [find.spec("view", part, f"views.{name}", ViewSpec) for part in table.parts()]
        for name, table in recipe.views.items()
    }
    prior = find.spec("prior", recipe.prior, "prior", PriorSpec)  # type: ignore[type-abstract]
    backbones = {n: find.spec("backbone", t, f"networks.{n}", BackboneSpec) for n, t in recipe.networks.items()}
    losses = {
        name: find.spec("loss", table, f"losses.{name}", LossSpec)
        for name, table in recipe.losses.items()
        if table.enabled
    }
    inference = find.spec("inference", recipe.inference, "inference", InferenceSpec)  # type: ignore[type-abstract]
    metrics = _named(find, "metric", recipe.evaluate.metrics, MetricSpec)  # type: ignore[type-abstract]
    baselines = _named(find, "baseline", recipe.evaluate.baselines, BaselineSpec)  # type: ignore[type-abstract]
    _check_preprocess(find, preprocess)
    roles = _roles(find, recipe, backbones)
    _check_players(find, recipe)
    _check_moved(find, recipe)
    _check_inference(find, recipe, inference)
    plans = _plans(find, recipe, roles, {name: spec for name, spec in losses.items() if spec is not None})
    _check_selection(find, recipe)
    raise_all(find.issues)
    return Resolved(
        loaded=loaded,
        dataset=cast(DatasetSpec, dataset),
        preprocess=tuple(cast(list[DeviceViewSpec], preprocess)),
        views={name: tuple(cast(list[ViewSpec], parts)) for name, parts in views.items()},
        prior=cast(PriorSpec, prior),
        backbones=cast(dict[str, BackboneSpec], backbones),
        roles=roles,
        plans=plans,
        inference=cast(InferenceSpec, inference),
        metrics=cast(dict[str, MetricSpec], metrics),
        baselines=cast(dict[str, BaselineSpec], baselines),
        distributions=find.distributions,
    )


def _named(
    find: Resolver, kind: str, tables: tuple[str | PartTable, ...], base: type[SpecT]
) -> dict[str, SpecT | None]:
    """The parts of a list of names or tables, keyed by name; a repeated one by name and position."""
    found: dict[str, SpecT | None] = {}
    for position, table in enumerate(tables):
        name = table if isinstance(table, str) else table.use
        key = name if name not in found else f"{name}-{position + 1}"
        found[key] = find.spec(kind, table, f"evaluate.{kind}s.{position}", base)
    return found


def _check_preprocess(find: Resolver, steps: list[DeviceViewSpec | None]) -> None:
    for position, step in enumerate(steps):
        if step is not None and step.random:
            where, fix = f"data.preprocess.{position}", "Move it to a table under [views]"
            find.issues.append(Issue(where, "a random view cannot be preprocessing", fix))


def _roles(find: Resolver, recipe: Recipe, backbones: Mapping[str, BackboneSpec | None]) -> dict[str, str]:
    """The role of each network, checked against what its backbone can be."""
    roles: dict[str, str] = {}
    for name, table in recipe.networks.items():
        role = table.role or name
        where = f"networks.{name}"
        if role not in ROLES:
            find.issues.append(Issue(f"{where}.role", f"{role!r} is not a role", did_you_mean(role, ROLES)))
            continue
        roles[name] = role
        _check_backbone(find, where, role, table, backbones[name])
    return roles


def _check_backbone(find: Resolver, where: str, role: str, table: NetworkTable, backbone: BackboneSpec | None) -> None:
    needed: type = DecoderSpec if role == "generator" else ExtractorSpec
    if backbone is not None and not isinstance(backbone, needed):
        fix = "Choose another backbone; `latentclust plugins list backbone` says what each can be"
        find.issues.append(Issue(f"{where}.use", f"{table.use!r} cannot be a {role}", fix))


def _check_players(find: Resolver, recipe: Recipe) -> None:
    for name, player in recipe.players.items():
        for network in player.networks:
            if network not in recipe.networks:
                fix = did_you_mean(network, recipe.networks)
                find.issues.append(Issue(f"players.{name}.networks", f"there is no network {network!r}", fix))
            elif recipe.networks[network].frozen:
                where = f"players.{name}.networks"
                find.issues.append(Issue(where, f"{network!r} is frozen", "Take it out, or set frozen = false"))


def _check_moved(find: Resolver, recipe: Recipe) -> None:
    """Refuses a network that would stay at its random start without being declared frozen."""
    moved = {network for player in recipe.players.values() for network in player.networks}
    for name, table in recipe.networks.items():
        if name not in moved and not table.frozen:
            fix = f"Add {name!r} to a player's networks, or set frozen = true"
            find.issues.append(Issue(f"networks.{name}", "no player moves this network", fix))


def _check_inference(find: Resolver, recipe: Recipe, inference: InferenceSpec | None) -> None:
    for network in inference.needs if inference else ():
        if network not in recipe.networks:
            what = f"{recipe.inference.use!r} reads the network {network!r}, which the recipe lacks"
            find.issues.append(Issue("inference.use", what, f"Add [networks.{network}] or choose another inference"))


def _check_selection(find: Resolver, recipe: Recipe) -> None:
    """Refuses to select by what reads labels, and by what does not exist."""
    by = recipe.train.select_by
    kind, _, name = by.partition(".")
    enabled = [loss for loss, table in recipe.losses.items() if table.enabled]
    if by == "last" or (kind == "losses" and name in enabled):
        return
    choices = ["last", *(f"losses.{loss}" for loss in enabled)]
    reads = (
        "reads labels, and selecting by labels is not clustering" if "." not in by else "is not a term of this recipe"
    )
    find.issues.append(Issue("train.select_by", f"{by!r} {reads}", did_you_mean(by, choices)))


def _plans(find: Resolver, recipe: Recipe, roles: Mapping[str, str], losses: Mapping[str, LossSpec]) -> dict[str, Plan]:
    """One plan per player, from its losses."""
    names = {part.name for part in find.registry.parts("quantity")} | set(recipe.quantities)
    found = {name: find.gather(partial(_quantity, find, name, recipe)) for name in sorted(names)}
    known = {name: function for name, function in found.items() if function is not None}
    binder = Binder(known, {name: ROLES[role] for name, role in roles.items()}, tuple(recipe.views), find.issues)
    plans = {}
    for player, table in recipe.players.items():
        own = {name: spec for name, spec in losses.items() if recipe.losses[name].player == player}
        if not own:
            fix = f"Give a loss player = {player!r}, or take the player out"
            find.issues.append(Issue(f"players.{player}", "no enabled loss moves this player", fix))
            continue
        plans[player] = binder.plan(player, table.networks, own, recipe.losses)
    for name, loss in recipe.losses.items():
        if loss.player not in recipe.players:
            where, fix = f"losses.{name}.player", did_you_mean(loss.player, recipe.players)
            find.issues.append(Issue(where, f"there is no player {loss.player!r}", fix))
    return plans


def _quantity(find: Resolver, name: str, recipe: Recipe) -> Callable[..., Any]:
    """The definition that the recipe chose for a quantity, or the one of that name."""
    part = find.registry.find("quantity", recipe.quantities.get(name, name), f"quantities.{name}")
    function: Callable[..., Any] = part.value
    return function
