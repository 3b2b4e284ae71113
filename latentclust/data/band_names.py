"""Names of bands, compared without case and by the common names of STAC."""

import re
from collections.abc import Sequence

SENSORS = (
    {  # Sentinel-2
        **{"b01": "coastal", "b02": "blue", "b03": "green", "b04": "red", "b05": "rededge071", "b06": "rededge075"},
        **{"b07": "rededge078", "b08": "nir", "b8a": "nir08", "b09": "nir09", "b10": "cirrus", "b11": "swir16"},
        "b12": "swir22",
    },
    {  # Sentinel-2, as written by Google Earth Engine
        **{"b1": "coastal", "b2": "blue", "b3": "green", "b4": "red", "b5": "rededge071", "b6": "rededge075"},
        **{"b7": "rededge078", "b8": "nir", "b8a": "nir08", "b9": "nir09", "b10": "cirrus", "b11": "swir16"},
        "b12": "swir22",
    },
    {  # Landsat 8 and 9
        **{"b1": "coastal", "b2": "blue", "b3": "green", "b4": "red", "b5": "nir08", "b6": "swir16", "b7": "swir22"},
        **{"b8": "pan", "b9": "cirrus", "b10": "lwir11", "b11": "lwir12"},
    },
    {  # Landsat 8 and 9, surface reflectance
        **{"sr_b1": "coastal", "sr_b2": "blue", "sr_b3": "green", "sr_b4": "red", "sr_b5": "nir08"},
        **{"sr_b6": "swir16", "sr_b7": "swir22", "st_b10": "lwir11"},
    },
    {  # Landsat 4 to 7
        **{"b1": "blue", "b2": "green", "b3": "red", "b4": "nir08", "b5": "swir16", "b6": "lwir", "b7": "swir22"},
        "b8": "pan",
    },
    {  # Landsat 4 to 7, surface reflectance
        **{"sr_b1": "blue", "sr_b2": "green", "sr_b3": "red", "sr_b4": "nir08", "sr_b5": "swir16"},
        **{"sr_b7": "swir22", "st_b6": "lwir"},
    },
)
"""Common name of each band of a sensor, by the lower-case name of the band."""

COMMON = frozenset(name for bands in SENSORS for name in bands.values()) | {"rededge", "green05", "yellow"}
"""The common names of STAC's extension eo."""


_DATED = re.compile(r"(\d{4}-\d\d-\d\d)/(.+)")


def fold(name: str) -> str:
    """Return a name as it is compared: without case and outer spaces."""
    return name.strip().casefold()


def common_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the common name of each band; an empty string where it has none, or sensors disagree.

    The names of one raster are of one sensor: `B4` is red of Landsat 8 and near infrared of Landsat 5, unless another
    name, such as `B8A` or `SR_B6`, leaves one of them only.
    """
    folded = [fold(name) for name in names]
    coded = {name for name in folded if any(name in bands for bands in SENSORS)}
    sensors = [bands for bands in SENSORS if coded <= set(bands)]
    found = [{bands[name] for bands in sensors if name in bands} | ({name} & COMMON) for name in folded]
    return tuple(next(iter(each)) if len(each) == 1 else "" for each in found)


def synonyms(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the other names of bands of one raster, in lower case: their common names, and codes with these."""
    codes = sorted({name for bands in SENSORS for name in bands})
    return tuple(
        tuple(each for each in (common, *codes) if common and each != fold(name) and common_names([each]) == (common,))
        for name, common in zip(names, common_names(names), strict=True)
    )


def rank_dates(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of bands of a stack, such as `2021-06-01/B04`, with the rank of the date, from 1, in place of it."""
    days = sorted({found[1] for name in names if (found := _DATED.match(name))})
    ranks = {day: str(rank) for rank, day in enumerate(days, start=1)}
    return tuple(f"{ranks[found[1]]}/{found[2]}" if (found := _DATED.match(name)) else name for name in names)


def count_dates(names: Sequence[str]) -> int:
    """Return the number of dates of bands of a stack; 0 for other bands."""
    return len({found[1] for name in names if (found := _DATED.match(name))})


def find_bands(wanted: Sequence[str], present: Sequence[str]) -> tuple[int | None, ...]:
    """Return the index of each wanted band among the bands present; None for a band that is not found once.

    A band is found by its name as written, else without case, else by its common name.

    Args:
        wanted: Names of bands. All are of one raster, or given by the user.
        present: Names of the bands of one raster; empty strings for bands without a name.
    """
    ways = [
        (tuple(wanted), tuple(present)),
        (tuple(map(fold, wanted)), tuple(map(fold, present))),
        (common_names(wanted), common_names(present)),
    ]
    return tuple(_index([(those[at], among) for those, among in ways]) for at in range(len(wanted)))


def _index(ways: Sequence[tuple[str, tuple[str, ...]]]) -> int | None:
    """Return the place of a band by the first of several names that is present; None unless it is there once."""
    for name, among in ways:
        if name and name in among:
            return among.index(name) if among.count(name) == 1 else None
    return None
