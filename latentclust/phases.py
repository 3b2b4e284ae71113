"""Progress of long work in named phases, told to a listener. Without a listener it is silent."""

from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar, final, runtime_checkable

Batch = TypeVar("Batch", bound=Sized)


@dataclass(frozen=True, slots=True)
class Phase:
    """The progress of one phase.

    Attributes:
        name: What is done, such as `reading out`.
        done: Number of units that are done. A batch may be done in part.
        total: Number of all units. None if they cannot be counted.
        unit: Units in the plural, such as `images`. Empty for steps of different lengths.
    """

    name: str
    done: float = 0.0
    total: int | None = None
    unit: str = ""


@runtime_checkable
class PhaseListener(Protocol):
    """A receiver of the phases before and after a training, or of a command without one."""

    def on_phase(self, phase: Phase) -> None:
        """Handle the beginning of a phase, or its progress. It is called often, and must return at once."""
        ...


def _ignore(_: Phase) -> None:
    """Do nothing."""


@final
class Count:
    """Counts the units of one phase, and tells a listener after each change."""

    def __init__(self, tell: Callable[[Phase], None], phase: Phase) -> None:
        """Tell that the phase begins."""
        self._tell, self._phase = tell, phase
        tell(phase)

    def add(self, units: int) -> None:
        """Count units that are done."""
        self._phase = replace(self._phase, done=self._phase.done + units)
        self._tell(self._phase)

    def part(self, units: int) -> Callable[[int, int], None]:
        """Return a function that tells the done part of the next units, from a number of steps and of all steps."""

        def on_step(step: int, steps: int) -> None:
            self._tell(replace(self._phase, done=self._phase.done + units * step / steps))

        return on_step

    def reach(self, step: int, steps: int) -> None:
        """Tell the number of steps that are done, of all steps."""
        self._phase = replace(self._phase, done=float(step), total=steps)
        self._tell(self._phase)

    def each(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield batches. The units of each are counted when the next one is asked for."""
        for batch in batches:
            yield batch
            self.add(len(batch))


@final
@dataclass(frozen=True, slots=True)
class Phases:
    """Begins the phases of a work.

    Attributes:
        tell: Receives each phase at its beginning and whenever it advances.
        place: Part of the work to which the phases belong, with which their names begin.
    """

    tell: Callable[[Phase], None] = field(default=_ignore)
    place: str = ""

    def begin(self, name: str, total: int | None = None, unit: str = "") -> Count:
        """Begin a phase, which ends when the next one begins.

        Args:
            name: What is done.
            total: Number of units. None if they cannot be counted.
            unit: Units in the plural.
        """
        return Count(self.tell, Phase(f"{self.place}{': ' * bool(self.place)}{name}", total=total, unit=unit))

    def within(self, place: str) -> "Phases":
        """Return the phases of a part of the work."""
        return replace(self, place=f"{self.place}{': ' * bool(self.place)}{place}")


SILENT = Phases()
"""Phases that nobody listens to."""


def phases_of(listener: object) -> Phases:
    """Return phases that are told to a listener if it handles them."""
    return Phases(listener.on_phase) if isinstance(listener, PhaseListener) else SILENT
