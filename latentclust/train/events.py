"""What training tells whoever watches: a progress bar, a log, a test."""

from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Record:
    """One line of `metrics.jsonl`.

    Attributes:
        round: Rounds finished.
        rounds: Rounds in all.
        seconds: Training time so far, in this process.
        images_per_second: Training samples read by all players and processes since the last record.
        losses: Mean of each term since the last record.
        chains: Mean of each diagnostic of an inference's chains since the last record.
        stage: The stage in which the round was played; empty of a training without stages.
        oracle: Metrics against the labels, where the recipe asks for a learning curve; never used to select.
    """

    round: int
    rounds: int
    seconds: float
    images_per_second: float
    losses: dict[str, float] = field(default_factory=dict)
    oracle: dict[str, float] = field(default_factory=dict)
    chains: dict[str, float] = field(default_factory=dict)
    stage: str = ""

    def line(self) -> dict[str, Any]:
        """The record as JSON keys; times are left out, so that equal runs write equal losses first."""
        line: dict[str, Any] = {"round": self.round, "losses": self.losses}
        if self.stage:
            line["stage"] = self.stage
        if self.chains:
            line["chains"] = self.chains
        if self.oracle:
            line["oracle"] = self.oracle
        return line | {"seconds": round(self.seconds, 3), "images_per_second": round(self.images_per_second, 1)}


@runtime_checkable
class Listener(Protocol):
    """Watches one training."""

    def on_start(self, round_: int, rounds: int) -> None:
        """Training starts, or resumes, after `round_` rounds."""
        ...

    def on_record(self, record: Record) -> None:
        """A record was made."""
        ...

    def on_end(self) -> None:
        """Training stopped, for whatever reason."""
        ...


class NullListener:
    """Watches and says nothing."""

    def on_start(self, round_: int, rounds: int) -> None:
        """Nothing."""

    def on_record(self, record: Record) -> None:
        """Nothing."""

    def on_end(self) -> None:
        """Nothing."""
