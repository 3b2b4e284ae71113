"""ISPRS Potsdam: tiles against an independent computation, the published counts, and every file that is wrong."""

from collections import deque
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from latentclust.api import VOID, LatentclustError
from latentclust.bundled.datasets.potsdam import Potsdam, _draw, image_strips
from latentclust.bundled.datasets.potsdam_scenes import SCORED, PotsdamScene, scenes
from latentclust.data.prepared.prepare import prepare
from latentclust.data.tiling import cut
from tests.bundled.datasets.isprs import drawn, write, write_image, write_labels
from tests.memory import peak_bytes

MERGED = {0: 0, 4: 0, 1: 1, 5: 1, 2: 2, 3: 2, 6: VOID}
SIZES = {"2_10": (812, 1205), "3_10": (400, 400), "2_13": (800, 430)}
"""Scenes by height and width: two with labels, one that the benchmark kept for testing."""


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Generated scenes in the full layout, with files beside them that are not read."""
    root = tmp_path / "raw"
    for seed, (name, size) in enumerate(SIZES.items()):
        image, classes = drawn(seed, *size)
        write_image(root, name, image)
        write_image(root, name, image[:3])
        write_labels(root, name, classes)
        write(root / "5_Labels_all_noBoundary" / f"top_potsdam_{name}_label_noBoundary.tif", image[:3])
    return root


def opened(spec: Potsdam, raw: Path, target: Path):
    prepare(spec, raw, target, lambda step: None)
    return spec.model_copy(update={"path": target}).open(())


def halved(image: np.ndarray) -> np.ndarray:
    """By torch's bilinear interpolation in floats, a half rounded up."""
    even = torch.tensor(image[:, : image.shape[1] // 2 * 2, : image.shape[2] // 2 * 2], dtype=torch.float64)
    small = torch.nn.functional.interpolate(even[None], scale_factor=0.5, mode="bilinear", align_corners=False)
    return np.floor(small[0].numpy() + 0.5).astype(np.uint8)


def expected(names, merge: bool) -> tuple[np.ndarray, np.ndarray]:
    """The tiles and labels of scenes, one by one."""
    tiles, labels = [], []
    for name in names:
        seed = list(SIZES).index(name)
        image, classes = drawn(seed, *SIZES[name])
        small = halved(image)
        for top in range(0, SIZES[name][0] // 400 * 200, 200):
            for left in range(0, SIZES[name][1] // 400 * 200, 200):
                tiles.append(small[:, top : top + 200, left : left + 200])
                label = np.full((200, 200), VOID)
                for row, column in np.ndindex(200, 200):
                    value = int(classes[2 * (top + row), 2 * (left + column)])
                    label[row, column] = MERGED[value] if merge else (VOID if value == 6 else value)
                labels.append(label if name in SCORED else np.full((200, 200), VOID))
    return np.array(tiles), np.array(labels)


@pytest.mark.parametrize("protocol", ["iic-potsdam3", "iic-potsdam6"])
def test_prepared_tiles_are_those_of_an_independent_computation(protocol, raw, tmp_path):
    found = opened(Potsdam(protocol=protocol), raw, tmp_path / "tiles")
    tiles, labels = expected(["2_10", "2_13", "3_10"], merge=protocol == "iic-potsdam3")
    every = np.arange(len(tiles))

    assert len(tiles) == 6 + 2 + 1
    np.testing.assert_array_equal(found.source.read(every), tiles)
    np.testing.assert_array_equal(found.labels.unseal(every), labels)
    assert len(found.classes) == {"iic-potsdam3": 3, "iic-potsdam6": 6}[protocol]
    assert "left out 1: label raster of a scene that the benchmark kept for testing" in str(found.protocol)
    assert len(found.protocol.digest) == 12


def test_stego_enlarges_as_pillow_does_and_drops_infrared(raw, tmp_path):
    found = opened(Potsdam(protocol="stego-potsdam3"), raw, tmp_path / "tiles")
    tiles, labels = expected(["2_10", "2_13", "3_10"], merge=True)

    assert found.source.shape == (3, 320, 320)
    for index in (0, 4, 8):
        (image,), (label,) = found.source.read(np.array([index])), found.labels.unseal(np.array([index]))
        picture = Image.fromarray(np.ascontiguousarray(tiles[index, :3].transpose(1, 2, 0)))
        enlarged = picture.resize((320, 320), Image.Resampling.NEAREST)
        np.testing.assert_array_equal(image.transpose(1, 2, 0), np.asarray(enlarged))
        grey = Image.fromarray((labels[index] + 1).astype(np.uint8)).resize((320, 320), Image.Resampling.NEAREST)
        np.testing.assert_array_equal(label, np.asarray(grey).astype(int) - 1)


def test_the_published_counts():
    assert len(SCORED) == 24
    whole = [PotsdamScene(name, Path(name), Path("label"), False, 15, 15) for name in sorted(SCORED)]
    chosen = _draw(whole)
    assert sum(map(len, chosen.values())) == 855
    assert all(tiles.min() >= 0 and tiles.max() < 225 and len(set(tiles)) == len(tiles) for tiles in chosen.values())
    assert {name: tiles.tolist() for name, tiles in _draw(whole).items()} == {
        name: tiles.tolist() for name, tiles in chosen.items()
    }


def test_tiles_that_stego_does_not_draw_are_void(raw, monkeypatch, tmp_path):
    monkeypatch.setattr("latentclust.bundled.datasets.potsdam.STEGO_TILES", 3)
    found = opened(Potsdam(protocol="stego-potsdam3"), raw, tmp_path / "tiles")
    maps = found.labels.unseal(np.arange(9))
    assert sum(bool(np.any(each != VOID)) for each in maps) == 3


def test_a_draw_changes_with_the_scenes_and_so_do_all_units(raw):
    spec = Potsdam(protocol="stego-potsdam3")
    before = spec.units(raw)[0].inputs
    write_image(raw, "7_7", drawn(9, 400, 400)[0])
    write_labels(raw, "7_7", drawn(9, 400, 400)[1])
    assert before != spec.units(raw)[0].inputs
    assert Potsdam().units(raw)[0].inputs == scenes(raw, "rgbir")[0].files


def test_scenes_follow_their_place_in_the_mosaic(raw):
    for name in ("10_1", "2_9"):
        write_image(raw, name, drawn(0, 400, 400)[0])
    assert [scene.name for scene in scenes(raw, "rgbir")] == ["2_9", "2_10", "2_13", "3_10", "10_1"]


def test_rgb_scenes_have_three_bands_and_say_so(raw, tmp_path):
    found = opened(Potsdam(bands="rgb"), raw, tmp_path / "tiles")
    np.testing.assert_array_equal(found.source.read(np.arange(9)), expected(["2_10", "2_13", "3_10"], True)[0][:, :3])
    assert found.protocol.name == "iic-potsdam3-rgb"
    assert "no infrared, unlike iic-potsdam3" in found.protocol.summary


def test_a_scene_smaller_than_a_tile_is_counted(raw, tmp_path):
    write_image(raw, "7_8", drawn(0, 399, 900)[0])
    found = opened(Potsdam(), raw, tmp_path / "tiles")
    assert len(found.source) == 9
    assert "left out 1: scene of less than 400x400 pixels" in found.protocol.summary


def test_labels_found_twice_are_those_that_iic_read(raw):
    preferred = write_labels(raw, "2_10", drawn(0, *SIZES["2_10"])[1], "5_Labels_for_participants")
    assert scenes(raw, "rgbir")[0].label == preferred


def test_labels_saved_with_losses_are_read_where_they_are_known_to_be(raw, tmp_path):
    image, classes = drawn(5, 400, 400)
    write_image(raw, "4_12", image)
    path = write_labels(raw, "4_12", classes)
    exact = next(unit for unit in Potsdam().units(raw) if unit.key == "potsdam_4_12").make()
    noise = np.random.default_rng(0).integers(0, 88, (3, 400, 400))
    colours = np.where(labelled(path) > 127, 255 - noise, noise).astype(np.uint8)
    write(path, colours)
    lossy = next(unit for unit in Potsdam().units(raw) if unit.key == "potsdam_4_12").make()
    np.testing.assert_array_equal(lossy.labels, exact.labels)


def labelled(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).transpose(2, 0, 1)


# What is wrong


def spoilt_colours(raw: Path) -> None:
    path = raw / "5_Labels_all" / "top_potsdam_2_10_label.tif"
    colours = labelled(path).copy()
    colours[:, 17, 40] = (252, 255, 0)
    colours[:, 500, 3:6] = np.array([[255, 0, 255]]).T
    write(path, colours)


def spoilt_size(raw: Path) -> None:
    write_labels(raw, "2_10", drawn(0, 812, 1204)[1])


def spoilt_bands(raw: Path) -> None:
    write(raw / "4_Ortho_RGBIR" / "top_potsdam_3_10_RGBIR.tif", drawn(0, 400, 400)[0][:3])


def spoilt_label_bands(raw: Path) -> None:
    write(raw / "5_Labels_all" / "top_potsdam_3_10_label.tif", drawn(0, 400, 400)[0])


def label_alone(raw: Path) -> None:
    (raw / "4_Ortho_RGBIR" / "top_potsdam_3_10_RGBIR.tif").unlink()


def truncated(raw: Path) -> None:
    path = raw / "4_Ortho_RGBIR" / "top_potsdam_2_10_RGBIR.tif"
    path.write_bytes(path.read_bytes()[:-1_000_000])


def no_tiff(raw: Path) -> None:
    (raw / "4_Ortho_RGBIR" / "top_potsdam_2_10_RGBIR.tif").write_text("not found")


def twice(raw: Path) -> None:
    write_image(raw / "again", "2_10", drawn(0, *SIZES["2_10"])[0])


@pytest.mark.parametrize(
    ("spoil", "file", "what"),
    [
        (
            spoilt_colours,
            "top_potsdam_2_10_label.tif",
            "4 pixels have colours outside the palette, the first (252, 255, 0) at row 17, column 40, counted from 0",
        ),
        (
            spoilt_size,
            "top_potsdam_2_10_label.tif",
            "is 1204x812, but its scene top_potsdam_2_10_RGBIR.tif is 1205x812",
        ),
        (spoilt_bands, "top_potsdam_3_10_RGBIR.tif", "expected 4 bands of uint8 (RGBIR), got 3 of uint8"),
        (spoilt_label_bands, "top_potsdam_3_10_label.tif", "expected 3 bands of uint8 (colours), got 4 of uint8"),
        (label_alone, "top_potsdam_3_10_label.tif", "labels without a scene"),
        (truncated, "top_potsdam_2_10_RGBIR.tif", "cannot be read (RasterioIOError"),
        (no_tiff, "top_potsdam_2_10_RGBIR.tif", "cannot be read (RasterioIOError"),
        (twice, "top_potsdam_2_10_RGBIR.tif", "exists twice"),
    ],
)
def test_what_is_wrong_is_named_stops_before_the_manifest_and_is_mended(spoil, file, what, raw, tmp_path):
    whole = {path: path.read_bytes() for path in raw.rglob("*.tif")}
    spoil(raw)
    with pytest.raises(LatentclustError) as caught:
        prepare(Potsdam(), raw, tmp_path / "tiles", lambda step: None)
    (issue,) = caught.value.issues
    assert issue.where.endswith(file)
    assert what in issue.what
    assert not (tmp_path / "tiles" / "manifest.json").exists()

    for path in raw.rglob("*.tif"):
        if path not in whole:
            path.unlink()
    for path, content in whole.items():
        path.write_bytes(content)
    assert len(opened(Potsdam(), raw, tmp_path / "tiles").source) == 9


def test_all_mistakes_in_headers_are_reported_together(raw):
    for spoil in (spoilt_size, spoilt_bands, twice):
        spoil(raw)
    with pytest.raises(LatentclustError) as caught:
        scenes(raw, "rgbir")
    assert len(caught.value.issues) == 3


def test_missing_files_of_the_bands_are_reported(raw):
    for path in raw.rglob("*RGBIR.tif"):
        path.unlink()
    with pytest.raises(LatentclustError, match=r"no top_potsdam_R_C_RGBIR\.tif below it\. .* set bands=rgb"):
        scenes(raw, "rgbir")


def test_a_scene_is_read_by_strips(tmp_path):
    write_image(tmp_path, "2_10", drawn(0, 4000, 800)[0])
    (scene,) = scenes(tmp_path, "rgbir")
    peak = peak_bytes(lambda: deque(image_strips(scene, 4), maxlen=0))
    assert peak < 4 * 800 * 400 * 8  # a strip, doubled to 16 bits, and its sums; the scene has 12.8 MB


def test_the_real_crop_goes_through(real, tmp_path):
    folder = next((root / "isprs_potsdam" for root in real if (root / "isprs_potsdam").is_dir()), None)
    if folder is None:
        pytest.skip("isprs_potsdam is not among the real data")
    image = np.asarray(Image.open(folder / "full_512.png")).transpose(2, 0, 1)
    stored = np.asarray(Image.open(folder / "full_512_label.png")).astype(int)
    classes = np.where(stored == 0, 6, stored - 1)  # 0 is ignored there, and the classes count from 1
    write_image(tmp_path / "raw", "2_10", image)
    write_labels(tmp_path / "raw", "2_10", classes)
    found = opened(Potsdam(bands="rgb"), tmp_path / "raw", tmp_path / "tiles")

    assert len(found.source) == 1
    np.testing.assert_array_equal(found.source.read(np.array([0]))[0], halved(image)[:, :200, :200])
    merged = np.vectorize(MERGED.get)(classes[:400:2, :400:2])
    np.testing.assert_array_equal(found.labels.unseal(np.array([0]))[0], merged)
    assert cut(Potsdam(bands="rgb").units(tmp_path / "raw")[0], 3).valid is None
