"""Models of a recipe's tables. The options of a part are validated later, by the spec that the registry finds."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from latentclust.recipe.table import PartTable, Table
from latentclust.recipe.training_tables import LossTable, PlayerTable, SampleTable, StageTable, TrainTable
from latentclust.specs.schedule import Ramp

SCHEMA = 1
"""Version of the recipe schema."""


Share = Annotated[float, Field(ge=0, le=1)]


class DecayRamp(Ramp):
    """A share of weights that changes with the progress of a stage, such as a cosine from 0.996 to 1."""

    start: float = Field(ge=0, le=1)
    end: float = Field(ge=0, le=1)


class DataTable(PartTable):
    """`[data]`: the data set, its preprocessing, and where it is kept during training."""

    preprocess: tuple[PartTable, ...] = ()
    """Deterministic views that are applied to every image, in order, after augmentation."""

    display: Annotated[tuple[PositiveInt | str, ...], Field(min_length=1, max_length=3)] | None = None
    """Bands that pictures show as red, green and blue: names, or positions among the bands that are read, counted from
    1. One or two are shown in grey. Defaults to red, green and blue by name, else a composite with infrared, else the
    first three."""

    compare_files_by: Literal["time", "contents"] = "time"
    """How a resumed training notices that files have changed, besides their names and sizes: by the time of their last
    change, or by a hash of their contents, which reads all of them and accepts copies."""

    resident: Literal["auto"] | bool = "auto"
    """Whether the data set is kept on the device. `auto`: if it fits into `memory_limit`."""

    memory_limit: PositiveInt = 4 * 2**30
    """Largest size of a resident data set, in bytes."""

    workers: NonNegativeInt = 2
    """Number of processes that decode and augment a streamed data set."""


class FeaturesTable(PartTable):
    """`[features]`: a frozen backbone whose output for every image is computed once and stored in a feature bank."""

    views: NonNegativeInt = 0
    """Number of augmented copies of each image whose features are stored too."""

    view: str | None = None
    """View, a table `[views.NAME]`, by which the copies are drawn. It must be set if `views` is not 0."""

    precision: Literal["fp32", "bf16"] = "fp32"
    """Precision of the frozen backbone. Features are stored in 16 bits."""

    folder_limit: PositiveInt = 50 * 2**30
    """Largest size of all feature banks together, in bytes. A bank that would exceed it is refused."""


class ViewTable(BaseModel):
    """`[views.NAME]`: one augmentation by `use`, several by `steps`, in order, or those of another view by `like`."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)

    use: str | None = None
    """The only augmentation, whose options are in the same table."""

    steps: tuple[PartTable, ...] = ()
    """Several augmentations, each with `use`."""

    like: str | None = None
    """View whose augmentations are drawn once more, independently."""

    of: str | None = None
    """`TABLE_images`: samples drawn from the rows of a table of sample indices. Defaults to the batch."""

    @model_validator(mode="after")
    def _one_form(self) -> "ViewTable":
        if (self.use is not None) + bool(self.steps) + (self.like is not None) != 1:
            raise ValueError("a view requires one of `use`, a list of `steps`, and `like`")
        if self.use is None and self.model_extra:
            raise ValueError(f"options must be inside the `steps` that read them: {', '.join(self.model_extra)}")
        return self

    def parts(self) -> tuple[PartTable, ...]:
        """Return the augmentations in order; none for a view that is like another."""
        if self.like is not None:
            return ()
        return self.steps or (PartTable(use=str(self.use), **dict(self.model_extra or {})),)


