"""Addresses as GDAL reads them and as messages show them."""

import contextlib
from pathlib import Path, PurePath

import pytest

from latentclust.data.scenes.addresses import (
    LONGEST_NAME,
    address_stem,
    display_address,
    gdal_name,
    is_address,
    local_files,
    printable_path,
    safe_filename,
    strip_credentials,
)
from latentclust.data.scenes.inputs import scene_from_file


@pytest.mark.parametrize(
    ("address", "opened", "seen", "name"),
    [
        ("https://h.org/a/b.tif", "/vsicurl/https://h.org/a/b.tif", "https://h.org/a/b.tif", "b"),
        ("s3://bucket/a/b%20c.tif", "/vsis3/bucket/a/b%20c.tif", "s3://bucket/a/b%20c.tif", "b c"),
        ("GS://bucket/a.tif", "/vsigs/bucket/a.tif", "GS://bucket/a.tif", "a"),
        ("/vsizip/s.zip/in/a.img", "/vsizip/s.zip/in/a.img", "/vsizip/s.zip/in/a.img", "a"),
        ("zip+file://s.zip!a.tif", "zip+file://s.zip!a.tif", "zip+file://s.zip!a.tif", "s.zip!a"),
        ("http://me:pw@h.org/a.tif", "/vsicurl/http://me:pw@h.org/a.tif", "http://h.org/a.tif", "a"),
        ("https://h.org", "/vsicurl/https://h.org", "https://h.org", "h"),
    ],
)
def test_an_address_is_opened_by_gdal_and_shown_without_secrets(
    address: str, opened: str, seen: str, name: str
) -> None:
    assert is_address(address)
    assert (gdal_name(address), display_address(address), address_stem(address)) == (opened, seen, name)


@pytest.mark.parametrize("path", ["a.tif", "/data/a.tif", "C:x.tif", "a#?.tif", "/vsi/a.tif", "<VRTDataset/>"])
def test_paths_are_not_remote(path: str) -> None:
    assert not is_address(path)
    assert gdal_name(path) == path


def test_a_raster_within_a_file_is_an_address_unless_a_file_is_called_so(tmp_path: Path) -> None:
    for address, name in (('NETCDF:"x/a.nc":red', "a.nc_red"), ("GTIFF_DIR:2:a.tif", "GTIFF_DIR_2_a.tif")):
        assert is_address(address)
        assert (gdal_name(address), display_address(address), address_stem(address)) == (address, address, name)
    with contextlib.chdir(tmp_path):
        Path("AB:c.tif").touch()
        assert not is_address("AB:c.tif")


def test_queries_are_hidden_and_still_tell_files_apart() -> None:
    one, two = (display_address(f"https://h.org/read?id={number}&key=s3cret") for number in (1, 2))
    assert one != two
    assert one.startswith("https://h.org/read?sha256=")
    assert len(one) == len("https://h.org/read?sha256=") + 8
    assert "s3cret" not in one + two
    assert one == display_address("https://other:pw@h.org/read?key=s3cret&id=1")


@pytest.mark.parametrize(
    "query",
    ["X-Amz-Signature=1&X-Amz-Date=2", "sv=2021&st=1&se=2&sr=c&sp=rl&sig=abc", "Expires=1&Signature=x", "token=1"],
)
def test_a_new_signature_is_the_same_file(query: str) -> None:
    assert display_address(f"https://h.org/a.tif?{query}") == "https://h.org/a.tif"
    assert display_address(f"https://h.org/a.tif?id=7&{query}") == display_address("https://h.org/a.tif?id=7")


def test_parameters_of_a_signature_tell_files_apart_where_nothing_is_signed() -> None:
    assert display_address("https://h.org/a.tif?st=CO") != display_address("https://h.org/a.tif?st=UT")


def test_options_and_archives_of_virtual_file_systems_keep_no_secrets() -> None:
    options = "/vsicurl?max_retry=2&header.Authorization=Bearer%20s3cret&url=https%3A%2F%2Fme%3Apw%40h.org%2Fa.tif"
    assert display_address(options) == "/vsicurl/https://h.org/a.tif"
    assert address_stem(options) == "a"
    inner = "/vsizip/{/vsicurl/https://me:pw@h.org/a.zip?id=1}/b.tif"
    assert display_address(inner).startswith("/vsizip/{/vsicurl/https://h.org/a.zip}/b.tif?sha256=")
    assert address_stem(inner) == "b"


def test_messages_lose_the_secrets_of_urls() -> None:
    said = "'/vsicurl/https://me:p@ss@h.org/a.tif?sig=abc' is not there (s3://b/k?x), see <http://h.org/b@2x.tif>"
    assert (
        strip_credentials(said) == "'/vsicurl/https://h.org/a.tif' is not there (s3://b/k see <http://h.org/b@2x.tif>"
    )
    assert strip_credentials("/vsicurl?header=s3cret&url=x is not there") == "/vsicurl is not there"


def test_the_archive_that_a_path_lies_in_is_found(tmp_path: Path) -> None:
    file = tmp_path / "scenes.zip"
    file.touch()
    assert local_files(f"/vsizip/{file}/in/a.tif") == (file,)
    assert local_files(f"/vsizip/{{{file}}}/in/a.tif") == (file,)
    for address in (f"NETCDF:{file}:red", f'HDF5:"{file}"://a/red', f"GTIFF_DIR:1:{file}", f"HDF5:/vsizip/{file}/a:b"):
        assert local_files(address) == (file,)
    assert (
        local_files("/vsizip/nowhere.zip/a.tif")
        == local_files("NETCDF:nowhere.nc:red")
        == local_files("https://h.org/a.tif")
        == local_files("/vsis3/b/a.tif")
        == ()
    )


def test_bytes_that_are_no_utf8_can_be_shown() -> None:
    assert printable_path("sp\udce4t é.tif") == r"sp\xe4t é.tif"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("x.tif;1", "x.tif_1"),
        ("a?b:c*d", "a_b_c_d"),
        ('it\'s "quoted"', "it_s _quoted_"),
        ("line\nbreak\x1b[0m", "line_break_[0m"),
        ("dots. .", "dots"),
        ("..", "scene"),
        ("CON", "_CON"),
        ("lpt1.2020", "_lpt1.2020"),
        ("Küste 12", "Küste 12"),
    ],
)
def test_names_that_drivers_or_systems_would_change_are_made_safe(name: str, safe: str) -> None:
    assert safe_filename(name) == safe


def test_long_names_are_cut_and_stay_different() -> None:
    first, second = (safe_filename("ü" * 150 + end) for end in "ab")
    assert first != second
    assert len(first.encode()) <= LONGEST_NAME


def test_a_scene_with_a_dot_in_its_folder_keeps_its_name(tmp_path: Path) -> None:
    scene = scene_from_file(tmp_path / "a.b;c" / "x.y.tif", tmp_path)
    assert scene.output == PurePath("a.b_c/x.y.tif")
