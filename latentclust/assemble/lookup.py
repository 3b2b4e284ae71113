"""Lookup and validation of the parts that a recipe names; all issues are collected."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from latentclust.assemble.step_plan import parameter_types
from latentclust.errors import Issue, LatentclustError, did_you_mean
from latentclust.plugins.distributions import Provider
from latentclust.plugins.given import UsedPlugin
from latentclust.plugins.registry import Part, Registry
from latentclust.recipe.partial_validation import UNKNOWN_NAME, ValidTables
from latentclust.recipe.schema import QuantityTable, Recipe
from latentclust.recipe.table import PartTable
from latentclust.specs.inference import ChainSpec
from latentclust.specs.parts import Spec
from latentclust.specs.validation import validate

SpecT = TypeVar("SpecT", bound=Spec)


class Lookup:
    """A lookup of the parts of one recipe.

    Args:
        registry: Registry of all parts.
        tables: Validated tables of the recipe, with their issues.

    Attributes:
        issues: Issues of the recipe's tables, followed by all that were found since.
        distributions: Versions of the distributions that provide the used parts, by name.
    """

    def __init__(self, registry: Registry, tables: ValidTables) -> None:
        self.issues: list[Issue] = list(tables.issues)
        self.distributions: dict[str, str] = {}
        self._used: set[tuple[Provider, str]] = set()
        self._registry = registry
        self._salvaged = bool(tables.issues)

    def add_issue(self, where: str, what: str, fix: str) -> None:
        """Add an issue."""
        self.issues.append(Issue(where, what, fix))

    def record_use(self, part: Part) -> None:
        """Record the distribution that provides a part."""
        self.distributions[part.provider.distribution] = part.provider.version
        self._used.add((part.provider, f"{part.kind} {part.name}"))

    def plugins(self) -> tuple[UsedPlugin, ...]:
        """Return the given plugins that provide used parts."""
        found = []
        for plugin in self._registry.given:
            own = sorted(part for provider, part in self._used if provider == plugin.provider)
            found += [UsedPlugin(plugin, tuple(own))] if own else []
        return tuple(found)

    def spec(self, kind: str, item: str | PartTable, where: str, base: type[SpecT]) -> SpecT | None:
        """Return the part of a name or a table with its options, or None after adding issues.

        Args:
            kind: Kind of the part.
            item: Name of the part, or a table with `use` and options.
            where: Key of the item in the recipe.
            base: Required class of the spec.
        """
        table = PartTable(use=item) if isinstance(item, str) else item
        if table.use == UNKNOWN_NAME and self._salvaged:
            return None
        named_at = where if isinstance(item, str) else f"{where}.use"
        try:
            part = self._registry.find(kind, table.use, named_at)
            built = validate(part.value, table.options, where, type(table).model_fields)
        except LatentclustError as error:
            self.issues.extend(error.issues)
            return None
        self.record_use(part)
        for kind_, name, _ in built.nested():
            self.record_use(self._registry.find(kind_, name, where))
        if not isinstance(built, base):
            self.add_issue(named_at, f"{table.use!r} cannot be used here", f"Use a {kind} of type {base.__name__}")
            return None
        return built

    def specs(
        self,
        kind: str,
        items: Sequence[str | PartTable],
        where: str,
        base: type[SpecT],
        label: Callable[[SpecT], str] = lambda spec: "",
    ) -> dict[str, SpecT]:
        """Return the parts of a list of names and tables by name.

        The label of a part is appended to its name. A name that is listed several times gets its position appended.
        """
        found: dict[str, SpecT] = {}
        names = [item if isinstance(item, str) else item.use for item in items]
        specs = [self.spec(kind, item, f"{where}.{position}", base) for position, item in enumerate(items)]
        for position, spec in enumerate(specs):
            if spec is not None:
                name = names[position] + label(spec)
                found[name if name not in found else f"{name}-{position + 1}"] = spec
        return found

    def offers(self, per_pixel: bool = False) -> dict[str, str]:
        """Return the quantities that inferences with chains provide to a training step, with the inference's name.

        Args:
            per_pixel: Whether inferences of label maps, or those of whole images are considered.
        """
        parts = [part for part in self._registry.parts("inference") if issubclass(part.value, ChainSpec)]
        parts = [part for part in parts if part.value.reads_maps == per_pixel]
        return {quantity: part.name for part in parts for quantity in part.value.provides}

    def quantities(self, recipe: Recipe) -> dict[str, "Definition | LatentclustError"]:
        """Return all quantities by name, as the recipe defines them, or the error of one that cannot be used.

        Two plugins may define a quantity of the same name, and one may have required options. That is an issue only if
        the recipe uses it.
        """
        names = {part.name for part in self._registry.parts("quantity")} | set(recipe.quantities)
        names |= {str(one.name) for one in self._registry.broken if one.kind == "quantity"}  # find says what is wrong
        found: dict[str, Definition | LatentclustError] = {}
        for name in sorted(names):
            item = recipe.quantities.get(name, name)
            table = QuantityTable(use=item) if isinstance(item, str) else item
            try:
                found[name] = self._definition(table, f"quantities.{name}", isinstance(item, str))
            except LatentclustError as error:
                found[name] = error
                self.issues.extend(error.issues if name in recipe.quantities else ())
        return found

    def _definition(self, table: QuantityTable, where: str, bare: bool) -> "Definition":
        """Return the definition of a quantity. Raise LatentclustError if its table is invalid."""
        part = self._registry.find("quantity", table.use, where if bare else f"{where}.use")
        function = part.value
        if isinstance(function, type):
            function = validate(function, table.options, where, QuantityTable.model_fields)
        elif table.options:
            key = next(iter(table.options))
            raise LatentclustError.at(f"{where}.{key}", f"{table.use!r} has no options", "Remove the key")
        parameters = parameter_types(function)[0]
        for parameter in table.on:
            if parameter not in parameters:
                what = f"the quantity {table.use!r} has no parameter {parameter!r}"
                raise LatentclustError.at(f"{where}.on", what, did_you_mean(parameter, parameters))
        return Definition(part, function, table.on)


@dataclass(frozen=True, slots=True)
class Definition:
    """A quantity of a recipe.

    Attributes:
        part: The part.
        function: What computes it: the function, or the spec with its options.
        on: Values that its parameters are bound to, if other than those of their names.
    """

    part: Part
    function: Callable[..., Any]
    on: Mapping[str, str]
