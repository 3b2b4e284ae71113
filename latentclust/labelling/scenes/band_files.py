"""Files of one band each that belong to one scene, told by a word of their names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

SEPARATORS = "_-. "
"""What is kept between the parts of a name."""


@dataclass(frozen=True, slots=True)
class BandFilePattern:
    """What the names of files have in common.

    Attributes:
        folder: Where they are.
        before: The part of the name before the band.
        after: The part after it, without suffix.
        suffix: With its dot.
    """

    folder: str
    before: str
    after: str
    suffix: str

    def name(self, band: str) -> str:
        """Of the file of a band, or of several between braces."""
        return f"{self.before}{band}{self.after}{self.suffix}"

    @property
    def common(self) -> str:
        """The name without band and suffix, and with one separator where the band stood; may be empty."""
        before, after = re.sub(r"[\W_]+$", "", self.before), re.sub(r"^[\W_]+", "", self.after)
        joint = next((each for each in (self.before[-1:], self.after[:1]) if each and each in SEPARATORS), "_")
        return f"{before}{joint}{after}" if before and after else before or after


def group_band_files(
    files: Sequence[tuple[str, str]], bands: Sequence[str]
) -> list[tuple[BandFilePattern, dict[str, int]]]:
    """Files whose names are alike but for a band, with the index of each band's file; some may lack bands.

    A band is a whole word of a name: between ends or characters that are neither letters nor digits. Where the words of
    a name allow several sets, whole ones come first, then larger ones. Files without a band are left out.

    Args:
        files: The folder of each, and its name.
        bands: The words, that differ.
    """
    sets: dict[BandFilePattern, dict[str, int]] = {}
    for index, (folder, name) in enumerate(files):
        stem, dot, suffix = name.rpartition(".") if "." in name[1:] else (name, "", "")
        for band in bands:
            for place in re.finditer(rf"(?<![^\W_]){re.escape(band)}(?![^\W_])", stem):
                pattern = BandFilePattern(folder, stem[: place.start()], stem[place.end() :], dot + suffix)
                sets.setdefault(pattern, {})[band] = index
    taken: set[int] = set()
    found = []
    for pattern, members in sorted(sets.items(), key=lambda each: -len(each[1])):
        free = {band: index for band, index in members.items() if index not in taken}
        if free and (len(free) == len(members) or len(members) < len(bands)):
            found.append((pattern, free))
            taken |= set(free.values())
    return sorted(found, key=lambda each: min(each[1].values()))
