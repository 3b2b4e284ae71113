"""When a scene was taken: the item, the user, the file, in this order."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from latentclust.errors import LatentclustError
from latentclust.labelling.scenes.acquisition_time import acquisition_time, parse_datetime, time_range

ITEM = {"properties": {"datetime": "2021-02-03T04:05:06.5Z"}}
RANGE = {
    "properties": {"datetime": None, "start_datetime": "2021-01-01T00:00:00Z", "end_datetime": "2021-12-31T00:00:00Z"}
}
TAGGED = "2019:06:01 12:30:00"
GIVEN = "2020-06-01T12:00:00+02:00"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2020-06-01T12:00:00Z", datetime(2020, 6, 1, 12, tzinfo=UTC)),
        ("2020-06-01t12:00:00.25z", datetime(2020, 6, 1, 12, 0, 0, 250000, UTC)),
        (GIVEN, datetime(2020, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_rfc_3339(text: str, wanted: datetime) -> None:
    assert parse_datetime(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "2020", "2020-06-01", "2020-06-01T12:00:00", "20200601T120000Z", "2020-13-01T12:00:00Z", "yesterday"]
)
def test_an_invalid_time_is_reported(text: str) -> None:
    with pytest.raises(LatentclustError, match=r"--datetime: .*Write it like 2020-06-01T12:00:00Z"):
        parse_datetime(text)


def test_the_item_comes_first() -> None:
    assert acquisition_time(TAGGED, GIVEN, ITEM) == datetime(2021, 2, 3, 4, 5, 6, 500000, UTC)


@pytest.mark.parametrize("item", [None, {}, {"properties": {}}])
def test_the_user_comes_before_the_file(item: dict[str, Any] | None) -> None:
    assert acquisition_time(TAGGED, GIVEN, item) == datetime(2020, 6, 1, 10, tzinfo=UTC)


def test_the_file_comes_last() -> None:
    assert acquisition_time(TAGGED, None, None) == datetime(2019, 6, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("tag", ["", "\0", "0000:00:00 00:00:00", "1 June 2019"])
def test_a_file_that_does_not_say(tag: str) -> None:
    assert acquisition_time(tag, None, None) is None


def test_a_range_is_not_a_single_time() -> None:
    assert acquisition_time(TAGGED, GIVEN, RANGE) is None
    assert time_range(RANGE) == (datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 12, 31, tzinfo=UTC))
    assert time_range(ITEM) is None
    assert time_range(None) is None


def test_an_invalid_time_in_an_item_is_reported() -> None:
    with pytest.raises(LatentclustError, match=r"the scene's STAC item: 'soon' is not a date"):
        acquisition_time(TAGGED, None, {"properties": {"datetime": "soon"}})


def test_an_invalid_time_of_the_user_is_reported_even_if_an_item_has_one() -> None:
    with pytest.raises(LatentclustError, match="--datetime"):
        acquisition_time(TAGGED, "soon", ITEM)
