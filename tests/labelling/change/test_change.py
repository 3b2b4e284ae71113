"""Change between two label rasters."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

import latentclust
from latentclust.errors import LatentclustError
from latentclust.labelling.change.compare_dates import compare_dates
from latentclust.labelling.change.option_differences import option_differences
from latentclust.labelling.change.transitions import TransitionMatrix, change_legend, transition_codes
from latentclust.labelling.clusters.cluster_names import name_clusters
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import read_legend
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import save_model
from tests.labelling.planted import TRANSFORM, noise_scene, planted_model, read_band, write_scene

NAMES = {1: "water", 3: "water"}


def test_codes_count_pairs_and_are_0_where_either_date_has_no_data() -> None:
    before, after = np.array([[1, 1, 3, 0, 2]], np.uint8), np.array([[1, 3, 1, 2, 0]], np.uint8)
    assert transition_codes(before, after, 3).tolist() == [[1, 3, 7, 0, 0]]
    high = np.full((1, 1), 255, np.uint8)
    assert transition_codes(high, high, 255).tolist() == [[255 * 255]]


def test_the_legend_names_both_dates_and_has_the_later_colour(planted: ClusteringModel) -> None:
    clusters = Legend.from_clusters(replace(planted, names={2: "rock"}, colours={"rock": "#0a0b0c"}))
    found = change_legend(clusters)
    assert len(found.entries) == 17
    assert (found.entries[2].name, found.entries[2].hex) == ("cluster 1 to rock", "#0a0b0c")
    assert (found.entries[6].name, found.entries[6].hex) == ("rock, unchanged", "#e1e1e1")


def test_classes_merge_rows_and_columns() -> None:
    pixels = np.array([[5, 1, 2], [0, 7, 3], [4, 0, 6]])
    merged = TransitionMatrix(("a", "b", "a"), pixels, pixels * 2.0).merged()
    assert list(merged.names) == ["a", "b"]
    assert merged.pixels.tolist() == [[17, 1], [3, 7]]
    assert merged.areas.tolist() == [[34, 2], [6, 14]]
    assert merged.changed_share == pytest.approx(4 / 28)
    first = merged.transitions()[1]
    assert (first.before_name, first.after_name, first.pixels, first.area_m2) == ("a", "b", 1, 2.0)
    assert (first.share, first.share_of_before) == pytest.approx((1 / 28, 1 / 18))


@pytest.fixture(scope="module")
def dates(planted: ClusteringModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dates of a scene, the second one with a new corner and other nodata; and the second on another grid."""
    folder = tmp_path_factory.mktemp("dates")
    save_model(folder / "model.safetensors", replace(planted, names=NAMES))
    first, second = noise_scene(90, 600), noise_scene(90, 600)
    second[:, :30, :40] = noise_scene(30, 40, seed=7)
    first[:, :, :3], second[:, 85:] = 0, 0
    write_scene(folder / "in1" / "a.tif", first, nodata=0)
    write_scene(folder / "in2" / "a.tif", second, nodata=0)
    shifted = Affine(10.0, 0.0, TRANSFORM.c + 1000, 0.0, -10.0, TRANSFORM.f - 200)
    write_scene(folder / "in3" / "a.tif", second[:, 20:, 100:], nodata=0, transform=shifted)
    for number in "123":
        report = latentclust.label(folder / "model.safetensors", folder / f"in{number}", folder / f"out{number}")
        assert report.failed == ()
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_raster_and_tables_agree_with_the_labels(dates: Path, tmp_path: Path) -> None:
    before, after = dates / "out1" / "a.tif", dates / "out2" / "a.tif"
    found = compare_dates(before, after, tmp_path / "change")
    one, two = read_band(before).astype(int), read_band(after).astype(int)
    codes = np.where((one > 0) & (two > 0), (one - 1) * 4 + two, 0)
    np.testing.assert_array_equal(read_band(tmp_path / "change" / "change.tif"), codes)
    expected = np.bincount(codes.ravel(), minlength=17)
    rows = table(tmp_path / "change" / "change.csv")
    for row in rows:
        count = expected[(int(row["before"]) - 1) * 4 + int(row["after"])]
        assert (int(row["pixels"]), float(row["area_m2"])) == (count, pytest.approx(100 * count))
    assert sum(int(row["pixels"]) for row in rows) == 85 * 597
    assert (found.lost, found.gained) == (5 * 597, 3 * 85)
    names = np.array(["", "water", "cluster 2", "water", "cluster 4"])
    merged = table(tmp_path / "change" / "change-classes.csv")
    water = next(row for row in merged if row["before_name"] == row["after_name"] == "water")
    valid = codes > 0
    assert int(water["pixels"]) == np.count_nonzero((names[one] == "water") & (names[two] == "water") & valid)
    assert found.clusters.changed_share == pytest.approx(np.mean(one[valid] != two[valid]))
    told = found.as_json()
    assert found.alignment.partition("'")[0] in found._repr_html_()
    assert told["pixels"] == 85 * 597
    assert len(told["clusters"]) == len(rows)
    assert json.dumps(told)
    text = (tmp_path / "change" / "change.md").read_text(encoding="utf-8")
    assert "is (earlier cluster - 1) × 4 + later cluster" in text
    assert {path.name for path in (tmp_path / "change").iterdir()} == {
        "change.tif", "change.tif.aux.xml", "change.qml", "change.csv", "change-classes.csv", "change.md",
    }  # fmt: skip


