"""The images of a run: their table, pictures, second clusters, similar images and CSV."""

import csv
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentclust.data.sources import ArraySource
from latentclust.errors import LatentclustError
from latentclust.viewer.gallery import codes as codes_module
from latentclust.viewer.gallery.codes import Codes
from latentclust.viewer.gallery.pictures import Pictures, encode
from latentclust.viewer.gallery.selection_csv import plain, selection_csv
from latentclust.viewer.gallery.table import ImageTable, read_table

ROWS = "index,path,cluster,confidence\n0,a.png,2,0.5\n1,NA,1,0.9\n2,=b.png,2,0.7\n3,d.png,2,0.7\n"


@pytest.fixture
def table(tmp_path: Path) -> ImageTable:
    (tmp_path / "assignments.csv").write_text(ROWS)
    return read_table(tmp_path, 3)


def test_a_table_counts_and_orders_the_images_of_each_cluster(table: ImageTable) -> None:
    assert table.sizes(3) == [1, 3, 0]
    assert [table.members(2, order).tolist() for order in ("surest", "unsurest", "index")] == [
        [2, 3, 0], [0, 2, 3], [0, 2, 3],
    ]  # fmt: skip
    assert table.path(1) == "NA"
    assert [table.mean_confidence(cluster) for cluster in (1, 3)] == [0.9, None]
    assert table.check([3, 1, 3]) == [3, 1]
    with pytest.raises(LatentclustError, match="there is no image 4"):
        table.check([4])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is missing"),
        ("index,cluster\n0,1\n", "cannot be read .KeyError"),
        ("index,cluster,confidence\n", "lists no images"),
        ("index,cluster,confidence\n1,1,0.5\n", "in their order, from 0"),
        ("index,cluster,confidence\n0,4,0.5\n", "has the cluster 4, but the model has 3"),
        ("index,cluster,confidence\n0,x,0.5\n", "cannot be read"),
        ("index,cluster,confidence\n0,1,nan\n", r"outside \[0, 1\]"),
    ],
)
def test_a_damaged_table_is_an_error(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "assignments.csv").write_text(content)
    with pytest.raises(LatentclustError, match=said):
        read_table(tmp_path, 3)


def test_pictures_are_shrunk_and_those_of_small_images_are_exact() -> None:
    images = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4)
    pictures = Pictures(ArraySource(images, "images"), lambda found: found)
    shown = Image.open(BytesIO(pictures.png(1)), formats=["PNG"])
    np.testing.assert_array_equal(np.asarray(shown), images[1].transpose(1, 2, 0))
    assert pictures.png(1) is pictures.png(1)
    with pytest.raises(LatentclustError, match="there is no image 2"):
        pictures.png(2)
    wide = Image.open(BytesIO(encode(np.zeros((1, 300, 1000), np.uint8), 96)), formats=["PNG"])
    assert max(wide.size) <= 96
    assert wide.width / wide.height == pytest.approx(10 / 3, rel=0.05)
    for vector in (np.array([0.0, 1.0, 0.5], np.float32), np.zeros(1, np.float32)):
        assert Image.open(BytesIO(encode(vector, 96)), formats=["PNG"]).size == (192, 96)
        assert Image.open(BytesIO(encode(vector, 500)), formats=["PNG"]).size == (1000, 500)


def test_similar_images_are_the_nearest_over_all_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 4)).astype(np.float32)
    pairs, values = np.tile([1, 2], (50, 1)), np.tile(np.float32([0.6, 0.4]), (50, 1))
    codes = Codes(pairs, values, vectors.__getitem__, "codes")
    expected = np.argsort(np.linalg.norm(vectors - vectors[7], axis=1), kind="stable")[1:6]
    for rows in (3, 50):
        monkeypatch.setattr(codes_module, "ROWS", rows)
        assert codes.similar(7, 5).tolist() == expected.tolist()
    assert len(codes.similar(7, 100)) == 49
    same = Codes(pairs, values, np.zeros((50, 4), np.float32).__getitem__, "codes")
    assert same.similar(2, 3).tolist() == [0, 1, 3]
    assert codes.second(0, 1) == (2, pytest.approx(0.4))
    assert codes.second(0, 3) == (1, pytest.approx(0.6))
    with pytest.raises(LatentclustError, match="take more than 1 GiB"):
        Codes(pairs, values, None, "codes").similar(0, 1)


def test_a_selection_is_a_table_without_formulas(table: ImageTable) -> None:
    text = selection_csv(table, {1: "=1+1", 2: '<b>"x"</b>, y'}, [2, 1, 2])
    assert list(csv.reader(StringIO(text))) == [
        ["index", "path", "cluster", "name", "confidence"],
        ["2", "'=b.png", "2", '<b>"x"</b>, y', "0.700000"],
        ["1", "NA", "1", "'=1+1", "0.900000"],
    ]
    assert [plain(text) for text in ("-a", "+a", "@a", "\ta", " =a", "a-b", "")] == [
        "'-a", "'+a", "'@a", "'\ta", "' =a", "a-b", "",
    ]  # fmt: skip
