"""Means of losses and diagnostics over a range of rounds, by which starts are compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from latentclust.errors import LatentclustError, did_you_mean


@dataclass(slots=True)
class LossWindow:
    """The means since a round, from the records of a training; a record weighs as much as the rounds that it averages.

    Attributes:
        since: Number of rounds before the window.
        diagnostics: Keys `chains.NAME` that the records must contain.
        totals: Sum over the rounds of the window by `losses.NAME` or `chains.NAME`.
        last_round: Last round that is included in `totals`.
    """

    since: int
    diagnostics: tuple[str, ...] = ()
    totals: dict[str, float] = field(default_factory=dict)
    last_round: int = 0

    def update(self, losses: Mapping[str, float], diagnostics: Mapping[str, float], round_: int) -> None:
        """Add the means since the last record. One record must end with the round `since`.

        Raises:
            LatentclustError: If the chains do not have a diagnostic that the recipe names.
        """
        values = {f"losses.{name}": value for name, value in losses.items()}
        values |= {f"chains.{name}": value for name, value in diagnostics.items()}
        for key in self.diagnostics:
            if key not in values:
                fix = did_you_mean(key, values)
                raise LatentclustError.at("train.score_starts_by", f"there is no {key!r} in the log", fix)
        if round_ > self.since:
            rounds = round_ - max(self.last_round, self.since)
            for name, value in values.items():
                self.totals[name] = self.totals.get(name, 0.0) + value * rounds
        self.last_round = round_

    def means(self) -> dict[str, float]:
        """Return the mean of each value over the rounds of the window."""
        rounds = max(self.last_round - self.since, 1)
        return {name: total / rounds for name, total in self.totals.items()}

    def state(self) -> dict[str, Any]:
        """Return the window as a JSON-serializable dict."""
        return {"since": self.since, "totals": self.totals, "last_round": self.last_round}

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from what `state` returned, if it is the same window."""
        if state is not None and state["since"] == self.since:
            self.totals, self.last_round = dict(state["totals"]), int(state["last_round"])
