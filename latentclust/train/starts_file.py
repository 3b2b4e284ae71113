"""The file `starts.json` of a run folder: the scores of all starts, and which of them went on."""

import math
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from latentclust.assemble.start_plan import Criterion
from latentclust.errors import LatentclustError, UnreadableCheckpointError
from latentclust.files import write_atomic

STARTS = "starts.json"

STARTS_FOLDER = "starts"
"""Folder of the checkpoints of all starts, inside the run folder, until one of them is left."""


class StartScore(BaseModel):
    """The score of a start at a decision.

    Attributes:
        start: Number of the start, counted from 1.
        seed: Seed of the start. A start of the whole training has the weights of a run with this seed and
            `train.starts = 1`. A start of a stage is not repeated by such a run, because the stages before have
            the recipe's own seed.
        values: Value of each criterion by its key, such as `losses.critic`. None for a value that is not finite, which
            JSON cannot express. Empty for a start that failed.
        failed: Why the start failed, such as a loss that is not finite. None if it did not.
    """

    model_config = ConfigDict(frozen=True)

    start: int
    seed: int
    values: dict[str, float | None] = {}
    failed: str | None = None

    def badness(self, criteria: Sequence[Criterion]) -> tuple[float, ...]:
        """Return a key that sorts the best start first. A failed start, or one without a finite value, is last."""
        if self.failed is not None:
            return tuple(math.inf for _ in criteria)
        finite = {key: value for key, value in self.values.items() if value is not None}
        return tuple(criterion.badness(finite) if criterion.key in finite else math.inf for criterion in criteria)


class Decision(BaseModel):
    """A decision between starts.

    Attributes:
        round: Round after which the starts were compared.
        scores: Scores of the starts that were compared so far.
        kept: Starts that went on, the best first. Empty until all are compared.
    """

    model_config = ConfigDict(frozen=True)

    round: int
    scores: tuple[StartScore, ...] = ()
    kept: tuple[int, ...] = ()


class StartsLog(BaseModel):
    """The contents of starts.json.

    Attributes:
        count: Number of starts.
        stage: Stage that the starts are of. Empty for starts of the whole training.
        criteria: Criteria that compare the starts, the most important first.
        decisions: Decisions so far, in order.
        precision: Precision of the first start and the type of its device, which all starts share.
    """

    model_config = ConfigDict(frozen=True)

    count: int
    criteria: tuple[str, ...]
    decisions: tuple[Decision, ...] = ()
    precision: dict[str, str] = {}
    stage: str = ""

    @property
    def alive(self) -> tuple[int, ...]:
        """Starts that the last decision kept, ascending; all before the first one."""
        kept = [decision.kept for decision in self.decisions if decision.kept]
        return tuple(sorted(kept[-1])) if kept else tuple(range(1, self.count + 1))

    @property
    def chosen(self) -> int | None:
        """Start that was trained to the end. None while several are left."""
        return self.alive[0] if len(self.alive) == 1 else None

    @property
    def keys(self) -> tuple[str, ...]:
        """Key of the value of each criterion."""
        return tuple(Criterion.parse(name).key for name in self.criteria)

    def with_decision(self, number: int, decision: Decision) -> "StartsLog":
        """Return the log with a decision replaced or added, counted from 0."""
        return self.model_copy(update={"decisions": (*self.decisions[:number], decision)})

    def checked(self, expected: "StartsLog", rounds: Sequence[int]) -> "StartsLog":
        """Return this log. Raise LatentclustError if the recipe was changed since it was written.

        Args:
            expected: Log with the number of starts and the criteria of the recipe.
            rounds: Rounds of the recipe's decisions.
        """
        written, wanted = self._described(), expected._described()
        decided = [decision.round for decision in self.decisions]
        if written != wanted or decided != list(rounds[: len(decided)]):
            was, now = ", ".join(map(str, decided)), ", ".join(map(str, rounds))
            what = f"is of another training: {written} {was or '-'}; the recipe has {wanted} {now}"
            raise LatentclustError.at(STARTS, what, "Restore recipe.toml, or start the run again without --resume")
        return self

    def _described(self) -> str:
        of = f" of {self.stage}" if self.stage else ""
        return f"{self.count} starts{of}, by {', '.join(self.criteria)}, decided after round"

    def write(self, folder: Path) -> None:
        """Write starts.json to a run folder. Raise LatentclustError if it cannot be written."""
        write_atomic(folder / STARTS, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "StartsLog":
        """Read starts.json from a run folder. Raise UnreadableCheckpointError if it is missing or invalid."""
        path = folder / STARTS
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            what = "cannot be read, but the training has several starts"
            raise UnreadableCheckpointError.at(str(path), what, "Start the run again without --resume") from error
