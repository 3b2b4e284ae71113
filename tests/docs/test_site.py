"""The documentation site: the pages generated from the code, and links that work in the repository and on the site."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

import latentclust
from latentclust.cli.app import app
from latentclust.plugins.options import part_options
from latentclust.plugins.registry import KINDS, Registry
from tests.docs.scripts import load_script

ROOT = Path(__file__).parents[2]
GROUP: Any = typer.main.get_command(app)


def script(name: str) -> Any:
    """A module of docs/scripts."""
    return load_script(f"docs/scripts/{name}.py")


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return dict(script("reference_pages").files())


def section(text: str, heading: str) -> str:
    """The text below a heading of the second level."""
    return f"{text}\n## ".partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("words", [words for words, _ in script("reference_pages").commands(GROUP)])
def test_the_page_of_commands_has_each_command_with_its_options(words: str, pages: dict[str, str]):
    command = dict(script("reference_pages").commands(GROUP))[words]
    context = command.make_context(words, [], resilient_parsing=True)
    text = section(pages["reference/commands.md"], words)
    names = {name for parameter in command.get_params(context) for name in parameter.opts if name.startswith("--")}
    assert {name for name in names if not re.search(rf"`[^`]*{name}\b", text)} == set()
    assert command.help.splitlines()[0] in text


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_kind_has_each_bundled_part_with_its_options(
    kind: str, registry: Registry, pages: dict[str, str]
):
    for part in registry.parts(kind):
        text = section(pages[f"reference/parts/{kind}.md"], part.name)
        assert bool(text) == part.bundled, part.name
        if part.bundled:
            assert [one.name for one in part_options(part.value) if f"| `{one.name}` | " not in text] == []


def test_the_page_of_recipe_keys_has_each_key_of_each_table(pages: dict[str, str]):
    for heading, table in script("reference_pages").TABLES.items():
        text = section(pages["reference/recipe-keys.md"], heading)
        keys = [field.alias or name for name, field in table.model_fields.items()]
        assert re.findall(r"^\| `(\w+)` \| ", text, re.MULTILINE) == keys, heading


def test_a_generated_table_has_rows_of_equal_length(pages: dict[str, str]):
    for path, text in pages.items():
        for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
            cells = {len(re.split(r"(?<!\\)\|", line)) for line in table.splitlines()}
            assert len(cells) == 1, (path, table)


@pytest.mark.parametrize(
    ("link", "source", "here", "expected"),
    [
        ("data.md#arrays", "docs/reference/recipes.md", "reference/recipes.md", "data.md#arrays"),
        ("../../CHANGELOG.md", "docs/how-to/a.md", "how-to/a.md", "../changelog.md"),
        ("../../docs/reference/hooks.md", "plugins/p/README.md", "plugins/p.md", "../reference/hooks.md"),
        ("docs/index.md", "CONTRIBUTING.md", "contributing.md", "index.md"),
        ("https://example.org/a.md", "docs/index.md", "index.md", "https://example.org/a.md"),
        ("no-such-file.md", "docs/index.md", "index.md", "no-such-file.md"),
    ],
)
def test_a_link_of_the_repository_leads_to_the_page_of_the_site(link: str, source: str, here: str, expected: str):
    assert script("site").relinked(f"[a]({link})", source, here) == f"[a]({expected})"


def test_links_in_code_stay_as_they_are():
    text = "```\n[a](../../CHANGELOG.md)\n```"
    assert script("site").relinked(text, "docs/how-to/a.md", "how-to/a.md") == text


def test_the_functions_that_the_architecture_names_exist(page):
    rows = re.findall(
        r"^\| [^|]+ \| `([\w/]+)\.py` \| `(\w+)` \|$", page("docs/explanation/architecture.md").text, re.M
    )
    assert len(rows) > 10
    for file, name in rows:
        assert hasattr(import_module(f"latentclust.{file.replace('/', '.')}"), name), f"{file}.py: {name}"


def test_the_architecture_names_every_package(page):
    packages = {path.name for path in (ROOT / "latentclust").iterdir() if (path / "__init__.py").exists()}
    cells = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", page("docs/explanation/architecture.md").section("Packages"), re.M)
    assert packages <= set(re.findall(r"`(\w+)`", " ".join(cells)))


def test_the_page_of_the_python_api_has_every_public_name(page):
    documented = re.findall(r"^::: latentclust\.(\w+)$", page("docs/reference/api/latentclust.md").text, re.M)
    assert sorted(documented) == sorted(set(latentclust.__all__) - {"__version__"})


def test_every_page_is_in_the_navigation(pages: dict[str, str]):
    navigation = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    copies = {path for path in script("site").outside().values() if path.endswith(".md")}
    assert navigation == written | set(pages) | copies | set(script("site").notebooks())
