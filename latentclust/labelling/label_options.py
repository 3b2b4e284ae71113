"""The options of `latentclust.label` and `latentclust label`, declared once."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from latentclust.errors import LatentclustError
from latentclust.labelling.option_model import (
    Count,
    NonNegative,
    Numbers,
    Whole,
    check_exclusive,
    check_required,
)
from latentclust.labelling.scene_options import SceneOptions, SceneOptionValues

MAX_POLYGONS = 1_000_000
"""Default of `max_polygons`."""

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_size(size: str) -> int:
    """Return a size such as `2GB`, `512 MB` or `1.5g` in bytes; units are powers of 1,000.

    Raises:
        LatentclustError: If the text is not a size.
    """
    match = _SIZE.fullmatch(size)
    if not match or not float(match[1]):
        raise LatentclustError.at("--max-memory", f"{size!r} is not a size", "Give one such as 2GB or 512MB")
    return int(float(match[1]) * 1000 ** _POWERS[match[2].lower()])


class LabelOptions(SceneOptions):
    """The options of a labelling run. None selects the default that an option's description names."""

    tile: Whole | None = None
    """Window size in pixels. Defaults to that of the training images, or more if the overlap requires it."""

    overlap: Whole | None = None
    """Pixels that neighbouring windows share. Defaults to twice the receptive-field radius and a ramp of 16 pixels, or
    to a quarter of a window if the radius is unbounded."""

    blend: Literal["hann", "crop"] = "hann"
    """Blending of neighbouring windows: Hann weights on their probabilities, or a cut in the middle of the overlap."""

    batch: Count | None = None
    """Number of windows that the model reads at once. Defaults to evaluate.batch_size of the recipe, and at most 2^20
    pixels."""

    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Precision of the networks. auto is bf16 on a GPU that supports it, fp16 on other GPUs, and fp32 on the CPU."""

    seed: NonNegative = 0
    """Random seed of an inference that samples."""

    max_memory: Whole | str | None = None
    """Memory for windows, strips and networks, in bytes or as a size such as 2GB. Batches are reduced to stay within
    it. Defaults to no limit."""

    confidence: bool = False
    """Write NAME-confidence.tif: the confidence of each label, from 1 for chance to 255 for certainty."""

    probabilities: bool = False
    """Write NAME-probabilities.tif: one band per cluster, from 1 for probability 0 to 255 for certainty."""

    sieve: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Minimum area of a region of the label raster, in square metres, or in pixels without a coordinate reference
    system. Smaller regions take the label of their largest neighbour. By default none does."""

    classes: bool = False
    """Write NAME-classes.tif: clusters of the same name merged into classes, counted from 1."""

    vector: bool = False
    """Write NAME.gpkg: one polygon per connected region. Requires a minimum area, or a sieve."""

    min_area: Annotated[float, Field(ge=0)] | None = None
    """Minimum area of a polygon, in square metres, or in pixels without a coordinate reference system. Smaller regions
    are merged into a neighbour. Defaults to that of the sieve."""

    simplify: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Tolerance of the simplification of the borders between polygons, in metres, or in pixels without a coordinate
    reference system. By default they follow the edges of pixels."""

    max_polygons: Count | None = None
    """Number of polygons above which a scene fails. Defaults to 1,000,000."""

    zones: str | Path | None = None
    """Vector file of polygons. Write NAME-zones.csv: area and share of each cluster in each of them."""

    zone_field: str | None = None
    """Attribute with the names of zones; polygons with the same value are one zone. Defaults to the numbers of the
    features in the file, counted from 1."""

    mosaic: bool = False
    """Write mosaic.tif: all scenes in one raster, on the grid of the first one. Where scenes overlap, the label with
    the highest confidence counts, or without --confidence that of the first scene."""

    stac: bool = False
    """Write NAME.stac.json: a STAC item."""

    datetime: str | None = None
    """Acquisition time of scenes that do not contain one, such as 2020-06-01T12:00:00Z."""

    bbox: Numbers | None = None
    """West, south, east and north of a box that outputs are cut to. Windows stay in place."""

    bbox_crs: str | None = None
    """Coordinate reference system of the box, such as EPSG:4326. Defaults to that of each scene."""

    geometry: str | Path | None = None
    """File of polygons that outputs are cut to."""

    device: str = "auto"
    """Device of the networks: auto, cpu, cuda or cuda:N. A model that is already loaded stays on its device."""

    workers: Count | None = None
    """Number of processes of a local Dask cluster that labels strips. Defaults to this process alone."""

    scheduler: str | None = None
    """Address of a running Dask scheduler, whose workers label strips. They must see all paths."""

    overwrite: bool = False
    """Replace outputs of another model, of other options, or of scenes that have changed."""

    strict: bool = False
    """Stop at the first scene that fails."""

    dry_run: bool = False
    """Write nothing, and report what would be done."""

    def check_combinations(self) -> None:
        """Raise LatentclustError if options exclude or require each other."""
        super().check_combinations()
        _ = self.memory_limit  # An invalid size is reported here.
        check_exclusive({"--workers": self.workers, "--scheduler": self.scheduler})
        check_exclusive({"--bbox": self.bbox, "--geometry": self.geometry})
        check_required("--bbox-crs", self.bbox_crs, "--bbox", self.bbox is not None)
        check_required("--zone-field", self.zone_field, "--zones", self.zones is not None)
        check_required("--datetime", self.datetime, "--stac", self.stac)
        check_required("--max-polygons", self.max_polygons, "--vector", self.vector)
        check_required("--min-area", self.min_area, "--vector", self.vector)
        check_required("--simplify", self.simplify, "--vector", self.vector)
        if self.vector and self.min_area is None and self.sieve is None:
            fix = "Give the minimum area of a polygon, or 0"
            raise LatentclustError.at("--vector", "requires --min-area or --sieve", fix)

    @property
    def memory_limit(self) -> int | None:
        """`max_memory` in bytes. None for no limit."""
        return parse_size(self.max_memory) if isinstance(self.max_memory, str) else self.max_memory

    @property
    def rasters(self) -> tuple[str, ...]:
        """Rasters that are written for each scene, except that of classes."""
        return ("labels", *("confidence",) * self.confidence, *("probabilities",) * self.probabilities)


class LabelOptionValues(SceneOptionValues, total=False):
    """The keywords of `latentclust.label`; `LabelOptions` describes them."""

    tile: int | None
    overlap: int | None
    blend: Literal["hann", "crop"]
    batch: int | None
    precision: Literal["auto", "fp32", "bf16", "fp16"]
    seed: int
    max_memory: int | str | None
    confidence: bool
    probabilities: bool
    sieve: float | None
    classes: bool
    vector: bool
    min_area: float | None
    simplify: float | None
    max_polygons: int | None
    zones: str | Path | None
    zone_field: str | None
    mosaic: bool
    stac: bool
    datetime: str | None
    bbox: tuple[float, float, float, float] | None
    bbox_crs: str | None
    geometry: str | Path | None
    device: str
    workers: int | None
    scheduler: str | None
    overwrite: bool
    strict: bool
    dry_run: bool


def merge_options(options: Any, changes: Mapping[str, Any]) -> LabelOptions:
    """Return options with some of them changed; None stands for `LabelOptions()`.

    Raises:
        LatentclustError: If `options` are not `LabelOptions`, an option is unknown, or a value or a combination of
            options is invalid.
    """
    if options is not None and not isinstance(options, LabelOptions):
        what = f"must be LabelOptions, got {type(options).__name__}"
        raise LatentclustError.at("options", what, "Give latentclust.LabelOptions(...), or options by keyword")
    base = {name: getattr(options, name) for name in options.model_fields_set} if options else {}
    return LabelOptions.model_validate({**base, **changes})
