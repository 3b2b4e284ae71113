"""Facades: which parts are merged, and how images are brought to one size."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentclust.api import VOID, LatentclustError
from latentclust.bundled.datasets.facades import Facades
from latentclust.data.prepared.prepare import prepare

MERGES = [VOID, 0, 2, 1, 3, 3, 3, 2, 3, 3, 3, 1]
"""The label of each CMP id from 1 to 12: background, facade, window, door, cornice, sill, balcony, blind, deco …"""


def test_every_part_is_merged_as_published(save, noise, maps, tmp_path):
    ids = np.arange(1, 13, dtype=np.uint8).repeat(128 * 128 // 8).reshape(192, 128)
    save("facades/cmp_b0001.jpg", noise(192, 128, 3))
    save("facades/cmp_b0001.png", ids)
    save("facades/other.jpg", noise(4, 4, 3))
    opened = Facades(size=24).open((tmp_path,))
    assert opened.source.shape == (3, 24, 24)
    assert opened.classes == ("wall", "door", "window", "decoration")
    # 16 rows an id become 2.
    np.testing.assert_array_equal(maps(opened)[0], np.array(MERGES).repeat(2)[:, None].repeat(24, 1))
    assert opened.protocol is not None
    assert opened.protocol.name == "facades4-24px"


def test_palette_files_are_read_by_index_at_the_published_size(noise, save, maps, tmp_path):
    save("base/cmp_b0007.jpg", noise(100, 60, 3))
    mask = Image.new("P", (60, 100), 12)
    mask.putpalette([0, 0, 0] * 12 + [170, 0, 0])
    mask.save(tmp_path / "base/cmp_b0007.png")
    opened = Facades().open((tmp_path,))
    assert opened.source.shape == (3, 128, 128)
    assert np.unique(maps(opened)).tolist() == [1]
    assert opened.protocol is not None
    assert (opened.protocol.name, opened.protocol.version) == ("facades4", 1)


@pytest.mark.parametrize(
    ("shape", "value", "said"),
    [
        ((20, 10), 0, r"200 of 200 pixels have a label without a class, the first 0 at row 0, column 0"),
        ((20, 12), 2, r"cmp_b1\.png: is 12x20, but its image cmp_b1\.jpg is 10x20"),
    ],
)
def test_label_maps_that_are_refused(save, noise, tmp_path, shape, value, said):
    save("facades/cmp_b1.jpg", noise(20, 10, 3))
    save("facades/cmp_b1.png", np.full(shape, value, np.uint8))
    with pytest.raises(LatentclustError, match=said):
        Facades().open((tmp_path,))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_truncated_file_is_named(save, noise, tmp_path, suffix):
    save("facades/cmp_b1.jpg", noise(60, 40, 3))
    save("facades/cmp_b1.png", noise(60, 40) % 12 + 1)
    path = tmp_path / f"facades/cmp_b1.{suffix}"
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(LatentclustError, match=rf"cmp_b1\.{suffix}: cannot be read"):
        Facades().open((tmp_path,))


def test_an_empty_folder_and_an_absent_one(tmp_path):
    with pytest.raises(LatentclustError, match=r"Center for Machine Perception.*Tylecek & Sara 2013.*base/cmp_b"):
        Facades().open((tmp_path,))
    (tmp_path / "facades").mkdir()
    with pytest.raises(LatentclustError, match="facades: contains no images"):
        Facades().open((tmp_path,))


def test_prepared_tiles_are_those_made_in_memory(save, noise, maps, tmp_path):
    for seed in range(3):
        save(f"raw/cmp_b{seed}.jpg", noise(40, 30, 3, seed=seed))
        save(f"raw/cmp_b{seed}.png", noise(40, 30, seed=seed) % 12 + 1)
    spec = Facades(size=16)
    prepare(spec, tmp_path / "raw", tmp_path / "prepared/facades4-16px", lambda step: None)
    stored, made = spec.open((tmp_path,)), Facades(size=16, path=Path("raw")).open((tmp_path,))
    assert spec.located((tmp_path,)) == tmp_path / "prepared/facades4-16px"
    np.testing.assert_array_equal(stored.source.read(np.arange(3)), made.source.read(np.arange(3)))
    np.testing.assert_array_equal(maps(stored), maps(made))
    assert stored.protocol == made.protocol
    assert made.protocol is not None
    assert made.protocol.digest
    with pytest.raises(LatentclustError, match=r"data\.path: no folder other"):
        Facades(path=Path("other")).open((tmp_path,))


def test_the_real_set(real, shares):
    if Facades().located(real) is None:
        pytest.skip("Facades are not among the real data")
    opened = Facades().open(real)
    assert len(opened.source) == 378
    assert shares(opened)["wall"] == pytest.approx(0.471, abs=6e-4)
    assert max(shares(opened), key=shares(opened).__getitem__) == "wall"