class NetworkTable(PartTable):
    """`[networks.NAME]`: a backbone in a role."""

    role: Literal["encoder", "generator", "critic", "discriminator", "trunk", "heads", "centroids"] | None = None
    """Role of the network. Defaults to its name."""

    reads: Literal["images", "latent", "features"] = "images"
    """Input of an encoder, critic, trunk or heads.

    A generator always reads latents, a discriminator features and latents. Centroids read features, or latents if that
    is set.
    """

    features_of: str | None = None
    """Network whose features are read. Defaults to `trunk` if the recipe has one, otherwise `encoder`. For centroids
    that read latents, the encoder whose codes they are; defaults to `encoder`."""

    heads: PositiveInt | None = None
    """Number of sub-heads, for the role `heads` only. Defaults to 5."""

    clusters: int | None = Field(default=None, ge=2)
    """Number of clusters of each sub-head, for the role `heads` only. Defaults to that of the prior."""

    log_variance: bool = False
    """Whether an encoder also computes the log variance of its style."""

    init: Literal["default", "xavier-normal", "normal"] = "default"
    """Initial weights of linear and convolutional layers: torch's default, Glorot's, or N(0, 0.02) as in DCGAN."""

    frozen: bool = False
    """Whether the network is never trained and stays in evaluation mode."""

    follows: str | None = None
    """Network whose weights it averages: it begins as a copy, and moves after each step that moves the other one."""

    decay: Share | DecayRamp = 0.996
    """Share of its own weights that a network with `follows` keeps in a step; the rest are those of the other one."""


class QuantityTable(PartTable):
    """`[quantities.NAME]`: a quantity with options, or one that reads other values than its parameters name."""

    on: Mapping[str, str] = {}
    """Quantity, network or view that a parameter is bound to. Defaults to the one of the same name."""


class EvaluateTable(Table):
    """`[evaluate]`: metrics and figures of the report, and the split that they are computed on."""

    metrics: tuple[str | PartTable, ...] = ("accuracy", "purity", "nmi", "ari")
    """Metrics to report if there are labels."""

    baselines: tuple[str | PartTable, ...] = ("kmeans",)
    """Classical clusterings of the same samples."""

    readouts: tuple[str | PartTable, ...] = ()
    """Other inference methods to evaluate. The report shows their scores and their agreement with the model's own."""

    split: Literal["all", "train", "test"] | None = None
    """Split that is evaluated. Defaults to the training split."""

    batch_size: PositiveInt = 500
    """Samples per batch of inference."""

    every: NonNegativeInt = 0
    """Rounds between entries of the learning curve, which reads labels and is never used for selection. 0: no curve."""

    tsne: bool = True
    """Whether the report shows a t-SNE of the codes."""


class Recipe(Table):
    """A recipe: the tables of a whole experiment."""

    schema_version: Literal[1] = Field(alias="schema")
    """Version of the recipe format."""

    name: str = Field(pattern=r"^[\w][\w.-]*$")
    """Name of the folder of its runs."""

    description: str = ""
    """One line, shown in lists."""

    seed: NonNegativeInt = 0
    """Seed of initial weights, batches, augmentation and sampling."""

    data: DataTable
    features: FeaturesTable | None = None
    views: Mapping[str, ViewTable] = {}
    prior: PartTable
    networks: Mapping[str, NetworkTable]
    """Networks by name. With `train.rounds = 0` this key, `players` and `losses` may be missing."""

    players: Mapping[str, PlayerTable]
    quantities: Mapping[str, str | QuantityTable] = {}
    """New quantities, or other definitions of known ones: a name, also as `distribution:name`, or a table."""

    tables: Mapping[str, SampleTable] = {}
    losses: Mapping[str, LossTable]
    """Terms of the objectives by name. Without any, nothing is trained, and only the inference is fitted."""

    stages: Mapping[str, StageTable] = {}
    train: TrainTable
    inference: PartTable
    evaluate: EvaluateTable = EvaluateTable()

    def batch_size(self, stage: str) -> int:
        """Return the number of samples per step on each device in a stage; that of `[train]` for an empty name."""
        own = self.stages[stage].batch_size if stage else None
        return own or self.train.batch_size

    def batch_sizes(self) -> dict[str, int]:
        """Return the batch sizes of all stages, by the key of the recipe that sets each."""
        stages = list(self.stages) or [""]
        owned = {stage for stage in stages if stage and self.stages[stage].batch_size}
        keys = {stage: f"stages.{stage}.batch_size" if stage in owned else "train.batch_size" for stage in stages}
        return {key: self.batch_size(stage) for stage, key in keys.items()}
