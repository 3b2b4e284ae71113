"""COCO-Stuff: merges, choice of images, crops and masks, in the published layout and in pairs, and on real pairs."""

import numpy as np
import pytest

from latentclust.api import VOID, LatentclustError
from latentclust.bundled.datasets import coco_stuff
from latentclust.bundled.datasets.coco_crops import ALL27, coarse_labels
from latentclust.bundled.datasets.coco_stuff import CocoStuff
from latentclust.data.prepared.prepare import prepare

TABLE = """
0 71-76; 1 77-82; 2 51-60; 3 61-70; 4 83-90; 5 43-50; 6 25-32; 7 15-24; 8 9-14; 9 0; 10 33-42; 11 1-8; 12 101,102
13 100,113-117; 14 120,121,152,169; 15 97,106,107,109,111,122,129,132,155,160,164; 16 99,131,138,142
17 91,92,103,104,108,130,136,140,151,166,167; 18 170-176; 19 179,180; 20 94,95,127,150,157,165
21 110,124,125,135,139,143,144,146,148,153,158; 22 93,96,118,123,128,133,141,162,168; 23 105,156
24 126,134,149,159,161,181; 25 98,112,137,145,163; 26 119,147,154,177,178
"""
"""Coarse id and fine ids, as the reference codes have them."""

PERSON, SKY, GRASS, DIRT, WALL = 0, 156, 123, 110, 171


def fine_to_coarse() -> dict[int, int]:
    table = {}
    for entry in TABLE.replace("\n", ";").split(";"):
        if not entry.strip():
            continue
        coarse, fine = entry.split()
        for part in fine.split(","):
            first, _, last = part.partition("-")
            table |= dict.fromkeys(range(int(first), int(last or first) + 1), int(coarse))
    return table


@pytest.fixture
def pair(save, noise):
    """Writes an image and its label map as published; the map has `top` above `share` of its rows, else `rest`."""

    def write(name: str, extent=(400, 480), top=SKY, rest=PERSON, share=1.0, seed=0) -> None:
        ids = np.full(extent, rest, np.uint8)
        ids[: round(extent[0] * share)] = top
        save(f"coco-stuff/{name}.jpg", noise(*extent, 3, seed=seed))
        save(f"coco-stuff/stuffthingmaps/{name}.png", ids)

    return write


def test_fine_ids_are_merged_as_in_the_reference_codes():
    table = fine_to_coarse()
    assert sorted(table) == list(range(182))
    assert coarse_labels(ALL27, VOID) == table | {255: VOID}
    fifteen = coarse_labels(CocoStuff().class_names, VOID)
    assert fifteen == {id_: coarse - 12 if coarse >= 12 else VOID for id_, coarse in table.items()} | {255: VOID}
    three = coarse_labels(CocoStuff(protocol="iic-cocostuff3").class_names, VOID)
    kept = {23: 0, 22: 1, 21: 2}
    assert three == {id_: kept.get(coarse, VOID) for id_, coarse in table.items()} | {255: VOID}


def test_iic_keeps_large_images_that_show_enough_and_masks_the_rest(pair, maps, tmp_path):
    pair("train2017/000000000009", share=0.75, seed=1)
    pair("train2017/000000000025", share=0.74, seed=2)
    pair("val2017/000000000139", extent=(359, 640), seed=3)
    pair("val2017/000000000285", extent=(360, 640), top=DIRT, seed=4)
    opened = CocoStuff(protocol="iic-cocostuff3").open((tmp_path,))
    assert opened.classes == ("sky", "plant", "ground")
    assert opened.source.shape == (3, 128, 128)
    first, second = maps(opened)
    # 400x480 by 0.33 is 132x158, of which rows 2 to 129 are taken; the first 99 rows are sky.
    np.testing.assert_array_equal(first, np.where(np.arange(128) < 97, 0, VOID)[:, None].repeat(128, 1))
    # 360x640 is 119x211: 4 rows above and 5 below are not of the image.
    inside = (np.arange(128) >= 4) & (np.arange(128) < 123)
    np.testing.assert_array_equal(second, np.where(inside, 2, VOID)[:, None].repeat(128, 1))
    assert opened.source.read(np.array([1]))[0, :, ~inside].max() == 0
    assert opened.valid is not None
    assert opened.valid.reads_labels
    np.testing.assert_array_equal(opened.valid.read(np.arange(2)), maps(opened) != VOID)
    assert opened.protocol is not None
    assert opened.protocol.name == "iic-cocostuff3"
    assert "left out 1: a side below 360 pixels" in opened.protocol.summary
    assert "left out 1: less than 75% of the pixels in the wanted classes" in opened.protocol.summary


