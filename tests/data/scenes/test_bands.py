"""Bands of scenes and of models: by name or index, types, scales and ranges."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from latentclust.data.rasters import BandReading
from latentclust.data.scenes.bands import BandMatch, match_bands
from latentclust.data.scenes.opening import open_raster
from latentclust.errors import LatentclustError
from tests.labelling.planted import noise_scene, write_scene

RGB = BandReading((1, 2, 3), (), (3,), ("uint8",), ("B04", "B03", "B02"))


def described(path: Path, *names: str | None, values: Any = None, **profile: Any) -> Path:
    values = noise_scene(20, 30)[np.arange(len(names)) % 3] if values is None else values
    write_scene(path, values, photometric="MINISBLACK", **profile)
    with rasterio.open(path, "r+") as file:
        file.descriptions = names
    return path


def fit(path: Path, wanted: BandReading) -> BandMatch:
    with open_raster(path) as file:
        return match_bands(file, wanted, str(path))


@pytest.mark.parametrize(
    ("names", "bands"),
    [
        (("B04", "B03", "B02"), (1, 2, 3)),
        (("B02", "B03", "B04", "B08"), (3, 2, 1)),
        (("B08", " B04", "x", None, "B02", "B03", "x"), (2, 6, 5)),
        (("b02", "b04", "x", "B03"), (2, 4, 1)),
        (("Blue", "red", "nir", "green"), (2, 4, 1)),
    ],
)
def test_bands_are_found_by_name_in_any_order_and_among_others(
    tmp_path: Path, names: tuple[str | None, ...], bands: tuple[int, ...]
) -> None:
    found = fit(described(tmp_path / "a.tif", *names, alpha="NO"), RGB)
    assert (found.bands.bands, found.bands.names, found.warnings) == (bands, RGB.names, ())


def test_bands_without_names_are_read_by_index(tmp_path: Path) -> None:
    assert fit(described(tmp_path / "a.tif", None, None, None), RGB) == BandMatch(RGB, ())
    nameless = BandReading((3, 1), (), (3,), ("uint8",))
    assert fit(described(tmp_path / "b.tif", "x", "y", "z"), nameless) == BandMatch(nameless, ())


@pytest.mark.parametrize("names", [("x", "green", "z"), ("B04", "B03", None), ("B04", "B04", "B02")])
def test_other_names_are_read_by_index_with_a_warning_that_says_both(
    tmp_path: Path, names: tuple[str | None, ...]
) -> None:
    found = fit(described(tmp_path / "a.tif", *names), RGB)
    assert found.bands.bands == (1, 2, 3)
    (warning,) = found.warnings
    assert ", ".join(name or "no name" for name in names) in warning
    assert "do not have the names of the training data, B04, B03, B02; reading bands 1, 2, 3" in warning


@pytest.mark.parametrize("names", [("B02", "B03", "x"), ("green", "x", "red"), (None, "b04", "b03")])
def test_some_of_the_names_in_other_places_are_refused(tmp_path: Path, names: tuple[str | None, ...]) -> None:
    words = r"are those of the training data, B04, B03, B02, in another order and not all: .* is band \d, not \d\. Name"
    with pytest.raises(LatentclustError, match=words):
        fit(described(tmp_path / "a.tif", *names), RGB)


def test_another_count_is_refused_with_both_sides(tmp_path: Path) -> None:
    words = r"has 4 band\(s\) \(B04, B03, x, y\), and the model was trained on 3 and reads B04, B03, B02\. "
    with pytest.raises(LatentclustError, match=words):
        fit(described(tmp_path / "a.tif", "B04", "B03", "x", "y", alpha="NO"), RGB)
    with pytest.raises(LatentclustError, match=r"has 2 band\(s\), and the model was trained on 3 and reads B04"):
        fit(described(tmp_path / "b.tif", None, None), RGB)


def test_another_type_is_refused_for_the_bands_that_are_read(tmp_path: Path) -> None:
    values = noise_scene(20, 30).astype(np.int16)
    with pytest.raises(LatentclustError, match=r"type int16, unlike the training data \(uint8\)\. "):
        fit(described(tmp_path / "a.tif", "B04", "B03", "B02", values=values), RGB)


def test_another_scale_is_warned_of(tmp_path: Path) -> None:
    path = described(tmp_path / "a.tif", "B02", "B03", "B04")
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.5, 1, 1), (0, 0, -7)
    trained = BandReading((1, 2, 3), (), (3,), ("uint8",), RGB.names, ((1.0, -7.0), (1.0, 0.0), (1.0, 0.0)))
    (warning,) = fit(path, trained).warnings
    said = "band 1 (B02) has scale 0.5 and offset 0, and the training data had scale 1 and offset 0"
    assert warning == f"{said}; values are read unscaled"
    assert fit(path, RGB).warnings == ()  # what is not known is not compared


def ranged(*pairs: tuple[float, float], kind: str = "float32") -> BandReading:
    ranges = tuple((float(low), float(high)) for low, high in pairs)
    return BandReading(tuple(range(1, len(ranges) + 1)), ranges, (len(ranges),), (kind,))


def test_values_outside_the_range_in_every_band_are_refused_with_both_sides(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 2 * 101 * 101, dtype=np.float32).reshape(2, 101, 101)
    path = described(tmp_path / "a.tif", "B04", None, values=values)
    words = (
        r"in any band: band 1 \(B04\) has 0\.01 to 0\.49 \(percentiles 2 to 98\), not 200 to 3400; "
        r"band 2 has 0\.51 to 0\.99 .*, not 100 to 2000\. Bring it to the scale"
    )
    with pytest.raises(LatentclustError, match=words):
        fit(path, ranged((200, 3400), (100, 2000)))
    (warning,) = fit(path, ranged((0.4, 2), (100, 2000))).warnings
    assert warning.startswith("no sampled value is in the range of the training data: band 2 has 0.51 to 0.99")
    assert fit(path, ranged((-5, 0), (0.4, 0.6))).warnings == ()  # one value is enough


def test_nodata_does_not_affect_the_range(tmp_path: Path) -> None:
    values = np.full((1, 600, 700), np.nan, np.float32)
    path = write_scene(tmp_path / "a.tif", values)
    assert fit(path, ranged((1, 2))).warnings == ()
    values[0, 450, 600] = 0.5
    write_scene(path, values)
    with pytest.raises(LatentclustError, match=r"band 1 has 0\.5 to 0\.5 .*, not 1 to 2"):
        fit(path, ranged((1, 2)))


@pytest.mark.parametrize("layout", [{}, {"tiled": True, "blockxsize": 128, "blockysize": 128}, {"blockysize": 2100}])
def test_values_are_looked_at_all_over_a_scene(tmp_path: Path, layout: dict[str, Any]) -> None:
    values = np.zeros((1, 2100, 2300), np.uint8)
    values[0, 1700:, 1850:] = 9
    path = write_scene(tmp_path / "a.tif", values, **layout)
    for low, high in ((5, 10), (0, 5)):
        (fill,) = fit(path, ranged((low, high), kind="uint8")).warnings
        assert fill.startswith("0 alone fills a part of the border")
    with pytest.raises(LatentclustError, match="in any band: band 1 has 0 to"):
        fit(path, ranged((10, 20), kind="uint8"))


def test_a_scene_that_is_damaged_where_it_is_sampled_is_reported(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "a.tif", noise_scene(600, 600)[:1].astype(np.float32))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 9])
    with pytest.raises(LatentclustError, match=r"a\.tif: cannot be read"):
        fit(path, ranged((1e6, 1e7)))


def test_requested_names_are_those_of_the_scene_in_the_order_of_the_model(tmp_path: Path) -> None:
    path = described(tmp_path / "a.tif", "r", "G", "b", "n", alpha="NO")
    nameless = BandReading((1, 2, 3), (), (3,), ("uint8",))
    with open_raster(path) as file:
        for wanted in (RGB, nameless):
            assert match_bands(file, wanted, "a.tif", ("n", "b", "g")).bands.bands == (4, 3, 2)
        with pytest.raises(
            LatentclustError, match=r"a\.tif: has no band, or several, named red \(its bands: r, G, b, n\)"
        ):
            match_bands(file, RGB, "a.tif", ("red", "b", "g"))
        with pytest.raises(LatentclustError, match=r"2 bands are requested \(n, b\), and the training data has 3"):
            match_bands(file, RGB, "a.tif", ("n", "b"))


# Nodata


def test_nodata_that_the_training_data_alone_declared_is_warned_of(tmp_path: Path) -> None:
    trained = replace(RGB, declared=(0.0,))
    (warning,) = fit(described(tmp_path / "a.tif", "B04", "B03", "B02"), trained).warnings
    assert warning.startswith(
        "declares no nodata, unlike the training data (0); if it has fill, declare it with --nodata"
    )
    assert fit(tmp_path / "a.tif", replace(trained, nodata=0.0)).warnings == ()
    assert fit(described(tmp_path / "b.tif", "B04", "B03", "B02", nodata=9), trained).warnings == ()
    assert fit(near_infrared(tmp_path / "c.tif", flagged=True, measured=False), trained).warnings == ()


def test_fill_that_is_not_declared_is_warned_of(tmp_path: Path) -> None:
    values = noise_scene(200, 260)
    values[:, :, :40] = 0
    (warning,) = fit(described(tmp_path / "a.tif", "B04", "B03", "B02", values=values), RGB).warnings
    assert warning.startswith("0 alone fills a part of the border in all bands, and is read as data")
    assert fit(tmp_path / "a.tif", replace(RGB, nodata=0.0)).warnings == ()
    assert fit(described(tmp_path / "b.tif", "B04", "B03", "B02", values=values, nodata=0), RGB).warnings == ()


def test_a_declared_value_does_not_affect_the_range(tmp_path: Path) -> None:
    values = np.zeros((1, 60, 70), np.float32)
    values[0, 30, 30] = 0.5
    path = write_scene(tmp_path / "a.tif", values)
    with pytest.raises(LatentclustError, match=r"band 1 has 0\.5 to 0\.5 .*, not 1 to 2"):
        fit(path, replace(ranged((1, 2)), nodata=0.0))


# Alpha channels that are data


def near_infrared(path: Path, flagged: bool, measured: bool = True) -> Path:
    values = noise_scene(60, 70)[[0, 1, 2, 0]]
    values[3] = values[3] if measured else 255
    return write_scene(path, values, photometric="RGB", alpha="YES" if flagged else "NO")


def test_a_band_that_the_model_reads_may_be_flagged_as_alpha(tmp_path: Path) -> None:
    flagged = near_infrared(tmp_path / "flagged.tif", flagged=True)
    plain = near_infrared(tmp_path / "plain.tif", flagged=False)
    alpha = near_infrared(tmp_path / "alpha.tif", flagged=True, measured=False)
    for counts in ((3,), (3, 4)):  # what earlier versions and this one keep of training data that were flagged
        assert fit(flagged, BandReading((1, 2, 3, 4), (), counts, ("uint8",))).warnings == ()
    for path in (flagged, plain):
        for counts in ((4,), (3, 4)):
            assert fit(path, BandReading((1, 2, 3, 4), (), counts, ("uint8",))).bands.bands == (1, 2, 3, 4)
    with pytest.raises(LatentclustError, match=r"has 3 band\(s\), and the model was trained on 4"):
        fit(alpha, BandReading((1, 2, 3, 4), (), (4,), ("uint8",)))
    (warning,) = fit(flagged, BandReading((1, 2, 3), (), (3,), ("uint8",))).warnings
    assert warning.startswith("band 4 is flagged as alpha, but its values are those of a measured band")
    assert fit(alpha, BandReading((1, 2, 3), (), (3,), ("uint8",))).warnings == ()
    three = write_scene(tmp_path / "three.tif", noise_scene(60, 70))
    with pytest.raises(LatentclustError, match=r"has 3 band\(s\), and the model was trained on 3 or 4"):
        fit(three, BandReading((1, 2, 3, 4), (), (3, 4), ("uint8",)))
