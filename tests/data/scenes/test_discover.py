"""Scenes that are found, and the names of their outputs."""

import os
from pathlib import Path
from typing import Any

import pytest

from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.opening import open_raster
from latentclust.errors import LatentclustError
from tests.data.scenes.test_stac import SENTINEL, write_item
from tests.labelling.planted import noise_scene, write_scene


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
    assert scenes[0].files[0] == tree / "2020" / "b.tif"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.tif", "other/A.tif"], "has the same output as .*, A.tif"),
        (["a-confidence.tif", "a.tif"], "has the same output as .*, a-confidence.tif"),
        (["a.img", "a.tif"], "has the same output as .*, a.tif"),
    ],
)
def test_two_inputs_with_one_output_stop_the_run(tmp_path: Path, names: list[str], words: str) -> None:
    with pytest.raises(LatentclustError, match=words):
        find_scenes([tmp_path / name for name in names], tmp_path / "out")


def test_all_issues_are_reported_together(tree: Path) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(LatentclustError) as caught:
        find_scenes([tree / "empty", tree / "x*.tif", tree / "out" / "a.tif"], tree / "out")
    told = [issue.what for issue in caught.value.issues]
    assert [words.split(" (")[0] for words in told[:2]] == ["contains no raster"] * 2
    assert "is in the output folder" in told[2]
    with pytest.raises(LatentclustError, match="contains no raster"):
        find_scenes([tree / "out"], tree / "out")
    with pytest.raises(LatentclustError, match="SCENES: is empty"):
        find_scenes([], tree / "out")


def names(given: list[str | Path], out: Path, **options: Any) -> list[str]:
    return [str(scene.output) for scene in find_scenes(given, out, **options)]


@pytest.mark.parametrize("given", ["", " \t"])
def test_an_empty_path_is_not_the_working_folder(tmp_path: Path, given: str) -> None:
    with pytest.raises(LatentclustError, match="is empty or contains"):
        find_scenes([given], tmp_path)


def test_links_are_searched_once_and_those_to_nothing_fail_as_scenes(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    for path in (folder / "z" / "a.tif", elsewhere / "b.tif"):
        path.parent.mkdir(parents=True)
        path.touch()
    (folder / "again").symlink_to(folder / "z")
    (folder / "z" / "loop").symlink_to(folder)
    (folder / "other").symlink_to(elsewhere)
    (folder / "self").symlink_to(folder / "self")
    (folder / "turning.tif").symlink_to("turning.tif")
    (folder / "gone.tif").symlink_to(tmp_path / "nothing.tif")
    (folder / "same.tif").symlink_to(folder / "z" / "a.tif")
    out = tmp_path / "out"
    assert names([folder], out) == ["gone.tif", "other/b.tif", "same.tif", "turning.tif", "z/a.tif"]
    assert names([f"{folder}/**/*.tif"], out) == ["same.tif", "z/a.tif"]
    write_item(folder / "i.json", {"image": {"href": "z/a.tif", "roles": ["data"]}})
    assert names([folder], out) == ["gone.tif", "S2_a.tif", "other/b.tif", "turning.tif"]
    (scene,) = find_scenes([folder / "self" / "a.tif"], out)
    assert scene.name == str(folder / "self" / "a.tif")


def refusing(name: str) -> Any:
    scan = os.scandir

    def refuse(folder: Any) -> Any:
        if Path(folder).name == name:
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    return refuse


def test_a_folder_that_cannot_be_searched_fails_as_a_scene_and_stops_no_other(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "scandir", refusing("2020"))
    first, second = find_scenes([tree], tree / "out")
    assert (str(first.output), first.name) == ("2020/*.tif", str(tree / "2020"))
    assert first.error is not None
    assert "cannot be searched" in first.error.what
    assert str(second.output) == "a.tif"


def test_label_rasters_of_other_folders_are_no_scenes(tree: Path) -> None:
    (tree / "2020" / "labelling.json").touch()
    (tree / "link.tif").symlink_to(tree / "out" / "a.tif")
    assert names([tree], tree / "out") == ["a.tif"]
    assert names([f"{tree}/**/*"], tree / "out") == ["a.tif"]
    with pytest.raises(LatentclustError, match="label rasters do not count"):
        find_scenes([tree / "2020"], tree / "out")
    assert names([tree / "2020" / "b.tif"], tree / "out") == ["b.tif"]  # that it is wanted, is said


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("a b.tif", "a b.tif"),
        ("a#1.tif", "a#1.tif"),
        ("a[1].tif", "a[1].tif"),
        ("a*.tif", "a_.tif"),
        ("ä?é.tif", "ä_é.tif"),
        ("a%20b.tif", "a%20b.tif"),
        ("a;b&c.tif", "a_b&c.tif"),
    ],
)
def test_an_existing_file_name_is_not_a_pattern(tmp_path: Path, name: str, output: str) -> None:
    path = tmp_path / "in [1]" / name
    path.parent.mkdir()
    path.touch()
    for given in (path, path.parent, f"{path.parent}/*.tif", f"{tmp_path}/in*/*"):
        (scene,) = find_scenes([given], tmp_path / "out")
        assert (scene.source, scene.output.name) == (str(path), output)


