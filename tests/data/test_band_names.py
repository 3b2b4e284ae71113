"""Names of bands: without case, and by the common names of STAC."""

import pytest

from latentclust.data.band_names import common_names, find_bands

S2 = ("B04", "B03", "B02", "B08")


@pytest.mark.parametrize(
    ("wanted", "present", "places"),
    [
        (S2, ("B02", "B03", "B04", "B08"), (2, 1, 0, 3)),
        (S2, ("b02", "b04", " b08", "b03"), (1, 3, 0, 2)),
        (S2, ("blue", "Red", "NIR", "green"), (1, 3, 0, 2)),
        (("red", "nir"), ("B02", "B03", "B04", "B08"), (2, 3)),
        (("B04", "b04"), ("b04", "B04"), (1, 0)),  # as written, where both are there
        (("B04", "B03"), ("B04", "x"), (0, None)),
        (("B04",), ("b04", "B04", "B04"), (None,)),
        (("B04",), ("red", "red"), (None,)),
        (("B04", ""), ("B04", ""), (0, None)),
        (("SR_B4", "SR_B6"), ("swir16", "red"), (1, 0)),
        (("B8A", "B4"), ("red", "nir08"), (1, 0)),
        (("B4", "B5"), ("red", "nir08"), (None, None)),  # Landsat 8, Landsat 5 or Sentinel-2
    ],
)
def test_bands_are_found_by_name(wanted: tuple[str, ...], present: tuple[str, ...], places: tuple[int, ...]) -> None:
    assert find_bands(wanted, present) == places


def test_a_common_name_is_given_where_sensors_agree() -> None:
    assert common_names(["B1", "B2", "B3", "B4"]) == ("", "", "", "")
    assert common_names(["B1", "B10", "B11", "QA_PIXEL"]) == ("coastal", "", "", "")  # Sentinel-2 or Landsat 8
    assert common_names(["B6", "B7", "B8A", "notes"]) == ("rededge075", "rededge078", "nir08", "")
    assert common_names(["SR_B4", "ST_B10"]) == ("red", "lwir11")
    assert common_names(["B04", "B11"]) == ("red", "swir16")
    assert common_names(["rededge", "Pan", ""]) == ("rededge", "pan", "")
