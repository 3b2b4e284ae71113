"""`latentclust evaluate` and `latentclust compare`."""

import json

import numpy as np


def test_a_saved_model_scores_what_its_run_scored(cli, trained):
    outcome = cli("evaluate", trained, "--json", "--device", "cpu")

    found, stored = json.loads(outcome.out), json.loads((trained / "results.json").read_text())
    same = ("metrics", "baselines", "protocol", "occupancy", "seed")
    assert {key: found[key] for key in same} == {key: stored[key] for key in same}


def test_the_table_shows_the_same(cli, trained):
    accuracy = json.loads((trained / "results.json").read_text())["metrics"]["accuracy"]

    assert f"{accuracy:.4f}" in cli("evaluate", trained / "model.safetensors").out


def test_other_data_of_the_same_shape_is_said_to_be_other(cli, trained, tmp_path):
    x = np.random.default_rng(1).integers(0, 255, (20, 4, 6), dtype=np.uint8)
    np.savez(tmp_path / "other.npz", x=x, y=np.arange(20) % 2)
    outcome = cli("evaluate", trained, "--data", "array", "--set", f"data.path={tmp_path / 'other.npz'}", "--json")

    found = json.loads(outcome.out)
    assert sum(found["occupancy"]) == 20
    assert "20 samples" in found["protocol"]


def test_unlabelled_data_is_counted_and_not_scored(cli, trained, tmp_path):
    np.save(tmp_path / "other.npy", np.random.default_rng(1).integers(0, 255, (20, 4, 6), dtype=np.uint8))
    outcome = cli("evaluate", trained, "--set", f"data.path={tmp_path / 'other.npy'}", "--json")

    assert json.loads(outcome.out)["metrics"] == {}


def test_data_of_another_shape_is_refused(cli, trained):
    outcome = cli("evaluate", trained, "--data", "digits")

    assert outcome.code == 2
    assert outcome.err.startswith(
        "error: data.use: digits has samples of shape (1, 8, 8), but the model reads (1, 4, 6)"
    )


def test_what_was_trained_cannot_be_changed(cli, trained):
    outcome = cli("evaluate", trained, "--set", "prior.clusters=4")

    assert outcome.code == 2
    assert outcome.err.startswith("error: --set prior.clusters=4: would change what was trained")


def test_compare_has_a_row_a_recipe(cli, trained, trained_vectors):
    outcome = cli("compare", trained, trained_vectors, "--json")

    assert [len(summary["seeds"]) for summary in json.loads(outcome.out)] == [1, 1]
    protocol, blank, header, *_ = cli("compare", trained, "--markdown").out.splitlines()
    assert protocol.startswith("array-all-all: array (36 samples)")
    assert not blank
    assert header.startswith("| recipe |")
    assert "small" in cli("compare", trained).out


def test_compare_writes_a_page_and_replaces_none_unasked(cli, trained, trained_vectors, tmp_path):
    page = tmp_path / "pages" / "compared.html"
    outcome = cli("compare", trained, trained_vectors, "--html", page)
    assert outcome.code == 0
    assert "compared.html" in outcome.err
    assert "small" in page.read_text()
    page.write_text("mine")
    assert "already exists" in cli("compare", trained, "--html", page).err
    assert page.read_text() == "mine"
    assert cli("compare", trained, "--html", page, "--overwrite").code == 0
    assert page.read_text().startswith("<!doctype html>")
    (tmp_path / "folder.html").mkdir()
    assert "is a folder" in cli("compare", trained, "--html", tmp_path / "folder.html", "--overwrite").err
    (tmp_path / "file").touch()
    assert "another folder with --html" in cli("compare", trained, "--html", tmp_path / "file" / "a.html").err
    for wrong in (("--html", tmp_path / "a.md"), ("--overwrite",)):
        outcome = cli("compare", trained, *wrong)
        assert (outcome.code, outcome.out) == (2, "")


def test_compare_refuses_a_folder_that_is_not_a_run(cli, tmp_path):
    outcome = cli("compare", tmp_path)

    assert outcome.code == 2
    assert "no finished run" in outcome.err
