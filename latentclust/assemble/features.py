"""Which network reads the features of which, and whether it can."""

from collections.abc import Mapping

from latentclust.assemble.lookup import Lookup
from latentclust.recipe.schema import NetworkTable, Recipe

ALWAYS = ("discriminator", "centroids")
"""The roles that read features whatever their table's `reads` says."""


def reads_features(table: NetworkTable, role: str) -> bool:
    """Whether a network reads the features of another."""
    return role in ALWAYS or table.reads == "features"


def feature_source(recipe: Recipe, table: NetworkTable) -> str:
    """The network whose features another reads."""
    return table.features_of or ("trunk" if "trunk" in recipe.networks else "encoder")


def feature_chain(recipe: Recipe, roles: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The networks that one rests on by reading features, each once, the nearest first."""
    chain: list[str] = []
    while name in roles and reads_features(recipe.networks[name], roles[name]):
        name = feature_source(recipe, recipe.networks[name])
        if name in chain:
            break
        chain.append(name)
    return tuple(chain)


def build_order(recipe: Recipe, roles: Mapping[str, str]) -> list[str]:
    """The networks, those whose features others read first, and discriminators last."""
    depth = {name: len(feature_chain(recipe, roles, name)) for name in recipe.networks}
    return sorted(recipe.networks, key=lambda name: (roles[name] == "discriminator", depth[name]))


def check_features(lookup: Lookup, recipe: Recipe, roles: Mapping[str, str]) -> None:
    """Refuses to read the features of what has none, or of what rests on the reader's own."""
    for name in roles:
        chain = feature_chain(recipe, roles, name)
        if not chain:
            continue
        where, fix = f"networks.{name}.features_of", "Name a network with role trunk or encoder"
        if roles.get(chain[0]) not in ("encoder", "trunk"):
            lookup.add_issue(
                where, f"it reads the features of {chain[0]!r}, which is no trunk or encoder of this recipe", fix
            )
        elif name in chain:
            lookup.add_issue(where, f"features go round in a circle: {' -> '.join((name, *chain))}", fix)
