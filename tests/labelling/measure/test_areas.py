"""Areas of the values of a raster, and the table next to it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import Affine

from latentclust.errors import LatentclustError
from latentclust.labelling.measure.area_table import ValueArea, read_area_table, total_areas, write_area_table
from latentclust.labelling.measure.area_tally import AreaTally
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.vector.ground_area import GroundArea
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import write_scene

DEGREES = Affine(0.5, 0.0, -105.0, 0.0, -0.5, 41.0)
ROTATED = Affine(0.4, 0.3, -105.0, 0.3, -0.4, 41.0)
SMALL = Affine(0.004, 0.003, -105.0, 0.003, -0.004, 41.0)


def labels(height: int = 12, width: int = 9) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 5, (height, width), np.uint8)


def ground(path: Path) -> GroundArea:
    with rasterio.open(path) as file:
        return GroundArea.from_dataset(file)


@pytest.mark.parametrize(
    ("crs", "transform"), [("EPSG:4326", DEGREES), ("EPSG:32613", ROTATED), ("EPSG:2264", DEGREES)]
)
def test_pixels_have_the_areas_of_their_polygons(tmp_path: Path, crs: str, transform: Affine) -> None:
    place = ground(write_scene(tmp_path / "a.tif", labels()[None], crs=crs, transform=transform))
    found = np.broadcast_to(place.pixel_areas(2, 3, (4, 5)), (4, 5))
    rows, columns = np.mgrid[2:6, 3:8]
    expected = place.areas(shapely.box(columns, rows, columns + 1, rows + 1).ravel())
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-9)


def test_rotated_pixels_in_degrees_add_up_to_the_raster(tmp_path: Path) -> None:
    place = ground(write_scene(tmp_path / "a.tif", labels(40, 50)[None], crs="EPSG:4326", transform=SMALL))
    whole = place.areas(np.array([shapely.box(0, 0, 50, 40)], object))[0]
    assert place.pixel_areas(0, 0, (40, 50)).sum() == pytest.approx(whole, rel=1e-9)


def test_areas_do_not_depend_on_the_blocks_that_are_added(tmp_path: Path) -> None:
    values = labels(40, 30)
    place = ground(write_scene(tmp_path / "a.tif", values[None], crs="EPSG:4326", transform=DEGREES))
    whole, parts = AreaTally(5, place), AreaTally(5, place)
    whole.add(values, 0)
    for top in range(0, 40, 16):
        for left in range(0, 30, 7):
            parts.add(values[top : top + 16, left : left + 7], top, left)
    np.testing.assert_array_equal(whole.counts, np.bincount(values.ravel(), minlength=5))
    np.testing.assert_array_equal(whole.counts, parts.counts)
    np.testing.assert_allclose(whole.areas, parts.areas, rtol=1e-12)
    total = place.areas(np.array([shapely.box(0, 0, 30, 40)], object))[0]
    assert whole.areas.sum() == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize(("crs", "area"), [("EPSG:32613", 100.0), (None, None)])
def test_the_table_has_pixels_areas_and_shares(planted: ClusteringModel, tmp_path: Path, crs: Any, area: Any) -> None:
    values = labels()
    raster = write_scene(tmp_path / "a.tif", values[None], crs=crs)
    counts = dict(enumerate(np.bincount(values.ravel(), minlength=5).tolist()))
    write_area_table(raster, Legend.from_clusters(planted), counts)
    valid = sum(counts.values()) - counts[0]
    for value, row in enumerate(read_area_table(tmp_path / "a-areas.csv"), start=1):
        assert (row.value, row.name, row.pixels) == (value, f"cluster {value}", counts[value])
        assert row.area_m2 == (None if area is None else pytest.approx(area * counts[value]))
        assert row.share == pytest.approx(counts[value] / valid, abs=1e-6)


def test_tables_of_scenes_add_up(planted: ClusteringModel, tmp_path: Path) -> None:
    legend = Legend.from_clusters(planted)
    tables = []
    for name, crs in (("a", "EPSG:32613"), ("b", "EPSG:32613"), ("c", None)):
        write_area_table(
            write_scene(tmp_path / f"{name}.tif", labels()[None], crs=crs), legend, {0: 5, 1: 3, 2: 1, 3: 0, 4: 0}
        )
        tables.append(read_area_table(tmp_path / f"{name}-areas.csv"))
    assert [(row.pixels, row.area_m2, row.share) for row in total_areas(tables[:2])[:3]] == [
        (6, 600.0, 0.75), (2, 200.0, 0.25), (0, 0.0, 0.0),
    ]  # fmt: skip
    assert [(row.pixels, row.area_m2, row.share) for row in total_areas(tables)[:2]] == [
        (9, None, 0.75),
        (3, None, 0.25),
    ]


def test_a_renamed_cluster_is_added_up_under_its_last_name() -> None:
    old, new = [ValueArea(1, "cluster 1", 3, 300.0, 1.0)], [ValueArea(1, "water", 2, 200.0, 1.0)]
    assert total_areas([old, new]) == [ValueArea(1, "water", 5, 500.0, 1.0)]


def test_no_labelled_pixel_is_no_share(planted: ClusteringModel, tmp_path: Path) -> None:
    raster = write_scene(tmp_path / "a.tif", 0 * labels()[None])
    write_area_table(raster, Legend.from_clusters(planted), {0: 108, 1: 0, 2: 0, 3: 0, 4: 0})
    assert [row.share for row in read_area_table(tmp_path / "a-areas.csv")] == [None] * 4


def test_a_damaged_table_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a-areas.csv").write_text("value,name\n1,a\n")
    with pytest.raises(LatentclustError, match="cannot be read"):
        read_area_table(tmp_path / "a-areas.csv")
