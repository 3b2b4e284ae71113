"""A small complete recipe, the installed registry, and third-party distributions laid down for one test."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch

from latentclust.assemble.resolve import Resolved, resolve
from latentclust.errors import Issue, LatentclustError
from latentclust.plugins.registry import Registry, discovered, installed
from latentclust.recipe.load import load_recipe
from tests.blank_figures import save_blank
from tests.browser import browser, open_page

__all__ = ["browser", "open_page"]

Tables = dict[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the seed and the number of the cases of tests/fuzz."""
    parser.addoption("--fuzz-seed", type=int, default=0, help="seed of the cases of tests/fuzz")
    parser.addoption("--fuzz-cases", type=int, default=None, help="number of cases of each test in tests/fuzz")


@pytest.fixture(autouse=True)
def _threads_restored() -> Iterator[None]:
    """Leave torch's number of threads as it was: sums differ in their last bits with it, in every later test."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _figures_left_blank(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave the figures of runs blank, except those of shared runs and of tests with the mark `drawn`.

    The figures are made as always; only the drawing, most of the time of a small run, is left out.
    """
    module = sys.modules.get("latentclust.runs.draw_figures")
    with pytest.MonkeyPatch.context() as patch:
        if module is not None and request.node.get_closest_marker("drawn") is None:
            patch.setattr(module, "save_figure", save_blank)
        yield


@pytest.fixture
def registry() -> Registry:
    """Everything that is installed."""
    return installed()


@pytest.fixture
def tables() -> Tables:
    """A recipe of three small networks on vectors; DLS-Clustering in little, and free to be spoilt."""
    return {
        "schema": 1,
        "name": "small",
        "data": {"use": "synthetic", "per_cluster": 10},
        "prior": {"use": "one-hot-gaussian", "clusters": 4, "style_dim": 3},
        "networks": {name: {"use": "mlp", "hidden": [8]} for name in ("encoder", "generator", "critic")},
        "players": {
            "critic": {"networks": ["critic"], "steps": 2},
            "generator": {"networks": ["generator", "encoder"]},
        },
        "losses": {
            "critic": {"use": "wasserstein-critic", "player": "critic"},
            "adversarial": {"use": "adversarial", "player": "generator"},
            "category-recovery": {"use": "category-recovery", "player": "generator", "weight": 10.0},
        },
        "train": {"rounds": 4, "batch_size": 8},
        "inference": {"use": "amortized"},
    }


@pytest.fixture
def resolved(registry: Registry) -> Callable[..., Resolved]:
    """Loads and resolves tables under `--set` settings."""
    return lambda tables, *settings: resolve(load_recipe(tables, registry, settings), registry)


@pytest.fixture
def issues(resolved: Callable[..., Resolved]) -> Callable[..., tuple[Issue, ...]]:
    """What is wrong with tables under settings; nothing, where they resolve."""

    def find(tables: Tables, *settings: str) -> tuple[Issue, ...]:
        try:
            resolved(tables, *settings)
        except LatentclustError as error:
            return error.issues
        return ()

    return find


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Lays down a distribution as pip would, by its name and the source of its one module, and puts it on the path.

    `points` is the text of entry_points.txt in place of one entry `parts`; `metadata` adds lines to METADATA. Gives the
    folder of the metadata.
    """
    site = tmp_path / "site-packages"
    modules: list[str] = []

    def install(name: str, source: str = "", points: str = "", metadata: str = "", version: str = "1.2") -> Path:
        module = name.replace("-", "_")
        info = site / f"{module}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}\n")
        (info / "entry_points.txt").write_text(dedent(points) or f"[latentclust]\nparts = {module}\n")
        (site / f"{module}.py").write_text(dedent(source))
        modules.append(module)
        importlib.invalidate_caches()
        return info

    monkeypatch.syspath_prepend(site)
    discovered.cache_clear()
    yield install
    discovered.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)


def lay_down(site: Path, name: str, source: str) -> str:
    """Writes a distribution of one module into a folder of packages; returns the module's name."""
    module = name.replace("-", "_")
    info = site / f"{module}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[latentclust]\nparts = {module}\n")
    (site / f"{module}.py").write_text(source)
    return module


@pytest.fixture(scope="session")
def whole_set_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the distribution of tests/train/whole_set_parts.py."""
    site = tmp_path_factory.mktemp("site-packages")
    source = Path(__file__).parent / "train" / "whole_set_parts.py"
    lay_down(site, "latentclust-whole-set", source.read_text(encoding="utf-8"))
    return site


@pytest.fixture
def whole_set(whole_set_site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Installs that distribution for one test."""
    monkeypatch.syspath_prepend(whole_set_site)
    discovered.cache_clear()
    yield
    discovered.cache_clear()
