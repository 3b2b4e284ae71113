"""Hooks of mkdocs: add the generated pages and the pages outside docs/, and link to them.

A page is written for the repository, so its links lead from file to file. On the site, links to files outside docs/
lead to the copies that this module adds.
"""

import importlib.util
import os
import re
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]

LINK = re.compile(r"(\[[^\]]*\]\()([^)\s#]+)((?:#[^)\s]*)?\))")


def outside() -> dict[str, str]:
    """Return the path on the site of each file outside docs/ that is part of the site."""
    found = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
    found |= {path: f"plugins/{PurePosixPath(path).parent.name}.md" for path in _relative("plugins/*/README.md")}
    return found | {path: path for path in (*_relative("benchmarks/results/*.json"), "LICENSE", "CITATION.cff")}


def _relative(pattern: str) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern))


def notebooks() -> dict[str, Path]:
    """Return the path on the site of the page of each notebook, with the notebook."""
    found = sorted((ROOT / "docs").rglob("*.ipynb"))
    return {path.relative_to(ROOT / "docs").with_suffix(".md").as_posix(): path for path in found}


def notebook_page(notebook: Path) -> tuple[str, dict[str, bytes]]:
    """Return the page of an executed notebook, and its pictures by their path beside the page."""
    from nbconvert import MarkdownExporter

    names = {"unique_key": notebook.stem, "output_files_dir": f"{notebook.stem}-files"}
    text, resources = MarkdownExporter().from_filename(str(notebook), resources=names)
    text = re.sub(r"(\]\([^)\s]+)\.ipynb\)", r"\1.md)", text)
    return f"{text}\n[Download this notebook]({notebook.name})\n", resources["outputs"]


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are generated, and those that lie outside docs/."""
    from mkdocs.structure.files import File

    for page, notebook in notebooks().items():
        text, pictures = notebook_page(notebook)
        files.append(File.generated(config, page, content=text))
        for name, content in pictures.items():
            files.append(File.generated(config, f"{PurePosixPath(page).parent}/{name}", content=content))
    for path, text in _script("reference_pages").files().items():
        files.append(File.generated(config, path, content=text))
    for source, path in outside().items():
        files.append(File.generated(config, path, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let the links of a page lead to the copies on the site."""
    here = page.file.src_uri
    source = next((file for file, path in outside().items() if path == here), f"docs/{here}")
    return relinked(markdown, source, here)


def relinked(markdown: str, source: str, here: str) -> str:
    """Return the text of a page with its relative links as the site needs them.

    Args:
        markdown: Text of the page.
        source: Path of the page in the repository, which its links are relative to.
        here: Path of the page on the site.
    """
    copies = outside()

    def link(found: re.Match[str]) -> str:
        target = found[2]
        if "://" in target or target.startswith("mailto:"):
            return found[0]
        file = os.path.normpath(PurePosixPath(source).parent / target)
        path = file.removeprefix("docs/") if file.startswith("docs/") else copies.get(file)
        if path is None:
            return found[0]  # mkdocs reports it
        return f"{found[1]}{os.path.relpath(path, PurePosixPath(here).parent)}{found[3]}"

    blocks = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(block if block.startswith("```") else LINK.sub(link, block) for block in blocks)


def _script(name: str) -> ModuleType:
    """Import a module of this folder, which is not a package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None, "the module lies in this folder"
    assert spec.loader is not None, "a Python file has a loader"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
