"""Files with one band each that form one scene, grouped by a word of their names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from latentclust.data.band_names import fold, synonyms

_SIZED_FOLDER = re.compile(r"(?<![^/\0])R\d+m(?=\0|/?$)")
"""Folder of the files of one pixel size, as in Sentinel-2's level 2A."""

SEPARATORS = "_-. "
"""Separators between the parts of a name."""


@dataclass(frozen=True, slots=True)
class BandFilePattern:
    """The parts that the names of the files of a scene have in common.

    Attributes:
        folder: Folder of the files.
        prefix: Part of the name before the band.
        rest: Part of the name after the band, without suffix.
        suffix: Suffix with its dot.
    """

    folder: str
    prefix: str
    rest: str
    suffix: str

    def name(self, band: str) -> str:
        """Return the name of the file of a band, or of several bands between braces."""
        return f"{self.prefix}{band}{self.rest}{self.suffix}"

    @property
    def common(self) -> str:
        """Name without band and suffix, with one separator in place of the band. May be empty."""
        before, after = re.sub(r"[\W_]+$", "", self.prefix), re.sub(r"^[\W_]+", "", self.rest)
        joint = next((each for each in (self.prefix[-1:], self.rest[:1]) if each and each in SEPARATORS), "_")
        return f"{before}{joint}{after}" if before and after else before or after


def group_band_files(
    files: Sequence[tuple[str, str]], bands: Sequence[str]
) -> list[tuple[BandFilePattern, dict[str, int]]]:
    """Group files whose names differ only in a band. Return each group's pattern, and the index of each band's file.

    If no group is complete, a pixel size after the band, as in `B05_20m`, counts as a part of the band's word; of
    several files of one band the finest is taken. Folders such as `R10m` and `R20m` are then one.

    A band is a complete word of a name: between its ends or characters that are neither letters nor digits. If a name
    fits several groups, complete groups come first, then larger ones. Files without a band are left out. A band may be
    written in another case, or by its common name or code (`red`, `B04`), unless that is another of the bands.

    Args:
        files: Folder and name of each file.
        bands: Words of the bands, all different.
    """
    found = _groups(files, bands, sized=False)
    if all(len(members) < len(bands) for _, members in found):
        sized = _groups(files, bands, sized=True)
        found = sized if any(len(members) == len(bands) for _, members in sized) else found
    return found


def _groups(
    files: Sequence[tuple[str, str]], bands: Sequence[str], sized: bool
) -> list[tuple[BandFilePattern, dict[str, int]]]:
    sets: dict[BandFilePattern, dict[str, int]] = {}
    ranks: dict[tuple[BandFilePattern, str], tuple[bool, int]] = {}
    for index, (folder, name) in enumerate(files):
        for pattern, band, word, size in _patterns(folder, name, bands, sized):
            rank = (word != band, size)
            if rank <= ranks.get((pattern, band), rank):
                ranks[pattern, band] = rank
                sets.setdefault(pattern, {})[band] = index
    taken: set[int] = set()
    found = []
    for pattern, members in sorted(sets.items(), key=lambda each: -len(each[1])):
        free = {band: index for band, index in members.items() if index not in taken}
        if free and (len(free) == len(members) or len(members) < len(bands)):
            found.append((pattern, free))
            taken |= set(free.values())
    return sorted(found, key=lambda each: min(each[1].values()))


def _patterns(
    folder: str, name: str, bands: Sequence[str], sized: bool
) -> Iterator[tuple[BandFilePattern, str, str, int]]:
    """Yield the patterns that a name fits, each with its band, the word that stands for it and its pixel size or 0."""
    stem, dot, suffix = name.rpartition(".") if "." in name[1:] else (name, "", "")
    if ":" in suffix:  # a raster within a file, such as NETCDF:a.nc:red
        stem, dot, suffix = name, "", ""
    folder = _SIZED_FOLDER.sub("", folder) if sized else folder
    for band, word in zip(bands, _words(tuple(bands), sized), strict=True):
        for place in word.finditer(stem):
            pattern = BandFilePattern(folder, stem[: place.start()], stem[place.end() :], dot + suffix)
            yield pattern, band, place["word"], int(place["size"] or 0)


@cache
def _words(bands: tuple[str, ...], sized: bool) -> tuple[re.Pattern[str], ...]:
    """Return the pattern of each band: its word in any case, or a synonym, unless another band has that word."""
    folded = [fold(band) for band in bands]
    patterns = []
    for band, others in zip(bands, synonyms(bands), strict=True):
        alone = folded.count(fold(band)) == 1
        words = (band, *(each for each in others if each not in folded)) if alone else (band,)
        listed = "|".join(re.escape(word) for word in words)
        size = r"(?:_(?P<size>\d+)m)?" if sized else "(?P<size>)"
        text = rf"(?<![^\W_])(?P<word>{listed}){size}(?![^\W_])"
        patterns.append(re.compile(text, re.IGNORECASE if alone else re.NOFLAG))
    return tuple(patterns)
