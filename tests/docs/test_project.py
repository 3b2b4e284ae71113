"""The files for contributors: they name paths, commands and versions that exist."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def read(name: str) -> Any:
    """A YAML file of the repository."""
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_paths_in_contributing_exist(page):
    text = page("CONTRIBUTING.md").text
    named = re.findall(r"`((?:latentclust|tests|docs|plugins|benchmarks)/[\w./-]+)`", text)
    assert len(named) > 10
    generated = {"benchmarks/results/clustering-digits.json"}
    assert [path for path in {*named, *generated} if "PACKAGE" not in path and not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    "name", ["CONTRIBUTING.md", "README.md", *(f".github/workflows/{one.name}" for one in WORKFLOWS)]
)
def test_a_target_of_make_exists(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^|`|run: )make ([a-z-]+)", text, re.MULTILINE)) <= TARGETS


def test_the_citation_has_the_version_and_the_licence_of_the_project():
    citation = read("CITATION.cff")
    assert citation["version"] == PROJECT["project"]["version"]
    assert citation["license"] == PROJECT["project"]["license"]
    assert [one["name"] for one in citation["authors"]] == [one["name"] for one in PROJECT["project"]["authors"]]


def test_the_citation_has_the_four_papers():
    assert {one["identifiers"][0]["value"] for one in read("CITATION.cff")["references"]} == {
        "arXiv:1809.03627",
        "arXiv:1911.05210",
        "arXiv:2007.10004",
        "arXiv:1911.08459",
    }


def test_the_workflow_of_tests_covers_the_versions_of_the_classifiers():
    matrix = read(".github/workflows/tests.yml")["jobs"]["tests"]["strategy"]["matrix"]
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    assert matrix["python"] == versions
    assert PROJECT["project"]["requires-python"] == f">={versions[0]}"


def test_the_workflow_of_tests_covers_the_oldest_torch():
    oldest = {one.split(">=")[0]: one.split(">=")[1] for one in PROJECT["project"]["dependencies"] if "torch" in one}
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    assert f"'torch=={oldest['torch']}.*' 'torchvision=={oldest['torchvision']}.*'" in text


def test_pictures_of_the_readme_are_small():
    named = re.findall(r"!\[[^\]]+\]\((docs/images/\w+\.png)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    sizes = {name: (ROOT / name).stat().st_size for name in named}
    assert {"docs/images/digits.png", "docs/images/view.png"} <= set(sizes)
    assert max(sizes.values()) < 150_000, sizes


def test_the_tutorial_says_the_rounds_of_digits(page):
    rounds = tomllib.loads((ROOT / "recipes" / "digits.toml").read_text(encoding="utf-8"))["train"]["rounds"]
    assert f"the recipe's {rounds} rounds" in page("docs/tutorials/write-a-loss.md").text
