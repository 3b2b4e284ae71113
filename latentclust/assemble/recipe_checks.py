"""Checks that the tables of a recipe are consistent: roles, players, names and inference."""

from collections.abc import Mapping, Sequence

from torch import nn

from latentclust.assemble.features import check_representation
from latentclust.assemble.lookup import Lookup
from latentclust.assemble.step_plan import ALIGNMENT, ENGINE_VALUES, StepPlan
from latentclust.errors import did_you_mean
from latentclust.recipe.schema import Recipe
from latentclust.specs.backbones import (
    BackboneSpec,
    CentroidsSpec,
    DecoderSpec,
    ExtractorSpec,
    LayeredDecoderSpec,
    MapExtractorSpec,
)
from latentclust.specs.evaluation import PIXELS, Baseline, BaselineSpec, MapBaselineSpec
from latentclust.specs.inference import ChainSpec, InferenceSpec
from latentclust.specs.parts import FEATURES, DatasetSpec, PriorSpec
from latentclust.specs.roles import Centroids, Critic, Discriminator, Encoder, Generator, Heads, LayeredGenerator, Trunk
from latentclust.specs.views import DeviceViewSpec, FittedViewSpec, HostViewSpec, MovingViewSpec, ViewSpec

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
"""Roles under a prior of label maps, whose networks read and draw every pixel."""


def role_types(prior: PriorSpec | None) -> Mapping[str, type]:
    """Return the protocol of each role under a prior. Under an invalid prior, all roles are allowed."""
    if prior is None:
        return {**ROLES, **MAP_ROLES}
    return MAP_ROLES if prior.per_pixel else ROLES


def _backbones(prior: PriorSpec | None, role: str) -> tuple[type, ...]:
    """Return the specs, one of which a backbone must be for a role."""
    if role == "centroids":
        return (CentroidsSpec,)
    of_images, of_maps = (DecoderSpec, LayeredDecoderSpec) if role == "generator" else (ExtractorSpec, MapExtractorSpec)
    if prior is None:
        return of_images, of_maps
    return (of_maps if prior.per_pixel else of_images,)


def check_preprocess(
    lookup: Lookup, steps: Sequence[ViewSpec | None], views: Mapping[str, Sequence[ViewSpec | None]]
) -> None:
    """Add an issue for each step of the preprocessing that belongs into a view, and the other way round."""
    for position, step in enumerate(steps):
        where = f"data.preprocess.{position}"
        if isinstance(step, HostViewSpec):
            what, fix = "a step on the data workers cannot be used as preprocessing", "Move it to a table under [views]"
            lookup.add_issue(where, what, fix)
        elif isinstance(step, DeviceViewSpec) and step.random:
            lookup.add_issue(where, "a random step cannot be used as preprocessing", "Move it to a table under [views]")
    for name, parts in views.items():
        if any(isinstance(part, FittedViewSpec) for part in parts):
            what = "a step that is fitted to the training images cannot be part of a view"
            lookup.add_issue(f"views.{name}", what, "Move it to data.preprocess")


def check_feature_bank(lookup: Lookup, recipe: Recipe, prior: PriorSpec | None) -> None:
    """Add an issue if `[features]` belongs to a system of label maps, or its views are not those of the recipe."""
    table = recipe.features
    if table is None:
        return
    if prior is not None and prior.per_pixel:
        what = "stores one vector per image, but the prior clusters pixels"
        lookup.add_issue("features", what, 'Use data.preprocess = [{ use = "timm-features" }] instead')
    if FEATURES in recipe.networks:
        lookup.add_issue(f"networks.{FEATURES}", "the name is that of a table", "Give the network another name")
    if table.view is not None and table.view not in recipe.views:
        what, fix = f"{table.view!r} is not a view of this recipe", did_you_mean(table.view, recipe.views)
        lookup.add_issue("features.view", what, fix)
    drawn = recipe.views.get(table.view or "")
    if drawn is not None and (drawn.like or drawn.of):
        what = f"{table.view!r} has no augmentations of the images of its own"
        lookup.add_issue("features.view", what, "Name a view with `use` or `steps` and without `of`")
    if (table.view is None) != (table.views == 0):
        what = f"views = {table.views}, but {'no view draws them' if table.views else f'view = {table.view!r}'}"
        fix = "Set features.view to a table under [views]" if table.views else "Set features.views to 1 or more"
        lookup.add_issue("features.views", what, fix)


