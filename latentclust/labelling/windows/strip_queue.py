"""The order in which a cluster labels strips, also those whose worker was lost."""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import final

from latentclust.errors import LatentclustError
from latentclust.labelling.windows.strip_labeller import StripJob, StripResult

MAX_LOST_WORKERS = 3
"""Number of lost workers after which a strip fails."""

MEMORY_FIX = "Processes are usually killed because memory runs out: lower --workers, --batch or --tile"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A strip that a worker labels.

    Attributes:
        job: Strip.
        lost: Number of workers that were lost while they had the strip.
    """

    job: StripJob
    lost: int = 0

    def failed(self) -> StripResult:
        """Return the result of a strip that has lost too many workers."""
        what = f"{self.lost} worker processes were lost while they labelled strip {self.job.number + 1}"
        return StripResult(self.job, None, LatentclustError.at(self.job.scene.name, what, MEMORY_FIX))


@final
class StripQueue:
    """Strips to be labelled.

    A lost worker loses all strips that were sent to it. Each of them is labelled again while no other strip is, so that
    the next loss shows which strip is the cause.
    """

    def __init__(self, jobs: Iterator[StripJob], room: int) -> None:
        """Hand out strips, with at most `room` of them in flight."""
        self._jobs, self._room = jobs, room
        self._retries: deque[Attempt] = deque()

    def take(self, in_flight: Collection[Attempt]) -> Iterator[Attempt]:
        """Yield the strips to be sent now."""
        if any(attempt.lost for attempt in in_flight):
            return
        if self._retries:
            if not in_flight:
                yield self._retries.popleft()
            return
        for _ in range(self._room - len(in_flight)):
            job = next(self._jobs, None)
            if job is None:
                return
            yield Attempt(job)

    def lose(self, attempt: Attempt, workers: int) -> StripResult | None:
        """Take back a strip that has lost a number of workers. Return its result if it has failed."""
        attempt = Attempt(attempt.job, attempt.lost + workers)
        if attempt.lost >= MAX_LOST_WORKERS:
            return attempt.failed()
        self._retries.append(attempt)
        return None
