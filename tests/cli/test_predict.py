"""`latentclust predict`."""

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from latentclust.cli import predict


@pytest.fixture
def folder(images, tmp_path):
    """Four of the training images as files, one of them in a sub-folder."""
    x = np.load(images)["x"]
    (tmp_path / "in" / "deeper").mkdir(parents=True)
    for index, name in enumerate(("a.png", "b.png", "c.png", "deeper/d.png")):
        Image.fromarray(x[index]).save(tmp_path / "in" / name)
    return tmp_path / "in"


def test_files_are_assigned_as_in_training(cli, trained, folder, tmp_path):
    outcome = cli("predict", trained, folder, "--out", tmp_path / "out.csv")

    table, known = pd.read_csv(tmp_path / "out.csv"), pd.read_csv(trained / "assignments.csv")[:4]
    assert outcome.out == f"wrote 4 rows to {tmp_path / 'out.csv'}\n"
    assert list(table.columns) == ["path", "index", "cluster", "confidence"]
    assert [path.removeprefix(f"{folder}/") for path in table["path"]] == ["a.png", "b.png", "c.png", "deeper/d.png"]
    assert table["cluster"].equals(known["cluster"])
    np.testing.assert_allclose(table["confidence"], known["confidence"], atol=2e-6)


def test_arrays_and_files_may_be_mixed_and_parquet_holds_the_same(cli, trained, images, folder, tmp_path):
    for name in ("out.csv", "out.parquet"):
        cli("predict", trained, images, folder / "b.png", "--out", tmp_path / name)

    csv, parquet = pd.read_csv(tmp_path / "out.csv"), pd.read_parquet(tmp_path / "out.parquet")
    assert parquet["index"].tolist() == [*range(36), 0]
    assert parquet["cluster"].tolist() == csv["cluster"].tolist()
    assert parquet["cluster"].iloc[36] == parquet["cluster"].iloc[1]
    assert parquet["cluster"].between(1, 3).all()


def test_names_of_clusters_are_in_the_table(cli, trained, images, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    assert cli("clusters", "name", tmp_path / "run", "1=cat", "3=cat").code == 0
    cli("predict", tmp_path / "run", images, "--out", tmp_path / "out.csv")
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table.columns) == ["path", "index", "cluster", "confidence", "name"]
    names = {1: "cat", 2: "cluster 2", 3: "cat"}
    assert table["name"].tolist() == [names[cluster] for cluster in table["cluster"]]


def test_another_size_is_refused_and_nothing_written(cli, trained, tmp_path):
    Image.new("L", (12, 8), 128).save(tmp_path / "large.png")
    outcome = cli("predict", trained, tmp_path / "large.png", "--out", tmp_path / "out.csv")

    assert outcome.code == 2
    assert "expected 6x4 pixels, got 12x8. Pass --resize" in outcome.err
    assert not (tmp_path / "out.csv").exists()
    assert cli("predict", trained, tmp_path / "large.png", "--resize", "--out", tmp_path / "out.csv").code == 0


def test_vectors_from_csv(cli, trained_vectors, tmp_path):
    rows = np.random.default_rng(0).uniform(size=(3, 100))
    np.savetxt(tmp_path / "rows.csv", 10 * rows, delimiter=",")
    np.save(tmp_path / "rows.npy", rows)
    cli("predict", trained_vectors, tmp_path / "rows.csv", "--range", 0, 10, "--out", tmp_path / "a.csv")
    cli("predict", trained_vectors, tmp_path / "rows.npy", "--out", tmp_path / "b.csv")

    assert pd.read_csv(tmp_path / "a.csv")["cluster"].equals(pd.read_csv(tmp_path / "b.csv")["cluster"])


def test_an_unknown_suffix_is_refused(cli, trained, folder, tmp_path):
    outcome = cli("predict", trained, folder, "--out", tmp_path / "out.txt")

    assert outcome.code == 2
    assert outcome.err.startswith("error: --out: ")


def test_parquet_without_pyarrow_says_what_to_install(cli, trained, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "find_spec", lambda name: None)
    outcome = cli("predict", trained, folder, "--out", tmp_path / "out.parquet")

    assert outcome.code == 2
    assert "pip install 'latentclust[parquet]'" in outcome.err


def test_files_that_are_passed_over_are_counted_without_sending_their_control_characters(
    cli, trained, folder, tmp_path
):
    (folder / "notes.\x1b[31m").touch()
    outcome = cli("predict", trained, folder, "--out", tmp_path / "out.csv")
    assert outcome.code == 0
    assert f"warning: {folder}: 1 files were passed over" in outcome.err
    assert "1 .\\u001b[31m" in outcome.err
    assert "\x1b" not in outcome.err
