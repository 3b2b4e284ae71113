"""A part under check, built from its defaults and examples; and how a check says what is wrong with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from latentclust.errors import LatentclustError
from latentclust.plugins.registry import Part, Registry
from latentclust.specs.parts import Spec
from latentclust.specs.validation import validate
from latentclust.tensors import Shape

T = TypeVar("T")

CLUSTERS = 3
"""Clusters of everything that is made for a check."""


class CheckFailed(AssertionError):
    """What a check found wrong with a part, in a sentence without its full stop."""


class NotApplicable(Exception):
    """Why a check has nothing to say of a part."""


def require(holds: object, what: str) -> None:
    """Raises Unfit with `what` where something does not hold."""
    if not holds:
        raise CheckFailed(what)


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """A part under check.

    Attributes:
        part: The part.
        registry: Everything that is installed beside it.
    """

    part: Part
    registry: Registry

    @property
    def spec(self) -> type[Spec]:
        """The class of a part with options."""
        assert isinstance(self.part.value, type), "checks of options are asked of specs alone"
        return self.part.value

    def build(self, **options: Any) -> Any:
        """The part with its defaults, but for what its fields name as examples, and for `options`.

        Raises:
            Unfit: An option must be given, and names no example.
        """
        given = example_options(self.part) | options
        for name, field in self.spec.model_fields.items():
            unsaid = field.is_required() and name not in given
            require(not unsaid, f"the option {name!r} must be given, and names no example: add Field(examples=[...])")
        return validate(self.spec, given, self.part.name)


def example_options(part: Part) -> dict[str, Any]:
    """The options with which a part is checked: the first example of every field that names any.

    An author gives an example, by pydantic's `Field(examples=[...])`, of what must be given and of what is costly by
    default. Every prior takes `clusters`.
    """
    always = {"clusters": CLUSTERS} if part.kind == "prior" else {}
    fields = part.value.model_fields.items()
    return always | {name: field.examples[0] for name, field in fields if field.examples}


def unless_refused(call: Callable[..., T], *arguments: Any) -> T | None:
    """What a call gives, or None where the part refuses in words; whatever else it raises is a finding."""
    try:
        return call(*arguments)
    except LatentclustError:
        return None


def taken(build: Callable[[Shape], object], shapes: Sequence[Shape], at_most: int = 1) -> list[Shape]:
    """The first shapes that a part takes, of which there must be one; those before it must refuse in words."""
    fitting = (shape for shape in shapes if unless_refused(build, shape) is not None)
    found = list(islice(fitting, at_most))
    require(found, f"it takes none of the shapes {', '.join(map(str, shapes))}")
    return found
