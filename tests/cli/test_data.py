"""`latentclust data`."""

import json

import numpy as np
import pytest

from latentclust.plugins.registry import installed
from tests.labelling.planted import write_scene


def test_every_set_is_listed_and_found_where_it_is(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTCLUST_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pendigits").mkdir()
    (tmp_path / "pendigits" / "pendigits.tra").touch()
    found = {line["name"]: line for line in json.loads(cli("data", "list", "--json").out)}

    assert set(found) == {part.name for part in installed().parts("dataset")}
    assert found["pendigits"]["found"] == str(tmp_path / "pendigits" / "pendigits.tra")
    assert found["coil20"]["found"] is None
    assert found["image-folder"]["own"]
    assert str(tmp_path) in cli("data", "list").out


def test_inspect_counts_samples_and_classes(cli):
    facts = json.loads(cli("data", "inspect", "digits", "--json").out)

    assert (facts["samples"], facts["shape"], facts["dtype"]) == (1797, [1, 8, 8], "uint8")
    assert facts["range"] == [0, 255]
    assert facts["classes"]["3"] == 183  # as scikit-learn documents
    assert sum(facts["classes"].values()) == 1797


def test_inspect_takes_the_options_of_a_set(cli, images):
    facts = json.loads(cli("data", "inspect", "array", "--set", f"path={images}", "--json").out)

    assert facts["shape"] == [1, 4, 6]
    assert facts["classes"] == {"0": 12, "1": 12, "2": 12}
    assert "1 x 4 x 6" in cli("data", "inspect", "array", "--set", f"path={images}").out


def test_inspect_names_all_rasters_and_their_stretch(cli, tmp_path):
    values = np.linspace(0, 1000, 900).reshape(1, 30, 30).astype(np.uint16)
    for name in ("a.tif", "b.tif"):
        write_scene(tmp_path / name, values)
    options = ("--set", f"path={tmp_path}", "--set", "window=8", "--set", "windows=9")
    facts = json.loads(cli("data", "inspect", "raster", *options, "--json").out)
    assert facts["rasters"] == [str(tmp_path / "a.tif"), str(tmp_path / "b.tif")]
    assert facts["stretch"]["band 1"] == pytest.approx(np.percentile(values, [2, 98]))
    shown = "".join(cli("data", "inspect", "raster", *options).out.split())
    assert "2rasters" in shown
    assert "band1:19.96to979.04" in shown
    few = cli("data", "inspect", "raster", *options, "--set", "range=[0, 10000]", "--json").out
    assert json.loads(few)["stretch"] == {"band 1": [0, 10000]}


def test_what_cannot_be_opened_says_why(cli):
    assert "data.path: this key is missing" in cli("data", "inspect", "array").err
    assert "Did you mean 'digits'?" in cli("data", "inspect", "digit").err


def test_fetching_what_is_there_fetches_nothing(cli):
    assert cli("data", "fetch", "digits").out.startswith("digits already exists: ")


def test_a_set_without_a_checked_download_says_where_to_get_it(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTCLUST_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    outcome = cli("data", "fetch", "pendigits", "--root", tmp_path)

    assert outcome.code == 2
    assert outcome.err.startswith("error: data fetch: pendigits has no download with a known checksum. Get it from")
