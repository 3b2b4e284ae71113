"""10x_73k: counts of RNA in 73,233 blood cells, Zheng et al. 2017, as ClusterGAN and DLS-Clustering prepare them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from latentclust.api import ArraySource, ImageSet, LatentclustError, SplitProtocol, decode_errors, image_set
from latentclust.bundled.datasets.published_images import Published, Split
from latentclust.bundled.datasets.split_protocols import CELLS, TENX, TRAINED_CELLS

GENES = 720
"""Number of genes that ClusterGAN keeps, those of highest variance across the cells."""

_LABELS = "labels.txt"


class TenX73k(Published):
    """73,233 cells as vectors of 720 values in [0, 1]: log2(1 + count), divided by the largest of all cells and genes.

    A file of more genes is reduced to the 720 of highest variance across all cells, in the order of the file. The
    splits are those of the authors' code of ClusterGAN: 60,000 and 13,233 cells by a permutation with NumPy's seed 0.

    Example:
        ```toml
        [data]
        use = "10x-73k"
        protocol = "clustergan-10x-73k"
        ```
    """

    summary: ClassVar[str] = "73,233 blood cells, 720 genes, 8 classes"
    licence: ClassVar[str] = "terms of 10x Genomics"
    layout: ClassVar[str] = "10x_73k/sub_set-720.mtx (cells x genes, Matrix Market) and 10x_73k/labels.txt"
    name: ClassVar[str] = "10x-73k"
    marks: ClassVar[tuple[str, ...]] = ("10x_73k/sub_set-720.mtx", "10x_73k/*.mtx")
    origin: ClassVar[str] = "the authors of ClusterGAN"
    protocols: ClassVar[Mapping[str, SplitProtocol]] = TENX

    split: Split = "all"
    """Split of the authors that is read. `all` is train followed by test."""

    protocol: Literal["all-all", "train-test", "clustergan-10x-73k", "dls-10x-73k-5000"] | None = None
    """Named protocol of the samples to train on and to score. None: those of `split` and `evaluate.split`."""

    def read(self, mark: Path) -> ImageSet:
        """Return vectors `(n, 720)` and labels, scaled by the largest value of both splits."""
        values = _scaled(_counts(mark), mark)
        labels = _labels(mark.with_name(_LABELS), len(values))
        order = _order(self.split, len(values), mark)
        names, codes = np.unique(labels, return_inverse=True)
        source = ArraySource(values[order], str(mark))
        return image_set(source, codes[order], tuple(f"cell type {name}" for name in names), str(mark))


def _counts(path: Path) -> Any:
    """Return the sparse matrix `(cells, genes)` of a Matrix Market file."""
    from scipy.io import mmread
    from scipy.sparse import csc_matrix

    with decode_errors(path):
        counts = csc_matrix(mmread(path), dtype=np.float32)
    if counts.shape[1] < GENES:
        what = f"has {counts.shape[1]} columns, fewer than {GENES} genes"
        raise LatentclustError.at(str(path), what, "Write one row per cell and one column per gene")
    if counts.nnz and not (np.isfinite(counts.data).all() and counts.data.min() >= 0):
        raise LatentclustError.at(str(path), "contains values that are no counts", "Write counts, not their logarithms")
    return counts


def _scaled(counts: Any, path: Path) -> NDArray[np.float32]:
    """Return log2(1 + count) of the genes of highest variance, divided by the largest value."""
    kept = counts[:, _variable_genes(counts)] if counts.shape[1] > GENES else counts
    kept.data = np.log2(1 + kept.data)
    largest = kept.data.max(initial=0)
    if not largest:
        raise LatentclustError.at(str(path), "contains no count above 0", "Copy the file again")
    scaled: NDArray[np.float32] = kept.toarray() / largest
    return scaled


def _variable_genes(counts: Any) -> NDArray[np.int64]:
    """Return the columns of highest variance, in ascending order. Of equal ones the first are returned."""
    exact = counts.astype(np.float64)
    mean = np.asarray(exact.mean(axis=0)).ravel()
    variance = np.asarray(exact.multiply(exact).mean(axis=0)).ravel() - mean**2
    return np.sort(np.argsort(-variance, kind="stable")[:GENES])


def _labels(path: Path, cells: int) -> NDArray[np.int64]:
    """Return the label of each cell. Labels are any integers."""
    with decode_errors(path):
        labels = np.loadtxt(path, dtype=np.float64, ndmin=1).astype(np.int64)
    if labels.shape != (cells,):
        what = f"contains labels of shape {labels.shape} for {cells:,} cells"
        raise LatentclustError.at(str(path), what, "Write one label per cell")
    return labels


def _order(split: Split, cells: int, path: Path) -> NDArray[np.int64]:
    """Return the positions of a split's cells in the file."""
    if split != "all" and cells != CELLS:
        what = f"contains {cells:,} cells, but the split {split!r} is defined for {CELLS:,}"
        raise LatentclustError.at(str(path), what, 'Use the published file, or data.split = "all"')
    order = np.random.RandomState(0).permutation(cells)
    parts = {"all": slice(None), "train": slice(TRAINED_CELLS), "test": slice(TRAINED_CELLS, None)}
    return order[parts[split]].astype(np.int64)
