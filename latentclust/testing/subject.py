"""The part under check, built from its defaults and examples, and the exceptions of checks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from latentclust.errors import LatentclustError
from latentclust.plugins.registry import Part, Registry
from latentclust.specs.backbones import BackboneSpec
from latentclust.specs.parts import PriorSpec, Spec
from latentclust.specs.validation import validate
from latentclust.tensors import Shape

T = TypeVar("T")

CLUSTERS = 3
"""Number of clusters in all checks."""


class CheckFailed(AssertionError):
    """The problem that a check found, as a sentence without its full stop."""


class NotApplicable(Exception):
    """The reason why a check does not apply to a part."""


def require(holds: object, what: str) -> None:
    """Raise CheckFailed with `what` if a condition does not hold."""
    if not holds:
        raise CheckFailed(what)


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """A part under check.

    Attributes:
        part: The part.
        registry: Registry of all installed parts.
    """

    part: Part
    registry: Registry

    @property
    def spec(self) -> type[Spec]:
        """Class of a part with options."""
        assert isinstance(self.part.value, type), "only specs have options"
        return self.part.value

    def build(self, **options: Any) -> Any:
        """Build the part from its defaults, the examples of its fields and `options`.

        Raises:
            CheckFailed: If a required option has no example.
        """
        given = example_options(self.part) | options
        for name, field in self.spec.model_fields.items():
            unsaid = field.is_required() and name not in given
            require(not unsaid, f"the option {name!r} is required but has no example: add Field(examples=[...])")
        built = validate(self.spec, given, self.part.name)
        return built.for_prior(self._prior()) if isinstance(built, BackboneSpec) else built

    def _prior(self) -> PriorSpec:
        """Return a registered prior, from which a backbone takes its sizes."""
        prior: PriorSpec = CheckedPart(self.registry.parts("prior")[0], self.registry).build()
        return prior


def example_options(part: Part) -> dict[str, Any]:
    """Return the options with which a part is checked: the first example of every field that has one.

    Authors add examples with pydantic's `Field(examples=[...])` to required options and to options with an expensive
    default. Every prior accepts `clusters`.
    """
    always = {"clusters": CLUSTERS} if part.kind == "prior" else {}
    fields = part.value.model_fields.items()
    return always | {name: field.examples[0] for name, field in fields if field.examples}


def unless_refused(call: Callable[..., T], *arguments: Any, refusals: list[str] | None = None) -> T | None:
    """Return the result of a call, or None if the part rejects the arguments with a LatentclustError.

    Args:
        call: The call.
        arguments: Its arguments.
        refusals: List that the message of the error is added to.
    """
    try:
        return call(*arguments)
    except LatentclustError as error:
        if refusals is not None:
            refusals.extend(str(issue).rstrip(".") for issue in error.issues)
        return None


def accepted(what: str, call: Callable[..., T], among: Iterable[Any], *more: Any) -> list[T]:
    """Return the results of a call for the items that the part does not reject.

    Raises:
        CheckFailed: If it rejects all of them, with `what` and its reasons.
    """
    refusals: list[str] = []
    found = [one for item in among if (one := unless_refused(call, item, *more, refusals=refusals)) is not None]
    require(found, f"it rejects {what}: {'; '.join(dict.fromkeys(refusals))}")
    return found


def taken(build: Callable[[Shape], object], shapes: Sequence[Shape], at_most: int = 1) -> list[Shape]:
    """Return the first shapes that a part accepts, at least one. It must reject others with a LatentclustError."""
    refusals: list[str] = []
    fitting = (shape for shape in shapes if unless_refused(build, shape, refusals=refusals) is not None)
    found = list(islice(fitting, at_most))
    reasons = "; ".join(dict.fromkeys(refusals))
    require(found, f"it accepts none of the shapes {', '.join(map(str, shapes))}: {reasons}")
    return found