def test_patterns_without_a_suffix_match_rasters_and_others_match_anything(tree: Path) -> None:
    (tree / ".hidden.tif").touch()
    out = tree / "out"
    assert names([f"{tree}/**"], out) == names([f"{tree}/**/*"], out) == names([tree], out)
    assert names([f"{tree}/2020/*"], out) == ["b.tif", "späte Szene.tif"]
    assert names([f"{tree}/2020/*.md"], out) == ["notes.tif"]
    assert names([f"{tree}/20*/b***.*"], out) == ["2020/b.tif"]
    assert names([f"{tree}/.*.tif"], out) == [".hidden.tif"]


def test_a_list_is_text_of_any_kind(tree: Path) -> None:
    out, text = tree / "out", tree / "list.TXT"
    lines = [
        "# scenes",
        "2020/b.tif",
        "",
        f"  {tree}/a.tif",
        "2020/../a.tif",
        "http://h.org/c.tif?id=1",
        "s3://b/d.jp2",
    ]
    for ending, start in (("\n", b""), ("\r\n", b"\xef\xbb\xbf")):
        text.write_bytes(start + ending.join(lines).encode())
        assert names([text], out) == ["2020/b.tif", "a.tif", "c.tif", "d.tif"]
    text.write_bytes("a.tif\n".encode("utf-16"))
    with pytest.raises(LatentclustError, match=r"null bytes.*Give a UTF-8 text file"):
        find_scenes([text], out)
    text.write_bytes(b"# nothing\n")
    with pytest.raises(LatentclustError, match="contains no raster"):
        find_scenes([text], out)
    with pytest.raises(LatentclustError, match="cannot be read"):
        find_scenes([tree / "no list.txt"], out)


def test_names_that_are_no_utf8_fail_as_scenes(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"sp\xe4t.tif")
    path.touch()
    (tmp_path / "list.txt").write_bytes(b"sp\xe4t.tif\n")
    for given in (path, tmp_path, f"{tmp_path}/s*.tif", tmp_path / "list.txt"):
        (scene,) = find_scenes([given], tmp_path / "out")
        assert (str(scene.output), scene.name) == ("sp_xe4t.tif", rf"{tmp_path}/sp\xe4t.tif")
        assert scene.error is not None
        assert "not valid UTF-8" in scene.error.what


