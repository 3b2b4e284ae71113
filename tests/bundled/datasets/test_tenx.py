"""10x_73k from generated files: the transform, the genes, the splits of the authors, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import mmwrite
from scipy.sparse import csr_matrix

from latentclust.api import LatentclustError, SealedLabels
from latentclust.bundled.datasets import tenx
from latentclust.bundled.datasets.tenx import GENES, TenX73k

CELLS = 30


def counts(genes: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.poisson(0.5, (CELLS, genes)) * rng.integers(1, 9, genes)


def write(root: Path, matrix: np.ndarray, labels: list[int] | None = None) -> None:
    folder = root / "10x_73k"
    folder.mkdir(exist_ok=True)
    mmwrite(folder / "sub_set-720.mtx", csr_matrix(matrix))
    kinds = np.arange(CELLS) % 8 if labels is None else np.array(labels)
    np.savetxt(folder / "labels.txt", kinds + (kinds > 3), fmt="%d")  # the published labels leave a number out


def opened(root: Path, **options: str) -> tuple[np.ndarray, list[int]]:
    found = TenX73k.model_validate(options).open((root,))
    assert isinstance(found.labels, SealedLabels)
    return found.source.read(np.arange(len(found.source))), found.labels.unseal().tolist()


def test_counts_become_logarithms_of_base_two_over_the_largest(tmp_path: Path) -> None:
    matrix = counts(GENES)
    write(tmp_path, matrix)
    values, labels = opened(tmp_path)
    order = np.random.RandomState(0).permutation(CELLS)
    logarithms = np.log2(1 + matrix)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, (logarithms / logarithms.max())[order], rtol=1e-6)
    assert values.max() == 1
    assert labels == (order % 8).tolist()
    assert TenX73k().open((tmp_path,)).classes[3:5] == ("cell type 3", "cell type 5")


def test_one_count_is_one_over_the_logarithm(tmp_path: Path) -> None:
    matrix = np.zeros((CELLS, GENES), int)
    matrix[:, 0], matrix[0, 1] = 1, 7  # log2(2) = 1 and log2(8) = 3
    write(tmp_path, matrix)
    values, _ = opened(tmp_path)
    np.testing.assert_allclose(values[:, 0], 1 / 3, rtol=1e-6)
    assert np.count_nonzero(values) == CELLS + 1


def test_the_genes_of_highest_variance_are_kept_in_order(tmp_path: Path) -> None:
    matrix = counts(GENES + 40)
    write(tmp_path, matrix)
    values, _ = opened(tmp_path)
    kept = np.sort(np.argsort(-matrix.var(axis=0), kind="stable")[:GENES])
    logarithms = np.log2(1 + matrix[:, kept])
    order = np.random.RandomState(0).permutation(CELLS)
    np.testing.assert_allclose(values, (logarithms / logarithms.max())[order], rtol=1e-6)


def test_the_splits_are_a_permutation_of_seed_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenx, "CELLS", CELLS)
    monkeypatch.setattr(tenx, "TRAINED_CELLS", 20)
    write(tmp_path, counts(GENES))
    whole, labels = opened(tmp_path)
    for split, part in (("train", slice(20)), ("test", slice(20, None))):
        values, some = opened(tmp_path, split=split)
        np.testing.assert_array_equal(values, whole[part])
        assert some == labels[part]


@pytest.mark.parametrize("options", [{"split": "train"}, {"protocol": "clustergan-10x-73k"}])
def test_the_split_of_another_number_of_cells_is_refused(tmp_path: Path, options: dict[str, str]) -> None:
    write(tmp_path, counts(GENES))
    with pytest.raises(LatentclustError, match="contains 30 cells, but the split 'train' is defined for 73,233"):
        opened(tmp_path, **options)


@pytest.mark.parametrize(
    ("matrix", "labels", "said"),
    [
        (counts(GENES - 1), None, "has 719 columns, fewer than 720 genes"),
        (-counts(GENES), None, "contains values that are no counts"),
        (counts(GENES), [1, 2], r"contains labels of shape \(2,\) for 30 cells"),
        (np.zeros((CELLS, GENES), int), None, "contains no count above 0"),
    ],
    ids=["narrow", "negative", "labels", "empty"],
)
def test_damaged_files_are_refused(tmp_path: Path, matrix: np.ndarray, labels: list[int] | None, said: str) -> None:
    write(tmp_path, matrix, labels)
    with pytest.raises(LatentclustError, match=said):
        opened(tmp_path)


def test_a_file_that_is_no_matrix_is_refused(tmp_path: Path) -> None:
    write(tmp_path, counts(GENES))
    (tmp_path / "10x_73k/sub_set-720.mtx").write_text("no matrix")
    with pytest.raises(LatentclustError, match=r"sub_set-720\.mtx: cannot be read"):
        opened(tmp_path)
