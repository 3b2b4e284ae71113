"""labelling.json as a file: what is read back, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

import latentclust
from latentclust.errors import LatentclustError
from latentclust.labelling.clusters.restyle import restyle
from latentclust.labelling.label_report import SceneResult
from latentclust.labelling.run_log import RunLog, RunLogFile, read_run_log_file
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, write_scene

ROW = SceneResult("/in/Szene é.tif", "a.tif", "done", "", ("odd",), 5, 1, 0.5, 0.25, 10, 2**60, {"a.tif": 7})


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    options = {"tile": [64, 64], "area": None, "vector": {"min_area": 0.0, "max_polygons": 5}}
    written = RunLogFile(format=1, model="ab", options=options, scenes=[ROW], replaced=[ROW])
    written.write(tmp_path)
    assert read_run_log_file(tmp_path, "") == written
    assert json.loads((tmp_path / "labelling.json").read_text(encoding="utf-8"))["scenes"] == [
        {**ROW.row(), "warnings": ["odd"], "joined": []}
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"options": None}, "options: Input should be an object"),
        ({"options": []}, "options: Input should be an object"),
        ({"model": 5}, "model: Input should be a valid string"),
        ({"format": 2}, "format: Input should be 1"),
        ({"scenes": None}, "scenes: "),
        ({"scenes": [{**ROW.row(), "files": ["a"]}]}, "scenes.0.files: "),
        ({"scenes": [{**ROW.row(), "size": "x"}]}, "scenes.0.size: "),
        ({"replaced": None}, "replaced: "),
    ],
)
def test_a_damaged_account_is_one_message_of_every_command(
    planted: ClusteringModel, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    scene = write_scene(tmp_path / "a.tif", noise_scene(40, 50))
    content = {"format": 1, "model": "ab", "options": {}, "scenes": [], **changes}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "labelling.json").write_text(json.dumps(content))
    for command in (lambda out: latentclust.label(planted, scene, out), lambda out: restyle(out, planted)):
        with pytest.raises(LatentclustError, match=r"labelling\.json: cannot be read") as caught:
            command(tmp_path / "out")
        assert len(caught.value.issues) == 1
        assert words in str(caught.value)


def test_invalid_json_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"{", b"5", b"\xff\xfe"):
        (tmp_path / "labelling.json").write_bytes(content)
        with pytest.raises(LatentclustError, match="cannot be read"):
            read_run_log_file(tmp_path, "")


def test_the_file_is_written_where_there_is_news(tmp_path: Path) -> None:
    manifest = RunLog(tmp_path, "ab", {})
    manifest.save()
    assert not (tmp_path / "labelling.json").exists()
    manifest.add_and_save(ROW)
    (tmp_path / "labelling.json").unlink()
    manifest.save()
    manifest.add(ROW)
    assert not (tmp_path / "labelling.json").exists()
    manifest.save()
    assert read_run_log_file(tmp_path, "").scenes == [ROW]
