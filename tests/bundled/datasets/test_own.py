"""Images and arrays of one's own."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from scipy.sparse import csr_matrix

from latentclust.api import VOID, ImageSet, LatentclustError
from latentclust.bundled.datasets.array import Array
from latentclust.bundled.datasets.image_folder import ImageFolder


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def unit(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


def samples(opened: ImageSet) -> np.ndarray:
    return opened.source.read(np.arange(len(opened.source)))


def labels(opened: ImageSet) -> list[int]:
    assert opened.labels is not None
    return opened.labels.unseal().tolist()


def draw(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(6, 6, seed=seed)).save(path)


def test_sub_folders_are_classes(tmp_path: Path):
    for seed, name in enumerate(("dog/deep/2.png", "cat/1.jpg", "cat/3.PNG", "cat/.hidden.png", "cat/notes.txt")):
        draw(tmp_path / name, seed) if not name.endswith("txt") else (tmp_path / name).write_text("no image")
    opened = ImageFolder(path=tmp_path).open(())
    assert (opened.classes, labels(opened)) == (("cat", "dog"), [0, 0, 1])
    np.testing.assert_array_equal(samples(opened)[2, 0], noise(6, 6, seed=0))


def test_a_flat_folder_has_no_labels_and_is_found_below_a_root(tmp_path: Path):
    for seed in range(3):
        draw(tmp_path / f"mine/{seed}.png", seed)
    opened = ImageFolder(path=Path("mine"), size=4).open((tmp_path,))
    assert (opened.labels, opened.classes, opened.source.shape) == (None, (), (1, 4, 4))


@pytest.mark.parametrize(
    ("names", "said"),
    [((), "no image files"), (("1.png", "a/1.png", "b/1.png"), "1 images next to the sub-folders a, b")],
)
def test_folders_that_are_refused(tmp_path: Path, names: tuple[str, ...], said: str):
    for seed, name in enumerate(names):
        draw(tmp_path / name, seed)
    with pytest.raises(LatentclustError, match=said):
        ImageFolder(path=tmp_path).open(())


def test_an_absent_path_is_refused(tmp_path: Path):
    for spec in (ImageFolder(path=tmp_path / "none"), Array(path=tmp_path / "none.npy")):
        assert spec.located(()) is None
        with pytest.raises(LatentclustError, match="none"):
            spec.open(())


def saved(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def test_npy_vectors_and_images(tmp_path: Path):
    vectors = unit(5, 7)
    np.testing.assert_array_equal(samples(Array(path=saved(tmp_path / "v.npy", vectors)).open(())), vectors)
    grey = noise(5, 6, 7)
    opened = Array(path=saved(tmp_path / "g.npy", grey)).open(())
    np.testing.assert_array_equal(samples(opened), grey[:, np.newaxis])
    assert opened.labels is None
    floats = Array(path=saved(tmp_path / "f.npy", grey.astype(np.float64) / 255)).open(())
    np.testing.assert_array_equal(samples(floats), grey[:, np.newaxis])


def test_the_axis_of_channels_is_found_or_asked_for(tmp_path: Path):
    colour = noise(4, 3, 8, 9)
    first, last = saved(tmp_path / "1.npy", colour), saved(tmp_path / "2.npy", colour.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(samples(Array(path=first).open(())), colour)
    np.testing.assert_array_equal(samples(Array(path=last).open(())), colour)
    both = saved(tmp_path / "3.npy", noise(4, 3, 8, 3))
    with pytest.raises(LatentclustError, match="layout_of_images"):
        Array(path=both).open(())
    assert Array(path=both, layout_of_images="hwc").open(()).source.shape == (3, 3, 8)
    assert Array(path=both, layout_of_images="chw").open(()).source.shape == (3, 8, 3)


def test_rows_are_cut_into_images(tmp_path: Path):
    rows = noise(4, 64)
    opened = Array(path=saved(tmp_path / "r.npy", rows), shape=(8, 8), size=4).open(())
    assert opened.source.shape == (1, 4, 4)
    for options in ({"shape": (8, 9)}, {"size": 4}):
        with pytest.raises(LatentclustError, match=r"data\.(shape|size)"):
            Array(path=tmp_path / "r.npy", **options).open(())


def test_values_outside_the_unit_range_need_a_stated_range(tmp_path: Path):
    path = saved(tmp_path / "v.npy", np.array([[-1.0, 0.0], [1.0, 3.0]]))
    with pytest.raises(
        LatentclustError, match=r"2 values are not within 0 to 1, the first -1.0 at \(0, 0\).*data\.range"
    ):
        Array(path=path).open(())
    np.testing.assert_allclose(samples(Array(path=path, range=(-1, 3)).open(())), [[0, 0.25], [0.5, 1]])
    with pytest.raises(LatentclustError, match="3 to -1 is empty"):
        Array(path=path, range=(3, -1)).open(())


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([[0.0, np.nan], [0.5, 1.0]]), "1 values .* the first nan"),
        (np.empty((0, 3), np.float32), "no samples"),
        (np.zeros((3, 2), np.float32), "identical, every value 0"),
        (np.array([["a", "b"]]), "the samples are <U1"),
        (np.zeros(4, np.float32), "shape"),
        (np.array([[1 + 1j]]), "complex"),
        (np.array([{"a": 1}], dtype=object), "cannot be read"),
    ],
    ids=["nan", "empty", "constant", "text", "rank", "complex", "objects"],
)
def test_arrays_that_are_refused(tmp_path: Path, array: np.ndarray, said: str):
    with pytest.raises(LatentclustError, match=said):
        Array(path=saved(tmp_path / "a.npy", array)).open(())


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".mat", ".h5ad"])
@pytest.mark.parametrize("content", [b"", b"nothing of the kind" * 20])
def test_files_of_another_kind_are_refused(tmp_path: Path, suffix: str, content: bytes):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(LatentclustError, match="cannot be read"):
        Array(path=path).open(())


def test_a_cut_npz_and_an_unknown_suffix_are_refused(tmp_path: Path):
    np.savez(tmp_path / "a.npz", x=unit(50, 50))
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:5000])
    with pytest.raises(LatentclustError, match=r"a\.npz: cannot be read"):
        Array(path=tmp_path / "a.npz").open(())
    (tmp_path / "a.parquet").touch()
    with pytest.raises(LatentclustError, match=r"must be one of \.npy, .*, got .*\.parquet"):
        Array(path=tmp_path / "a.parquet").open(())


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_named_arrays(tmp_path: Path, suffix: str):
    path = tmp_path / f"a{suffix}"
    arrays = {"x": unit(4, 3), "y": np.array([7, 5, 7, 9]), "other": unit(4, 2)}
    np.savez(path, **arrays) if suffix == ".npz" else savemat(path, arrays)
    opened = Array(path=path).open(())
    np.testing.assert_array_equal(samples(opened), arrays["x"])
    assert (labels(opened), opened.classes) == ([1, 0, 1, 2], ("5", "7", "9"))
    np.testing.assert_array_equal(samples(Array(path=path, x="other").open(())), arrays["other"])
    for option in ("x", "y"):
        with pytest.raises(LatentclustError, match=rf"does not contain 'z', only x, y, other\. Set data\.{option}"):
            Array(path=path, **{option: "z"}).open(())


def test_missing_labels_are_void_and_too_few_are_refused(tmp_path: Path):
    np.savez(tmp_path / "a.npz", x=unit(3, 2), y=np.array([0, np.nan, 1]), few=np.array([0, 1]))
    opened = Array(path=tmp_path / "a.npz").open(())
    assert (labels(opened), opened.classes) == ([0, VOID, 1], ("0.0", "1.0"))
    assert opened.notes == ("1 of 3 samples have no label: scores are of the other 2",)
    with pytest.raises(LatentclustError, match="3 samples, but labels of shape"):
        Array(path=tmp_path / "a.npz", y="few").open(())


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("0.1,0.2,a\n0.3,0.4,b\n", {"label_column": -1}),
        ("\ufeffu,v,kind\n0.1,0.2,a\n\n0.3,0.4,b", {"label_column": "kind"}),
        ('kind,"u, first",v\n"a",0.1,0.2\nb,"0.3",0.4\n', {"label_column": 0}),
        ("0,1,2\n0.1,0.2,a\n0.3,0.4,b\n", {"label_column": "2", "header": True}),
        ("u;v;kind\n0.1;0.2;a\n0.3;0.4;b\n", {"label_column": "kind"}),
        ("0,1;0,2;a\n0,3;0,4;b\n", {"label_column": 2}),
        ("u\tv\tkind\n0.1\t0.2\ta\n0.3\t0.4\tb\n", {"label_column": "kind"}),
        ('u|v|kind\n"0.1"|0.2|"a"\n0.3|0.4|b\n', {"label_column": "kind"}),
        ("u v kind\n0.1 0.2 a\n0.3 0.4 b\n", {"label_column": "kind", "separator": " "}),
        ("name,v,kind,u\nx,0.2,a,0.1\ny,0.4,b,0.3\n", {"label_column": "kind", "columns": ("u", "v")}),
        ("x,0.2,a,0.1\ny,0.4,b,0.3\n", {"label_column": 2, "columns": (-1, 1)}),
    ],
)
def test_csv(tmp_path: Path, text: str, options: dict[str, object]):
    opened = Array(path=table(tmp_path, text), **options).open(())
    np.testing.assert_allclose(samples(opened), [[0.1, 0.2], [0.3, 0.4]], rtol=1e-6)
    assert (labels(opened), opened.classes) == ([0, 1], ("a", "b"))


def test_csv_without_labels(tmp_path: Path):
    assert Array(path=table(tmp_path, "u,v\n0,1\n1,0")).open(()).labels is None


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("0,1\n1\n", {}, r"a\.csv, line 2: 1 cells, but the first row has 2"),
        ("0,1\n1,0,1\n", {}, r"a\.csv, line 2: 3 cells"),
        ("0,1\n1,x\n", {}, "cannot be read"),
        ("0,1\n1,\n", {}, "cannot be read"),
        ("0,nan\n1,0\n", {}, "the first nan"),
        ("", {}, "contains no rows"),
        ("u,v\n", {}, "contains no rows"),
        ("u,v\n0,1\n1,0", {"label_column": "w"}, "no column 'w' among 2: u, v"),
        ("u,v,v\n0,1,1\n1,0,1", {"label_column": "v"}, "2 columns are named 'v'.*the position of one"),
        ("0,1\n1,0", {"label_column": 2}, "no column 2 among 2, without names"),
        ("u,v\n0,1\n1,0", {"columns": ("w",)}, r"no column 'w' among 2: u, v\. Set data\.columns"),
        ("u,v\n0,1\n1,0", {"columns": ("u", 0)}, r"data\.columns: names a column twice"),
        ("u,v\n0,1\n1,0", {"columns": ("u",), "label_column": "u"}, "names the column of the labels"),
        ("0,1;0.2\n0,3;0,4\n", {}, "could not convert string .0.2."),
    ],
    ids=[
        "short",
        "long",
        "text",
        "blank",
        "nan",
        "empty",
        "header only",
        "no name",
        "two of a name",
        "no position",
        "no such column",
        "twice",
        "labels",
        "mixed signs",
    ],
)
def test_damaged_csv(tmp_path: Path, text: str, options: dict[str, object], said: str):
    with pytest.raises(LatentclustError, match=said):
        Array(path=table(tmp_path, text), **options).open(())


def write_h5ad(path: Path, matrix: np.ndarray, *, sparse: bool, codes: tuple[int, ...] = (1, 0, 1)) -> None:
    with h5py.File(path, "w") as file:
        if sparse:
            rows = csr_matrix(matrix)
            group = file.create_group("X")
            group.attrs.update({"encoding-type": "csr_matrix", "shape": matrix.shape})
            group["data"], group["indices"], group["indptr"] = rows.data, rows.indices, rows.indptr
        else:
            file["X"] = matrix
        kind = file.create_group("obs/kind")
        kind.attrs["encoding-type"] = "categorical"
        kind["codes"], kind["categories"] = np.array(codes, np.int8), ["b-cell", "t-cell"]
        file["obs/batch"] = np.array([3, 3, 4])


@pytest.mark.parametrize("sparse", [True, False])
def test_h5ad(tmp_path: Path, sparse: bool):
    matrix = unit(3, 4) * (unit(3, 4) > 0.4)
    write_h5ad(tmp_path / "a.h5ad", matrix, sparse=sparse)
    plain = Array(path=tmp_path / "a.h5ad").open(())
    np.testing.assert_array_equal(samples(plain), matrix)
    assert plain.labels is None
    kinds = Array(path=tmp_path / "a.h5ad", y="kind").open(())
    assert (labels(kinds), kinds.classes) == ([1, 0, 1], ("b-cell", "t-cell"))
    assert labels(Array(path=tmp_path / "a.h5ad", y="batch").open(())) == [0, 0, 1]
    with pytest.raises(LatentclustError, match=r"does not contain 'cell', only batch, kind\. Set data\.y"):
        Array(path=tmp_path / "a.h5ad", y="cell").open(())


def test_a_sparse_matrix_of_matlab_is_named(tmp_path: Path):
    savemat(tmp_path / "a.mat", {"x": csr_matrix(np.eye(3)), "y": np.ones((3, 1))})
    with pytest.raises(LatentclustError, match=r"a\.mat: x is a sparse matrix\. Save x as full\(x\)"):
        Array(path=tmp_path / "a.mat").open(())


def test_h5ad_with_a_nullable_column(tmp_path: Path):
    write_h5ad(tmp_path / "a.h5ad", unit(3, 4), sparse=False)
    with h5py.File(tmp_path / "a.h5ad", "a") as file:
        column = file.create_group("obs/stage")
        column.attrs["encoding-type"] = "nullable-integer"
        column["values"], column["mask"] = np.array([4, 1, 1]), np.array([False, True, False])
    opened = Array(path=tmp_path / "a.h5ad", y="stage").open(())
    assert (labels(opened), opened.classes) == ([1, VOID, 0], ("1", "4"))


def test_h5ad_with_missing_labels(tmp_path: Path):
    write_h5ad(tmp_path / "a.h5ad", unit(3, 4), sparse=False, codes=(1, -1, 0))
    opened = Array(path=tmp_path / "a.h5ad", y="kind").open(())
    assert (labels(opened), opened.classes) == ([1, VOID, 0], ("b-cell", "t-cell"))
    write_h5ad(tmp_path / "b.h5ad", unit(3, 4), sparse=False, codes=(1, 2, 0))
    with pytest.raises(LatentclustError, match="a categorical column has codes outside -1 to 1"):
        Array(path=tmp_path / "b.h5ad", y="kind").open(())


def test_blank_cells_of_a_label_column_are_missing(tmp_path: Path):
    path = table(tmp_path, "a,b,kind\n0,0.5,cat\n1,0.25,\n0.5,0.5,ant\n")
    opened = Array(path=path, label_column="kind").open(())
    assert (labels(opened), opened.classes) == ([1, VOID, 0], ("ant", "cat"))


def folder_of(tmp_path: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        draw(tmp_path / name, seed)
    return tmp_path


def test_sub_folders_are_the_classes_unless_labels_says_otherwise(tmp_path: Path):
    folder = folder_of(tmp_path, "day-1/x.png", "day-2/y.png", "day-2/z.png")
    opened = ImageFolder(path=folder).open(())
    assert (labels(opened), opened.classes) == ([0, 1, 1], ("day-1", "day-2"))
    assert opened.paths == ("day-1/x.png", "day-2/y.png", "day-2/z.png")
    said = 'the 2 sub-folders are the classes (day-1, day-2); data.labels = "none" if they are not'
    assert opened.notes == (said,)
    unlabelled = ImageFolder(path=folder, labels="none").open(())
    assert (unlabelled.labels, unlabelled.notes) == (None, ())
    draw(folder / "w.png", 9)
    assert len(ImageFolder(path=folder, labels="none").open(()).source) == 4, "images beside sub-folders"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_labels_of_a_file_are_matched_by_path(tmp_path: Path, separator: str):
    folder = folder_of(tmp_path, "a/x.png", "a/y.png", "z.png")
    rows = [("label", "path"), ("dog", "z.png"), ("", "a/x.png"), ("cat", "a/y.png")]
    (folder / "truth.csv").write_text("".join(f"{separator.join(row)}\n" for row in rows))
    opened = ImageFolder(path=folder, labels="truth.csv").open(())
    assert (labels(opened), opened.classes) == ([VOID, 0, 1], ("cat", "dog"))


def test_labels_are_matched_by_path_however_accents_are_written(tmp_path: Path):
    """`é` is one character, or two as in names from a Mac."""
    folder = folder_of(tmp_path, "cafe\u0301.png", "th\u00e9.png")
    (folder / "truth.csv").write_text("path,label\ncaf\u00e9.png,drink\nthe\u0301.png,leaf\n", encoding="utf-8")
    assert labels(ImageFolder(path=folder, labels="truth.csv").open(())) == [0, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label\nb.png,dog\n", r"names 'b.png', which is no image of the folder\. Write paths .* such as a\.png"),
        ("file,label\na.png,dog\n", r"has the columns file, label\. Name the columns path and label"),
        ("path,label\na.png,\n", "contains no labels"),
        ("path,label\n", "contains no rows"),
        ("path,label\na.png,cat\na.png,dog\n", r"gives 'a\.png' two labels\. Write one row for each image"),
        (None, "data.labels: no file .*truth.csv"),
    ],
)
def test_files_of_labels_that_are_refused(tmp_path: Path, text: str | None, said: str):
    folder = folder_of(tmp_path, "a.png")
    if text is not None:
        (folder / "truth.csv").write_text(text)
    with pytest.raises(LatentclustError, match=said):
        ImageFolder(path=folder, labels="truth.csv").open(())


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("indices", [0, 1, 10**6], "has indices 0 to 1000000"),
        ("indices", [0, 1, -5], "has indices -5 to 1"),
        ("indices", [0.0, 1.0, 2.0], "are not integers"),
        ("indices", [0, 1], "3 values"),
        ("indptr", [0, 1, 2], "has 3 starts"),
        ("indptr", [0, 5, 2, 3], "do not follow one another"),
        ("indptr", [0, 1, 2, 9], "do not follow one another"),
        ("data", [[0.1, 0.2, 0.3]], "of the wrong rank"),
    ],
)
def test_sparse_matrices_are_checked_before_they_are_expanded(tmp_path: Path, part: str, value: object, said: str):
    """scipy writes outside of its memory if an index is too large."""
    h5py = pytest.importorskip("h5py")
    parts: dict[str, object] = {"data": [0.1, 0.2, 0.3], "indices": [0, 1, 2], "indptr": [0, 1, 2, 3]} | {part: value}
    with h5py.File(tmp_path / "a.h5ad", "w") as file:
        group = file.create_group("X")
        group.attrs["encoding-type"], group.attrs["shape"] = "csr_matrix", [3, 3]
        for name, stored in parts.items():
            group[name] = stored
    with pytest.raises(LatentclustError, match=said):
        Array(path=tmp_path / "a.h5ad").open(())


def test_what_decoders_raise_is_told_with_the_file(tmp_path: Path):
    (tmp_path / "long.csv").write_text('"' + "x" * 200_000 + '",1\n0.1,0.2\n')
    with pytest.raises(LatentclustError, match=r"long\.csv: cannot be read \(Error: field larger"):
        Array(path=tmp_path / "long.csv").open(())


def test_h5ad_without_h5py_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.h5ad").touch()
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(LatentclustError, match=r"pip install 'latentclust\[h5ad\]'"):
        Array(path=tmp_path / "a.h5ad").open(())


def test_options_come_from_a_recipe_as_json(tmp_path: Path):
    path = saved(tmp_path / "v.npy", np.array([[-1.0, 0.0], [1.0, 3.0]]))
    spec = Array.model_validate_json(f'{{"path": "{path.as_posix()}", "range": [-1, 3]}}')
    np.testing.assert_allclose(samples(spec.open(())), [[0, 0.25], [0.5, 1]])
