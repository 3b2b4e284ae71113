"""Where a raster lies: size, coordinate system, transform, ground control points and rational polynomials."""

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
    """Size and place of a raster, as a file says it.

    Attributes:
        extent: Height and width, pixels.
        transform: From pixels to coordinates; None where the file has none.
        crs: Of its coordinates, or of its ground control points.
        points: Ground control points.
        rpcs: Rational polynomials; None where the file has none.
    """

    extent: tuple[int, int]
    transform: Affine | None
    crs: CRS | None
    points: tuple[GroundControlPoint, ...]
    rpcs: RPC | None

    @classmethod
    def from_dataset(cls, file: DatasetReader) -> "Georeference":
        """That of an opened file; an identity transform is none."""
        points, crs = file.gcps
        transform = None if file.transform.is_identity else file.transform
        return cls((file.height, file.width), transform, crs if points else file.crs, tuple(points), file.rpcs)

    def profile(self) -> dict[str, Any]:
        """What rasterio is told when a file is made."""
        place = {"transform": self.transform, "crs": None if self.points else self.crs}
        return {"height": self.extent[0], "width": self.extent[1], **{k: v for k, v in place.items() if v is not None}}

    def attach(self, file: DatasetWriter) -> None:
        """Sets what `profile` cannot hold."""
        if self.points:
            file.gcps = (list(self.points), self.crs)
        if self.rpcs:
            file.rpcs = self.rpcs

    def crop(self, extent: PixelBounds) -> "Georeference":
        """That of a part of the raster."""
        top, left = extent.top, extent.left
        points = tuple(GroundControlPoint(p.row - top, p.col - left, p.x, p.y, p.z, p.id, p.info) for p in self.points)
        transform = None if self.transform is None else shifted_transform(self.transform, top, left)
        size = (extent.height, extent.width)
        return Georeference(size, transform, self.crs, points, _moved_rpcs(self.rpcs, top, left))

    def equals(self, other: "Georeference") -> bool:
        """Whether another says the same to the bit; names of ground control points do not count."""
        one, two = (
            (each.extent, each.transform, each.crs, [(p.row, p.col, p.x, p.y, p.z or 0) for p in each.points])
            for each in (self, other)
        )
        return one == two and _coefficients(self.rpcs) == _coefficients(other.rpcs)


def shifted_transform(transform: Affine, top: int, left: int) -> Affine:
    """The transform of a raster that begins at another row and column."""
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
