"""The examples of docs/how-to/plugins are what `plugins new` writes; laid down together, each one's recipe runs."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import Resolved, resolve
from latentclust.cli.plugins.new_plugin import COMMAND, NewPlugin
from latentclust.plugins import hookspecs
from latentclust.plugins.checks import PROVIDED, hook_kind
from latentclust.plugins.discovery import discover
from latentclust.plugins.registry import Registry, discovered
from latentclust.recipe.load import load_recipe
from latentclust.runs.fitted_model import trained_model
from latentclust.runs.report_facts import evaluate
from latentclust.train.fabric import make_fabric
from latentclust.train.setup import prepare_training
from tests.docs.scripts import load_script
from tests.new_plugins import lay_down, write

ROOT = Path(__file__).parents[2]
PENALTY = ROOT / "plugins" / "latentclust-confidence-penalty"
PAGED = (*PROVIDED, COMMAND)


def script() -> Any:
    """The module that writes the pages."""
    return load_script("docs/scripts/plugin_examples.py")


def example(kind: str) -> NewPlugin:
    """The plugin that a page writes."""
    writer = script()
    found: NewPlugin = writer.example_of(writer.page_of(kind).read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """What is installed, the plugins of all pages, and the one under plugins/."""
    site, sources = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("sources")
    lay_down([*(write(example(kind), sources) for kind in PAGED), PENALTY], site)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        discovered.cache_clear()
        yield Registry(discover())
    discovered.cache_clear()
    for name in [name for name in sys.modules if (site / name.partition(".")[0]).exists()]:
        del sys.modules[name]


@pytest.mark.parametrize("kind", PAGED)
def test_a_page_has_what_the_command_writes(kind: str, page):
    writer, text = script(), page(f"docs/how-to/plugins/{kind}.md").text
    assert writer.example_of(text).kind == kind
    assert text == writer.filled(text), "run `python docs/scripts/plugin_examples.py`"


HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("provide_"))


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_page_with_an_example(hook: str, page):
    assert f"@hookimpl\ndef {hook}()" in page(f"docs/how-to/plugins/{hook_kind(hook)}.md").section("The module")
    assert f"`{hook}`" in page("docs/how-to/write-plugins.md").section("Kinds")


def test_the_examples_load(registry: Registry):
    examples = [example(kind) for kind in PROVIDED]
    assert [
        item for item in registry.broken if item.provider.distribution in {one.distribution for one in examples}
    ] == []
    for one in examples:
        provided = [part for part in registry.parts(one.kind) if part.provider.distribution == one.distribution]
        assert len(provided) == 1


@pytest.mark.parametrize("kind", PROVIDED)
def test_the_recipe_of_a_page_runs(kind: str, registry: Registry, page, tmp_path: Path):
    *_, block = [block for block in page(f"docs/how-to/plugins/{kind}.md").blocks("toml") if "extends" in block]
    loaded = load_recipe(tomllib.loads(block), registry, ("train.rounds=2",))
    resolved = resolve(loaded, registry)
    if kind == "system":  # whose TOML is merged, and then nobody's
        assert loaded.layered.origins["losses.information.use"] == f"{example(kind).name}@1"
    elif kind == "recipe":
        assert loaded.layered.origins["networks.critic.use"] == f"{example(kind).name}.toml"
    else:
        assert example(kind).distribution in resolved.distributions
    run(resolved, tmp_path)


def run(resolved: Resolved, folder: Path) -> None:
    """Trains for two rounds, and reads out what is reported."""
    experiment, fabric = assemble(resolved, ()), make_fabric("cpu", 1)
    prepare_training(experiment, fabric, folder).run()
    model = trained_model(experiment, fabric.device)
    found = evaluate(model, experiment.data, experiment.data)
    metrics = found.scores.clustering.metrics
    assert metrics is not None
    assert found.baselines is not None
    assert set(metrics) == set(resolved.metrics)
    assert set(found.baselines) == set(resolved.baselines)


def test_the_readme_of_the_confidence_penalty_has_a_recipe_that_binds_it(page, registry: Registry):
    (block,) = page(PENALTY / "README.md").blocks("toml")
    resolved = resolve(load_recipe(tomllib.loads(block), registry), registry)
    terms = {term.name: term.reads for term in resolved.plans["encoder"].terms}
    assert terms["confidence-penalty"] == ("code_of_real",)
    assert PENALTY.name in resolved.distributions


def test_the_readme_of_the_confidence_penalty_has_its_options(page, registry: Registry):
    part = registry.find("loss", "confidence-penalty", "")
    assert set(page(PENALTY / "README.md").rows(PENALTY.name, "key")) == set(part.value.model_fields)


def test_a_loss_has_ten_lines_in_a_file_and_twenty_in_a_distribution(page):
    (source,) = (PENALTY / "src").rglob("__init__.py")
    assert code_lines(source.read_text(encoding="utf-8")) <= 20
    module, *_ = page("docs/tutorials/write-a-loss.md").blocks("python")
    assert code_lines(module) <= 10


def code_lines(source: str) -> int:
    """Lines on which code stands: neither imports nor docstrings, comments or blank lines."""
    tree = ast.parse(source)
    passed: set[int] = set()
    for node in ast.walk(tree):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if text or isinstance(node, ast.Import | ast.ImportFrom):
            passed |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(number not in passed and bool(line.partition("#")[0].strip()) for number, line in lines)


def test_lines_of_code_are_counted_as_they_say():
    assert (
        code_lines(
            '"""Words."""\n\nimport os\n\n# why\nx = 1  # one\n\n\ndef f() -> int:\n    """Words."""\n    return 2\n'
        )
        == 3
    )
