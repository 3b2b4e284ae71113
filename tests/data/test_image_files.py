"""Image files: what is found in a folder, orientation, transparency, and files that are refused."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentclust.data import image_files
from latentclust.data.image_files import FileSource, find_images, image_to_array
from latentclust.errors import LatentclustError
from tests.data.test_sources import noise, write


def test_file_source_decodes_to_what_was_written(tmp_path: Path):
    pictures = noise(3, 5, 7, 3)
    source = FileSource([write(tmp_path / f"{i}.png", picture) for i, picture in enumerate(pictures)])
    assert source.shape == (3, 5, 7)
    np.testing.assert_array_equal(source.read(np.array([2, 0])), pictures[[2, 0]].transpose(0, 3, 1, 2))


def test_file_source_is_grey_only_where_every_file_is(tmp_path: Path):
    grey, colour = write(tmp_path / "g.png", noise(4, 4)), write(tmp_path / "c.png", noise(4, 4, 3))
    assert FileSource([grey, grey]).shape == (1, 4, 4)
    both = FileSource([grey, colour])
    assert both.shape == (3, 4, 4)
    red, green, blue = both.read(np.array([0]))[0]
    np.testing.assert_array_equal(red, noise(4, 4))
    np.testing.assert_array_equal(red, green)
    np.testing.assert_array_equal(red, blue)


def test_file_source_of_mixed_sizes_needs_a_size(tmp_path: Path):
    paths = [write(tmp_path / "a.png", noise(4, 6)), write(tmp_path / "b.png", noise(8, 8))]
    with pytest.raises(LatentclustError, match=r"2 sizes: .*a\.png is 6x4 and .*b\.png is 8x8\. Set data\.size"):
        FileSource(paths)
    assert FileSource(paths, size=5).read(np.array([0, 1])).shape == (2, 1, 5, 5)


def test_file_source_names_a_damaged_file(tmp_path: Path):
    whole = write(tmp_path / "whole.png", noise(64, 64))
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:1000])
    source = FileSource([whole, cut])
    with pytest.raises(LatentclustError, match=r"cut\.png: cannot be read"):
        source.read(np.array([0, 1]))
    text = tmp_path / "text.png"
    text.write_text("no image")
    with pytest.raises(LatentclustError, match=r"text\.png: cannot be read"):
        FileSource([text])


def test_file_source_refuses_deep_images_and_no_files(tmp_path: Path):
    deep = write(tmp_path / "deep.png", np.arange(16, dtype=np.uint16).reshape(4, 4))
    with pytest.raises(LatentclustError, match="more than 8 bits"):
        FileSource([deep])
    with pytest.raises(LatentclustError, match="no image files"):
        FileSource([])


def turned(path: Path, picture: np.ndarray, orientation: int) -> Path:
    """Write a JPEG file without loss of large areas, with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(path, exif=exif, quality=100)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_their_orientation_says(tmp_path: Path, orientation: int):
    """The orientation names the sides of the stored picture; each is the same picture as seen by a viewer."""
    seen = np.zeros((16, 32), np.uint8)
    seen[:8, :16], seen[8:, :16] = 80, 160
    stored = {
        1: seen,
        2: seen[:, ::-1],
        3: seen[::-1, ::-1],
        4: seen[::-1],
        5: seen.T,
        6: np.rot90(seen),
        7: np.rot90(seen, 2).T,
        8: np.rot90(seen, -1),
    }[orientation]
    source = FileSource([turned(tmp_path / "x.jpg", np.ascontiguousarray(stored), orientation)])
    assert source.shape == (1, 16, 32)
    assert np.abs(source.read(np.array([0]))[0, 0].astype(int) - seen).max() <= 3


