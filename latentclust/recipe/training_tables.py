"""Models of a recipe's tables that say how networks are trained: losses, players, sample tables, stages, `[train]`."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from latentclust.recipe.table import PartTable, Table
from latentclust.specs.schedule import Ramp, Schedule

Decay = Annotated[float, Field(ge=0, lt=1)]


class LearningRamp(Ramp):
    """A learning rate that changes; it may end at 0."""

    start: PositiveFloat
    end: float = Field(ge=0)


class OptimizerTable(Table):
    """`[players.P.optimizer]`: the optimizer of a player."""

    use: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    """Torch's optimizer."""

    lr: PositiveFloat | LearningRamp = 1e-4
    """Learning rate."""

    betas: tuple[Decay, Decay] = (0.5, 0.9)
    """Decay rates of Adam. The first one is the momentum of sgd and rmsprop."""

    weight_decay: float = Field(default=0.0, ge=0)
    """Torch's weight decay."""


class PlayerTable(Table):
    """`[players.P]`: the networks that one optimizer updates, and the number of its steps per round."""

    networks: tuple[str, ...] = Field(min_length=1)
    """Networks that the player updates."""

    steps: PositiveInt = 1
    """Number of steps per round, each with a new batch."""

    optimizer: OptimizerTable = OptimizerTable()


class LossTable(PartTable):
    """`[losses.NAME]`: one term of a player's objective."""

    player: str
    """Player whose objective the term belongs to."""

    weight: Schedule = 1.0
    """Factor of the term in the sum."""

    on: Mapping[str, str] = {}
    """Quantity, network or view that a parameter of the loss is bound to. Defaults to the one of the same name."""

    stages: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Stages in which the loss is active. Defaults to all."""

    enabled: bool = True
    """Whether the term is part of the objective."""

    if_empty: str = ""
    """Likely cause and remedy of an empty cluster, for the report; `{value}` stands for the term's last magnitude."""


class StartsTable(Table):
    """`train.starts`, or `starts` of a stage, as a table: how many starts are trained, and for how long."""

    count: PositiveInt
    """Number of starts."""

    fraction: float | None = Field(default=None, gt=0, le=1)
    """Fraction of the rounds after which one start is left. Each halving before it happens at half as many rounds.
    Defaults to 0.25 of the training, and to 1 for the starts of a stage."""


class StageTable(Table):
    """`[stages.NAME]`: a range of rounds with its own set of active losses."""

    rounds: PositiveInt
    """Number of rounds. If `train.rounds` is set too, stages share it in proportion to their rounds."""

    start: str | PartTable | None = None
    """Part that computes the weights the stage begins with. By default, the weights do not change."""

    batch_size: PositiveInt | None = None
    """Number of samples per step on each device. Defaults to that of `[train]`."""

    optimizers: Mapping[str, OptimizerTable] = {}
    """Optimizers of players in this stage, by the name of the player, in place of those in their own tables."""

    select_by: str | None = None
    """`last`, or `losses.NAME`: the weights that the stage ends with. Defaults to `last`, in the last stage to that of
    `[train]`. The interval and the fraction of the rounds are those of `[train]`."""

    starts: PositiveInt | StartsTable = 1
    """Number of starts of the stage, all from the weights of the stages before, of which the best goes on."""


class SampleTable(PartTable):
    """`[tables.NAME]`: a sample table, with one row per training sample, computed from all samples."""

    every: NonNegativeInt = 0
    """Rounds of a stage between computations. 0: once, when the first stage that reads the table begins."""


class TrainTable(Table):
    """`[train]`: length, precision, devices, selection and logging of the training."""

    rounds: NonNegativeInt
    """Number of rounds. In a round every player takes its steps. It is 0 without losses, and only then."""

    batch_size: PositiveInt = 64
    """Number of samples per step on each device."""

    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Precision of the networks in training. `auto` is bf16 on a CPU if that is faster, and otherwise fp32."""

    devices: PositiveInt = 1
    """Number of processes of data-parallel training, each with its own device."""

    starts: PositiveInt | StartsTable = 1
    """Number of starts: trainings from other initial weights, of which the best goes on after a part of the rounds."""

    score_starts_by: tuple[str, ...] = Field(default=("empty-clusters", "information"), min_length=1)
    """Label-free criteria that compare starts, the most important first. Later ones count between equals only."""

    select_by: str = "last"
    """`last`, or `losses.NAME`: the weights at which that term, averaged over a window, is nearest to zero."""

    select_since: float = Field(default=0.5, ge=0, lt=1)
    """Fraction of the rounds before which no weights are selected, because a critic must first converge."""

    select_every: PositiveInt = 100
    """Number of rounds in a selection window."""

    log_every: PositiveInt = 20
    """Rounds between lines of `metrics.jsonl`."""

    checkpoint_every: PositiveInt = 500
    """Rounds between checkpoints."""

    checkpoint_minutes: PositiveFloat = 5.0
    """Minutes between checkpoints, if they are less than `checkpoint_every` rounds."""

    trial: bool = False
    """Whether this is a trial with a tenth of the recipe's rounds, and not a result. `--quick` sets it."""
