"""The graph of networks that read each other's features."""

from collections.abc import Mapping

from latentclust.assemble.lookup import Lookup
from latentclust.recipe.schema import NetworkTable, Recipe
from latentclust.specs.inference import InferenceSpec
from latentclust.specs.sample_tables import TableSpec

FEATURE_ROLES = ("discriminator", "centroids")
"""Roles that read features whatever `reads` in their table, except that centroids can read latents."""

UNREPRESENTED = ("generator", "discriminator", "centroids")
"""Roles whose networks have no representation of images."""


def reads_features(table: NetworkTable, role: str) -> bool:
    """Return whether a network reads the features of another one."""
    return not reads_codes(table, role) and (role in FEATURE_ROLES or table.reads == "features")


def reads_codes(table: NetworkTable, role: str) -> bool:
    """Return whether a network compares codes, or other latent vectors, with centroids."""
    return role == "centroids" and table.reads == "latent"


def code_source(table: NetworkTable) -> str:
    """Return the name of the encoder whose codes centroids read."""
    return table.features_of or "encoder"


def code_sources(recipe: Recipe, roles: Mapping[str, str]) -> dict[str, str]:
    """Return the encoder whose code centroids read, by the name of the reader."""
    tables = {name: recipe.networks[name] for name in roles}
    return {name: code_source(table) for name, table in tables.items() if reads_codes(table, roles[name])}


def feature_source(recipe: Recipe, table: NetworkTable) -> str:
    """Return the name of the network whose features another one reads."""
    return table.features_of or ("trunk" if "trunk" in recipe.networks else "encoder")


def feature_chain(recipe: Recipe, roles: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the networks that one depends on by reading features, each once, the nearest first."""
    chain: list[str] = []
    while name in roles and reads_features(recipe.networks[name], roles[name]):
        name = feature_source(recipe, recipe.networks[name])
        if name in chain:
            break
        chain.append(name)
    return tuple(chain)


def build_order(recipe: Recipe, roles: Mapping[str, str]) -> list[str]:
    """Return the networks in an order in which each comes after those whose features it reads; discriminators last."""
    depth = {name: len(feature_chain(recipe, roles, name)) for name in recipe.networks}
    return sorted(recipe.networks, key=lambda name: (roles[name] == "discriminator", depth[name]))


def feature_sources(recipe: Recipe, roles: Mapping[str, str]) -> dict[str, str]:
    """Return the network whose features another one reads, by the name of the reader."""
    tables = {name: recipe.networks[name] for name in roles}
    return {name: feature_source(recipe, table) for name, table in tables.items() if reads_features(table, roles[name])}


def check_representation(lookup: Lookup, recipe: Recipe, roles: Mapping[str, str], where: str, name: str) -> None:
    """Add an issue if a network of the recipe has no representation of images: by its role, or it reads latents."""
    chain = (name, *feature_chain(recipe, roles, name))
    fix = "Name an encoder, a critic, a trunk or heads that read images or features"
    if roles.get(name) in UNREPRESENTED:
        lookup.add_issue(where, f"{name!r} is a {roles[name]}, which has no representation of images", fix)
    elif any(part in recipe.networks and recipe.networks[part].reads == "latent" for part in chain):
        lookup.add_issue(where, f"{name!r} reads latent vectors, so it has no representation of images", fix)


def check_representations(
    lookup: Lookup,
    recipe: Recipe,
    roles: Mapping[str, str],
    parts: Mapping[str, InferenceSpec | TableSpec | None],
) -> None:
    """Add an issue for each network whose representation a part reads, by its place, although it has none."""
    for where, part in parts.items():
        for name in part.represents if part else ():
            check_representation(lookup, recipe, roles, where, name)


def check_features(lookup: Lookup, recipe: Recipe, roles: Mapping[str, str]) -> None:
    """Add an issue for each network that reads features of an unsuitable network, or its own in a cycle."""
    for name, encoder in code_sources(recipe, roles).items():
        if roles.get(encoder) != "encoder":
            what = f"{encoder!r} is not an encoder of this recipe, and {name!r} reads codes"
            lookup.add_issue(f"networks.{name}.features_of", what, 'Name an encoder, or remove reads = "latent"')
    for name in roles:
        chain = feature_chain(recipe, roles, name)
        if not chain:
            continue
        where, fix = f"networks.{name}.features_of", "Use a network with the role trunk or encoder"
        if roles.get(chain[0]) not in ("encoder", "trunk"):
            lookup.add_issue(where, f"{chain[0]!r} is not a trunk or an encoder of this recipe", fix)
        elif name in chain:
            lookup.add_issue(where, f"features form a cycle: {' -> '.join((name, *chain))}", fix)
