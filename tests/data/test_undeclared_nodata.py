"""Fill that a raster does not declare, and measured bands that it flags as alpha."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from latentclust.data.scenes.opening import raster
from latentclust.data.undeclared_nodata import border_fill, nodata_warnings
from tests.labelling.planted import noise_scene, write_scene


def fill_of(path: Path, nodata: float | None = None) -> float | None:
    with raster(path) as file:
        return border_fill(file, range(1, file.count + 1), nodata)


def collar(height: int, width: int, where: str) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:height, :width]
    return {
        "left": columns < 3,
        "frame": (rows < 1) | (rows >= height - 1) | (columns < 1) | (columns >= width - 1),
        "corner": rows + columns < 90,
        "rotated": (rows + columns < 60) | (rows + columns > height + width - 60),
    }[where]


@pytest.mark.parametrize("where", ["left", "frame", "corner", "rotated"])
@pytest.mark.parametrize(("kind", "value"), [("uint16", 0), ("uint8", 255), ("float32", -9999), ("int16", -1)])
def test_fill_of_the_border_is_found_unless_it_is_declared(tmp_path: Path, where: str, kind: str, value: int) -> None:
    values = noise_scene(200, 260).astype(kind)
    values[:, collar(200, 260, where)] = value
    assert fill_of(write_scene(tmp_path / "plain.tif", values)) == value
    assert fill_of(tmp_path / "plain.tif", nodata=float(value)) is None
    assert fill_of(write_scene(tmp_path / "tagged.tif", values, nodata=value)) is None
    assert fill_of(write_scene(tmp_path / "other.tif", values, nodata=7)) == value


def test_borders_of_data_are_not_fill(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    assert fill_of(write_scene(tmp_path / "noise.tif", noise_scene(200, 260))) is None
    assert fill_of(write_scene(tmp_path / "bits.tif", rng.integers(0, 2, (1, 200, 260), np.uint8))) is None
    one_band = noise_scene(200, 260)
    one_band[0, :, :9] = 0
    assert fill_of(write_scene(tmp_path / "band.tif", one_band)) is None
    assert fill_of(write_scene(tmp_path / "small.tif", np.ones((1, 9, 9), np.uint8))) is None


def alpha_scene(path: Path, alpha: NDArray[Any]) -> Path:
    values = np.concatenate([noise_scene(*alpha.shape), alpha[np.newaxis].astype(np.uint8)])
    return write_scene(path, values, photometric="RGB", alpha="YES")


def test_a_measured_band_that_is_flagged_as_alpha_is_named(tmp_path: Path) -> None:
    def warnings(path: Path, bands: tuple[int, ...]) -> list[str]:
        with raster(path) as file:
            return list(nodata_warnings(file, bands))

    path = alpha_scene(tmp_path / "nir.tif", noise_scene(200, 260)[0])
    (warning,) = warnings(path, (1, 2, 3))
    assert warning.startswith("band 4 is flagged as alpha, but its values are those of a measured band")
    assert warnings(path, (1, 2, 3, 4)) == []
    mask = np.where(np.arange(260) < 80, 0, 255) * np.ones((200, 1))
    assert warnings(alpha_scene(tmp_path / "alpha.tif", mask), (1, 2, 3)) == []
