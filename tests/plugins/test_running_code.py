"""The recorded source of a module or a class is that of the code that runs."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from latentclust.errors import LatentclustError
from latentclust.plugins.given import load_given

SOURCE = '''
from pydantic import Field

from latentclust.api import LossSpec, Scalar, Scores

FACTOR = 2


class ScaledScores(LossSpec):
    """Scaled mean score."""

    power: int = 1
    scale: float = Field(0.5, gt=0)

    def __call__(self, score_of_fake: Scores) -> Scalar:
        return Scalar(FACTOR * self.scale * score_of_fake.mean() ** self.power)
'''

CHANGED = "ScaledScores: has changed since it was imported"

Imported = Callable[[], tuple[ModuleType, Path]]


@pytest.fixture
def imported(tmp_path: Path, monkeypatch) -> Iterator[Imported]:
    """Imports a module of the source as a user does; the module and its file."""
    path = tmp_path / "imported_scores.py"
    path.write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda: (importlib.import_module(path.stem), path)
    sys.modules.pop(path.stem, None)


def rewrite(path: Path, source: str) -> None:
    """Write a file with a later time, by which linecache and importlib see a change."""
    later = path.stat().st_mtime_ns + 10**10
    path.write_text(source)
    os.utime(path, ns=(later, later))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FACTOR * self", "3 * FACTOR * self"),
        ("power: int = 1", "power: int = 2"),
        ("Field(0.5", "Field(0.7"),
        (".mean()", ".sum()"),
    ],
)
def test_a_class_or_a_module_whose_file_was_changed_is_refused(imported: Imported, old: str, new: str) -> None:
    module, path = imported()
    rewrite(path, SOURCE.replace(old, new))
    with pytest.raises(LatentclustError, match=CHANGED):
        load_given(module.ScaledScores)
    for source in (module, module.__name__):
        with pytest.raises(LatentclustError, match=r"imported_scores: has changed .* Restart Python, or pass the \.py"):
            load_given(source)
    importlib.reload(module)
    assert load_given(module.ScaledScores).source in path.read_text()
    assert load_given(module).source == path.read_text()


def test_a_changed_constant_of_a_module_and_a_spoilt_file_are_noticed(imported: Imported) -> None:
    module, path = imported()
    for source in (SOURCE.replace("FACTOR = 2", "FACTOR = 3"), SOURCE + "x = (1,\n"):
        rewrite(path, source)
        with pytest.raises(LatentclustError, match="imported_scores: has changed since it was imported"):
            load_given(module)


def test_the_text_at_the_first_time_stays_that_of_the_module(imported: Imported) -> None:
    module, path = imported()
    first = load_given(module)
    assert first.source == SOURCE
    assert load_given(module.__name__).equals(first)
    rewrite(path, SOURCE + "# a comment\n")
    with pytest.raises(LatentclustError, match="has changed since it was imported"):
        load_given(module)
    path.unlink()
    assert load_given(module).source == SOURCE


def test_lines_above_a_class_change_nothing_of_it(imported: Imported) -> None:
    module, path = imported()
    before = load_given(module.ScaledScores)
    rewrite(path, "# a comment\n\n" + SOURCE)
    assert before.source.startswith("class ScaledScores(LossSpec):")
    assert load_given(module.ScaledScores).source in ("", before.source)


def test_a_class_that_is_not_the_one_of_its_module_has_no_known_source(imported: Imported) -> None:
    module, path = imported()
    given = module.ScaledScores
    assert load_given(given).source
    del module.ScaledScores
    rewrite(path, SOURCE.replace(".mean()", ".sum()"))
    assert load_given(given).source == ""
