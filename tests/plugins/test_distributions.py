"""The facts that are read about installed distributions without importing them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from latentclust.plugins.distributions import (
    BUNDLED,
    COMMANDS_GROUP,
    PARTS_GROUP,
    EntryPoint,
    Provider,
    canonical_name,
    scan_distributions,
)

Install = Callable[..., Path]


@pytest.mark.parametrize("name", ["Clust_X", "clust.x", "clust-x", "CLUST--x", " clust_x "])
def test_names_are_compared_as_installers_do(name: str) -> None:
    assert canonical_name(name) == "clust-x"


def test_latentclust_itself_comes_first_and_others_by_name(distribution: Install) -> None:
    distribution("zeta")
    distribution("alpha")
    used = scan_distributions().used
    assert used[0].name == BUNDLED
    assert [one.name for one in used if one.name in ("zeta", "alpha")] == ["alpha", "zeta"]


def test_a_distribution_is_what_its_metadata_say(distribution: Install) -> None:
    points = """
        [latentclust]
        parts = clust_x:plugin
        [latentclust.commands]
        hello = clust_x.commands:hello [cli]
        [console_scripts]
        other = clust_x:main
    """
    info = distribution("clust-x", points=points, metadata="Summary: Says hello\nRequires-Dist: latentclust>=0.1")
    (found,) = [one for one in scan_distributions().used if one.name == "clust-x"]
    provider = Provider("clust-x", "1.2", "parts")
    assert (found.version, found.summary, found.requires) == ("1.2", "Says hello", ("latentclust>=0.1",))
    assert found.of(PARTS_GROUP) == (EntryPoint(provider, PARTS_GROUP, "clust_x:plugin"),)
    assert [(one.provider.entry_point, one.module) for one in found.of(COMMANDS_GROUP)] == [
        ("hello", "clust_x.commands")
    ]
    assert Path(found.folder) == info.parent
    assert found.error == ""
    assert str(found) == "clust-x 1.2"


def test_a_distribution_without_our_entry_points_is_none_of_ours(distribution: Install) -> None:
    distribution("clust-x", points="[console_scripts]\nlatentclust-x = clust_x:main\n")
    assert "clust-x" not in {one.name for one in scan_distributions().used}


def test_what_lies_twice_on_the_path_is_one(distribution: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    info = distribution("clust-x")
    monkeypatch.syspath_prepend(f"{info.parent}/.")
    assert [one.name for one in scan_distributions().used].count("clust-x") == 1


def damages() -> dict[str, str]:
    return {one.name: one.error for one in scan_distributions().used if one.error}


def test_damaged_metadata_are_reported_and_affect_no_others(distribution: Install) -> None:
    (distribution("no-utf8") / "entry_points.txt").write_bytes(b"[latentclust]\nparts = \xff\n")
    (distribution("no-pair") / "entry_points.txt").write_text("[latentclust]\nparts\n")
    (distribution("no-version") / "METADATA").write_text("Metadata-Version: 2.1\nName: no-version\n")
    distribution("twice", points="[latentclust]\nparts = a\nparts = b\n")
    distribution("sound")
    (distribution("elsewhere") / "entry_points.txt").write_text("[console_scripts]\nnonsense\n")
    found = damages()
    assert set(found) == {"no-utf8", "no-pair", "no-version", "twice"}
    assert found["no-utf8"].startswith("its entry_points.txt cannot be read (UnicodeDecodeError")
    assert found["no-pair"].startswith("its entry_points.txt cannot be read (")
    assert found["no-version"].endswith("has no Version")
    assert found["twice"] == "its entry_points.txt lists 'parts' in [latentclust] more than once"
    assert "sound" in {one.name for one in scan_distributions().used}


def test_metadata_that_are_gone_or_unreadable_name_the_folder(distribution: Install) -> None:
    (distribution("gone") / "METADATA").unlink()
    (distribution("garbled") / "METADATA").write_bytes(b"Name: \xff\xfe\n")
    found = [one for one in scan_distributions().used if one.name == "unknown"]
    assert len(found) == 2
    assert all("/site-packages" in one.error for one in found)
    assert {one.entries[0].value for one in found} == {"gone", "garbled"}


def names(monkeypatch: pytest.MonkeyPatch, value: str) -> tuple[set[str], set[str], tuple[str, ...]]:
    monkeypatch.setenv("LATENTCLUST_PLUGINS", value)
    scan = scan_distributions()
    ours = {"clust-a", "Clust_B"}
    assert scan.used[0].name == BUNDLED
    return {one.name for one in scan.used} & ours, {one.name for one in scan.excluded} & ours, scan.unknown


def test_the_variable_chooses_third_parties(distribution: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution("clust-a")
    distribution("Clust_B")
    both: set[str] = {"clust-a", "Clust_B"}
    assert names(monkeypatch, "") == (both, set(), ())
    assert names(monkeypatch, " ") == (both, set(), ())
    assert names(monkeypatch, "off") == (set(), both, ())
    assert names(monkeypatch, "OFF") == (set(), both, ())
    assert names(monkeypatch, "clust_a") == ({"clust-a"}, {"Clust_B"}, ())
    assert names(monkeypatch, "CLUST.A, clust-b,") == (both, set(), ())
    assert names(monkeypatch, "clust-a,clust-c") == ({"clust-a"}, {"Clust_B"}, ("clust-c",))
    assert names(monkeypatch, "latentclust") == (set(), both, ())


def test_a_damaged_distribution_is_left_out_too(distribution: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    (distribution("gone") / "METADATA").unlink()
    monkeypatch.setenv("LATENTCLUST_PLUGINS", "off")
    assert damages() == {}


@pytest.mark.parametrize("value", ["", "a b", "clust_x:", ":x", "clust_x:a:b", "../x"])
def test_an_entry_point_that_names_nothing_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is not of the form module:object"):
        EntryPoint(Provider("clust-x", "1", "parts"), PARTS_GROUP, value).load()


def test_an_entry_point_names_a_module_or_what_is_in_it() -> None:
    provider = Provider("clust-x", "1", "parts")
    assert EntryPoint(provider, PARTS_GROUP, "os.path").load() is sys.modules["os.path"]
    assert EntryPoint(provider, PARTS_GROUP, " os : path.join [extra]").load() is sys.modules["os.path"].join
    with pytest.raises(AttributeError, match="nothing"):
        EntryPoint(provider, PARTS_GROUP, "os:nothing").load()
    with pytest.raises(ModuleNotFoundError, match="does_not_exist"):
        EntryPoint(provider, PARTS_GROUP, "does_not_exist").load()


PROBE = """
import sys, importlib.metadata, importlib_metadata
from latentclust.plugins.distributions import scan_distributions
kinds = {type(one).__module__ for one in importlib.metadata.distributions()}
found = scan_distributions().used
print(kinds, *((one.name, one.requires, len(one.entries), bool(one.error)) for one in found), sep="\\n")
"""


def test_importlib_metadata_may_take_the_place_of_the_standard_library(distribution: Install) -> None:
    pytest.importorskip("importlib_metadata")
    site = distribution("clust-x", metadata="Requires-Dist: latentclust>=0.1").parent
    (distribution("gone") / "METADATA").unlink()
    paths = os.pathsep.join([str(site), *sys.path])
    found = subprocess.run(
        [sys.executable, "-c", PROBE],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    ).stdout.splitlines()
    assert found[0] == "{'importlib_metadata'}"
    assert found[1].startswith("('latentclust', ")
    assert "('clust-x', ('latentclust>=0.1',), 1, False)" in found
    assert "('unknown', (), 1, True)" in found