def test_urls_are_taken_as_they_stand(tmp_path: Path) -> None:
    out = tmp_path / "out"
    url = "https://me:pw@h.org/a[1]*.tif?id=7"
    remote, packed, local = find_scenes([url, "/vsizip/in.zip/b.img", f"file://{tmp_path}/c%20d.tif"], out)
    assert (remote.source, str(remote.output), remote.files) == (f"/vsicurl/{url}", "a[1]_.tif", ())
    assert remote.name.startswith("https://h.org/a[1]*.tif?sha256=")
    assert "pw@" not in repr(remote)
    assert (packed.source, str(packed.output)) == ("/vsizip/in.zip/b.img", "b.tif")
    assert (local.source, str(local.output)) == (f"{tmp_path}/c d.tif", "c d.tif")
    with pytest.raises(LatentclustError, match=r"has the same output as https://h\.org/a\.tif, a\.tif\."):
        find_scenes(["https://h.org/a.tif", "https://me@h.org/2/a.tif?token=x"], out)
    assert len(find_scenes(["https://h.org/a.tif", "https://me@h.org/a.tif?token=x"], out)) == 1


def test_impossible_paths_are_reported(tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match="null byte"):
        find_scenes(["a\0b"], tmp_path)
    with pytest.raises(LatentclustError, match=r"contains no raster"):
        find_scenes(["x" * 5000 + "*"], tmp_path)
    write_scene(tmp_path / "a.tif", noise_scene(9, 9))
    (tmp_path / "list.txt").write_text("a.tif\n" + "x" * 5000 + ".tif\n/vsizip/" + "x" * 5000 + ".zip/b.tif\n")
    scene, *others = find_scenes([tmp_path / "list.txt"], tmp_path / "out")
    with open_raster(scene):
        assert len(others) == 2
    for other in others:
        with pytest.raises(LatentclustError, match="cannot be read"), open_raster(other):
            pass


