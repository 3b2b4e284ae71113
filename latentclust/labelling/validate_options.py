"""The options of labelling that are checked before anything is opened."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import torch

from latentclust.errors import LatentclustError
from latentclust.labelling.area.area_of_interest import AreaOfInterest, area_from_bbox, area_from_file
from latentclust.labelling.output_options import PolygonOptions
from latentclust.labelling.windows.grid import Blend
from latentclust.train.precision import Precision

MAX_POLYGONS = 1_000_000

PRECISIONS = ("auto", "fp32", "bf16", "fp16")


def check_values(blend: str, seed: int, counts: Mapping[str, int | None]) -> None:
    """Raises LatentclustError for an unknown blend, a negative seed, and a count below 1."""
    if blend not in get_args(Blend):
        raise LatentclustError.at("--blend", f"{blend!r} is none", f"Use one of {', '.join(get_args(Blend))}")
    if seed < 0:
        raise LatentclustError.at("--seed", f"{seed} is negative", "Use 0 or more")
    for option, count in counts.items():
        if count is not None and count < 1:
            raise LatentclustError.at(option, f"{count} is given", "Use 1 or more")


def refuse_both(options: Mapping[str, Any]) -> None:
    """Raises LatentclustError where more than one of the options is given."""
    given = [option for option, value in options.items() if value is not None]
    if len(given) > 1:
        what = f"both are given ({' and '.join(str(options[option]) for option in given)})"
        raise LatentclustError.at(", ".join(given), what, "Give one of them")


def refuse_alone(option: str, value: object | None, needed: str, present: object | None) -> None:
    """Raises LatentclustError where an option is given without the one that it needs."""
    if value is not None and present is None:
        raise LatentclustError.at(option, f"{value!r} is given without {needed}", f"Give {needed} too")


def area_of(bbox: tuple[float, ...] | None, crs: str | None, geometry: str | Path | None) -> AreaOfInterest | None:
    """The part of scenes that is wanted.

    Raises:
        LatentclustError: A box and a geometry at once, or either of them at fault.
    """
    refuse_both({"--bbox": bbox, "--geometry": geometry})
    refuse_alone("--bbox-crs", crs, "--bbox", bbox)
    if geometry is not None:
        return area_from_file(Path(geometry))
    return None if bbox is None else area_from_bbox(bbox, crs)


def vector_of(wanted: bool, min_area: float | None, max_polygons: int | None) -> PolygonOptions | None:
    """How polygons are drawn; raises LatentclustError for polygons without a least area, and the reverse."""
    refuse_alone("--max-polygons", max_polygons, "--vector", wanted or None)
    refuse_alone("--min-area", min_area, "--vector", wanted or None)
    if not wanted:
        return None
    if min_area is None:
        raise LatentclustError.at("--vector", "is given without --min-area", "Give the least area of a polygon, or 0")
    return PolygonOptions(float(min_area), max_polygons or MAX_POLYGONS)


def precision_of(name: str, device: torch.device) -> str:
    """The precision that a name means on a device; raises LatentclustError for an unknown one."""
    if name not in PRECISIONS:
        raise LatentclustError.at("--precision", f"{name!r} is none", f"Use one of {', '.join(PRECISIONS)}")
    return Precision(name, device).name
