"""`latentclust data prepare`, and what it leaves for `data inspect` and a recipe."""

import json

import pytest

from latentclust.data.prepared.manifest import MANIFEST
from tests.bundled.datasets.isprs import drawn, write_image, write_labels


@pytest.fixture
def raw(tmp_path):
    """Two small scenes in the ISPRS layout, one of them labelled, and one with labels that are not scored."""
    root = tmp_path / "raw"
    for seed, name in enumerate(("2_10", "3_13", "7_7")):
        image, classes = drawn(seed, 400, 820)
        write_image(root, name, image)
        if name != "7_7":
            write_labels(root, name, classes)
    return root


@pytest.fixture
def target(tmp_path):
    return tmp_path / "root" / "prepared" / "iic-potsdam3"


def test_it_prepares_tells_and_is_found_below_a_data_folder(cli, raw, target, monkeypatch):
    made = cli("data", "prepare", "potsdam", "--from", raw, "--to", target)
    assert made.code == 0
    assert made.err.splitlines() == [
        "1/3 potsdam_2_10: 2 tiles written",
        "2/3 potsdam_3_13: 2 tiles written",
        "3/3 potsdam_7_7: 2 tiles written",
    ]
    digest = json.loads((target / MANIFEST).read_text())["digest"]
    assert made.out.splitlines() == [
        f"potsdam by iic-potsdam3@1 is in {target}",
        "  6 tiles of 4 x 200 x 200 from 3 units",
        f"  2 of them have labels and are scored: tiles {digest}",
        "  skipped 1: label raster of a scene that the benchmark kept for testing",
    ]

    monkeypatch.setenv("LATENTCLUST_DATA", str(target.parents[1]))
    facts = json.loads(cli("data", "inspect", "potsdam", "--verify", "--json").out)
    assert (facts["samples"], facts["shape"], facts["per_pixel"]) == (6, [4, 200, 200], True)
    assert sum(facts["classes"].values()) < 2 * 200 * 200
    assert f"tiles {digest}" in facts["protocol"]
    assert "one label map per image; pixels of each" in cli("data", "inspect", "potsdam").out
    listed = {line["name"]: line for line in json.loads(cli("data", "list", "--json").out)}
    assert listed["potsdam"]["found"] == str(target)

    again = cli("data", "prepare", "potsdam", "--from", raw, "--to", target)
    assert again.out.splitlines()[1].endswith("3 of them verified and kept")


def test_a_stopped_preparation_reports_its_progress_and_resumes(cli, raw, target, monkeypatch):
    from latentclust.bundled.datasets import potsdam

    strips = potsdam.image_strips

    def stop(scene, channels):
        if scene.name == "3_13":
            raise KeyboardInterrupt
        return strips(scene, channels)

    monkeypatch.setattr(potsdam, "image_strips", stop)
    stopped = cli("data", "prepare", "potsdam", "--from", raw, "--to", target)
    assert stopped.code == 130
    assert f"stopped: {target}: stopped after 1 of 3 units. Run the same command to resume." in stopped.err
    assert not (target / MANIFEST).exists()

    monkeypatch.setattr(potsdam, "image_strips", strips)
    done = cli("data", "prepare", "potsdam", "--from", raw, "--to", target)
    assert done.code == 0
    assert done.err.splitlines()[0] == "1/3 potsdam_2_10: 2 tiles verified"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("potsdam", "--from", "absent", "--to", "tiles"), "absent: is not a folder"),
        (("potsdam", "--from", ".", "--to", "tiles"), "no top_potsdam_R_C_RGBIR.tif below it"),
        (("digits", "--from", ".", "--to", "tiles"), "digits is read from its original files and needs no preparing"),
        (("potsdam", "--set", "protocol=iic", "--from", ".", "--to", "tiles"), "data.protocol"),
    ],
)
def test_what_is_wrong_is_said_in_one_error(words, said, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = cli("data", "prepare", *words)
    assert outcome.code == 2
    assert outcome.err.startswith("error: ")
    assert said in outcome.err
    assert not (tmp_path / "tiles").exists()


def test_another_protocol_is_refused_and_the_folder_kept(cli, raw, target):
    cli("data", "prepare", "potsdam", "--from", raw, "--to", target)
    other = cli("data", "prepare", "potsdam", "--set", "protocol=iic-potsdam6", "--from", raw, "--to", target)
    assert other.code == 2
    assert "was prepared as potsdam by iic-potsdam3@1" in other.err
    assert (target / MANIFEST).exists()


def test_verifying_names_what_was_changed_on_disk(cli, raw, target):
    cli("data", "prepare", "potsdam", "--from", raw, "--to", target)
    path = target / "potsdam_7_7.images.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    settings = ("--set", f"path={target}")
    assert cli("data", "inspect", "potsdam", *settings).code == 0
    wrong = cli("data", "inspect", "potsdam", *settings, "--verify")
    assert wrong.code == 2
    assert "potsdam_7_7.images.npy: is damaged: its SHA-256 differs from the manifest" in wrong.err
    assert "has no hashes" in cli("data", "inspect", "digits", "--verify").err


def test_without_its_data_it_says_what_to_get_and_to_run(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTCLUST_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    outcome = cli("data", "inspect", "potsdam")
    assert outcome.code == 2
    command = "latentclust data prepare potsdam --set protocol=iic-potsdam3 --from DIR --to data/prepared/iic-potsdam3"
    assert command in outcome.err
    assert "Get it from the ISPRS benchmark" in outcome.err