def test_items_are_found_in_folders_and_own_their_files(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    assets = {"image": {"href": "a.tif", "roles": ["data"]}, "mask": {"href": "./m.tif", "roles": ["mask"]}}
    item = write_item(folder / "2020" / "item.json", assets)
    (folder / "other.json").write_text('{"type": "FeatureCollection"}')
    (folder / "cut.json").write_text('{"type": "Feature", "stac_ver')
    for name in ("2020/a.tif", "2020/m.tif", "b.tif"):
        (folder / name).touch()
    out = tmp_path / "out"
    scene, other, damaged = find_scenes([folder], out)
    assert (damaged.name, damaged.error is None) == (str(folder / "cut.json"), False)
    assert (str(scene.output), scene.name, scene.item) == ("2020/S2_a.tif", str(item), item)
    assert (scene.source, scene.files) == (str(folder / "2020" / "a.tif"), (item, folder / "2020" / "a.tif"))
    assert str(other.output) == "b.tif"
    assert names([item], out) == ["S2_a.tif"]
    (tmp_path / "list.txt").write_text("in/2020/item.json\nin/cut.json\nin/no.json\n")
    _, cut, missing = find_scenes([tmp_path / "list.txt"], out)
    assert (str(cut.output), str(missing.output)) == ("in/cut.tif", "in/no.tif")
    assert cut.error is not None
    assert missing.error is not None
    assert "cannot be read" in cut.error.what


def test_items_are_joined_by_the_names_of_bands(tmp_path: Path) -> None:
    item = write_item(tmp_path / "in" / "i.json", SENTINEL)
    for options in ({"names": ("green", "red")}, {"bands": ("B03", "B04"), "names": ("x",)}):
        (scene,) = find_scenes([tmp_path / "in"], tmp_path / "out", **options)
        assert [Path(part.source).name for part in scene.parts] == ["B03.tif", "B04.tif"]
        assert scene.files == (item, tmp_path / "in" / "B03.tif", tmp_path / "in" / "B04.tif")
    (scene,) = find_scenes([item], tmp_path / "out")
    assert scene.error is not None
    assert "could be the scene: visual" in scene.error.what


def test_files_of_one_band_each_are_one_scene(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in ("1/T_B02.tif", "1/T_B03.tif", "1/T_B04.tif", "1/T_B08.tif", "2/B02.tif", "2/B03.tif", "T_B04_x.tif"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    whole, bare = find_scenes([folder], out, bands=("B03", "B02"))
    assert (str(whole.output), whole.name) == ("1/T.tif", f"{folder}/1/T_{{B03,B02}}.tif")
    assert [part.source for part in whole.parts] == [f"{folder}/1/T_B03.tif", f"{folder}/1/T_B02.tif"]
    assert whole.files == (folder / "1" / "T_B03.tif", folder / "1" / "T_B02.tif")
    assert str(bare.output) == "2.tif"
    assert names([folder / "2"], out, bands=("B03", "B02")) == ["2.tif"]
    assert names([folder / "1" / "T_B02.tif", folder / "1" / "T_B03.tif"], out, bands=("B03", "B02")) == ["T.tif"]
    (lone,) = find_scenes([folder / "T_B04_x.tif"], out, bands=("B04", "B02"))
    assert (str(lone.output), lone.error and lone.error.what) == ("T_x.tif", "is missing T_B02_x.tif")


@pytest.mark.parametrize(
    ("bands", "words"),
    [
        (("a", ""), "empty or repeated word"),
        (("a", "a"), "empty or repeated word"),
    ],
)
def test_empty_and_repeated_words_are_refused(tmp_path: Path, bands: tuple[str, ...], words: str) -> None:
    with pytest.raises(LatentclustError, match=f"--bands: .*{words}"):
        find_scenes([tmp_path / "a_B04.tif"], tmp_path / "out", bands=bands)


def test_words_that_no_file_has_in_its_name_are_bands_of_each_file(tmp_path: Path) -> None:
    for name in ("a_B04.tif", "b.tif"):
        (tmp_path / name).touch()
    found = find_scenes([tmp_path], bands=("B11", "B12"))
    assert [(str(scene.output), scene.requested, scene.parts) for scene in found] == [
        ("a_B04.tif", ("B11", "B12"), ()),
        ("b.tif", ("B11", "B12"), ()),
    ]


def test_a_folder_that_cannot_be_searched_is_reported_besides_files_of_bands(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "scandir", refusing("2020"))
    found = find_scenes([tree], tree / "out", bands=("a",))
    assert [str(scene.output) for scene in found] == ["2020/*.tif", f"{tree.name}.tif"]


def test_ten_thousand_files_in_a_folder_are_found(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / "in" / str(number)).mkdir(parents=True)
        for name in range(100):
            (tmp_path / "in" / str(number) / f"{name}.tif").touch()
    assert len(find_scenes([tmp_path / "in"], tmp_path / "in" / "out")) == 10_000


def test_a_file_of_an_installed_package_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pictured" / "data").mkdir(parents=True)
    (tmp_path / "pictured" / "__init__.py").write_text("raise RuntimeError('it is not imported')")
    scene = tmp_path / "pictured" / "data" / "a.tif"
    scene.touch()
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = find_scenes(["pictured:a.tif"], tmp_path / "out")
    assert (found.source, str(found.output)) == (str(scene), "a.tif")


def test_a_pipe_is_a_scene_that_fails(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    (scene,) = find_scenes([tmp_path / "pipe.tif"], tmp_path / "out")
    with pytest.raises(LatentclustError, match="it is not a regular file"), open_raster(scene):
        pass
    write_item(tmp_path / "item.json", {"a": {"href": "pipe.tif", "roles": ["data"]}})
    os.mkfifo(tmp_path / "pipe.json")
    for path in ("item.json", "pipe.json"):
        (scene,) = find_scenes([tmp_path / path], tmp_path / "out")
        with pytest.raises(LatentclustError, match="it is not a regular file"), open_raster(scene):
            pass
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(LatentclustError, match="it is not a regular file"):
        find_scenes([tmp_path / "pipe.txt"])
