"""Selected images as CSV that no spreadsheet program runs as formulas."""

import csv
from collections.abc import Iterable, Mapping
from io import StringIO

from latentclust.model.class_names import name_of
from latentclust.viewer.gallery.table import ImageTable

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which spreadsheet programs take a cell for a formula."""

COLUMNS = ("index", "path", "cluster", "name", "confidence")


def selection_csv(table: ImageTable, names: Mapping[int, str], indices: Iterable[int]) -> str:
    """Return images as CSV: index (from 0), path, cluster (from 1), its name and the confidence.

    Args:
        table: The clusters of all images.
        names: Names of clusters.
        indices: Images to write, in order.

    Raises:
        LatentclustError: If there is no such image.
    """
    buffer = StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for index in table.check(indices):
        cluster = int(table.clusters[index])
        words = plain(table.path(index)), cluster, plain(name_of(cluster, names))
        writer.writerow((index, *words, f"{table.confidence[index]:.6f}"))
    return buffer.getvalue()


def plain(text: str) -> str:
    """Return text with an apostrophe before it if a spreadsheet program would take it for a formula (OWASP)."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) or text.startswith(FORMULA) else text