def test_stego_reads_val_alone_and_takes_nearest_pixels(save, pair, noise, maps, tmp_path):
    pair("train2017/000000000009", seed=1)
    ids = noise(160, 200) % 182
    ids[0] = 255
    save("coco-stuff/val2017/000000000139.jpg", noise(160, 200, 3, seed=5))
    save("coco-stuff/stuffthingmaps/val2017/000000000139.png", ids)
    opened = CocoStuff(protocol="stego-cocostuff27").open((tmp_path,))
    assert len(opened.source) == 1
    assert opened.valid is None
    table = fine_to_coarse() | {255: VOID}
    doubled = np.vectorize(table.__getitem__)(ids).repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(maps(opened)[0], doubled[:, 40:360])
    image = opened.source.read(np.array([0]))[0]
    np.testing.assert_array_equal(image[:, ::2, ::2], image[:, 1::2, 1::2])


def test_a_list_chooses_in_place_of_the_rule(pair, tmp_path):
    for number, seed in ((9, 1), (25, 2), (34, 3)):
        pair(f"train2017/{number:012d}", extent=(300, 300), share=0.5, seed=seed)
        pair(f"val2017/{number + 1:012d}", extent=(300, 300), share=0.5, seed=seed + 9)
    listing = tmp_path / "list.txt"
    listing.write_text("000000000009\nval2017/000000000035.jpg\n\n")
    spec = CocoStuff(curated=listing)
    opened = spec.open((tmp_path,))
    assert len(opened.source) == 2
    assert opened.protocol is not None
    assert opened.protocol.name == "iic-cocostuff15-listed"
    listing.write_text("000000000009\n000000000011\n")
    with pytest.raises(LatentclustError, match=r"list\.txt: 1 of 2 images are absent, such as 000000000011"):
        spec.open((tmp_path,))


def test_flat_pairs_and_units_of_64_by_name(save, noise, tmp_path):
    for number in range(65):
        save(f"cocostuff/train_{number:012d}.jpg", noise(8, 8, 3, seed=number))
        save(f"cocostuff/train_{number:012d}_label.png", np.full((8, 8), WALL, np.uint8))
    units = CocoStuff().units(tmp_path / "cocostuff")
    assert [(unit.key, len(unit.inputs)) for unit in units] == [("00000", 128), ("00001", 2)]
    assert units[1].inputs[0].name == "train_000000000064.jpg"
    with pytest.raises(LatentclustError, match=r"no tile of iic-cocostuff15 .*65 x a side below 360 pixels"):
        CocoStuff().open((tmp_path,))


def test_many_images_are_to_be_prepared(save, pair, tmp_path, monkeypatch):
    monkeypatch.setattr(coco_stuff, "_MAX_IN_MEMORY", 1)
    pair("train2017/000000000009", seed=1)
    pair("val2017/000000000139", seed=2)
    with pytest.raises(
        LatentclustError, match=r"has 2 images, but tiles of at most 1 .*latentclust data prepare coco-stuff"
    ):
        CocoStuff().open((tmp_path,))


def test_prepared_masks_say_that_they_read_labels(pair, maps, tmp_path):
    pair("train2017/000000000009", share=0.8, seed=1)
    pair("val2017/000000000139", seed=2)
    spec = CocoStuff()
    prepare(spec, tmp_path / "coco-stuff", tmp_path / "prepared/iic-cocostuff15", lambda step: None)
    stored, made = spec.open((tmp_path,)), CocoStuff(path=tmp_path / "coco-stuff").open(())
    np.testing.assert_array_equal(maps(stored), maps(made))
    for opened in (stored, made):
        assert opened.valid is not None
        assert opened.valid.reads_labels
        np.testing.assert_array_equal(opened.valid.read(np.arange(2)), maps(made) != VOID)
    assert stored.protocol == made.protocol


def test_missing_files_are_reported(save, pair, noise, tmp_path):
    with pytest.raises(LatentclustError, match=r"cocodataset\.org.*CC BY 4\.0.*latentclust data prepare coco-stuff"):
        CocoStuff().open((tmp_path,))
    pair("train2017/000000000009")
    with pytest.raises(LatentclustError, match=r"no folder .*val2017"):
        CocoStuff().open((tmp_path,))
    pair("val2017/000000000139")
    save("coco-stuff/val2017/000000000140.jpg", noise(8, 8, 3))
    with pytest.raises(LatentclustError, match=r"1 of 3 images have no label map: val2017/000000000140"):
        CocoStuff().open((tmp_path,))


def test_an_id_of_no_class_is_refused(pair, tmp_path):
    pair("train2017/000000000009", rest=200, share=0.9)
    pair("val2017/000000000139")
    with pytest.raises(
        LatentclustError, match=r"000000000009\.png: 19200 of 192000 pixels have .* the first 200 at row"
    ):
        CocoStuff().open((tmp_path,))


@pytest.mark.parametrize(
    ("protocol", "kept", "side"),
    [("iic-cocostuff15", 8, 128), ("iic-cocostuff3", 2, 128), ("stego-cocostuff27", 8, 320)],
)
def test_the_real_pairs(real, maps, protocol, kept, side):
    spec = CocoStuff(protocol=protocol)
    if spec.located(real) is None:
        pytest.skip("COCO-Stuff's pairs are not among the real data")
    opened = spec.open(real)
    assert maps(opened).shape == (kept, side, side)
    assert maps(opened).max() < len(opened.classes)
