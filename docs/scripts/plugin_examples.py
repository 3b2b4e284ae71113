"""Write the examples of docs/how-to/plugins/KIND.md as `latentclust plugins new` does.

Run `python docs/scripts/plugin_examples.py`. tests/docs/test_plugin_examples.py fails if a page is out of date.
"""

import re
from pathlib import Path

from latentclust.cli.plugins.new_plugin import COMMAND, NewPlugin
from latentclust.plugins.checks import FILES, PROVIDED

PAGES = Path(__file__).parents[1] / "how-to" / "plugins"

COMMAND_LINE = re.compile(r"^latentclust plugins new (\S+) (\S+)$", re.MULTILINE)


def page_of(kind: str) -> Path:
    """Return the page of a kind."""
    return PAGES / f"{kind}.md"


def example_of(text: str) -> NewPlugin:
    """Return the plugin that the command on a page writes."""
    found = COMMAND_LINE.search(text)
    assert found is not None, "a page of a kind has the command that writes its example"
    return NewPlugin(*found.groups())


def blocks(plugin: NewPlugin) -> dict[str, str]:
    """Return the first block below each heading of a page."""
    files = plugin.files()
    source = f"src/{plugin.module}"
    found = {
        "The module": f"```python\n{files[f'{source}/__init__.py']}```",
        "Its test": f"```python\n{files[f'tests/test_{plugin.identifier}.py']}```",
    }
    if plugin.kind in FILES:
        found["The recipe file"] = f"```toml\n{files[f'{source}/{plugin.name}.toml']}```"
    if plugin.kind != COMMAND:
        found["In a recipe"] = f"```toml\n{plugin.recipe()}```"
    return found


def filled(text: str) -> str:
    """Return a page with the current examples of the templates."""
    for heading, block in blocks(example_of(text)).items():
        first = re.compile(rf"(^## {heading}$.*?)^```.*?^```$", re.MULTILINE | re.DOTALL)
        assert first.search(text), f"a page has a heading {heading!r} with a block"
        text = first.sub(lambda found, block=block: found[1] + block, text, count=1)
    return text


if __name__ == "__main__":
    for one in (*PROVIDED, COMMAND):
        page_of(one).write_text(filled(page_of(one).read_text(encoding="utf-8")), encoding="utf-8")
