"""Tests of tiles: known colours at known pixels, highlighting, ranges, and what is refused."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.transform import Affine

from latentclust.data.scenes.inputs import scene_from_file
from latentclust.labelling.outputs.legend import Legend, LegendEntry
from latentclust.viewer.open_session import open_session
from latentclust.viewer.placement import EDGE
from latentclust.viewer.session import Session, ViewedScene
from latentclust.viewer.stretch import has_overviews
from latentclust.viewer.tiles import UNKNOWN, Stretch, colour_values, legend_colours, stretched
from tests.viewer.conftest import Client
from tests.viewer.labelled import COLOURS, centre, label_folder, labels, write_labels

ZOOM = 14
PLAIN = "bands=1,2,3&ranges=0:255,0:255,0:255"

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # of rasterio


def _at(row: int, column: int, zoom: int = ZOOM) -> tuple[str, int, int]:
    """Return the path `z/x/y` of the tile of a pixel, and row and column of the pixel in the tile."""
    longitude, latitude = centre(row, column)
    across = (longitude / 180 * EDGE + EDGE) / (2 * EDGE) * 2**zoom
    northing = np.log(np.tan(np.pi / 4 + np.radians(latitude) / 2)) / np.pi
    along = (1 - northing) / 2 * 2**zoom
    x, y = int(across), int(along)
    return f"{zoom}/{x}/{y}", int((along - y) * 512), int((across - x) * 512)


def _colour(client: Client, kind: str, row: int, column: int, query: str = "", zoom: int = ZOOM) -> list[int]:
    path, down, right = _at(row, column, zoom)
    found: list[int] = client.tile(f"tiles/0/{kind}/{path}?{query}")[down, right].tolist()
    return found


@pytest.mark.parametrize(("column", "value"), [(2, 1), (20, 2), (50, 3)])
def test_clusters_have_the_colours_of_the_legend(client: Client, column: int, value: int) -> None:
    assert _colour(client, "labels", 30, column) == list(COLOURS[value])
    assert _colour(client, "labels", 1, column)[3] == 0


def test_a_byte_raster_of_255_clusters_is_coloured() -> None:
    legend = Legend(tuple(LegendEntry(n, str(n), (n, 0, 0, 255), (n,)) for n in range(256)))
    colours = legend_colours(legend)
    assert colour_values(np.array([[0, 255]], np.uint8), colours)[0].tolist() == [[0, 0, 0, 255], [255, 0, 0, 255]]
    assert colour_values(np.array([[300]], np.uint16), colours)[0].tolist() == [list(UNKNOWN)]


def test_the_other_clusters_are_dimmed(client: Client) -> None:
    assert _colour(client, "labels", 30, 20, "only=2") == list(COLOURS[2])
    assert _colour(client, "labels", 30, 50, "only=2") == [*COLOURS[3][:3], 45]
    assert _colour(client, "labels", 1, 20, "only=2")[3] == 0


def test_a_scene_has_the_chosen_bands_between_their_ranges(client: Client) -> None:
    assert _colour(client, "scene", 30, 20, PLAIN) == [30, 20, 200, 255]
    assert _colour(client, "scene", 30, 20, "bands=3&ranges=100:300") == [128, 128, 128, 255]
    assert _colour(client, "scene", 1, 20, PLAIN) == [0, 0, 0, 0]
    low, high = _colour(client, "scene", 4, 2, "bands=1")[0], _colour(client, "scene", 47, 2, "bands=1")[0]
    assert (low, high) == (0, 255)


@pytest.mark.parametrize("options", [{"nodata": 5.0}, {"mask": {"use": "scl"}}, {"nodata": None}])
def test_what_label_left_out_is_hidden_in_the_scene(folder: Path, options: dict[str, object]) -> None:
    values = labels()
    values[:, :16] = 0
    write_labels(folder / "scene.tif", values)
    log = json.loads((folder / "labelling.json").read_text())
    (folder / "labelling.json").write_text(json.dumps({**log, "options": options}))
    client, masked = Client(open_session([str(folder)])), options != {"nodata": None}
    facts = client.json("api/scenes/0")
    assert facts["layers"]["scene"]["masked"] is masked
    assert (facts["bands"][1]["low"] > 15) is masked
    hidden = [_colour(client, "scene", 30, column, f"{PLAIN}&labelled=1")[3] == 0 for column in (2, 20)]
    assert hidden == [masked, False]
    assert _colour(client, "scene", 30, 2, PLAIN)[3] == 255


def test_the_scene_follows_its_labels_and_stays_without_them(folder: Path) -> None:
    """A new label raster hides other pixels; of a damaged one, which opens or not, none are hidden."""
    values = labels()
    values[:, :16] = 0
    write_labels(folder / "scene.tif", values)
    log = json.loads((folder / "labelling.json").read_text())
    (folder / "labelling.json").write_text(json.dumps({**log, "options": {"nodata": 5.0}}))
    client = Client(open_session([str(folder)]))

    def seen() -> tuple[str, bool, bool, int]:
        """Return version, whether pixels are masked, whether ranges are of all pixels, and the alpha of a pixel."""
        facts = client.json("api/scenes/0")
        scene, alpha = facts["layers"]["scene"], _colour(client, "scene", 30, 2, f"{PLAIN}&labelled=1")[3]
        assert scene["version"] == facts["versions"]["scene"] == client.json("api/versions")[0]["scene"]
        return scene["version"], scene["masked"], facts["bands"][1]["low"] < 15, alpha

    found = [seen()]
    whole = write_labels(folder / "new.tif").read_bytes()
    for content in (whole, whole[: len(whole) // 2], b"no raster"):
        (folder / "new.tif").write_bytes(content)
        (folder / "new.tif").replace(folder / "scene.tif")
        found.append(seen())
    assert [each[1:] for each in found] == [(True, False, 0), (True, True, 255), (True, True, 255), (False, True, 255)]
    assert len({version for version, *_ in found}) == 4
    assert any("scene.tif: is damaged" in said for said in client.json("api/scenes/0")["problems"])


def test_small_differences_of_large_values_are_seen() -> None:
    values = 1e9 + np.linspace(0, 1, 6)
    assert stretched(values, Stretch(1, 1e9, 1e9 + 1)).tolist() == [0, 51, 102, 153, 204, 255]
    assert stretched(values, Stretch(1, 0.0, 1e300)).tolist() == [0] * 6


@pytest.mark.parametrize(("dtype", "layers"), [("complex64", []), ("float64", ["scene"])])
def test_ranges_keep_an_offset_and_complex_scenes_are_named(tmp_path: Path, dtype: str, layers: list[str]) -> None:
    values = (1e7 + np.linspace(0, 1, 64 * 64).reshape(1, 64, 64)).astype(dtype)
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", height=64, width=64, count=1, dtype=dtype, crs="EPSG:32613",
        transform=Affine(10, 0, 500_000, 0, -10, 4_500_000),
    ) as file:  # fmt: skip
        file.write(values)
    found = Client(Session("t", (ViewedScene("a", scene_from_file(tmp_path / "a.tif")),))).json("api/scenes/0")
    assert list(found["layers"]) == layers
    if layers:
        assert (found["bands"][0]["low"], found["bands"][0]["high"]) == (1e7 + 0.02, 1e7 + 0.98)
    else:
        assert "a.tif: has complex values" in found["problems"][0]


def test_shares_run_from_violet_to_yellow(client: Client) -> None:
    assert _colour(client, "probabilities", 30, 20, "band=2") == [253, 231, 36, 255]
    assert _colour(client, "probabilities", 30, 20, "band=1")[:3] == [68, 2, 85]
    assert _colour(client, "confidence", 1, 20)[3] == 0


@pytest.mark.parametrize("zoom", [0, 24])
def test_all_zoom_levels_have_tiles(client: Client, zoom: int) -> None:
    assert _colour(client, "labels", 30, 50, zoom=zoom)[3] == 255 * (zoom == 24)


def test_a_tile_without_gaps_is_a_jpeg_of_the_same_colours(client: Client) -> None:
    answer = client.get(f"tiles/0/scene/{_at(30, 20, 22)[0]}?{PLAIN}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert _colour(client, "scene", 30, 20, PLAIN, 22) == pytest.approx([30, 20, 200, 255], abs=2)


def test_elsewhere_tiles_are_empty(client: Client) -> None:
    assert client.tile("tiles/0/labels/14/0/0").tolist() == [[[0, 0, 0, 0]]]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tiles/1/labels/0/0/0", 404),
        ("tiles/0/classes/0/0/0", 404),
        ("tiles/0/labels/0/1/0", 404),
        ("tiles/0/labels/25/0/0", 404),
        (f"tiles/0/labels/{'1' * 5000}/0/0", 404),
        ("tiles/0/labels/0/0/0?only=x", 400),
        ("tiles/0/scene/0/0/0", 400),
        ("tiles/0/scene/0/0/0?bands=1,2", 400),
        ("tiles/0/scene/0/0/0?bands=4", 400),
        ("tiles/0/scene/0/0/0?bands=1&ranges=5:5", 400),
        ("tiles/0/scene/0/0/0?bands=1&ranges=0:nan", 400),
        ("tiles/0/scene/0/0/0?bands=1&ranges=0:inf", 400),
        ("tiles/0/probabilities/13/1709/3093?band=9", 400),
    ],
)
def test_what_does_not_exist_is_refused(client: Client, path: str, status: int) -> None:
    if "probabilities" in path:
        path = f"tiles/0/probabilities/{_at(30, 20)[0]}?band=9"
    answer = client.get(path)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


def test_a_replaced_raster_is_read_again(client: Client, folder: Path) -> None:
    path = f"tiles/0/labels/{_at(30, 20)[0]}"
    tag = client.get(path).headers["etag"]
    assert client.get(path, headers={"if-none-match": tag}).status_code == 304
    before = client.json("api/versions")
    write_labels(folder / "new.tif", np.full((48, 64), 3, np.uint8)).replace(folder / "scene.tif")
    again = client.get(path, headers={"if-none-match": tag})
    assert again.status_code == 200
    assert _colour(client, "labels", 30, 20) == list(COLOURS[3])
    assert client.json("api/versions")[0]["labels"] != before[0]["labels"]


def test_a_deleted_raster_is_gone_and_the_others_stay(client: Client, folder: Path) -> None:
    path = f"tiles/0/labels/{_at(30, 20)[0]}"
    assert client.get(path).status_code == 200
    (folder / "scene.tif").unlink()
    answer = client.get(path)
    assert answer.status_code == 410
    assert "scene.tif: cannot be read any more" in answer.json()["error"]
    assert str(folder) not in answer.text
    assert client.json("api/versions")[0]["labels"] is None
    assert "scene" in client.json("api/scenes/0")["layers"]


def test_links_out_of_the_folder_are_not_served(client: Client, folder: Path, tmp_path: Path) -> None:
    outside = (folder / "scene.tif").rename(tmp_path / "outside.tif")
    (folder / "scene.tif").symlink_to(outside)
    assert client.get(f"tiles/0/labels/{_at(30, 20)[0]}").status_code == 410
    assert "labels" not in open_session([str(folder)]).scenes[0].rasters


def test_pixels_of_other_files_are_not_served_as_labels(client: Client, folder: Path, tmp_path: Path) -> None:
    """Neither by a virtual raster under the name of a label raster, nor by one under the name of its overviews."""
    outside = write_labels(tmp_path / "outside.tif", np.full((48, 64), 3, np.uint8))
    source = f'<SourceFilename relativeToVRT="0">{outside}</SourceFilename><SourceBand>1</SourceBand>'
    band = f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource>{source}</SimpleSource></VRTRasterBand>'

    def virtual(width: int, height: int) -> str:
        return f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}">{band}</VRTDataset>'

    (folder / "scene.tif.ovr").write_text(virtual(32, 24))
    assert _colour(client, "labels", 30, 20, zoom=10) == list(COLOURS[2])
    (folder / "scene.tif").write_text(virtual(64, 48))
    answer = client.get(f"tiles/0/labels/{_at(30, 20)[0]}")
    assert answer.status_code == 410
    assert "not a GeoTIFF" in answer.json()["error"]


def test_a_damaged_raster_is_refused_without_its_path(client: Client, folder: Path) -> None:
    (folder / "scene.tif").write_bytes(b"no raster")
    answer = client.get(f"tiles/0/labels/{_at(30, 20)[0]}")
    assert answer.status_code == 410
    assert list(answer.json()) == ["error"]


def test_a_large_scene_without_overviews_gets_a_temporary_one(tmp_path: Path) -> None:
    folder = label_folder(tmp_path)
    big = tmp_path / "scene.tif"
    with rasterio.open(big) as file:
        profile = {
            **file.profile,
            "SPARSE_OK": True,
            "height": 5000,
            "width": 5000,
            "tiled": True,
            "blockxsize": 256,
            "blockysize": 256,
        }
    with rasterio.open(big, "w", **profile) as file:
        file.write(np.full((3, 256, 256), 7, np.uint16), window=((0, 256), (0, 256)))
    client = Client(open_session([str(folder)]))
    far = f"tiles/0/scene/{_at(30, 20, 9)[0]}?bands=1&ranges=0:14"
    assert client.tile(far).shape == (1, 1, 4)
    assert _colour(client, "scene", 30, 20, "bands=1&ranges=0:14", 14) == [128, 128, 128, 255]
    before = client.json("api/scenes/0")
    assert "One is being made: " in before["versions"]["overview"]
    while "overview" in (versions := client.json("api/versions")[0]):
        time.sleep(0.02)
    after = client.json("api/scenes/0")
    assert (after["problems"], after["layers"]["scene"]["minzoom"]) == ([], 0)
    assert after["layers"]["scene"]["version"] == versions["scene"] != before["layers"]["scene"]["version"]
    assert _colour(client, "scene", 128, 128, "bands=1&ranges=0:14", 9) == [128, 128, 128, 255]
    assert _colour(client, "scene", 300, 300, "bands=1&ranges=0:14", 9)[3] == 0


@pytest.mark.parametrize(("factors", "enough"), [([], False), ([2], False), ([2, 4], True)])
def test_overviews_count_if_the_coarsest_is_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factors: list[int], enough: bool
) -> None:
    monkeypatch.setattr("latentclust.viewer.stretch.LARGEST_WITHOUT_OVERVIEWS", 16)
    with rasterio.open(write_labels(tmp_path / "a.tif"), "r+") as file:
        file.build_overviews(factors, Resampling.nearest)
    with rasterio.open(tmp_path / "a.tif") as file:
        assert has_overviews(file) is enough


def test_from_afar_the_overviews_are_read(tmp_path: Path) -> None:
    folder = label_folder(tmp_path)
    with rasterio.open(tmp_path / "scene.tif") as file:
        profile = {**file.profile, "height": 1024, "width": 1024, "count": 1, "dtype": "uint8", "nodata": None}
    chequered = np.where(np.indices((1024, 1024)).sum(axis=0) % 2, 200, 0).astype(np.uint8)
    profile |= {"tiled": True, "blockxsize": 256, "blockysize": 256}
    with rasterio.open(tmp_path / "scene.tif", "w", **profile) as file:
        file.write(chequered, 1)
        file.build_overviews([2, 4, 8], Resampling.average)
    client = Client(open_session([str(folder)]))
    whole = client.tile(f"tiles/0/scene/{_at(500, 500, 9)[0]}?bands=1&ranges=0:255")
    assert set(np.unique(whole[whole[..., 3] == 255][:, 0])) == {100}
