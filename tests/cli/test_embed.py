"""`latentclust embed`."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from latentclust.embed import read_out
from latentclust.embed.work_folder import WorkFolder
from latentclust.errors import LatentclustError
from latentclust.model.model_file import load


def numbers(table, name):
    """The values of a column of lists, or of the columns of a CSV file with this beginning."""
    if name in table:
        return np.stack(table[name])
    return table[[column for column in table if column.startswith(f"{name}_")]].to_numpy()


def test_rows_are_those_of_predict_and_codes_those_of_python(cli, trained, images, tmp_path):
    outcome = cli("embed", trained, images, "--out", tmp_path / "codes.parquet")
    assert outcome.out == f"wrote 36 rows to {tmp_path / 'codes.parquet'}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["codes.parquet"]
    cli("predict", trained, images, "--out", tmp_path / "clusters.parquet")
    table, expected = (pd.read_parquet(tmp_path / name) for name in ("codes.parquet", "clusters.parquet"))
    pd.testing.assert_frame_equal(table[expected.columns], expected)
    code = load(trained).embed(np.load(images)["x"]).code.numpy()
    np.testing.assert_array_equal(numbers(table, "code"), code)
    facts = pq.read_schema(tmp_path / "codes.parquet").metadata
    assert facts[b"latentclust.recipe"] == b"small"


def test_neighbours_outliers_and_duplicates_of_a_copy_and_of_an_image_apart(cli, trained, images, tmp_path):
    x = np.load(images)["x"]
    np.save(tmp_path / "x.npy", np.concatenate([x, x[4:5], 255 - x[:1]]))
    options = ("--what", "both", "--neighbours", 3)
    outcome = cli("embed", trained, tmp_path / "x.npy", *options, "--out", tmp_path / "a.csv")
    assert "neighbours by code: exact; 2 images have likely duplicates" in outcome.out
    cli("embed", trained, tmp_path / "x.npy", *options, "--out", tmp_path / "a.parquet")
    csv, parquet = pd.read_csv(tmp_path / "a.csv"), pd.read_parquet(tmp_path / "a.parquet")

    code = numbers(parquet, "code").astype(np.float64)
    distance = np.sqrt(((code[:, None] - code) ** 2).sum(axis=2))
    np.fill_diagonal(distance, np.inf)
    np.testing.assert_allclose(numbers(parquet, "distances"), np.sort(distance, axis=1)[:, :3], rtol=1e-5, atol=1e-7)
    found = np.take_along_axis(distance, numbers(parquet, "neighbours"), axis=1)
    np.testing.assert_allclose(found, numbers(parquet, "distances"), rtol=1e-5, atol=1e-7)
    assert csv["duplicate_of"].dropna().to_dict() == {4: 4, 36: 4}
    assert parquet["duplicate_of"].dropna().to_dict() == {4: 4, 36: 4}
    assert numbers(parquet, "features").shape == (38, 16)
    for name in ("code", "feature", "neighbour", "distance"):
        whole = {"feature": "features", "neighbour": "neighbours", "distance": "distances"}.get(name, name)
        np.testing.assert_allclose(numbers(csv, name), numbers(parquet, whole), rtol=1e-5, atol=1e-7)
    third, cluster = np.sort(distance, axis=1)[:, 2], parquet["cluster"].to_numpy()
    median = np.array([np.median(third[cluster == each]) for each in cluster])
    np.testing.assert_allclose(parquet["outlier_score"], third / median, rtol=1e-4)


def test_a_stopped_table_continues_and_is_refused_for_other_images(cli, trained, images, tmp_path, monkeypatch):
    whole = ("embed", trained, images, "--neighbours", 2, "--out")
    monkeypatch.setattr(read_out, "SECONDS", 0.0)
    monkeypatch.setattr(read_out, "BATCH", 8)
    cli(*whole, tmp_path / "whole.parquet")
    batches, calls = read_out.codes_of, []

    def stopping(*arguments):
        for codes in batches(*arguments):
            calls.append(len(codes.code))
            if len(calls) == 4:  # the first is an image of zeros, for the widths
                raise KeyboardInterrupt
            yield codes

    monkeypatch.setattr(read_out, "codes_of", stopping)
    outcome = cli("embed", trained, images, "--neighbours", 2, "--out", tmp_path / "part.parquet")
    assert outcome.code == 130
    assert "Repeat the command with --resume" in outcome.err
    assert not (tmp_path / "part.parquet").exists()
    monkeypatch.setattr(read_out, "codes_of", batches)
    assert cli(*whole, tmp_path / "part.parquet").code == 2
    other = cli("embed", trained, images, "--neighbours", 3, "--out", tmp_path / "part.parquet", "--resume")
    assert other.code == 2
    assert "is of another model, other images or other options" in other.err
    assert "generator" not in json.loads((tmp_path / "part.parquet.unfinished" / "progress.json").read_text())
    model = tmp_path / "named.safetensors"
    model.write_bytes((trained / "model.safetensors").read_bytes())
    assert cli("clusters", "name", model, "1=first").code == 0
    renamed = cli("embed", model, images, "--neighbours", 2, "--out", tmp_path / "part.parquet", "--resume")
    assert renamed.code == 0, renamed.err
    model.unlink()
    expected, found = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("whole", "part"))
    assert set(found["name"][found["cluster"] == 1]) <= {"first"}
    pd.testing.assert_frame_equal(expected, found.drop(columns="name"))
    tables = [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert sorted(tables) == ["part.parquet", "whole.parquet"]
    before = (tmp_path / "part.parquet").read_bytes()
    again = cli(*whole, tmp_path / "part.parquet", "--resume")
    assert (again.code, (tmp_path / "part.parquet").read_bytes()) == (2, before)
    assert "there is nothing to continue" in again.err


def test_a_damaged_progress_is_one_error(tmp_path):
    (tmp_path / "progress.json").write_text("[]")
    with pytest.raises(LatentclustError, match="is damaged"):
        WorkFolder(tmp_path, "").read()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--out", "a.txt"), "must be a .csv or .parquet file"),
        (("--out", "a.csv", "--neighbours", 36), "36 neighbours exceed the 35 other images"),
        (("--out", "a.csv", "--range", 0, 10), "values are NaN or outside 0 to 10"),
    ],
)
def test_invalid_input_is_one_error_and_leaves_nothing(cli, trained, images, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    outcome = cli("embed", trained, images, *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("error:") == 1
    assert list(tmp_path.iterdir()) == []


def test_another_size_is_refused_and_resized_when_asked(cli, trained, tmp_path):
    Image.new("L", (12, 8), 128).save(tmp_path / "large.png")
    assert "Pass --resize" in cli("embed", trained, tmp_path / "large.png", "--out", tmp_path / "a.csv").err
    assert not (tmp_path / "a.csv").exists()
    assert cli("embed", trained, tmp_path / "large.png", "--resize", "--out", tmp_path / "a.csv").code == 0
