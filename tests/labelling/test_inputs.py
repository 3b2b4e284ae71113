"""What is found, and what its output is called."""

from pathlib import Path

import pytest

from latentclust.errors import LatentclustError
from latentclust.labelling.inputs import find_scenes


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.tif", "2020/b.tif", "2020/späte Szene.TIF", "2020/notes.md", "out/a.tif"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def outputs(given: list[str | Path], out: Path) -> list[str]:
    return sorted(str(scene.output) for scene in find_scenes(given, out))


def test_outputs_keep_the_path_below_the_argument_that_found_them(tree: Path) -> None:
    out = tree / "out"
    assert outputs([tree], out) == ["2020/b.tif", "2020/späte Szene.tif", "a.tif"]  # and no output is read again
    assert outputs([tree / "2020"], out) == ["b.tif", "späte Szene.tif"]
    assert outputs([tree / "2020" / "b.tif"], out) == ["b.tif"]
    assert outputs([f"{tree}/20*/*.tif"], out) == ["2020/b.tif"]
    assert outputs([tree / "a.tif", tree / "a.tif"], out) == ["a.tif"]


def test_a_list_names_scenes_relative_to_itself(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "far.tif"
    (tree / "list.txt").write_text(f"# scenes\n2020/b.tif\n\n{elsewhere}\n2021/not there.tif\n")
    scenes = find_scenes([tree / "list.txt"], tree / "out")
    assert [str(scene.output) for scene in scenes] == ["2020/b.tif", "far.tif", "2021/not there.tif"]
    assert scenes[0].path == tree / "2020" / "b.tif"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.tif", "other/A.tif"], "its output would be A.tif"),
        (["a-confidence.tif", "a.tif"], "its output would be a-confidence.tif"),
        (["a.img", "a.tif"], "its output would be a.tif"),
    ],
)
def test_two_inputs_with_one_output_stop_the_run(tmp_path: Path, names: list[str], words: str) -> None:
    with pytest.raises(LatentclustError, match=words):
        find_scenes([tmp_path / name for name in names], tmp_path / "out")


def test_every_issue_is_told_at_once(tree: Path) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(LatentclustError) as caught:
        find_scenes([tree / "empty", tree / "x*.tif", tree / "out" / "a.tif"], tree / "out")
    told = [issue.what for issue in caught.value.issues]
    assert [words.split(" (")[0] for words in told[:2]] == ["no raster is there"] * 2
    assert "lies in the output folder" in told[2]
    with pytest.raises(LatentclustError, match="no raster is there"):
        find_scenes([tree / "out"], tree / "out")
    with pytest.raises(LatentclustError, match="nothing is given"):
        find_scenes([], tree / "out")
