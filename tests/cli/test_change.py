"""`latentclust change`."""

import json

import latentclust
from latentclust.model.model_file import save_model
from tests.labelling.planted import noise_scene, planted_model, write_scene


def test_the_change_is_shown_and_written(cli, tmp_path):
    save_model(tmp_path / "model.safetensors", planted_model())
    for number in range(2):
        write_scene(tmp_path / f"in{number}" / "a.tif", noise_scene(70, 80, number))
        latentclust.label(tmp_path / "model.safetensors", tmp_path / f"in{number}", tmp_path / f"out{number}")
    words = ["change", tmp_path / "out0" / "a.tif", tmp_path / "out1" / "a.tif", "--out", tmp_path / "change"]
    done = cli(*words)
    assert done.code == 0
    assert "5,600 pixels, 56.00 ha, are labelled at both dates" in done.out
    assert "from clusters of the earlier date to clusters of the later one" in done.out
    again = cli(*words)
    assert again.code == 2
    assert "already exists" in again.err
    told = json.loads(cli(*words, "--overwrite", "--json").out)
    assert sum(row["pixels"] for row in told["clusters"]) == 5600
