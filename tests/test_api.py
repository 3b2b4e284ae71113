"""What plugins may import, and what importing the package costs."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import latentclust
from latentclust import api

PACKAGE = Path(latentclust.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """The syntax of a file."""
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


def calls(path: Path) -> Iterator[ast.Call]:
    """Every call in a file."""
    return (node for node in nodes(path) if isinstance(node, ast.Call))


def keyword(call: ast.Call, name: str) -> object:
    """A constant keyword argument's value, or None."""
    given = [item.value for item in call.keywords if item.arg == name]
    return given[0].value if given and isinstance(given[0], ast.Constant) else None


def test_all_that_is_offered_is_there_and_sorted() -> None:
    assert sorted(api.__all__) == sorted(set(api.__all__))
    assert all(vars(api).get(name) is not None for name in api.__all__)


def test_all_that_is_offered_to_plugins_is_documented() -> None:
    classes = [vars(api)[name] for name in api.__all__ if inspect.isclass(vars(api)[name])]
    functions = [vars(api)[name] for name in api.__all__ if inspect.isfunction(vars(api)[name])]
    undocumented = [value for value in (*classes, *functions) if not inspect.getdoc(value)]
    assert undocumented == []


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = {"albumentations", "latentclust.bundled", "matplotlib", "pandas", "rasterio", "sklearn", "timm", "torch"}
    program = f"import sys, latentclust; latentclust.__version__; print(*({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_public_names_are_imported_when_they_are_used() -> None:
    assert latentclust.ClusteringModel.__module__ == "latentclust.model.model"
    assert latentclust.load.__module__ == "latentclust.model.model_file"
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = latentclust.nothing


def imports(path: Path) -> set[str]:
    """Modules that a file imports, wherever in it."""
    plain = {alias.name for node in nodes(path) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {str(node.module) for node in nodes(path) if isinstance(node, ast.ImportFrom)}


def test_nothing_is_pickled() -> None:
    picklers = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    asks = (
        "dataset_checks.py",
        "option_checks.py",
    )  # of the conformance kit: whether what it made itself reaches a worker process
    found = [path for path in SOURCES if picklers & imports(path)]
    assert [path for path in found if path.parent.name != "testing" or path.name not in asks] == []


def test_nothing_is_unpickled_by_torch_or_numpy() -> None:
    for path in SOURCES:
        for call in calls(path):
            called = ast.unparse(call.func)
            assert called != "torch.save", path
            assert called != "torch.load" or keyword(call, "weights_only") is True, path
            assert keyword(call, "allow_pickle") in (None, False), path


def test_annotations_are_evaluated_so_that_shapes_can_be_checked() -> None:
    assert [path for path in SOURCES if "__future__" in imports(path)] == []
