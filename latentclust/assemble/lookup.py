"""The parts that a recipe's tables name, found and validated, with every issue gathered."""

from collections.abc import Sequence
from typing import TypeVar

from latentclust.errors import Issue, LatentclustError
from latentclust.plugins.registry import Part, Registry
from latentclust.recipe.partial_validation import UNKNOWN_NAME, ValidTables
from latentclust.recipe.schema import PartTable, Recipe
from latentclust.specs.inference import ChainSpec
from latentclust.specs.parts import Spec
from latentclust.specs.validation import validate

SpecT = TypeVar("SpecT", bound=Spec)


class Lookup:
    """Looks parts up for one recipe.

    Attributes:
        issues: Those of the recipe's tables, and after them every one that was met.
        distributions: Who provided what is used: distribution to version.
    """

    def __init__(self, registry: Registry, tables: ValidTables) -> None:
        """Starts with the issues of the tables."""
        self.issues: list[Issue] = list(tables.issues)
        self.distributions: dict[str, str] = {}
        self._registry = registry
        self._salvaged = bool(tables.issues)

    def add_issue(self, where: str, what: str, fix: str) -> None:
        """Adds an issue."""
        self.issues.append(Issue(where, what, fix))

    def record_use(self, part: Part) -> None:
        """Remembers who provided a part."""
        self.distributions[part.provider.distribution] = part.provider.version

    def spec(self, kind: str, item: str | PartTable, where: str, base: type[SpecT]) -> SpecT | None:
        """The part that a name or a table asks for, with its options; None after noting issues."""
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
        if not isinstance(built, base):
            self.add_issue(named_at, f"{table.use!r} does not fit here", f"Use a {kind} of type {base.__name__}")
            return None
        return built

    def specs(self, kind: str, items: Sequence[str | PartTable], where: str, base: type[SpecT]) -> dict[str, SpecT]:
        """The parts of a list of names and tables, keyed by name; a repeated one by name and position."""
        found: dict[str, SpecT] = {}
        for position, item in enumerate(items):
            spec = self.spec(kind, item, f"{where}.{position}", base)
            name = item if isinstance(item, str) else item.use
            if spec is not None:
                found[name if name not in found else f"{name}-{position + 1}"] = spec
        return found

    def offers(self, per_pixel: bool = False) -> dict[str, str]:
        """What inferences with chains provide to a training step: the quantity's name to the inference's.

        Those of label maps, or those of whole images.
        """
        parts = [part for part in self._registry.parts("inference") if issubclass(part.value, ChainSpec)]
        parts = [part for part in parts if part.value.reads_maps == per_pixel]
        return {quantity: part.name for part in parts for quantity in part.value.provides}

    def quantities(self, recipe: Recipe) -> dict[str, Part | LatentclustError]:
        """Every quantity by name, in the definition that the recipe chose; an error where that is not one definition.

        Two plugins may define a quantity of one name, which is no issue of a recipe that does not ask for it.
        """
        names = {part.name for part in self._registry.parts("quantity")} | set(recipe.quantities)
        found: dict[str, Part | LatentclustError] = {}
        for name in sorted(names):
            try:
                found[name] = self._registry.find("quantity", recipe.quantities.get(name, name), f"quantities.{name}")
            except LatentclustError as error:
                found[name] = error
                self.issues.extend(error.issues if name in recipe.quantities else ())
        return found
