"""Error messages that the command line prints."""

import errno
from json import JSONDecodeError

import pytest
from packaging.version import InvalidVersion

from latentclust.cli.error_messages import format_message, print_error
from latentclust.errors import InterruptedRunError, Issue, LatentclustError, RunFailedError
from latentclust.plugins.compatibility import check_version
from latentclust.plugins.distributions import Distribution


def test_one_issue_is_one_line():
    error = LatentclustError.at("data.use", "there is no 'x'", "Did you mean 'y'?")

    assert format_message(error).plain == "error: data.use: there is no 'x'. Did you mean 'y'?"


def test_several_issues_are_numbered():
    error = LatentclustError(Issue("a", "is wrong", "Mend it"), Issue("b", "is absent", "Add it"))

    assert (
        format_message(error).plain
        == "error: 2 problems\n  1. a: is wrong.\n     Mend it.\n  2. b: is absent.\n     Add it."
    )


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (LatentclustError.at("a", "b", "C"), 2, "error: a: b. C.\n"),
        (RunFailedError.at("a", "b", "C"), 1, "error: a: b. C.\n"),
        (InterruptedRunError.at("a", "b", "C"), 130, "stopped: a: b. C.\n"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "error: /x: Permission denied. Check its"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 2, "error: /x: No space left on device. Free some"),
        (MemoryError("cannot allocate 1 TiB"), 1, "error: memory: ran out (cannot allocate 1 TiB). Lower"),
        (TypeError("oops\nmore"), 1, "error: internal error: a bug in latentclust (TypeError: oops). Run again with"),
    ],
)
def test_each_kind_of_error_has_its_code_and_its_words(capsys, error, code, said):
    assert print_error(error) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(said)
    assert len(captured.err.splitlines()) == 1


def test_square_brackets_are_said_as_they_are(capsys):
    print_error(LatentclustError.at("networks", "the recipe has no network 'x'", "Add [networks.x]"))

    assert capsys.readouterr().err == "error: networks: the recipe has no network 'x'. Add [networks.x].\n"


def test_a_follower_names_itself_and_leaves_the_stop_to_the_first(capsys, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LATENTCLUST_LEADER", "1")

    assert print_error(RunFailedError.at("a", "b", "C")) == 1
    assert capsys.readouterr().err == "process 1: error: a: b. C.\n"
    assert print_error(InterruptedRunError.at("a", "b", "C")) == 130
    assert capsys.readouterr().err == ""


def test_where_entry_points_are_damaged_they_are_named_first(capsys, distribution):
    """For torch itself cannot be imported then, nor anything that reads all entry points."""
    info = distribution("clust-torn")
    (info / "entry_points.txt").write_bytes(b"\xff")

    assert print_error(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")) == 1
    told = capsys.readouterr().err
    assert told.startswith(
        "error: installation: UnicodeDecodeError was raised, probably because of damaged distributions ("
    )
    assert f"clust-torn 1.2 in {info.parent}: its entry_points.txt cannot be read" in told


def test_a_bug_of_a_plugin_is_its_own(capsys, distribution):
    source = "import json\ndef bad(): json.loads('{')\ndef back(call): call()\n"
    distribution("clust-bad", source)
    import clust_bad

    def told(call):
        with pytest.raises((JSONDecodeError, InvalidVersion)) as caught:
            call()
        assert print_error(caught.value) == 1
        return capsys.readouterr().err

    assert told(clust_bad.bad).startswith("error: internal error: a bug in clust-bad 1.2 (JSONDecodeError: ")
    asking = Distribution("x", "1", "", ("latentclust>=0.1",), (), "")
    ours = told(lambda: clust_bad.back(lambda: check_version(asking, "no number")))
    assert ours.startswith("error: internal error: a bug in latentclust (InvalidVersion: ")
