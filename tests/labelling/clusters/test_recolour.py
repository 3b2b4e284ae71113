"""Finished label rasters with other colours, and their clusters merged into classes."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning

from latentclust.errors import LatentclustError
from latentclust.labelling.clusters.recolour import (
    classes_raster,
    count_clusters,
    merge_classes,
    merged_counts,
    recolour,
)
from latentclust.labelling.outputs.cog import convert_to_cog, create_draft_raster
from latentclust.labelling.outputs.legend import Legend, LegendEntry, default_palette
from latentclust.labelling.scenes.georeference import Georeference
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import TRANSFORM
from tests.memory import peak_bytes

UTM = CRS.from_epsg(32613)
CORNERS = [(0, 0, 10.1, 50.2), (0, 1300, 10.3, 50.2), (1200, 0, 10.1, 50.0), (1200, 1300, 10.35, 50.05)]
GCPS = [GroundControlPoint(row, column, x, y, 3.25) for row, column, x, y in CORNERS]
PLACES = {
    "UTM": (TRANSFORM, UTM, (), None),
    "points": (None, CRS.from_epsg(4326), tuple(GCPS), None),
    "nowhere": (None, None, (), None),
}


def label_raster(path: Path, labels: Any, place: str = "UTM", clusters: int = 4) -> Path:
    """A finished one, as a run leaves it."""
    where = Georeference(labels.shape, *PLACES[place])
    draft = path.with_name("draft.tif")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with create_draft_raster(draft, where, labels.dtype, default_palette(clusters)) as grown:
            grown.append(labels)
        convert_to_cog(draft, path, "MODE", where, int(np.count_nonzero(labels)))
    draft.unlink()
    return path


@pytest.fixture
def labels() -> Any:
    """Larger than a block, with overviews, blobs and no data."""
    return np.random.default_rng(0).integers(0, 5, (121, 131), np.uint8).repeat(10, 0).repeat(10, 1)


@pytest.fixture
def named(planted: ClusteringModel) -> ClusteringModel:
    return replace(planted, names={1: "wet", 2: "ice", 3: "wet"}, colours={"ice": "#0a0bff"})


@contextmanager
def opened(path: Path, level: int | None = None) -> Iterator[Any]:
    """A raster, or one of its overviews."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, **({} if level is None else {"overview_level": level})) as file:
            yield file


def colours(path: Path, values: int, level: int | None = None) -> list[tuple[int, ...]]:
    with opened(path, level) as file:
        table = file.colormap(1)
    return [table[value] for value in range(values)]


def pixels(path: Path, level: int | None = None) -> Any:
    with opened(path, level) as file:
        return file.read(1)


def layout(path: Path) -> tuple[Any, ...]:
    with opened(path) as file:
        tags = file.tags(ns="IMAGE_STRUCTURE")
        return tags["LAYOUT"], tags["COMPRESSION"], file.overviews(1), file.profile["blockxsize"], file.nodata


@pytest.mark.parametrize("place", PLACES)
def test_clusters_become_classes_in_the_same_place(
    labels: Any, named: ClusteringModel, place: str, tmp_path: Path
) -> None:
    raster = label_raster(tmp_path / "labels.tif", labels, place)
    target = classes_raster(raster)
    assert target == tmp_path / "labels-classes.tif"
    legend = Legend.from_classes(named)
    merge_classes(raster, tmp_path / "draft.tif", target, legend)
    np.testing.assert_array_equal(pixels(target), np.array([0, 1, 2, 1, 3])[labels])
    assert colours(target, 4) == [entry.colour for entry in legend.entries]
    assert layout(target) == layout(raster)
    with opened(raster) as one, opened(target) as other:
        assert (one.crs, one.transform, one.gcps[1]) == (other.crs, other.transform, other.gcps[1])
        assert [vars(point) | {"id": 0} for point in one.gcps[0]] == [vars(p) | {"id": 0} for p in other.gcps[0]]


@pytest.mark.parametrize("place", PLACES)
def test_another_colour_table_changes_nothing_else(
    labels: Any, named: ClusteringModel, place: str, tmp_path: Path
) -> None:
    raster, target = label_raster(tmp_path / "labels.tif", labels, place), tmp_path / "new.tif"
    legend = Legend.from_clusters(named)
    recolour(raster, tmp_path / "draft.vrt", target, legend, int(np.count_nonzero(labels)))
    np.testing.assert_array_equal(pixels(target), labels)
    assert layout(target) == layout(raster)
    assert len(layout(target)[2]) > 1
    for level in (None, *range(len(layout(target)[2]))):
        assert colours(target, 5, level) == [entry.colour for entry in legend.entries]
        np.testing.assert_array_equal(pixels(target, level), pixels(raster, level))
    with opened(raster) as one, opened(target) as other:
        assert (one.crs, one.transform, one.tags()) == (other.crs, other.transform, other.tags())
        assert len(one.gcps[0]) == len(other.gcps[0])


