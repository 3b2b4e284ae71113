"""The georeference of a raster: size, CRS, transform, ground control points and rational polynomials."""

from dataclasses import dataclass
from typing import Any

from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.rpc import RPC
from rasterio.transform import Affine

from latentclust.labelling.windows.strips import PixelBounds


@dataclass(frozen=True, slots=True)
class Georeference:
    """Size and position of a raster, as stored in its file.

    Attributes:
        extent: Height and width in pixels.
        transform: Affine map from pixels to coordinates. None if the file has none.
        crs: Coordinate reference system of the transform or of the ground control points. None if the file has none.
        points: Ground control points.
        rpcs: Rational polynomial coefficients. None if the file has none.
    """

    extent: tuple[int, int]
    transform: Affine | None
    crs: CRS | None
    points: tuple[GroundControlPoint, ...]
    rpcs: RPC | None

    @classmethod
    def from_dataset(cls, file: DatasetReader) -> "Georeference":
        """Read the georeference of an open dataset. An identity transform counts as no transform."""
        points, crs = file.gcps
        transform = None if file.transform.is_identity else file.transform
        return cls((file.height, file.width), transform, crs if points else file.crs, tuple(points), file.rpcs)

    def profile(self) -> dict[str, Any]:
        """Return the rasterio profile of a new file."""
        place = {"transform": self.transform, "crs": None if self.points else self.crs}
        return {"height": self.extent[0], "width": self.extent[1], **{k: v for k, v in place.items() if v is not None}}

    def attach(self, file: DatasetWriter) -> None:
        """Set what `profile` cannot contain: ground control points and rational polynomials."""
        if self.points:
            file.gcps = (list(self.points), self.crs)
        if self.rpcs:
            file.rpcs = self.rpcs

    def crop(self, extent: PixelBounds) -> "Georeference":
        """Return the georeference of a part of the raster."""
        top, left = extent.top, extent.left
        points = tuple(GroundControlPoint(p.row - top, p.col - left, p.x, p.y, p.z, p.id, p.info) for p in self.points)
        transform = None if self.transform is None else shifted_transform(self.transform, top, left)
        size = (extent.height, extent.width)
        return Georeference(size, transform, self.crs, points, _moved_rpcs(self.rpcs, top, left))

    def equals(self, other: "Georeference") -> bool:
        """Return whether another georeference is bit for bit the same, except for names of ground control points."""
        one, two = (
            (each.extent, each.transform, each.crs, [(p.row, p.col, p.x, p.y, p.z or 0) for p in each.points])
            for each in (self, other)
        )
        return one == two and _coefficients(self.rpcs) == _coefficients(other.rpcs)


def shifted_transform(transform: Affine, top: int, left: int) -> Affine:
    """Return the transform of a raster that starts at another row and column."""
    if top == left == 0:
        return transform
    a, b, c, d, e, f = tuple(transform)[:6]
    return Affine(a, b, a * left + b * top + c, d, e, d * left + e * top + f)


def _moved_rpcs(rpcs: RPC | None, top: int, left: int) -> RPC | None:
    if rpcs is None or top == left == 0:
        return rpcs
    return RPC(**{**rpcs.to_dict(), "line_off": rpcs.line_off - top, "samp_off": rpcs.samp_off - left})


def _coefficients(rpcs: RPC | None) -> dict[str, Any] | None:
    return None if rpcs is None else rpcs.to_dict()
