"""Units and their tiles, checked, and whole sets of them in memory."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from latentclust.data.tiled import digest, fingerprint, in_memory
from latentclust.data.tiling import TiledDatasetSpec, Tiles, Unit, cut, units_of
from latentclust.errors import LatentclustError
from latentclust.specs.data import VOID, DataProtocol

MADE: dict[str, Mapping[str, Tiles]] = {}
"""By the name of a folder, what its units are cut into."""


class Made(TiledDatasetSpec):
    """Tiles that a test lays down."""

    name: ClassVar[str] = "made"
    summary: ClassVar[str] = "tiles of a test"
    licence: ClassVar[str] = "none"
    layout: ClassVar[str] = "FOLDER/"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("land", "water")

    def facts(self) -> DataProtocol:
        return DataProtocol("made2", 1, "as laid down")

    def units(self, origin: Path) -> Sequence[Unit]:
        return [Unit(key, lambda tiles=tiles: tiles) for key, tiles in MADE.get(str(origin), {}).items()]

    def located(self, roots):
        return roots[0]

    def open(self, roots):
        return in_memory(self, roots[0])


def tiles(*values: int, labels: Sequence[int] | None = None, valid: Sequence[bool] | None = None) -> Tiles:
    """A tile of 2x3 for each value, with one label and validity throughout."""

    def maps(each, dtype):
        return None if each is None else np.broadcast_to(np.array(each, dtype)[:, None, None], (len(values), 2, 3))

    images = np.broadcast_to(np.array(values, np.uint8)[:, None, None, None], (len(values), 1, 2, 3))
    return Tiles(images, maps(labels, np.int16), maps(valid, np.bool_))


@pytest.fixture
def opened(tmp_path):
    """Opens a set made of units."""

    def open_(**units: Tiles):
        MADE[str(tmp_path)] = units
        return Made().open((tmp_path,))

    return open_


def test_units_follow_one_another_and_lack_of_labels_is_void(opened):
    found = opened(a=tiles(1, 2, labels=[0, 1]), b=Tiles.none("too small", 3), c=tiles(3))

    assert found.source.read(np.arange(3))[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert found.labels.unseal(np.arange(3))[:, 1, 2].tolist() == [0, 1, VOID]
    assert found.labels.part(np.array([2, 1])).unseal(np.array([1]))[0, 0, 0] == 1
    assert found.valid is None
    assert found.classes == ("land", "water")
    assert str(found.protocol).startswith("made2@1 (as laid down; left out 3: too small, tiles ")


def test_masks_of_units_without_one_let_every_pixel_count(opened):
    found = opened(a=tiles(1, 2), b=tiles(3, 4, valid=[True, False]))

    assert found.labels is None
    assert found.valid.read(np.array([3, 0]))[:, 0, 0].tolist() == [False, True]
    assert found.protocol.digest == ""
    for part in (found.source, found.valid):
        assert np.array_equal(pickle.loads(pickle.dumps(part)).read(np.arange(4)), part.read(np.arange(4)))


def test_the_digest_is_that_of_scored_tiles_and_not_of_others(opened):
    scored = tiles(1, 2, labels=[0, VOID])
    alone = opened(a=tiles(1, labels=[0]), b=tiles(7)).protocol.digest

    assert len(alone) == 12
    assert opened(a=scored, b=tiles(8)).protocol.digest == alone
    assert opened(a=tiles(1, 2, labels=[1, VOID])).protocol.digest != alone
    assert fingerprint(tiles(1, labels=[VOID])) == ""
    assert digest([]) == ""


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (Tiles(np.zeros((1, 2, 3), np.uint8)), "not uint8 (n, c, h, w)"),
        (Tiles(np.zeros((1, 1, 2, 4), np.uint8)), "images of shape (1, 2, 4), after others of shape (1, 2, 3)"),
        (tiles(1, labels=[2]), "labels from 2 to 2 for 2 classes"),
        (tiles(1, labels=[-2]), "labels from -2 to -2"),
        (Tiles(np.zeros((1, 1, 2, 3), np.uint8), np.zeros((2, 2, 3), np.int16)), "not int16 (1, 2, 3)"),
        (Tiles(np.zeros((1, 1, 2, 3), np.uint8), None, np.ones((1, 2, 2), np.bool_)), "not bool (1, 2, 3)"),
    ],
)
def test_tiles_that_are_none_are_refused(bad: Tiles, what: str):
    with pytest.raises(LatentclustError) as caught:
        cut(Unit("b", lambda: bad), 2, (1, 2, 3))
    assert "tiles of b: " in str(caught.value)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ((), "contains no files of made. Put FOLDER/ there"),
        (("a/b",), "the key 'a/b' is not a file name"),
        (("a", "A"), "2 units have the key 'a'"),
    ],
)
def test_units_are_at_least_one_and_have_names_of_their_own(keys, what: str, tmp_path):
    MADE[str(tmp_path)] = {key: tiles(1) for key in keys}
    with pytest.raises(LatentclustError) as caught:
        units_of(Made(), tmp_path)
    assert what in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(LatentclustError, match="absent: is not a folder"):
        units_of(Made(), tmp_path / "absent")


def test_a_set_without_a_tile_says_why(opened):
    with pytest.raises(LatentclustError, match=r"contains no tile of made2 \(2 x too small\)"):
        opened(a=Tiles.none("too small", 2))


def test_tiles_all_the_same_are_refused(opened):
    with pytest.raises(LatentclustError, match="are identical, every value 5"):
        opened(a=tiles(5, 5))
