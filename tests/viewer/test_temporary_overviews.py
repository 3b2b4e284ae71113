"""Tests of temporary overviews: which pixels, within which bounds, and what follows a failure."""

import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from latentclust.errors import LatentclustError
from latentclust.viewer.temporary_overviews import write_overview
from tests.viewer.conftest import Client

MODULE = "latentclust.viewer.temporary_overviews"

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # of rasterio


@pytest.mark.parametrize("limit", ["LARGEST_SCENE", "LARGEST_WITHOUT_OVERVIEWS"])
def test_overviews_are_made_within_bounds(client: Client, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    for name in {limit, "LARGEST_WITHOUT_OVERVIEWS"}:
        monkeypatch.setattr(f"{MODULE}.{name}", 32)
    problems = client.json("api/scenes/0")["problems"]
    assert [("gdaladdo" in said) for said in problems] == [True] * (limit == "LARGEST_SCENE")
    assert _version(client).endswith("o") is (limit != "LARGEST_SCENE")


def test_a_loaded_page_begins_a_failed_overview_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LatentclustError.at("disk", "is full", "Make room")

    monkeypatch.setattr(f"{MODULE}.LARGEST_WITHOUT_OVERVIEWS", 32)
    with monkeypatch.context() as full:
        full.setattr(f"{MODULE}.write_overview", fail)
        client.json("api/scenes/0")
        failed = _version(client)
        assert "no overview could be made (disk: is full" in client.json("api/scenes/0")["problems"][-1]
    client.json("api/scenes/0")
    assert _version(client) == failed
    assert client.json("api/scenes/0?again=1")["problems"] == []
    assert _version(client) == f"{failed}o"


def _version(client: Client) -> str:
    """Return the version of the scene once no overview is being made."""
    while "overview" in (versions := client.json("api/versions")[0]):
        time.sleep(0.01)
    return str(versions["scene"])


def test_an_overview_has_every_nth_pixel_and_the_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentclust.viewer.temporary_overviews.SIDE", 16)
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", height=48, width=64, count=1, dtype="uint8",
        transform=Affine(10, 0, 500_000, 0, -10, 4_500_000),
    ) as file:  # fmt: skip
        file.write(np.repeat(np.arange(64, dtype=np.uint8)[None], 48, axis=0), 1)
        file.write_mask(np.where(np.arange(64) < 32, 255, 0).astype(np.uint8)[None].repeat(48, axis=0))
    told: list[tuple[int, int]] = []
    with rasterio.open(tmp_path / "a.tif") as file:
        write_overview(file, tmp_path / "o.tif", lambda done, total, _: told.append((done, total)))
        with pytest.raises(LatentclustError, match="was stopped"):
            write_overview(file, tmp_path / "p.tif", should_stop=lambda: True)
    with rasterio.open(tmp_path / "o.tif") as file:
        values, mask = file.read(1), file.dataset_mask()
    assert values.shape == (12, 16)
    assert (np.abs(values - np.arange(0, 64, 4)) < 4).all()
    assert mask[0].tolist() == [255] * 8 + [0] * 8
    assert told[0] == (0, 12)
