"""Sidecar files of a label raster, which give its legend to QGIS and to GDAL and programs that use it."""

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import NamedTuple, TypeVar
from xml.etree import ElementTree as Xml

from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.files import write_atomic
from latentclust.labelling.outputs.legend import Legend, LegendEntry

INTEGER, REAL, TEXT = ("Integer", 0), ("Real", 1), ("String", 2)
"""Column types of an attribute table: GDAL's GFT_*."""

MAX_INTEGER = 2**31 - 1
"""Maximum value of an integer column. A column with larger counts is one of reals."""

QGIS_VERSION = "3.22"
"""QGIS version of the styles. Later versions read them."""

AREA_TABLE_SUFFIX = "-areas.csv"
"""End of the name of the table of areas that belongs to a label raster."""

AnyPath = TypeVar("AnyPath", Path, PurePath)


class _Column(NamedTuple):
    """A column of an attribute table.

    Attributes:
        name: Heading of the column.
        type: One of GDAL's GFT_*.
        usage: One of GDAL's GFU_*, which tells programs the meaning of the column.
        cells: Values from top to bottom.
    """

    name: str
    type: tuple[str, int]
    usage: tuple[str, int]
    cells: list[str]


def sidecar_paths(raster: AnyPath) -> tuple[AnyPath, AnyPath, AnyPath]:
    """Return the paths of a raster's sidecars.

    They are `NAME.tif.aux.xml` for GDAL, `NAME.qml` for QGIS, and the table of areas, `NAME-areas.csv`.
    """
    table = raster.with_name(f"{raster.stem}{AREA_TABLE_SUFFIX}")
    return raster.with_name(f"{raster.name}.aux.xml"), raster.with_suffix(".qml"), table


def write_sidecars(
    raster: Path, legend: Legend, counts: Mapping[int, int] | None = None, style: Legend | None = None
) -> tuple[Path, ...]:
    """Write the category names and attribute table of a label raster for GDAL, and its style for QGIS.

    Args:
        raster: Raster that the sidecars belong to. It is not read.
        legend: Legend of the raster.
        counts: Number of pixels of each value. None omits the column of counts.
        style: Legend of the style for QGIS. Defaults to that of the raster.

    Returns:
        Paths of the written files.

    Raises:
        LatentclustError: If a file cannot be written.
    """
    auxiliary, qml, _ = sidecar_paths(raster)
    write_atomic(auxiliary, _text(attribute_table(legend, counts)))
    write_style(raster, style or legend)
    return auxiliary, qml


def write_style(raster: Path, legend: Legend) -> None:
    """Write the style of a label raster for QGIS. Raise LatentclustError if the file cannot be written."""
    write_atomic(sidecar_paths(raster)[1], style_text(legend))


def style_text(legend: Legend) -> str:
    """Return the text of a style for QGIS."""
    return _text(qgis_style(legend))


def read_legend(raster: Path) -> Legend:
    """Read the legend of a label raster from its `NAME.tif.aux.xml`.

    Raises:
        LatentclustError: If the file is missing or damaged, or has no legend.
    """
    path = sidecar_paths(raster)[0]
    if not path.is_file():
        what = f"has no legend, which label rasters have in {path.name}"
        raise LatentclustError.at(str(raster), what, "Give a label raster with the files next to it")
    with decode_errors(path, "Run latentclust clusters apply on the folder, which writes it again"):
        table = Xml.parse(path).getroot().find("PAMRasterBand[@band='1']/GDALRasterAttributeTable")
        if table is None:
            raise ValueError("it has no attribute table")
        columns = [field.findtext("Name") for field in table.iterfind("FieldDefn")]
        rows = [
            dict(zip(columns, (cell.text or "" for cell in row.iterfind("F")), strict=True))
            for row in table.iterfind("Row")
        ]
        entries = [_entry(row) for row in rows]
        if [entry.value for entry in entries] != list(range(len(entries))) or len(entries) < 2:
            raise ValueError("its values do not count from 0")
    return Legend(tuple(entries))


def _entry(row: Mapping[str | None, str]) -> LegendEntry:
    value = int(row["Value"])
    red, green, blue, alpha = (int(row[name]) for name in ("Red", "Green", "Blue", "Alpha"))
    return LegendEntry(value, row["Class"], (red, green, blue, alpha), (value,))


def attribute_table(legend: Legend, counts: Mapping[int, int] | None = None) -> Xml.Element:
    """Return GDAL's persistent auxiliary metadata: names by value, and the attribute table."""
    root = Xml.Element("PAMDataset")
    band = Xml.SubElement(root, "PAMRasterBand", band="1")
    names = Xml.SubElement(band, "CategoryNames")
    table = Xml.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    for entry in legend.entries:
        Xml.SubElement(names, "Category").text = entry.name
    columns = _columns(legend.entries, counts)
    for index, column in enumerate(columns):
        field = Xml.SubElement(table, "FieldDefn", index=str(index))
        Xml.SubElement(field, "Name").text = column.name
        Xml.SubElement(field, "Type", typeAsString=column.type[0]).text = str(column.type[1])
        Xml.SubElement(field, "Usage", usageAsString=column.usage[0]).text = str(column.usage[1])
    for index, cells in enumerate(zip(*(column.cells for column in columns), strict=True)):
        row = Xml.SubElement(table, "Row", index=str(index))
        for cell in cells:
            Xml.SubElement(row, "F").text = cell
    return root


def qgis_style(legend: Legend) -> Xml.Element:
    """Return a style of unique values. QGIS loads it with the raster if both files have the same name."""
    root = Xml.Element("qgis", version=QGIS_VERSION, styleCategories="Symbology")
    pipe = Xml.SubElement(root, "pipe")
    looks = {"type": "paletted", "band": "1", "opacity": "1", "alphaBand": "-1", "nodataColor": ""}
    renderer = Xml.SubElement(pipe, "rasterrenderer", looks)
    Xml.SubElement(renderer, "rasterTransparency")
    palette = Xml.SubElement(renderer, "colorPalette")
    for entry in legend.entries:
        shown = {"value": str(entry.value), "color": entry.hex, "alpha": str(entry.colour[3]), "label": entry.name}
        Xml.SubElement(palette, "paletteEntry", shown)
    Xml.SubElement(root, "blendMode").text = "0"
    return root


def _columns(entries: tuple[LegendEntry, ...], counts: Mapping[int, int] | None) -> list[_Column]:
    columns = [
        _Column("Value", INTEGER, ("MinMax", 5), [str(entry.value) for entry in entries]),
        _Column("Class", TEXT, ("Name", 2), [entry.name for entry in entries]),
    ]
    for index, name in enumerate(("Red", "Green", "Blue", "Alpha")):
        columns.append(_Column(name, INTEGER, (name, 6 + index), [str(entry.colour[index]) for entry in entries]))
    if counts is not None:
        pixels = [counts.get(entry.value, 0) for entry in entries]
        kind = INTEGER if max(pixels) <= MAX_INTEGER else REAL
        columns.append(_Column("Count", kind, ("PixelCount", 1), [str(count) for count in pixels]))
    return columns


def _text(root: Xml.Element) -> str:
    """Return a tree as indented XML text."""
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode") + "\n"
