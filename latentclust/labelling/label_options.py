"""The options of `latentclust.label` and `latentclust label`, declared once."""

import operator
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError
from pydantic import model_validator as validator

from latentclust.errors import Issue, LatentclustError, did_you_mean

if TYPE_CHECKING:
    from latentclust.data.scenes.masks import MaskChoice

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


def option_name(field: str) -> str:
    """Return the command-line option of a field."""
    return f"--{field.replace('_', '-')}"


def _to_int(value: Any) -> Any:
    """Convert integers of other libraries, such as NumPy's."""
    return operator.index(value) if hasattr(value, "__index__") and not isinstance(value, bool) else value


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


Whole = Annotated[int, BeforeValidator(_to_int)]
Count = Annotated[int, BeforeValidator(_to_int), Field(ge=1)]
NonNegative = Annotated[int, BeforeValidator(_to_int), Field(ge=0)]
Words = Annotated[tuple[str, ...], BeforeValidator(_to_tuple)]
WholeNumbers = Annotated[tuple[Whole, ...], BeforeValidator(_to_tuple)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(_to_tuple)]


class LabelOptions(BaseModel):
    """The options of a labelling run. None selects the default that an option's description names."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True)

    bands: Words = ()
    """Words of file names, such as B04, B03, B02. Files whose names differ only in them form one scene, in this order;
    if no file name has such a word, names of bands. For STAC items, names of assets or bands; for NetCDF and HDF5
    files, names of variables."""

    nodata: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Value of nodata pixels in addition to those that a scene declares. Defaults to data.nodata of the recipe."""

    mask: str | Path | None = None
    """Mask of clouds and other pixels that become nodata: a raster for all scenes; a pattern with {name} or {folder},
    those of each scene, as in '{folder}/*_QA_PIXEL.TIF'; or band:NAME, a band of each scene. Another grid is resampled
    to the scene's by nearest neighbour. Requires mask values or bits."""

    mask_values: WholeNumbers = ()
    """Values of the mask at masked pixels, such as 3,8,9,10 of Sentinel-2's SCL."""

    mask_bits: WholeNumbers = ()
    """Bits of the mask, counted from 0: a pixel is masked if one of them is set, such as 3,4 of Landsat's QA_PIXEL."""

    stack: bool = False
    """Read scenes whose names differ in dates only as one scene with the bands of all dates, in the order of dates."""

    normalise: Literal["none", "histogram"] = "none"
    """Radiometric normalisation of each scene: histogram matches the quantiles of each band with those of the training
    data."""

    normalise_to: str | Path | None = None
    """Scene, such as that of the training, to which gain and offset of each band are fitted in the pixels that a scene
    shares with it."""

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

    untrusted: bool = False
    """Refuse scenes in formats that can read other files, such as VRT, HDF5 and NetCDF."""

    strict: bool = False
    """Stop at the first scene that fails."""

    dry_run: bool = False
    """Write nothing, and report what would be done."""

    @validator(mode="wrap")
    @classmethod
    def _check(cls, values: Any, handler: ModelWrapValidatorHandler["LabelOptions"]) -> "LabelOptions":
        """Validate all options. Raise LatentclustError that lists every invalid one."""
        try:
            options = handler(values)
        except ValidationError as error:
            # Each branch of a union reports an error of its own; the first one is enough.
            issues = {found["loc"][:1]: _to_issue(found) for found in reversed(error.errors(include_url=False))}
            raise LatentclustError(*reversed(issues.values())) from None
        options._check_combinations()
        return options

    def _check_combinations(self) -> None:
        _ = self.memory_limit  # An invalid size is reported here.
        _check_exclusive({"--workers": self.workers, "--scheduler": self.scheduler})
        chosen = None if self.normalise == "none" else self.normalise
        _check_exclusive({"--normalise": chosen, "--normalise-to": self.normalise_to})
        _check_exclusive({"--bbox": self.bbox, "--geometry": self.geometry})
        _check_required("--mask-values", self.mask_values or None, "--mask", self.mask is not None)
        _check_required("--mask-bits", self.mask_bits or None, "--mask", self.mask is not None)
        if masks := self.masks:
            masks.check()
        _check_required("--bbox-crs", self.bbox_crs, "--bbox", self.bbox is not None)
        _check_required("--zone-field", self.zone_field, "--zones", self.zones is not None)
        _check_required("--datetime", self.datetime, "--stac", self.stac)
        _check_required("--max-polygons", self.max_polygons, "--vector", self.vector)
        _check_required("--min-area", self.min_area, "--vector", self.vector)
        _check_required("--simplify", self.simplify, "--vector", self.vector)
        if self.vector and self.min_area is None and self.sieve is None:
            fix = "Give the minimum area of a polygon, or 0"
            raise LatentclustError.at("--vector", "requires --min-area or --sieve", fix)

    @property
    def memory_limit(self) -> int | None:
        """`max_memory` in bytes. None for no limit."""
        return parse_size(self.max_memory) if isinstance(self.max_memory, str) else self.max_memory

    @property
    def masks(self) -> "MaskChoice | None":
        """Masks of the scenes. None for none."""
        from latentclust.data.scenes.masks import MaskChoice  # not for the help of `label`

        return None if self.mask is None else MaskChoice(str(self.mask), self.mask_values, self.mask_bits)

    @property
    def rasters(self) -> tuple[str, ...]:
        """Rasters that are written for each scene, except that of classes."""
        return ("labels", *("confidence",) * self.confidence, *("probabilities",) * self.probabilities)


class LabelOptionValues(TypedDict, total=False):
    """The keywords of `latentclust.label`; `LabelOptions` describes them."""

    bands: Sequence[str]
    nodata: float | None
    stack: bool
    normalise: Literal["none", "histogram"]
    normalise_to: str | Path | None
    mask: str | Path | None
    mask_values: Sequence[int]
    mask_bits: Sequence[int]
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
    untrusted: bool
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


def _to_issue(error: Any) -> Issue:
    """Convert a validation error to an issue that names the option and its value."""
    field = str(error["loc"][0]) if error["loc"] else "options"
    if error["type"] == "extra_forbidden":
        return Issue("label", f"{field!r} is not an option", did_you_mean(field, LabelOptions.model_fields))
    default = LabelOptions.model_fields[field].default
    expected = error["msg"].replace("Input should be", "must be").replace("greater than or equal to", "at least")
    fix = "Correct it, or leave it out" + (f" for the default, {default}" if default not in (None, (), False) else "")
    return Issue(option_name(field), f"{expected}, got {error['input']!r}", fix)


def _check_exclusive(options: Mapping[str, Any]) -> None:
    """Raise LatentclustError if more than one of the options has a value."""
    given = [option for option, value in options.items() if value is not None]
    if len(given) > 1:
        what = f"exclude each other ({' and '.join(str(options[option]) for option in given)})"
        raise LatentclustError.at(", ".join(given), what, "Pass only one of them")


def _check_required(option: str, value: object | None, needed: str, present: bool) -> None:
    """Raise LatentclustError if an option has a value and the option that it needs has none."""
    if value is not None and not present:
        raise LatentclustError.at(option, f"{value!r} requires {needed}", f"Give {needed} too")
