"""The plugins of plugins/ import the published modules of latentclust only: the api, and the kit in their tests."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = sorted(path for path in (Path(__file__).parents[2] / "plugins").iterdir() if path.is_dir())


def imported(folder: Path) -> Iterator[str]:
    """The modules of latentclust that the files below a folder import."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "latentclust")
            elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "latentclust":
                yield str(node.module)


def test_there_are_five() -> None:
    assert [path.name for path in PLUGINS] == [
        "latentclust-confidence-penalty",
        "latentclust-dec",
        "latentclust-stego",
        "latentclust-turtle",
        "latentclust-vade",
    ]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_imports_the_api_only(plugin: Path) -> None:
    assert set(imported(plugin / "src")) == {"latentclust.api"}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_the_tests_of_a_plugin_import_published_modules_only(plugin: Path) -> None:
    assert set(imported(plugin / "tests")) <= {"latentclust", "latentclust.api", "latentclust.testing"}