def test_the_raster_is_a_cog_with_the_grid_of_the_earlier_one(dates: Path, tmp_path: Path) -> None:
    compare_dates(dates / "out1" / "a.tif", dates / "out2" / "a.tif", tmp_path)
    with rasterio.open(tmp_path / "change.tif") as file, rasterio.open(dates / "out1" / "a.tif") as before:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (file.transform, file.crs, file.shape, file.nodata) == (before.transform, before.crs, before.shape, 0)
        assert file.colormap(1)[1] == (225, 225, 225, 255)
    assert read_legend(tmp_path / "change.tif").entries[2].name == "water to cluster 2"


def test_a_later_raster_on_another_grid_is_resampled_and_that_is_said(dates: Path, tmp_path: Path) -> None:
    found = compare_dates(dates / "out1" / "a.tif", dates / "out3" / "a.tif", tmp_path)
    assert "The later raster was resampled to the earlier raster's grid by nearest neighbour" in found.alignment
    one, two = read_band(dates / "out1" / "a.tif").astype(int), np.zeros((90, 600), int)
    two[20:, 100:] = read_band(dates / "out3" / "a.tif")
    codes = np.where((one > 0) & (two > 0), (one - 1) * 4 + two, 0)
    np.testing.assert_array_equal(read_band(tmp_path / "change.tif"), codes)
    assert found.lost == np.count_nonzero((one > 0) & (two == 0))


def test_results_are_replaced_only_if_that_is_asked_for(dates: Path, tmp_path: Path) -> None:
    pair = dates / "out1" / "a.tif", dates / "out2" / "a.tif"
    compare_dates(*pair, tmp_path)
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(LatentclustError, match="already exists"):
        compare_dates(*pair, tmp_path)
    compare_dates(*pair, tmp_path, overwrite=True)
    assert (tmp_path / "mine.txt").exists()


def test_results_never_replace_label_rasters(dates: Path, tmp_path: Path) -> None:
    write_scene(tmp_path / "in" / "year" / "change.tif", noise_scene(90, 600))
    latentclust.label(dates / "model.safetensors", tmp_path / "in", tmp_path / "labels")
    raster = tmp_path / "labels" / "year" / "change.tif"
    content = raster.read_bytes()
    with pytest.raises(LatentclustError, match=r"change\.tif: is an input"):
        compare_dates(raster, dates / "out2" / "a.tif", raster.parent, overwrite=True)
    with pytest.raises(LatentclustError, match=r"contains labelling\.json"):
        compare_dates(raster, dates / "out2" / "a.tif", tmp_path / "labels", overwrite=True)
    assert raster.read_bytes() == content


def relabelled(dates: Path, tmp_path: Path, model: Any) -> Path:
    save_model(tmp_path / "other.safetensors", model)
    latentclust.label(tmp_path / "other.safetensors", dates / "in2", tmp_path / "other")
    return tmp_path / "other" / "a.tif"


def test_another_model_is_refused(dates: Path, tmp_path: Path) -> None:
    other = relabelled(dates, tmp_path, planted_model(clusters=3))
    with pytest.raises(LatentclustError, match="was labelled by another model"):
        compare_dates(dates / "out1" / "a.tif", other, tmp_path / "change")
    assert not (tmp_path / "change").exists()


