"""A plugin's own requirement on latentclust against the installed version."""

import pytest

from latentclust.plugins.compatibility import check_version, incompatibility
from latentclust.plugins.distributions import Distribution


def asking(*requires: str, name: str = "clust-x", error: str = "") -> Distribution:
    return Distribution(name, "1.2", "", requires, (), "/site", error)


@pytest.mark.parametrize(
    ("requirement", "installed", "fits"),
    [
        ("latentclust>=0.1", "0.1.0", True),
        ("latentclust>=0.1,<0.2", "0.1.9", True),
        ("latentclust (>=0.1)", "0.1.0", True),
        ("latentclust", "0.1.0", True),
        ("LatentClust>=0.1", "0.1.0", True),
        ("latentclust[cluster,parquet]>=0.1", "0.1.0", True),
        ("latentclust>=0.1", "0.2.0rc1", True),
        ("latentclust>=0.1", "0.1.0+local", True),
        ("latentclust @ file:///somewhere", "0.1.0", True),
        ("latentclust>=2", "0.1.0", False),
        ("latentclust>=0.2", "0.2.0rc1", False),
        ("latentclust>=0.2", "0.2.0.dev3", False),
        ("latentclust<0.1", "0.1.0", False),
        ("latentclust[cluster]>=2", "0.1.0", False),
    ],
)
def test_a_requirement_is_met_or_not(requirement: str, installed: str, fits: bool) -> None:
    assert (check_version(asking("torch>=2", requirement), installed).problem == "") is fits


def test_what_is_not_met_names_both_versions() -> None:
    found = check_version(asking("latentclust>=2,<3"), "0.1.0")
    assert found.problem == "it requires latentclust<3,>=2, and latentclust 0.1.0 is installed"
    assert str(found) == found.problem
    assert incompatibility(asking("latentclust>=2,<3"), "0.1.0") == found.problem


def test_all_requirements_that_apply_must_be_met() -> None:
    both = asking("latentclust>=0.1", "latentclust<0.1")
    assert (
        check_version(both, "0.1.0").problem
        == "it requires latentclust>=0.1, latentclust<0.1, and latentclust 0.1.0 is installed"
    )


@pytest.mark.parametrize("marker", ["extra == 'test'", "python_version < '3'", "sys_platform == 'nowhere'"])
def test_a_requirement_that_does_not_apply_here_does_not_count(marker: str) -> None:
    found = check_version(asking(f"latentclust>=2; {marker}"), "0.1.0")
    assert (found.required, found.problem) == ("", "")


def test_a_marker_that_applies_counts() -> None:
    assert check_version(asking("latentclust>=2; python_version >= '3'"), "0.1.0").problem.startswith(
        "it requires latentclust>=2"
    )


def test_no_requirement_is_accepted_and_said() -> None:
    found = check_version(asking("torch>=2", "latentclust-dec>=5"), "0.1.0")
    assert found.problem == ""
    assert str(found) == "does not name latentclust, and is assumed to accept 0.1.0"


def test_a_requirement_that_is_met_is_said() -> None:
    assert str(check_version(asking("latentclust>=0.1"), "0.1.0")) == "latentclust>=0.1, which 0.1.0 meets"


@pytest.mark.parametrize(
    "text",
    [
        "latentclust>=banana",
        "latentclust >> 1",
        "latentclust>=0.1; nonsense",
        'latentclust>=0.1; sys_platform ~= "linux"',
        "latentclust>=0.1; 'x' in extras",
    ],
)
def test_a_malformed_requirement_is_refused_with_the_reason(text: str) -> None:
    found = check_version(asking(text), "0.1.0").problem
    assert found.startswith(f"its requirement {text!r} cannot be read (")


def test_a_malformed_requirement_on_something_else_is_not_ours() -> None:
    assert incompatibility(asking("torch >> 1", "latentclust>=0.1"), "0.1.0") == ""


def test_damage_is_the_first_reason() -> None:
    assert (
        incompatibility(asking("latentclust>=2", error="its METADATA has no Version"), "0.1.0")
        == "its METADATA has no Version"
    )


def test_latentclust_itself_is_never_refused() -> None:
    assert incompatibility(asking("latentclust[samples]>=9", name="latentclust"), "0.1.0") == ""
