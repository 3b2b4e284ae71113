"""The examples of docs/plugins.md are laid down as one distribution, and the recipe that uses them all is run."""

import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from latentclust import hookspecs
from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import resolve
from latentclust.plugins import discover
from latentclust.recipe.load import load_recipe
from latentclust.registry import KINDS, Registry
from latentclust.runs.finish import trained_model
from latentclust.runs.gather import gather_facts
from latentclust.runs.outcome import outcome
from latentclust.train.devices import make_fabric
from latentclust.train.events import Silence
from latentclust.train.prepare import prepare

EXAMPLE = "latentclust-example"
PENALTY = "latentclust-confidence-penalty"
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("provide_"))

Tables = dict[str, Any]


@pytest.fixture
def recipes(page) -> dict[str, str]:
    """The TOML blocks of docs/plugins.md, by the name that each gives itself; its project's for pyproject.toml."""
    blocks = page("docs/plugins.md").blocks("toml")
    tables = [tomllib.loads(block) for block in blocks]
    return {table.get("project", table)["name"]: block for table, block in zip(tables, blocks, strict=True)}


@pytest.fixture
def lay_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Tables, str], Path]]:
    """Lays a distribution down as pip would, by its pyproject and the source of its one package; gives the package."""
    modules = []

    def install(pyproject: Tables, source: str) -> Path:
        project = pyproject["project"]
        points = project["entry-points"]["latentclust"]
        (module,) = points.values()
        package, info = tmp_path / module, tmp_path / f"{module}-{project['version']}.dist-info"
        package.mkdir()
        info.mkdir()
        (package / "__init__.py").write_text(source)
        (info / "entry_points.txt").write_text("\n".join(["[latentclust]", *(f"{k} = {v}" for k, v in points.items())]))
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        modules.append(module)
        return package

    monkeypatch.syspath_prepend(tmp_path)
    yield install
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def example(page, recipes: dict[str, str], lay_down: Callable[[Tables, str], Path]) -> Registry:
    """What is installed, and the distribution of docs/plugins.md."""
    package = lay_down(tomllib.loads(recipes[EXAMPLE]), "\n\n".join(page("docs/plugins.md").blocks("python")))
    (package / "plain.toml").write_text(recipes["plain"])
    return Registry(discover())


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_section_with_an_example(hook: str, page):
    assert f"@hookimpl\ndef {hook}()" in page("docs/plugins.md").section(hook)


def test_the_examples_load_and_provide_a_part_of_every_kind(example: Registry):
    assert [item for item in example.broken if item.provider.distribution == EXAMPLE] == []
    parts = [part for kind in KINDS for part in example.parts(kind)]
    assert {part.kind for part in parts if part.provider.distribution == EXAMPLE} == set(KINDS)


def test_the_recipe_that_uses_them_all_runs(example: Registry, recipes: dict[str, str], tmp_path: Path):
    experiment = assemble(resolve(load_recipe(tomllib.loads(recipes["blobs"]), example), example), ())
    fabric = make_fabric("cpu", 1)
    prepare(experiment, fabric, tmp_path, Silence()).run()
    model = trained_model(experiment, fabric.device)
    facts = gather_facts(model, experiment.data, experiment.data, outcome(model, experiment.data))
    assert facts.metrics is not None
    assert facts.metrics["largest-cluster"] == facts.occupancy.max() / facts.occupancy.sum()
    assert facts.baselines is not None
    assert facts.baselines["bisecting-kmeans"]["accuracy"] == 1.0


@pytest.fixture
def penalty(page, lay_down: Callable[[Tables, str], Path]) -> Registry:
    """What is installed, and the distribution under plugins/, from its source."""
    source = page(f"plugins/{PENALTY}/src/latentclust_confidence_penalty/__init__.py").text
    lay_down(tomllib.loads(page(f"plugins/{PENALTY}/pyproject.toml").text), source)
    return Registry(discover())


def test_the_readme_of_the_confidence_penalty_has_a_recipe_that_binds_it(page, penalty: Registry):
    (block,) = page(f"plugins/{PENALTY}/README.md").blocks("toml")
    resolved = resolve(load_recipe(tomllib.loads(block), penalty), penalty)
    terms = {term.name: term.reads for term in resolved.plans["encoder"].terms}
    assert terms["confidence-penalty"] == ("code_of_real",)
    assert PENALTY in resolved.distributions


def test_the_readme_of_the_confidence_penalty_has_its_options(page, penalty: Registry):
    part = penalty.find("loss", "confidence-penalty", "")
    assert set(page(f"plugins/{PENALTY}/README.md").rows(PENALTY, "key")) == set(part.value.model_fields)