@pytest.mark.parametrize("hidden", [0, 255])
@pytest.mark.parametrize("grey", [True, False])
def test_what_is_transparent_shows_the_ground(tmp_path: Path, hidden: int, grey: bool):
    picture = np.full((4, 4, 2 if grey else 4), hidden, np.uint8)
    picture[..., -1] = 0
    picture[0, 0] = (7, 255) if grey else (7, 7, 7, 255)
    path = write(tmp_path / "x.png", picture)
    for ground, value in (((255, 255, 255), 255), ((9, 9, 9), 9)):
        read = FileSource([path], ground=ground).read(np.array([0]))[0]
        assert read.shape == (1 if grey else 3, 4, 4)
        assert (read[:, 0, 0] == 7).all()
        assert np.unique(read[:, 1:]).tolist() == [value]


def test_a_transparent_colour_of_a_palette_shows_the_ground():
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putdata([0, 1])
    picture.info["transparency"] = 0
    assert image_to_array(picture, "RGB", ground=(1, 2, 3))[:, 0].T.tolist() == [[1, 2, 3], [200, 100, 50]]


def test_folders_are_searched_through_links_and_the_rest_is_counted(tmp_path: Path):
    folder, elsewhere = tmp_path / "images", tmp_path / "elsewhere"
    for name in ("a.png", "b-1/x.PNG", "b/x.gif", "b/deep/y.jfif", "no-suffix", ".hidden/z.png", ".z.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as file:
            Image.fromarray(noise(4, 4)).save(file, {".gif": "GIF", ".jfif": "JPEG"}.get(Path(name).suffix, "PNG"))
    elsewhere.mkdir()
    write(elsewhere / "l.png", noise(4, 4))
    (folder / "link").symlink_to(elsewhere)
    (folder / "b" / "back").symlink_to(folder)
    (folder / "broken.png").symlink_to(tmp_path / "absent.png")
    (folder / "notes.txt").touch()
    (folder / "README").write_text("no image")
    os.mkfifo(folder / "pipe.png")

    found = find_images(folder)
    names = [path.relative_to(folder).as_posix() for path in found.paths]
    assert names == ["a.png", "b/deep/y.jfif", "b/x.gif", "b-1/x.PNG", "link/l.png", "no-suffix"]
    assert found.passed_over == {"broken links": 1, ".txt": 1, "without a suffix": 1, ".png": 1}
    assert found.notes == (
        "4 files were passed over, since their suffix or contents are not an image's: "
        "1 .png, 1 .txt, 1 broken links, 1 without a suffix",
        f"1 links lead to a folder that contains them, such as {folder / 'b' / 'back'}",
    )


def test_heif_names_the_package_that_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(image_files, "find_spec", lambda name: None)
    (tmp_path / "x.heic").touch()
    with pytest.raises(LatentclustError, match=r"x\.heic: HEIF images need pillow-heif, .*latentclust\[heif\]"):
        FileSource([tmp_path / "x.heic"])


def test_what_only_a_raster_reads_is_told_so(tmp_path: Path):
    rasterio = pytest.importorskip("rasterio")
    path, shape = tmp_path / "five.tif", {"width": 8, "height": 8, "count": 5, "dtype": "uint16"}
    with rasterio.open(path, "w", driver="GTiff", **shape, transform=rasterio.Affine(2, 0, 0, 0, -2, 0)) as file:
        file.write(np.zeros((5, 8, 8), np.uint16))
    with pytest.raises(LatentclustError, match=r"five\.tif: .*read it with the data set `raster`"):
        FileSource([path])


def test_large_images_are_refused_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write(tmp_path / "x.png", noise(4, 4))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert FileSource([path]).shape == (1, 4, 4), "up to twice the limit, which Pillow warns of"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    with pytest.raises(LatentclustError, match=r"has more pixels than the 10 that are decoded at once\. Cut it"):
        FileSource([path])


def test_a_file_that_changes_size_during_a_run_is_named(tmp_path: Path):
    source = FileSource([write(tmp_path / "x.png", noise(4, 4))])
    write(tmp_path / "x.png", noise(6, 4))
    with pytest.raises(LatentclustError, match=r"x\.png: has 4x6 pixels, but its header"):
        source.read(np.array([0]))
