"""A system by itself: a recipe that lacks nothing but data."""

from latentclust.assemble.resolve import Resolved, resolve
from latentclust.errors import LatentclustError
from latentclust.plugins.registry import Registry
from latentclust.recipe.load import load_recipe
from latentclust.specs.validation import validate


def resolve_system(name: str, registry: Registry, settings: tuple[str, ...] = ()) -> Resolved:
    """A system, `NAME@VERSION`, with a data set that stands for any: none is opened to resolve a recipe.

    Raises:
        LatentclustError: There is no such system, or it does not resolve.
    """
    chosen = any(setting.partition("=")[0].strip() == "data.use" for setting in settings)
    data = {} if chosen else {"data": {"use": any_data(registry)}}
    return resolve(load_recipe({"extends": name} | data, registry, settings), registry)


def any_data(registry: Registry) -> str:
    """The first data set that needs no option."""
    for part in registry.parts("dataset"):
        try:
            validate(part.value, {}, part.name)
        except LatentclustError:
            continue
        return part.qualified
    raise LatentclustError.at("data", "there is no data set that needs no option", "Install one, or set data.use")
