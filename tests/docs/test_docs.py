import inspect
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from latentclust.assemble.resolve import Resolved
from latentclust.cli.app import app
from latentclust.plugins.discovery import BUNDLED
from latentclust.plugins.registry import KINDS, Registry
from latentclust.recipe import schema, training_tables
from latentclust.recipe.table import Table
from tests.docs.scripts import load_script

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *DOCS,
    *sorted((ROOT / "plugins").glob("*/README.md")),
]
PAGE_NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^(?:\w+=\S+ )*latentclust (.+?)(?:\s+#.*)?$", re.MULTILINE)

TABLES = load_script("docs/scripts/reference_pages.py").TABLES


def recipe_blocks() -> list[Any]:
    """Every TOML block that has a `schema`, but for those that need a plugin."""
    found = []
    for path in (ROOT / "README.md", *DOCS):
        blocks = re.findall(r"^```toml\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        tables = [tomllib.loads(block) for block in blocks]
        named = [table for table in tables if "schema" in table and not needs_plugin(path)]
        found += [pytest.param(table, id=f"{path.name}-{table['name']}") for table in named]
    return found


def needs_plugin(path: Path) -> bool:
    """Whether the recipes of a page use a part that the reader writes."""
    return path.parent.name == "plugins" or path.name == "write-a-loss.md"


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("tables", recipe_blocks())
def test_a_recipe_in_the_docs_resolves(tables: dict[str, Any], resolved: Callable[..., Resolved]):
    assert resolved(tables).recipe.name == tables["name"]


def test_every_table_of_the_schema_has_its_section():
    known = [*vars(schema).values(), *vars(training_tables).values()]
    models = [kind for kind in known if isinstance(kind, type) and issubclass(kind, BaseModel)]
    # These have the keys of a Ramp, and their bounds stand beside `lr` and `decay`.
    described_with_another = {training_tables.LearningRamp, schema.DecayRamp}
    assert set(models) - {BaseModel, Table} - described_with_another == set(TABLES.values())


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_of_the_recipe_has_the_keys_and_defaults_of_its_schema(heading: str, page):
    rows = page("docs/reference/recipes.md").rows(heading, "key")
    fields = {field.alias or name: field for name, field in TABLES[heading].model_fields.items()}
    assert set(rows) - {"extends"} == set(fields)
    for key, field in fields.items():
        said = rows[key][2]
        if field.is_required():
            assert said == "required", key
        elif field.default is None or isinstance(field.default, BaseModel):
            assert not re.fullmatch(r"`[^`]*`|required", said), key
        else:
            assert tomllib.loads(f"value = {said.strip('`')}")["value"] == to_jsonable_python(field.default), key


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_that_ships_is_named_in_the_docs(kind: str, registry: Registry):
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCS)
    names = [part.name for part in registry.parts(kind) if part.provider.distribution == BUNDLED]
    assert [name for name in names if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("kind", "heading", "column"),
    [("quantity", "Quantities", 2), ("loss", "[losses.NAME]", 1)],
    ids=["quantity", "loss"],
)
def test_the_docs_say_what_a_quantity_or_a_loss_asks_for(
    kind: str, heading: str, column: int, page, registry: Registry
):
    rows = page("docs/reference/recipes.md").rows(heading, kind)
    parts = {part.name: part.value for part in registry.parts(kind) if part.provider.distribution == BUNDLED}
    assert set(rows) == set(parts)
    for name, value in parts.items():
        names = list(inspect.signature(value.__call__ if kind == "loss" else value).parameters)
        assert re.findall(r"`(\w+)`", rows[name][column]) == [each for each in names if each != "self"], name


def test_the_docs_say_of_a_data_set_what_it_says_of_itself(page, registry: Registry):
    data = page("docs/reference/data.md")
    rows = data.rows("Published sets", "set")
    for part in registry.parts("dataset"):
        if part.provider.distribution != BUNDLED:
            continue
        spec = part.value
        if part.name not in rows:
            assert spec.layout in data.text.replace("\\", ""), part.name
            continue
        _, holds, licence, layout, fetch = rows[part.name]
        assert (holds, licence, layout.strip("`")) == (spec.summary, spec.licence, spec.layout)
        assert (fetch == "yes") == getattr(spec, "downloads", False), part.name


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_relative_links_lead_to_files_and_headings(name: str, page):
    here = page(name)
    for target in LINK.findall(here.prose):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, anchor = target.partition("#")
        there = page((here.path.parent / file).resolve().relative_to(ROOT)) if file else here
        assert there.path.exists(), target
        assert not anchor or anchor in map(slug, there.headings()), target


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_commands_in_blocks_exist_with_their_options(name: str, page):
    for line in COMMAND.findall("\n".join(page(name).blocks("") + page(name).blocks("sh"))):
        command: Any = typer.main.get_command(app)
        words = line.split()
        while words and hasattr(command, "commands"):
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        context = command.make_context(line, [], resilient_parsing=True)
        known = {option for parameter in command.get_params(context) for option in parameter.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, line
