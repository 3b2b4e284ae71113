"""The header of a checkpoint, as a schema: it is validated as a whole before any of it is used."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from latentclust.train.identity import Identity

CHECKPOINT = "checkpoint.safetensors"
"""File name of the checkpoint in a run folder."""

Count = Annotated[int, Field(ge=0, le=2**53)]


class FeedHeader(BaseModel):
    """The next batch: `epoch` and `position` within it, counted from 0."""

    model_config = ConfigDict(strict=True)

    epoch: Count
    position: Count


class PrecisionHeader(BaseModel):
    """The precision of the networks, and the type of the device that it was chosen for."""

    model_config = ConfigDict(strict=True)

    name: Literal["fp32", "bf16", "fp16"]
    device: str


class CheckpointHeader(BaseModel):
    """The values of a checkpoint that are no tensors.

    Attributes:
        format: Version of the layout.
        round: Number of rounds finished.
        precision: Precision of the networks and type of its device. None in files of earlier versions.
        feed: The next batch.
        selection: Score, round, sum and last round of the label-free selection. The score is None before the first.
        selected_before: Which weights earlier stages ended with, for the report.
        counts: Number of rounds in the running means of each player.
        diagnosed: Number of rounds in the running means of the chains.
        scalers: State of the loss scaler of each player.
        moments: Number of tensors in each optimizer's state. None in files of earlier versions.
        chains: Names of the state tensors of the chains. None in files of earlier versions.
        identity: Recipe and data of the training. None in files of earlier versions.
        window: Means that compare the start with others. None outside of such a comparison.
    """

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    format: Literal[1]
    round: Count
    precision: PrecisionHeader | None = None
    feed: FeedHeader
    selection: tuple[float | None, Count, float, Count]
    selected_before: str = ""
    counts: dict[str, Count]
    diagnosed: Count
    scalers: dict[str, dict[str, float | int]]
    moments: dict[str, Count] | None = None
    chains: tuple[str, ...] | None = None
    identity: Identity | None = None
    window: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _check_selection(self) -> "CheckpointHeader":
        _, selected, _, last = self.selection
        if max(selected, last) > self.round:
            raise ValueError(f"selection is of round {max(selected, last)}, beyond the {self.round} rounds finished")
        return self
