"""How a run labels its scenes: what every process that takes part must know."""

from dataclasses import dataclass
from typing import Any

from latentclust.data.rasters import BandReading
from latentclust.labelling.windows.grid import Grid
from latentclust.model.model import ClusteringModel


@dataclass(frozen=True, slots=True)
class LabelSettings:
    """How every scene of a run is labelled.

    Attributes:
        model: Gives the probabilities.
        bands: How it reads scenes.
        grid: The windows.
        batch: Windows at a time.
        precision: `fp32`, `bf16` or `fp16`: how its networks compute.
        seed: Of an inference that draws; every strip begins with it and its own number.
        rasters: What is written of each scene: `labels`, and `confidence` and `probabilities` where asked for.
        strip_limit: Bytes that a strip may take; None where there is no limit.
    """

    model: ClusteringModel
    bands: BandReading
    grid: Grid
    batch: int
    precision: str
    seed: int
    rasters: tuple[str, ...]
    strip_limit: int | None = None

    def options(self) -> dict[str, Any]:
        """What decides the values of outputs, beside the model and the scene."""
        grid = self.grid
        windows = {"tile": list(grid.tile), "overlap": list(grid.overlap), "blend": grid.blend, "batch": self.batch}
        how = {"precision": self.precision, "seed": self.seed, "device": self.model.device.type}
        return {**windows, **how, "rasters": list(self.rasters)}
