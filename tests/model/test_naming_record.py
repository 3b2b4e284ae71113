"""Records of labels that named clusters: kept in the header, and true after later names by hand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from latentclust.errors import LatentclustError
from latentclust.model.naming_record import (
    NAMED_FROM,
    NamingRecord,
    naming_sentences,
    records_from_header,
    records_to_header,
    with_record,
)
from latentclust.model.stored_names import change_names, read_names, read_naming
from tests.model.test_stored_names import HEADER, write

RECORD = NamingRecord("labels.csv", "0" * 64, "images", 50, "majority", "2026-01-31", {1: "seven", 2: "two"}, ("ab12",))


def test_records_survive_the_header() -> None:
    other = replace(RECORD, unit="points and polygons", rule="one-to-one", digests=(), names={3: "a"})
    stored = json.loads(json.dumps(records_to_header([RECORD, other])))
    assert records_from_header(stored, "file") == (RECORD, other)
    assert records_to_header([]) == {}
    assert records_from_header({}, "file") == ()


@pytest.mark.parametrize(
    "wrong",
    [
        5,
        [5],
        [{}],
        [{"names": {"1": "a"}}],
        {"a": 1},
        None,
        [{**records_to_header([RECORD])[NAMED_FROM][0], "labels": 0}],
    ],
)
def test_an_invalid_record_is_refused(wrong: Any) -> None:
    with pytest.raises(LatentclustError, match="invalid record of the labels"):
        records_from_header({NAMED_FROM: wrong}, "file")


def test_a_sentence_names_the_clusters_that_still_have_their_names() -> None:
    (both,) = naming_sentences({1: "seven", 2: "two", 3: "by hand"}, [RECORD])
    assert both.startswith(
        "The names of clusters 1, 2 are from 50 labels of images (labels.csv, majority, 2026-01-31)."
    )
    (one,) = naming_sentences({1: "seven", 2: "two or three"}, [replace(RECORD, labels=1)])
    assert one.startswith("The name of cluster 1 is from 1 label of images (labels.csv,")
    assert naming_sentences({2: "seven"}, [RECORD]) == []


def test_a_new_record_replaces_what_others_say_of_its_clusters() -> None:
    new = replace(RECORD, file="more.csv", names={2: "two", 3: "nine"})
    assert with_record([RECORD], new) == (replace(RECORD, names={1: "seven"}), new)
    assert with_record([RECORD], replace(new, names={1: "a", 2: "b"})) == (replace(new, names={1: "a", 2: "b"}),)
    assert with_record([RECORD], replace(new, names={})) == (RECORD,)


def test_the_file_keeps_records_through_other_changes_and_stays_the_same_model(tmp_path: Path) -> None:
    file = write(tmp_path / "model.safetensors", dict(HEADER))
    before = read_names(file, 3)
    named = change_names(file, 3, lambda found: ({**found.names, **RECORD.names}, {}), record=RECORD)
    assert named.records == (RECORD,)
    assert named.model == before.model
    change_names(file, 3, lambda found: ({**found.names, 1: "by hand"}, {}))
    after = read_names(file, 3)
    assert after.records == (RECORD,)
    assert RECORD.valid_for(after.names) == [2]
    # Names as they were: only the record is written.
    again = replace(RECORD, file="again.csv")
    change_names(file, 3, lambda found: (found.names, found.colours), record=again)
    assert read_names(file, 3).records == (again,)


@pytest.mark.parametrize("names", [{"x": "a"}, ["a"], "a", 5, None, {"0": "a"}, {"1": "cluster 2"}])
def test_damaged_names_are_reported_where_their_records_are_read(tmp_path: Path, names: Any) -> None:
    file = write(tmp_path / "m.safetensors", {**HEADER, **records_to_header([RECORD]), "names": names})
    for read in (read_naming, lambda path: read_names(path, 3)):
        with pytest.raises(LatentclustError, match="invalid names or colours"):
            read(file)


def test_the_clusters_that_records_named_are_read_without_their_number(tmp_path: Path) -> None:
    names = {"1": "seven", "2": "by hand", "999999999": "far"}
    file = write(tmp_path / "m.safetensors", {**HEADER, **records_to_header([RECORD]), "names": names})
    assert read_naming(file) == [(RECORD, [1])]
