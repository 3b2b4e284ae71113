"""Issues in one message, and exit codes."""

import pytest

from latentclust.errors import (
    InterruptedRunError,
    Issue,
    LatentclustError,
    RunFailedError,
    did_you_mean,
    is_out_of_memory,
    printable,
    raise_all,
)


def test_an_issue_reads_where_what_and_what_to_do() -> None:
    assert str(Issue("losses.mmd.weight", "-1.0 is negative", "Use 0 or more")) == (
        "losses.mmd.weight: -1.0 is negative. Use 0 or more"
    )


def test_the_message_is_a_line_an_issue() -> None:
    error = LatentclustError(Issue("a", "b", "c"), Issue("d", "e", "f"))
    assert str(error) == "a: b. c\nd: e. f"
    assert error.issues == (Issue("a", "b", "c"), Issue("d", "e", "f"))


def test_an_error_without_an_issue_is_impossible() -> None:
    with pytest.raises(AssertionError):
        LatentclustError()


@pytest.mark.parametrize(("kind", "code"), [(LatentclustError, 2), (RunFailedError, 1), (InterruptedRunError, 130)])
def test_exit_codes(kind: type[LatentclustError], code: int) -> None:
    error = kind.at("here", "this", "do that")
    assert isinstance(error, kind)
    assert error.exit_code == code


def test_all_issues_are_raised_each_once_and_in_order() -> None:
    first, second = Issue("a", "b", "c"), Issue("d", "e", "f")
    with pytest.raises(LatentclustError) as caught:
        raise_all([first, second, Issue("a", "b", "c")])
    assert caught.value.issues == (first, second)


def test_no_issues_mean_no_error() -> None:
    raise_all([])


@pytest.mark.parametrize(
    ("name", "names", "advice"),
    [
        ("wieght", ["weight", "widths"], "Did you mean 'weight'?"),
        ("zzz", ["b", "a"], "Use one of: a, b"),
        ("zzz", [], "None is installed"),
    ],
)
def test_advice_names_the_closest_or_all(name: str, names: list[str], advice: str) -> None:
    assert did_you_mean(name, names) == advice


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("size mismatch"), False),
        (OSError(2, "No such file"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error: Exception, is_memory: bool) -> None:
    assert is_out_of_memory(error) is is_memory


def test_control_characters_are_shown_and_not_sent_to_the_terminal() -> None:
    assert printable("a\x1b]0;title\x07b\nü\u202e") == "a\\u001b]0;title\\u0007b\nü\\u202e"
