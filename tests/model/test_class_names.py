"""Names of clusters and colours of classes: changed, merged, stored, and refused."""

import pytest

from latentclust.errors import LatentclustError
from latentclust.model.class_names import (
    classes_of,
    name_of,
    names_from_header,
    names_to_header,
    recolour_classes,
    rename_clusters,
)


def test_names_are_given_changed_and_taken_away() -> None:
    names = rename_clusters({2: "ice", 4: "rock"}, ["3= water ", "1=a=b", "2=", "4=scree"], 4)
    assert names == {1: "a=b", 3: "water", 4: "scree"}
    assert list(names) == [1, 3, 4]
    assert rename_clusters(names, ["2="], 4) == names
    assert [name_of(cluster, names) for cluster in (1, 2)] == ["a=b", "cluster 2"]


def test_names_that_look_equal_are_equal() -> None:
    assert rename_clusters({}, ["1=Wa\u0308lder", "2=W\u00e4lder"], 2) == {1: "W\u00e4lder", 2: "W\u00e4lder"}


def test_clusters_of_one_name_are_a_class_in_the_order_of_their_first() -> None:
    names = {1: "water", 3: "forest", 4: "water"}
    assert list(classes_of(5, names).items()) == [
        ("water", (1, 4)), ("cluster 2", (2,)), ("forest", (3,)), ("cluster 5", (5,)),
    ]  # fmt: skip
    assert list(classes_of(3, {}).values()) == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("0=water", "0=water: unknown cluster 0. Use a number from 1 to 5"),
        ("6=water", "unknown cluster 6"),
        ("water", "water: is not a NUMBER=NAME pair. Write NUMBER=NAME, such as 3=water"),
        ("", "'': is not a NUMBER=NAME pair"),
        ("=water", "=water: is not a NUMBER=NAME pair"),
        ("-1=water", "is not a NUMBER=NAME pair"),
        ("1.0=water", "is not a NUMBER=NAME pair"),
        ("٣=water", "is not a NUMBER=NAME pair"),
        ("9" * 5000 + "=water", "is not a NUMBER=NAME pair"),
        ("1=a\nb", r"'1=a\nb': the name contains a control or unassigned character"),
        ("1=a\x1bb", "control or unassigned character"),
        ("1=a\ud800", "control or unassigned character"),
        ("1=a\u2028b", "control or unassigned character"),
        ("1=\u00a0a", "begins or ends with white space"),
        ("1=cluster 3", "'cluster 3' is reserved for unnamed clusters"),
        ("1=No data", "'No data' is reserved"),
    ],
)
def test_a_name_that_will_not_do_is_one_issue(pair: str, said: str) -> None:
    with pytest.raises(LatentclustError) as error:
        rename_clusters({}, [pair], 5)
    assert len(error.value.issues) == 1
    assert said in str(error.value)
    str(error.value).encode()


def test_all_wrong_names_are_reported_together() -> None:
    with pytest.raises(LatentclustError) as error:
        rename_clusters({}, ["1=water", "1=ice", "7=rock", "rock"], 5)
    assert [issue.where for issue in error.value.issues] == ["1=ice", "7=rock", "rock"]
    assert error.value.issues[0].what == "cluster 1 is named twice"


def test_colours_belong_to_classes_and_go_with_them() -> None:
    classes = classes_of(3, {1: "water", 2: "a=b"})
    colours = recolour_classes({"water": "#000000", "ice": "#ffffff"}, ["a=b=#2B6CB0", "cluster 3=#010203"], classes)
    assert colours == {"water": "#000000", "a=b": "#2b6cb0", "cluster 3": "#010203"}
    assert recolour_classes(colours, ["water="], classes) == {"a=b": "#2b6cb0", "cluster 3": "#010203"}


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("watr=#000000", "no cluster is named 'watr'. Did you mean 'water'?"),
        ("water=red", "'red' is not a colour. Write NAME=#rrggbb"),
        ("water=#fff", "'#fff' is not a colour"),
        ("water=#00000g", "is not a colour"),
        ("water", "has no NAME= before the colour"),
        ("=#000000", "has no NAME= before the colour"),
        ("wat\ner=#000000", r"no cluster is named "),
    ],
)
def test_a_colour_that_will_not_do_is_one_issue(pair: str, said: str) -> None:
    with pytest.raises(LatentclustError) as error:
        recolour_classes({}, [pair], ["water"])
    assert len(error.value.issues) == 1
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_class_gets_one_colour() -> None:
    with pytest.raises(LatentclustError, match="'water' has two colours"):
        recolour_classes({}, ["water=#000000", "water=#ffffff"], ["water"])


def test_names_and_colours_come_back_from_a_header() -> None:
    names, colours = {1: "water", 3: "W\u00e4lder"}, {"water": "#2b6cb0"}
    assert names_from_header(names_to_header(names, colours), 3, "file") == (names, colours)
    assert names_to_header({}, {}) == {}
    assert names_from_header({}, 3, "file") == ({}, {})


@pytest.mark.parametrize(
    "header",
    [
        {"names": ["water"]},
        {"names": {"x": "water"}},
        {"names": {"4": "water"}},
        {"names": {"1": "a\u0000"}},
        {"colours": {"water": "#000000"}},
        {"names": {"1": "water"}, "colours": {"water": "red"}},
        {"names": {"1": "water"}, "colours": "red"},
    ],
)
def test_a_header_with_other_names_is_refused(header: dict[str, object]) -> None:
    with pytest.raises(LatentclustError, match="file: the header has invalid names or colours"):
        names_from_header(header, 3, "file")
