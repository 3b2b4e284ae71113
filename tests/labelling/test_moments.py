"""When a scene was taken: the item, the user, the file, in this order."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from latentclust.errors import LatentclustError
from latentclust.labelling.moments import datetime_of, moment, time_range
from tests.labelling.planted import write_scene

ITEM = {"properties": {"datetime": "2021-02-03T04:05:06.5Z"}}
RANGE = {
    "properties": {"datetime": None, "start_datetime": "2021-01-01T00:00:00Z", "end_datetime": "2021-12-31T00:00:00Z"}
}
GIVEN = "2020-06-01T12:00:00+02:00"


def scene(folder: Path, tag: str | None = "2019:06:01 12:30:00") -> Path:
    path = write_scene(folder / "a.tif", np.ones((1, 4, 5), np.uint8))
    if tag is not None:
        with rasterio.open(path, "r+") as file:
            file.update_tags(TIFFTAG_DATETIME=tag)
    return path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2020-06-01T12:00:00Z", datetime(2020, 6, 1, 12, tzinfo=UTC)),
        ("2020-06-01t12:00:00.25z", datetime(2020, 6, 1, 12, 0, 0, 250000, UTC)),
        (GIVEN, datetime(2020, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_rfc_3339(text: str, wanted: datetime) -> None:
    assert moment(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "2020", "2020-06-01", "2020-06-01T12:00:00", "20200601T120000Z", "2020-13-01T12:00:00Z", "yesterday"]
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(LatentclustError, match=r"--datetime: .*Write it like 2020-06-01T12:00:00Z"):
        moment(text)


def test_the_item_comes_first(tmp_path: Path) -> None:
    assert datetime_of(scene(tmp_path), GIVEN, ITEM) == datetime(2021, 2, 3, 4, 5, 6, 500000, UTC)


@pytest.mark.parametrize("item", [None, {}, {"properties": {}}])
def test_the_user_comes_before_the_file(tmp_path: Path, item: dict[str, Any] | None) -> None:
    assert datetime_of(scene(tmp_path), GIVEN, item) == datetime(2020, 6, 1, 10, tzinfo=UTC)


def test_the_file_comes_last(tmp_path: Path) -> None:
    assert datetime_of(scene(tmp_path), None, None) == datetime(2019, 6, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("tag", [None, "", "0000:00:00 00:00:00", "1 June 2019"])
def test_a_file_that_does_not_say(tmp_path: Path, tag: str | None) -> None:
    assert datetime_of(scene(tmp_path, tag), None, None) is None


def test_a_range_is_no_moment(tmp_path: Path) -> None:
    assert datetime_of(scene(tmp_path), GIVEN, RANGE) is None
    assert time_range(RANGE) == (datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 12, 31, tzinfo=UTC))
    assert time_range(ITEM) is None
    assert time_range(None) is None


def test_a_bad_time_in_an_item_is_told(tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match=r"the STAC item of .*a\.tif: 'soon' is no date"):
        datetime_of(scene(tmp_path), None, {"properties": {"datetime": "soon"}})


def test_a_bad_time_of_the_user_is_told_even_beside_an_item(tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match="--datetime"):
        datetime_of(scene(tmp_path), "soon", ITEM)
