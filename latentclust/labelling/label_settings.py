"""The settings that every process of a labelling run shares."""

from dataclasses import dataclass
from typing import Any

import torch

from latentclust.data.open_feed import map_batch
from latentclust.data.rasters import BandReading
from latentclust.labelling.scenes.normalisation import Normalisation
from latentclust.labelling.windows.grid import Blend, Grid, make_grid
from latentclust.model.model import ClusteringModel
from latentclust.train.precision import Precision


@dataclass(frozen=True, slots=True)
class LabelSettings:
    """The settings by which every scene of a run is labelled.

    Attributes:
        model: Model that returns the probabilities.
        bands: How the model reads bands.
        grid: Grid of windows.
        batch: Number of windows that the model reads at once.
        precision: Precision of the networks: `fp32`, `bf16` or `fp16`.
        seed: Random seed of an inference that samples. Every strip starts from it and its own number.
        rasters: Rasters that are written for each scene: `labels`, and `confidence` and `probabilities` if requested.
        sieve: Minimum area of a region of the label rasters, in square metres, or in pixels without a coordinate
            reference system. None keeps all regions.
        strip_limit: Memory in bytes that a strip may take. None for no limit.
        normalisation: How values of scenes are brought to those of the training data. None for scale and offset only.
    """

    model: ClusteringModel
    bands: BandReading
    grid: Grid
    batch: int
    precision: str
    seed: int
    rasters: tuple[str, ...] = ("labels",)
    sieve: float | None = None
    strip_limit: int | None = None
    normalisation: Normalisation | None = None

    @property
    def strip_rasters(self) -> tuple[str, ...]:
        """Rasters that strips hold: `rasters`, and the probabilities if a sieve must look up a confidence."""
        looked_up = self.sieve is not None and "confidence" in self.rasters and "probabilities" not in self.rasters
        return (*self.rasters, *("probabilities",) * looked_up)

    def options(self) -> dict[str, Any]:
        """Return the settings, besides model and scene, that decide the values of outputs."""
        grid = self.grid
        windows = {"tile": list(grid.tile), "overlap": list(grid.overlap), "blend": grid.blend, "batch": self.batch}
        compute = {"precision": self.precision, "seed": self.seed, "device": self.model.device.type}
        nodata = {} if self.bands.nodata is None else {"nodata": self.bands.nodata}
        sieve = {} if self.sieve is None else {"sieve": self.sieve}
        normalise = {"normalise": self.normalisation.to_json()} if self.normalisation else {}
        return {**windows, **nodata, **normalise, **compute, **sieve, "rasters": list(self.rasters)}


def make_settings(  # noqa: PLR0913 (options of `label`)
    model: ClusteringModel,
    bands: BandReading,
    *,
    tile: int | None = None,
    overlap: int | None = None,
    blend: Blend = "hann",
    batch: int | None = None,
    precision: str = "auto",
    seed: int = 0,
    rasters: tuple[str, ...] = ("labels",),
    sieve: float | None = None,
) -> LabelSettings:
    """Return the settings of a run, with the model's defaults where an option is None. See `LabelOptions`.

    Raises:
        LatentclustError: If the tile or the overlap does not fit the model.
    """
    grid = make_grid(model, tile, overlap, blend)
    size = map_batch(model.resolved.recipe.evaluate.batch_size, *grid.tile) if batch is None else batch
    return LabelSettings(model, bands, grid, size, resolve_precision(precision, model.device), seed, rasters, sieve)


def resolve_precision(name: str, device: torch.device) -> str:
    """Return the precision that a name selects on a device; `auto` is bf16 or fp16 on a GPU, and else fp32."""
    return Precision(name, device).name
