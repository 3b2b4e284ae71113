"""Tables of labels: columns and separators are found, paths resolved, and every mistake is one message."""

from pathlib import Path

import pytest

from latentclust.errors import LatentclustError
from latentclust.few_labels.label_table import read_label_table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "sub/c.png", "x.npy", "elsewhere/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def table(folder: Path, text: str, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8-sig")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_rows_are_read_with_any_separator(folder: Path, separator: str) -> None:
    text = f"path,class\na.png,wood\n\nsub/c.png,  water \n{folder / 'b.png'},water\n".replace(",", separator)
    found = read_label_table(table(folder, text))
    assert [(row.path, row.index, row.name, row.line) for row in found.rows] == [
        (folder / "a.png", 0, "wood", 2), (folder / "sub/c.png", 0, "water", 4), (folder / "b.png", 0, "water", 5),
    ]  # fmt: skip


def test_columns_are_found_by_usual_names_or_given(folder: Path) -> None:
    path = table(folder, "id,Filename,Label,cover\n1,a.png,x,wood\n")
    assert read_label_table(path).rows[0].name == "x"
    assert read_label_table(path, "cover", "Filename").rows[0].name == "wood"


def test_further_folders_are_searched_after_that_of_the_table(folder: Path) -> None:
    path = table(folder, "path,class\nd.png,x\na.png,y\n")
    found = read_label_table(path, folders=[folder / "elsewhere"])
    assert [row.path for row in found.rows] == [folder / "elsewhere/d.png", folder / "a.png"]


def test_rows_of_an_array_have_an_index(folder: Path) -> None:
    path = table(folder, "path,index,class\nx.npy,3,a\nx.npy,4,b\na.png,9,b\n")
    assert [row.index for row in read_label_table(path).rows] == [3, 4, 0]


def test_an_image_counts_once(folder: Path) -> None:
    path = table(folder, f"path,class\na.png,x\nsub/../a.png,x\n{folder / 'a.png'},x\nb.png,x\n")
    found = read_label_table(path)
    assert (len(found.rows), found.repeated) == (2, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("path,class\n", "contains no labels"),
        ("path,cover\na.png,x\n", "has no field class or label or category; it has path, cover. Name"),
        ("photo,class\na.png,x\n", "has no field path or file or filename or image; it has photo, class"),
        ("path,class,label\na.png,x,y\n", "has the fields class and label. Name the field with --field"),
        ("path,class\na.png,x\nb.png,\nsub/c.png,  \n", "2 rows or features, the first in line 3, have no class"),
        ("path,class\n,x\n", "line 2: has no path"),
        ("path,class\na.png,x\nb.png\n", "line 3: 1 cells, but the first row has 2"),
        ("path,class\na.png,x\na.png,y\n", "line 3: a.png has two classes: 'x' in line 2 and 'y'"),
        ("path,class\nn1,x\nn2,x\nn3,x\nn4,x\n", "names 4 files that do not exist: n1, n2, n3, …"),
        ("path,class\nn1,x\na.png,x\n", "names 1 file that does not exist: n1. Write paths relative to"),
        ("path,class\na.png,x\n~nosuchuser/x.png,x\n", "line 3: '~nosuchuser/x.png' is no path of a file (Could not"),
        (f"path,class\n{'n' * 300}.png,x\n", f"line 2: '{'n' * 60}…' is no path of a file ("),
        ("path,class,class\na.png,x,y\n", "has several columns 'class'"),
        ("path,class\na.png,0.25\n", "line 2: '0.25' in 'class' is a measurement and no class"),
        ("path,class\na.png,Cluster 3\n", "line 2: 'Cluster 3' is reserved for unnamed clusters and nodata"),
        ("path,class\na.png,no data\n", "line 2: 'no data' is reserved"),
        ("path,class\nx.npy,a\n", "line 2: x.npy is an array of samples, and '' is no row of it"),
        ("path,index,class\nx.npy,-1,a\n", "line 2: x.npy is an array of samples, and '-1' is no row of it"),
    ],
)  # fmt: skip
def test_mistakes(folder: Path, text: str, said: str) -> None:
    with pytest.raises(LatentclustError) as error:
        read_label_table(table(folder, text))
    assert said in str(error.value)
    assert len(error.value.issues) == 1


def test_whole_numbers_are_classes_and_no_file_is_an_error(folder: Path) -> None:
    assert read_label_table(table(folder, "path,class\na.png,7\n")).rows[0].name == "7"
    with pytest.raises(LatentclustError, match=r"'kind' is not a field of .*; it has path, class"):
        read_label_table(table(folder, "path,class\na.png,7\n"), "kind")
    with pytest.raises(LatentclustError, match="does not exist"):
        read_label_table(folder / "none.csv")
    (folder / "binary.csv").write_bytes(b"\xff\xfe\x00\x01\x80")
    with pytest.raises(LatentclustError, match="cannot be read"):
        read_label_table(folder / "binary.csv")
