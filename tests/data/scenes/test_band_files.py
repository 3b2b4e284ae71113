"""Which files are the bands of one scene."""

import pytest

from latentclust.data.scenes.band_files import BandFilePattern, group_band_files

RGB = ("B04", "B03", "B02")


def sets(names: list[str], bands: tuple[str, ...] = RGB) -> list[dict[str, str]]:
    return [
        {band: names[at] for band, at in members.items()}
        for _, members in group_band_files([("", name) for name in names], bands)
    ]


def test_files_that_differ_in_one_word_are_a_set() -> None:
    names = [f"T1_{band}_10m.jp2" for band in ("B02", "B03", "B04", "B08")] + ["T2-B04.tif", "T2-B03.tif", "x.tif"]
    first, second = sets(names)
    assert first == {"B02": "T1_B02_10m.jp2", "B03": "T1_B03_10m.jp2", "B04": "T1_B04_10m.jp2"}
    assert second == {"B04": "T2-B04.tif", "B03": "T2-B03.tif"}


@pytest.mark.parametrize("name", ["sB04.tif", "B041.tif", "B4.tif", "B04é.tif", "B8A.tif", "x.B04"])
def test_a_band_is_a_whole_word_of_the_name(name: str) -> None:
    assert sets([name]) == []


@pytest.mark.parametrize("name", ["B04.tif", "s_B04.tif", "s.B04.tif", "s (B04).tif", "B04", "s B04-v2.tif"])
def test_words_end_at_anything_but_letters_and_digits(name: str) -> None:
    assert sets([name]) == [{"B04": name}]


@pytest.mark.parametrize("names", [["s_b04.tif", "s_b03.tif", "s_b02.tif"], ["s_red.tif", "s_Green.tif", "s_BLUE.tif"]])
def test_words_in_another_case_and_common_names_are_bands(names: list[str]) -> None:
    assert sets(names) == [dict(zip(RGB, names, strict=True))]
    assert sets(["s_B04.tif", "s_B08.tif"], ("red", "nir")) == [{"red": "s_B04.tif", "nir": "s_B08.tif"}]


def test_a_word_as_it_is_given_counts_before_others() -> None:
    assert (
        sets(["s_red.tif", "s_B04.tif"], ("B04",))
        == sets(["s_B04.tif", "s_red.tif"], ("B04",))
        == [{"B04": "s_B04.tif"}]
    )
    assert sets(["s_a.tif", "s_A.tif"], ("a", "A")) == [{"a": "s_a.tif", "A": "s_A.tif"}]
    assert sets(["s_red.tif", "s_B04.tif"], ("B04", "red")) == [{"B04": "s_B04.tif", "red": "s_red.tif"}]
    assert sets(["s_B4.tif"], ("red",)) == []  # Landsat 8, or near infrared of Landsat 5


def test_folders_and_suffixes_are_kept_apart() -> None:
    found = group_band_files([("a", "B04.tif"), ("b", "B03.tif"), ("a", "B03.jp2")], RGB)
    assert [list(members) for _, members in found] == [["B04"], ["B03"], ["B03"]]


def test_of_words_that_occur_twice_the_whole_set_counts() -> None:
    names = ["red_river_red.tif", "red_river_green.tif"]
    assert sets(names, ("red", "green")) == [{"red": names[0], "green": names[1]}]
    assert sets(["SR_B4.tif", "SR_B5.tif"], ("SR_B4", "SR_B5")) == [{"SR_B4": "SR_B4.tif", "SR_B5": "SR_B5.tif"}]
    assert sets(["B04_B03.tif"]) == [{"B04": "B04_B03.tif"}]


@pytest.mark.parametrize(
    ("before", "after", "common"),
    [
        ("T1_", "_10m", "T1_10m"), ("T1_", "", "T1"), ("", "-x", "x"), ("", "", ""), ("a.", ".b", "a.b"),
        ("a-", "_b", "a-b"), ("s (", ")", "s"), ("s(", ")t", "s_t"), ("2020.01_", "", "2020.01"),
    ],
)  # fmt: skip
def test_the_common_name_has_no_separators_left_over(before: str, after: str, common: str) -> None:
    assert BandFilePattern("", before, after, ".tif").common == common


def test_a_pixel_size_after_the_band_is_left_out_if_no_set_is_complete_without_it() -> None:
    names = ["T1_B04_10m.jp2", "T1_B03_10m.jp2", "T1_B03_60m.jp2", "T1_B02_20m.jp2", "T1_B02_60m.jp2", "T1_B05_20m.jp2"]
    assert sets(names) == [{"B04": names[0], "B03": names[1], "B02": names[3]}]
    folders = [("IMG/R10m", names[0]), ("IMG/R20m", names[3]), ("IMG/R10m", names[1]), ("IMG2/R10m", names[1])]
    (first, members), _ = group_band_files(folders, RGB)
    assert (first.folder, first.common, members) == ("IMG/", "T1", {"B04": 0, "B03": 2, "B02": 1})
    at_10 = ["T1_B04_10m.jp2", "T1_B03_10m.jp2", "T1_B02_10m.jp2", "T1_B02_20m.jp2"]
    assert sets(at_10)[0] == dict(zip(RGB, at_10, strict=False))
