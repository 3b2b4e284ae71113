"""Progress events of a training: records, and the listeners that receive them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Record:
    """One line of `metrics.jsonl`.

    Attributes:
        round: Number of rounds finished.
        rounds: Number of rounds of the training, or those up to the next decision between starts.
        seconds: Training time so far in this process, in seconds.
        images_per_second: Training samples per second since the last record, of all players and processes.
        losses: Mean of each loss term since the last record.
        oracle: Metrics against the labels, if the recipe has a learning curve; never used for selection.
        chains: Mean of each diagnostic of the inference's chains since the last record.
        stage: Stage of the round; empty for a training without stages.
        precision: Precision of the networks: `fp32`, `bf16` or `fp16`.
        cluster_sizes: Number of training images or pixels in each cluster since the last record that has them. Empty if
            there are too few yet.
        cluster_means: Mean probability of each cluster over the same images.
        start: Number of the start, counted from 1; 0 for a training with a single one.
    """

    round: int
    rounds: int
    seconds: float
    images_per_second: float
    losses: dict[str, float] = field(default_factory=dict)
    oracle: dict[str, float] = field(default_factory=dict)
    chains: dict[str, float] = field(default_factory=dict)
    stage: str = ""
    precision: str = "fp32"
    cluster_sizes: tuple[int, ...] = ()
    cluster_means: tuple[float, ...] = ()
    start: int = 0

    def line(self) -> dict[str, Any]:
        """Return the record as a JSON-serializable dict. Times come last, so that equal runs begin with equal text."""
        line: dict[str, Any] = {"round": self.round, "losses": self.losses}
        if self.start:
            line["start"] = self.start
        if self.stage:
            line["stage"] = self.stage
        if self.chains:
            line["chains"] = self.chains
        if self.oracle:
            line["oracle"] = self.oracle
        line["precision"] = self.precision
        if self.cluster_sizes:
            means = [round(mean, 5) for mean in self.cluster_means]
            line["clusters"] = {"sizes": list(self.cluster_sizes), "mean": means}
        return line | {"seconds": round(self.seconds, 3), "images_per_second": round(self.images_per_second, 1)}


@runtime_checkable
class Listener(Protocol):
    """A receiver of the progress events of one training."""

    def on_start(self, round_: int, rounds: int) -> None:
        """Handle the start, or the resumption after `round_` rounds, of a training of `rounds` rounds."""
        ...

    def on_record(self, record: Record) -> None:
        """Handle a new record."""
        ...

    def on_end(self) -> None:
        """Handle the end of the training, whether it finished, failed or was stopped."""
        ...


@runtime_checkable
class RoundListener(Protocol):
    """A listener that also counts the rounds. Other listeners see the records alone."""

    def on_round(self, round_: int) -> None:
        """Handle the end of a round. It is called often, and must return at once."""
        ...


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of a training with several starts: one start up to the next decision, or the best one to the end.

    Attributes:
        start: Number of the start, counted from 1.
        count: Number of starts of the recipe.
        chosen: Whether this start was chosen, so that the leg ends with the training.
        progress: Number of rounds that each start has finished, by its number; 0 is what the starts of a stage share.
    """

    start: int
    count: int
    chosen: bool
    progress: Mapping[int, int]


@runtime_checkable
class StartsListener(Protocol):
    """A listener that also follows a training with several starts. Other listeners see the records alone."""

    def on_leg(self, leg: Leg) -> None:
        """Handle the beginning of a leg; `on_start` follows."""
        ...

    def on_decision(self, text: str) -> None:
        """Handle a decision between starts, described in one sentence."""
        ...


@runtime_checkable
class WarningListener(Protocol):
    """A listener that also shows warnings about a recipe, before the training. Others find them in the report."""

    def on_warning(self, text: str) -> None:
        """Handle a warning, one sentence without a full stop."""
        ...


@runtime_checkable
class StopListener(Protocol):
    """A listener that also acknowledges a request to stop. Others see the end alone."""

    def on_stop(self) -> None:
        """Handle a request to stop, in a thread of its own: the training ends after the current round."""
        ...


@runtime_checkable
class FeaturesListener(Protocol):
    """A listener that also follows the computation of a feature bank, before the training."""

    def on_features(self, text: str) -> None:
        """Handle the progress, one sentence without a full stop."""
        ...


class NullListener:
    """A listener that ignores all events."""

    def on_start(self, round_: int, rounds: int) -> None:
        """Do nothing."""

    def on_record(self, record: Record) -> None:
        """Do nothing."""

    def on_end(self) -> None:
        """Do nothing."""
