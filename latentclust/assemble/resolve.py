"""Resolution of a recipe against the registry: all parts found, all plans bound, all issues reported together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from torch import nn

from latentclust.assemble.features import check_features, check_representations, code_sources, feature_sources
from latentclust.assemble.lookup import Definition, Lookup
from latentclust.assemble.player_checks import check_after_steps, check_followers, check_players, check_skipped
from latentclust.assemble.recipe_checks import (
    baseline_label,
    check_alignments,
    check_baselines,
    check_chains,
    check_feature_bank,
    check_heads,
    check_inference,
    check_names,
    check_preprocess,
    check_protocol,
    check_roles,
    check_spaces,
    check_styles,
    role_types,
)
from latentclust.assemble.selection_checks import check_selection
from latentclust.assemble.stages import Stage, check_stages, find_starts, stages_of
from latentclust.assemble.start_plan import check_starts
from latentclust.assemble.step_plan import Binder, StepPlan
from latentclust.assemble.table_checks import check_tables, check_views, table_types, used_tables
from latentclust.errors import LatentclustError, raise_all
from latentclust.plugins.given import UsedPlugin
from latentclust.plugins.registry import Registry
from latentclust.recipe.load import LoadedRecipe, load_recipe
from latentclust.recipe.merge import Layered
from latentclust.recipe.schema import Recipe, ViewTable
from latentclust.specs.backbones import BackboneSpec, ExtractorSpec
from latentclust.specs.evaluation import Baseline, MetricSpec
from latentclust.specs.inference import ChainSpec, InferenceSpec, Model
from latentclust.specs.parts import DatasetSpec, LossSpec, PriorSpec, Spec
from latentclust.specs.sample_tables import TableSpec
from latentclust.specs.validation import validate
from latentclust.specs.views import DeviceViewSpec, FittedViewSpec, ViewSpec

DEFAULT_ORIGIN = "default"
"""Origin of values that the recipe does not set."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A valid recipe with all its parts. No data is opened and no network built.

    Attributes:
        loaded: The recipe and its text.
        dataset: Data set.
        preprocess: Steps of the preprocessing.
        views: Steps of each view.
        prior: Prior.
        backbones: Backbone of each network.
        roles: Role of each network.
        tables: Sample tables that a plan reads.
        plans: Step plan of each player with all its losses; players whose losses are all disabled have none.
        stages: Stages of the training with the plans of their active losses; one stage if the recipe has none.
        inference: Inference of the model.
        readouts: Other inferences that are evaluated.
        metrics: Metrics of the report.
        baselines: Baselines of the report.
        distributions: Versions of the distributions that provide the parts, by name.
        plugins: Plugins that were given, and provide some of the parts.
        features: Frozen backbone whose output is stored in a feature bank. None without `[features]`.
    """

    loaded: LoadedRecipe
    dataset: DatasetSpec
    preprocess: tuple[DeviceViewSpec | FittedViewSpec, ...]
    views: Mapping[str, tuple[ViewSpec, ...]]
    prior: PriorSpec
    backbones: Mapping[str, BackboneSpec]
    roles: Mapping[str, str]
    tables: Mapping[str, TableSpec]
    plans: Mapping[str, StepPlan]
    stages: tuple[Stage, ...]
    inference: InferenceSpec
    readouts: Mapping[str, InferenceSpec]
    metrics: Mapping[str, MetricSpec]
    baselines: Mapping[str, Baseline]
    distributions: Mapping[str, str]
    plugins: tuple[UsedPlugin, ...] = ()
    features: ExtractorSpec | None = None

    @property
    def recipe(self) -> Recipe:
        """Validated tables of the recipe."""
        return self.loaded.recipe

    def model(self, networks: Mapping[str, nn.Module]) -> Model:
        """Return networks of the recipe with the prior, and with the networks whose features they read."""
        sources = (find(self.recipe, self.roles) for find in (feature_sources, code_sources))
        return Model(networks, self.prior, *sources)


def resolve(loaded: LoadedRecipe, registry: Registry, trained_by: InferenceSpec | None = None) -> Resolved:
    """Resolve a recipe against a registry.

    Args:
        loaded: The recipe.
        registry: Registry of all parts.
        trained_by: Inference that the model was trained with, if the recipe now names another one.

    Raises:
        LatentclustError: If the recipe is invalid, with all issues of its tables, parts and their combination.
    """
    recipe, lookup = loaded.tables.recipe, Lookup(registry, loaded.tables)
    dataset = lookup.spec("dataset", recipe.data, "data", DatasetSpec)  # type: ignore[type-abstract]
    preprocess = [
        lookup.spec("view", step, f"data.preprocess.{position}", ViewSpec)
        for position, step in enumerate(recipe.data.preprocess)
    ]
    features = None if recipe.features is None else lookup.spec("backbone", recipe.features, "features", ExtractorSpec)  # type: ignore[type-abstract]
    views = _views(lookup, recipe)
    prior = lookup.spec("prior", recipe.prior, "prior", PriorSpec)  # type: ignore[type-abstract]
    backbones = {n: lookup.spec("backbone", t, f"networks.{n}", BackboneSpec) for n, t in recipe.networks.items()}
    enabled = {name: table for name, table in recipe.losses.items() if table.enabled}
    losses = {name: lookup.spec("loss", table, f"losses.{name}", LossSpec) for name, table in enabled.items()}
    tables = {n: lookup.spec("table", t, f"tables.{n}", TableSpec) for n, t in recipe.tables.items()}  # type: ignore[type-abstract]
    inference = lookup.spec("inference", recipe.inference, "inference", InferenceSpec)  # type: ignore[type-abstract]
    evaluate = recipe.evaluate
    readouts = lookup.specs("inference", evaluate.readouts, "evaluate.readouts", InferenceSpec)  # type: ignore[type-abstract]
    metrics = lookup.specs("metric", evaluate.metrics, "evaluate.metrics", MetricSpec)  # type: ignore[type-abstract]
    baselines = lookup.specs("baseline", evaluate.baselines, "evaluate.baselines", Baseline, baseline_label)
    check_preprocess(lookup, preprocess, views)
    check_feature_bank(lookup, recipe, prior)
    check_protocol(lookup, recipe, dataset)
    check_names(lookup, recipe)
    roles = check_roles(lookup, recipe, backbones, prior)
    check_features(lookup, recipe, roles)
    check_heads(lookup, recipe, roles, prior, inference)
    check_styles(lookup, recipe, backbones, prior)
    check_players(lookup, recipe)
    check_after_steps(lookup, recipe, losses)
    check_followers(lookup, recipe, roles)
    check_inference(lookup, recipe, "inference.use", recipe.inference.use, inference, prior)
    for name, readout in readouts.items():
        check_inference(lookup, recipe, "evaluate.readouts", name, readout, prior)
    represents = {"inference": inference} | {f"evaluate.readouts ({n})": part for n, part in readouts.items()}
    check_representations(lookup, recipe, roles, represents | {f"tables.{n}": part for n, part in tables.items()})
    sampler = trained_by or inference
    check_chains(lookup, views, sampler)
    offers = lookup.offers(prior is not None and prior.per_pixel)
    # An invalid inference may provide any of these quantities, so that losses that read them are not issues too.
    unread: dict[str, Any] = dict.fromkeys(offers, Any) if sampler is None else {}
    provided = sampler.provides if isinstance(sampler, ChainSpec) else unread
    types = {name: role_types(prior)[role] for name, role in roles.items()}
    plans = _plans(
        lookup,
        recipe,
        types,
        {name: spec for name, spec in losses.items() if spec is not None},
        {**provided, **table_types(tables)},
        offers,
    )
    check_tables(lookup, recipe, tables, provided)
    check_views(lookup, recipe, views, tables)
    read = used_tables(lookup, recipe, tables, plans.values())
    check_skipped(lookup, recipe, plans, [inference, *readouts.values()])
    check_alignments(lookup, views, plans)
    check_baselines(lookup, prior, baselines)
    check_spaces(lookup, recipe, roles, baselines)
    starts = find_starts(lookup, recipe)
    check_stages(lookup, recipe)
    check_selection(lookup, recipe)
    check_starts(lookup, recipe, roles, sampler)
    raise_all(lookup.issues)
    return Resolved(
        loaded=loaded,
        dataset=cast(DatasetSpec, dataset),
        preprocess=tuple(cast(list[DeviceViewSpec | FittedViewSpec], preprocess)),
        views={name: tuple(cast(list[ViewSpec], parts)) for name, parts in views.items()},
        prior=cast(PriorSpec, prior),
        backbones=cast(dict[str, BackboneSpec], backbones),
        roles=roles,
        tables=read,
        plans=plans,
        stages=stages_of(recipe, plans, starts),
        inference=cast(InferenceSpec, inference),
        readouts=readouts,
        metrics=metrics,
        baselines=baselines,
        distributions=lookup.distributions,
        plugins=lookup.plugins(),
        features=features,
    )


def _views(lookup: Lookup, recipe: Recipe) -> dict[str, list[ViewSpec | None]]:
    """Return the steps of each view; those of a view that is like another are the same."""
    own = {name: _view(lookup, f"views.{name}", table) for name, table in recipe.views.items()}
    return own | {name: own[table.like] for name, table in recipe.views.items() if table.like in own}


def _view(lookup: Lookup, where: str, table: ViewTable) -> list[ViewSpec | None]:
    """Return the steps of a view, in order."""
    places = [where] if table.use else [f"{where}.steps.{position}" for position in range(len(table.steps))]
    return [lookup.spec("view", part, place, ViewSpec) for place, part in zip(places, table.parts(), strict=True)]


def _plans(
    lookup: Lookup,
    recipe: Recipe,
    types: Mapping[str, type],
    losses: Mapping[str, LossSpec],
    provided: Mapping[str, Any],
    offers: Mapping[str, str],
) -> dict[str, StepPlan]:
    """Return the plan of each player from its losses."""
    quantities = lookup.quantities(recipe)
    # A network of unknown role is an issue already, and fits every parameter.
    networks: dict[str, Any] = {name: types.get(name, Any) for name in recipe.networks}
    functions = {n: one.function if isinstance(one, Definition) else one for n, one in quantities.items()}
    rebound = {name: one.on for name, one in quantities.items() if isinstance(one, Definition)}
    binder = Binder(functions, networks, tuple(recipe.views), lookup.issues, provided, offers, rebound)
    plans = {}
    for player, table in recipe.players.items():
        own = {name: spec for name, spec in losses.items() if recipe.losses[name].player == player}
        if all(not loss.enabled for loss in recipe.losses.values() if loss.player == player):
            continue
        plans[player] = binder.plan(player, table.networks, own, recipe.losses)
        for node in plans[player].nodes:
            definition = quantities[node.name]
            assert isinstance(definition, Definition), "the binder leaves errors out"
            lookup.record_use(definition.part)
    return plans


def resolve_system(name: str, registry: Registry, settings: tuple[str, ...] = ()) -> Resolved:
    """Return a resolved system `NAME@VERSION`, with any data set as a placeholder; no data is opened.

    Args:
        name: Name of the system.
        registry: Registry of all parts.
        settings: Settings `dotted.key=value`.

    Raises:
        LatentclustError: If the system does not exist or is invalid.
    """
    chosen = any(setting.partition("=")[0].strip() == "data.use" for setting in settings)
    data = {} if chosen else {"data": {"use": any_data(registry)}}
    return resolve(load_recipe({"extends": name} | data, registry, settings), registry)


def any_data(registry: Registry) -> str:
    """Return the name of the first data set without required options."""
    for part in registry.parts("dataset"):
        try:
            validate(part.value, {}, part.name)
        except LatentclustError:
            continue
        return part.qualified
    raise LatentclustError.at(
        "data", "no data set without required options is installed", "Install one, or set data.use"
    )


def with_defaults(resolved: Resolved) -> Layered:
    """Return the recipe with the defaults of all keys, except those without a value."""
    given = resolved.loaded.layered
    tree = _without_nulls(resolved.recipe.model_dump(mode="json", by_alias=True))
    single: dict[str, Spec] = {"data": resolved.dataset, "prior": resolved.prior, "inference": resolved.inference}
    single |= {"features": resolved.features} if resolved.features else {}
    parts: dict[str, Mapping[str, Spec]] = {
        "networks": resolved.backbones,
        "tables": resolved.tables,
        "losses": {term.name: term.loss for plan in resolved.plans.values() for term in plan.terms},
    }
    for name, spec in single.items():
        tree[name] |= _options(spec)
    for table, specs in parts.items():
        for name, spec in specs.items():
            tree[table][name] |= _options(spec)
    full = Layered().over(tree, DEFAULT_ORIGIN).over(given.tree, DEFAULT_ORIGIN)
    return Layered(full.tree, full.origins | given.origins)


def _options(spec: Spec) -> dict[str, Any]:
    return dict(_without_nulls(spec.model_dump(mode="json")))


def _without_nulls(value: Any) -> Any:
    """Remove keys without a value, because TOML has no null, and empty tables."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None and item != {}}
    return value
