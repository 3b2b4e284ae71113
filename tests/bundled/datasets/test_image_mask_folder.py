"""Images and masks of one's own: indices, colours, void, sizes, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentclust.api import VOID, ImageSet, LatentclustError
from latentclust.bundled.datasets.image_mask_folder import ImageMaskFolder

INDICES = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
PALETTE = ((0, 0, 0), (255, 0, 0), (0, 255, 0))
CLASSES = ("field", "wood")


@pytest.fixture
def folder(save, noise, tmp_path):
    """Two images of 2x3 pixels with masks, and how to open them."""

    def write(mask: np.ndarray = INDICES, name: str = "{}.png", **options: object) -> ImageSet:
        for seed, image in enumerate("ab"):
            save(f"images/{image}.png", noise(2, 3, 3, seed=seed))
            save(f"masks/{name.format(image)}", mask)
        return ImageMaskFolder(path=tmp_path, **options).open(())

    return write


@pytest.mark.parametrize(
    ("mask", "name"),
    [
        (INDICES, "{}.png"),
        (INDICES.astype(np.uint16), "{}.png"),
        (INDICES.astype(np.uint16), "{}.tif"),
        (INDICES.astype(np.int32), "{}.tif"),
    ],
)
def test_indices_that_are_not_void_are_the_classes_in_ascending_order(folder, maps, mask, name):
    opened = folder(mask, name, classes=CLASSES, void=(1,))
    np.testing.assert_array_equal(maps(opened)[0], [[0, VOID, 1], [1, VOID, 0]])
    assert opened.classes == CLASSES
    assert opened.source.shape == (3, 2, 3)


def test_a_palette_file_is_read_by_index_and_a_void_index_may_lie_beyond_the_classes(folder, maps, tmp_path):
    folder(classes=("x", "y", "z"))
    for name in "ab":
        mask = Image.fromarray(np.where(INDICES == 2, 255, INDICES).astype(np.uint8)).convert("P")
        mask.save(tmp_path / f"masks/{name}.png")
    opened = ImageMaskFolder(path=tmp_path, classes=CLASSES, void=(255,)).open(())
    np.testing.assert_array_equal(maps(opened)[1], [[0, 1, VOID], [VOID, 1, 0]])


def test_colours_by_a_palette(folder, maps):
    colours = np.array(PALETTE, np.uint8)[INDICES]
    opened = folder(colours, palette=PALETTE, void=(0,), classes=CLASSES)
    np.testing.assert_array_equal(maps(opened)[0], [[VOID, 0, 1], [1, 0, VOID]])
    assert folder(colours, palette=PALETTE, void=(0,)).classes == ("#ff0000", "#00ff00")


def test_other_folders_and_endings(save, noise, maps, tmp_path):
    for seed, name in enumerate(("deep/a", "b")):
        save(f"scenes/{name}.jpg", noise(2, 3, seed=seed))
        save(f"truth/{name}_label.png", INDICES)
    spec = ImageMaskFolder(
        path=Path("mine"), images="scenes", masks="truth", mask_ending="_label", classes=("x", "y", "z")
    )
    tmp_path.rename(tmp_path.parent / "mine")
    opened = spec.open((tmp_path.parent,))
    assert opened.source.shape == (1, 2, 3)
    np.testing.assert_array_equal(maps(opened), [INDICES, INDICES])


def test_size_resizes_and_tile_cuts(save, noise, maps, tmp_path):
    ids = np.kron(np.array([[0, 1], [1, 0]], np.uint8), np.ones((4, 4), np.uint8))
    image = noise(8, 8, 3)
    save("images/a.png", image)
    save("masks/a.png", ids)
    resized = ImageMaskFolder(path=tmp_path, size=4, classes=CLASSES).open(())
    np.testing.assert_array_equal(maps(resized)[0], ids[::2, ::2])
    tiled = ImageMaskFolder(path=tmp_path, tile=4, classes=CLASSES).open(())
    np.testing.assert_array_equal(maps(tiled), np.array([0, 1, 1, 0])[:, None, None].repeat(4, 1).repeat(4, 2))
    tiles = image.reshape(2, 4, 2, 4, 3).transpose(0, 2, 4, 1, 3).reshape(4, 3, 4, 4)
    np.testing.assert_array_equal(tiled.source.read(np.arange(4)), tiles)
    assert "whole tiles of 4x4" in str(tiled.protocol)
    with pytest.raises(LatentclustError, match="1 x smaller than 9x9"):
        ImageMaskFolder(path=tmp_path, tile=9, classes=CLASSES).open(())


def test_without_masks_there_are_no_labels(save, noise, tmp_path):
    for seed in range(2):
        save(f"images/{seed}.png", noise(4, 4, 3, seed=seed))
    opened = ImageMaskFolder(path=tmp_path, tile=2).open(())
    assert (len(opened.source), opened.labels, opened.valid) == (8, None, None)
    with pytest.raises(LatentclustError, match=r"data\.masks: no folder .*truth"):
        ImageMaskFolder(path=tmp_path, masks="truth").open(())


@pytest.mark.parametrize(
    ("mask", "name", "options", "said"),
    [
        (INDICES, "{}.png", {}, r"data\.classes: is required, since .*masks contains masks"),
        (
            INDICES,
            "{}.png",
            {"classes": CLASSES},
            r"a\.png: 2 of 6 pixels have .*first 2 at row 0, column 2.*valid labels are 0 to 1",
        ),
        (INDICES.repeat(2, 0), "{}.png", {"classes": "xyz"}, r"a\.png: is 3x4, but its image a\.png is 3x2"),
        (INDICES, "x{}.png", {"classes": "xyz"}, "2 of 2 images have no label map: a, b"),
        (
            INDICES.astype(np.float32),
            "{}.tif",
            {"classes": "xyz"},
            r"a\.tif: labels must be integers, got fractional values \(float32\)",
        ),
        (
            np.array(PALETTE, np.uint8)[INDICES],
            "{}.png",
            {"classes": "xyz"},
            r"a\.png: expected indices, got an image in colour \(mode RGB\)",
        ),
        (
            np.array(PALETTE, np.uint8)[INDICES],
            "{}.png",
            {"palette": PALETTE[:2]},
            r"a\.png: 2 of 6 pixels have a colour outside the palette, the first \(0, 255, 0\) at row 0, column 2",
        ),
        (INDICES.astype(np.uint16), "{}.png", {"palette": PALETTE}, r"a\.png: has more than 8 bits per channel"),
    ],
)
def test_masks_that_are_refused(folder, mask, name, options, said):
    with pytest.raises(LatentclustError, match=said):
        folder(mask, name, **{key: tuple(value) for key, value in options.items()})


def test_images_that_are_refused(save, noise, tmp_path):
    spec = ImageMaskFolder(path=tmp_path)
    with pytest.raises(LatentclustError, match=r"data\.path: no folder absent"):
        ImageMaskFolder(path=Path("absent")).open((tmp_path,))
    with pytest.raises(LatentclustError, match=r"data\.images: no folder .*images"):
        spec.open(())
    (tmp_path / "images").mkdir()
    with pytest.raises(LatentclustError, match="images: contains no images"):
        spec.open(())
    save("images/a.png", noise(2, 3))
    save("images/b.png", noise(4, 4))
    with pytest.raises(LatentclustError, match=r"images of 2 sizes: a\.png is 3x2 and b\.png is 4x4.*data\.tile"):
        spec.open(())
    save("images/b.png", np.zeros((2, 3), np.uint16))
    with pytest.raises(LatentclustError, match=r"b\.png: has more than 8 bits per channel \(mode I;16\)"):
        spec.open(())
    save("images/b.jpg", noise(2, 3))
    with pytest.raises(LatentclustError, match=r"b\.jpg and b\.png both are 'b'"):
        spec.open(())


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_truncated_image_is_named(save, noise, tmp_path, suffix):
    path = save(f"images/a.{suffix}", noise(64, 64, 3))
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(LatentclustError, match=rf"a\.{suffix}: cannot be read"):
        ImageMaskFolder(path=tmp_path).open(())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 4, "tile": 4}, "use only one of them"),
        ({"palette": (PALETTE[0], PALETTE[0])}, r"\(0, 0, 0\) occurs twice"),
        ({"palette": ((0, 0, 256),)}, "is not a colour of three values"),
        ({"palette": PALETTE, "void": (3,)}, "3 is not a position in the palette, which ends at 2"),
        ({"palette": PALETTE, "classes": CLASSES}, "2 names for 3 colours"),
    ],
)
def test_options_that_do_not_fit_together(tmp_path, options, said):
    with pytest.raises(ValueError, match=said):
        ImageMaskFolder(path=tmp_path, **options)


def test_masks_are_turned_as_their_images_are(save, noise, maps, tmp_path):
    turn = Image.Exif()
    turn[0x0112] = 6
    for name in "ab":
        save(f"images/{name}.png", noise(2, 3, 3, seed=ord(name)))
        save(f"masks/{name}.png", INDICES)
        for kind in ("images", "masks"):
            with Image.open(tmp_path / kind / f"{name}.png") as file:
                file.rotate(90, expand=True).save(tmp_path / kind / f"{name}.png", exif=turn)
    opened = ImageMaskFolder(path=tmp_path, classes=CLASSES, void=(1,)).open(())
    np.testing.assert_array_equal(maps(opened)[0], [[0, VOID, 1], [1, VOID, 0]])
    np.testing.assert_array_equal(opened.source.read(np.array([0]))[0], noise(2, 3, 3, seed=97).transpose(2, 0, 1))


def test_files_that_are_not_read_are_counted(folder, tmp_path):
    folder(classes=CLASSES, void=(1,))
    (tmp_path / "images" / "notes.txt").touch()
    opened = ImageMaskFolder(path=tmp_path, classes=CLASSES, void=(1,)).open(())
    assert opened.notes == (
        "images: 1 files were passed over, since their suffix or contents are not an image's: 1 .txt",
    )