def test_old_names_are_not_carried_into_the_new_file(labels: Any, named: ClusteringModel, tmp_path: Path) -> None:
    raster = label_raster(tmp_path / "labels.tif", labels)
    old = '<PAMDataset><PAMRasterBand band="1"><CategoryNames><Category>old</Category></CategoryNames>'
    raster.with_name("labels.tif.aux.xml").write_text(f"{old}</PAMRasterBand></PAMDataset>")
    target = tmp_path / "new.tif"
    recolour(raster, tmp_path / "draft.vrt", target, Legend.from_clusters(named), int(np.count_nonzero(labels)))
    assert b"old" not in target.read_bytes()
    assert not target.with_name("new.tif.aux.xml").exists()


def test_rasters_of_two_bytes(tmp_path: Path) -> None:
    labels = np.arange(301, dtype=np.uint16).repeat(301).reshape(301, 301)
    raster = label_raster(tmp_path / "labels.tif", labels, clusters=300)
    entries = [LegendEntry(value, f"{value}", (value % 256, 1, 2, 255 * (value > 0)), (value,)) for value in range(301)]
    legend = Legend(tuple(entries))
    recolour(raster, tmp_path / "draft.vrt", tmp_path / "new.tif", legend, 300 * 301)
    np.testing.assert_array_equal(pixels(tmp_path / "new.tif"), labels)
    assert colours(tmp_path / "new.tif", 301) == [entry.colour for entry in entries]
    two = Legend((entries[0], LegendEntry(1, "odd", (9, 9, 9, 255), tuple(range(1, 301, 2))),
                  LegendEntry(2, "even", (8, 8, 8, 255), tuple(range(2, 301, 2)))))  # fmt: skip
    merge_classes(raster, tmp_path / "draft.tif", tmp_path / "classes.tif", two)
    merged = pixels(tmp_path / "classes.tif")
    assert merged.dtype == np.uint8
    np.testing.assert_array_equal(merged, np.where(labels == 0, 0, 2 - labels % 2))


def test_pixels_of_clusters_and_of_classes_are_counted(labels: Any, named: ClusteringModel, tmp_path: Path) -> None:
    counts = count_clusters(label_raster(tmp_path / "labels.tif", labels), 4)
    assert counts == dict(enumerate(np.bincount(labels.ravel()).tolist()))
    merged = merged_counts(counts, Legend.from_classes(named))
    assert merged == {0: counts[0], 1: counts[1] + counts[3], 2: counts[2], 3: counts[4]}


def test_a_raster_of_more_clusters_than_the_model_has_is_refused(
    labels: Any, named: ClusteringModel, tmp_path: Path
) -> None:
    raster = label_raster(tmp_path / "labels.tif", labels + np.uint8(1), clusters=5)
    with pytest.raises(LatentclustError, match="contains the value 5, but the model has 4 clusters"):
        count_clusters(raster, 4)
    with pytest.raises(LatentclustError, match="contains the value 5"):
        merge_classes(raster, tmp_path / "d.tif", tmp_path / "c.tif", Legend.from_classes(named))
    assert not (tmp_path / "c.tif").exists()


def test_a_damaged_raster_is_named(labels: Any, tmp_path: Path) -> None:
    raster = label_raster(tmp_path / "labels.tif", np.random.default_rng(0).integers(1, 5, (900, 900), np.uint8))
    content = raster.read_bytes()
    raster.write_bytes(content[: len(content) // 2])
    with pytest.raises(LatentclustError, match=r"labels\.tif"):
        count_clusters(raster, 4)


def test_memory_does_not_grow_with_the_height(planted: ClusteringModel, tmp_path: Path) -> None:
    def peak(height: int) -> int:
        raster = label_raster(tmp_path / f"{height}.tif", np.ones((height, 1000), np.uint8))

        def merge_and_count() -> None:
            merge_classes(raster, tmp_path / "d.tif", tmp_path / "c.tif", Legend.from_classes(planted))
            count_clusters(raster, 4)

        return peak_bytes(merge_and_count)

    assert peak(6000) < 1.2 * peak(1500)


def test_the_name_of_a_raster_of_classes() -> None:
    assert classes_raster(PurePath("2020/a.b.tif")) == PurePath("2020/a.b-classes.tif")