def test_other_options_are_told_with_what_they_do(dates: Path, tmp_path: Path) -> None:
    latentclust.label(dates / "model.safetensors", dates / "in2", tmp_path / "other", sieve=900.0, seed=3, nodata=7)
    found = compare_dates(dates / "out1" / "a.tif", tmp_path / "other" / "a.tif", tmp_path / "change")
    assert [text.partition(" is ")[0].rpartition(" ")[2] for text in found.warnings] == [
        "--sieve",
        "--nodata",
        "--seed",
    ]
    sieve = "--sieve is none for the earlier one and 900 for the later one; regions that one map keeps"
    assert sieve in found.warnings[0]
    assert sieve in (tmp_path / "change" / "change.md").read_text(encoding="utf-8")
    assert found.as_json()["warnings"] == list(found.warnings)
    assert not compare_dates(dates / "out1" / "a.tif", dates / "out2" / "a.tif", tmp_path / "alike").warnings


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (
            {"normalise": "to a.tif, state (3, 4)"},
            {"normalise": "histogram"},
            "the normalisation is to a.tif for the earlier one",
        ),
        ({"normalise": "to a.tif, state (3, 4)"}, {"normalise": "to a.tif, state (3, 5)"}, "is to a.tif, state (3, 4)"),
        ({"mask": {"mask": "a_{name}.tif", "values": [3], "bits": []}}, {}, "the mask is values 3 for the earlier one"),
        ({"bands": ["B04", "B03"]}, {"bands": []}, "--bands is B04,B03 for the earlier one and none for the later one"),
        ({"nodata": 0.0}, {}, "--nodata is 0 for the earlier one and none for the later one"),
        ({"device": "cuda"}, {"device": "cpu"}, "the device is cuda for the earlier one and cpu for the later one"),
    ],
)
def test_each_option_that_decides_labels_is_compared(one: dict[str, Any], two: dict[str, Any], said: str) -> None:
    (found,) = option_differences(one, two)
    assert said in found
    assert option_differences(two, one) != (found,)
    assert option_differences(one, dict(one)) == ()


def test_a_seed_is_told_to_matter_to_models_that_sample_alone() -> None:
    (seed,), (tile,) = (option_differences({name: 1}, {name: 2}) for name in ("seed", "tile"))
    assert "a model that samples depend on it, and no others" in seed
    assert "nodata" not in seed
    assert "labels near nodata" in tile


@pytest.mark.parametrize("mask", ["clouds.tif", 3, ["a"], {"values": 3}, {"values": {"a": 1}, "bits": [2]}])
def test_a_mask_that_is_no_table_is_shown_as_it_is(mask: Any) -> None:
    (found,) = option_differences({"mask": mask}, {})
    assert "for the earlier one and none for the later one" in found


def test_masks_of_other_files_with_the_same_values_and_other_outputs_are_alike() -> None:
    one, two = ({"mask": {"mask": f"{year}/m.tif", "values": [3], "bits": [1]}} for year in (2019, 2024))
    assert option_differences({**one, "rasters": ["labels"]}, {**two, "rasters": ["labels", "confidence"]}) == ()


def test_other_names_are_refused_until_they_are_applied(dates: Path, tmp_path: Path, planted: ClusteringModel) -> None:
    other = relabelled(dates, tmp_path, planted)
    with pytest.raises(LatentclustError, match=r"calls cluster 1 'cluster 1', but .* calls it 'water'.*clusters apply"):
        compare_dates(dates / "out1" / "a.tif", other, tmp_path / "change")
    name_clusters(tmp_path / "other.safetensors", ["1=water", "3=water"])
    from latentclust.labelling.clusters.restyle import restyle

    restyle(tmp_path / "other")
    compare_dates(dates / "out1" / "a.tif", other, tmp_path / "change")


def test_rasters_that_are_not_labels_are_refused(dates: Path, tmp_path: Path) -> None:
    labels = dates / "out1" / "a.tif"
    for path, words in (
        (tmp_path / "gone.tif", "is not a file"),
        (dates / "in1" / "a.tif", "has no labelling.json"),
        (dates / "out1" / "a.qml", "is not listed as a raster of clusters"),
    ):
        with pytest.raises(LatentclustError, match=words):
            compare_dates(labels, path, tmp_path / "change")
    assert not (tmp_path / "change").exists()


def test_rasters_that_do_not_overlap_leave_nothing(dates: Path, tmp_path: Path) -> None:
    far = Affine(10.0, 0.0, TRANSFORM.c + 50000, 0.0, -10.0, TRANSFORM.f - 50000)
    write_scene(tmp_path / "in" / "a.tif", noise_scene(40, 40), transform=far)
    latentclust.label(dates / "model.safetensors", tmp_path / "in", tmp_path / "far")
    with pytest.raises(LatentclustError, match="has no labelled pixel where the earlier raster has one"):
        compare_dates(dates / "out1" / "a.tif", tmp_path / "far" / "a.tif", tmp_path / "change")
    assert not (tmp_path / "change").exists()
