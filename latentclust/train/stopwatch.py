"""A stopwatch for training time and throughput."""

import time


class Stopwatch:
    """A measure of training time and throughput.

    Args:
        round_: Number of rounds finished when it starts.

    Attributes:
        saved: Time of the last checkpoint, or of the start.
    """

    def __init__(self, round_: int) -> None:
        self.start = self.last = self.saved = time.perf_counter()
        self.round = round_

    @property
    def since_saved(self) -> float:
        """Minutes since the last checkpoint."""
        return (time.perf_counter() - self.saved) / 60

    def lap(self, round_: int, images_per_round: int) -> tuple[float, float]:
        """Return the images per second since the last lap, and the seconds since the start."""
        now = time.perf_counter()
        rate = (round_ - self.round) * images_per_round / max(now - self.last, 1e-9)
        self.last, self.round = now, round_
        return rate, now - self.start