def check_protocol(lookup: Lookup, recipe: Recipe, dataset: DatasetSpec | None) -> None:
    """Add an issue if `evaluate.split` contradicts the named protocol of the data set."""
    protocol, split = dataset.split_protocol() if dataset else None, recipe.evaluate.split
    if protocol is not None and split not in (None, protocol.scored.split):
        what = f"is {split!r}, but the protocol {protocol.name} scores {protocol.scored}"
        lookup.add_issue("evaluate.split", what, "Remove it, or name another protocol in data.protocol")


def check_names(lookup: Lookup, recipe: Recipe) -> None:
    """Add an issue for each network or view whose name is that of another input of losses and quantities."""
    for name in recipe.networks:
        if name in ENGINE_VALUES:
            lookup.add_issue(f"networks.{name}", f"the name {name!r} is reserved", "Give the network another name")
        elif not name or "." in name or hasattr(nn.ModuleDict(), name):
            lookup.add_issue(
                f"networks.{name}", f"torch does not allow the name {name!r}", "Use letters, digits and underscores"
            )
    for name in recipe.views:
        if name in ENGINE_VALUES or name in recipe.networks:
            taken = "is reserved" if name in ENGINE_VALUES else "is already that of a network"
            lookup.add_issue(f"views.{name}", f"the name {name!r} {taken}", "Give the view another name")
    _check_quantity_names(lookup, recipe)


def _check_quantity_names(lookup: Lookup, recipe: Recipe) -> None:
    """Add an issue for each quantity whose name no parameter can have, or which names another input."""
    for name in recipe.quantities:
        if not name.isidentifier():
            lookup.add_issue(f"quantities.{name}", f"{name!r} cannot name a parameter", "Use letters and underscores")
        elif name in {*ENGINE_VALUES, *recipe.networks, *recipe.views, *recipe.tables}:
            what = f"the name {name!r} is already used in this recipe"
            lookup.add_issue(f"quantities.{name}", what, "Give the quantity another name")


def check_roles(
    lookup: Lookup, recipe: Recipe, backbones: Mapping[str, BackboneSpec | None], prior: PriorSpec | None
) -> dict[str, str]:
    """Return the role of each network. Add an issue for each unknown role and unsuitable backbone."""
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
            fix = "Use another backbone; `latentclust plugins list backbone` shows the roles of each"
            maps = " of label maps" if per_pixel else ""
            lookup.add_issue(f"networks.{name}.use", f"{table.use!r} cannot be used as {role}{maps}", fix)
    return roles


def check_styles(
    lookup: Lookup, recipe: Recipe, backbones: Mapping[str, BackboneSpec | None], prior: PriorSpec | None
) -> None:
    """Add an issue for each generator that reads too many style values, and for networks of the prior."""
    _check_prior(lookup, recipe, prior)
    for name, spec in backbones.items():
        if prior is None or not isinstance(spec, DecoderSpec) or prior.style_dim >= spec.least_style:
            continue
        what = f"{prior.style_dim} style values are too few for the generator {recipe.networks[name].use!r}"
        lookup.add_issue("prior.style_dim", what, f"Set at least {spec.least_style}, or use another backbone")


def check_heads(
    lookup: Lookup, recipe: Recipe, roles: Mapping[str, str], prior: PriorSpec | None, inference: InferenceSpec | None
) -> None:
    """Add issues for keys of another role, and for heads that the inference reads but that differ from the prior."""
    for name, table in recipe.networks.items():
        is_set = {"heads": table.heads is not None, "clusters": table.clusters is not None}
        wrong = {key: "heads" for key, given in is_set.items() if given and roles.get(name) != "heads"}
        if table.log_variance and roles.get(name) != "encoder":
            wrong["log_variance"] = "encoder"
        for key, role in wrong.items() if name in roles else ():
            what = f"is a key of the role {role!r}, but {name!r} has the role {roles[name]!r}"
            lookup.add_issue(f"networks.{name}.{key}", what, "Remove the key, or give the network that role")
        read = inference is not None and name in inference.needs and roles.get(name) == "heads"
        if read and prior is not None and table.clusters not in (None, prior.clusters):
            what = f"must be {prior.clusters}, as in the prior, because the inference reads it; got {table.clusters}"
            lookup.add_issue(
                f"networks.{name}.clusters", what, "Remove the key, or let the inference read another network"
            )


