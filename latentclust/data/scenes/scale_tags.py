"""Scale and offset in the headers of rasters: how values of one raster become values like those of others."""

from collections.abc import Sequence

from latentclust.data.rasters import Curve, Scales

NO_TAG = (1.0, 0.0)
"""Scale and offset of a band whose header has none."""

IDENTITY: Curve = ((0.0, 1.0), (0.0, 1.0))
"""Curve of a band whose values stay as they are."""


def scale_curves(found: Scales, trained: Scales, other_type: bool) -> tuple[Curve | None, ...]:
    """Return the curve of each band that brings its values to the scale of the training data.

    Values of equal quantities `v scale + offset` become equal. None for a band of unknown scale: one header has a scale
    and the other has none, which may have been lost, unless the types show that the values differ.

    Args:
        found: Scale and offset of each band of a raster.
        trained: Those of the training data. Empty if they are unknown.
        other_type: Whether the raster has other data types than the training data.
    """
    return tuple(_curve(here, there, other_type) for here, there in zip(found, trained, strict=False))


def _curve(here: tuple[float, float], there: tuple[float, float], other_type: bool) -> Curve | None:
    if here == there:
        return IDENTITY
    if NO_TAG in (here, there) and here[0] != there[0] and not other_type:
        return None
    gain, offset = here[0] / there[0], (here[1] - there[1]) / there[0]
    return (0.0, 1.0), (offset, gain + offset)


def combined(curves: Sequence[Curve | None]) -> tuple[Curve, ...]:
    """Return curves that `BandReading` accepts: empty if no value changes."""
    known = tuple(curve or IDENTITY for curve in curves)
    return () if all(curve == IDENTITY for curve in known) else known
