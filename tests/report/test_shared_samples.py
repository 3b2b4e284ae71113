"""What two runs have in common: agreement with planted permutations, by position and by file."""

from pathlib import Path

import numpy as np
import pytest

from latentclust.report.assignments import ASSIGNMENTS, write_assignments
from latentclust.report.shared_samples import agreements, common, read_assignments, stability

COUNT = 2000


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, COUNT)


def run(folder: Path, clusters: np.ndarray, **columns: object) -> Path:
    write_assignments(folder, {"index": np.arange(len(clusters)), **columns, "cluster": clusters + 1})
    return folder


def test_planted_permutations_agree_and_independent_labels_do_not(tmp_path: Path, labels: np.ndarray) -> None:
    other = np.random.default_rng(1).integers(0, 4, COUNT)
    folders = [run(tmp_path / str(at), each) for at, each in enumerate((labels, 3 - labels, other))]
    found = agreements([*map(read_assignments, folders), read_assignments(tmp_path)])
    values = [[None if pair.ari is None else round(pair.ari, 2) for pair in row] for row in found]
    assert values == [[1, 1, 0, None], [1, 1, 0, None], [0, 0, 1, None], [None] * 4]
    assert [pair.shared for pair in found[0]] == [COUNT] * 3 + [0]


def test_the_clusters_of_the_first_run_are_found_again(tmp_path: Path, labels: np.ndarray) -> None:
    joined = np.where(labels == 3, 2, labels)
    runs = [read_assignments(run(tmp_path / str(at), each)) for at, each in enumerate((labels, 3 - labels, joined))]
    found = stability([*runs, None], [4, 4, 3, 4])
    assert found is not None
    sizes = np.bincount(labels)
    larger = 2 if sizes[2] > sizes[3] else 3
    expected = np.ones(4)
    expected[[2, 3]] = 0.5
    expected[larger] = (1 + sizes[larger] / sizes[2:].sum()) / 2
    assert found.mean == pytest.approx(expected)
    assert stability([runs[0], None], [4, 4]) is None


def test_runs_of_files_share_those_that_both_have(tmp_path: Path) -> None:
    one = run(tmp_path / "one", np.array([0, 1, 1]), path=["a.png", "<b>.png", "NA"])
    other = run(tmp_path / "other", np.array([5, 4]), path=["NA", "a.png"])
    shared = common(read_assignments(one), read_assignments(other))
    assert [part.tolist() for part in shared] == [[0, 1], [4, 5]]


def test_files_whose_names_are_numbers_are_the_same_by_their_text(tmp_path: Path) -> None:
    one = run(tmp_path / "one", np.array([0, 1]), path=["001", "2"])
    other = run(tmp_path / "other", np.array([5, 4, 3]), path=["1", "001", "a"])
    shared = common(read_assignments(one), read_assignments(other))
    assert [part.tolist() for part in shared] == [[0], [4]]


@pytest.mark.parametrize("cluster", [f"1{'0' * 30}", f"{2**64 - 1}", "0", "x", ""])
def test_a_cluster_that_is_no_number_makes_the_file_unknown(tmp_path: Path, cluster: str) -> None:
    (tmp_path / ASSIGNMENTS).write_text(f"index,cluster\n0,{cluster}\n")
    assert read_assignments(tmp_path) is None


def test_positions_in_data_of_other_lengths_say_nothing(tmp_path: Path, labels: np.ndarray) -> None:
    one, shorter = run(tmp_path / "one", labels), run(tmp_path / "shorter", labels[1:])
    named = run(tmp_path / "named", labels, path=[f"{n}.png" for n in range(COUNT)])
    pixels = run(tmp_path / "pixels", labels, row=np.arange(COUNT), column=np.arange(COUNT))
    runs = [read_assignments(folder) for folder in (one, shorter, named, pixels)]
    assert [pair.shared for pair in agreements(runs)[0]] == [COUNT, 0, 0, 0]


def test_a_damaged_file_is_unknown(tmp_path: Path) -> None:
    for text in ("", "index,cluster\n0,0\n", "index,cluster\n0,x\n", "a,b\n1,2\n"):
        (tmp_path / ASSIGNMENTS).write_text(text)
        assert read_assignments(tmp_path) is None
