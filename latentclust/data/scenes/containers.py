"""Files that contain several rasters, such as the variables of a NetCDF or HDF5 file."""

from collections.abc import Sequence
from pathlib import PurePath

from rasterio.io import DatasetReader

from latentclust.data.scenes.addresses import strip_credentials
from latentclust.errors import LatentclustError
from latentclust.specs.scenes import BandFile

SUFFIXES = frozenset({".cdf", ".h4", ".h5", ".hdf", ".hdf4", ".hdf5", ".he4", ".he5", ".nc", ".nc4"})
"""Suffixes of files that may contain several rasters."""

MAX_LISTED = 20
"""Maximum number of rasters that a message lists."""


def is_container(name: str) -> bool:
    """Return whether a file of this name may contain several rasters."""
    return PurePath(name).suffix.lower() in SUFFIXES


def members(file: DatasetReader, bands: Sequence[str], name: str) -> list[BandFile]:
    """Return the rasters of one band that are joined to a scene, in the order of `bands`; nothing for a plain raster.

    Args:
        file: Raster, or file of several rasters.
        bands: Names of the rasters within the file: the last part, or the whole path. Upper and lower case are equal
            if no two rasters differ in it alone.
        name: Name of the file, for messages.

    Raises:
        LatentclustError: If the file contains several rasters, and `bands` does not name some of them, or it contains
            none; or if it is a TIFF of several pages, of which GDAL would read the first.
    """
    if file.count:
        _refuse_pages(file, name)
        return []
    rasters = [(_path(address), address) for address in map(_address, file.subdatasets)]
    if not rasters:
        raise LatentclustError.at(name, "contains no raster", "Name another file")
    found = {band: address for band in bands if (address := _named(rasters, band))}
    missing = [band for band in bands if band not in found]
    if found and not missing:
        return [BandFile(band, address, strip_credentials(address)) for band, address in found.items()]
    listed = _listed([address for _, address in rasters])
    lacks = f"; none or several are named {' or '.join(missing)}" if missing else ""
    what = f"holds {len(rasters):,} raster{'s' * (len(rasters) > 1)}: {listed}{lacks}"
    example = ",".join(_short(path) for path, _ in rasters[:2])
    fix = f"Name one, or join some with --bands (data.bands), as in --bands {example}"
    raise LatentclustError.at(name, what, fix)


def _refuse_pages(file: DatasetReader, name: str) -> None:
    """Raise LatentclustError for a TIFF of several pages. Overviews and masks are no pages."""
    if file.driver == "GTiff" and len(file.subdatasets) > 1:
        what = f"holds {len(file.subdatasets):,} pages: {_listed(file.subdatasets)}"
        raise LatentclustError.at(name, what, f"Name one, as in {strip_credentials(file.subdatasets[0])}")


def _listed(addresses: Sequence[str]) -> str:
    more = f" and {len(addresses) - MAX_LISTED:,} more" if len(addresses) > MAX_LISTED else ""
    return ", ".join(map(strip_credentials, addresses[:MAX_LISTED])) + more


def _address(subdataset: str) -> str:
    """Return the address as GDAL writes it: rasterio changes the case of one driver."""
    return subdataset.replace("netcdf:", "NETCDF:", 1) if subdataset.startswith("netcdf:") else subdataset


def _path(address: str) -> str:
    """Return the path of a raster within its file."""
    return address.rpartition(":")[2].strip("/")


def _short(path: str) -> str:
    return path.rpartition("/")[2]


def _named(rasters: Sequence[tuple[str, str]], band: str) -> str | None:
    """Return the address of the only raster of a name. None if there is none, or there are several."""
    for fold in (str, str.casefold):
        wanted = fold(band.strip("/"))
        found = [address for path, address in rasters if wanted in (fold(path), fold(_short(path)))]
        if found:
            return found[0] if len(found) == 1 else None
    return None