def check_inference(
    lookup: Lookup, recipe: Recipe, where: str, name: str, inference: InferenceSpec | None, prior: PriorSpec | None
) -> None:
    """Add issues for an inference that requires a missing network, or that cannot be used with the prior."""
    if inference and prior and (objection := inference.objection(prior)):
        what = f"{name!r} cannot be used with the prior {recipe.prior.use!r}: {objection}"
        lookup.add_issue(where, what, "Use another prior or another inference")
    if inference and prior and prior.per_pixel and not inference.reads_maps:
        what = f"{name!r} computes one cluster per image, but the prior {recipe.prior.use!r} has one per pixel"
        lookup.add_issue(where, what, "Use another inference, such as amortized, or another prior")
    for network in inference.needs if inference else ():
        if network not in recipe.networks:
            what = f"{name!r} requires the network {network!r}, which is missing"
            lookup.add_issue(where, what, f"Add [networks.{network}], or use another inference")


def _check_prior(lookup: Lookup, recipe: Recipe, prior: PriorSpec | None) -> None:
    """Add an issue for each network with parameters of the prior that the recipe does not have."""
    for network in prior.needs if prior else ():
        if network not in recipe.networks:
            what = f"{recipe.prior.use!r} requires the network {network!r}, which is missing"
            lookup.add_issue("prior.use", what, f"Add [networks.{network}], or use another prior")


def check_chains(
    lookup: Lookup, views: Mapping[str, Sequence[ViewSpec | None]], inference: InferenceSpec | None
) -> None:
    """Add an issue for each random view with chains, whose state belongs to one form of each image."""
    if not isinstance(inference, ChainSpec):
        return
    for name, steps in views.items():
        if any(isinstance(step, HostViewSpec) or (isinstance(step, DeviceViewSpec) and step.random) for step in steps):
            what = "is random, but the chains of the inference need the same images in every round"
            lookup.add_issue(f"views.{name}", what, "Remove the view, or use an inference without chains")


def check_alignments(
    lookup: Lookup, views: Mapping[str, Sequence[ViewSpec | None]], plans: Mapping[str, StepPlan]
) -> None:
    """Add an issue for each view that moves pixels without an alignment, if a plan reads the alignment."""
    wanted = {name for plan in plans.values() for name in plan.given}
    for name, steps in views.items():
        for step in steps if name + ALIGNMENT in wanted else ():
            lost = isinstance(step, HostViewSpec) or (isinstance(step, DeviceViewSpec) and not step.in_place)
            if lost and not isinstance(step, MovingViewSpec):
                what = f"{type(step).__name__} moves pixels and returns no alignment"
                lookup.add_issue(
                    f"views.{name}", what, "Use affine, flip or resized-crop, or a plugin's MovingViewSpec"
                )


def baseline_label(baseline: Baseline) -> str:
    """Return what tells a baseline from another of its name: what it reads, and how that is reduced."""
    if isinstance(baseline, MapBaselineSpec):
        return f"-on-{baseline.on}" if baseline.on != PIXELS else ""
    if not isinstance(baseline, BaselineSpec):
        return ""
    reduced = baseline.model_fields_set & {"pca", "whiten"}
    options = f"-pca{baseline.pca or ''}" * bool(reduced) + "-white" * baseline.whiten
    return f"-on-{baseline.on}{options}" if baseline.on != PIXELS or reduced else ""


def check_baselines(lookup: Lookup, prior: PriorSpec | None, baselines: Mapping[str, Baseline]) -> None:
    """Add an issue for each baseline of whole images with a prior of label maps, and the reverse."""
    for name, baseline in baselines.items():
        of_pixels = isinstance(baseline, MapBaselineSpec)
        if prior is None or of_pixels == prior.per_pixel:
            continue
        clustered, wanted = ("pixels", "images") if of_pixels else ("whole images", "pixels")
        what = f"{name!r} clusters {clustered}, but the prior clusters {wanted}"
        fix = f"Use a baseline of {wanted}; `latentclust plugins list baseline` shows what each clusters"
        lookup.add_issue("evaluate.baselines", what, fix)


def check_spaces(lookup: Lookup, recipe: Recipe, roles: Mapping[str, str], baselines: Mapping[str, Baseline]) -> None:
    """Add an issue for each baseline on a network that the recipe does not have, or that represents no images."""
    where = "evaluate.baselines.on"
    for baseline in baselines.values():
        spaces = (PIXELS, *((FEATURES,) if recipe.features else ()))
        if not isinstance(baseline, BaselineSpec) or baseline.on in spaces:
            continue
        if baseline.on not in recipe.networks:
            fix = did_you_mean(baseline.on, (*spaces, *recipe.networks))
            lookup.add_issue(where, f"unknown network {baseline.on!r}", fix)
        else:
            check_representation(lookup, recipe, roles, where, baseline.on)
