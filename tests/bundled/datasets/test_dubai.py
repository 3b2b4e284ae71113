"""Dubai: how tiles are cut, on files in the layout and on the real ones."""

import numpy as np
import pytest

from latentclust.api import VOID, LatentclustError
from latentclust.bundled.datasets.dubai import Dubai


def checks(rows: int, columns: int) -> np.ndarray:
    """Ids 0 to 5 in blocks of 2x2, which halving leaves as single pixels."""
    small = np.arange(rows // 2 * (columns // 2)).reshape(rows // 2, columns // 2) % 6
    return small.repeat(2, 0).repeat(2, 1).astype(np.uint8)


def test_whole_tiles_of_the_halved_image_from_the_upper_left(save, noise, maps, tmp_path):
    ids, image = checks(460, 870), noise(460, 870, 3)
    save("dubai/labels/tile1_001.png", ids)
    save("dubai/images/tile1_001.jpg", image)
    opened = Dubai().open((tmp_path,))
    assert (len(opened.source), opened.source.shape) == (2, (3, 200, 200))
    small = ids[::2, ::2].astype(np.int16) - 1
    np.testing.assert_array_equal(maps(opened), np.stack([small[:200, :200], small[:200, 200:400]]))
    assert small.min() == VOID
    assert opened.classes == ("building", "land", "road", "vegetation", "water")
    assert opened.valid is None
    assert str(opened.protocol).startswith("dubai5@1 (scaled by 0.5")


def test_images_are_averaged_where_labels_are_nearest(save, tmp_path):
    flat = np.zeros((800, 400, 3), np.uint8)
    flat[400:] = (200, 100, 50)
    save("dubai_mbrsc/labels/a.png", np.ones((800, 400), np.uint8))
    save("dubai_mbrsc/images/a.jpg", flat)
    upper, lower = Dubai().open((tmp_path,)).source.read(np.arange(2))
    assert np.abs(upper[:, :190].astype(int)).max() <= 2
    assert np.abs(lower[:, 10:].astype(int) - np.array([200, 100, 50])[:, None, None]).max() <= 3


def test_an_image_too_small_for_a_tile_is_counted(save, noise, tmp_path):
    for name, side in (("a", 400), ("b", 398)):
        save(f"dubai/images/{name}.jpg", noise(side, side, 3))
        save(f"dubai/labels/{name}.png", np.full((side, side), 3, np.uint8))
    opened = Dubai().open((tmp_path,))
    assert len(opened.source) == 1
    assert "left out 1: halved, smaller than 200x200" in str(opened.protocol)


def test_another_size_is_another_protocol(save, noise, maps, tmp_path):
    save("dubai/images/a.jpg", noise(400, 400, 3))
    ids = np.kron(np.array([[1, 2], [3, 5]], np.uint8), np.ones((200, 200), np.uint8))
    save("dubai/labels/a.png", ids)
    opened = Dubai(size=50).open((tmp_path,))
    expected = np.kron(np.array([[0, 1], [2, 4]]), np.ones((25, 25)))
    np.testing.assert_array_equal(maps(opened)[0], expected)
    assert opened.protocol is not None
    assert opened.protocol.name == "dubai5-50px"
    assert "50x50 in place of 200x200" in opened.protocol.summary
    assert Dubai(size=200).facts() == Dubai().facts()


def test_an_index_of_no_class_is_refused_with_its_place(save, noise, tmp_path):
    ids = np.ones((400, 400), np.uint8)
    ids[7, 9:12] = 6
    save("dubai/images/a.jpg", noise(400, 400, 3))
    save("dubai/labels/a.png", ids)
    with pytest.raises(
        LatentclustError, match=r"a\.png: 3 of 160000 pixels have a label without a class, the first 6"
    ) as e:
        Dubai().open((tmp_path,))
    assert "row 7, column 9 (from 0)" in str(e.value)
    assert "valid labels are 0 to 5" in str(e.value)


def test_an_image_without_mask_and_a_mask_without_image_are_both_reported(save, noise, tmp_path):
    save("dubai/images/a.jpg", noise(400, 400, 3))
    save("dubai/images/b.jpg", noise(400, 400, 3))
    for name in "acdef":
        save(f"dubai/labels/{name}.png", np.ones((400, 400), np.uint8))
    with pytest.raises(LatentclustError) as caught:
        Dubai().open((tmp_path,))
    lacking, orphans = caught.value.issues
    assert lacking.what == "1 of 2 images have no label map: b"
    assert orphans.what == "4 of 5 label maps have no image: c, d, e, …"


def test_coloured_masks_in_the_folders_as_published(save, noise, maps, tmp_path):
    colours = ["9B9B9B", "3C1098", "8429F6", "6EC1E4", "FEDD3A", "E2A929"]
    palette = np.array([tuple(bytes.fromhex(colour)) for colour in colours], np.uint8)
    for tile in (2, 1):
        ids = (checks(400, 400) + tile) % 6
        save(f"Semantic segmentation dataset/Tile {tile}/masks/image_part_001.png", palette[ids])
        save(f"Semantic segmentation dataset/Tile {tile}/images/image_part_001.jpg", noise(400, 400, 3, seed=tile))
    expected = [(checks(400, 400)[::2, ::2].astype(int) + tile) % 6 - 1 for tile in (1, 2)]
    np.testing.assert_array_equal(maps(Dubai().open((tmp_path,))), expected)


def test_absence_says_where_to_get_it_and_under_which_licence(tmp_path):
    with pytest.raises(LatentclustError, match=r"Humans in the Loop .*licence: CC0.*dubai/images/NAME.jpg"):
        Dubai().open((tmp_path,))


def test_the_real_set(real, shares):
    if Dubai().located(real) is None:
        pytest.skip("Dubai is not among the real data")
    opened = Dubai().open(real)
    assert len(opened.source) == 450
    assert shares(opened)["land"] == pytest.approx(0.536, abs=6e-4)
    assert max(shares(opened), key=shares(opened).__getitem__) == "land"
