"""What `import latentclust` gives is documented and typed throughout; what it costs is in test_api.py."""

import inspect
import typing
from importlib.metadata import version

import pytest

import latentclust


def test_the_public_names_are_there_and_documented() -> None:
    for name in set(latentclust.__all__) - {"__version__"}:
        value = getattr(latentclust, name)
        assert value.__module__.startswith("latentclust.")
        assert inspect.getdoc(value)
    assert latentclust.__version__ == version("latentclust")


@pytest.mark.parametrize("function", ["run", "load", "label"])
def test_functions_are_typed_throughout(function: str) -> None:
    value = getattr(latentclust, function)
    hints = typing.get_type_hints(value)
    assert hints.keys() == {*inspect.signature(value).parameters, "return"}
    returned = {"run": latentclust.FinishedRun, "load": latentclust.ClusteringModel, "label": latentclust.LabelReport}
    assert hints["return"] is returned[function]
