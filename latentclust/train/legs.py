"""Parts of a training with several starts: where a start begins, and the decision that ends a part."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from latentclust.train.loss_window import LossWindow


@dataclass(frozen=True, slots=True)
class Rung:
    """The part of a training that ends with a decision between starts, as in successive halving.

    Attributes:
        until: Last round of the part.
        file: File of the start's checkpoint.
        window: Means of losses and diagnostics, which compare the start with others.
    """

    until: int
    file: Path
    window: LossWindow


@dataclass(frozen=True, slots=True)
class Branch:
    """The beginning of a start of a stage: the checkpoint after the stages before, which all starts share.

    Attributes:
        file: File of the checkpoint.
        networks: Networks that the stage is the first to train; they keep the initial weights of the start.
    """

    file: Path
    networks: Sequence[str]
