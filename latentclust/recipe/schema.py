"""The tables of a recipe; the options of a part stay raw until the registry knows which part reads them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from latentclust.specs.schedule import Ramp, Schedule

SCHEMA = 1


class Table(BaseModel):
    """A table whose keys are all known here."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class PartTable(BaseModel):
    """A table that names a part with `use`; its unknown keys are that part's options."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)

    use: str

    @property
    def options(self) -> dict[str, Any]:
        """The keys that go to the part."""
        return dict(self.model_extra or {})


class LearningRamp(Ramp):
    """A learning rate that moves; it may end at 0."""

    start: PositiveFloat
    end: float = Field(ge=0)


Decay = Annotated[float, Field(ge=0, lt=1)]


class DataTable(PartTable):
    """`[data]`: which images, in what form, and where they live during training."""

    preprocess: tuple[PartTable, ...] = ()
    """Deterministic views applied to every image, in order, after augmentation."""

    resident: Literal["auto"] | bool = "auto"
    """Whether the set lives on the device: `auto` where it fits."""

    memory_limit: PositiveInt = 4 * 2**30
    """Bytes that a resident set may take."""

    workers: NonNegativeInt = 2
    """Processes that decode and augment a streamed set."""


class ViewTable(BaseModel):
    """`[views.NAME]`: one augmentation by `use`, or several in order by `steps`."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)

    use: str | None = None
    steps: tuple[PartTable, ...] = ()

    @model_validator(mode="after")
    def _one_form(self) -> "ViewTable":
        if (self.use is None) == (not self.steps):
            raise ValueError("a view has either `use` or a list of `steps`")
        if self.steps and self.model_extra:
            raise ValueError(f"options beside `steps` are read by none of them: {', '.join(self.model_extra)}")
        return self

    def parts(self) -> tuple[PartTable, ...]:
        """Its augmentations, in order."""
        return self.steps or (PartTable(use=str(self.use), **dict(self.model_extra or {})),)


class NetworkTable(PartTable):
    """`[networks.NAME]`: a backbone in a role."""

    role: Literal["encoder", "generator", "critic", "discriminator", "trunk", "heads", "centroids"] | None = None
    """The network's own name where that is a role."""

    reads: Literal["images", "latent", "features"] = "images"
    """What an encoder, a critic, a trunk or heads read.

    A generator reads latents, a discriminator features and latents, centroids features.
    """

    features_of: str | None = None
    """The network whose features it reads: by default `trunk` where there is one, else `encoder`."""

    heads: PositiveInt | None = None
    """How many sub-heads, of the role `heads` alone; 5 unless said."""

    clusters: int | None = Field(default=None, ge=2)
    """How many clusters each sub-head tells apart, of the role `heads` alone; the prior's unless said."""

    log_variance: bool = False
    """Whether an encoder also gives the log variance of its style."""

    init: Literal["default", "xavier-normal", "normal"] = "default"
    """Initial weights of linear and convolutional layers: torch's, Glorot's, or N(0, 0.02) as DCGAN's."""

    frozen: bool = False
    """Never trained, and always in evaluation mode."""


class OptimizerTable(Table):
    """`[players.P.optimizer]`."""

    use: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    lr: PositiveFloat | LearningRamp = 1e-4
    betas: tuple[Decay, Decay] = (0.5, 0.9)
    """Adam's decay rates; the first is the momentum of sgd and rmsprop."""

    weight_decay: float = Field(default=0.0, ge=0)


class PlayerTable(Table):
    """`[players.P]`: the networks that one optimizer moves, and its steps a round."""

    networks: tuple[str, ...] = Field(min_length=1)
    steps: PositiveInt = 1
    optimizer: OptimizerTable = OptimizerTable()


class LossTable(PartTable):
    """`[losses.NAME]`: one term of a player's objective."""

    player: str
    weight: Schedule = 1.0
    on: Mapping[str, str] = {}
    """The loss's parameters, by the quantity, network or view that each is bound to instead of its namesake."""

    stages: tuple[str, ...] | None = Field(default=None, min_length=1)
    """The stages of the training in which it counts; all unless given."""

    enabled: bool = True


class StageTable(Table):
    """`[stages.NAME]`: a part of the training, in which some of the losses count."""

    rounds: PositiveInt
    """How many it has; where `train.rounds` is said too, in proportion to the other stages'."""

    start: str | PartTable | None = None
    """What its first weights come from; the weights stay as they are unless given."""


class SampleTable(PartTable):
    """`[tables.NAME]`: a row for each training sample, computed from all of them."""

    every: NonNegativeInt = 0
    """Rounds of a stage after which it is computed anew; 0 for once, where the first stage that reads it begins."""


class TrainTable(Table):
    """`[train]`."""

    rounds: PositiveInt
    batch_size: PositiveInt = 64
    """Samples a step on each device."""

    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    devices: PositiveInt = 1
    """Processes of data-parallel training."""

    select_by: str = "last"
    """`last`, or `losses.NAME`: the weights where that term's mean over a window is nearest to zero."""

    select_since: float = Field(default=0.5, ge=0, lt=1)
    """The fraction of the rounds before which no weights are selected: a critic must first have converged."""

    select_every: PositiveInt = 100
    """Rounds in a selection window."""

    log_every: PositiveInt = 20
    checkpoint_every: PositiveInt = 500


class EvaluateTable(Table):
    """`[evaluate]`: what is reported, and on which part of the data set."""

    metrics: tuple[str | PartTable, ...] = ("accuracy", "purity", "nmi", "ari")
    baselines: tuple[str | PartTable, ...] = ("kmeans",)
    readouts: tuple[str | PartTable, ...] = ()
    """Other inferences that read the trained model out too; the report says how far they agree with its own."""

    split: Literal["all", "train", "test"] | None = None
    """The split that is inferred and scored; the training split unless said."""

    batch_size: PositiveInt = 500
    every: NonNegativeInt = 0
    """Rounds between entries of the learning curve, which reads labels and is never used to select; 0 for none."""

    tsne: bool = True
    """Whether the report draws the t-SNE of the codes."""


class Recipe(Table):
    """A whole experiment."""

    schema_version: Literal[1] = Field(alias="schema")
    name: str = Field(pattern=r"^[\w][\w.-]*$")
    description: str = ""
    seed: NonNegativeInt = 0
    data: DataTable
    views: Mapping[str, ViewTable] = {}
    prior: PartTable
    networks: Mapping[str, NetworkTable] = Field(min_length=1)
    players: Mapping[str, PlayerTable] = Field(min_length=1)
    quantities: Mapping[str, str] = {}
    """Other definitions of quantities, as `distribution:name`."""

    tables: Mapping[str, SampleTable] = {}
    losses: Mapping[str, LossTable] = Field(min_length=1)
    stages: Mapping[str, StageTable] = {}
    train: TrainTable
    inference: PartTable
    evaluate: EvaluateTable = EvaluateTable()
