"""Arrays and labels of Python are taken as they are, or refused with one error."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix

from latentclust.data.given_arrays import as_array, as_labels
from latentclust.errors import LatentclustError

GRID = np.arange(24.0).reshape(4, 6)


def test_an_array_is_not_copied() -> None:
    fixed = np.zeros((4, 8, 8), np.uint8)
    fixed.setflags(write=False)
    assert as_array(fixed) is fixed
    tensor = torch.zeros(4, 3, 8, 8)
    assert np.shares_memory(as_array(tensor), tensor.numpy())


@pytest.mark.parametrize(
    "values",
    [
        GRID.tolist(),
        torch.from_numpy(GRID).requires_grad_(),
        torch.from_numpy(GRID).bfloat16(),
        pd.DataFrame(GRID, columns=list("abcdef")),
        pd.DataFrame(GRID).astype({0: "Int64"}),
        np.ma.MaskedArray(GRID, np.zeros_like(GRID, bool)),
    ],
    ids=["list", "tensor", "bfloat16", "frame", "nullable", "unmasked"],
)
def test_forms_of_the_same_numbers(values: Any) -> None:
    array = as_array(values)
    assert type(array) is np.ndarray
    np.testing.assert_array_equal(array, GRID)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array([[1, None]], object), "is an array of type object.*astype"),
        (np.array([["a", "b"]]), "is an array of type <U1"),
        ([[1j, 2]], "is an array of type complex128"),
        ([[1, 2], [3]], "is no array"),
        (csr_matrix(GRID), r"is a sparse matrix\. Pass images\.toarray"),
        (torch.from_numpy(GRID).to_sparse(), "is a tensor of torch.sparse_coo"),
        (pd.DataFrame({"size": [1.0, 2.0], "kind": ["a", "b"]}), "has a column 'kind' of type"),
        (pd.DataFrame({"day": pd.to_datetime(["2020-01-01"])}), "has a column 'day' of type datetime64"),
        (pd.DataFrame({"c": pd.Categorical([1, 2])}), "has a column 'c' of type category"),
        (np.ma.MaskedArray(GRID, GRID > 21), "has 2 masked values"),
        (np.zeros(3), r"is an array of shape \(3,\)\. Pass vectors"),
        (np.zeros((2, 2, 2, 2, 2)), "is an array of shape"),
        (np.zeros((0, 5)), r"no samples: its shape is \(0, 5\)"),
        (None, "is an array of type object"),
    ],
)
def test_what_is_refused(values: Any, said: str) -> None:
    with pytest.raises(LatentclustError, match=f"^images: .*{said}") as raised:
        as_array(values)
    assert len(raised.value.issues) == 1


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_float8_tensors_have_the_values_of_floats() -> None:
    values = GRID // 4 / 8
    for kind in (torch.float8_e5m2, torch.float8_e4m3fn):
        np.testing.assert_array_equal(as_array(torch.from_numpy(values).to(kind)), values)
    with pytest.raises(LatentclustError, match=r"is a tensor of torch\.sparse_csr"):
        as_array(torch.from_numpy(GRID).to_sparse_csr())


def test_missing_numbers_of_a_table_are_nan() -> None:
    found = as_array(pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": [True, False]}))
    np.testing.assert_array_equal(found, [[1, 1], [np.nan, 0]])


def test_labels() -> None:
    assert as_labels(["a", None], 2).tolist() == ["a", None]
    assert as_labels(torch.tensor([1, 2]), 2).tolist() == [1, 2]
    assert as_labels(pd.Series(["a", "b"], dtype="category"), 2).tolist() == ["a", "b"]
    for labels, said in (
        ([1, 2, 3], r"has the shape \(3,\), but there are 2 samples"),
        (np.zeros((2, 1), int), r"has the shape \(2, 1\)"),
        (np.zeros((2, 4, 4)), "has label maps of type float64"),
        ([[1, 2], [3]], "is no array"),
    ):
        with pytest.raises(LatentclustError, match=f"^labels: {said}"):
            as_labels(labels, 2)
