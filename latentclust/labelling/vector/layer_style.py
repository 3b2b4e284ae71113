"""The style of the polygons inside a GeoPackage: one colour per class, in the table that QGIS reads."""

import sqlite3
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as Xml

from latentclust.labelling.outputs.legend import Legend, LegendEntry
from latentclust.labelling.outputs.sidecars import QGIS_VERSION

GEOMETRY = "geom"
"""Name of the column of geometries, GDAL's default."""

OUTLINE = "35,35,35,255"
OUTLINE_WIDTH = "0.1"
"""Width of an outline in millimetres."""

_TABLE = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)
"""
"""The table that QGIS makes when it saves a style in a GeoPackage."""

_STYLE = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML,
  styleSLD, useAsDefault, description, owner, ui, update_time)
VALUES ('', '', ?, ?, ?, ?, '', 1, 'one colour per class', '', '', ?)
"""

_CONTENTS = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change) VALUES ('layer_styles', 'attributes',
  'layer_styles', ?)
"""


def add_layer_style(path: Path, layer: str, field: str, legend: Legend, date: str) -> None:
    """Add the default style of a layer to a GeoPackage.

    Args:
        path: GeoPackage that no program has open.
        layer: Name of the layer.
        field: Column with the names of the legend.
        legend: Colours and names of the clusters.
        date: Time of change that is recorded.

    Raises:
        sqlite3.Error: If the file cannot be written.
    """
    style = Xml.tostring(categorized_style(legend, field), encoding="unicode")
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(_TABLE)
        file.execute(_STYLE, (layer, GEOMETRY, layer, style, date))
        file.execute(_CONTENTS, (date,))


def categorized_style(legend: Legend, field: str) -> Xml.Element:
    """Return a QGIS style that fills each polygon with the colour of its name in `field`.

    Clusters of one name form a class. It has the colour of its first cluster, as in a raster of classes.
    """
    root = Xml.Element("qgis", version=QGIS_VERSION, styleCategories="Symbology")
    looks = {"type": "categorizedSymbol", "attr": field, "symbollevels": "0", "forceraster": "0", "enableorderby": "0"}
    renderer = Xml.SubElement(root, "renderer-v2", looks)
    categories, symbols = Xml.SubElement(renderer, "categories"), Xml.SubElement(renderer, "symbols")
    classes: dict[str, LegendEntry] = {}
    for entry in legend.entries[1:]:
        classes.setdefault(entry.name, entry)
    for index, entry in enumerate(classes.values()):
        shown = {"symbol": str(index), "value": entry.name, "label": entry.name, "render": "true"}
        Xml.SubElement(categories, "category", {**shown, "type": "string"})
        symbol = Xml.SubElement(symbols, "symbol", {"type": "fill", "name": str(index), "alpha": "1"})
        layer = Xml.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0", "locked": "0"})
        options = Xml.SubElement(layer, "Option", type="Map")
        for name, value in _fill(entry.colour).items():
            Xml.SubElement(options, "Option", {"name": name, "value": value, "type": "QString"})
    return root


def _fill(colour: tuple[int, int, int, int]) -> dict[str, str]:
    outline = {"outline_color": OUTLINE, "outline_style": "solid", "outline_width": OUTLINE_WIDTH}
    return {"color": ",".join(map(str, colour)), "style": "solid", **outline, "outline_width_unit": "MM"}
