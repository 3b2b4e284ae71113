"""Options of labelling that are refused before anything is opened or written."""

from pathlib import Path
from typing import Any

import pytest

import latentclust
from latentclust.errors import LatentclustError
from latentclust.labelling.validate_options import area_of, check_values
from latentclust.model.model import ClusteringModel


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": -1}, "--seed: -1 is negative"),
        ({"batch": 0}, "--batch: 0 is given. Use 1 or more"),
        ({"workers": 0}, "--workers: 0 is given. Use 1 or more"),
        ({"vector": True, "min_area": 1.0, "max_polygons": 0}, "--max-polygons: 0 is given"),
        ({"bbox_crs": "EPSG:4326"}, "--bbox-crs: 'EPSG:4326' is given without --bbox"),
        ({"bbox": (0.0, 0.0, 1.0, 1.0), "geometry": "a.geojson"}, "--bbox, --geometry: both are given"),
        ({"workers": 1, "scheduler": "tcp://a:1"}, r"--workers, --scheduler: both are given \(1 and tcp://a:1\)"),
        ({"datetime": "2020-01-01"}, "--datetime: '2020-01-01' is given without --stac"),
        ({"vector": True}, "--vector: is given without --min-area"),
        ({"min_area": 3.0}, "--min-area: 3.0 is given without --vector"),
        ({"max_polygons": 3}, "--max-polygons: 3 is given without --vector"),
    ],
)
def test_it_is_refused(planted: ClusteringModel, tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(LatentclustError, match=words):
        latentclust.label(planted, tmp_path / "none.tif", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_values_that_only_an_unchecked_caller_gives() -> None:
    with pytest.raises(LatentclustError, match=r"--blend: 'foo' is none\. Use one of hann, crop"):
        check_values("foo", 0, {})
    with pytest.raises(
        LatentclustError, match=r"--bbox: expected 4 values, got 3: \(0.0, 0.0, 1.0\). Give west, south, east and north"
    ):
        area_of((0.0, 0.0, 1.0), None, None)
