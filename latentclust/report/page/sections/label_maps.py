"""The section of label maps: images with their maps, the clusters with their sizes, and their mean spectra."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar, final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from latentclust.report.colours import map_colours
from latentclust.report.display_names import class_names
from latentclust.report.facts import RunFacts
from latentclust.report.label_map_figures import CONFIDENCE
from latentclust.report.map_views import BandSpectra, ClusterSizes, ShownMaps
from latentclust.report.page.packed_maps import BYTE_CLUSTERS, STEPS, PackedMap, pack_maps
from latentclust.report.page.section import ECHARTS, Script, Section


@dataclass(frozen=True, slots=True)
class LegendRow:
    """A cluster in the legend, or a class.

    Attributes:
        number: Number of the cluster, from 1.
        name: Its display name.
        colour: Its colour as `#rrggbb`.
        share: Share of the pixels as text.
        pixels: Number of pixels as text.
        area: Area as text; empty if areas are unknown.
    """

    number: int
    name: str
    colour: str
    share: str = ""
    pixels: str = ""
    area: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMaps(Section):
    """Label maps of a run.

    Attributes:
        maps: Images with their label maps.
        left_out: Number of images that did not fit into the page.
        legend: The clusters.
        sizes: Sizes of the clusters.
        classes: The classes of the ground truth. Empty without it.
        spectra: Spectra of the clusters.
        note: What the pictures show, such as which bands. Empty if they show all.
    """

    key: str = "maps"
    title: str = "Clusters on the map"
    template: ClassVar[str] = "label_maps.html"
    script: ClassVar[str] = "label-maps.js"
    style: ClassVar[str] = "label-maps.css"
    libraries: ClassVar[tuple[Script, ...]] = (ECHARTS,)
    maps: Sequence[PackedMap]
    left_out: int
    legend: Sequence[LegendRow]
    sizes: ClusterSizes
    classes: Sequence[LegendRow]
    spectra: BandSpectra
    note: str = ""

    @property
    def has_truth(self) -> bool:
        """Whether an image has ground truth."""
        return any(each.truth is not None for each in self.maps)

    @property
    def has_chart(self) -> bool:
        """Whether spectra are drawn: of two bands or more."""
        return len(self.spectra.bands) > 1

    @property
    def spectra_cells(self) -> list[list[str]]:
        """Header and rows of the table of spectra."""
        found = self.spectra.spectra
        rows = [
            [row.name, *(_mean_text(*pair) for pair in zip(mean, deviation, strict=True))]
            for row, mean, deviation in zip(self.legend, found.mean, found.deviation, strict=True)
        ]
        return [["cluster", *self.spectra.bands], *rows]

    @property
    def ramp(self) -> list[str]:
        """Colours of the steps of confidence as `#rrggbb`."""
        return [to_hex(colour) for colour in colormaps[CONFIDENCE](np.linspace(0, 1, STEPS + 1))]

    def data(self) -> dict[str, Any]:
        """Return the maps, the names and colours of clusters and classes, and the spectra."""
        found = self.spectra.spectra
        return {
            "maps": [each.data() for each in self.maps],
            "clusters": [{"name": row.name, "colour": row.colour} for row in self.legend],
            "classes": [{"name": row.name, "colour": row.colour} for row in self.classes],
            "wide": {"labels": len(self.legend) > BYTE_CLUSTERS, "truth": len(self.classes) > BYTE_CLUSTERS},
            "steps": STEPS,
            "ramp": self.ramp,
            "bands": list(self.spectra.bands),
            "mean": _numbers(found.mean),
            "deviation": _numbers(found.deviation),
        }


def label_maps_section(
    facts: RunFacts, shown: ShownMaps, colours: NDArray[np.float32], names: Sequence[str], note: str = ""
) -> LabelMaps:
    """Return the section of a run's label maps.

    Args:
        facts: Facts of the run.
        shown: What is shown.
        colours: Colour of each cluster, `(k, 3)` in [0, 1].
        names: Display names of the clusters.
        note: What the pictures show.
    """
    count = 0 if facts.table is None else facts.table.shape[1]
    maps = pack_maps(shown.views, facts.clusters, count)
    palette = map_colours(count)
    classes = [
        LegendRow(number, name, to_hex(palette[number - 1]))
        for number, name in enumerate(class_names(facts.classes, count), start=1)
    ]
    return LabelMaps(
        maps=maps,
        left_out=len(shown.views) - len(maps),
        legend=_legend(shown.sizes, colours, names),
        sizes=shown.sizes,
        classes=classes,
        spectra=shown.spectra,
        note=note,
    )


def _legend(sizes: ClusterSizes, colours: NDArray[np.float32], names: Sequence[str]) -> list[LegendRow]:
    total = max(int(sizes.pixels.sum()), 1)
    areas = ["" for _ in names] if sizes.areas is None else [f"{area:,.2f}" for area in sizes.areas]
    return [
        LegendRow(number, name, to_hex(colour), f"{pixels / total:.1%}", f"{pixels:,}", area)
        for number, (name, colour, pixels, area) in enumerate(
            zip(names, colours, sizes.pixels.tolist(), areas, strict=True), start=1
        )
    ]


def _mean_text(mean: float, deviation: float) -> str:
    return f"{mean:,.4g} ± {deviation:,.3g}" if isfinite(mean) else "–"


def _numbers(values: NDArray[np.float64]) -> list[list[float | None]]:
    """Return values with six digits. None for those that are not finite."""
    return [[float(f"{value:.6g}") if isfinite(value) else None for value in row] for row in values.tolist()]
